/* SPDX-License-Identifier: Apache-2.0
 *
 * LayerNormalization (ai.onnx 17), RMSNormalization (23), SimplifiedLayerNormalization (as exporters write it, in
 * ai.onnx or com.microsoft), SkipLayerNormalization and SkipSimplifiedLayerNormalization (com.microsoft): a row is
 * everything from axis on. y = (x - mean) / sqrt(var + epsilon) * scale + bias; the RMS forms take mean as 0.
 *
 * Half types compute the normalised value in float32 (stash_type 1) and round it before it is scaled, as the function
 * bodies do. A scale or bias that is not one row broadcasts in a walk of its own.
 */
#include <math.h>

#include "kernels/kernels.h"
#include "ops/binary.h"

#define BLOCK_ROWS 32
#define BLOCK_ELEMENTS 4096

typedef struct layer_params {
    int64_t axis, stash_type; /* attributes */
    float epsilon;
    int32_t type, stat_type, out_type; /* out_type: of the scale and the result, RMSNormalization's alone may differ */
    int64_t rows, n;
    int32_t rms;                            /* mean is 0 */
    int32_t scale, bias;                    /* 1: a row, 2: walked; 0: none */
    int32_t skip, add;                      /* inputs to add to x first, a tensor and a row; -1: none */
    int32_t bias_in;                        /* input that is the bias */
    int32_t mean_out, inverse_out, sum_out; /* outputs; -1: none */
} layer_params;

typedef struct job {
    const ln_args *a;
    const layer_params *p;
} job;

static void *out_of(const ln_args *a, int32_t i)
{
    return i < 0 ? NULL : a->out[i];
}

/* Adds input `in` (from element at on) to the row x, by the worker's second row of scratch. */
static void add_input(const job *j, int32_t in, int64_t at, float *x, float *room)
{
    const layer_params *p = j->p;
    if (in < 0)
        return;
    ln_to_f32(room, j->a->in[in], p->type, at, p->n);
    LN_K(add_f32)(x, x, room, (size_t)p->n, 1, 1);
}

static void round_row(const layer_params *p, float *x)
{
    for (int64_t i = 0; i < p->n && p->type != LINNET_FLOAT32; i++)
        x[i] = ln_round_to(x[i], p->type);
}

/* Mean and 1 / deviation of `rows` rows, the first of them row `first` of all. Each step for all rows before the next
 * one: what a row waits for is then long done. */
static void statistics(const job *j, int64_t first, int64_t rows, const float *x, float *mean, float *inverse)
{
    const layer_params *p = j->p;
    size_t n = (size_t)p->n;
    for (int64_t i = 0; i < rows; i++)
        mean[i] = p->rms ? 0.0f : LN_K(sum_f32)(x + i * p->n, n, 0) / (float)p->n;
    for (int64_t i = 0; i < rows; i++)
        inverse[i] = LN_K(sum_square_f32)(x + i * p->n, n, mean[i]);
    for (int64_t i = 0; i < rows; i++)
        inverse[i] = 1.0f / sqrtf(inverse[i] / (float)p->n + p->epsilon);
    if (out_of(j->a, p->mean_out))
        ln_from_f32(j->a->out[p->mean_out], p->stat_type, first, mean, rows, 1);
    if (out_of(j->a, p->inverse_out))
        ln_from_f32(j->a->out[p->inverse_out], p->stat_type, first, inverse, rows, 1);
}

/* float32 with nothing to add: straight from input to output, as many rows at a time as the first cache holds. */
static void direct_task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    const layer_params *p = j->p;
    const float *scale = p->scale == 1 ? j->a->in[1] : NULL, *bias = p->bias == 1 ? j->a->in[p->bias_in] : NULL;
    int64_t block = BLOCK_ELEMENTS / p->n;
    block = block < 1 ? 1 : block > BLOCK_ROWS ? BLOCK_ROWS : block;
    (void)worker;
    for (int64_t row = begin; row < end; row += block) {
        const float *x = (const float *)j->a->in[0] + row * p->n;
        float *y = (float *)j->a->out[0] + row * p->n, mean[BLOCK_ROWS], inverse[BLOCK_ROWS];
        int64_t rows = end - row < block ? end - row : block;
        statistics(j, row, rows, x, mean, inverse);
        for (int64_t i = 0; i < rows; i++)
            LN_K(normalize_f32)(y + i * p->n, x + i * p->n, (size_t)p->n, mean[i], inverse[i], scale, bias);
    }
}

/* Any of float32, float16, bfloat16, with a skip and a row to add: through two rows of scratch. */
static void scratch_task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    const layer_params *p = j->p;
    float *x = (float *)j->a->scratch + worker * 2 * p->n, *room = x + p->n;
    size_t n = (size_t)p->n;
    for (int64_t row = begin; row < end; row++) {
        float mean, inverse;
        ln_to_f32(x, j->a->in[0], p->type, row * p->n, p->n);
        add_input(j, p->skip, row * p->n, x, room);
        add_input(j, p->add, 0, x, room);
        if (out_of(j->a, p->sum_out))
            ln_from_f32(j->a->out[p->sum_out], p->type, row * p->n, x, p->n, 1);
        statistics(j, row, 1, x, &mean, &inverse);
        LN_K(normalize_f32)(x, x, n, mean, inverse, NULL, NULL);
        round_row(p, x);
        if (p->scale == 1) {
            ln_to_f32(room, j->a->in[1 + (p->skip >= 0)], p->type, 0, p->n);
            LN_K(mul_f32)(x, x, room, n, 1, 1);
            round_row(p, x);
        }
        if (p->bias == 1) {
            ln_to_f32(room, j->a->in[p->bias_in], p->type, 0, p->n);
            LN_K(add_f32)(x, x, room, n, 1, 1);
        }
        ln_from_f32(j->a->out[0], p->type, row * p->n, x, p->n, 1);
    }
}

static void f64_task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    const layer_params *p = j->p;
    (void)worker;
    for (int64_t row = begin; row < end; row++) {
        const double *x = (const double *)j->a->in[0] + row * p->n;
        double *y = (double *)j->a->out[0] + row * p->n, mean = 0, var = 0;
        for (int64_t i = 0; i < p->n && !p->rms; i++)
            mean += x[i] / (double)p->n;
        for (int64_t i = 0; i < p->n; i++)
            var += (x[i] - mean) * (x[i] - mean);
        double inverse = 1 / sqrt(var / (double)p->n + (double)p->epsilon);
        const double results[2] = {mean, inverse};
        for (int32_t k = 0; k < 2; k++) {
            void *out = out_of(j->a, k ? p->inverse_out : p->mean_out);
            if (out)
                ln_put_f64(out, p->stat_type, row, results[k]);
        }
        for (int64_t i = 0; i < p->n; i++) {
            double v = (x[i] - mean) * inverse;
            v = p->scale == 1 ? v * ((const double *)j->a->in[1])[i] : v;
            y[i] = p->bias == 1 ? v + ((const double *)j->a->in[p->bias_in])[i] : v;
        }
    }
}

/* RMSNormalization of one type by a scale of another: the normalised value is rounded to the input's type, then scaled
 * in the scale's (ln_binary_walk). */
static void mixed_task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    const layer_params *p = j->p;
    (void)worker;
    for (int64_t row = begin; row < end; row++) {
        double sum = 0;
        for (int64_t i = row * p->n; i < (row + 1) * p->n; i++)
            sum += ln_get_f64(j->a->in[0], p->type, i) * ln_get_f64(j->a->in[0], p->type, i);
        double inverse = 1 / sqrt(sum / (double)p->n + (double)p->epsilon);
        for (int64_t i = row * p->n; i < (row + 1) * p->n; i++) {
            double y = ln_get_f64(j->a->in[0], p->type, i) * inverse;
            ln_put_f64(j->a->out[0], p->out_type, i,
                       p->type == LINNET_FLOAT64 ? y : (double)ln_round_to((float)y, p->type));
        }
    }
}

LN_RUN(ln_layernorm)
{
    const layer_params *p = a->params;
    const ln_bcast *walks = a->packed;
    job j = {.a = a, .p = p};
    bool direct = p->type == LINNET_FLOAT32 && p->skip < 0 && p->add < 0;
    bool mixed = p->type != p->out_type;
    double each = mixed || p->type == LINNET_FLOAT64 ? 4.0 : direct ? 0.15 : p->type == LINNET_FLOAT32 ? 0.4 : 5.0;
    ln_parallel(a, p->n ? p->rows : 0, 20.0 + each * (double)p->n,
                mixed                       ? mixed_task
                : p->type == LINNET_FLOAT64 ? f64_task
                : direct                    ? direct_task
                                            : scratch_task,
                &j);
    if (p->scale == 2) {
        ln_binary_job mul = {&walks[0], NULL, ln_row_of(p->out_type), LN_BIN_MUL, p->out_type, {a->out[0], a->in[1]},
                             a->out[0]};
        ln_binary_walk(a, &mul, 1.0);
    }
    if (p->bias == 2) {
        ln_binary_job add = {&walks[1], NULL, ln_row_of(p->type), LN_BIN_ADD, p->type, {a->out[0], a->in[2]},
                             a->out[0]};
        ln_binary_walk(a, &add, 1.0);
    }
    return LINNET_OK;
}

/* -- ai.onnx -- */

static linnet_type stat_type(ln_ctx *c)
{
    int64_t stash = ((const layer_params *)c->params)->stash_type;
    return stash == LINNET_BFLOAT16 || stash == LINNET_FLOAT64 || stash == LINNET_FLOAT16 ? (linnet_type)stash
                                                                                          : LINNET_FLOAT32;
}

/* RMSNormalization's scale has a type parameter of its own, which is the result's. */
static bool own_scale_type(const ln_ctx *c)
{
    return c->version == 23;
}

static linnet_status check_factor(ln_ctx *c, int32_t i, const char *name)
{
    const ln_info *x = c->in[0], *f = ln_in(c, i);
    LN_TRY(ln_check_type(c, i, x->type && !own_scale_type(c) ? LN_T(x->type) : LN_T_FLOATS, name));
    if (!f || f->rank < 0 || x->rank < 0)
        return LINNET_OK;
    if (f->rank > x->rank)
        return ln_fail(c, LINNET_ERR_MODEL, "%s has rank %d, the input %d", name, f->rank, x->rank);
    for (int32_t d = 0; d < f->rank; d++)
        if (f->dims[d] != 1)
            LN_TRY(ln_check_dim(c, f->dims[d], x->dims[x->rank - f->rank + d], name));
    return LINNET_OK;
}

static linnet_status infer(ln_ctx *c)
{
    const layer_params *p = c->params;
    const ln_info *x = c->in[0];
    int32_t axis;
    LN_TRY(check_factor(c, 1, "scale"));
    LN_TRY(check_factor(c, 2, "bias"));
    for (int32_t i = 1; i < c->n_out; i++)
        LN_TRY(ln_set_unknown(c, i, stat_type(c)));
    linnet_type type = (linnet_type)(own_scale_type(c) ? c->in[1]->type : x->type);
    if (x->rank < 0)
        return ln_set_unknown(c, 0, type);
    LN_TRY(ln_axis(c, p->axis, x->rank, &axis));
    int64_t dims[LN_MAX_RANK];
    for (int32_t d = 0; d < x->rank; d++)
        dims[d] = d < axis ? x->dims[d] : 1;
    for (int32_t i = 1; i < c->n_out; i++)
        LN_TRY(ln_set_shape(c, i, stat_type(c), x->rank, dims));
    return ln_set_shape(c, 0, type, x->rank, x->dims);
}

/* 1 where the factor is one row of n elements: the dimensions from axis on, or those of them that are not 1. */
static int32_t factor_kind(const ln_info *x, const ln_info *f, int64_t n)
{
    if (!f)
        return 0;
    bool row = ln_info_count(f) == n;
    for (int32_t d = 0; d < f->rank && row; d++)
        row = f->dims[d] == 1 || f->dims[d] == x->dims[x->rank - f->rank + d];
    return row ? 1 : 2;
}

static linnet_status rows_of(ln_ctx *c, layer_params *p, int32_t axis)
{
    const ln_info *x = c->in[0];
    p->type = p->out_type = x->type;
    p->rows = p->n = 1;
    for (int32_t d = 0; d < x->rank; d++)
        *(d < axis ? &p->rows : &p->n) *= x->dims[d];
    p->skip = p->add = p->mean_out = p->inverse_out = p->sum_out = -1;
    LN_SET_RUN(c, ln_layernorm);
    return LINNET_OK;
}

static linnet_status rows_scratch(ln_ctx *c, const layer_params *p)
{
    int64_t bytes;
    LN_TRY(ln_mul_size(c, p->n, 2 * (int64_t)sizeof(float), &bytes));
    LN_TRY(ln_mul_size(c, bytes, c->threads, &bytes));
    ln_scratch(c, (size_t)bytes);
    return LINNET_OK;
}

/* A row among the dimensions before axis does not broadcast by its count alone: x [n, n] and axis 1, scale [n, 1]. */
static bool inside(const ln_info *x, const ln_info *f, int32_t axis)
{
    for (int32_t d = 0; f && d < f->rank; d++)
        if (x->rank - f->rank + d < axis && f->dims[d] != 1)
            return false;
    return true;
}

static linnet_status plan(ln_ctx *c, int32_t rms)
{
    layer_params *p = c->params;
    const ln_info *x = c->in[0], *scale = ln_in(c, 1), *bias = ln_in(c, 2);
    int32_t axis;
    LN_TRY(ln_axis(c, p->axis, x->rank, &axis));
    LN_TRY(rows_of(c, p, axis));
    p->rms = rms;
    p->stat_type = stat_type(c);
    p->bias_in = 2;
    p->mean_out = rms ? -1 : c->n_out > 1 ? 1 : -1;
    p->inverse_out = rms ? (c->n_out > 1 ? 1 : -1) : c->n_out > 2 ? 2 : -1;
    p->scale = inside(x, scale, axis) ? factor_kind(x, scale, p->n) : 2;
    p->bias = inside(x, bias, axis) ? factor_kind(x, bias, p->n) : 2;
    if (own_scale_type(c) && scale->type != x->type) {
        p->out_type = scale->type;
        p->scale = 2;
    }
    if (p->scale == 2 && bias)
        p->bias = 2;
    if (p->scale == 2 || p->bias == 2) {
        ln_bcast *walks = ln_pack(c, 2 * sizeof *walks);
        if (!walks)
            return ln_no_memory(c);
        for (int32_t i = 0; i < 2; i++) {
            const ln_info *in[2] = {x, i ? bias : scale};
            if (in[1])
                ln_bcast_make(&walks[i], x, 2, in);
        }
    }
    if (p->out_type == p->type)
        ln_in_place(c, 0, 0);
    return p->type == LINNET_FLOAT32 || p->type == LINNET_FLOAT64 ? LINNET_OK : rows_scratch(c, p);
}

static linnet_status layer_plan(ln_ctx *c)
{
    return plan(c, 0);
}

static linnet_status rms_plan(ln_ctx *c)
{
    return plan(c, 1);
}

/* -- com.microsoft: input, skip, gamma, [beta,] bias -> output, mean, inverse deviation, sum -- */

static bool is_simplified(const ln_ctx *c)
{
    return c->op->in.max == 4;
}

static linnet_status skip_infer(ln_ctx *c)
{
    const ln_info *x = c->in[0];
    uint32_t same = x->type ? LN_T(x->type) : LN_T_FLOATS;
    static const char *const full[] = {"", "skip", "gamma", "beta", "bias"}, *const simple[] = {"", "skip", "gamma",
                                                                                                "bias"};
    for (int32_t i = 1; i < c->n_in; i++) {
        const char *name = is_simplified(c) ? simple[i] : full[i];
        LN_TRY(ln_check_type(c, i, same, name));
        if (i == 1 || !c->in[i])
            continue;
        LN_TRY(ln_check_rank(c, i, 1, 1, name));
        if (c->in[i]->rank == 1 && x->rank > 0)
            LN_TRY(ln_check_dim(c, c->in[i]->dims[0], x->dims[x->rank - 1], name));
    }
    for (int32_t i = 1; i < 3 && i < c->n_out; i++)
        LN_TRY(ln_set_unknown(c, i, LINNET_FLOAT32));
    if (x->rank < 0) {
        LN_TRY(ln_set_unknown(c, 3, (linnet_type)x->type));
        return ln_set_unknown(c, 0, (linnet_type)x->type);
    }
    LN_TRY(ln_check_rank(c, 0, 2, 3, "input"));
    LN_TRY(ln_check_rank(c, 1, x->rank, x->rank, "skip"));
    for (int32_t d = 0; d < x->rank && c->in[1]->rank == x->rank; d++)
        LN_TRY(ln_check_dim(c, c->in[1]->dims[d], x->dims[d], "a dimension of skip"));
    int64_t dims[LN_MAX_RANK];
    for (int32_t d = 0; d < x->rank; d++)
        dims[d] = d == x->rank - 1 ? 1 : x->dims[d];
    for (int32_t i = 1; i < 3 && i < c->n_out; i++)
        LN_TRY(ln_set_shape(c, i, LINNET_FLOAT32, x->rank, dims));
    LN_TRY(ln_set_shape(c, 3, (linnet_type)x->type, x->rank, x->dims));
    return ln_set_shape(c, 0, (linnet_type)x->type, x->rank, x->dims);
}

static linnet_status skip_plan(ln_ctx *c)
{
    layer_params *p = c->params;
    bool simplified = is_simplified(c);
    LN_TRY(rows_of(c, p, c->in[0]->rank - 1));
    if (p->type == LINNET_FLOAT64)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "element type float64");
    int32_t extra = simplified ? 3 : 4;
    p->rms = simplified;
    p->stat_type = LINNET_FLOAT32;
    p->skip = 1;
    p->scale = 1;
    p->bias = !simplified && ln_in(c, 3) != NULL;
    p->bias_in = 3;
    p->add = ln_in(c, extra) ? extra : -1;
    p->mean_out = c->n_out > 1 ? 1 : -1;
    p->inverse_out = c->n_out > 2 ? 2 : -1;
    p->sum_out = c->n_out > 3 ? 3 : -1;
    return rows_scratch(c, p);
}

static const ln_attr_spec attrs[] = {LN_ATTR_I(layer_params, axis, -1), LN_ATTR_F(layer_params, epsilon, 1e-5f),
                                     LN_ATTR_I(layer_params, stash_type, 1), LN_ATTR_END};
static const ln_attr_spec skip_attrs[] = {LN_ATTR_F(layer_params, epsilon, 1e-12f), LN_ATTR_END};

LN_OP(LayerNormalization) = {
    .domain = "",
    .type = "LayerNormalization",
    .since = {17},
    .types = LN_T_FLOATS,
    .in = {2, 3},
    .out = {1, 3},
    .attrs = attrs,
    .params_size = sizeof(layer_params),
    .infer = infer,
    .plan = layer_plan,
};
LN_OP(RMSNormalization) = {
    .domain = "",
    .type = "RMSNormalization",
    .since = {23},
    .types = LN_T_FLOATS,
    .in = {2, 2},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(layer_params),
    .infer = infer,
    .plan = rms_plan,
};
LN_OP(SimplifiedLayerNormalization) = {
    .domain = "",
    .type = "SimplifiedLayerNormalization",
    .since = {1},
    .types = LN_T_FLOATS,
    .in = {2, 2},
    .out = {1, 2},
    .attrs = attrs,
    .params_size = sizeof(layer_params),
    .infer = infer,
    .plan = rms_plan,
};
LN_OP(MsSimplifiedLayerNormalization) = {
    .domain = "com.microsoft",
    .type = "SimplifiedLayerNormalization",
    .since = {1},
    .types = LN_T_FLOATS,
    .in = {2, 2},
    .out = {1, 2},
    .attrs = attrs,
    .params_size = sizeof(layer_params),
    .infer = infer,
    .plan = rms_plan,
};
LN_OP(MsSkipLayerNormalization) = {
    .domain = "com.microsoft",
    .type = "SkipLayerNormalization",
    .since = {1},
    .types = LN_T_FLOATS,
    .in = {3, 5},
    .out = {1, 4},
    .attrs = skip_attrs,
    .params_size = sizeof(layer_params),
    .infer = skip_infer,
    .plan = skip_plan,
};
LN_OP(MsSkipSimplifiedLayerNormalization) = {
    .domain = "com.microsoft",
    .type = "SkipSimplifiedLayerNormalization",
    .since = {1},
    .types = LN_T_FLOATS,
    .in = {3, 4},
    .out = {1, 4},
    .attrs = skip_attrs,
    .params_size = sizeof(layer_params),
    .infer = skip_infer,
    .plan = skip_plan,
};
