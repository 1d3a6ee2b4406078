/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise convolution of planes, output by output. Contract: conv.h.
 */
#include "kernels/conv.h"
#include "kernels/kernels.h"

static float window(const ln_dw_planes *d, const float *x, const float *w, size_t o, size_t p, float sum)
{
    for (size_t i = 0; i < d->k; i++)
        for (size_t j = 0; j < d->k; j++) {
            size_t line = o * d->stride + i - d->pad[0], column = p * d->stride + j - d->pad[1]; /* wrap below 0 */
            if (line < d->in[0] && column < d->in[1])
                sum += x[line * d->in[1] + column] * w[i * d->k + j];
        }
    return sum;
}

void ln_dwplanes_f32_scalar(const ln_dw_planes *d)
{
    const float *x = d->x, *w = d->w;
    size_t at = 0;
    for (size_t n = 0; n < d->planes; n++, x += d->in[0] * d->in[1], w += d->k * d->k)
        for (size_t o = 0; o < d->out[0]; o++)
            for (size_t p = 0; p < d->out[1]; p++, at++) {
                float sum = window(d, x, w, o, p, d->bias ? d->bias[n] : 0);
                sum = d->r ? sum + d->r[at] : sum;
                sum = sum < d->lo ? d->lo : sum;
                d->y[at] = sum > d->hi ? d->hi : sum;
            }
}
