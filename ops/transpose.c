/* SPDX-License-Identifier: Apache-2.0
 *
 * Transpose, DepthToSpace and SpaceToDepth: permutations of dimensions (for the latter two of a tensor whose
 * dimensions were cut into blocks). ai.onnx Transpose-1 to -25, DepthToSpace-1 to -28, SpaceToDepth-1 to -28.
 */
#include "ops/moving.h"

typedef struct transpose_params {
    ln_move move;
    int64_t perm[LN_MAX_RANK];
    int32_t n_perm, pad;
} transpose_params;

typedef struct block_params {
    ln_move move;
    int64_t blocksize;
    int32_t mode, pad;
} block_params;

/* y = x of these dims with dimension perm[i] as its i-th. */
static linnet_status plan_permuted(ln_ctx *c, ln_move *m, int32_t rank, const int64_t *dims, const int64_t *perm)
{
    int64_t strides[LN_MOVE_RANK], out[LN_MOVE_RANK], ys[LN_MOVE_RANK], xs[LN_MOVE_RANK];
    ln_strides(rank, dims, strides);
    for (int32_t i = 0; i < rank; i++) {
        out[i] = dims[perm[i]];
        xs[i] = strides[perm[i]];
    }
    ln_strides(rank, out, ys);
    ln_move_make(m, rank, out, ys, xs, linnet_type_size((linnet_type)c->in[0]->type));
    return ln_plan_move(c, m);
}

static linnet_status transpose_infer(ln_ctx *c)
{
    transpose_params *p = c->params;
    const ln_info *x = c->in[0];
    int32_t n = p->n_perm;
    int64_t dims[LN_MAX_RANK];
    if (x->rank >= 0 && n >= 0 && n != x->rank)
        return ln_fail(c, LINNET_ERR_MODEL, "perm has %d entries, but the input has rank %d", n, x->rank);
    if (x->rank < 0 && n < 0)
        return ln_set_unknown(c, 0, (linnet_type)x->type);
    if (n >= 0)
        LN_TRY(ln_check_axes(c, n, p->perm, n));
    int32_t rank = x->rank >= 0 ? x->rank : n;
    for (int32_t i = 0; i < rank; i++)
        dims[i] = x->rank < 0 ? LN_UNKNOWN : x->dims[n >= 0 ? p->perm[i] : rank - 1 - i];
    return ln_set_shape(c, 0, (linnet_type)x->type, rank, dims);
}

static linnet_status transpose_plan(ln_ctx *c)
{
    transpose_params *p = c->params;
    int32_t rank = c->in[0]->rank;
    if (p->n_perm >= 0)
        LN_TRY(ln_check_axes(c, rank, p->perm, rank));
    else
        for (int32_t i = 0; i < rank; i++)
            p->perm[i] = rank - 1 - i;
    return plan_permuted(c, &p->move, rank, c->in[0]->dims, p->perm);
}

static linnet_status check_block(ln_ctx *c)
{
    const block_params *p = c->params;
    LN_TRY(ln_check_rank(c, 0, 4, 4, "input"));
    if (p->blocksize < 1 || p->blocksize > INT32_MAX)
        return ln_fail(c, LINNET_ERR_MODEL, "blocksize is %lld", (long long)p->blocksize);
    return LINNET_OK;
}

static linnet_status depthtospace_infer(ln_ctx *c)
{
    const block_params *p = c->params;
    const ln_info *x = c->in[0];
    LN_TRY(check_block(c));
    int64_t b = p->blocksize, dims[4] = {LN_UNKNOWN, LN_UNKNOWN, LN_UNKNOWN, LN_UNKNOWN};
    if (x->rank == 4) {
        if (x->dims[1] >= 0 && x->dims[1] % (b * b))
            return ln_fail(c, LINNET_ERR_MODEL, "blocksize %lld squared does not divide %lld channels", (long long)b,
                           (long long)x->dims[1]);
        dims[0] = x->dims[0];
        dims[1] = x->dims[1] >= 0 ? x->dims[1] / (b * b) : LN_UNKNOWN;
        for (int32_t i = 2; i < 4; i++)
            if (x->dims[i] >= 0)
                LN_TRY(ln_mul_size(c, x->dims[i], b, &dims[i]));
    }
    return ln_set_shape(c, 0, (linnet_type)x->type, 4, dims);
}

static linnet_status depthtospace_plan(ln_ctx *c)
{
    block_params *p = c->params;
    const int64_t *d = c->in[0]->dims, b = p->blocksize;
    if (p->mode == 0) { /* DCR */
        int64_t dims[] = {d[0], b, b, d[1] / (b * b), d[2], d[3]};
        return plan_permuted(c, &p->move, 6, dims, (const int64_t[]){0, 3, 4, 1, 5, 2});
    }
    int64_t dims[] = {d[0], d[1] / (b * b), b, b, d[2], d[3]};
    return plan_permuted(c, &p->move, 6, dims, (const int64_t[]){0, 1, 4, 2, 5, 3});
}

static linnet_status spacetodepth_infer(ln_ctx *c)
{
    const block_params *p = c->params;
    const ln_info *x = c->in[0];
    LN_TRY(check_block(c));
    int64_t b = p->blocksize, dims[4] = {LN_UNKNOWN, LN_UNKNOWN, LN_UNKNOWN, LN_UNKNOWN};
    if (x->rank == 4) {
        dims[0] = x->dims[0];
        if (x->dims[1] >= 0)
            LN_TRY(ln_mul_size(c, x->dims[1], b * b, &dims[1]));
        for (int32_t i = 2; i < 4; i++) {
            if (x->dims[i] >= 0 && x->dims[i] % b)
                return ln_fail(c, LINNET_ERR_MODEL, "blocksize %lld does not divide size %lld of dimension %d",
                               (long long)b, (long long)x->dims[i], i);
            dims[i] = x->dims[i] >= 0 ? x->dims[i] / b : LN_UNKNOWN;
        }
    }
    return ln_set_shape(c, 0, (linnet_type)x->type, 4, dims);
}

static linnet_status spacetodepth_plan(ln_ctx *c)
{
    block_params *p = c->params;
    const int64_t *d = c->in[0]->dims, b = p->blocksize;
    int64_t dims[] = {d[0], d[1], d[2] / b, b, d[3] / b, b};
    if (p->mode == 0) /* DCR */
        return plan_permuted(c, &p->move, 6, dims, (const int64_t[]){0, 3, 5, 1, 2, 4});
    return plan_permuted(c, &p->move, 6, dims, (const int64_t[]){0, 1, 3, 5, 2, 4});
}

static const ln_attr_spec transpose_attrs[] = {LN_ATTR_INTS(transpose_params, perm), LN_ATTR_END};
static const ln_attr_spec block_attrs[] = {LN_ATTR_I_REQ(block_params, blocksize),
                                           LN_ATTR_E(block_params, mode, "DCR|CRD", 0), LN_ATTR_END};

LN_OP(Transpose) = {
    .domain = "",
    .type = "Transpose",
    .since = {1, 13, 21, 23, 24, 25},
    .types = LN_T_ALL,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = transpose_attrs,
    .params_size = sizeof(transpose_params),
    .infer = transpose_infer,
    .plan = transpose_plan,
    LN_RUN_NAME(ln_moving),
};

LN_OP(DepthToSpace) = {
    .domain = "",
    .type = "DepthToSpace",
    .since = {1, 11, 13, 28},
    .types = LN_T_ALL,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = block_attrs,
    .params_size = sizeof(block_params),
    .infer = depthtospace_infer,
    .plan = depthtospace_plan,
    LN_RUN_NAME(ln_moving),
};

LN_OP(SpaceToDepth) = {
    .domain = "",
    .type = "SpaceToDepth",
    .since = {1, 13, 28},
    .types = LN_T_ALL,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = block_attrs,
    .params_size = sizeof(block_params),
    .infer = spacetodepth_infer,
    .plan = spacetodepth_plan,
    LN_RUN_NAME(ln_moving),
};
