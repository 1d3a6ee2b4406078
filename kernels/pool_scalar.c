/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of channels combined into one, in portable C: sixteen channels at a time stay in registers over all rows.
 * Contracts: signatures.h.
 */
#include "kernels/kernels.h"

#define BLOCK 16

static inline float larger(float a, float b)
{
    return b > a || b != b ? b : a;
}

void ln_pool_max_f32_scalar(float *y, const float *const *x, size_t rows, size_t n)
{
    for (size_t c = 0; c < n; c += BLOCK) {
        size_t w = n - c < BLOCK ? n - c : BLOCK;
        float s[BLOCK];
        for (size_t i = 0; i < w; i++)
            s[i] = -__builtin_inff();
        for (size_t r = 0; r < rows; r++)
            for (size_t i = 0; i < w; i++)
                s[i] = larger(s[i], x[r][c + i]);
        for (size_t i = 0; i < w; i++)
            y[c + i] = s[i];
    }
}

void ln_pool_sum_f32_scalar(float *y, const float *const *x, size_t rows, size_t n, float scale)
{
    for (size_t c = 0; c < n; c += BLOCK) {
        size_t w = n - c < BLOCK ? n - c : BLOCK;
        float s[BLOCK] = {0};
        for (size_t r = 0; r < rows; r++)
            for (size_t i = 0; i < w; i++)
                s[i] += x[r][c + i];
        for (size_t i = 0; i < w; i++)
            y[c + i] = s[i] * scale;
    }
}
