/* SPDX-License-Identifier: Apache-2.0
 *
 * Softmax, LogSoftmax, Hardmax. ai.onnx 1, 11: the input is taken as two-dimensional, the rows being all from axis on;
 * 13: along axis alone. Lines that are contiguous go through row kernels; where the axis is not the last, a chunk of
 * columns is worked on at a time, row by row.
 */
#include <math.h>
#include <string.h>

#include "kernels/kernels.h"
#include "ops/map.h"

#ifdef LN_FIRMWARE
#define CHUNK 32 /* a stack is small there */
#else
#define CHUNK 256
#endif
#define SHORT 8       /* elements of a row that goes as a column */
#define BLOCK_ROWS 32 /* of LogSoftmax, at most; and their elements */
#define BLOCK_ELEMENTS 4096

enum { SOFT, LOG_SOFT, HARD };

typedef struct softmax_params {
    int64_t axis;                 /* attribute; INT64_MAX: absent */
    int64_t outer, length, inner; /* lines are outer x inner, of length elements inner apart */
    int32_t kind, type;
} softmax_params;

static void hard_line(float *y, const float *x, int64_t n)
{
    size_t at = LN_K(find_first_f32)(x, (size_t)n, LN_K(greatest_f32)(x, (size_t)n, 0));
    for (int64_t i = 0; i < n; i++)
        y[i] = 0;
    y[at] = 1;
}

static void line(int32_t kind, float *y, const float *x, int64_t n)
{
    if (kind == SOFT)
        LN_K(softmax_f32)(y, x, (size_t)n);
    else if (kind == LOG_SOFT)
        LN_K(log_softmax_f32)(y, x, (size_t)n);
    else
        hard_line(y, x, n);
}

/* Rows of LogSoftmax: each step for several rows before the next one, so that what a row waits for is done. */
static void log_rows(float *y, const float *x, int64_t rows, int64_t length)
{
    float top[BLOCK_ROWS], ln[BLOCK_ROWS];
    for (int64_t i = 0; i < rows; i++)
        top[i] = LN_K(greatest_f32)(x + i * length, (size_t)length, 0);
    for (int64_t i = 0; i < rows; i++)
        ln[i] = LN_K(sum_exp_f32)(x + i * length, (size_t)length, top[i]);
    LN_K(log_f32)(ln, ln, (size_t)rows);
    for (int64_t i = 0; i < rows; i++) {
        const float p[3] = {top[i], 1, -ln[i]};
        LN_K(standardize_f32)(y + i * length, x + i * length, (size_t)length, p);
    }
}

static void rows_f32_task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    const softmax_params *p = a->params;
    float *y = a->out[0];
    const float *x = a->in[0];
    int64_t block = BLOCK_ELEMENTS / (p->length ? p->length : 1);
    block = block < 1 ? 1 : block > BLOCK_ROWS ? BLOCK_ROWS : block;
    (void)worker;
    for (int64_t i = begin; i < end; i += p->kind == LOG_SOFT ? block : 1)
        if (p->kind == LOG_SOFT)
            log_rows(y + i * p->length, x + i * p->length, end - i < block ? end - i : block, p->length);
        else
            line(p->kind, y + i * p->length, x + i * p->length, p->length);
}

LN_RUN(ln_softmax_rows_f32)
{
    const softmax_params *p = a->params;
    ln_args copy = *a;
    ln_parallel(a, p->outer, 20.0 + 0.2 * (double)p->length, rows_f32_task, &copy);
    return LINNET_OK;
}

/* Half types, any layout: a line at a time in the worker's scratch. */
static void lines_half_task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    const softmax_params *p = a->params;
    float *x = (float *)a->scratch + worker * p->length;
    for (int64_t i = begin; i < end; i++) {
        int64_t at = i / p->inner * p->length * p->inner + i % p->inner;
        if (p->inner == 1)
            ln_to_f32(x, a->in[0], p->type, at, p->length);
        for (int64_t k = 0; k < p->length && p->inner > 1; k++)
            ln_to_f32(&x[k], a->in[0], p->type, at + k * p->inner, 1);
        line(p->kind, x, x, p->length);
        if (p->inner == 1)
            ln_from_f32(a->out[0], p->type, at, x, p->length, 1);
        for (int64_t k = 0; k < p->length && p->inner > 1; k++)
            ln_from_f32(a->out[0], p->type, at + k * p->inner, &x[k], 1, 1);
    }
}

LN_RUN(ln_softmax_half)
{
    const softmax_params *p = a->params;
    ln_args copy = *a;
    ln_parallel(a, p->outer * p->inner, 20.0 + 3.0 * (double)p->length, lines_half_task, &copy);
    return LINNET_OK;
}

/* n <= CHUNK columns of `length` rows that lie `stride` apart. */
static void columns(const softmax_params *p, float *y, const float *x, size_t n, int64_t stride)
{
    float top[CHUNK], sum[CHUNK];
    memcpy(top, x, n * sizeof *top);
    memset(sum, 0, sizeof sum);
    for (int64_t i = 1; i < p->length; i++)
        LN_K(max_f32)(top, top, x + i * stride, n, 1, 1);
    if (p->kind == HARD) {
        for (int64_t i = 0; i < p->length; i++)
            for (size_t k = 0; k < n; k++) {
                float v = x[i * stride + (int64_t)k];
                bool first = sum[k] == 0 && (v == top[k] || v != v);
                y[i * stride + (int64_t)k] = first;
                sum[k] += first;
            }
        return;
    }
    for (int64_t i = 0; i < p->length && p->kind == LOG_SOFT; i++)
        LN_K(add_exp_f32)(sum, x + i * stride, top, n);
    if (p->kind == LOG_SOFT)
        LN_K(log_f32)(sum, sum, n);
    for (int64_t i = 0; i < p->length; i++) {
        float *row = y + i * stride;
        LN_K(sub_f32)(row, x + i * stride, top, n, 1, 1);
        if (p->kind == LOG_SOFT) {
            LN_K(sub_f32)(row, row, sum, n, 1, 1);
        } else {
            LN_K(exp_f32)(row, row, n);
            LN_K(add_f32)(sum, sum, row, n, 1, 1);
        }
    }
    if (p->kind == SOFT) {
        LN_K(reciprocal_f32)(sum, sum, n);
        for (int64_t i = 0; i < p->length; i++)
            LN_K(mul_f32)(y + i * stride, y + i * stride, sum, n, 1, 1);
    }
}

/* Rows of a few elements, as scores of two classes are: turned into columns, so that vectors are full. */
static void short_rows_task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    const softmax_params *p = a->params;
    size_t length = (size_t)p->length;
    float turned[SHORT * CHUNK];
    (void)worker;
    for (int64_t i = begin; i < end; i += CHUNK) {
        size_t n = (size_t)(end - i < CHUNK ? end - i : CHUNK);
        LN_K(transpose_f32)(turned, CHUNK, (const float *)a->in[0] + i * p->length, length, n, length);
        columns(p, turned, turned, n, CHUNK);
        LN_K(transpose_f32)((float *)a->out[0] + i * p->length, length, turned, CHUNK, length, n);
    }
}

LN_RUN(ln_softmax_short_rows_f32)
{
    const softmax_params *p = a->params;
    ln_args copy = *a;
    ln_parallel(a, p->outer, 0.8 * (double)p->length, short_rows_task, &copy);
    return LINNET_OK;
}

static void columns_task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    const softmax_params *p = a->params;
    int64_t chunks = (p->inner + CHUNK - 1) / CHUNK;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        int64_t column = i % chunks * CHUNK, n = p->inner - column < CHUNK ? p->inner - column : CHUNK;
        int64_t at = i / chunks * p->length * p->inner + column;
        columns(p, (float *)a->out[0] + at, (const float *)a->in[0] + at, (size_t)n, p->inner);
    }
}

LN_RUN(ln_softmax_columns_f32)
{
    const softmax_params *p = a->params;
    ln_args copy = *a;
    int64_t chunks = (p->inner + CHUNK - 1) / CHUNK;
    ln_parallel(a, p->outer * chunks, 0.4 * CHUNK * (double)p->length, columns_task, &copy);
    return LINNET_OK;
}

static void f64_task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    const softmax_params *p = a->params;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        int64_t at = i / p->inner * p->length * p->inner + i % p->inner, best = 0, step = p->inner;
        const double *x = (const double *)a->in[0] + at;
        double *y = (double *)a->out[0] + at;
        double top = x[0], sum = 0;
        for (int64_t k = 1; k < p->length; k++)
            if (x[k * step] > top || (x[k * step] != x[k * step] && top == top)) {
                top = x[k * step];
                best = k;
            }
        for (int64_t k = 0; k < p->length; k++)
            sum += exp(x[k * step] - top);
        for (int64_t k = 0; k < p->length; k++) {
            double d = x[k * step] - top;
            y[k * step] = p->kind == SOFT ? exp(d) / sum : p->kind == LOG_SOFT ? d - log(sum) : k == best;
        }
    }
}

LN_RUN(ln_softmax_f64)
{
    const softmax_params *p = a->params;
    ln_args copy = *a;
    ln_parallel(a, p->outer * p->inner, 40.0 * (double)p->length, f64_task, &copy);
    return LINNET_OK;
}

static linnet_status axis_of(ln_ctx *c, int32_t *axis)
{
    const softmax_params *p = c->params;
    int64_t at = p->axis != INT64_MAX ? p->axis : c->version < 13 ? 1 : -1;
    *axis = 0;
    if (c->in[0]->rank == 0 && (at == 0 || at == -1))
        return LINNET_OK;
    if (c->version < 13 && at == c->in[0]->rank) { /* rows of one element each */
        *axis = c->in[0]->rank;
        return LINNET_OK;
    }
    return ln_axis(c, at, c->in[0]->rank, axis);
}

static linnet_status infer(ln_ctx *c)
{
    int32_t axis;
    if (c->in[0]->rank >= 0)
        LN_TRY(axis_of(c, &axis));
    return ln_infer_same(c);
}

static linnet_status plan(ln_ctx *c, int32_t kind)
{
    softmax_params *p = c->params;
    const ln_info *in = c->in[0];
    int32_t axis;
    LN_TRY(axis_of(c, &axis));
    p->kind = kind;
    p->type = in->type;
    p->outer = p->length = p->inner = 1;
    for (int32_t d = 0; d < in->rank; d++)
        *(d < axis ? &p->outer : d == axis || c->version < 13 ? &p->length : &p->inner) *= in->dims[d];
    if (p->length == 0)
        p->outer = 0;
    ln_in_place(c, 0, 0);
    if (in->type == LINNET_FLOAT64) {
        LN_SET_RUN(c, ln_softmax_f64);
    } else if (in->type != LINNET_FLOAT32) {
        LN_SET_RUN(c, ln_softmax_half);
        int64_t bytes;
        LN_TRY(ln_mul_size(c, p->length * (int64_t)sizeof(float), c->threads, &bytes));
        ln_scratch(c, (size_t)bytes);
    } else if (p->inner == 1 && p->length <= SHORT && p->kind != HARD) {
        LN_SET_RUN(c, ln_softmax_short_rows_f32);
    } else if (p->inner == 1) {
        LN_SET_RUN(c, ln_softmax_rows_f32);
    } else {
        LN_SET_RUN(c, ln_softmax_columns_f32);
    }
    return LINNET_OK;
}

static linnet_status softmax_plan(ln_ctx *c)
{
    return plan(c, SOFT);
}

static linnet_status log_softmax_plan(ln_ctx *c)
{
    return plan(c, LOG_SOFT);
}

static linnet_status hardmax_plan(ln_ctx *c)
{
    return plan(c, HARD);
}

static const ln_attr_spec attrs[] = {LN_ATTR_I(softmax_params, axis, INT64_MAX), LN_ATTR_END};

#define LINES(name, fn)                                                                                                \
    .domain = "", .type = (name), .since = {1, 11, 13}, .types = LN_T_FLOATS, .in = {1, 1}, .out = {1, 1},             \
    .attrs = attrs, .params_size = sizeof(softmax_params), .infer = infer, .plan = (fn)

/* clang-format off */
LN_OP(Softmax) = {LINES("Softmax", softmax_plan)};
LN_OP(LogSoftmax) = {LINES("LogSoftmax", log_softmax_plan)};
LN_OP(Hardmax) = {LINES("Hardmax", hardmax_plan)};
/* clang-format on */
