/* SPDX-License-Identifier: Apache-2.0
 *
 * 1x1 convolution of float32 over images as the file has them, channels first: the product of the weights, as they lie,
 * with the planes of an image. Pixels are its columns, and some of them at a time are copied to panels (gemm.h), which
 * all slivers of output channels meet. No layout changes, and no vector is left half empty where channels are no
 * multiple of 16. The layout pass leaves the convolution so where its neighbours have channels first, too.
 */
#include "ops/conv_points.h"

#include <math.h>

#include "kernels/kernels.h"

#define PANELS_BYTES (24 << 10) /* of panels at a time: they stay in the first cache, or at least one does */
#define MOST_PANELS 8
#define FAR_C (64 << 10) /* elements of an output from which it is worth fetching ahead */

/* -- the product -------------------------------------------------------------------------------------------------- */

static int64_t depth(const ln_conv *p)
{
    return p->in_channels * p->taps;
}

int64_t ln_conv_points_columns(const ln_conv *p)
{
    const int64_t nr = LN_D(gemm_f32)->nr, bytes = nr * depth(p) * (int64_t)sizeof(float);
    const int64_t most = bytes && PANELS_BYTES / bytes < MOST_PANELS ? PANELS_BYTES / bytes : MOST_PANELS;
    return nr * (most ? most : 1);
}

linnet_status ln_conv_points_reserve(ln_ctx *c, ln_conv *p, int64_t *total)
{
    LN_TRY(ln_conv_reserve(c, total, &p->at_in, p->out_channels, (int64_t)c->pointer_bytes));
    return ln_conv_reserve(c, total, &p->at_packed, p->bias ? p->out_channels * LN_D(gemm_f32)->nr : 0, sizeof(float));
}

ln_points ln_conv_points_of(const ln_args *a)
{
    const ln_conv *p = a->params;
    const int64_t nr = LN_D(gemm_f32)->nr;
    const float *w = a->in[1], *bias = p->bias ? a->in[2] : NULL;
    ln_points s = {.a = a, .p = p, .k = depth(p), .rows = (const float **)(void *)((char *)a->scratch + p->at_in)};
    float *repeated = (float *)(void *)((char *)a->scratch + p->at_packed);
    for (int64_t i = 0; i < p->out_channels; i++) {
        s.rows[i] = w + i * s.k;
        for (int64_t j = 0; bias && j < nr; j += 8)
            for (int64_t l = 0; l < 8; l++) /* a vector or two */
                repeated[i * nr + j + l] = bias[i];
    }
    s.bias = bias ? repeated : NULL;
    s.r = p->fused.residual ? a->in[3] : NULL;
    return s;
}

void ln_conv_points_multiply(const ln_points *s, int64_t at, const float *panels, int64_t n)
{
    const ln_gemm_f32_desc *d = LN_D(gemm_f32);
    const ln_conv *p = s->p;
    const int64_t nr = d->nr, m = p->out_channels, slivers = (m + d->mr - 1) / d->mr, mr = (m + slivers - 1) / slivers;
    float *y = (float *)s->a->out[0] + at;
    const float *r = s->r ? s->r + at : NULL;
    ln_gemm_f32_tile t = {.taps = 1, .k = (size_t)s->k, .ldr = (size_t)nr, .ldc = (size_t)p->out_pixels};
    t.far = p->out_channels * p->out_pixels > FAR_C;
    t.clamp = p->fused.act == LN_ACT_RELU || p->fused.act == LN_ACT_CLIP;
    t.lo = p->fused.act == LN_ACT_RELU ? 0 : p->fused.lo;
    t.hi = p->fused.act == LN_ACT_RELU ? INFINITY : p->fused.hi;
    for (int64_t i = 0; i < m; i += mr) {
        t.m = (size_t)(m - i < mr ? m - i : mr);
        t.a = s->rows + i;
        t.r = s->bias ? s->bias + i * nr : NULL;
        if (r) { /* with the bias in the output's place, which is added to */
            for (int64_t l = i; l < i + (int64_t)t.m; l++)
                for (int64_t j = 0; j < n; j++)
                    y[l * p->out_pixels + j] = r[l * p->out_pixels + j] + (s->bias ? s->bias[l * nr] : 0);
        }
        for (int64_t j = 0; j < n; j += nr) {
            t.n = (size_t)(n - j < nr ? n - j : nr);
            t.b = panels + j * s->k;
            t.c = y + i * p->out_pixels + j;
            if (r) {
                t.r = t.c;
                t.ldr = t.ldc;
            }
            d->tile(&t);
        }
        for (size_t l = 0; p->fused.act > LN_ACT_CLIP && l < t.m; l++)
            ln_act_f32(y + (i + (int64_t)l) * p->out_pixels, (size_t)n, (ln_act)p->fused.act, p->fused.lo, p->fused.hi);
    }
}

/* -- pixels as they are ------------------------------------------------------------------------------------------- */

bool ln_conv_is_points(const ln_conv *p)
{
    const ln_gemm_f32_desc *d = LN_D(gemm_f32);
    return !p->channels_last && p->group == 1 && p->taps == 1 && p->in_pixels == p->out_pixels &&
           p->stride[0] * p->stride[1] * p->stride[2] == 1 && !p->pad[0] && !p->pad[1] && !p->pad[2] &&
           ln_points_fit(d, p->in_channels, p->out_channels);
}

static int64_t planes_bytes(const ln_conv *p)
{
    return (p->in_channels * (int64_t)sizeof(float *) + 63) / 64 * 64;
}

static void pieces(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_points *s = arg;
    const ln_conv *p = s->p;
    const float **planes = (const float **)(void *)((char *)s->a->scratch + p->at_workers + worker * p->worker);
    float *panels = (float *)(void *)((char *)planes + planes_bytes(p));
    for (int64_t i = begin; i < end; i++) {
        int64_t image = i / s->pieces, j = i % s->pieces * p->x_pixel;
        int64_t n = p->in_pixels - j < p->x_pixel ? p->in_pixels - j : p->x_pixel;
        for (int64_t k = 0; k < p->in_channels; k++)
            planes[k] = (const float *)s->a->in[0] + (image * p->in_channels + k) * p->in_pixels;
        LN_D(gemm_f32)->panels(panels, planes, (size_t)j, (size_t)p->in_channels, (size_t)n);
        ln_conv_points_multiply(s, image * p->out_channels * p->out_pixels + j, panels, n);
    }
}

LN_RUN(ln_conv_points_f32)
{
    const ln_conv *p = a->params;
    if (p->batch * p->out_pixels * p->out_channels == 0)
        return LINNET_OK;
    ln_points s = ln_conv_points_of(a);
    s.pieces = (p->in_pixels + p->x_pixel - 1) / p->x_pixel;
    double cost = 0.02 * (double)p->in_channels * (double)p->out_channels * (double)p->x_pixel;
    ln_parallel(a, p->batch * s.pieces, cost, pieces, &s);
    return LINNET_OK;
}

linnet_status ln_conv_plan_points(ln_ctx *c, ln_conv *p)
{
    int64_t total = 0;
    p->x_pixel = ln_conv_points_columns(p); /* pixels of a piece */
    p->worker = planes_bytes(p) + (p->x_pixel * p->in_channels * (int64_t)sizeof(float) + 63) / 64 * 64;
    LN_TRY(ln_conv_points_reserve(c, p, &total));
    LN_TRY(ln_conv_reserve(c, &total, &p->at_workers, p->worker, c->threads));
    ln_scratch(c, (size_t)total);
    LN_SET_RUN(c, ln_conv_points_f32);
    return LINNET_OK;
}
