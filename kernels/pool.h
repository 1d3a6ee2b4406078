/* SPDX-License-Identifier: Apache-2.0
 *
 * Pools of a plane, as tensors with channels first have them: what the kernels pool_max_plane_f32 and
 * pool_sum_plane_f32 are given. Every output combines the elements of its window that lie in the plane; those outside
 * are neither greater than anything nor add to a sum.
 */
#ifndef LN_KERNELS_POOL_H
#define LN_KERNELS_POOL_H

#include <stddef.h>

#define LN_POOL_REACH 4

/* Output (o, p) has taps (o * stride[0] + i * dilation[0] - pad[0], p * stride[1] + j * dilation[1] - pad[1]), i <
 * kernel[0], j < kernel[1]. stride[1] is 1 or 2, and no tap is further than LN_POOL_REACH * stride[1] from p *
 * stride[1]: pad[1] and (kernel[1] - 1) * dilation[1] - pad[1] are at most that. */
typedef struct ln_pool_plane {
    const float *x; /* in[0] lines of in[1] */
    float *y;       /* out[0] lines of out[1]; does not overlap x */
    size_t in[2], out[2], kernel[2], stride[2], dilation[2], pad[2];
    const float *scale[2]; /* sums are multiplied by scale[0][o] and scale[1][p]; maxima do not read it */
} ln_pool_plane;

/* The input lines [*first, *last) in steps of dilation[0] that output line o combines. */
static inline void ln_pool_lines(const ln_pool_plane *g, size_t o, size_t *first, size_t *last)
{
    size_t at = o * g->stride[0], step = g->dilation[0], end = at + (g->kernel[0] - 1) * step + 1;
    size_t left_out = at < g->pad[0] ? (g->pad[0] - at + step - 1) / step : 0;
    *first = at + left_out * step - g->pad[0];
    *last = end < g->pad[0] ? 0 : end - g->pad[0];
    if (*last > g->in[0])
        *last = g->in[0];
}

#endif
