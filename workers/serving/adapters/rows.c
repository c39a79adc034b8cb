/* Adds adapters' low-rank terms to the rows of one product:
 *     y[i] += ((x[i] . A[s]^T) * scale[s]) . B[s]      with s = slots[i], nothing where s < 0.
 * A is (slots, parts, stride, inputs), B is (slots, stride, outputs), of `ranks[s]` used rows each.
 * Sums are in single precision and in one fixed order, so a row's result does not depend on its neighbours.
 * Up to BLOCK neighbouring rows of one slot share each load of a factor. Compiled twice, for float and bfloat16. */
#include <stdint.h>
#include <string.h>

#define WIDTH 16
#define BLOCK 4
#define MAX_RANK 512
#define MAX_PARTS 3

typedef float floats __attribute__((vector_size(64), aligned(4)));
typedef uint32_t words __attribute__((vector_size(64)));
typedef uint16_t halves __attribute__((vector_size(32), aligned(2)));

static inline floats load_float(const float *p) { return *(const floats *)p; }
static inline float one_float(const float *p) { return *p; }
static inline void put_float(float *p, float v) { *p = v; }

static inline floats load_bfloat16(const uint16_t *p) {
    return (floats)(__builtin_convertvector(*(const halves *)p, words) << 16);
}
static inline float one_bfloat16(const uint16_t *p) {
    uint32_t bits = (uint32_t)*p << 16;
    float value;
    memcpy(&value, &bits, 4);
    return value;
}
static inline void put_bfloat16(uint16_t *p, float value) { /* to nearest, ties to even, as torch does */
    uint32_t bits;
    memcpy(&bits, &value, 4);
    if ((bits & 0x7fffffff) > 0x7f800000) { *p = 0x7fc0; return; }
    *p = (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}
static inline void store_float(float *p, floats v) { *(floats *)p = v; }
static inline void store_bfloat16(uint16_t *p, floats v) {
    words bits = (words)v;
    words rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    words is_nan = (words)((bits & 0x7fffffff) > 0x7f800000);
    *(halves *)p = __builtin_convertvector((rounded & ~is_nan) | (is_nan & 0x7fc0), halves);
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
