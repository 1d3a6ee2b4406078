/* SPDX-License-Identifier: Apache-2.0
 *
 * Integer products that end in int32 or float: MatMulInteger-10; com.microsoft MatMulIntegerToFloat (the sums times
 * a_scale * b_scale, plus a bias) and DynamicQuantizeMatMul (the same with A quantised on the way in, as
 * DynamicQuantizeLinear does).
 */
#include "ops/quant.h"
#include "ops/qproduct.h"

enum { INTEGER, TO_FLOAT, DYNAMIC };

typedef struct matmulinteger_params {
    ln_qproduct product;
    int64_t a_zeros, a_scales, scales;
    int64_t scratch_scales, scratch_a;
    int32_t kind, a_zero, b_zero, a_scale, b_scale, bias; /* inputs, -1: absent */
    int32_t type;                                         /* of the output */
} matmulinteger_params;

static const void *given(const ln_args *a, int32_t i)
{
    return i >= 0 ? a->in[i] : NULL;
}

LN_RUN(ln_matmulinteger)
{
    const matmulinteger_params *p = a->params;
    const ln_qproduct *q = &p->product;
    ln_qproduct_in in = {.a = a->in[0],
                         .b = a->in[1],
                         .packed = a->packed,
                         .b_zero = given(a, p->b_zero),
                         .out = LN_QGEMM_I32,
                         .c = a->out[0]};
    const void *a_zero = given(a, p->a_zero);
    float a_scale = 1;
    uint8_t zero;
    if (p->kind == DYNAMIC) {
        uint8_t *to = (uint8_t *)a->scratch + p->scratch_a;
        ln_dynamic_quantize(to, &a_scale, &zero, a->in[0], q->m * q->k * q->batches);
        in.a = to;
        a_zero = &zero;
    }
    if (p->a_zeros > 1) {
        in.a_zeros = a_zero;
        in.a_zeros_step = p->a_zeros == q->m ? 0 : q->m;
    } else {
        in.a_zero = ln_zero_of(a_zero, q->a_signed, 0);
    }
    if (p->kind != INTEGER) {
        float *scales = (float *)(void *)((char *)a->scratch + p->scratch_scales);
        const float *b_scale = a->in[p->b_scale], *a_scales = given(a, p->a_scale);
        if (p->kind == TO_FLOAT)
            a_scale = p->a_scales > 1 ? 1 : a_scales[0];
        for (int64_t i = 0; i < q->n; i++)
            scales[i] = a_scale * b_scale[p->scales > 1 ? i : 0];
        in.scale = scales;
        in.row_scale = p->a_scales > 1 ? a_scales : NULL;
        in.row_scale_step = p->a_scales == q->m ? 0 : q->m;
        in.fbias = given(a, p->bias);
        in.out = LN_QGEMM_F32;
    }
    ln_qproduct_run(a, q, &in);
    return LINNET_OK;
}

static int32_t index_of(const ln_ctx *c, int32_t i)
{
    return ln_in(c, i) ? i : -1;
}

static linnet_status plan(ln_ctx *c, matmulinteger_params *p)
{
    ln_qproduct *q = &p->product;
    size_t packed, scratch = 0;
    const ln_info *za = p->a_zero >= 0 ? c->in[p->a_zero] : NULL, *zb = p->b_zero >= 0 ? c->in[p->b_zero] : NULL;
    if (za && za->type != c->in[0]->type)
        return ln_fail(c, LINNET_ERR_MODEL, "the zero point of A has another type than A");
    if (zb && zb->type != c->in[1]->type)
        return ln_fail(c, LINNET_ERR_MODEL, "the zero point of B has another type than B");
    LN_TRY(ln_qproduct_plan(c, q, 0, 1, p->b_zero, &packed, &scratch));
    p->a_zeros = za ? ln_info_count(za) : 0;
    if (p->a_zeros > 1 && p->a_zeros != q->m && p->a_zeros != q->m * q->batches)
        return ln_fail(c, LINNET_ERR_MODEL, "zero point of A has %lld elements for %lld rows", (long long)p->a_zeros,
                       (long long)q->m);
    if (p->kind != INTEGER) {
        p->scales = ln_info_count(c->in[p->b_scale]);
        p->a_scales = p->a_scale >= 0 ? ln_info_count(c->in[p->a_scale]) : 1;
        if (p->scales != 1 && p->scales != q->n)
            return ln_fail(c, LINNET_ERR_MODEL, "b_scale has %lld elements for %lld columns", (long long)p->scales,
                           (long long)q->n);
        if (p->a_scales != 1 && p->a_scales != q->m && p->a_scales != q->m * q->batches)
            return ln_fail(c, LINNET_ERR_MODEL, "a_scale has %lld elements for %lld rows", (long long)p->a_scales,
                           (long long)q->m);
        if (p->bias >= 0)
            LN_TRY(ln_check_dim(c, ln_info_count(c->in[p->bias]), q->n, "length of the bias"));
        p->scratch_scales = (int64_t)scratch;
        scratch += ((size_t)q->n * sizeof(float) + 63) / 64 * 64;
    }
    if (p->kind == DYNAMIC) {
        p->scratch_a = (int64_t)scratch;
        scratch += (size_t)ln_info_count(c->in[0]);
    }
    ln_scratch(c, scratch);
    if (!q->packed)
        return LINNET_OK;
    void *to = ln_pack(c, packed);
    if (!to)
        return ln_no_memory(c);
    ln_qproduct_pack(q, to, c->in[1]->data, zb ? zb->data : NULL, NULL);
    ln_drop_input(c, 1);
    return LINNET_OK;
}

static linnet_status integer_infer(ln_ctx *c)
{
    LN_TRY(ln_check_type(c, 2, LN_T_8, "a_zero_point"));
    LN_TRY(ln_check_type(c, 3, LN_T_8, "b_zero_point"));
    return ln_qproduct_infer(c, 0, 1, LINNET_INT32);
}

static linnet_status integer_plan(ln_ctx *c)
{
    matmulinteger_params *p = c->params;
    *p = (matmulinteger_params){
        .kind = INTEGER, .a_zero = index_of(c, 2), .b_zero = index_of(c, 3), .a_scale = -1, .b_scale = -1, .bias = -1};
    return plan(c, p);
}

LN_OP(MatMulInteger) = {
    .domain = "",
    .type = "MatMulInteger",
    .since = {10},
    .types = LN_T_8,
    .in = {2, 4},
    .out = {1, 1},
    .params_size = sizeof(matmulinteger_params),
    .infer = integer_infer,
    .plan = integer_plan,
    LN_RUN_NAME(ln_matmulinteger),
};

static linnet_status to_float_infer(ln_ctx *c)
{
    LN_TRY(ln_check_type(c, 2, LN_T(LINNET_FLOAT32), "a_scale"));
    LN_TRY(ln_check_type(c, 3, LN_T(LINNET_FLOAT32), "b_scale"));
    LN_TRY(ln_check_type(c, 4, LN_T_8, "a_zero_point"));
    LN_TRY(ln_check_type(c, 5, LN_T_8, "b_zero_point"));
    LN_TRY(ln_check_type(c, 6, LN_T(LINNET_FLOAT32), "bias"));
    return ln_qproduct_infer(c, 0, 1, LINNET_FLOAT32);
}

static linnet_status to_float_plan(ln_ctx *c)
{
    matmulinteger_params *p = c->params;
    *p = (matmulinteger_params){.kind = TO_FLOAT,
                                .a_scale = 2,
                                .b_scale = 3,
                                .a_zero = index_of(c, 4),
                                .b_zero = index_of(c, 5),
                                .bias = index_of(c, 6)};
    return plan(c, p);
}

LN_OP(MatMulIntegerToFloat) = {
    .domain = "com.microsoft",
    .type = "MatMulIntegerToFloat",
    .since = {1},
    .types = LN_T_8,
    .in = {4, 7},
    .out = {1, 1},
    .params_size = sizeof(matmulinteger_params),
    .infer = to_float_infer,
    .plan = to_float_plan,
    LN_RUN_NAME(ln_matmulinteger),
};

static linnet_status dynamic_infer(ln_ctx *c)
{
    LN_TRY(ln_check_type(c, 2, LN_T(LINNET_FLOAT32), "b_scale"));
    LN_TRY(ln_check_type(c, 3, LN_T_8, "b_zero_point"));
    LN_TRY(ln_check_type(c, 4, LN_T(LINNET_FLOAT32), "bias"));
    return ln_qproduct_infer(c, 0, 1, LINNET_FLOAT32);
}

static linnet_status dynamic_plan(ln_ctx *c)
{
    matmulinteger_params *p = c->params;
    *p = (matmulinteger_params){
        .kind = DYNAMIC, .a_scale = -1, .b_scale = 2, .a_zero = -1, .b_zero = index_of(c, 3), .bias = index_of(c, 4)};
    return plan(c, p);
}

LN_OP(DynamicQuantizeMatMul) = {
    .domain = "com.microsoft",
    .type = "DynamicQuantizeMatMul",
    .since = {1},
    .types = LN_T(LINNET_FLOAT32),
    .in = {3, 5},
    .out = {1, 1},
    .params_size = sizeof(matmulinteger_params),
    .infer = dynamic_infer,
    .plan = dynamic_plan,
    LN_RUN_NAME(ln_matmulinteger),
};
