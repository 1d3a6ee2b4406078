/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolution of float32 with few channels, first layers above all, over images as the file has them, channels first:
 * the product of the weights, as they lie, with what windows see (conv_points.h). A line of the input is split into
 * phases first, elements that are a stride apart, with padding on both sides; then what a position of the window sees
 * for neighbouring outputs lies in one piece, which is copied to panels.
 */
#include <string.h>

#include "kernels/kernels.h"
#include "ops/conv_points.h"

#define LINES 4      /* of the output, whose input is split at a time */
#define COLUMNS 1024 /* of those */

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Of a phase, elements; of the input, lines that LINES outputs see. */
static int64_t phase_of(const ln_conv *p)
{
    return p->x_pixel + (p->kernel[2] - 1) / p->stride[2];
}

static int64_t lines_of(const ln_conv *p)
{
    return (p->y_pixel - 1) * p->stride[1] + p->kernel[1];
}

/* Of a worker's parts, bytes; the phases come last. */
static int64_t taps_bytes(const ln_conv *p)
{
    return (p->in_channels * p->taps * (int64_t)sizeof(float *) + 63) / 64 * 64;
}

static int64_t panels_bytes(const ln_conv *p)
{
    return ln_conv_points_columns(p) * p->in_channels * p->taps * (int64_t)sizeof(float);
}

/* -- phases ------------------------------------------------------------------------------------------------------- */

/* phases[f * n + i] = x[from + i * stride + f], f < stride, 0 where x has no such element of `wide`. */
static void split_some(float *phases, int64_t n, const float *x, int64_t from, int64_t stride, int64_t wide,
                       int64_t begin, int64_t end)
{
    for (int64_t i = begin; i < end; i++)
        for (int64_t f = 0, at = from + i * stride; f < stride; f++, at++)
            phases[f * n + i] = at >= 0 && at < wide ? x[at] : 0;
}

static void split(float *phases, int64_t n, const float *x, int64_t from, int64_t stride, int64_t wide)
{
    /* From begin to end all phases are inside. */
    const int64_t begin = from < 0 ? least((stride - 1 - from) / stride, n) : 0;
    const int64_t stop = wide > from ? least((wide - from) / stride, n) : 0, end = stop > begin ? stop : begin;
    split_some(phases, n, x, from, stride, wide, 0, begin);
    split_some(phases, n, x, from, stride, wide, end, n);
    if (begin < end && stride == 1) {
        memcpy(phases + begin, x + from + begin, (size_t)(end - begin) * sizeof *x);
    } else if (begin < end && stride == 2) {
        uint32_t *even = (uint32_t *)(void *)(phases + begin), *odd = even + n;
        LN_K(unzip_u32)(even, odd, (const uint32_t *)(const void *)(x + from + 2 * begin), (size_t)(end - begin));
    } else {
        split_some(phases, n, x, from, stride, wide, begin, end);
    }
}

/* -- the convolution ---------------------------------------------------------------------------------------------- */

/* What `high` lines from y on see, from output x of each on; each line's phases of all channels lie together. */
static void split_lines(const ln_points *s, float *phases, int64_t image, int64_t y, int64_t high, int64_t x)
{
    const ln_conv *p = s->p;
    const float *in = (const float *)s->a->in[0] + image * p->in_channels * p->in_pixels;
    const int64_t n = phase_of(p), from = x * p->stride[2] - p->pad[2];
    for (int64_t i = 0; i < (high - 1) * p->stride[1] + p->kernel[1]; i++) {
        const int64_t line = y * p->stride[1] - p->pad[1] + i;
        for (int64_t c = 0; c < p->in_channels; c++, phases += n * p->stride[2]) {
            if (line < 0 || line >= p->in[1])
                memset(phases, 0, (size_t)(n * p->stride[2]) * sizeof *phases);
            else
                split(phases, n, in + c * p->in_pixels + line * p->in[2], from, p->stride[2], p->in[2]);
        }
    }
}

static void pieces(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_points *s = arg;
    const ln_conv *p = s->p;
    const int64_t n = phase_of(p), line = p->in_channels * p->stride[2] * n, columns = ln_conv_points_columns(p);
    const int64_t across = (p->out[2] + p->x_pixel - 1) / p->x_pixel;
    const float **taps = (const float **)(void *)((char *)s->a->scratch + p->at_workers + worker * p->worker);
    float *panels = (float *)(void *)((char *)taps + taps_bytes(p));
    float *phases = (float *)(void *)((char *)panels + panels_bytes(p));
    size_t k = 0;
    for (int64_t c = 0; c < p->in_channels; c++)
        for (int64_t i = 0; i < p->kernel[1]; i++)
            for (int64_t j = 0; j < p->kernel[2]; j++)
                taps[k++] = phases + i * line + (c * p->stride[2] + j % p->stride[2]) * n + j / p->stride[2];
    for (int64_t i = begin; i < end; i++) {
        const int64_t image = i / s->pieces, y = i % s->pieces / across * p->y_pixel, x = i % across * p->x_pixel;
        const int64_t high = least(p->out[1] - y, p->y_pixel), wide = least(p->out[2] - x, p->x_pixel);
        split_lines(s, phases, image, y, high, x);
        for (int64_t l = 0; l < high; l++)
            for (int64_t j = 0; j < wide; j += columns) {
                const int64_t m = least(wide - j, columns);
                LN_D(gemm_f32)->panels(panels, taps, (size_t)(l * p->stride[1] * line + j), k, (size_t)m);
                ln_conv_points_multiply(s, image * p->out_channels * p->out_pixels + (y + l) * p->out[2] + x + j,
                                        panels, m);
            }
    }
}

LN_RUN(ln_conv_windows_f32)
{
    const ln_conv *p = a->params;
    if (p->batch * p->out_pixels * p->out_channels == 0)
        return LINNET_OK;
    ln_points s = ln_conv_points_of(a);
    s.pieces = (p->out[1] + p->y_pixel - 1) / p->y_pixel * ((p->out[2] + p->x_pixel - 1) / p->x_pixel);
    double cost = 0.02 * (double)s.k * (double)p->out_channels * (double)(p->x_pixel * p->y_pixel);
    ln_parallel(a, p->batch * s.pieces, cost, pieces, &s);
    return LINNET_OK;
}

/* In multiply-adds of a vector, of as many outputs as it has lanes: what is copied to panels costs as much as three
 * more channels, and an element that is turned after lines (conv_lines.c) two thirds of one. */
static bool pays(const ln_conv *p, int64_t lanes, int64_t filled)
{
    const double k = (double)(p->in_channels * p->taps), n = (double)p->out_channels;
    const double windows = k * (n + 3) * (double)filled / (double)p->out[2];
    return windows < k * (double)((p->out_channels + 7) / 8 * 8) + 0.65 * (double)lanes * n;
}

bool ln_conv_is_windows(const ln_ctx *c, const ln_conv *p)
{
    const ln_gemm_f32_desc *d = LN_D(gemm_f32);
    const int64_t lanes = d->nr / 2, filled = (p->out[2] + lanes - 1) / lanes * lanes; /* of a line */
    return d->panels && !c->frugal && !p->channels_last && p->group == 1 && p->taps > 1 && p->out_pixels > 0 &&
           p->in[0] == 1 && p->out[0] == 1 && p->kernel[0] == 1 && p->dilation[1] == 1 && p->dilation[2] == 1 &&
           8 * p->out[2] >= 7 * filled && pays(p, lanes, filled);
}

linnet_status ln_conv_plan_windows(ln_ctx *c, ln_conv *p)
{
    int64_t total = 0, elements;
    p->x_pixel = least(p->out[2], COLUMNS);
    p->y_pixel = least(p->out[1], LINES);
    LN_TRY(ln_mul_size(c, lines_of(p), phase_of(p), &elements));
    LN_TRY(ln_mul_size(c, elements, p->stride[2], &elements));
    LN_TRY(ln_mul_size(c, elements, p->in_channels, &elements));
    LN_TRY(ln_mul_size(c, elements, sizeof(float), &p->worker));
    p->worker = taps_bytes(p) + panels_bytes(p) + (p->worker + 63) / 64 * 64;
    LN_TRY(ln_conv_points_reserve(c, p, &total));
    LN_TRY(ln_conv_reserve(c, &total, &p->at_workers, p->worker, c->threads));
    ln_scratch(c, (size_t)total);
    LN_SET_RUN(c, ln_conv_windows_f32);
    return LINNET_OK;
}
