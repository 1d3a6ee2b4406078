/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolution of float32 by Winograd's method (kernels/winograd.h), where a pass allows it and it pays.
 *
 * A task is a run of tiles of all images: their transformed inputs, 36 matrices of tiles by channels, meet the 36
 * matrices of weights, and the results are transformed into the output. All of that stays in the second cache.
 * Weights take four times the room that they have otherwise, so large ones stay with the direct way.
 */
#include <math.h>

#include "kernels/winograd.h"
#include "ops/conv.h"

#define POINTS LN_WINOGRAD_POINTS
#define IN LN_WINOGRAD_IN
#define OUT LN_WINOGRAD_TILE
#define MAX_WEIGHTS 32768 /* inputs times outputs: 4.5 MB when transformed */
#define MIN_CHANNELS 16

static int64_t across(const ln_conv *p, int32_t d)
{
    return (p->out[d] + OUT - 1) / OUT;
}

static int64_t all_tiles(const ln_conv *p)
{
    return p->batch * across(p, 1) * across(p, 2);
}

/* Rows of the transformed input are apart so that they do not share sets of a cache. */
static int64_t pitch_of(int64_t channels)
{
    return (channels + 15) / 16 * 16 + 16;
}

static int64_t bias_size(const ln_conv *p)
{
    return (p->out_channels + 15) / 16 * 16;
}

/* -- run ---------------------------------------------------------------------------------------------------------- */

typedef struct work {
    const ln_conv *p;
    const ln_conv_images *images;
    ln_gemm_f32_job job;
    float lo, hi;
} work;

/* Origin of a tile: first output pixel. */
static void tile_at(const ln_conv *p, int64_t tile, int64_t *image, int64_t *y, int64_t *x)
{
    int64_t wide = across(p, 2), high = across(p, 1);
    *x = tile % wide * OUT;
    *y = tile / wide % high * OUT;
    *image = tile / wide / high;
}

static void transform_in(const work *w, float *v, int64_t tile, int64_t plane)
{
    const ln_conv *p = w->p;
    const float *x[POINTS];
    int64_t image, top, left;
    tile_at(p, tile, &image, &top, &left);
    for (int64_t i = 0; i < IN; i++)
        for (int64_t j = 0; j < IN; j++) {
            int64_t y = top + i - p->pad[1], u = left + j - p->pad[2];
            bool inside = y >= 0 && y < p->in[1] && u >= 0 && u < p->in[2];
            int64_t at = (image * p->in_pixels + y * p->in[2] + u) * w->images->x_pixel;
            x[i * IN + j] = inside ? w->images->x + at : w->images->zero;
        }
    LN_K(winograd_in_f32)(v, (size_t)plane, x, (size_t)p->in_channels);
}

static void transform_out(const work *w, const float *m, int64_t tile, int64_t plane)
{
    const ln_conv *p = w->p;
    const float *r[OUT * OUT];
    float *y[OUT * OUT];
    int64_t image, top, left;
    tile_at(p, tile, &image, &top, &left);
    for (int64_t i = 0; i < OUT; i++)
        for (int64_t j = 0; j < OUT; j++) {
            int64_t at = image * p->out_pixels + (top + i) * p->out[2] + left + j;
            bool inside = top + i < p->out[1] && left + j < p->out[2];
            y[i * OUT + j] = inside ? w->images->y + at * p->y_pixel : NULL;
            r[i * OUT + j] = inside && w->images->r ? w->images->r + at * p->out_channels : NULL;
        }
    LN_K(winograd_out_f32)
    (y, m, (size_t)plane, w->images->weights, w->images->r ? r : NULL, w->lo, w->hi, (size_t)p->out_channels);
    for (int64_t i = 0; p->fused.act > LN_ACT_CLIP && i < OUT * OUT; i++)
        if (y[i])
            ln_act_f32(y[i], (size_t)p->out_channels, (ln_act)p->fused.act, p->fused.lo, p->fused.hi);
}

/* Runs of p->tiles tiles. */
static void runs(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const work *w = arg;
    const ln_conv *p = w->p;
    int64_t in_pitch = pitch_of(p->in_channels), out_pitch = pitch_of(p->out_channels);
    float *v = (float *)(void *)(w->images->workers + worker * p->worker), *m = v + POINTS * p->tiles * in_pitch;
    char *scratch = (char *)(m + POINTS * p->tiles * out_pitch);
    for (int64_t i = begin; i < end; i++) {
        int64_t first = i * p->tiles, n = all_tiles(p) - first < p->tiles ? all_tiles(p) - first : p->tiles;
        for (int64_t t = 0; t < n; t++)
            transform_in(w, v + t * in_pitch, first + t, p->tiles * in_pitch);
        ln_gemm_f32_job job = w->job;
        job.m = (size_t)n;
        ln_gemm_f32_prepare(&job, 1);
        for (int64_t point = 0; point < POINTS; point++) {
            job.a = v + point * p->tiles * in_pitch;
            job.b = w->images->weights + bias_size(p) + point * (p->group_packed - bias_size(p)) / POINTS;
            job.c = m + point * p->tiles * out_pitch;
            ln_gemm_f32_run(&job, scratch, 0, job.tiles);
        }
        for (int64_t t = 0; t < n; t++)
            transform_out(w, m + t * out_pitch, first + t, p->tiles * out_pitch);
    }
}

void ln_conv_winograd_run(const ln_args *a, const ln_conv *p, const ln_conv_images *images)
{
    work w = {.p = p, .images = images, .lo = -INFINITY, .hi = INFINITY};
    if (p->fused.act == LN_ACT_RELU)
        w.lo = 0;
    if (p->fused.act == LN_ACT_CLIP) {
        w.lo = p->fused.lo;
        w.hi = p->fused.hi;
    }
    w.job = (ln_gemm_f32_job){.d = LN_D(gemm_f32),
                              .n = (size_t)p->out_channels,
                              .taps = 1,
                              .k = (size_t)p->in_channels,
                              .a_row = (size_t)pitch_of(p->in_channels),
                              .a_col = 1,
                              .ldc = (size_t)pitch_of(p->out_channels)};
    double cost = (double)(p->tiles * p->in_channels) * (double)p->out_channels * POINTS * 0.015;
    ln_parallel(a, (all_tiles(p) + p->tiles - 1) / p->tiles, cost, runs, &w);
}

/* -- plan --------------------------------------------------------------------------------------------------------- */

void ln_conv_winograd_pack(const ln_conv *p, float *to, const float *w, size_t begin, size_t n)
{
    const ln_gemm_f32_desc *d = LN_D(gemm_f32);
    ln_winograd_pack(d, to + bias_size(p), w, (size_t)p->out_channels, (size_t)p->in_channels, begin / d->nr,
                     (begin + n + d->nr - 1) / d->nr);
}

/* A product of one or two rows, of a run of tiles or of the rest, is summed in another order. */
static bool has_few_rows(int64_t tiles, int64_t run)
{
    int64_t mr = LN_D(gemm_f32)->mr, whole = run % mr, rest = tiles % run % mr;
    return (whole > 0 && whole < 3) || (rest > 0 && rest < 3);
}

/* So many tiles a run that there are as many tasks as threads or a multiple, all of a size. */
static int64_t even_run(int64_t tiles, int64_t run, int64_t threads)
{
    int64_t tasks = ((tiles + run - 1) / run + threads - 1) / threads * threads;
    return (tiles + tasks - 1) / tasks;
}

linnet_status ln_conv_winograd_plan(ln_ctx *c, ln_conv *p)
{
    const ln_gemm_f32_desc *d = LN_D(gemm_f32);
    int64_t k = p->in_channels, n = p->out_channels, tiles = all_tiles(p), elements;
    (void)c;
    if (p->group != 1 || p->kernel[0] != 1 || p->kernel[1] != 3 || p->kernel[2] != 3 || p->in[0] != 1 ||
        p->out[0] != 1 || p->pad[0] != 0 || k < MIN_CHANNELS || n < MIN_CHANNELS || k * n > MAX_WEIGHTS || tiles == 0)
        return LINNET_OK;
    for (int32_t i = 1; i < 3; i++)
        if (p->stride[i] != 1 || p->dilation[i] != 1)
            return LINNET_OK;
    /* Two slivers of rows, more while what a task holds is small. Few tiles leave the last sliver partly empty. */
    int64_t run = 2 * d->mr;
    while (run < 8 * d->mr && run * POINTS * (k + n) < 100000 && run < tiles)
        run += d->mr;
    run = run < tiles ? run : tiles;
    int64_t slivers = (tiles / run) * ((run + d->mr - 1) / d->mr) + (tiles % run + d->mr - 1) / d->mr;
    /* In multiply-adds that the machine could do; a transform costs about 30 of its vectors an element. */
    double direct = (double)(p->batch * p->out_pixels) * 9 * (double)k * (double)n;
    double tiled = (double)(slivers * d->mr) * POINTS * (double)k * (double)n + (double)tiles * 450 * (double)(k + n);
    if (tiled > 0.8 * direct)
        return LINNET_OK;
    /* Neither the method nor a sum may depend on the threads. */
    int64_t for_one = even_run(tiles, run, 1), for_all = even_run(tiles, run, p->threads < 1 ? 1 : p->threads);
    run = has_few_rows(tiles, for_one) || has_few_rows(tiles, for_all) ? for_one : for_all;
    p->tiles = (int32_t)run;
    p->group_packed = bias_size(p) + POINTS * (int64_t)ln_winograd_packed(d, (size_t)n, (size_t)k);
    elements = POINTS * run * (pitch_of(k) + pitch_of(n));
    p->worker =
        elements * (int64_t)sizeof(float) + (int64_t)ln_gemm_f32_scratch(d, (size_t)run, (size_t)n, 1, (size_t)k);
    return LINNET_OK;
}
