/* One element type's half of rows.c; ELEMENT and NAME are set there. `count` and `width` are constants wherever
 * these are called, so that the compiler keeps their sums in registers. */

/* inner[r][j] = scale * (x[r] . a[j]) for `count` rows of x and `width` rows of a. */
static inline __attribute__((always_inline)) void NAME(shrink)(
    int count, int width, int64_t tiles, int64_t stride, const ELEMENT *x, int64_t x_pitch, const ELEMENT *a,
    float scale, float *inner)
{
    floats sums[BLOCK][8];
    memset(sums, 0, sizeof sums);
    for (int64_t tile = 0; tile < tiles; tile++) {
        const ELEMENT *factor = a + tile * stride * TILE;
        for (int j = 0; j < width; j++) {
            __builtin_prefetch((const char *)(factor + j * TILE) + AHEAD);
            for (int r = 0; r < count; r++)
                sums[r][j] = NAME(multiply)(sums[r][j], x + r * x_pitch + tile * TILE, factor + j * TILE);
        }
    }
    for (int r = 0; r < count; r++)
        for (int j = 0; j < width; j++) inner[r * MAX_RANK + j] = scale * total(sums[r][j]);
}

/* y[r] += sum_j inner[r][j] * b[j], one tile of columns at a time. */
static inline __attribute__((always_inline)) void NAME(expand)(
    int count, int64_t tiles, int64_t stride, int rank, const float *inner, const ELEMENT *b, ELEMENT *y,
    int64_t y_pitch)
{
    for (int64_t tile = 0; tile < tiles; tile++) {
        const ELEMENT *factor = b + tile * stride * TILE;
        floats low[BLOCK], high[BLOCK];
        for (int r = 0; r < count; r++) {
            low[r] = NAME(load)(y + r * y_pitch + tile * TILE);
            high[r] = NAME(load)(y + r * y_pitch + tile * TILE + WIDTH);
        }
        for (int j = 0; j < rank; j++) {
            __builtin_prefetch((const char *)(factor + j * TILE) + AHEAD);
            floats left = NAME(load)(factor + j * TILE), right = NAME(load)(factor + j * TILE + WIDTH);
            for (int r = 0; r < count; r++) {
                low[r] += inner[r * MAX_RANK + j] * left;
                high[r] += inner[r * MAX_RANK + j] * right;
            }
        }
        for (int r = 0; r < count; r++) {
            NAME(store)(y + r * y_pitch + tile * TILE, low[r]);
            NAME(store)(y + r * y_pitch + tile * TILE + WIDTH, high[r]);
        }
    }
}

static inline __attribute__((always_inline)) void NAME(block)(
    int count, int64_t inputs, int64_t stride, int64_t parts, const int64_t *ends, int rank, const ELEMENT *x,
    int64_t x_pitch, ELEMENT *y, int64_t y_pitch, const ELEMENT *a, const ELEMENT *b, const float *scales)
{
    float inner[BLOCK * MAX_RANK];
    int64_t tiles = inputs / TILE, first = 0;
    for (int64_t part = 0; part < parts; first = ends[part++]) {
        const ELEMENT *down = a + part * inputs * stride;
        int j = 0;
        if (scales[part] == 0) continue;
#define SHRINK(width) \
    for (; j + width <= rank; j += width) \
        NAME(shrink)(count, width, tiles, stride, x, x_pitch, down + j * TILE, scales[part], inner + j)
        if (count <= 2) SHRINK(8);
        if (count <= 4) SHRINK(4);
        SHRINK(2);
        SHRINK(1);
#undef SHRINK
        NAME(expand)(count, (ends[part] - first) / TILE, stride, rank, inner, b + first * stride, y + first, y_pitch);
    }
}

/* `ends` are the parts' last columns (exclusive); pitches are in elements. */
void NAME(add_rows)(
    int64_t rows, int64_t inputs, int64_t outputs, int64_t stride, int64_t parts, const int64_t *ends,
    const ELEMENT *x, int64_t x_pitch, ELEMENT *y, int64_t y_pitch, const ELEMENT *a, const ELEMENT *b,
    const float *scales, const int32_t *ranks, const int32_t *slots)
{
    for (int64_t row = 0; row < rows;) {
        int64_t slot = slots[row];
        if (slot < 0) { row++; continue; }
        int count = 1;
        while (count < BLOCK && row + count < rows && slots[row + count] == slot) count++;
#define RUN(n) NAME(block)(n, inputs, stride, parts, ends, ranks[slot], x + row * x_pitch, x_pitch, y + row * y_pitch, \
                           y_pitch, a + slot * parts * stride * inputs, b + slot * stride * outputs, scales + slot * parts)
        switch (count) {
            case 1: RUN(1); break;
            case 2: RUN(2); break;
            case 3: RUN(3); break;
            case 4: RUN(4); break;
            case 5: RUN(5); break;
            case 6: RUN(6); break;
            case 7: RUN(7); break;
            default: RUN(BLOCK);
        }
#undef RUN
        row += count;
    }
}
