/* One element type's half of rows.c; ELEMENT and NAME are set there. */

/* inner[r][j] = x[r] . a[j] for `count` rows of x (already float) and four rows of a, at `pitch` apart. */
static inline __attribute__((always_inline)) void NAME(dots)(
    int count, int64_t inputs, const float *x, const ELEMENT *a, int64_t pitch, float *inner, int64_t inner_pitch)
{
    floats sums[BLOCK][4];
    memset(sums, 0, sizeof sums);
    int64_t k = 0;
    for (; k + WIDTH <= inputs; k += WIDTH) {
        floats factor[4];
        for (int j = 0; j < 4; j++) factor[j] = NAME(load)(a + j * pitch + k);
        for (int r = 0; r < count; r++) {
            floats value = load_float(x + r * inputs + k);
            for (int j = 0; j < 4; j++) sums[r][j] += value * factor[j];
        }
    }
    for (int r = 0; r < count; r++)
        for (int j = 0; j < 4; j++) {
            float sum = total(sums[r][j]);
            for (int64_t rest = k; rest < inputs; rest++) sum += x[r * inputs + rest] * NAME(one)(a + j * pitch + rest);
            inner[r * inner_pitch + j] = sum;
        }
}

static inline __attribute__((always_inline)) void NAME(dot)(
    int count, int64_t inputs, const float *x, const ELEMENT *a, float *inner, int64_t inner_pitch)
{
    floats sums[BLOCK];
    memset(sums, 0, sizeof sums);
    int64_t k = 0;
    for (; k + WIDTH <= inputs; k += WIDTH) {
        floats factor = NAME(load)(a + k);
        for (int r = 0; r < count; r++) sums[r] += load_float(x + r * inputs + k) * factor;
    }
    for (int r = 0; r < count; r++) {
        float sum = total(sums[r]);
        for (int64_t rest = k; rest < inputs; rest++) sum += x[r * inputs + rest] * NAME(one)(a + rest);
        inner[r * inner_pitch] = sum;
    }
}

/* y[r][first..last) += sum_j inner[r][j] * b[j][first..last), two vectors of columns at a time. */
static inline __attribute__((always_inline)) void NAME(expand)(
    int count, int64_t first, int64_t last, int rank, const float *inner, int64_t inner_pitch,
    const ELEMENT *b, int64_t b_pitch, ELEMENT *y, int64_t y_pitch)
{
    int64_t o = first;
    for (; o + 2 * WIDTH <= last; o += 2 * WIDTH) {
        floats low[BLOCK], high[BLOCK];
        for (int r = 0; r < count; r++) {
            low[r] = NAME(load)(y + r * y_pitch + o);
            high[r] = NAME(load)(y + r * y_pitch + o + WIDTH);
        }
        for (int j = 0; j < rank; j++) {
            floats left = NAME(load)(b + j * b_pitch + o), right = NAME(load)(b + j * b_pitch + o + WIDTH);
            for (int r = 0; r < count; r++) {
                float weight = inner[r * inner_pitch + j];
                low[r] += weight * left;
                high[r] += weight * right;
            }
        }
        for (int r = 0; r < count; r++) {
            NAME(store)(y + r * y_pitch + o, low[r]);
            NAME(store)(y + r * y_pitch + o + WIDTH, high[r]);
        }
    }
    for (; o < last; o++)
        for (int r = 0; r < count; r++) {
            float sum = NAME(one)(y + r * y_pitch + o);
            for (int j = 0; j < rank; j++) sum += inner[r * inner_pitch + j] * NAME(one)(b + j * b_pitch + o);
            NAME(put)(y + r * y_pitch + o, sum);
        }
}

static inline __attribute__((always_inline)) void NAME(block)(
    int count, int64_t inputs, int64_t outputs, int64_t stride, int64_t parts, const int64_t *ends, int rank,
    const ELEMENT *x, int64_t x_pitch, ELEMENT *y, int64_t y_pitch, const ELEMENT *a, const ELEMENT *b,
    const float *scales, float *wide)
{
    float inner[BLOCK * MAX_RANK];
    for (int r = 0; r < count; r++)
        for (int64_t k = 0; k < inputs; k++) wide[r * inputs + k] = NAME(one)(x + r * x_pitch + k);
    for (int64_t part = 0; part < parts; part++) {
        float scale = scales[part];
        if (scale == 0) continue;
        const ELEMENT *rows = a + part * stride * inputs;
        int j = 0;
        for (; j + 4 <= rank; j += 4) NAME(dots)(count, inputs, wide, rows + j * inputs, inputs, inner + j, MAX_RANK);
        for (; j < rank; j++) NAME(dot)(count, inputs, wide, rows + j * inputs, inner + j, MAX_RANK);
        for (int r = 0; r < count; r++)
            for (j = 0; j < rank; j++) inner[r * MAX_RANK + j] *= scale;
        NAME(expand)(count, part ? ends[part - 1] : 0, ends[part], rank, inner, MAX_RANK, b, outputs, y, y_pitch);
    }
}

/* `wide` has room for BLOCK * inputs floats. */
void NAME(add_rows)(
    int64_t rows, int64_t inputs, int64_t outputs, int64_t stride, int64_t parts, const int64_t *ends,
    const ELEMENT *x, int64_t x_pitch, ELEMENT *y, int64_t y_pitch, const ELEMENT *a, const ELEMENT *b,
    const float *scales, const int32_t *ranks, const int32_t *slots, float *wide)
{
    for (int64_t row = 0; row < rows;) {
        int64_t slot = slots[row];
        if (slot < 0) { row++; continue; }
        int count = 1;
        while (count < BLOCK && row + count < rows && slots[row + count] == slot) count++;
        const ELEMENT *down = a + slot * parts * stride * inputs, *up = b + slot * stride * outputs;
        const ELEMENT *from = x + row * x_pitch;
        ELEMENT *to = y + row * y_pitch;
#define RUN(n) NAME(block)(n, inputs, outputs, stride, parts, ends, ranks[slot], from, x_pitch, to, y_pitch, \
                           down, up, scales + slot * parts, wide)
        switch (count) { /* the number of rows is a constant in each: their sums stay in registers */
            case 1: RUN(1); break;
            case 2: RUN(2); break;
            case 3: RUN(3); break;
            default: RUN(BLOCK);
        }
#undef RUN
        row += count;
    }
}
