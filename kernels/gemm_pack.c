/* SPDX-License-Identifier: Apache-2.0
 *
 * Packing of B: panels of nr columns, each the nr biases and then K rows of nr, zeros behind the last column. Portable
 * over the descriptor, so that a plan can be made for another machine than this one.
 */
#include <string.h>

#include "kernels/gemm.h"

size_t ln_gemm_f32_packed(const ln_gemm_f32_desc *d, size_t n, size_t taps, size_t k)
{
    size_t panels = n / d->nr + (n % d->nr != 0), kk, all;
    if (__builtin_mul_overflow(taps, k, &kk) || __builtin_add_overflow(kk, 1, &kk) ||
        __builtin_mul_overflow(kk, panels * d->nr, &all) || all > SIZE_MAX / sizeof(float))
        return SIZE_MAX;
    return all;
}

/* One row of a panel: n elements at stride s, then zeros. */
static void row(float *restrict y, const float *restrict x, size_t n, size_t nr, size_t s, float scale)
{
    size_t j = 0;
    if (s == 1 && scale == 1 && n == nr) {
        memcpy(y, x, n * sizeof *y);
        return;
    }
    if (s == 1)
        for (; j < n; j++)
            y[j] = x[j] * scale;
    else
        for (; j < n; j++)
            y[j] = x[j * s] * scale;
    for (; j < nr; j++)
        y[j] = 0;
}

/* Columns of B are contiguous along k: a whole panel is a transpose; else sixteen rows of it at a time, so that each
 * line of B is read once. */
static void columns(float *restrict y, const float *restrict x, size_t k, size_t n, size_t nr, size_t s, float scale)
{
    size_t i = 0;
    if (n == nr) {
        LN_K(transpose_f32)(y, nr, x, s, n, k);
        if (scale != 1)
            LN_K(mul_f32)(y, y, &scale, k * nr, 1, 0);
        return;
    }
    for (; i + 16 <= k; i += 16, y += 16 * nr)
        for (size_t j = 0; j < nr; j++)
            for (size_t u = 0; u < 16; u++)
                y[u * nr + j] = j < n ? x[j * s + i + u] * scale : 0;
    for (; i < k; i++, y += nr)
        row(y, x + i, n, nr, s, scale);
}

static ptrdiff_t tap_offset(const ln_gemm_f32_b *b, size_t t)
{
    if (b->grid[0] == 0)
        return (ptrdiff_t)(t * b->tap_stride);
    size_t plane = b->grid[0] * b->grid[1];
    return (ptrdiff_t)(t / plane) * b->grid_stride[0] + (ptrdiff_t)(t % plane / b->grid[1]) * b->grid_stride[1] +
           (ptrdiff_t)(t % b->grid[1]) * b->grid_stride[2];
}

/* The head of a panel. */
static void head(float *y, const ln_gemm_f32_b *b, size_t j0, size_t w, size_t nr)
{
    if (b->bias)
        row(y, b->bias + j0 * b->bias_stride, w, nr, b->bias_stride, b->bias_scale);
    else
        for (size_t j = 0; j < nr; j++)
            y[j] = 0;
}

void ln_gemm_f32_pack(const ln_gemm_f32_desc *d, float *packed, size_t n, size_t taps, size_t k, const ln_gemm_f32_b *b,
                      size_t begin, size_t end)
{
    size_t nr = d->nr;
    float *y = packed + begin * nr * (taps * k + 1);
    for (size_t p = begin; p < end; p++) {
        size_t j0 = p * nr, w = n - j0 < nr ? n - j0 : nr;
        head(y, b, j0, w, nr);
        y += nr;
        for (size_t t = 0; t < taps; t++) {
            const float *x = b->b + (ptrdiff_t)(j0 * b->n_stride) + tap_offset(b, t);
            if (b->k_stride == 1) {
                columns(y, x, k, w, nr, b->n_stride, b->scale);
                y += k * nr;
            } else {
                for (size_t i = 0; i < k; i++, y += nr)
                    row(y, x + i * b->k_stride, w, nr, b->n_stride, b->scale);
            }
        }
    }
}

void ln_gemm_f32_pack_rows(const ln_gemm_f32_desc *d, float *packed, size_t n, size_t k, const ln_gemm_f32_b *b,
                           size_t begin, size_t end)
{
    size_t nr = d->nr;
    for (size_t j0 = 0; j0 < n; j0 += nr, packed += nr * (k + 1)) {
        size_t w = n - j0 < nr ? n - j0 : nr;
        float *y = packed + nr * (begin + 1);
        if (begin == 0)
            head(packed, b, j0, w, nr);
        for (size_t i = begin; i < end; i++, y += nr)
            row(y, b->b + (i - begin) * b->k_stride + j0 * b->n_stride, w, nr, b->n_stride, b->scale);
    }
}

size_t ln_gemm_f32_packed_half(const ln_gemm_f32_desc *d, size_t n, size_t k)
{
    size_t panels = n / d->nr + (n % d->nr != 0), all;
    if (__builtin_mul_overflow(k, panels * d->nr, &all) || all > SIZE_MAX / sizeof(uint16_t))
        return SIZE_MAX;
    return all;
}

void ln_gemm_f32_pack_half(const ln_gemm_f32_desc *d, uint16_t *packed, size_t n, size_t taps, size_t k,
                           const uint16_t *b, size_t n_stride, size_t tap_stride, size_t k_stride)
{
    size_t nr = d->nr;
    for (size_t j0 = 0; j0 < n; j0 += nr)
        for (size_t t = 0; t < taps; t++)
            for (size_t i = 0; i < k; i++)
                for (size_t j = j0; j < j0 + nr; j++)
                    *packed++ = j < n ? b[j * n_stride + t * tap_stride + i * k_stride] : 0;
}
