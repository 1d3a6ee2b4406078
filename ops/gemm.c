/* SPDX-License-Identifier: Apache-2.0
 *
 * Gemm: Y = alpha A' B' + beta C, where A' and B' may be transposed and C is broadcast to Y. ai.onnx Gemm-6 (C has the
 * shape of Y unless the attribute broadcast is set), -7, -9 (integers), -11 (C optional), -13 (bfloat16). Passes may
 * add an activation (fused.h).
 */
#include "ops/product.h"

static linnet_status check_type(ln_ctx *c, linnet_type *type)
{
    *type = LINNET_UNDEFINED;
    for (int32_t i = 0; i < c->n_in; i++) {
        if (!c->in[i])
            continue;
        linnet_type t = (linnet_type)c->in[i]->type;
        if (c->in[i]->kind != LINNET_TENSOR)
            return ln_fail(c, LINNET_ERR_MODEL, "input %d is no tensor", i);
        if (t && *type && t != *type)
            return ln_fail(c, LINNET_ERR_MODEL, "inputs are %s and %s", linnet_type_name(*type), linnet_type_name(t));
        *type = t ? t : *type;
    }
    return LINNET_OK;
}

linnet_status ln_gemm_infer(ln_ctx *c)
{
    const ln_product *p = c->params;
    linnet_type type;
    LN_TRY(check_type(c, &type));
    LN_TRY(ln_fused_check(c, &p->fused, (int)type));
    const ln_info *a = c->in[0], *b = c->in[1], *bias = ln_in(c, 2);
    if (!bias && c->version < 11 && !c->op->domain[0])
        return ln_fail(c, LINNET_ERR_MODEL, "C is missing, which version %d requires", c->version);
    if ((a->rank >= 0 && a->rank != 2) || (b->rank >= 0 && b->rank != 2))
        return ln_fail(c, LINNET_ERR_MODEL, "A has rank %d, B has rank %d, expected 2", a->rank, b->rank);
    int64_t dims[2] = {LN_UNKNOWN, LN_UNKNOWN}, ka = LN_UNKNOWN, kb = LN_UNKNOWN;
    if (a->rank == 2) {
        dims[0] = a->dims[p->trans_a ? 1 : 0];
        ka = a->dims[p->trans_a ? 0 : 1];
    }
    if (b->rank == 2) {
        dims[1] = b->dims[p->trans_b ? 0 : 1];
        kb = b->dims[p->trans_b ? 1 : 0];
    }
    if (ka >= 0 && kb >= 0 && ka != kb)
        return ln_fail(c, LINNET_ERR_MODEL, "A has %lld columns, B has %lld rows", (long long)ka, (long long)kb);
    if (bias && bias->rank > 2)
        return ln_fail(c, LINNET_ERR_MODEL, "C has rank %d, at most 2 is allowed", bias->rank);
    for (int32_t i = 0; bias && i < bias->rank; i++) {
        int64_t have = bias->dims[bias->rank - 1 - i], want = dims[1 - i];
        if (have >= 0 && want >= 0 && have != want && have != 1)
            return ln_fail(c, LINNET_ERR_MODEL, "C has %lld where Y has %lld", (long long)have, (long long)want);
    }
    return ln_set_shape(c, 0, type, 2, dims);
}

linnet_status ln_gemm_plan(ln_ctx *c)
{
    ln_product *p = c->params;
    const ln_info *a = c->in[0], *b = c->in[1], *bias = ln_in(c, 2);
    p->type = a->type;
    p->a_in = 0;
    p->b_in = 1;
    p->m = c->out[0]->dims[0];
    p->n = c->out[0]->dims[1];
    p->k = a->dims[p->trans_a ? 0 : 1];
    p->a_row = p->trans_a ? 1 : a->dims[1];
    p->a_col = p->trans_a ? a->dims[1] : 1;
    p->b_row = p->trans_b ? 1 : b->dims[1];
    p->b_col = p->trans_b ? b->dims[1] : 1;
    p->batches = 1;
    ln_product_dense(p);
    p->r_in = -1;
    p->c_in = bias ? 2 : -1;
    if (bias && bias->rank >= 1)
        p->c_col = bias->dims[bias->rank - 1] != 1;
    if (bias && bias->rank == 2)
        p->c_row = bias->dims[0] != 1 ? bias->dims[1] : 0;
    if (p->fused.residual)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "a residual: C is one already");
    return ln_product_plan(c, p);
}

static const ln_attr_spec attrs[] = {LN_ATTRS_GEMM, LN_ATTR_ANY("broadcast"), LN_ATTRS_FUSED(ln_product), LN_ATTR_END};

LN_OP(Gemm) = {
    .domain = "",
    .type = "Gemm",
    .since = {6, 7, 9, 11, 13},
    .types = LN_T_FLOATS | LN_T(LINNET_INT32) | LN_T(LINNET_INT64) | LN_T(LINNET_UINT32) | LN_T(LINNET_UINT64),
    .in = {2, 3},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(ln_product),
    .flags = LN_OP_PARTS,
    .infer = ln_gemm_infer,
    .plan = ln_gemm_plan,
};
