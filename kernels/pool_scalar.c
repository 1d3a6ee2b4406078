/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of channels combined into one, in portable C: sixteen channels at a time stay in registers over all rows. Pools
 * of a plane one output after another. Contracts: signatures.h, pool.h.
 */
#include "kernels/kernels.h"
#include "kernels/pool.h"

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

static inline void plane(const ln_pool_plane *g, int max)
{
    for (size_t o = 0; o < g->out[0]; o++) {
        size_t first, last;
        ln_pool_lines(g, o, &first, &last);
        for (size_t p = 0; p < g->out[1]; p++) {
            float s = max ? -__builtin_inff() : 0;
            for (size_t i = first; i < last; i += g->dilation[0])
                for (size_t j = 0; j < g->kernel[1]; j++) {
                    size_t at = p * g->stride[1] + j * g->dilation[1] - g->pad[1]; /* wraps before the line */
                    if (at >= g->in[1])
                        continue;
                    float x = g->x[i * g->in[1] + at];
                    s = max ? larger(s, x) : s + x;
                }
            g->y[o * g->out[1] + p] = max ? s : s * g->scale[0][o] * g->scale[1][p];
        }
    }
}

void ln_pool_max_plane_f32_scalar(const ln_pool_plane *g)
{
    plane(g, 1);
}

void ln_pool_sum_plane_f32_scalar(const ln_pool_plane *g)
{
    plane(g, 0);
}
