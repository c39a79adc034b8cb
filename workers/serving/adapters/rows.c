/* Adds adapters' low-rank terms to the rows of one product:
 *     y[i] += ((x[i] . A[s]^T) * scale[s]) . B[s]      with s = slots[i], nothing where s < 0.
 * Factors lie in tiles of TILE columns, A as (slots, parts, inputs/TILE, stride, TILE), B as (slots,
 * outputs/TILE, stride, TILE), of `ranks[s]` used rows each, so that both are read in one straight line: with
 * an adapter per row, reading them is what takes the time.
 * Sums are in single precision and in one fixed order, so a row's result does not depend on its neighbours.
 * Up to BLOCK neighbouring rows of one slot share each load of a factor. Compiled twice, for float and bfloat16. */
#include <stdint.h>
#include <string.h>
#ifdef __AVX512BF16__
#include <immintrin.h>
#endif

#define TILE 32
#define WIDTH 16
#define BLOCK 8
#define MAX_RANK 512
#define AHEAD 4096 /* bytes */

typedef float floats __attribute__((vector_size(64), aligned(4)));
typedef uint32_t words __attribute__((vector_size(64)));
typedef uint16_t halves __attribute__((vector_size(32), aligned(2)));

static inline floats load_float(const float *p) { return *(const floats *)p; }
static inline void store_float(float *p, floats v) { *(floats *)p = v; }

static inline floats load_bfloat16(const uint16_t *p) {
    return (floats)(__builtin_convertvector(*(const halves *)p, words) << 16);
}
static inline void store_bfloat16(uint16_t *p, floats v) { /* to nearest, ties to even, as torch does */
#ifdef __AVX512BF16__
    *(halves *)p = (halves)_mm512_cvtneps_pbh((__m512)v);
#else
    words bits = (words)v;
    words rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    words is_nan = (words)((bits & 0x7fffffff) > 0x7f800000);
    *(halves *)p = __builtin_convertvector((rounded & ~is_nan) | (is_nan & 0x7fc0), halves);
#endif
}

/* sum + the products of one tile, added up within each of WIDTH places. */
static inline floats multiply_float(floats sum, const float *x, const float *a) {
    return sum + load_float(x) * load_float(a) + load_float(x + WIDTH) * load_float(a + WIDTH);
}
static inline floats multiply_bfloat16(floats sum, const uint16_t *x, const uint16_t *a) {
#ifdef __AVX512BF16__
    return (floats)_mm512_dpbf16_ps((__m512)sum, (__m512bh)_mm512_loadu_si512(x), (__m512bh)_mm512_loadu_si512(a));
#else
    return sum + load_bfloat16(x) * load_bfloat16(a) + load_bfloat16(x + WIDTH) * load_bfloat16(a + WIDTH);
#endif
}
static inline float total(floats v) {
    float sum = 0;
    for (int i = 0; i < WIDTH; i++) sum += v[i];
    return sum;
}

#define ELEMENT float
#define NAME(x) x##_float
#include "rows_body.h"
#undef ELEMENT
#undef NAME
#define ELEMENT uint16_t
#define NAME(x) x##_bfloat16
#include "rows_body.h"
