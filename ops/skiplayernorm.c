/* SPDX-License-Identifier: Apache-2.0
 *
 * SkipLayerNormalization and SkipSimplifiedLayerNormalization (com.microsoft): layer normalisation of the sum of two
 * tensors and a row. Inputs: input, skip, gamma, [beta,] bias; outputs: result, mean, inverse deviation, sum.
 */
#include "ops/layernorm.h"

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
    ln_layernorm_params *p = c->params;
    bool simplified = is_simplified(c);
    LN_TRY(ln_layernorm_rows(c, p, c->in[0]->rank - 1));
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
    return ln_layernorm_scratch(c, p);
}

static const ln_attr_spec skip_attrs[] = {LN_ATTR_F(ln_layernorm_params, epsilon, 1e-12f), LN_ATTR_END};

LN_OP(MsSkipLayerNormalization) = {
    .domain = "com.microsoft",
    .type = "SkipLayerNormalization",
    .since = {1},
    .types = LN_T_FLOATS,
    .in = {3, 5},
    .out = {1, 4},
    .attrs = skip_attrs,
    .params_size = sizeof(ln_layernorm_params),
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
    .params_size = sizeof(ln_layernorm_params),
    .infer = skip_infer,
    .plan = skip_plan,
};
