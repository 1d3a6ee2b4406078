/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolution of float32 by Winograd's method (kernels/winograd.h), where a pass allows it and it pays.
 *
 * A task is a run of tiles of all images: their transformed inputs, 36 matrices of tiles by channels, meet the 36
 * matrices of weights, and the results are transformed into the output. All of that stays in the second cache.
 * Weights take four times the room that they have otherwise, so large ones stay with the direct way.
 *
 * Windows of 3 along one dimension have 6 matrices, weights of twice the room, and may be dilated: a tile's pixels are
 * so far apart.
 */
#include <math.h>

#include "kernels/winograd.h"
#include "ops/conv.h"

#define MOST_POINTS LN_WINOGRAD_POINTS
#define IN LN_WINOGRAD_IN
#define OUT LN_WINOGRAD_TILE
#define MAX_WEIGHTS (32768 * MOST_POINTS) /* when transformed: 4.5 MB */
#define MIN_CHANNELS 16
/* What the transforms of a tile cost for each channel, in multiply-adds: measured, some 40 along a line. */
#define TRANSFORM 450
#define LINE_TRANSFORM 45
#define LEAST_ROWS 6    /* of a sliver, as which fewer take as long */
#define LINE_CALL 2000  /* to begin a product */
#define MOST_PIECE 1024 /* elements that are in the first cache still */

static int64_t across(const ln_conv *p, int32_t d)
{
    return (p->out[d] + OUT - 1) / OUT;
}

/* Pixels of a transformed tile, and matrices. */
static int64_t points_of(const ln_conv *p)
{
    return p->along < 0 ? MOST_POINTS : IN;
}

static int64_t outputs_of(const ln_conv *p)
{
    return p->along < 0 ? OUT * OUT : OUT;
}

/* Tiles along the only dimension: dilated, those of pixels that alternate follow one another. */
static int64_t tiles_along(const ln_conv *p)
{
    int64_t apart = p->dilation[p->along];
    return apart * ((p->out[p->along] + OUT * apart - 1) / (OUT * apart));
}

static int64_t all_tiles(const ln_conv *p)
{
    if (p->along >= 0)
        return p->batch * (p->out_pixels / p->out[p->along]) * tiles_along(p);
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

/* A line through the pixels, of one dimension: the pixels before its first one of the input and the output (from pixel
 * to pixel are `step`), and where the tile's first output is. Neighbours in memory come one after the other. */
static int64_t tile_along(const ln_conv *p, int64_t tile, int64_t *in, int64_t *out, int64_t *step)
{
    int64_t each = tiles_along(p), apart = p->dilation[p->along], inner = 1;
    for (int32_t d = p->along + 1; d < 3; d++)
        inner *= p->out[d];
    int64_t outer = tile / inner / each, at = tile / inner % each;
    *in = outer * p->in[p->along] * inner + tile % inner;
    *out = outer * p->out[p->along] * inner + tile % inner;
    *step = inner;
    return at / apart * OUT * apart + at % apart;
}

static void line_in(const work *w, float *v, int64_t tile, int64_t plane)
{
    const ln_conv *p = w->p;
    const float *x[IN];
    int64_t in, out, step, first = tile_along(p, tile, &in, &out, &step) - p->pad[p->along];
    for (int64_t i = 0; i < IN; i++) {
        int64_t at = first + i * p->dilation[p->along];
        bool inside = at >= 0 && at < p->in[p->along];
        x[i] = inside ? w->images->x + (in + at * step) * w->images->x_pixel : w->images->zero;
    }
    LN_K(winograd_line_in_f32)(v, (size_t)plane, x, (size_t)p->in_channels);
}

static void square_in(const work *w, float *v, int64_t tile, int64_t plane)
{
    const ln_conv *p = w->p;
    const float *x[MOST_POINTS];
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

/* Pixels of the output and the residual, NULL outside of the image. */
static void line_out(const work *w, int64_t tile, float **y, const float **r)
{
    const ln_conv *p = w->p;
    int64_t in, out, step, first = tile_along(p, tile, &in, &out, &step);
    for (int64_t i = 0; i < OUT; i++) {
        int64_t line = first + i * p->dilation[p->along], at = out + line * step;
        bool inside = line < p->out[p->along];
        y[i] = inside ? w->images->y + at * p->y_pixel : NULL;
        r[i] = inside && w->images->r ? w->images->r + at * p->out_channels : NULL;
    }
}

static void square_out(const work *w, int64_t tile, float **y, const float **r)
{
    const ln_conv *p = w->p;
    int64_t image, top, left;
    tile_at(p, tile, &image, &top, &left);
    for (int64_t i = 0; i < OUT; i++)
        for (int64_t j = 0; j < OUT; j++) {
            int64_t at = image * p->out_pixels + (top + i) * p->out[2] + left + j;
            bool inside = top + i < p->out[1] && left + j < p->out[2];
            y[i * OUT + j] = inside ? w->images->y + at * p->y_pixel : NULL;
            r[i * OUT + j] = inside && w->images->r ? w->images->r + at * p->out_channels : NULL;
        }
}

/* Outputs of neighbours that lie in one piece and wait for their activation. */
typedef struct piece {
    float *begin, *end;
} piece;

#ifdef LN_FIRMWARE /* less code */
static void add_pixel(const ln_conv *p, piece *s, float *y)
{
    (void)s;
    ln_act_f32(y, (size_t)p->out_channels, (ln_act)p->fused.act, p->fused.lo, p->fused.hi);
}
#else
static void activate(const ln_conv *p, piece *s)
{
    if (s->begin != s->end)
        ln_act_f32(s->begin, (size_t)(s->end - s->begin), (ln_act)p->fused.act, p->fused.lo, p->fused.hi);
    s->begin = s->end = NULL;
}

static void add_pixel(const ln_conv *p, piece *s, float *y)
{
    if (s->end != y || s->end - s->begin >= MOST_PIECE) {
        activate(p, s);
        s->begin = y;
    }
    s->end = y + p->out_channels;
}
#endif

/* The piece that output i of a tile belongs to. */
static int64_t piece_of(const ln_conv *p, int64_t i)
{
    if (p->along < 0)
        return i / OUT;
    return p->along == 2 && p->dilation[2] == 1 ? 0 : i;
}

static void transform_out(const work *w, const float *m, int64_t tile, int64_t plane, piece *pieces)
{
    const ln_conv *p = w->p;
    const float *r[OUT * OUT];
    float *y[OUT * OUT];
    (p->along < 0 ? square_out : line_out)(w, tile, y, r);
    (p->along < 0 ? LN_K(winograd_out_f32) : LN_K(winograd_line_out_f32))(
        y, m, (size_t)plane, w->images->weights, w->images->r ? r : NULL, w->lo, w->hi, (size_t)p->out_channels);
    for (int64_t i = 0; p->fused.act > LN_ACT_CLIP && i < outputs_of(p); i++)
        if (y[i])
            add_pixel(p, &pieces[piece_of(p, i)], y[i]);
}

/* Runs of p->tiles tiles. */
static void runs(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const work *w = arg;
    const ln_conv *p = w->p;
    int64_t in_pitch = pitch_of(p->in_channels), out_pitch = pitch_of(p->out_channels), points = points_of(p);
    float *v = (float *)(void *)(w->images->workers + worker * p->worker), *m = v + points * p->tiles * in_pitch;
    char *scratch = (char *)(m + points * p->tiles * out_pitch);
    for (int64_t i = begin; i < end; i++) {
        int64_t first = i * p->tiles, n = all_tiles(p) - first < p->tiles ? all_tiles(p) - first : p->tiles;
        for (int64_t t = 0; t < n; t++)
            (p->along < 0 ? square_in : line_in)(w, v + t * in_pitch, first + t, p->tiles * in_pitch);
        ln_gemm_f32_job job = w->job;
        job.m = (size_t)n;
        ln_gemm_f32_prepare(&job, 1);
        for (int64_t point = 0; point < points; point++) {
            job.a = v + point * p->tiles * in_pitch;
            job.b = w->images->weights + bias_size(p) + point * (p->group_packed - bias_size(p)) / points;
            job.c = m + point * p->tiles * out_pitch;
            ln_gemm_f32_run(&job, scratch, 0, job.tiles);
        }
        piece pieces[OUT] = {{NULL, NULL}};
        for (int64_t t = 0; t < n; t++)
            transform_out(w, m + t * out_pitch, first + t, p->tiles * out_pitch, pieces);
#ifndef LN_FIRMWARE
        for (int64_t j = 0; j < OUT; j++)
            activate(p, &pieces[j]);
#endif
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
    double cost = (double)(p->tiles * p->in_channels) * (double)(p->out_channels * points_of(p)) * 0.015;
    ln_parallel(a, (all_tiles(p) + p->tiles - 1) / p->tiles, cost, runs, &w);
}

/* -- plan --------------------------------------------------------------------------------------------------------- */

void ln_conv_winograd_pack(const ln_conv *p, float *to, const float *w, size_t begin, size_t n)
{
    const ln_gemm_f32_desc *d = LN_D(gemm_f32);
    (p->along < 0 ? ln_winograd_pack : ln_winograd_line_pack)(d, to + bias_size(p), w, (size_t)p->out_channels,
                                                              (size_t)p->in_channels, begin / d->nr,
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

/* Neither the method nor a sum may depend on the threads. */
static int64_t run_for(int64_t tiles, int64_t run, int64_t threads)
{
    int64_t mr = LN_D(gemm_f32)->mr, one = even_run(tiles, run, 1), all = even_run(tiles, run, threads);
    int64_t slivers = (all + mr - 1) / mr * mr;
    if (has_few_rows(tiles, one))
        return one;
    if (!has_few_rows(tiles, all))
        return all;
    return has_few_rows(tiles, slivers) ? one : slivers;
}

/* Sets p->along. */
static bool has_method(ln_conv *p)
{
    int32_t threes = 0, wide = 0;
    for (int32_t d = 0; d < 3; d++) {
        if (p->stride[d] != 1 || (p->kernel[d] != 1 && p->kernel[d] != 3))
            return false;
        if (p->kernel[d] == 1 && (p->pad[d] != 0 || p->out[d] != p->in[d]))
            return false;
        if (p->kernel[d] == 3) {
            threes++;
            p->along = d;
            wide += p->dilation[d] != 1;
        }
    }
    if (threes == 1)
        return true;
    p->along = -1;
    return threes == 2 && !wide && p->kernel[0] == 1 && p->in[0] == 1;
}

/* In multiply-adds that the machine could do. */
static double direct_cost(const ln_conv *p)
{
    return (double)(p->batch * p->out_pixels * p->taps) * (double)p->in_channels * (double)p->out_channels;
}

/* Few tiles leave the last sliver of a run partly empty. */
static double tiled_cost(const ln_conv *p, int64_t tiles, int64_t run)
{
    const ln_gemm_f32_desc *d = LN_D(gemm_f32);
    int64_t slivers = (tiles / run) * ((run + d->mr - 1) / d->mr) + (tiles % run + d->mr - 1) / d->mr;
    int64_t rows = p->along < 0 ? slivers * d->mr : tiles + (tiles < LEAST_ROWS ? LEAST_ROWS - tiles : 0);
    int64_t calls = p->along < 0 ? 0 : (tiles + run - 1) / run * points_of(p) * LINE_CALL;
    double k = (double)p->in_channels, n = (double)p->out_channels;
    return (double)(rows * points_of(p)) * k * n + (double)calls +
           (double)tiles * (p->along < 0 ? TRANSFORM : LINE_TRANSFORM) * (k + n);
}

linnet_status ln_conv_winograd_plan(ln_ctx *c, ln_conv *p)
{
    const ln_gemm_f32_desc *d = LN_D(gemm_f32);
    int64_t k = p->in_channels, n = p->out_channels;
    (void)c;
    if (p->group != 1 || !has_method(p) || k < MIN_CHANNELS || n < MIN_CHANNELS || k * n > MAX_WEIGHTS / points_of(p) ||
        p->batch * p->out_pixels == 0)
        return LINNET_OK;
    int64_t tiles = all_tiles(p), points = points_of(p), most = p->along < 0 ? 8 * d->mr : 16 * d->mr;
    /* Two slivers of rows, more while what a task holds is small. */
    int64_t run = 2 * d->mr;
    while (run < most && run * points * (k + n) < 100000 && run < tiles)
        run += d->mr;
    run = run < tiles ? run : tiles;
    if (tiled_cost(p, tiles, run) > (p->along < 0 ? 0.8 : 0.9) * direct_cost(p))
        return LINNET_OK;
    run = run_for(tiles, run, p->threads < 1 ? 1 : p->threads);
    p->tiles = (int32_t)run;
    p->group_packed = bias_size(p) + points * (int64_t)ln_winograd_packed(d, (size_t)n, (size_t)k);
    p->worker = points * run * (pitch_of(k) + pitch_of(n)) * (int64_t)sizeof(float) +
                (int64_t)ln_gemm_f32_scratch(d, (size_t)run, (size_t)n, 1, (size_t)k);
    return LINNET_OK;
}
