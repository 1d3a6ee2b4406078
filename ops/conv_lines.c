/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolution of float32 with few channels, line by line (kernels/lineconv.inc) over a padded copy of the input: first
 * layers, and others whose product would be too narrow for its micro-kernels. A task is an output line.
 */
#include <math.h>

#include "ops/conv.h"

typedef struct work {
    const ln_conv *p;
    const ln_conv_images *images;
    float lo, hi;
} work;

static void lines(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const work *w = arg;
    const ln_conv *p = w->p;
    const float **rows = (const float **)(void *)(w->images->workers + worker * p->worker);
    int64_t high = ln_conv_padded(p, 1), wide = ln_conv_padded(p, 2) * p->in_channels;
    int64_t image = ln_conv_padded(p, 0) * high * wide, line = p->out[2] * p->y_pixel;
    ln_line_conv l = {.rows = rows,
                      .lines = (size_t)(p->kernel[0] * p->kernel[1]),
                      .k = (size_t)(p->kernel[2] * p->in_channels),
                      .pitch = (size_t)(p->stride[2] * p->in_channels),
                      .out_w = (size_t)p->out[2],
                      .b = w->images->weights,
                      .n = (size_t)p->out_channels,
                      .nr = LN_D(gemm_f32)->nr,
                      .y_pixel = (size_t)p->y_pixel,
                      .lo = w->lo,
                      .hi = w->hi};
    for (int64_t i = begin; i < end; i++) {
        int64_t y = i % p->out[1] * p->stride[1], z = i / p->out[1] % p->out[0] * p->stride[0];
        const float *x = w->images->x + i / p->out[1] / p->out[0] * image;
        for (int64_t a = 0; a < p->kernel[0]; a++)
            for (int64_t b = 0; b < p->kernel[1]; b++)
                rows[a * p->kernel[1] + b] = x + ((z + a * p->dilation[0]) * high + y + b * p->dilation[1]) * wide;
        l.y = w->images->y + i * line;
        LN_K(lineconv_f32)(&l);
        ln_conv_act(p, l.y, p->out[2]);
    }
}

int64_t ln_conv_lines_worker(const ln_conv *p)
{
    return (p->kernel[0] * p->kernel[1] * (int64_t)sizeof(float *) + 63) / 64 * 64;
}

void ln_conv_lines_run(const ln_args *a, const ln_conv *p, const ln_conv_images *images)
{
    work w = {.p = p, .images = images, .lo = -INFINITY, .hi = INFINITY};
    if (p->fused.act == LN_ACT_RELU)
        w.lo = 0;
    if (p->fused.act == LN_ACT_CLIP) {
        w.lo = p->fused.lo;
        w.hi = p->fused.hi;
    }
    double cost = (double)(p->out[2] * p->taps * p->in_channels) * (double)p->out_channels * 0.02;
    ln_parallel(a, p->batch * p->out[0] * p->out[1], cost, lines, &w);
}
