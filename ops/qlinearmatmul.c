/* SPDX-License-Identifier: Apache-2.0
 *
 * QLinearMatMul-10, -21 and com.microsoft QGemm: products of quantised tensors whose sums are scaled, rounded and
 * quantised again. y = saturate(round(acc * (a_scale * b_scale / y_scale)) + y_zero), the factor in the type of the
 * scales. A's scale and zero point may be per row, B's per column. float8
 * goes through plain loops in float32.
 */
#include <math.h>

#include "ops/qproduct.h"

typedef struct qmatmul_params {
    int64_t transA, transB; /* QGemm */
    float alpha;
    int32_t y_signed;
    ln_qproduct product;
    int64_t scales;            /* of B: 1, n, or n for each matrix */
    int64_t a_scales, a_zeros; /* of A: 1, or one per row */
    int64_t scratch_scales;    /* offset; the column's scales, then the row's */
    int32_t constant;          /* scales are behind the packed matrices, at packed_scales */
    int32_t scale_type, out, gemm;
    int64_t packed_scales;
} qmatmul_params;

/* Where the inputs of the two operators are. */
enum { A, A_SCALE, A_ZERO, B, B_SCALE, B_ZERO, Y_SCALE, Y_ZERO, G_C = 6, G_Y_SCALE, G_Y_ZERO };

static float scale_at(const void *x, int type, int64_t i)
{
    float f;
    ln_to_f32(&f, x, type, i, 1);
    return f;
}

/* Column scales: all but A's where that is per row. */
static void fill_scales(const qmatmul_params *p, float *to, const void *a, const void *b, const void *y)
{
    int t = p->scale_type;
    int64_t n = p->scales > p->product.n ? p->scales : p->product.n;
    float a_scale = p->a_scales > 1 ? 1 : scale_at(a, t, 0), y_scale = y ? scale_at(y, t, 0) : 1;
    if (p->gemm)
        a_scale *= p->alpha;
    for (int64_t i = 0; i < n; i++) {
        float s = ln_round_to(a_scale * scale_at(b, t, p->scales > 1 ? i : 0), t);
        to[i] = y ? ln_round_to(s / y_scale, t) : s;
    }
}

/* What needs no arithmetic on scales. */
static ln_qproduct_in operands(const ln_args *a)
{
    const qmatmul_params *p = a->params;
    int yz = p->gemm ? G_Y_ZERO : Y_ZERO;
    ln_qproduct_in in = {.a = a->in[A],
                         .b = a->in[B],
                         .packed = a->packed,
                         .b_zero = a->in[B_ZERO],
                         .out = p->out,
                         .y_signed = p->y_signed,
                         .c = a->out[0],
                         .scale_step = p->scales > p->product.n ? p->product.n : 0};
    if (p->constant)
        in.scale = (const float *)(const void *)((const char *)a->packed + p->packed_scales);
    if (p->a_zeros > 1) {
        in.a_zeros = a->in[A_ZERO];
        in.a_zeros_step = p->a_zeros == p->product.m ? 0 : p->product.m;
    } else {
        in.a_zero = ln_zero_of(a->in[A_ZERO], p->product.a_signed, 0);
    }
    if (p->out == LN_QGEMM_8)
        in.y_zero = ln_zero_of(a->in[yz], p->y_signed, 0);
    return in;
}

LN_RUN(ln_qlinearmatmul)
{
    const qmatmul_params *p = a->params;
    int ys = p->gemm ? G_Y_SCALE : Y_SCALE;
    ln_qproduct_in in = operands(a);
    float *scales = (float *)(void *)((char *)a->scratch + p->scratch_scales);
    if (!p->constant) {
        fill_scales(p, scales, a->in[A_SCALE], a->in[B_SCALE], p->out == LN_QGEMM_8 ? a->in[ys] : NULL);
        in.scale = scales;
    }
    if (p->a_scales > 1) {
        float *rows = scales + (p->scales > p->product.n ? p->scales : p->product.n);
        ln_to_f32(rows, a->in[A_SCALE], p->scale_type, 0, p->a_scales);
        in.row_scale = rows;
        in.row_scale_step = p->a_scales == p->product.m ? 0 : p->product.m;
    }
    if (p->gemm && !p->product.packed && p->product.bias)
        in.bias = a->in[G_C];
    ln_qproduct_run(a, &p->product, &in);
    return LINNET_OK;
}

/* B and all scales are constant, A has one: by itself, so that firmware has neither packing nor conversions. */
LN_RUN(ln_qlinearmatmul_packed)
{
    const qmatmul_params *p = a->params;
    ln_qproduct_in in = operands(a);
    ln_qproduct_run_packed(a, &p->product, &in);
    return LINNET_OK;
}

#define SCALE_TYPES (LN_T(LINNET_FLOAT32) | LN_T(LINNET_FLOAT16) | LN_T(LINNET_BFLOAT16))

/* Checks the number of scales or zero points of input i: one, or one per row (or column) of each matrix. */
static linnet_status count_of(ln_ctx *c, int32_t i, int64_t each, int64_t all, const char *name, int64_t *count)
{
    *count = ln_info_count(c->in[i]);
    if (*count != 1 && *count != each && *count != all)
        return ln_fail(c, LINNET_ERR_MODEL, "%s has %lld elements, expected 1 or %lld", name, (long long)*count,
                       (long long)each);
    return LINNET_OK;
}

/* What is left to plan once the product and the types are known. bias: index or -1. */
static linnet_status finish_plan(ln_ctx *c, qmatmul_params *p, int32_t bias, int32_t y_scale)
{
    ln_qproduct *q = &p->product;
    size_t packed, scratch = 0;
    LN_TRY(ln_qproduct_plan(c, q, A, B, B_ZERO, &packed, &scratch));
    int64_t zeros;
    LN_TRY(count_of(c, B_ZERO, q->n, q->n * q->b_count, "b_zero_point", &zeros));
    LN_TRY(count_of(c, B_SCALE, q->n, q->n * q->b_count, "b_scale", &p->scales));
    LN_TRY(count_of(c, A_SCALE, q->m, q->m * q->batches, "a_scale", &p->a_scales));
    LN_TRY(count_of(c, A_ZERO, q->m, q->m * q->batches, "a_zero_point", &p->a_zeros));
    if (bias >= 0 && !c->in[bias]->data && q->packed) {
        q->packed = 0;
        q->scratch_b = (int64_t)scratch;
        scratch += (size_t)q->b_bytes;
        packed = 0;
    }
    q->bias = bias >= 0;
    p->scale_type = c->in[A_SCALE]->type;
    p->constant = q->packed && c->in[A_SCALE]->data && c->in[B_SCALE]->data && (y_scale < 0 || c->in[y_scale]->data);
    int64_t columns = p->scales > q->n ? p->scales : q->n;
    p->packed_scales = (int64_t)packed;
    p->scratch_scales = (int64_t)scratch;
    scratch += (size_t)(columns + p->a_scales) * sizeof(float);
    ln_scratch(c, scratch);
    if (!q->packed)
        return LINNET_OK;
    char *at = ln_pack(c, packed + (p->constant ? (size_t)columns * sizeof(float) : 0));
    if (!at)
        return ln_no_memory(c);
    ln_qproduct_pack(q, at, c->in[B]->data, c->in[B_ZERO]->data, bias >= 0 ? c->in[bias]->data : NULL);
    if (p->constant)
        fill_scales(p, (float *)(void *)(at + packed), c->in[A_SCALE]->data, c->in[B_SCALE]->data,
                    y_scale >= 0 ? c->in[y_scale]->data : NULL);
    if (p->constant && p->a_scales == 1)
        LN_SET_RUN(c, ln_qlinearmatmul_packed);
    ln_drop_input(c, B);
    return LINNET_OK;
}

static linnet_status qmatmul_infer(ln_ctx *c)
{
    LN_TRY(ln_check_type(c, A_SCALE, SCALE_TYPES, "a_scale"));
    LN_TRY(ln_check_type(c, B_SCALE, SCALE_TYPES, "b_scale"));
    LN_TRY(ln_check_type(c, Y_SCALE, SCALE_TYPES, "y_scale"));
    LN_TRY(ln_check_type(c, A_ZERO, LN_T_8 | LN_T_F8, "a_zero_point"));
    LN_TRY(ln_check_type(c, B_ZERO, LN_T_8 | LN_T_F8, "b_zero_point"));
    LN_TRY(ln_check_type(c, Y_ZERO, LN_T_8 | LN_T_F8, "y_zero_point"));
    return ln_qproduct_infer(c, A, B, (linnet_type)c->in[Y_ZERO]->type);
}

static linnet_status same_type(ln_ctx *c, int32_t i, int32_t j, const char *names)
{
    if (c->in[i]->type != c->in[j]->type)
        return ln_fail(c, LINNET_ERR_MODEL, "%s have types %s and %s", names,
                       linnet_type_name((linnet_type)c->in[i]->type), linnet_type_name((linnet_type)c->in[j]->type));
    return LINNET_OK;
}

/* float8 on any side: plain sums in float32, for types that no processor here multiplies. */
typedef struct qmatmul_f8_params {
    ln_qproduct product;
    int64_t scales[2], zeros[2]; /* elements, of A and B */
    int32_t scale_type, types[3], unused[4];
} qmatmul_f8_params;

_Static_assert(sizeof(qmatmul_f8_params) <= sizeof(qmatmul_params), "both are parameters of one operator");

typedef struct f8_job {
    const qmatmul_f8_params *p;
    const ln_args *a;
} f8_job;

/* Scale or zero point `i` of one for each of `each` rows or columns of each matrix. */
static float one_of(const void *x, int type, int64_t count, int64_t each, int64_t matrix, int64_t i)
{
    return scale_at(x, type, count == 1 ? 0 : count == each ? i : matrix * each + i);
}

static void f8_rows(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const f8_job *j = arg;
    const ln_qproduct *q = &j->p->product;
    const qmatmul_f8_params *p = j->p;
    const void *const *in = j->a->in;
    int t = p->scale_type;
    (void)worker;
    for (int64_t r = begin; r < end; r++) {
        int64_t row = r % q->m, batch = r / q->m, ia = 0, ib = 0;
        for (int32_t d = q->rank - 1; d >= 0; batch /= q->dims[d], d--) {
            ia += batch % q->dims[d] * q->a_step[d];
            ib += batch % q->dims[d] * q->b_step[d];
        }
        float a_scale = one_of(in[A_SCALE], t, p->scales[0], q->m, ia, row);
        float a_zero = one_of(in[A_ZERO], p->types[0], p->zeros[0], q->m, ia, row),
              y_scale = scale_at(in[Y_SCALE], t, 0);
        float y_zero = scale_at(in[Y_ZERO], p->types[2], 0);
        for (int64_t n = 0; n < q->n; n++) {
            float sum = 0, b_zero = one_of(in[B_ZERO], p->types[1], p->zeros[1], q->n, ib, n);
            for (int64_t k = 0; k < q->k; k++)
                sum += (scale_at(in[A], p->types[0], (ia * q->m + row) * q->k + k) - a_zero) *
                       (scale_at(in[B], p->types[1], (ib * q->k + k) * q->n + n) - b_zero);
            float b_scale = one_of(in[B_SCALE], t, p->scales[1], q->n, ib, n);
            float y = sum * ln_round_to(ln_round_to(a_scale * b_scale, t) / y_scale, t);
            if (LN_T_8 & LN_T(p->types[2]))
                y = rintf(y);
            y += y_zero;
            ln_from_f32(j->a->out[0], p->types[2], r * q->n + n, &y, 1, 1);
        }
    }
}

LN_RUN(ln_qlinearmatmul_f8)
{
    const qmatmul_f8_params *p = a->params;
    f8_job j = {p, a};
    ln_parallel(a, p->product.batches * p->product.m, (double)p->product.n * (double)p->product.k * 20, f8_rows, &j);
    return LINNET_OK;
}

static linnet_status f8_plan(ln_ctx *c)
{
    qmatmul_f8_params *p = c->params;
    static const int32_t tensors[] = {A, B, Y_ZERO};
    ln_qproduct *q = &p->product;
    int64_t one;
    LN_TRY(ln_qproduct_geometry(c, q, A, B));
    int64_t matrices = q->m * q->k > 0 ? ln_info_count(c->in[A]) / (q->m * q->k) : 1;
    for (int i = 0; i < 3; i++)
        p->types[i] = c->in[tensors[i]]->type;
    p->scale_type = c->in[A_SCALE]->type;
    LN_TRY(count_of(c, A_SCALE, q->m, q->m * matrices, "a_scale", &p->scales[0]));
    LN_TRY(count_of(c, A_ZERO, q->m, q->m * matrices, "a_zero_point", &p->zeros[0]));
    LN_TRY(count_of(c, B_SCALE, q->n, q->n * q->b_count, "b_scale", &p->scales[1]));
    LN_TRY(count_of(c, B_ZERO, q->n, q->n * q->b_count, "b_zero_point", &p->zeros[1]));
    LN_TRY(count_of(c, Y_SCALE, 1, 1, "y_scale", &one));
    LN_SET_RUN(c, ln_qlinearmatmul_f8);
    return LINNET_OK;
}

static linnet_status qmatmul_plan(ln_ctx *c)
{
    qmatmul_params *p = c->params;
    LN_TRY(same_type(c, A, A_ZERO, "a and a_zero_point"));
    LN_TRY(same_type(c, B, B_ZERO, "b and b_zero_point"));
    LN_TRY(same_type(c, A_SCALE, B_SCALE, "a_scale and b_scale"));
    LN_TRY(same_type(c, A_SCALE, Y_SCALE, "a_scale and y_scale"));
    if (LN_T_F8 & (LN_T(c->in[A]->type) | LN_T(c->in[B]->type) | LN_T(c->in[Y_ZERO]->type)))
        return f8_plan(c);
    if (ln_info_count(c->in[Y_SCALE]) != 1 || ln_info_count(c->in[Y_ZERO]) != 1)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "y_scale and y_zero_point of more than one element");
    p->out = LN_QGEMM_8;
    p->y_signed = c->in[Y_ZERO]->type == LINNET_INT8;
    return finish_plan(c, p, -1, Y_SCALE);
}

LN_OP(QLinearMatMul) = {
    .domain = "",
    .type = "QLinearMatMul",
    .since = {10, 21},
    .types = LN_T_8 | LN_T_F8,
    .in = {8, 8},
    .out = {1, 1},
    .params_size = sizeof(qmatmul_params),
    .infer = qmatmul_infer,
    .plan = qmatmul_plan,
    LN_RUN_NAME(ln_qlinearmatmul),
};

static linnet_status qgemm_infer(ln_ctx *c)
{
    const qmatmul_params *p = c->params;
    const ln_info *a = c->in[A], *b = c->in[B], *z = ln_in(c, G_Y_ZERO);
    linnet_type type = z ? (linnet_type)z->type : LINNET_FLOAT32;
    LN_TRY(ln_check_type(c, B, LN_T_8, "B"));
    LN_TRY(ln_check_type(c, A_SCALE, LN_T(LINNET_FLOAT32), "a_scale"));
    LN_TRY(ln_check_type(c, B_SCALE, LN_T(LINNET_FLOAT32), "b_scale"));
    LN_TRY(ln_check_type(c, G_C, LN_T(LINNET_INT32), "C"));
    LN_TRY(ln_check_type(c, G_Y_SCALE, LN_T(LINNET_FLOAT32), "y_scale"));
    LN_TRY(ln_check_type(c, G_Y_ZERO, LN_T_8, "y_zero_point"));
    LN_TRY(ln_check_rank(c, A, 2, 2, "A"));
    LN_TRY(ln_check_rank(c, B, 2, 2, "B"));
    if (z && !ln_in(c, G_Y_SCALE))
        return ln_fail(c, LINNET_ERR_MODEL, "y_zero_point without y_scale");
    if (a->rank < 0 || b->rank < 0)
        return ln_set_unknown(c, 0, type);
    LN_TRY(ln_check_dim(c, b->dims[p->transB ? 1 : 0], a->dims[p->transA ? 0 : 1], "number of rows of B"));
    int64_t dims[2] = {a->dims[p->transA ? 1 : 0], b->dims[p->transB ? 0 : 1]};
    return ln_set_shape(c, 0, type, 2, dims);
}

static linnet_status qgemm_plan(ln_ctx *c)
{
    qmatmul_params *p = c->params;
    const ln_info *bias = ln_in(c, G_C);
    int64_t n = c->in[B]->dims[p->transB ? 0 : 1];
    LN_TRY(same_type(c, A, A_ZERO, "a and a_zero_point"));
    LN_TRY(same_type(c, B, B_ZERO, "b and b_zero_point"));
    if (bias && (ln_info_count(bias) != n || (bias->rank > 0 && bias->dims[bias->rank - 1] != n)))
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "C with other than one element per column");
    p->gemm = 1;
    p->product.transpose_a = p->transA != 0;
    p->product.transpose_b = p->transB != 0;
    const ln_info *scale = ln_in(c, G_Y_SCALE), *zero = ln_in(c, G_Y_ZERO);
    p->out = zero ? LN_QGEMM_8 : LN_QGEMM_F32;
    p->y_signed = zero && zero->type == LINNET_INT8;
    return finish_plan(c, p, bias ? G_C : -1, scale && zero ? G_Y_SCALE : -1);
}

static const ln_attr_spec qgemm_attrs[] = {LN_ATTR_I(qmatmul_params, transA, 0), LN_ATTR_I(qmatmul_params, transB, 0),
                                           LN_ATTR_F(qmatmul_params, alpha, 1.0f), LN_ATTR_END};

LN_OP(QGemm) = {
    .domain = "com.microsoft",
    .type = "QGemm",
    .since = {1},
    .types = LN_T_8,
    .in = {6, 9},
    .out = {1, 1},
    .attrs = qgemm_attrs,
    .params_size = sizeof(qmatmul_params),
    .infer = qgemm_infer,
    .plan = qgemm_plan,
    LN_RUN_NAME(ln_qlinearmatmul),
};
