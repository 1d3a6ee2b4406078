/* SPDX-License-Identifier: Apache-2.0
 *
 * com.microsoft QLinearAveragePool, QLinearGlobalAveragePool and NhwcMaxPool, ONNX Runtime docs/ContribOperators.md.
 *
 * The mean of an image is the exact integer sum less the zero points, requantised by one factor as the sums of a
 * convolution are. The mean of a window is that of the dequantised elements in float32, one added after the other:
 * means of windows lie on the edge of rounding as a rule (of two elements with equal scales every second one does), and
 * only the float32 operations of DequantizeLinear, AveragePool, QuantizeLinear fall to the same side of it.
 */
#include <string.h>

#include "ops/fused.h"
#include "ops/qlinear.h"
#include "ops/qwindow.h"

enum { AVERAGE, GLOBAL, MAX };

typedef struct qpool_params {
    ln_qwindow_attrs window;
    int64_t channels_last, linnet_channels_last, count_include_pad;
    ln_qwindow w;
    int64_t images;   /* batch * channels, or batch where the channels are last */
    int64_t channels; /* side by side: 1, or the channels where they are last */
    int32_t kind, is_signed, zeros, unused;
    int64_t worker_bytes;
} qpool_params;

enum { X, X_SCALE, X_ZERO, Y_SCALE, Y_ZERO };

typedef struct job {
    const qpool_params *p;
    const ln_args *a;
    const uint8_t *x;
    uint8_t *y;
    float x_scale, y_scale;
    int32_t x_zero, y_zero;
} job;

static ln_qmean_args mean_of(const job *j, int64_t divisor, bool in_float)
{
    int s = j->p->is_signed;
    return (ln_qmean_args){.in_float = in_float,
                           .x_scale = j->x_scale,
                           .divisor = (float)divisor,
                           .y_scale = j->y_scale,
                           .factor = j->x_scale / (j->y_scale * (float)divisor),
                           .flip = s ? 0x80 : 0,
                           .x_zero = j->x_zero + (s ? 128 : 0),
                           .y_zero = j->y_zero,
                           .lo = (float)((s ? -128 : 0) - j->y_zero),
                           .hi = (float)((s ? 127 : 255) - j->y_zero)};
}

/* Positions that count_include_pad counts: all but those that ceil_mode adds behind the padding. */
static int64_t padded_count(const ln_qwindow *w, int64_t pixel)
{
    int64_t count = 1;
    for (int i = LN_QW_MAX - 1; i >= 0; i--) {
        int64_t start = pixel % w->out[i] * w->stride[i] - w->before[i], n = 0;
        pixel /= w->out[i];
        for (int64_t k = 0; k < w->kernel[i]; k++)
            n += start + k * w->dilation[i] < w->in[i] + w->after[i];
        count *= n;
    }
    return count;
}

static const uint8_t **rows_of(const job *j, int32_t worker)
{
    return (const uint8_t **)(void *)((char *)j->a->scratch + worker * j->p->worker_bytes);
}

/* The rows of a pixel's window that are inside; there is one at least where the model is sane, else the first. */
static void pool_pixels(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    const qpool_params *p = j->p;
    const ln_qwindow *w = &p->w;
    const uint8_t **rows = rows_of(j, worker);
    for (int64_t t = begin; t < end; t++) {
        int64_t image = t / w->out_size, pixel = t % w->out_size, C = p->channels, count = 0;
        const uint8_t *x = j->x + image * w->in_size * C;
        ln_qwindow_rows(w, rows, 1, 1, pixel, 1, x, C, NULL);
        for (int64_t k = 0; k < w->taps; k++)
            if (rows[k])
                rows[count++] = rows[k];
        if (count == 0)
            rows[count++] = x;
        if (p->kind == MAX) {
            LN_K(qpool_max8)(j->y + t * C, rows, (size_t)count, (size_t)C, p->is_signed ? 0x80 : 0);
        } else {
            ln_qmean_args g = mean_of(j, p->count_include_pad ? padded_count(w, pixel) : count, true);
            LN_K(qpool_mean8)(j->y + t * C, rows, (size_t)count, (size_t)C, &g);
        }
    }
}

static void pool_images(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    const qpool_params *p = j->p;
    int64_t n = p->w.in_size, C = p->channels;
    const uint8_t **rows = rows_of(j, worker);
    ln_qmean_args g = mean_of(j, n, false);
    for (int64_t t = begin; t < end; t++) {
        const uint8_t *x = j->x + t * n * C;
        if (C > 1) {
            for (int64_t i = 0; i < n; i++)
                rows[i] = x + i * C;
            LN_K(qpool_mean8)(j->y + t * C, rows, (size_t)n, (size_t)C, &g);
        } else {
            int32_t sum;
            LN_K(qrowsum)(&sum, &x, 1, (size_t)n, g.flip);
            float v = (float)((int64_t)sum - n * g.x_zero) * g.factor;
            j->y[t] = ln_quantize_one(v, 1.0f, g.y_zero, p->is_signed);
        }
    }
}

LN_RUN(ln_qlinearpool)
{
    const qpool_params *p = a->params;
    job j = {.p = p, .a = a, .x = a->in[X], .y = a->out[0]};
    if (p->kind != MAX) {
        j.x_scale = *(const float *)a->in[X_SCALE];
        j.y_scale = *(const float *)a->in[Y_SCALE];
        j.x_zero = ln_zero_of(p->zeros & 1 ? a->in[X_ZERO] : NULL, p->is_signed, 0);
        j.y_zero = ln_zero_of(p->zeros & 2 ? a->in[Y_ZERO] : NULL, p->is_signed, 0);
    }
    if (p->kind == GLOBAL)
        ln_parallel(a, p->images, (double)(p->w.in_size * p->channels), pool_images, &j);
    else
        ln_parallel(a, p->images * p->w.out_size, (double)p->w.taps * (2 + 0.1 * (double)p->channels), pool_pixels, &j);
    return LINNET_OK;
}

static linnet_status check_quantisation(ln_ctx *c)
{
    if (!ln_in(c, X_SCALE) || !ln_in(c, Y_SCALE))
        return ln_fail(c, LINNET_ERR_MODEL, "a scale is missing");
    LN_TRY(ln_check_scale(c, X_SCALE, "x_scale"));
    LN_TRY(ln_check_scale(c, Y_SCALE, "y_scale"));
    LN_TRY(ln_check_zero(c, X_ZERO, X, "x_zero_point"));
    return ln_check_zero(c, Y_ZERO, X, "y_zero_point");
}

/* Everything but the run. */
static linnet_status geometry(ln_ctx *c, int32_t kind)
{
    qpool_params *p = c->params;
    const ln_info *x = c->in[X];
    if (kind != MAX)
        LN_TRY(check_quantisation(c));
    LN_TRY(ln_check_rank(c, X, 3, kind == GLOBAL ? LN_MAX_RANK : 2 + LN_QW_MAX, "X"));
    if (x->rank < 0)
        return ln_set_unknown(c, 0, (linnet_type)x->type);
    bool last = p->channels_last || p->linnet_channels_last || kind == MAX;
    int32_t rank = x->rank - 2, at = last ? x->rank - 1 : 1, first = last ? 1 : 2;
    int64_t dims[LN_MAX_RANK] = {x->dims[0]};
    dims[at] = x->dims[at];
    p->kind = kind;
    p->is_signed = x->type == LINNET_INT8;
    if (kind == GLOBAL) {
        p->w.in_size = 1;
        for (int32_t i = 0; i < rank; i++) {
            p->w.in_size *= x->dims[first + i] < 0 ? 1 : x->dims[first + i];
            dims[first + i] = 1;
        }
    } else {
        LN_TRY(ln_qwindow_of(c, &p->window, rank, x->dims + first, NULL, &p->w));
        for (int32_t i = 0; i < rank; i++)
            dims[first + i] = p->w.out[LN_QW_MAX - rank + i];
    }
    p->images = last ? x->dims[0] : x->dims[0] * x->dims[1];
    p->channels = last ? x->dims[at] : 1;
    p->zeros = kind == MAX ? 0 : (ln_in(c, X_ZERO) ? 1 : 0) | (ln_in(c, Y_ZERO) ? 2 : 0);
    return ln_set_shape(c, 0, (linnet_type)x->type, x->rank, dims);
}

static linnet_status plan(ln_ctx *c, int32_t kind)
{
    qpool_params *p = c->params;
    LN_TRY(geometry(c, kind));
    int64_t rows = kind == GLOBAL ? p->w.in_size : p->w.taps, bytes;
    LN_TRY(ln_mul_size(c, rows, (int64_t)c->pointer_bytes, &p->worker_bytes));
    LN_TRY(ln_mul_size(c, p->worker_bytes, c->threads, &bytes));
    ln_scratch(c, (size_t)bytes);
    return LINNET_OK;
}

static linnet_status average(ln_ctx *c)
{
    return geometry(c, AVERAGE);
}

static linnet_status average_plan(ln_ctx *c)
{
    return plan(c, AVERAGE);
}

static linnet_status global(ln_ctx *c)
{
    return geometry(c, GLOBAL);
}

static linnet_status global_plan(ln_ctx *c)
{
    return plan(c, GLOBAL);
}

static linnet_status max(ln_ctx *c)
{
    return geometry(c, MAX);
}

static linnet_status max_plan(ln_ctx *c)
{
    return plan(c, MAX);
}

static const ln_attr_spec average_attrs[] = {
    LN_ATTRS_QWINDOW(qpool_params),
    {.name = "ceil_mode", .kind = LN_AT_INT, .offset = offsetof(qpool_params, window.ceil_mode)},
    LN_ATTR_I(qpool_params, channels_last, 0),
    LN_ATTR_I(qpool_params, count_include_pad, 0),
    {.name = LN_NAME_CHANNELS_LAST, .kind = LN_AT_INT, .offset = offsetof(qpool_params, linnet_channels_last)},
    LN_ATTR_END};

static const ln_attr_spec global_attrs[] = {
    LN_ATTR_I(qpool_params, channels_last, 0),
    {.name = LN_NAME_CHANNELS_LAST, .kind = LN_AT_INT, .offset = offsetof(qpool_params, linnet_channels_last)},
    LN_ATTR_END};

LN_OP(QLinearAveragePool) = {
    .domain = "com.microsoft",
    .type = "QLinearAveragePool",
    .since = {1},
    .types = LN_T_8,
    .in = {1, 5},
    .out = {1, 1},
    .attrs = average_attrs,
    .params_size = sizeof(qpool_params),
    .infer = average,
    .plan = average_plan,
    LN_RUN_NAME(ln_qlinearpool),
};

LN_OP(QLinearGlobalAveragePool) = {
    .domain = "com.microsoft",
    .type = "QLinearGlobalAveragePool",
    .since = {1},
    .types = LN_T_8,
    .in = {1, 5},
    .out = {1, 1},
    .attrs = global_attrs,
    .params_size = sizeof(qpool_params),
    .infer = global,
    .plan = global_plan,
    LN_RUN_NAME(ln_qlinearpool),
};

LN_OP(NhwcMaxPool) = {
    .domain = "com.microsoft",
    .type = "NhwcMaxPool",
    .since = {1},
    .types = LN_T_8,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = average_attrs,
    .params_size = sizeof(qpool_params),
    .infer = max,
    .plan = max_plan,
    LN_RUN_NAME(ln_qlinearpool),
};
