/* SPDX-License-Identifier: Apache-2.0
 *
 * Reshape and Flatten: the same elements with other dimensions, a view where the engine grants one.
 * ai.onnx Reshape-5 to -25, Flatten-1 to -25.
 */
#include "ops/moving.h"

typedef struct reshape_params {
    ln_move move;
    int64_t allowzero;
} reshape_params;

typedef struct flatten_params {
    ln_move move;
    int64_t axis;
} flatten_params;

/* The size that -1 stands for. What is not known in x cancels where it was copied to the output by a 0. */
static linnet_status remaining(ln_ctx *c, int32_t n, const int64_t *dims, const bool *copied, int32_t at, int64_t *size)
{
    const ln_info *x = c->in[0];
    int64_t have = 1, want = 1, symbol = 0;
    for (int32_t i = 0; i < x->rank; i++) {
        if (x->dims[i] >= 0)
            LN_TRY(ln_mul_size(c, have, x->dims[i], &have));
        else if (!(i < n && copied[i]))
            symbol = symbol ? LN_UNKNOWN : x->dims[i];
    }
    for (int32_t i = 0; i < n; i++) {
        if (i == at)
            continue;
        if (dims[i] >= 0)
            LN_TRY(ln_mul_size(c, want, dims[i], &want));
        else if (!copied[i])
            symbol = LN_UNKNOWN;
    }
    *size = LN_UNKNOWN;
    if (symbol) {
        if (have == want)
            *size = symbol;
        return LINNET_OK;
    }
    if (want == 0 || have % want) {
        char text[200];
        return ln_fail(c, LINNET_ERR_MODEL, "no size for -1 makes %lld elements of %s", (long long)have,
                       ln_dims_text(text, sizeof text, n, dims));
    }
    *size = have / want;
    return LINNET_OK;
}

static linnet_status reshape_infer(ln_ctx *c)
{
    const reshape_params *p = c->params;
    const ln_info *x = c->in[0], *shape = c->in[1];
    linnet_type type = (linnet_type)x->type;
    int64_t dims[LN_MAX_RANK];
    int32_t n, at = -1;
    bool copied[LN_MAX_RANK] = {false};
    LN_TRY(ln_check_rank(c, 1, 1, 1, "shape"));
    LN_TRY(ln_read_ints(c, 1, "shape", dims, &n));
    if (n < 0) {
        if (shape->rank != 1 || shape->dims[0] < 0)
            return ln_set_unknown(c, 0, type);
        for (int32_t i = 0; i < shape->dims[0]; i++)
            dims[i] = LN_UNKNOWN;
        return ln_set_shape(c, 0, type, (int32_t)shape->dims[0], dims);
    }
    bool zero = false;
    for (int32_t i = 0; i < n; i++) {
        if (dims[i] < -1)
            return ln_fail(c, LINNET_ERR_MODEL, "shape[%d] is %lld", i, (long long)dims[i]);
        if (dims[i] == -1) {
            if (at >= 0)
                return ln_fail(c, LINNET_ERR_MODEL, "shape has -1 at %d and at %d", at, i);
            at = i;
        } else if (dims[i] == 0 && p->allowzero && c->version >= 14) {
            zero = true;
        } else if (dims[i] == 0) {
            if (x->rank >= 0 && i >= x->rank)
                return ln_fail(c, LINNET_ERR_MODEL, "shape[%d] is 0 (copy), but the input has rank %d", i, x->rank);
            dims[i] = x->rank >= 0 ? x->dims[i] : LN_UNKNOWN;
            copied[i] = true;
        }
    }
    if (zero && at >= 0)
        return ln_fail(c, LINNET_ERR_MODEL, "shape has both 0 and -1, and allowzero is set");
    if (at >= 0) {
        dims[at] = LN_UNKNOWN;
        if (x->rank >= 0)
            LN_TRY(remaining(c, n, dims, copied, at, &dims[at]));
    }
    ln_info y = {.rank = n};
    for (int32_t i = 0; i < n; i++)
        y.dims[i] = dims[i];
    int64_t have = ln_info_count(x), want = ln_info_count(&y);
    if (have >= 0 && want >= 0 && have != want) {
        char from[200], to[200];
        return ln_fail(c, LINNET_ERR_MODEL, "%s does not have as many elements as %s",
                       ln_dims_text(from, sizeof from, x->rank, x->dims), ln_dims_text(to, sizeof to, n, dims));
    }
    return ln_set_shape(c, 0, type, n, dims);
}

static linnet_status flatten_infer(ln_ctx *c)
{
    const flatten_params *p = c->params;
    const ln_info *x = c->in[0];
    int64_t dims[2] = {LN_UNKNOWN, LN_UNKNOWN};
    if (x->rank >= 0) {
        int64_t axis = p->axis < 0 && c->version >= 11 ? p->axis + x->rank : p->axis;
        if (axis < 0 || axis > x->rank)
            return ln_fail(c, LINNET_ERR_MODEL, "axis %lld is out of range for rank %d", (long long)p->axis, x->rank);
        dims[0] = ln_dims_product(x->dims, 0, (int32_t)axis);
        dims[1] = ln_dims_product(x->dims, (int32_t)axis, x->rank);
    }
    return ln_set_shape(c, 0, (linnet_type)x->type, 2, dims);
}

static const ln_attr_spec reshape_attrs[] = {LN_ATTR_I(reshape_params, allowzero, 0), LN_ATTR_END};
static const ln_attr_spec flatten_attrs[] = {LN_ATTR_I(flatten_params, axis, 1), LN_ATTR_END};

LN_OP(Reshape) = {
    .domain = "",
    .type = "Reshape",
    .since = {5, 13, 14, 19, 21, 23, 24, 25},
    .types = LN_T_ALL,
    .in = {2, 2},
    .out = {1, 1},
    .attrs = reshape_attrs,
    .params_size = sizeof(reshape_params),
    .infer = reshape_infer,
    .plan = ln_plan_reshaped,
    LN_RUN_NAME(ln_moving),
};

LN_OP(Flatten) = {
    .domain = "",
    .type = "Flatten",
    .since = {1, 9, 11, 13, 21, 23, 24, 25},
    .types = LN_T_ALL,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = flatten_attrs,
    .params_size = sizeof(flatten_params),
    .infer = flatten_infer,
    .plan = ln_plan_reshaped,
    LN_RUN_NAME(ln_moving),
};
