/* SPDX-License-Identifier: Apache-2.0
 *
 * Expand and Tile: a tensor repeated, by broadcasting or by counts. ai.onnx Expand-8 to -13, Tile-6 to -13.
 */
#include "ops/moving.h"

static linnet_status expand_infer(ln_ctx *c)
{
    const ln_info *x = c->in[0], *shape = c->in[1];
    linnet_type type = (linnet_type)x->type;
    int64_t dims[LN_MAX_RANK];
    int32_t n, rank = x->rank;
    LN_TRY(ln_check_rank(c, 1, 1, 1, "shape"));
    LN_TRY(ln_read_ints(c, 1, "shape", dims, &n));
    if (x->rank < 0)
        return ln_set_unknown(c, 0, type);
    if (n < 0) {
        if (shape->rank != 1 || shape->dims[0] < 0)
            return ln_set_unknown(c, 0, type);
        for (n = 0; n < shape->dims[0]; n++)
            dims[n] = LN_UNKNOWN;
    } else {
        for (int32_t i = 0; i < n; i++)
            if (dims[i] < 0)
                return ln_fail(c, LINNET_ERR_MODEL, "shape[%d] is %lld", i, (long long)dims[i]);
    }
    int64_t result[LN_MAX_RANK];
    for (int32_t i = 0; i < x->rank; i++)
        result[i] = x->dims[i];
    if (!ln_broadcast(&rank, result, n, dims)) {
        char from[200], to[200];
        return ln_fail(c, LINNET_ERR_MODEL, "shape %s does not expand to %s",
                       ln_dims_text(from, sizeof from, x->rank, x->dims), ln_dims_text(to, sizeof to, n, dims));
    }
    return ln_set_shape(c, 0, type, rank, result);
}

static linnet_status expand_plan(ln_ctx *c)
{
    ln_move *m = c->params;
    const ln_info *x = c->in[0], *y = c->out[0];
    int64_t strides[LN_MAX_RANK], ys[LN_MAX_RANK], xs[LN_MAX_RANK];
    ln_strides(x->rank, x->dims, strides);
    ln_strides(y->rank, y->dims, ys);
    for (int32_t i = 0; i < y->rank; i++) {
        int32_t k = i - (y->rank - x->rank);
        xs[i] = k >= 0 && x->dims[k] != 1 ? strides[k] : 0;
    }
    ln_move_make(m, y->rank, y->dims, ys, xs, linnet_type_size((linnet_type)x->type));
    return ln_plan_move(c, m);
}

static linnet_status tile_infer(ln_ctx *c)
{
    const ln_info *x = c->in[0], *repeats = c->in[1];
    int64_t counts[LN_MAX_RANK], dims[LN_MAX_RANK];
    int32_t n, rank = x->rank;
    LN_TRY(ln_check_rank(c, 1, 1, 1, "repeats"));
    LN_TRY(ln_read_ints(c, 1, "repeats", counts, &n));
    if (repeats->rank == 1 && repeats->dims[0] >= 0) {
        if (rank >= 0 && repeats->dims[0] != rank)
            return ln_fail(c, LINNET_ERR_MODEL, "repeats has %lld elements, but the input has rank %d",
                           (long long)repeats->dims[0], rank);
        rank = (int32_t)repeats->dims[0];
    }
    if (rank < 0)
        return ln_set_unknown(c, 0, (linnet_type)x->type);
    for (int32_t i = 0; i < rank; i++) {
        dims[i] = LN_UNKNOWN;
        if (n >= 0 && counts[i] < 0)
            return ln_fail(c, LINNET_ERR_MODEL, "repeats[%d] is %lld", i, (long long)counts[i]);
        if (n < 0 || x->rank < 0)
            continue;
        if (x->dims[i] >= 0)
            LN_TRY(ln_mul_size(c, x->dims[i], counts[i], &dims[i]));
        else if (counts[i] == 1)
            dims[i] = x->dims[i];
    }
    return ln_set_shape(c, 0, (linnet_type)x->type, rank, dims);
}

static linnet_status tile_plan(ln_ctx *c)
{
    ln_move *m = c->params;
    const ln_info *x = c->in[0], *y = c->out[0];
    int64_t xs1[LN_MAX_RANK], ys1[LN_MAX_RANK], dims[LN_MOVE_RANK], ys[LN_MOVE_RANK], xs[LN_MOVE_RANK];
    ln_strides(x->rank, x->dims, xs1);
    ln_strides(y->rank, y->dims, ys1);
    for (int32_t i = 0; i < x->rank; i++) {
        int64_t d = x->dims[i];
        dims[2 * i] = d ? y->dims[i] / d : 0;
        ys[2 * i] = ys1[i] * d;
        xs[2 * i] = 0;
        dims[2 * i + 1] = d;
        ys[2 * i + 1] = ys1[i];
        xs[2 * i + 1] = xs1[i];
    }
    ln_move_make(m, 2 * x->rank, dims, ys, xs, linnet_type_size((linnet_type)x->type));
    return ln_plan_move(c, m);
}

LN_OP(Expand) = {
    .domain = "",
    .type = "Expand",
    .since = {8, 13},
    .types = LN_T_ALL,
    .in = {2, 2},
    .out = {1, 1},
    .params_size = sizeof(ln_move),
    .infer = expand_infer,
    .plan = expand_plan,
    LN_RUN_NAME(ln_moving),
};

LN_OP(Tile) = {
    .domain = "",
    .type = "Tile",
    .since = {6, 13},
    .types = LN_T_ALL,
    .in = {2, 2},
    .out = {1, 1},
    .params_size = sizeof(ln_move),
    .infer = tile_infer,
    .plan = tile_plan,
    LN_RUN_NAME(ln_moving),
};
