/* SPDX-License-Identifier: Apache-2.0
 *
 * com.microsoft QLinearSigmoid, QLinearLeakyRelu (a table of 256 results, made by plan where scales are constant) and
 * QLinearSoftmax, ONNX Runtime docs/ContribOperators.md. ai.linnet ByteMap: any function of a byte, whose 256 results
 * are its second input; passes make it.
 */
#include <math.h>

#include "ops/qlinear.h"

typedef struct qunary_params {
    float alpha;
    int32_t is_signed, sigmoid, zeros; /* zeros: 1: of X is given, 2: of Y */
    int64_t n;
} qunary_params;

enum { X, X_SCALE, X_ZERO, Y_SCALE, Y_ZERO };

static void fill(const qunary_params *p, uint8_t table[256], const float *x_scale, const void *x_zero,
                 const float *y_scale, const void *y_zero)
{
    int s = p->is_signed;
    int32_t xz = ln_zero_of(x_zero, s, 0), yz = ln_zero_of(y_zero, s, 0);
    for (int b = 0; b < 256; b++) {
        float v = ln_dequantize_one(b, *x_scale, xz, s);
        if (p->sigmoid)
            v = 1 / (1 + expf(-v));
        else
            v = v < 0 ? p->alpha * v : v;
        table[b] = ln_quantize_one(v, *y_scale, yz, s);
    }
}

typedef struct job {
    const uint8_t *table, *x;
    uint8_t *y;
} job;

static void look_up(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    (void)worker;
    for (int64_t i = begin; i < end; i++)
        j->y[i] = j->table[j->x[i]];
}

static linnet_status run(const ln_args *a, const uint8_t table[256])
{
    const qunary_params *p = a->params;
    job j = {table, a->in[X], a->out[0]};
    ln_parallel(a, p->n, 0.5, look_up, &j);
    return LINNET_OK;
}

LN_RUN(ln_qlinearunary)
{
    const qunary_params *p = a->params;
    uint8_t table[256];
    fill(p, table, a->in[X_SCALE], p->zeros & 1 ? a->in[X_ZERO] : NULL, a->in[Y_SCALE],
         p->zeros & 2 ? a->in[Y_ZERO] : NULL);
    return run(a, table);
}

LN_RUN(ln_qlinearunary_packed)
{
    return run(a, a->packed);
}

static linnet_status check(ln_ctx *c)
{
    if (!ln_in(c, X_SCALE) || !ln_in(c, Y_SCALE))
        return ln_fail(c, LINNET_ERR_MODEL, "a scale is missing");
    LN_TRY(ln_check_scale(c, X_SCALE, "X_scale"));
    LN_TRY(ln_check_scale(c, Y_SCALE, "Y_scale"));
    LN_TRY(ln_check_zero(c, X_ZERO, X, "X_zero_point"));
    LN_TRY(ln_check_zero(c, Y_ZERO, X, "Y_zero_point"));
    return ln_infer_same(c);
}

static linnet_status plan(ln_ctx *c, int32_t sigmoid)
{
    qunary_params *p = c->params;
    const ln_info *xz = ln_in(c, X_ZERO), *yz = ln_in(c, Y_ZERO);
    p->is_signed = c->in[X]->type == LINNET_INT8;
    p->sigmoid = sigmoid;
    p->n = ln_info_count(c->in[X]);
    p->zeros = (xz ? 1 : 0) | (yz ? 2 : 0);
    ln_in_place(c, 0, 0);
    if (!c->in[X_SCALE]->data || !c->in[Y_SCALE]->data || (xz && !xz->data) || (yz && !yz->data))
        return LINNET_OK;
    uint8_t *table = ln_pack(c, 256);
    if (!table)
        return ln_no_memory(c);
    fill(p, table, c->in[X_SCALE]->data, xz ? xz->data : NULL, c->in[Y_SCALE]->data, yz ? yz->data : NULL);
    LN_SET_RUN(c, ln_qlinearunary_packed);
    return LINNET_OK;
}

static linnet_status sigmoid_plan(ln_ctx *c)
{
    return plan(c, 1);
}

static linnet_status leaky_plan(ln_ctx *c)
{
    return plan(c, 0);
}

static const ln_attr_spec leaky_attrs[] = {LN_ATTR_F(qunary_params, alpha, 0.01f), LN_ATTR_END};

LN_OP(QLinearSigmoid) = {
    .domain = "com.microsoft",
    .type = "QLinearSigmoid",
    .since = {1},
    .types = LN_T_8,
    .in = {1, 5},
    .out = {1, 1},
    .params_size = sizeof(qunary_params),
    .infer = check,
    .plan = sigmoid_plan,
    LN_RUN_NAME(ln_qlinearunary),
};

LN_OP(QLinearLeakyRelu) = {
    .domain = "com.microsoft",
    .type = "QLinearLeakyRelu",
    .since = {1},
    .types = LN_T_8,
    .in = {1, 5},
    .out = {1, 1},
    .attrs = leaky_attrs,
    .params_size = sizeof(qunary_params),
    .infer = check,
    .plan = leaky_plan,
    LN_RUN_NAME(ln_qlinearunary),
};

static linnet_status byte_map_infer(ln_ctx *c)
{
    LN_TRY(ln_check_type(c, 1, LN_T_8, "the table"));
    if (c->in[1]->rank >= 0 && ln_info_count(c->in[1]) != 256)
        return ln_fail(c, LINNET_ERR_MODEL, "the table has not 256 elements");
    if (c->in[X]->rank < 0)
        return ln_set_unknown(c, 0, (linnet_type)c->in[1]->type);
    return ln_set_shape(c, 0, (linnet_type)c->in[1]->type, c->in[X]->rank, c->in[X]->dims);
}

static linnet_status byte_map_plan(ln_ctx *c)
{
    qunary_params *p = c->params;
    p->n = ln_info_count(c->in[X]);
    ln_in_place(c, 0, 0);
    return LINNET_OK;
}

LN_RUN(ln_byte_map)
{
    return run(a, a->in[1]);
}

LN_OP(ByteMap) = {
    .domain = "ai.linnet",
    .type = "ByteMap",
    .since = {1},
    .types = LN_T_8,
    .in = {2, 2},
    .out = {1, 1},
    .params_size = sizeof(qunary_params),
    .infer = byte_map_infer,
    .plan = byte_map_plan,
    LN_RUN_NAME(ln_byte_map),
};

/* -- softmax ------------------------------------------------------------------------------------------------------ */

/* As ONNX Runtime, whose operator this is, defines it: a probability is counted in units of 1 / floor(1 / y_scale).
 * With the usual y_scale of 1/255, rounded up to a float, that is 254 units, not 255. */

typedef struct qsoftmax_params {
    int64_t axis, opset;
    int64_t outer, n, inner;
    int32_t is_signed, y_zero;
} qsoftmax_params;

/* Behind each other in the packed constants, or made when the run begins. */
typedef struct softmax_table {
    float units;
    float power[256]; /* exp(-d * x_scale) */
} softmax_table;

typedef struct softmax_job {
    const qsoftmax_params *p;
    const uint8_t *x;
    uint8_t *y;
    const softmax_table *t;
    int32_t y_zero;
} softmax_job;

static void softmax_rows(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const softmax_job *j = arg;
    const qsoftmax_params *p = j->p;
    const float *power = j->t->power;
    int flip = p->is_signed ? 0x80 : 0;
    (void)worker;
    for (int64_t r = begin; r < end; r++) {
        int64_t at = r / p->inner * p->n * p->inner + r % p->inner;
        int max = 0;
        float sum = 0;
        for (int64_t i = 0; i < p->n; i++) {
            int v = j->x[at + i * p->inner] ^ flip;
            max = v > max ? v : max;
        }
        for (int64_t i = 0; i < p->n; i++)
            sum += power[max - (j->x[at + i * p->inner] ^ flip)];
        for (int64_t i = 0; i < p->n; i++)
            j->y[at + i * p->inner] = ln_quantize_one(power[max - (j->x[at + i * p->inner] ^ flip)] * j->t->units / sum,
                                                      1.0f, j->y_zero, p->is_signed);
    }
}

static void fill_softmax(softmax_table *t, const float *x_scale, const float *y_scale)
{
    t->units = floorf(1 / *y_scale);
    for (int d = 0; d < 256; d++)
        t->power[d] = (float)exp(-(double)d * (double)*x_scale);
}

static linnet_status softmax(const ln_args *a, const softmax_table *t)
{
    const qsoftmax_params *p = a->params;
    softmax_job j = {.p = p,
                     .x = a->in[X],
                     .y = a->out[0],
                     .t = t,
                     .y_zero = p->y_zero ? ln_zero_of(a->in[Y_ZERO], p->is_signed, 0) : 0};
    ln_parallel(a, p->outer * p->inner, 3 * (double)p->n, softmax_rows, &j);
    return LINNET_OK;
}

LN_RUN(ln_qlinearsoftmax)
{
    softmax_table t;
    fill_softmax(&t, a->in[X_SCALE], a->in[Y_SCALE]);
    return softmax(a, &t);
}

/* By itself, so that firmware needs no exp. */
LN_RUN(ln_qlinearsoftmax_packed)
{
    return softmax(a, a->packed);
}

static linnet_status softmax_infer(ln_ctx *c)
{
    const qsoftmax_params *p = c->params;
    int32_t axis;
    if (c->in[X]->rank >= 0 && (c->in[X]->rank > 0 || p->axis != -1))
        LN_TRY(ln_axis(c, p->axis, c->in[X]->rank, &axis));
    return check(c);
}

static linnet_status softmax_plan(ln_ctx *c)
{
    qsoftmax_params *p = c->params;
    const ln_info *x = c->in[X];
    int32_t axis = 0;
    if (x->rank > 0)
        LN_TRY(ln_axis(c, p->axis, x->rank, &axis));
    p->outer = p->n = p->inner = 1;
    for (int32_t i = 0; i < x->rank; i++) {
        if (i < axis)
            p->outer *= x->dims[i];
        else if (i == axis || p->opset < 13) /* before 13 all dimensions from the axis on are one */
            p->n *= x->dims[i];
        else
            p->inner *= x->dims[i];
    }
    p->is_signed = x->type == LINNET_INT8;
    p->y_zero = ln_in(c, Y_ZERO) != NULL;
    if (!c->in[X_SCALE]->data || !c->in[Y_SCALE]->data)
        return LINNET_OK;
    softmax_table *t = ln_pack(c, sizeof *t);
    if (!t)
        return ln_no_memory(c);
    fill_softmax(t, c->in[X_SCALE]->data, c->in[Y_SCALE]->data);
    LN_SET_RUN(c, ln_qlinearsoftmax_packed);
    return LINNET_OK;
}

static const ln_attr_spec softmax_attrs[] = {LN_ATTR_I(qsoftmax_params, axis, -1),
                                             LN_ATTR_I(qsoftmax_params, opset, 13), LN_ATTR_END};

LN_OP(QLinearSoftmax) = {
    .domain = "com.microsoft",
    .type = "QLinearSoftmax",
    .since = {1},
    .types = LN_T_8,
    .in = {1, 5},
    .out = {1, 1},
    .attrs = softmax_attrs,
    .params_size = sizeof(qsoftmax_params),
    .infer = softmax_infer,
    .plan = softmax_plan,
    LN_RUN_NAME(ln_qlinearsoftmax),
};
