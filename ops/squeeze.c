/* SPDX-License-Identifier: Apache-2.0
 *
 * Squeeze and Unsqueeze: dimensions of 1 taken out and put in, a view where the engine grants one. The axes are an
 * attribute before opset 13 and an input from then on. ai.onnx Squeeze-1 to -25, Unsqueeze-1 to -25.
 */
#include "ops/moving.h"

typedef struct squeeze_params {
    ln_move move;
    int64_t axes[LN_MAX_RANK];
    int32_t n_axes, pad;
} squeeze_params;

/* *n = -1: not given; *later: given, but not constant. */
static linnet_status read_axes(ln_ctx *c, int64_t *axes, int32_t *n, bool *later)
{
    const squeeze_params *p = c->params;
    *later = false;
    if (c->version >= 13) {
        if (p->n_axes >= 0)
            return ln_fail(c, LINNET_ERR_MODEL, "axes is an input from opset 13 on, not an attribute");
        LN_TRY(ln_read_ints(c, 1, "axes", axes, n));
        *later = ln_in(c, 1) && *n < 0;
        return LINNET_OK;
    }
    if (c->n_in > 1)
        return ln_fail(c, LINNET_ERR_MODEL, "%d inputs before opset 13, expected 1", c->n_in);
    *n = p->n_axes;
    for (int32_t i = 0; i < *n; i++)
        axes[i] = p->axes[i];
    return LINNET_OK;
}

static linnet_status squeeze_infer(ln_ctx *c)
{
    const ln_info *x = c->in[0];
    int64_t axes[LN_MAX_RANK], dims[LN_MAX_RANK];
    int32_t n, rank = 0;
    bool later, drop[LN_MAX_RANK] = {false};
    LN_TRY(read_axes(c, axes, &n, &later));
    if (later || x->rank < 0)
        return ln_set_unknown(c, 0, (linnet_type)x->type);
    if (n >= 0)
        LN_TRY(ln_check_axes(c, n, axes, x->rank));
    for (int32_t i = 0; i < n; i++) {
        int64_t d = x->dims[axes[i]];
        if (d >= 0 && d != 1)
            return ln_fail(c, LINNET_ERR_MODEL, "dimension %lld has size %lld, not 1", (long long)axes[i],
                           (long long)d);
        drop[axes[i]] = true;
    }
    for (int32_t i = 0; i < x->rank; i++) {
        if (n < 0 && x->dims[i] < 0)
            return ln_set_unknown(c, 0, (linnet_type)x->type);
        if (n < 0 ? x->dims[i] != 1 : !drop[i])
            dims[rank++] = x->dims[i];
    }
    return ln_set_shape(c, 0, (linnet_type)x->type, rank, dims);
}

static linnet_status unsqueeze_infer(ln_ctx *c)
{
    const ln_info *x = c->in[0];
    int64_t axes[LN_MAX_RANK], dims[LN_MAX_RANK];
    int32_t n, at = 0;
    bool later, made[LN_MAX_RANK] = {false};
    LN_TRY(read_axes(c, axes, &n, &later));
    if (n < 0 && !later)
        return ln_fail(c, LINNET_ERR_MODEL, "axes is missing");
    if (later || x->rank < 0)
        return ln_set_unknown(c, 0, (linnet_type)x->type);
    int32_t rank = x->rank + n;
    if (rank > LN_MAX_RANK)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "output of rank %d, at most %d is supported", rank, LN_MAX_RANK);
    LN_TRY(ln_check_axes(c, n, axes, rank));
    for (int32_t i = 0; i < n; i++)
        made[axes[i]] = true;
    for (int32_t i = 0; i < rank; i++)
        dims[i] = made[i] ? 1 : x->dims[at++];
    return ln_set_shape(c, 0, (linnet_type)x->type, rank, dims);
}

static const ln_attr_spec attrs[] = {LN_ATTR_INTS(squeeze_params, axes), LN_ATTR_END};

LN_OP(Squeeze) = {
    .domain = "",
    .type = "Squeeze",
    .since = {1, 11, 13, 21, 23, 24, 25},
    .types = LN_T_ALL,
    .in = {1, 2},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(squeeze_params),
    .infer = squeeze_infer,
    .plan = ln_plan_reshaped,
    LN_RUN_NAME(ln_moving),
};

LN_OP(Unsqueeze) = {
    .domain = "",
    .type = "Unsqueeze",
    .since = {1, 11, 13, 21, 23, 24, 25},
    .types = LN_T_ALL,
    .in = {1, 2},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(squeeze_params),
    .infer = unsqueeze_infer,
    .plan = ln_plan_reshaped,
    LN_RUN_NAME(ln_moving),
};
