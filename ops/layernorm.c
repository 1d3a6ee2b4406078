/* SPDX-License-Identifier: Apache-2.0
 *
 * LayerNormalization (ai.onnx 17), RMSNormalization (23) and SimplifiedLayerNormalization (as exporters write it, in
 * ai.onnx or com.microsoft): a row is everything from axis on. y = (x - mean) / sqrt(var + epsilon) * scale + bias; the
 * RMS forms take mean as 0.
 */
#include "ops/layernorm.h"

static linnet_type stat_type(ln_ctx *c)
{
    int64_t stash = ((const ln_layernorm_params *)c->params)->stash_type;
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
    const ln_layernorm_params *p = c->params;
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
    ln_layernorm_params *p = c->params;
    const ln_info *x = c->in[0], *scale = ln_in(c, 1), *bias = ln_in(c, 2);
    int32_t axis;
    LN_TRY(ln_axis(c, p->axis, x->rank, &axis));
    LN_TRY(ln_layernorm_rows(c, p, axis));
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
    return p->type == LINNET_FLOAT32 || p->type == LINNET_FLOAT64 ? LINNET_OK : ln_layernorm_scratch(c, p);
}

static linnet_status layer_plan(ln_ctx *c)
{
    return plan(c, 0);
}

static linnet_status rms_plan(ln_ctx *c)
{
    return plan(c, 1);
}

static const ln_attr_spec attrs[] = {LN_ATTR_I(ln_layernorm_params, axis, -1),
                                     LN_ATTR_F(ln_layernorm_params, epsilon, 1e-5f),
                                     LN_ATTR_I(ln_layernorm_params, stash_type, 1), LN_ATTR_END};

LN_OP(LayerNormalization) = {
    .domain = "",
    .type = "LayerNormalization",
    .since = {17},
    .types = LN_T_FLOATS,
    .in = {2, 3},
    .out = {1, 3},
    .attrs = attrs,
    .params_size = sizeof(ln_layernorm_params),
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
    .params_size = sizeof(ln_layernorm_params),
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
    .params_size = sizeof(ln_layernorm_params),
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
    .params_size = sizeof(ln_layernorm_params),
    .infer = infer,
    .plan = rms_plan,
};
