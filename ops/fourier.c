/* SPDX-License-Identifier: Apache-2.0
 *
 * Transforms in a step; see fourier.h.
 */
#include "ops/fourier.h"

#include <math.h>

#include "kernels/half.h"

linnet_status ln_fourier_length(ln_ctx *c, int64_t n)
{
    if (n < 1)
        return ln_fail(c, LINNET_ERR_MODEL, "a transform of length %lld", (long long)n);
    if (n > LN_FFT_MAX)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "a transform of length %lld; the longest is %d", (long long)n,
                       LN_FFT_MAX);
    return LINNET_OK;
}

bool ln_fourier_half(int32_t type)
{
    return type == LINNET_FLOAT16 || type == LINNET_BFLOAT16;
}

static int64_t round64(int64_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

void ln_fourier_axis(ln_fourier *f, const int64_t *in_dims, const int64_t *out_dims, int32_t rank, int32_t axis,
                     int32_t n, int32_t in_parts, int32_t out_parts)
{
    int64_t outer = 1, inner = 1, len = in_dims[axis], bins = out_dims[axis];
    for (int32_t i = 0; i < axis; i++)
        outer *= in_dims[i];
    for (int32_t i = axis + 1; i < rank; i++)
        inner *= in_dims[i];
    *f = (ln_fourier){.outer = outer,
                      .count = inner,
                      .type = f->type,
                      .n = n,
                      .in_len = (int32_t)(len < n ? len : n),
                      .out_len = (int32_t)bins,
                      .in_real = in_parts == 1,
                      .in_total = outer * len * inner * in_parts,
                      .out_total = outer * bins * inner * out_parts};
    f->in_outer = len * inner * in_parts, f->out_outer = bins * inner * out_parts;
    f->in_batch = in_parts, f->out_batch = out_parts;
    f->in_stride = inner * in_parts, f->out_stride = inner * out_parts;
    if (inner == 1) { /* all transforms are one batch */
        f->outer = 1, f->count = outer;
        f->in_batch = f->in_outer, f->out_batch = f->out_outer;
    }
}

ln_fft_desc ln_fourier_desc(const ln_fourier *f, ln_fft_kind kind, bool inverse, double scale)
{
    bool f64 = f->type == LINNET_FLOAT64;
    return (ln_fft_desc){.n = f->n,
                         .kind = (uint8_t)kind,
                         .inverse = inverse,
                         .f64 = f64,
                         .width = ln_fft_width(f64),
                         .count = f->count,
                         .stride = f->in_batch,
                         .scale = scale};
}

void ln_fourier_made(ln_fourier *f, const ln_fft_plan *plan)
{
    f->lanes = plan->lanes;
    f->scratch = round64((int64_t)ln_fft_scratch(plan));
    f->cost = 20 + 0.5 * f->n * (1 + log2(f->n));
}

linnet_status ln_fourier_plan(ln_ctx *c, ln_fourier *f, ln_fft_kind kind, bool inverse, double scale, size_t more,
                              void **rest)
{
    ln_fft_desc d = ln_fourier_desc(f, kind, inverse, scale);
    size_t bytes = (size_t)round64((int64_t)ln_fft_bytes(&d));
    ln_fft_plan *plan = ln_pack(c, bytes + more);
    if (!plan)
        return ln_no_memory(c);
    ln_fft_make(plan, &d);
    if (rest) {
        *rest = (char *)plan + bytes;
        f->bands = bytes;
    }
    ln_fourier_made(f, plan);
    ln_scratch(c, (size_t)f->scratch * (size_t)c->threads);
    if (ln_fourier_half(f->type))
        ln_scratch(c, (size_t)(round64(4 * f->in_total) + round64(4 * f->out_total) + round64(4 * f->window)));
    return LINNET_OK;
}

typedef struct work {
    const ln_fourier *f;
    const ln_fft_plan *plan;
    const char *in;
    char *out;
    const void *window;
    char *scratch;
    int64_t groups; /* of an outer index */
} work;

static void logarithms(const ln_fourier *f, float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        x[i] = (x[i] < f->least ? f->least : x[i]) + f->add;
    LN_K(log_f32)(x, x, (size_t)n);
}

/* An item is a group of `lanes` neighbouring transforms of one outer index. */
static void transform_groups(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const work *w = arg;
    const ln_fourier *f = w->f;
    int64_t size = f->type == LINNET_FLOAT64 ? 8 : 4;
    while (begin < end) {
        int64_t o = begin / w->groups, g = begin % w->groups, last = g + end - begin;
        if (last > w->groups)
            last = w->groups;
        int64_t from = g * f->lanes, to = last * f->lanes < f->count ? last * f->lanes : f->count;
        ln_fft_job job = {
            .in = w->in + (o * f->in_outer + from * f->in_batch) * size,
            .out = w->out + (o * f->out_outer + from * f->out_batch) * size,
            .window = w->window,
            .count = to - from,
            .in_batch = (ptrdiff_t)f->in_batch,
            .in_stride = (ptrdiff_t)f->in_stride,
            .out_batch = (ptrdiff_t)f->out_batch,
            .out_stride = (ptrdiff_t)f->out_stride,
            .in_len = f->in_len,
            .in_real = f->in_real,
            .out_len = f->out_len,
            .power = f->power,
            .bands = f->bands ? (const void *)((const char *)w->plan + f->bands) : NULL,
        };
        void *scratch = w->scratch + worker * f->scratch;
        if (f->type == LINNET_FLOAT64)
            LN_K(fft_f64)(w->plan, &job, scratch);
        else
            LN_K(fft_f32)(w->plan, &job, scratch);
        if (f->log)
            logarithms(f, (float *)job.out, (to - from) * f->out_batch);
        begin += last - g;
    }
}

void ln_fourier_widen(float *y, const void *x, int64_t n, int32_t type)
{
    const uint16_t *h = x;
    for (int64_t i = 0; i < n; i++)
        y[i] = type == LINNET_FLOAT16 ? ln_f16_to_f32(h[i]) : ln_bf16_to_f32(h[i]);
}

void ln_fourier_narrow(void *y, const float *x, int64_t n, int32_t type)
{
    uint16_t *h = y;
    for (int64_t i = 0; i < n; i++)
        h[i] = type == LINNET_FLOAT16 ? ln_f32_to_f16(x[i]) : ln_f32_to_bf16(x[i]);
}

void ln_fourier_transform(const ln_args *a, const ln_fourier *f, const ln_fft_plan *plan, void *scratch, void *out,
                          const void *in, const void *window)
{
    work w = {.f = f,
              .plan = plan,
              .in = in,
              .out = out,
              .window = window,
              .scratch = scratch,
              .groups = (f->count + f->lanes - 1) / f->lanes};
    ln_parallel(a, f->outer * w.groups, f->cost * f->lanes, transform_groups, &w);
}

void ln_fourier_run(const ln_args *a, const ln_fourier *f, void *out, const void *in, const void *window)
{
    if (f->out_total == 0)
        return;
    if (!ln_fourier_half(f->type)) {
        ln_fourier_transform(a, f, a->packed, a->scratch, out, in, window);
        return;
    }
    /* First the float copies, then the threads' parts. */
    float *x = a->scratch, *y = x + round64(4 * f->in_total) / 4, *v = y + round64(4 * f->out_total) / 4;
    ln_fourier_widen(x, in, f->in_total, f->type);
    if (window)
        ln_fourier_widen(v, window, f->window, f->type);
    ln_fourier_transform(a, f, a->packed, (char *)v + round64(4 * f->window), y, x, window ? v : NULL);
    ln_fourier_narrow(out, y, f->out_total, f->type);
}

void ln_put_number(void *out, int32_t type, int64_t i, double x)
{
    switch (type) {
    case LINNET_FLOAT32:
        ((float *)out)[i] = (float)x;
        break;
    case LINNET_FLOAT64:
        ((double *)out)[i] = x;
        break;
    case LINNET_FLOAT16:
        ((uint16_t *)out)[i] = ln_f32_to_f16((float)x);
        break;
    case LINNET_BFLOAT16:
        ((uint16_t *)out)[i] = ln_f32_to_bf16((float)x);
        break;
    case LINNET_INT8:
        ((int8_t *)out)[i] = (int8_t)x;
        break;
    case LINNET_INT16:
        ((int16_t *)out)[i] = (int16_t)x;
        break;
    case LINNET_INT32:
        ((int32_t *)out)[i] = (int32_t)x;
        break;
    case LINNET_INT64:
        ((int64_t *)out)[i] = (int64_t)x;
        break;
    case LINNET_UINT8:
        ((uint8_t *)out)[i] = (uint8_t)x;
        break;
    case LINNET_UINT16:
        ((uint16_t *)out)[i] = (uint16_t)x;
        break;
    case LINNET_UINT32:
        ((uint32_t *)out)[i] = (uint32_t)x;
        break;
    default:
        ((uint64_t *)out)[i] = (uint64_t)x;
        break;
    }
}
