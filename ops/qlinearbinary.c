/* SPDX-License-Identifier: Apache-2.0
 *
 * com.microsoft QLinearAdd and QLinearMul, with broadcasting: the result of the real operation on the dequantised
 * values, quantised. ONNX Runtime docs/ContribOperators.md. Rounding is half to even, of the formula as it stands
 * there; ONNX Runtime's own kernels order the operations differently on some machines and then differ by one step.
 */
#include "ops/qlinear.h"

typedef struct qbinary_params {
    ln_qwalk walk;
    int32_t is_signed, multiply, zeros; /* zeros: bit i: input zero point of A, B, C is given */
    int32_t unused;
} qbinary_params;

enum { A, A_SCALE, A_ZERO, B, B_SCALE, B_ZERO, C_SCALE, C_ZERO };

typedef struct job {
    const qbinary_params *p;
    const uint8_t *a, *b;
    uint8_t *c;
    ln_qbinary_args g;
} job;

static void rows(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    const ln_qwalk *w = &j->p->walk;
    int64_t n = w->dims[w->rank - 1], at[3];
    (void)worker;
    for (int64_t r = begin; r < end; r++) {
        ln_qwalk_row(w, r, at);
        LN_K(qbinary8)(j->c + r * n, j->a + at[0], j->b + at[1], (size_t)n, &j->g);
    }
}

/* A walk of one row is cut into elements. */
static void elements(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    (void)worker;
    LN_K(qbinary8)
    (j->c + begin, j->a + (j->g.a_step ? begin : 0), j->b + (j->g.b_step ? begin : 0), (size_t)(end - begin), &j->g);
}

LN_RUN(ln_qlinearbinary)
{
    const qbinary_params *p = a->params;
    const ln_qwalk *w = &p->walk;
    int s = p->is_signed;
    job j = {.p = p, .a = a->in[A], .b = a->in[B], .c = a->out[0]};
    int32_t zero = ln_zero_of(p->zeros & 4 ? a->in[C_ZERO] : NULL, s, 0);
    j.g = (ln_qbinary_args){.a_scale = *(const float *)a->in[A_SCALE],
                            .b_scale = *(const float *)a->in[B_SCALE],
                            .c_scale = *(const float *)a->in[C_SCALE],
                            .a_zero = ln_zero_of(p->zeros & 1 ? a->in[A_ZERO] : NULL, s, 0) + (s ? 128 : 0),
                            .b_zero = ln_zero_of(p->zeros & 2 ? a->in[B_ZERO] : NULL, s, 0) + (s ? 128 : 0),
                            .c_zero = zero,
                            .flip = s ? 0x80 : 0,
                            .multiply = p->multiply,
                            .a_step = (int32_t)w->step[0][w->rank - 1],
                            .b_step = (int32_t)w->step[1][w->rank - 1],
                            .lo = (float)((s ? -128 : 0) - zero),
                            .hi = (float)((s ? 127 : 255) - zero)};
    int64_t n = w->dims[w->rank - 1];
    if (w->rows == 1)
        ln_parallel(a, n, 0.2, elements, &j);
    else
        ln_parallel(a, w->rows, 0.2 * (double)n + 5, rows, &j);
    return LINNET_OK;
}

static const int32_t operands[] = {A, B};

static linnet_status qbinary_infer(ln_ctx *c)
{
    static const int32_t needed[] = {A_SCALE, B, B_SCALE, C_SCALE};
    for (int i = 0; i < 4; i++)
        if (!ln_in(c, needed[i]))
            return ln_fail(c, LINNET_ERR_MODEL, "input %d is missing", needed[i]);
    if (c->in[B]->type != LINNET_UNDEFINED && c->in[A]->type != LINNET_UNDEFINED && c->in[B]->type != c->in[A]->type)
        return ln_fail(c, LINNET_ERR_MODEL, "A and B have different types");
    LN_TRY(ln_check_scale(c, A_SCALE, "A_scale"));
    LN_TRY(ln_check_scale(c, B_SCALE, "B_scale"));
    LN_TRY(ln_check_scale(c, C_SCALE, "C_scale"));
    LN_TRY(ln_check_zero(c, A_ZERO, A, "A_zero_point"));
    LN_TRY(ln_check_zero(c, B_ZERO, B, "B_zero_point"));
    LN_TRY(ln_check_zero(c, C_ZERO, A, "C_zero_point"));
    return ln_qwalk_infer(c, 2, operands, A);
}

static linnet_status qbinary_plan(ln_ctx *c, int32_t multiply)
{
    qbinary_params *p = c->params;
    p->is_signed = c->in[A]->type == LINNET_INT8;
    p->multiply = multiply;
    p->zeros = (ln_in(c, A_ZERO) ? 1 : 0) | (ln_in(c, B_ZERO) ? 2 : 0) | (ln_in(c, C_ZERO) ? 4 : 0);
    return ln_qwalk_of(c, 2, operands, &p->walk);
}

static linnet_status add_plan(ln_ctx *c)
{
    return qbinary_plan(c, 0);
}

static linnet_status mul_plan(ln_ctx *c)
{
    return qbinary_plan(c, 1);
}

LN_OP(QLinearAdd) = {
    .domain = "com.microsoft",
    .type = "QLinearAdd",
    .since = {1},
    .types = LN_T_8,
    .in = {1, 8},
    .out = {1, 1},
    .params_size = sizeof(qbinary_params),
    .infer = qbinary_infer,
    .plan = add_plan,
    LN_RUN_NAME(ln_qlinearbinary),
};

LN_OP(QLinearMul) = {
    .domain = "com.microsoft",
    .type = "QLinearMul",
    .since = {1},
    .types = LN_T_8,
    .in = {1, 8},
    .out = {1, 1},
    .params_size = sizeof(qbinary_params),
    .infer = qbinary_infer,
    .plan = mul_plan,
    LN_RUN_NAME(ln_qlinearbinary),
};
