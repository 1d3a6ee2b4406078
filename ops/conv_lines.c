/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolution of float32 with few channels, line by line (kernels/lineconv.inc) over a padded copy of the input: first
 * layers, and others whose product would be too narrow for its micro-kernels. A task is an output line, which may be
 * turned where channels come first and lines are short, or channels few, for conv_windows.c.
 */
#include <math.h>

#include "ops/conv.h"

typedef struct work {
    const ln_conv *p;
    const ln_conv_images *images;
    float lo, hi;
} work;

static int64_t rows_bytes(const ln_conv *p)
{
    return (p->kernel[0] * p->kernel[1] * (int64_t)sizeof(float *) + 63) / 64 * 64;
}

/* Lines [*begin, *end) of the window for output line y: those outside of the image are left out, as of a window in a
 * plane the others lie together. */
static void lines_inside(const ln_conv *p, int64_t y, int64_t *begin, int64_t *end)
{
    *begin = 0;
    *end = p->kernel[1];
#ifdef LN_FIRMWARE
    (void)y;
#else
    int64_t at = y * p->stride[1] - p->pad[1], apart = p->dilation[1];
    if (p->kernel[0] != 1)
        return;
    while (*begin < *end && at + *begin * apart < 0)
        ++*begin;
    while (*begin < *end && at + (*end - 1) * apart >= p->in[1])
        --*end;
#endif
}

static void lines(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const work *w = arg;
    const ln_conv *p = w->p;
    const float **rows = (const float **)(void *)(w->images->workers + worker * p->worker);
    float *line = (float *)(void *)((char *)rows + rows_bytes(p)); /* that is turned where channels are first */
    const int64_t image_lines = p->out[0] * p->out[1];
    size_t high = (size_t)ln_conv_padded(p, 1), wide = (size_t)(ln_conv_padded(p, 2) * p->in_channels);
    size_t image = (size_t)ln_conv_padded(p, 0) * high * wide;
    size_t k = (size_t)p->kernel[2] * (size_t)p->in_channels, nr = LN_D(gemm_f32)->nr;
    ln_line_conv l = {.rows = rows,
                      .k = k,
                      .pitch = (size_t)p->stride[2] * (size_t)p->in_channels,
                      .out_w = (size_t)p->out[2],
                      .b = w->images->weights,
                      .panel = nr * ((size_t)p->kernel[0] * (size_t)p->kernel[1] * k + 1),
                      .n = (size_t)p->out_channels,
                      .nr = nr,
                      .y_pixel = (size_t)p->y_pixel,
                      .lo = w->lo,
                      .hi = w->hi};
    for (int64_t i = begin; i < end; i++) {
        int64_t y = i % p->out[1], z = i / p->out[1] % p->out[0] * p->stride[0], first, stop;
        const float *x = w->images->x + (size_t)(i / p->out[1] / p->out[0]) * image;
        lines_inside(p, y, &first, &stop);
        l.lines = 0;
        l.skip = (size_t)first * k * nr;
        for (int64_t a = 0; a < p->kernel[0]; a++)
            for (int64_t b = first; b < stop; b++)
                rows[l.lines++] = x + ((size_t)(z + a * p->dilation[0]) * high + (size_t)y * (size_t)p->stride[1] +
                                       (size_t)(b * p->dilation[1])) *
                                          wide;
        l.y = ln_conv_turns_lines(p) ? line : w->images->y + i * p->out[2] * p->y_pixel;
        LN_K(lineconv_f32)(&l);
        ln_conv_act(p, l.y, p->out[2]);
        if (!ln_conv_turns_lines(p))
            continue;
        float *to = w->images->y + i / image_lines * p->out_channels * p->out_pixels + i % image_lines * p->out[2];
        const size_t pixels = (size_t)p->out[2], channels = (size_t)p->out_channels;
        LN_K(transpose_f32)(to, (size_t)p->out_pixels, line, (size_t)p->y_pixel, pixels, channels);
    }
}

int64_t ln_conv_lines_worker(const ln_conv *p)
{
    int64_t line = ln_conv_turns_lines(p) ? p->out[2] * p->out_channels * (int64_t)sizeof(float) : 0;
    return rows_bytes(p) + (line + 63) / 64 * 64;
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
    double cost = (double)(p->out[2] * p->taps * p->in_channels * p->out_channels) * 0.02;
    ln_parallel(a, p->batch * p->out[0] * p->out[1], cost, lines, &w);
}
