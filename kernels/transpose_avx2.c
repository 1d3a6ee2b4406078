/* SPDX-License-Identifier: Apache-2.0
 *
 * Transpose of a matrix of 32-bit elements: blocks of 8 x 8 in registers, two of them side by side so that whole lines
 * are written. What is left of at least four rows or columns goes by blocks of four, the last of which may overlap.
 * Contract: signatures.h.
 */
#include <immintrin.h>

#include "kernels/kernels.h"

static inline void block(float *y, size_t ldy, const float *x, size_t ldx)
{
    __m256 r[8], t[8];
#pragma GCC unroll 8
    for (size_t i = 0; i < 4; i++) {
        r[i] =
            _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(x + i * ldx)), _mm_loadu_ps(x + (i + 4) * ldx), 1);
        r[i + 4] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(x + i * ldx + 4)),
                                        _mm_loadu_ps(x + (i + 4) * ldx + 4), 1);
    }
#pragma GCC unroll 2
    for (size_t h = 0; h < 8; h += 4) {
        t[h] = _mm256_unpacklo_ps(r[h], r[h + 1]);
        t[h + 1] = _mm256_unpackhi_ps(r[h], r[h + 1]);
        t[h + 2] = _mm256_unpacklo_ps(r[h + 2], r[h + 3]);
        t[h + 3] = _mm256_unpackhi_ps(r[h + 2], r[h + 3]);
        _mm256_storeu_ps(y + h * ldy, _mm256_shuffle_ps(t[h], t[h + 2], 0x44));
        _mm256_storeu_ps(y + (h + 1) * ldy, _mm256_shuffle_ps(t[h], t[h + 2], 0xee));
        _mm256_storeu_ps(y + (h + 2) * ldy, _mm256_shuffle_ps(t[h + 1], t[h + 3], 0x44));
        _mm256_storeu_ps(y + (h + 3) * ldy, _mm256_shuffle_ps(t[h + 1], t[h + 3], 0xee));
    }
}

/* Four rows of eight columns. */
static inline void band(float *y, size_t ldy, const float *x, size_t ldx)
{
    __m256 a = _mm256_loadu_ps(x), b = _mm256_loadu_ps(x + ldx), c = _mm256_loadu_ps(x + 2 * ldx);
    __m256 d = _mm256_loadu_ps(x + 3 * ldx);
    __m256 low = _mm256_unpacklo_ps(a, b), high = _mm256_unpackhi_ps(a, b);
    __m256 low2 = _mm256_unpacklo_ps(c, d), high2 = _mm256_unpackhi_ps(c, d);
    __m256 t[4] = {_mm256_shuffle_ps(low, low2, 0x44), _mm256_shuffle_ps(low, low2, 0xee),
                   _mm256_shuffle_ps(high, high2, 0x44), _mm256_shuffle_ps(high, high2, 0xee)};
    if (ldy == 4) {
        _mm256_storeu_ps(y, _mm256_permute2f128_ps(t[0], t[1], 0x20));
        _mm256_storeu_ps(y + 8, _mm256_permute2f128_ps(t[2], t[3], 0x20));
        _mm256_storeu_ps(y + 16, _mm256_permute2f128_ps(t[0], t[1], 0x31));
        _mm256_storeu_ps(y + 24, _mm256_permute2f128_ps(t[2], t[3], 0x31));
        return;
    }
#pragma GCC unroll 4
    for (size_t j = 0; j < 4; j++) {
        _mm_storeu_ps(y + j * ldy, _mm256_castps256_ps128(t[j]));
        _mm_storeu_ps(y + (j + 4) * ldy, _mm256_extractf128_ps(t[j], 1));
    }
}

static inline void block4(float *y, size_t ldy, const float *x, size_t ldx)
{
    __m128 a = _mm_loadu_ps(x), b = _mm_loadu_ps(x + ldx), c = _mm_loadu_ps(x + 2 * ldx), d = _mm_loadu_ps(x + 3 * ldx);
    _MM_TRANSPOSE4_PS(a, b, c, d);
    _mm_storeu_ps(y, a);
    _mm_storeu_ps(y + ldy, b);
    _mm_storeu_ps(y + 2 * ldy, c);
    _mm_storeu_ps(y + 3 * ldy, d);
}

static void edge(float *y, size_t ldy, const float *x, size_t ldx, size_t rows, size_t cols)
{
    if (rows < 4 || cols < 4) {
        for (size_t j = 0; j < cols; j++)
            for (size_t i = 0; i < rows; i++)
                y[j * ldy + i] = x[i * ldx + j];
        return;
    }
    for (size_t i = 0;; i = i + 8 <= rows ? i + 4 : rows - 4) {
        size_t j = 0;
        for (; j + 8 <= cols; j += 8)
            band(y + j * ldy + i, ldy, x + i * ldx + j, ldx);
        for (; j < cols; j += 4) {
            j = j + 4 <= cols ? j : cols - 4;
            block4(y + j * ldy + i, ldy, x + i * ldx + j, ldx);
        }
        if (i + 4 == rows)
            return;
    }
}

static void panel(float *y, size_t ldy, const float *x, size_t ldx, size_t rows, size_t cols)
{
    size_t i = 0, whole = cols / 8 * 8;
    for (; i + 16 <= rows; i += 16) {
        for (size_t j = 0; j < whole; j += 8) {
            block(y + j * ldy + i, ldy, x + i * ldx + j, ldx);
            block(y + j * ldy + i + 8, ldy, x + (i + 8) * ldx + j, ldx);
        }
        edge(y + whole * ldy + i, ldy, x + i * ldx + whole, ldx, 16, cols - whole);
    }
    for (; i + 8 <= rows; i += 8) {
        for (size_t j = 0; j < whole; j += 8)
            block(y + j * ldy + i, ldy, x + i * ldx + j, ldx);
        edge(y + whole * ldy + i, ldy, x + i * ldx + whole, ldx, 8, cols - whole);
    }
    edge(y + i, ldy, x + i * ldx, ldx, rows - i, cols);
}

/* Rows of y that lie a multiple of 2 KB apart fight for the same few sets of the first cache: then sixteen at a time.
 */
void ln_transpose_f32_avx2(float *y, size_t ldy, const float *x, size_t ldx, size_t rows, size_t cols)
{
    const size_t width = ldy % 512 ? cols : 16;
    for (size_t j = 0; j < cols; j += width)
        panel(y + j * ldy, ldy, x + j, ldx, rows, cols - j < width ? cols - j : width);
}
