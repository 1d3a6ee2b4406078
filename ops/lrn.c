/* SPDX-License-Identifier: Apache-2.0
 *
 * LRN: y = x / (bias + alpha / size * sum of x^2 over the neighbouring channels)^beta. ai.onnx LRN-1, -13 (bfloat16).
 * Passes may ask for channels-last tensors (fused.h).
 *
 * A task is a block of pixels of an image, so that the rows of all channels stay in the first cache. The power for the
 * usual beta of 0.75 is two square roots; its kernel has the channels of a pixel in a row, as which it takes planes.
 */
#include <math.h>

#include "kernels/kernels.h"
#include "ops/fused.h"
#include "ops/spatial.h"

#define BLOCK 64  /* pixels of a task with channels first */
#define TURNED 32 /* that are turned at once for the kernel */

typedef struct lrn_params {
    int64_t size, channels_last;
    float alpha, beta, bias;
    int64_t batch, channels, pixels;
    int64_t worker; /* bytes of scratch of a worker */
    int32_t type;
} lrn_params;

/* y[i] = x[i] * (bias + scale * s[i])^-beta */
static void divide(const lrn_params *p, float *y, const float *x, const float *s, int64_t n)
{
    float scale = p->alpha / (float)p->size;
    if (p->beta == 0.75f)
        for (int64_t i = 0; i < n; i++) {
            float d = p->bias + scale * s[i], r = sqrtf(d);
            y[i] = x[i] / (r * sqrtf(r));
        }
    else if (p->beta == 0.5f)
        for (int64_t i = 0; i < n; i++)
            y[i] = x[i] / sqrtf(p->bias + scale * s[i]);
    else
        for (int64_t i = 0; i < n; i++)
            y[i] = x[i] * powf(p->bias + scale * s[i], -p->beta);
}

static int64_t before(const lrn_params *p)
{
    return (p->size - 1) / 2;
}

/* Channels of the neighbourhood of c: [*first, *last). */
static void neighbours(const lrn_params *p, int64_t c, int64_t *first, int64_t *last)
{
    int64_t after = p->size - 1 - before(p);
    *first = c > before(p) ? c - before(p) : 0;
    *last = p->channels - c > after ? c + after + 1 : p->channels;
}

/* Blocks [begin, end) of pixels, channels first. */
static void blocks(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *args = arg;
    const lrn_params *p = args->params;
    int64_t each = (p->pixels + BLOCK - 1) / BLOCK, size = (int64_t)linnet_type_size((linnet_type)p->type);
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        int64_t at = i % each * BLOCK, n = p->pixels - at < BLOCK ? p->pixels - at : BLOCK;
        int64_t start = i / each * p->channels * p->pixels + at;
        float s[BLOCK], x[BLOCK], y[BLOCK];
        for (int64_t c = 0; c < p->channels; c++) {
            int64_t first, last;
            neighbours(p, c, &first, &last);
            for (int64_t k = 0; k < n; k++)
                s[k] = 0;
            for (int64_t j = first; j < last; j++) {
                const float *row = x;
                if (size == 4)
                    row = (const float *)args->in[0] + start + j * p->pixels;
                else
                    ln_to_f32(x, args->in[0], p->type, start + j * p->pixels, n);
                for (int64_t k = 0; k < n; k++)
                    s[k] += row[k] * row[k];
            }
            if (size == 4) {
                int64_t o = start + c * p->pixels;
                divide(p, (float *)args->out[0] + o, (const float *)args->in[0] + o, s, n);
            } else {
                ln_to_f32(x, args->in[0], p->type, start + c * p->pixels, n);
                divide(p, y, x, s, n);
                ln_from_f32(args->out[0], p->type, start + c * p->pixels, y, n, 0);
            }
        }
    }
}

LN_RUN(ln_lrn)
{
    const lrn_params *p = a->params;
    int64_t each = (p->pixels + BLOCK - 1) / BLOCK;
    ln_parallel(a, p->batch * each, (double)p->channels * BLOCK * 2, blocks, (void *)(uintptr_t)a);
    return LINNET_OK;
}

/* Pixels [begin, end), channels last. */
static void pixels_last(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *args = arg;
    const lrn_params *p = args->params;
    int64_t from = before(p) < p->channels ? -before(p) : -p->channels;
    int64_t to = p->size - before(p) < p->channels ? p->size - before(p) : p->channels;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        const float *x = (const float *)args->in[0] + i * p->channels;
        float *y = (float *)args->out[0] + i * p->channels, s[BLOCK];
        for (int64_t c = 0; c < p->channels; c += BLOCK) {
            int64_t n = p->channels - c < BLOCK ? p->channels - c : BLOCK;
            for (int64_t k = 0; k < n; k++)
                s[k] = 0;
            for (int64_t shift = from; shift < to; shift++) {
                int64_t lo = c + shift < 0 ? -c - shift : 0;
                int64_t hi = c + n + shift > p->channels ? p->channels - c - shift : n;
                for (int64_t k = lo; k < hi; k++)
                    s[k] += x[c + k + shift] * x[c + k + shift];
            }
            divide(p, y + c, x + c, s, n);
        }
    }
}

LN_RUN(ln_lrn_last)
{
    const lrn_params *p = a->params;
    ln_parallel(a, p->batch * p->pixels, (double)p->channels * 2, pixels_last, (void *)(uintptr_t)a);
    return LINNET_OK;
}

LN_RUN(ln_lrn_f64)
{
    const lrn_params *p = a->params;
    const double *x = a->in[0];
    double *y = a->out[0];
    for (int64_t i = 0; i < p->batch; i++, x += p->channels * p->pixels, y += p->channels * p->pixels)
        for (int64_t c = 0; c < p->channels; c++)
            for (int64_t k = 0; k < p->pixels; k++) {
                int64_t first, last;
                double s = 0, v = x[c * p->pixels + k];
                neighbours(p, c, &first, &last);
                for (int64_t j = first; j < last; j++)
                    s += x[j * p->pixels + k] * x[j * p->pixels + k];
                y[c * p->pixels + k] =
                    v / pow((double)p->bias + (double)p->alpha / (double)p->size * s, (double)p->beta);
            }
    return LINNET_OK;
}

/* n pixels of which the channels lie in rows, for beta 0.75; y == x is allowed. */
static void kernel(const lrn_params *p, float *y, const float *x, float *squares, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        LN_K(lrn_f32)
    (y + i * p->channels, x + i * p->channels, (size_t)p->channels, squares, (size_t)before(p), (size_t)p->size,
     p->alpha / (float)p->size, p->bias);
}

static void pixels_kernel(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *args = arg;
    const lrn_params *p = args->params;
    kernel(p, (float *)args->out[0] + begin * p->channels, (const float *)args->in[0] + begin * p->channels,
           (float *)(void *)((char *)args->scratch + worker * p->worker), end - begin);
}

LN_RUN(ln_lrn_last_kernel)
{
    const lrn_params *p = a->params;
    ln_parallel(a, p->batch * p->pixels, (double)p->channels * 0.5, pixels_kernel, (void *)(uintptr_t)a);
    return LINNET_OK;
}

static void planes_kernel(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *args = arg;
    const lrn_params *p = args->params;
    int64_t each = (p->pixels + TURNED - 1) / TURNED;
    size_t channels = (size_t)p->channels, pixels = (size_t)p->pixels;
    float *rows = (float *)(void *)((char *)args->scratch + worker * p->worker), *squares = rows + TURNED * channels;
    for (int64_t i = begin; i < end; i++) {
        int64_t at = i % each * TURNED, n = p->pixels - at < TURNED ? p->pixels - at : TURNED;
        int64_t start = i / each * p->channels * p->pixels + at;
        LN_K(transpose_f32)(rows, channels, (const float *)args->in[0] + start, pixels, channels, (size_t)n);
        kernel(p, rows, rows, squares, n);
        LN_K(transpose_f32)((float *)args->out[0] + start, pixels, rows, channels, (size_t)n, channels);
    }
}

LN_RUN(ln_lrn_kernel)
{
    const lrn_params *p = a->params;
    int64_t each = (p->pixels + TURNED - 1) / TURNED;
    ln_parallel(a, p->batch * each, (double)p->channels * TURNED * 0.7, planes_kernel, (void *)(uintptr_t)a);
    return LINNET_OK;
}

static linnet_status lrn_infer(ln_ctx *c)
{
    const lrn_params *p = c->params;
    const ln_info *x = c->in[0];
    if (x->kind != LINNET_TENSOR || (x->rank >= 0 && x->rank < 2))
        return ln_fail(c, LINNET_ERR_MODEL, "the input is no tensor of rank 2 or more");
    if (p->size < 1 || p->size > INT64_C(1) << 31)
        return ln_fail(c, LINNET_ERR_MODEL, "size is %lld", (long long)p->size);
    if (p->channels_last && x->type && x->type != LINNET_FLOAT32)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "channels last with %s", linnet_type_name((linnet_type)x->type));
    return ln_infer_same(c);
}

static linnet_status lrn_plan(ln_ctx *c)
{
    lrn_params *p = c->params;
    const ln_info *x = c->in[0];
    p->type = x->type;
    p->batch = x->dims[0];
    p->channels = x->dims[ln_channel_axis(x, p->channels_last != 0)];
    p->pixels = 1;
    for (int32_t i = 0; i < x->rank - 2; i++)
        p->pixels *= ln_spatial(x, p->channels_last != 0)[i];
    if (x->type == LINNET_FLOAT32 && p->beta == 0.75f && p->size <= p->channels) {
        int64_t rows, bytes;
        LN_TRY(ln_mul_size(c, p->channels_last ? 0 : TURNED, p->channels, &rows));
        p->worker = ((rows + p->channels + p->size) * (int64_t)sizeof(float) + 63) / 64 * 64;
        LN_TRY(ln_mul_size(c, p->worker, c->threads, &bytes));
        ln_scratch(c, (size_t)bytes);
        if (p->channels_last)
            LN_SET_RUN(c, ln_lrn_last_kernel);
        else
            LN_SET_RUN(c, ln_lrn_kernel);
    } else if (p->channels_last)
        LN_SET_RUN(c, ln_lrn_last);
    else if (x->type == LINNET_FLOAT64)
        LN_SET_RUN(c, ln_lrn_f64);
    else
        LN_SET_RUN(c, ln_lrn);
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_F(lrn_params, alpha, 0.0001f), LN_ATTR_F(lrn_params, beta, 0.75f),
                                     LN_ATTR_F(lrn_params, bias, 1),        LN_ATTR_I_REQ(lrn_params, size),
                                     LN_ATTR_CHANNELS_LAST(lrn_params),     LN_ATTR_END};

LN_OP(LRN) = {
    .domain = "",
    .type = "LRN",
    .since = {1, 13},
    .types = LN_T_FLOATS,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(lrn_params),
    .infer = lrn_infer,
    .plan = lrn_plan,
};
