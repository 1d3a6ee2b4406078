/* SPDX-License-Identifier: Apache-2.0
 *
 * MaxPool and AveragePool of float32 over images as the file has them, channels first, with strides of 1 or 2 and small
 * windows along the line: a plane is one call of a kernel (kernels/pool.h). The other shapes are pool_planes.c's.
 */
#include "kernels/kernels.h"
#include "kernels/pool.h"
#include "ops/pool.h"

bool ln_pool_is_image(const ln_pool_params *p)
{
    int64_t most = LN_POOL_REACH * p->stride[2];
    return p->in[0] == 1 && p->out[0] == 1 && p->kernel[0] == 1 && p->pad[0] == 0 && p->stride[2] <= 2 &&
           p->pad[2] <= most && (p->kernel[2] - 1) * p->dilation[2] - p->pad[2] <= most;
}

static void planes(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    const ln_pool_params *p = a->params;
    const float *scale = a->packed;
    ln_pool_plane g;
    (void)worker;
    for (int32_t d = 0; d < 2; d++) {
        g.in[d] = (size_t)p->in[d + 1];
        g.out[d] = (size_t)p->out[d + 1];
        g.kernel[d] = (size_t)p->kernel[d + 1];
        g.stride[d] = (size_t)p->stride[d + 1];
        g.dilation[d] = (size_t)p->dilation[d + 1];
        g.pad[d] = (size_t)p->pad[d + 1];
        g.scale[d] = scale && d ? scale + p->out[1] : scale;
    }
    for (int64_t i = begin; i < end; i++) {
        g.x = (const float *)a->in[0] + i * p->in_pixels;
        g.y = (float *)a->out[0] + i * p->out_pixels;
        if (p->kind == LN_POOL_MAX)
            LN_K(pool_max_plane_f32)(&g);
        else
            LN_K(pool_sum_plane_f32)(&g);
    }
}

LN_RUN(ln_pool_image_f32)
{
    const ln_pool_params *p = a->params;
    ln_args copy = *a;
    ln_parallel(a, p->batch * p->channels, 20 + 0.05 * (double)p->out_pixels * (double)(p->kernel[1] + p->kernel[2]),
                planes, &copy);
    return LINNET_OK;
}

linnet_status ln_pool_plan_image(ln_ctx *c, const ln_pool_params *p)
{
    if (p->kind == LN_POOL_AVERAGE) {
        /* What a sum is multiplied by, along the columns and along the lines. */
        float *scale = ln_pack(c, (size_t)(p->out[1] + p->out[2]) * sizeof *scale);
        if (!scale)
            return ln_no_memory(c);
        for (int32_t d = 1; d < 3; d++)
            for (int64_t o = 0; o < p->out[d]; o++) {
                int64_t first, last, counted;
                ln_pool_range(p, d, o, &first, &last, &counted);
                int64_t n = p->count_include_pad ? counted : last - first;
                *scale++ = n > 0 ? 1 / (float)n : 0;
            }
    }
    LN_SET_RUN(c, ln_pool_image_f32);
    return LINNET_OK;
}
