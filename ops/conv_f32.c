/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs convolutions of float32 as conv_plan.c has them. Inside, images are channels-last: what comes or goes otherwise
 * is transposed in scratch.
 *
 * Groups are matrix products over row pointers (kernels/conv.h); one input channel per group has a kernel of its own
 * (conv_depthwise.c). With few input channels (a first layer) the input is copied with its padding around it, so that a
 * whole line of the window lies in one piece and becomes one tap.
 */
#include <string.h>

#include "ops/conv.h"

typedef struct work {
    const ln_conv *p;
    const ln_args *a;
    const float *x; /* channels-last */
    int64_t x_pixel;
    float *y;
    const float *r;
    const float *weights;
    char *scratch;
    ln_conv_shape shape;
    ln_gemm_f32_job job; /* of the first group */
    const float *zero;
    ln_VCONVERT *widen; /* weights of 16 bits */
} work;

/* -- the input ---------------------------------------------------------------------------------------------------- */

/* Pixels [begin, end) of all images, NCHW to NHWC, or channels repeated for the outputs of their group. */
static void copy_pixels(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const work *w = arg;
    const ln_conv *p = w->p;
    int64_t repeat = p->depthwise ? p->out_channels / p->in_channels : 1, channels = p->in_channels * repeat;
    const float *x = w->a->in[0];
    float *y = (float *)(void *)(w->scratch + p->at_in);
    (void)worker;
    while (begin < end) {
        int64_t image = begin / p->in_pixels, i = begin % p->in_pixels;
        int64_t n = end - begin < p->in_pixels - i ? end - begin : p->in_pixels - i;
        float *to = y + begin * channels;
        if (repeat == 1) {
            LN_K(transpose_f32)
            (to, (size_t)channels, x + image * p->in_channels * p->in_pixels + i, (size_t)p->in_pixels,
             (size_t)channels, (size_t)n);
        } else {
            bool last = p->channels_last == LN_ALL_LAST;
            const float *from = x + (last ? begin * p->x_pixel : image * p->in_channels * p->in_pixels + i);
            for (int64_t k = 0; k < n; k++)
                for (int64_t c = 0; c < channels; c++)
                    to[k * channels + c] =
                        last ? from[k * p->x_pixel + c / repeat] : from[c / repeat * p->in_pixels + k];
        }
        begin += n;
    }
}

/* Three channels, the usual image. */
static void interleave(float *restrict y, const float *restrict x, size_t plane, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < 3; c++)
            y[3 * i + c] = x[c * plane + i];
}

/* Lines [begin, end) of the padded images. */
static void pad_lines(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const work *w = arg;
    const ln_conv *p = w->p;
    int64_t lines = ln_conv_padded(p, 1), planes = ln_conv_padded(p, 0), width = ln_conv_padded(p, 2),
            channels = p->in_channels;
    int64_t used = p->in[2] * channels;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        int64_t y = i % lines - p->pad[1], z = i / lines % planes - p->pad[0], image = i / lines / planes;
        float *to = (float *)(void *)(w->scratch + p->at_in) + i * width * channels;
        if (y < 0 || y >= p->in[1] || z < 0 || z >= p->in[0] || used == 0) {
            memset(to, 0, (size_t)(width * channels) * sizeof *to);
            continue;
        }
        int64_t line = (z * p->in[1] + y) * p->in[2];
        float *body = to + p->pad[2] * channels, *tail = body + used;
        memset(to, 0, (size_t)(p->pad[2] * channels) * sizeof *to);
        memset(tail, 0, (size_t)(to + width * channels - tail) * sizeof *to);
        bool last = p->channels_last == LN_ALL_LAST;
        const float *x = (const float *)w->a->in[0] + image * (last ? p->x_pixel : channels) * p->in_pixels;
        if (last && p->x_pixel != channels)
            for (int64_t k = 0; k < p->in[2]; k++)
                memcpy(body + k * channels, x + (line + k) * p->x_pixel, (size_t)channels * sizeof *body);
        else if (last)
            memcpy(body, x + line * channels, (size_t)used * sizeof *body);
        else if (channels == 3)
            interleave(body, x + line, (size_t)p->in_pixels, (size_t)p->in[2]);
        else
            LN_K(transpose_f32)
        (body, (size_t)channels, x + line, (size_t)p->in_pixels, (size_t)channels, (size_t)p->in[2]);
    }
}

/* -- the output --------------------------------------------------------------------------------------------------- */

/* Pixels [begin, end) of all images, NHWC to NCHW. */
static void copy_back(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const work *w = arg;
    const ln_conv *p = w->p;
    (void)worker;
    while (begin < end) {
        int64_t image = begin / p->out_pixels, i = begin % p->out_pixels;
        int64_t n = end - begin < p->out_pixels - i ? end - begin : p->out_pixels - i;
        float *y = (float *)w->a->out[0] + image * p->out_channels * p->out_pixels + i;
        LN_K(transpose_f32)
        (y, (size_t)p->out_pixels, w->y + begin * p->out_channels, (size_t)p->out_channels, (size_t)n,
         (size_t)p->out_channels);
        begin += n;
    }
}

/* The residual into the output's copy, which is then added to. */
static void copy_residual(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const work *w = arg;
    const ln_conv *p = w->p;
    (void)worker;
    while (begin < end) {
        int64_t image = begin / p->out_pixels, i = begin % p->out_pixels;
        int64_t n = end - begin < p->out_pixels - i ? end - begin : p->out_pixels - i;
        const float *r = (const float *)w->a->in[3] + image * p->out_channels * p->out_pixels + i;
        LN_K(transpose_f32)
        (w->y + begin * p->out_channels, (size_t)p->out_channels, r, (size_t)p->out_pixels, (size_t)p->out_channels,
         (size_t)n);
        begin += n;
    }
}

/* -- the convolution ---------------------------------------------------------------------------------------------- */

/* half: the packed weights are of 16 bits; a constant where this is inlined. */
static inline __attribute__((always_inline)) void tiles_of(const work *w, int32_t worker, int64_t begin, int64_t end,
                                                           const bool half)
{
    const ln_conv *p = w->p;
    int64_t n = p->out_channels / p->group, k = p->in_channels / p->group;
    for (int64_t i = begin; i < end;) {
        size_t tile, count;
        int64_t g = (int64_t)ln_gemm_f32_group(&w->job, (size_t)p->group, (size_t)i, &tile, &count);
        if (count > (size_t)(end - i))
            count = (size_t)(end - i);
        ln_gemm_f32_job job = w->job;
        ln_conv_source source = {&w->shape, w->x + g * k, w->zero};
        job.rows_arg = &source;
        job.a = w->x + g * k;
        if (half) {
            const char *packed = (const char *)w->weights;
            job.half_bias = (const float *)(const void *)packed + g * ln_conv_half_columns(p);
            job.half = (const uint16_t *)(const void *)(packed + ln_conv_half_biases(p)) + g * p->group_packed;
        } else {
            job.b = w->weights + g * p->group_packed;
        }
        job.c = w->y + g * n;
        job.r = w->r ? w->r + g * n : NULL;
        ln_gemm_f32_run(&job, w->scratch + p->at_workers + worker * p->worker, tile, tile + count);
        i += (int64_t)count;
    }
}

static void product_tiles(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    tiles_of(arg, worker, begin, end, false);
}

static void half_tiles(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    tiles_of(arg, worker, begin, end, true);
}

void ln_conv_act(const ln_conv *p, float *y, int64_t pixels)
{
    if (p->fused.act <= LN_ACT_CLIP)
        return;
    bool dense = p->y_pixel == p->out_channels;
    int64_t n = dense ? pixels * p->out_channels : p->out_channels;
    for (int64_t i = 0; i < (dense ? 1 : pixels); i++)
        ln_act_f32(y + i * p->y_pixel, (size_t)n, (ln_act)p->fused.act, p->fused.lo, p->fused.hi);
}

/* The job that all groups share. */
static void make_job(work *w)
{
    const ln_conv *p = w->p;
    int64_t k = p->in_channels / p->group;
    bool plain = p->taps == 1 && p->out_pixels == p->in_pixels && p->stride[0] * p->stride[1] * p->stride[2] == 1 &&
                 !p->pad[0] && !p->pad[1] && !p->pad[2];
    ln_conv_shape *s = &w->shape;
    for (int32_t d = 0; d < 3; d++) {
        s->in[d] = (size_t)(p->merge ? ln_conv_padded(p, d) : p->in[d]);
        s->out[d] = (size_t)p->out[d];
        s->kernel[d] = (size_t)p->kernel[d];
        s->stride[d] = (size_t)p->stride[d];
        s->dilation[d] = (size_t)p->dilation[d];
        s->pad[d] = p->merge ? 0 : (size_t)p->pad[d];
    }
    s->pixel = (size_t)w->x_pixel;
    s->image = s->in[0] * s->in[1] * s->in[2] * s->pixel;
    w->job = (ln_gemm_f32_job){.d = LN_D(gemm_f32),
                               .m = (size_t)(p->batch * p->out_pixels),
                               .n = (size_t)(p->out_channels / p->group),
                               .taps = (size_t)p->taps,
                               .k = (size_t)k,
                               .ldc = (size_t)p->y_pixel,
                               .ldr = (size_t)p->out_channels,
                               .act = (ln_act)p->fused.act,
                               .lo = p->fused.lo,
                               .hi = p->fused.hi};
    if (p->merge) {
        s->kernel[2] = 1;
        w->job.taps = (size_t)(p->kernel[0] * p->kernel[1]);
        w->job.k = (size_t)(p->kernel[2] * k);
    }
    if (plain) {
        w->job.a_row = (size_t)w->x_pixel;
        w->job.a_col = 1;
    } else {
        w->job.rows = ln_conv_rows;
        w->job.zero = w->zero;
        w->job.rows_pitch = (size_t)(w->x_pixel * p->stride[2]);
    }
    w->job.widen = w->widen;
    w->job.bfloat16 = p->type == LINNET_BFLOAT16;
    w->job.pairs = p->packed == LN_CONV_PAIRS;
    ln_gemm_f32_prepare(&w->job, (size_t)p->threads);
}

/* tiled: Winograd's method, NULL where it is not wanted, so that what is compiled without does not link it; the same of
 * tiles and widen, which makes float32 of packed weights of 16 bits. */
static linnet_status convolve(const ln_args *a, ln_conv_run_fn *tiled, ln_task_fn *tiles, ln_VCONVERT *widen)
{
    const ln_conv *p = a->params;
    work w = {.p = p, .a = a, .x = a->in[0], .y = a->out[0], .scratch = a->scratch, .weights = a->packed};
    w.widen = widen;
    w.r = p->fused.residual ? a->in[3] : NULL;
    int64_t in_pixels = p->batch * p->in_pixels, out_pixels = p->batch * p->out_pixels;
    if (out_pixels == 0 || p->out_channels == 0)
        return LINNET_OK;
    w.x_pixel = !p->copy_in ? p->x_pixel : p->depthwise ? p->out_channels : p->in_channels;
    if (p->copy_in) {
        w.x = (const float *)(void *)(w.scratch + p->at_in);
        if (p->merge)
            ln_parallel(a, p->batch * ln_conv_padded(p, 0) * ln_conv_padded(p, 1), (double)(p->in[2] * p->in_channels),
                        pad_lines, &w);
        else
            ln_parallel(a, in_pixels, 0.5 * (double)p->in_channels, copy_pixels, &w);
    }
    if (p->copy_out && !ln_conv_turns_lines(p)) {
        w.y = (float *)(void *)(w.scratch + p->at_out);
        if (w.r) {
            ln_parallel(a, out_pixels, 0.5 * (double)p->out_channels, copy_residual, &w);
            w.r = w.y;
        }
    }
    if (!p->packed) {
        float *packed = (float *)(void *)(w.scratch + p->at_packed);
        ln_conv_pack(p, packed, a->in[1], p->bias ? a->in[2] : NULL);
        w.weights = packed;
    }
    if (p->depthwise) {
        ln_conv_images images = {w.x, w.x_pixel, w.r, w.weights, NULL, w.y, w.scratch + p->at_workers};
        ln_conv_depthwise_run(a, p, &images);
    } else {
        float *zero = (float *)(void *)(w.scratch + p->at_zero);
        memset(zero, 0, (size_t)(p->in_channels / p->group) * sizeof *zero);
        w.zero = zero;
        if (tiled || p->lines) {
            ln_conv_images images = {w.x, w.x_pixel, w.r, w.weights, zero, w.y, w.scratch + p->at_workers};
            (tiled ? tiled : ln_conv_lines_run)(a, p, &images);
        } else {
            make_job(&w);
            ln_parallel(a, p->group * (int64_t)w.job.tiles, ln_gemm_f32_cost(&w.job), tiles, &w);
        }
    }
    if (p->copy_out && !ln_conv_turns_lines(p))
        ln_parallel(a, out_pixels, 0.5 * (double)p->out_channels, copy_back, &w);
    return LINNET_OK;
}

LN_RUN(ln_conv_f32)
{
    return convolve(a, NULL, product_tiles, NULL);
}

LN_RUN(ln_conv_winograd_f32)
{
    return convolve(a, ln_conv_winograd_run, NULL, NULL);
}

LN_RUN(ln_conv_pairs_f32)
{
    return convolve(a, NULL, half_tiles, NULL);
}

LN_RUN(ln_conv_half_f32)
{
    const ln_conv *p = a->params;
    return convolve(a, NULL, half_tiles, p->type == LINNET_FLOAT16 ? LN_K(f16_to_f32) : LN_K(bf16_to_f32));
}
