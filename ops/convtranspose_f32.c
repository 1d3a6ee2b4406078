/* SPDX-License-Identifier: Apache-2.0
 *
 * Transposed convolution of float32 as a set of ordinary ones. Output positions fall into phases by (position + pad)
 * modulo the stride; within a phase the taps that reach a position are the same, every one reads an input pixel at a
 * fixed distance, and neighbouring positions read neighbouring pixels. So a phase is a convolution of stride 1 with a
 * part of the kernel, reversed, over row pointers (kernels/conv.h).
 */
#include <string.h>

#include "kernels/conv.h"
#include "ops/convtranspose.h"

#define MAX_PHASES 1024

/* One dimension of a phase. */
typedef struct axis {
    int64_t first; /* output position */
    int64_t count; /* of output positions, stride apart */
    int64_t tap;   /* the largest tap, and the distance to the next smaller one */
    int64_t tap_step, taps;
    int64_t offset, step; /* the largest tap reads input position o - offset, the next ones are step apart */
} axis;

static int64_t gcd(int64_t a, int64_t b)
{
    while (b) {
        int64_t t = a % b;
        a = b;
        b = t;
    }
    return a;
}

static int64_t phases_in(const ln_deconv *p, int32_t d)
{
    return p->stride[d] < p->out[d] ? p->stride[d] : p->out[d];
}

/* Phase i < phases_in(p, d) begins at output position i. */
static axis axis_of(const ln_deconv *p, int32_t d, int64_t i)
{
    int64_t s = p->stride[d], dilation = p->dilation[d], r = (i + p->pad[d]) % s, common = gcd(s, dilation), k = 0;
    axis a = {.first = i, .count = (p->out[d] - i + s - 1) / s, .tap_step = s / common, .step = dilation / common};
    while (k < p->kernel[d] && k < a.tap_step && k * dilation % s != r)
        k++;
    if (k == p->kernel[d] || k == a.tap_step)
        return a;
    a.taps = (p->kernel[d] - 1 - k) / a.tap_step + 1;
    a.tap = k + (a.taps - 1) * a.tap_step;
    a.offset = (a.tap * dilation - r) / s - (i + p->pad[d] - r) / s;
    return a;
}

typedef struct phase {
    axis at[3];
    int64_t taps;
    int64_t packed; /* elements of the packed weights of a group */
} phase;

static int64_t phases_of(const ln_deconv *p)
{
    return phases_in(p, 0) * phases_in(p, 1) * phases_in(p, 2);
}

static phase phase_of(const ln_deconv *p, int64_t i)
{
    phase f = {.taps = 1};
    int64_t n1 = phases_in(p, 1), n2 = phases_in(p, 2), index[3] = {i / n2 / n1, i / n2 % n1, i % n2};
    for (int32_t d = 0; d < 3; d++) {
        f.at[d] = axis_of(p, d, index[d]);
        f.taps *= f.at[d].taps;
    }
    size_t n = ln_gemm_f32_packed(LN_D(gemm_f32), (size_t)(p->out_channels / p->group), (size_t)f.taps,
                                  (size_t)(p->in_channels / p->group));
    f.packed = ((int64_t)n + 15) / 16 * 16;
    return f;
}

static void pack_weights(const ln_deconv *p, float *to, const float *w, const float *bias)
{
    const ln_gemm_f32_desc *d = LN_D(gemm_f32);
    int64_t n = p->out_channels / p->group, k = p->in_channels / p->group, phases = phases_of(p);
    size_t panels = ((size_t)n + d->nr - 1) / d->nr;
    for (int64_t i = 0; i < phases; i++) {
        phase f = phase_of(p, i);
        int64_t unit[3] = {p->kernel[1] * p->kernel[2], p->kernel[2], 1}, start = 0;
        ln_gemm_f32_b b = {.n_stride = (size_t)p->taps,
                           .k_stride = (size_t)(n * p->taps),
                           .bias_stride = 1,
                           .grid = {(size_t)f.at[1].taps, (size_t)f.at[2].taps},
                           .scale = 1,
                           .bias_scale = 1};
        for (int32_t a = 0; a < 3; a++) {
            start += f.at[a].tap * unit[a];
            b.grid_stride[a] = (ptrdiff_t)(-f.at[a].tap_step * unit[a]);
        }
        for (int64_t g = 0; g < p->group; g++, to += f.packed) {
            b.b = w + g * k * n * p->taps + start;
            b.bias = bias ? bias + g * n : NULL;
            ln_gemm_f32_pack(d, to, (size_t)n, (size_t)f.taps, (size_t)k, &b, 0, panels);
        }
    }
}

/* -- run ---------------------------------------------------------------------------------------------------------- */

typedef struct work {
    const ln_deconv *p;
    const ln_args *a;
    const float *x; /* channels-last */
    float *y;
    const float *weights; /* of the phase */
    const float *zero;
    char *scratch;
    phase f;
    ln_conv_shape shape;
    ln_gemm_f32_job job;
} work;

/* Images [begin, end) between the layouts. */
static void copy_in(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const work *w = arg;
    size_t channels = (size_t)w->p->in_channels, pixels = (size_t)w->p->in_pixels;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        size_t at = (size_t)i * channels * pixels;
        LN_K(transpose_f32)
        ((float *)(void *)(w->scratch + w->p->at_in) + at, channels, (const float *)w->a->in[0] + at, pixels, channels,
         pixels);
    }
}

static void copy_out(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const work *w = arg;
    size_t channels = (size_t)w->p->out_channels, pixels = (size_t)w->p->out_pixels;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        size_t at = (size_t)i * channels * pixels;
        LN_K(transpose_f32)((float *)w->a->out[0] + at, pixels, w->y + at, channels, pixels, channels);
    }
}

/* Lines [begin, end) of the phase in all groups and images. */
static void lines(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const work *w = arg;
    const ln_deconv *p = w->p;
    const axis *at = w->f.at;
    int64_t each = p->batch * at[0].count * at[1].count, n = p->out_channels / p->group;
    for (int64_t i = begin; i < end; i++) {
        int64_t g = i / each, line = i % each, oy = line % at[1].count, oz = line / at[1].count % at[0].count;
        int64_t image = line / at[1].count / at[0].count;
        int64_t z = at[0].first + oz * p->stride[0], y = at[1].first + oy * p->stride[1];
        ln_conv_shape shape = w->shape;
        shape.pad[0] -= (size_t)oz;
        shape.pad[1] -= (size_t)oy;
        ln_conv_source source = {&shape, w->x + image * p->in_pixels * p->in_channels + g * (p->in_channels / p->group),
                                 w->zero};
        ln_gemm_f32_job job = w->job;
        job.rows_arg = &source;
        job.b = w->weights + g * w->f.packed;
        job.c = w->y + (((image * p->out[0] + z) * p->out[1] + y) * p->out[2] + at[2].first) * p->out_channels + g * n;
        ln_gemm_f32_run(&job, w->scratch + p->at_workers + worker * p->worker, 0, job.tiles);
    }
}

static void run_phase(work *w, const ln_args *a)
{
    const ln_deconv *p = w->p;
    const axis *at = w->f.at;
    int64_t count = p->group * p->batch * at[0].count * at[1].count;
    for (int32_t d = 0; d < 3; d++) {
        w->shape.in[d] = (size_t)p->in[d];
        w->shape.kernel[d] = (size_t)at[d].taps;
        w->shape.stride[d] = 1;
        w->shape.dilation[d] = (size_t)at[d].step;
        w->shape.pad[d] = (size_t)at[d].offset; /* may be negative: positions wrap around */
        w->shape.out[d] = d == 2 ? (size_t)at[2].count : 1;
    }
    w->shape.pixel = (size_t)p->in_channels;
    w->job = (ln_gemm_f32_job){.d = LN_D(gemm_f32),
                               .m = (size_t)at[2].count,
                               .n = (size_t)(p->out_channels / p->group),
                               .taps = (size_t)w->f.taps,
                               .k = (size_t)(p->in_channels / p->group),
                               .rows = ln_conv_rows,
                               .rows_pitch = (size_t)p->in_channels,
                               .ldc = (size_t)(p->stride[2] * p->out_channels),
                               .act = (ln_act)p->fused.act,
                               .lo = p->fused.lo,
                               .hi = p->fused.hi};
    ln_gemm_f32_prepare(&w->job, 1);
    ln_parallel(a, count, ln_gemm_f32_cost(&w->job) * (double)w->job.tiles, lines, w);
}

LN_RUN(ln_deconv_product_f32)
{
    const ln_deconv *p = a->params;
    work w = {.p = p, .a = a, .x = a->in[0], .y = a->out[0], .scratch = a->scratch, .weights = a->packed};
    if (p->batch == 0 || p->out_pixels == 0 || p->out_channels == 0)
        return LINNET_OK;
    if (p->copy_in) {
        ln_parallel(a, p->batch, 0.5 * (double)(p->in_channels * p->in_pixels), copy_in, &w);
        w.x = (const float *)(void *)(w.scratch + p->at_in);
    }
    if (p->copy_out)
        w.y = (float *)(void *)(w.scratch + p->at_out);
    if (!p->packed) {
        float *packed = (float *)(void *)(w.scratch + p->at_packed);
        pack_weights(p, packed, a->in[1], p->bias ? a->in[p->bias] : NULL);
        w.weights = packed;
    }
    float *zero = (float *)(void *)(w.scratch + p->at_zero);
    memset(zero, 0, (size_t)(p->in_channels / p->group) * sizeof *zero);
    w.zero = zero;
    int64_t phases = phases_of(p);
    for (int64_t i = 0; i < phases; i++) {
        w.f = phase_of(p, i);
        run_phase(&w, a);
        w.weights += w.f.packed * p->group;
    }
    if (p->copy_out)
        ln_parallel(a, p->batch, 0.5 * (double)(p->out_channels * p->out_pixels), copy_out, &w);
    return LINNET_OK;
}

/* -- plan --------------------------------------------------------------------------------------------------------- */

/* Room for count elements of size bytes in scratch; *at is where. */
static linnet_status reserve(ln_ctx *c, int64_t *total, int64_t *at, int64_t count, int64_t size)
{
    LN_TRY(ln_mul_size(c, count, size, &count));
    *at = *total;
    *total += (count + 63) / 64 * 64;
    return LINNET_OK;
}

linnet_status ln_deconv_plan_f32(ln_ctx *c, ln_deconv *p)
{
    const ln_info *w = c->in[1], *bias = p->bias ? c->in[p->bias] : NULL;
    int64_t total = 0, phases, bytes = 0, most = 0;
    LN_TRY(ln_mul_size(c, phases_in(p, 0), phases_in(p, 1), &phases));
    LN_TRY(ln_mul_size(c, phases, phases_in(p, 2), &phases));
    if (phases > MAX_PHASES)
        return ln_deconv_plan_any(c, p);
    for (int64_t i = 0; i < phases; i++) {
        phase f = phase_of(p, i);
        int64_t one;
        LN_TRY(ln_mul_size(c, f.packed * (int64_t)sizeof(float), p->group, &one));
        bytes += one;
        most = f.taps > most ? f.taps : most;
    }
    LN_SET_RUN(c, ln_deconv_product_f32);
    p->copy_in = !p->channels_last && p->in_channels > 1 && p->in_pixels > 1;
    p->copy_out = !p->channels_last && p->out_channels > 1 && p->out_pixels > 1;
    p->packed = w->data && (!bias || bias->data);
    for (int64_t taps = 1; taps <= most; taps++) {
        int64_t need = (int64_t)ln_gemm_f32_scratch(LN_D(gemm_f32), SIZE_MAX, SIZE_MAX, (size_t)taps,
                                                    (size_t)(p->in_channels / p->group));
        p->worker = need > p->worker ? need : p->worker;
    }
    if (most == 0)
        p->worker =
            (int64_t)ln_gemm_f32_scratch(LN_D(gemm_f32), SIZE_MAX, SIZE_MAX, 0, (size_t)(p->in_channels / p->group));
    LN_TRY(reserve(c, &total, &p->at_in, p->copy_in ? ln_info_count(c->in[0]) : 0, sizeof(float)));
    LN_TRY(reserve(c, &total, &p->at_out, p->copy_out ? ln_info_count(c->out[0]) : 0, sizeof(float)));
    LN_TRY(reserve(c, &total, &p->at_zero, p->in_channels / p->group, sizeof(float)));
    LN_TRY(reserve(c, &total, &p->at_packed, p->packed ? 0 : bytes, 1));
    LN_TRY(reserve(c, &total, &p->at_workers, p->worker, c->threads));
    ln_scratch(c, (size_t)total);
    if (!p->packed)
        return LINNET_OK;
    float *to = ln_pack(c, (size_t)bytes + 64);
    if (!to)
        return ln_no_memory(c);
    pack_weights(p, to, w->data, bias ? bias->data : NULL);
    ln_drop_input(c, 1);
    if (bias)
        ln_drop_input(c, 2);
    return LINNET_OK;
}
