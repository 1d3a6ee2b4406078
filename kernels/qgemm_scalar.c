/* SPDX-License-Identifier: Apache-2.0
 *
 * The integer product, scalar: 4 rows by 8 columns, one k at a time. Row sums and depthwise convolution too.
 */
#include "kernels/qgemm_epilogue.h"

enum { MR = 4, NR = 8 };

static void run(void *c, const uint8_t *const *a, const void *panel, size_t m, size_t n, const ln_qgemm_args *g)
{
    const int32_t *head = panel;
    const int8_t *b = (const int8_t *)(head + 3 * NR);
    int32_t acc[MR][NR] = {{0}};
    for (size_t s = 0; s < g->segments; s++) {
        const uint8_t *row[MR];
        for (size_t i = 0; i < MR; i++)
            row[i] = a[s * g->a_stride + (i < m ? i : m - 1)];
        for (size_t k = 0; k < g->k; k++, b += NR)
            for (size_t i = 0; i < MR; i++) {
                int32_t v = (int32_t)(row[i][k] ^ g->flip);
                for (size_t j = 0; j < NR; j++) /* at most 255 * 128 * 2^16 fits; longer sums wrap as unsigned */
                    acc[i][j] = (int32_t)((uint32_t)acc[i][j] + (uint32_t)(v * b[j]));
            }
    }
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            ln_qgemm_store(c, i, j, (uint32_t)acc[i][j], head, NR, g);
}

const ln_qgemm_tile ln_qgemm_scalar = {.mr = MR, .nr = NR, .kr = 1, .run = run, .lanes = 1};

void ln_qrowsum_scalar(int32_t *sums, const uint8_t *const *a, size_t m, size_t k, uint32_t flip)
{
    for (size_t i = 0; i < m; i++) {
        uint32_t sum = 0;
        for (size_t j = 0; j < k; j++)
            sum += a[i][j] ^ flip;
        sums[i] = (int32_t)sum;
    }
}

void ln_qdepthwise_scalar(uint8_t *y, const uint8_t *const *x, size_t pixels, size_t channels,
                          const ln_qdepthwise_args *g)
{
    for (size_t p = 0; p < pixels; p++, x += g->taps)
        for (size_t c = 0; c < channels; c++) {
            uint32_t acc = (uint32_t)g->bias[c];
            for (size_t t = 0; t < g->taps; t++)
                acc += (uint32_t)((int32_t)(x[t][c] ^ g->flip) * g->w[t * g->w_stride + c]);
            size_t at = p * g->y_stride + c;
            if (g->out == LN_QGEMM_I32)
                ((int32_t *)(void *)y)[at] = (int32_t)acc;
            else
                y[at] = ln_requantize(acc, g->scale[c], g->lo, g->hi, g->y_zero);
        }
}
