/* SPDX-License-Identifier: Apache-2.0
 *
 * Parameters of a pool, which its operator files share: pool.c infers and plans, pool_any.c runs every type with
 * channels first, pool_f32.c float32 with channels last, pool_image.c and pool_planes.c float32 with channels first.
 */
#ifndef LN_OPS_POOL_H
#define LN_OPS_POOL_H

#include "ops/fused.h"
#include "ops/spatial.h"

enum { LN_POOL_MAX, LN_POOL_AVERAGE, LN_POOL_LP };

typedef struct ln_pool {
    ln_window window;
    int64_t channels_last, storage_order, count_include_pad, p;
    /* By plan. Spatial sizes are three, with leading ones. */
    int64_t batch, channels, in_pixels, out_pixels, taps;
    int64_t in[3], out[3], kernel[3], stride[3], dilation[3], pad[3], pad_end[3];
    int64_t index[3]; /* strides of the numbers in Indices */
    int32_t kind, indices;
    int64_t worker; /* bytes of scratch of a worker */
    int64_t line;   /* elements of a line with its padding, channels first */
} ln_pool_params;

/* Positions of the window in dimension d at output o: taps [*first, *last) lie in the input, *counted of them in the
 * input or its padding. */
static inline int64_t ln_pool_range(const ln_pool_params *p, int32_t d, int64_t o, int64_t *first, int64_t *last,
                                    int64_t *counted)
{
    int64_t start = o * p->stride[d] - p->pad[d], step = p->dilation[d];
    int64_t lo = start < 0 ? (-start + step - 1) / step : 0;
    int64_t hi = start < p->in[d] ? (p->in[d] - start + step - 1) / step : 0;
    int64_t end = p->in[d] + p->pad_end[d], all = start < end ? (end - start + step - 1) / step : 0;
    *first = lo < p->kernel[d] ? lo : p->kernel[d];
    *last = hi < p->kernel[d] ? hi : p->kernel[d];
    *counted = all < p->kernel[d] ? all : p->kernel[d];
    return start;
}

linnet_status ln_pool_plan_any(ln_ctx *c, const ln_pool_params *p);
linnet_status ln_pool_plan_f32(ln_ctx *c, ln_pool_params *p); /* channels last, no Indices */
/* MaxPool and AveragePool of float32, channels first, no Indices; sizes so small that products of two do not overflow.
 * An image has two dimensions and a window that the kernels of a plane can do. */
linnet_status ln_pool_plan_planes(ln_ctx *c, ln_pool_params *p);
bool ln_pool_is_image(const ln_pool_params *p);
linnet_status ln_pool_plan_image(ln_ctx *c, const ln_pool_params *p);

#endif
