/* SPDX-License-Identifier: Apache-2.0
 *
 * Granularity of scales: see quant.h.
 */
#include <math.h>
#include <string.h>

#include "kernels/kernels.h"
#include "ops/quant.h"

linnet_status ln_quant_grid_of(ln_ctx *c, const ln_info *x, const ln_info *scale, int64_t axis, int64_t block,
                               ln_quant_grid *g)
{
    int64_t count = ln_info_count(x);
    *g = (ln_quant_grid){.segments = 1, .n = count, .dim = 1};
    bool one = ln_info_count(scale) == 1;
    if (one && (scale->rank == 0 || (scale->rank == 1 && block == 0)))
        return LINNET_OK;
    if (x->rank == 0)
        return ln_fail(c, LINNET_ERR_MODEL, "a scale of rank %d does not go with a scalar", scale->rank);
    int32_t ax;
    if (x->rank == 1 && (axis < -1 || axis > 0))
        axis = 0;
    LN_TRY(ln_axis(c, axis, x->rank, &ax));
    int64_t outer = 1, inner = 1, dim = x->dims[ax];
    for (int32_t i = 0; i < x->rank; i++)
        if (i < ax)
            outer *= x->dims[i];
        else if (i > ax)
            inner *= x->dims[i];
    if (block == 0) {
        if (scale->rank != 1)
            return ln_fail(c, LINNET_ERR_MODEL, "scale has rank %d, but block_size is not given", scale->rank);
        LN_TRY(ln_check_dim(c, scale->dims[0], dim, "number of scales"));
        g->per_axis = 1;
        g->dim = dim;
        if (inner == 1) {
            g->vector = 1;
            g->segments = outer;
            g->n = dim;
        } else {
            g->segments = outer * dim;
            g->n = inner;
        }
        return LINNET_OK;
    }
    if (scale->rank != x->rank)
        return ln_fail(c, LINNET_ERR_MODEL, "scale has rank %d, x has rank %d, and block_size is %lld", scale->rank,
                       x->rank, (long long)block);
    for (int32_t i = 0; i < x->rank; i++)
        LN_TRY(ln_check_dim(c, scale->dims[i], i == ax ? (dim + block - 1) / block : x->dims[i],
                            "a dimension of the scale"));
    g->block = block;
    g->blocks = (dim + block - 1) / block;
    g->dim = dim;
    g->vector = inner > 1;
    g->segments = inner > 1 ? outer * dim : outer * g->blocks;
    g->n = inner > 1 ? inner : block;
    return LINNET_OK;
}

void ln_quant_segment(const ln_quant_grid *g, int64_t segment, int64_t *at, int64_t *n, int64_t *scale)
{
    *n = g->n;
    *at = segment * g->n;
    *scale = 0;
    if (g->per_axis) {
        *scale = g->vector ? 0 : segment % g->dim;
    } else if (g->block > 0 && g->vector) {
        int64_t outer = segment / g->dim, d = segment % g->dim;
        *scale = (outer * g->blocks + d / g->block) * g->n;
    } else if (g->block > 0) {
        int64_t outer = segment / g->blocks, b = segment % g->blocks;
        *at = outer * g->dim + b * g->block;
        if (b == g->blocks - 1)
            *n = g->dim - b * g->block;
        *scale = segment;
    }
}

typedef struct quant_job {
    const ln_quant_grid *grid;
    ln_quant_fn *fn;
    const void *arg;
} quant_job;

static void segments(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const quant_job *j = arg;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        int64_t at, n, scale;
        ln_quant_segment(j->grid, i, &at, &n, &scale);
        j->fn(j->arg, at, n, scale);
    }
}

/* Of the one segment of a tensor with one scale. */
static void elements(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const quant_job *j = arg;
    (void)worker;
    j->fn(j->arg, begin, end - begin, 0);
}

void ln_quant_run(const ln_args *a, const ln_quant_grid *g, double cost, ln_quant_fn *fn, const void *arg)
{
    quant_job j = {g, fn, arg};
    if (g->segments == 1 && !g->vector)
        ln_parallel(a, g->n, cost, elements, &j);
    else
        ln_parallel(a, g->segments, cost * (double)g->n, segments, &j);
}

linnet_status ln_quant_check(ln_ctx *c, int64_t axis, int64_t block)
{
    const ln_info *x = c->in[0], *s = c->in[1], *z = ln_in(c, 2);
    if (block < 0 || block > INT32_MAX)
        return ln_fail(c, LINNET_ERR_MODEL, "block_size %lld", (long long)block);
    if (z && z->rank >= 0 && s->rank >= 0) {
        /* Exporters mix scalars and vectors of one element. */
        bool ones = ln_maybe_scalar(z) && ln_maybe_scalar(s);
        if (z->rank != s->rank && !ones)
            return ln_fail(c, LINNET_ERR_MODEL, "zero point has rank %d, scale has rank %d", z->rank, s->rank);
        for (int32_t i = 0; i < s->rank && !ones; i++)
            LN_TRY(ln_check_dim(c, z->dims[i], s->dims[i], "a dimension of the zero point"));
    }
    if (ln_info_known(x) && ln_info_known(s)) {
        ln_quant_grid g;
        LN_TRY(ln_quant_grid_of(c, x, s, axis, block, &g));
    }
    return LINNET_OK;
}

void ln_dynamic_range(const float *x, int64_t n, float *low, float *high)
{
    *low = n > 0 ? LN_K(least_f32)(x, (size_t)n, 0) : 0;
    *high = n > 0 ? LN_K(greatest_f32)(x, (size_t)n, 0) : 0;
    *low = *low > 0 ? 0 : *low;
    *high = *high < 0 ? 0 : *high;
}

void ln_dynamic_scale(float *scale, uint8_t *zero, float low, float high)
{
    *scale = (high - low) / 255;
    *zero = 0;
    if (*scale > 0) {
        float z = rintf(-low / *scale);
        *zero = z >= 255 ? 255 : z > 0 ? (uint8_t)z : 0;
    }
}

void ln_dynamic_quantize(uint8_t *y, float *scale, uint8_t *zero, const float *x, int64_t n)
{
    float low, high;
    ln_dynamic_range(x, n, &low, &high);
    ln_dynamic_scale(scale, zero, low, high);
    if (*scale > 0)
        LN_K(quantize8)(y, x, (size_t)n, *scale, *zero, 0);
    else if (n > 0)
        memset(y, 0, (size_t)n);
}
