/* SPDX-License-Identifier: Apache-2.0
 *
 * Scatter, ScatterElements and ScatterND: a copy of the data with updates written, or reduced, to the places that
 * indices name. Updates are taken in order, on one thread: with equal indices the last one stands, and sums are always
 * added in the same order. ai.onnx Scatter-9 to -11, ScatterElements-11 to -18, ScatterND-11 to -18.
 */
#include <string.h>

#include "ops/combine.h"
#include "ops/moving.h"

typedef struct scatter_params {
    int64_t axis;
    int32_t reduction, type;
    int64_t bytes;                /* of the data */
    int64_t n, dim, size;         /* updates, size of the axis, bytes of an element */
    int64_t block;                /* ScatterND: elements of a slice */
    int64_t dims[LN_MAX_RANK];    /* of the indices; ScatterND: of the indexed dimensions */
    int64_t strides[LN_MAX_RANK]; /* of the data, in elements */
    int32_t is64, rank;           /* rank; ScatterND: indices in a tuple */
} scatter_params;

#define INDEX_TYPES (LN_T(LINNET_INT32) | LN_T(LINNET_INT64))

static linnet_status out_of_range(const ln_args *a, int64_t index, int64_t dim)
{
    return ln_run_fail(a, "index %lld is out of range [-%lld, %lld]", (long long)index, (long long)dim,
                       (long long)dim - 1);
}

/* A row of updates: along the last dimension, at + i * step away from each other but for the axis. */
static linnet_status scatter_row(const ln_args *a, const scatter_params *p, int64_t first, int64_t at)
{
    int32_t last = p->rank - 1;
    int64_t along = p->strides[p->axis], step = p->axis == last ? 0 : p->strides[last];
    const char *x = (const char *)a->in[2] + first * p->size;
    char *y = a->out[0];
    for (int64_t i = 0; i < p->dims[last]; i++, x += p->size) {
        int64_t k = ln_index_at(a->in[1], p->is64, first + i);
        if (k < -p->dim || k >= p->dim)
            return out_of_range(a, k, p->dim);
        int64_t to = (at + (k < 0 ? k + p->dim : k) * along + i * step) * p->size;
        if (p->reduction)
            ln_combine(y + to, x, p->type, p->reduction, 1);
        else if (p->size == 4)
            memcpy(y + to, x, 4);
        else
            memcpy(y + to, x, (size_t)p->size);
    }
    return LINNET_OK;
}

LN_RUN(ln_scatterelements)
{
    const scatter_params *p = a->params;
    int32_t last = p->rank - 1;
    ln_copy_parallel(a, a->out[0], a->in[0], p->bytes);
    int64_t row = p->dims[last];
    for (int64_t r = 0; r * row < p->n; r++) {
        int64_t at = 0, rest = r;
        for (int32_t i = last - 1; i >= 0; i--) {
            if (i != p->axis)
                at += rest % p->dims[i] * p->strides[i];
            rest /= p->dims[i];
        }
        linnet_status st = scatter_row(a, p, r * row, at);
        if (st != LINNET_OK)
            return st;
    }
    return LINNET_OK;
}

LN_RUN(ln_scatternd)
{
    const scatter_params *p = a->params;
    const int64_t *k = a->in[1];
    const char *x = a->in[2];
    ln_copy_parallel(a, a->out[0], a->in[0], p->bytes);
    for (int64_t t = 0; t < p->n; t++, x += p->block * p->size) {
        int64_t at = 0;
        for (int32_t i = 0; i < p->rank; i++, k++) {
            if (*k < -p->dims[i] || *k >= p->dims[i])
                return out_of_range(a, *k, p->dims[i]);
            at += (*k < 0 ? *k + p->dims[i] : *k) * p->strides[i];
        }
        if (p->block)
            ln_combine((char *)a->out[0] + at * p->size, x, p->type, p->reduction, p->block);
    }
    return LINNET_OK;
}

static linnet_status check_reduction(ln_ctx *c)
{
    const scatter_params *p = c->params;
    int type = c->in[0]->type;
    LN_TRY(ln_check_same_type(c, 2, 0));
    if (p->reduction && c->version < 16)
        return ln_fail(c, LINNET_ERR_MODEL, "reduction before opset 16");
    if (p->reduction > LN_COMBINE_MUL && c->version < 18)
        return ln_fail(c, LINNET_ERR_MODEL, "reduction max or min before opset 18");
    if (type != LINNET_UNDEFINED && !ln_combine_supported(type, p->reduction))
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "reduction of element type %s", linnet_type_name((linnet_type)type));
    return LINNET_OK;
}

static linnet_status scatterelements_infer(ln_ctx *c)
{
    const scatter_params *p = c->params;
    const ln_info *x = c->in[0], *k = c->in[1], *u = c->in[2];
    int32_t axis;
    LN_TRY(check_reduction(c));
    LN_TRY(ln_check_type(c, 1, INDEX_TYPES, "indices"));
    if (x->rank >= 0) {
        LN_TRY(ln_axis(c, p->axis, x->rank, &axis));
        LN_TRY(ln_check_rank(c, 1, x->rank, x->rank, "indices"));
        LN_TRY(ln_check_rank(c, 2, x->rank, x->rank, "updates"));
        for (int32_t i = 0; i < x->rank && k->rank >= 0; i++) {
            if (u->rank >= 0)
                LN_TRY(ln_check_dim(c, u->dims[i], k->dims[i], "a dimension of updates"));
            if (i != axis && x->dims[i] >= 0 && k->dims[i] > x->dims[i])
                return ln_fail(c, LINNET_ERR_MODEL, "indices has size %lld in dimension %d, data has %lld",
                               (long long)k->dims[i], i, (long long)x->dims[i]);
        }
    }
    if (x->rank < 0)
        return ln_set_unknown(c, 0, (linnet_type)x->type);
    return ln_set_shape(c, 0, (linnet_type)x->type, x->rank, x->dims);
}

static linnet_status scatterelements_plan(ln_ctx *c)
{
    scatter_params *p = c->params;
    const ln_info *x = c->in[0], *k = c->in[1];
    int32_t axis;
    LN_TRY(ln_axis(c, p->axis, x->rank, &axis));
    p->axis = axis;
    p->type = x->type;
    p->bytes = (int64_t)ln_info_bytes(x);
    p->n = ln_info_count(k);
    p->dim = x->dims[axis];
    p->size = (int64_t)linnet_type_size((linnet_type)x->type);
    p->is64 = k->type == LINNET_INT64;
    p->rank = x->rank;
    memcpy(p->dims, k->dims, sizeof p->dims);
    ln_strides(x->rank, x->dims, p->strides);
    if (k != x && c->in[2] != x)
        ln_in_place(c, 0, 0);
    return LINNET_OK;
}

static linnet_status scatternd_infer(ln_ctx *c)
{
    const ln_info *x = c->in[0], *k = c->in[1], *u = c->in[2];
    LN_TRY(check_reduction(c));
    LN_TRY(ln_check_type(c, 1, LN_T(LINNET_INT64), "indices"));
    LN_TRY(ln_check_rank(c, 0, 1, LN_MAX_RANK, "data"));
    LN_TRY(ln_check_rank(c, 1, 1, LN_MAX_RANK, "indices"));
    if (x->rank >= 0 && k->rank >= 0 && k->dims[k->rank - 1] >= 0) {
        int64_t n = k->dims[k->rank - 1];
        if (n > x->rank)
            return ln_fail(c, LINNET_ERR_MODEL, "tuples of %lld indices into data of rank %d", (long long)n, x->rank);
        int64_t rank = k->rank - 1 + x->rank - n;
        if (u->rank >= 0 && u->rank != rank)
            return ln_fail(c, LINNET_ERR_MODEL, "updates has rank %d, expected %lld", u->rank, (long long)rank);
        for (int32_t i = 0; i < u->rank; i++)
            LN_TRY(ln_check_dim(c, u->dims[i], i < k->rank - 1 ? k->dims[i] : x->dims[i - (k->rank - 1) + n],
                                "a dimension of updates"));
    }
    if (x->rank < 0)
        return ln_set_unknown(c, 0, (linnet_type)x->type);
    return ln_set_shape(c, 0, (linnet_type)x->type, x->rank, x->dims);
}

static linnet_status scatternd_plan(ln_ctx *c)
{
    scatter_params *p = c->params;
    const ln_info *x = c->in[0], *k = c->in[1];
    p->type = x->type;
    p->bytes = (int64_t)ln_info_bytes(x);
    p->size = (int64_t)linnet_type_size((linnet_type)x->type);
    p->rank = (int32_t)k->dims[k->rank - 1];
    p->n = ln_dims_product(k->dims, 0, k->rank - 1);
    p->block = ln_dims_product(x->dims, p->rank, x->rank);
    memcpy(p->dims, x->dims, sizeof p->dims);
    ln_strides(x->rank, x->dims, p->strides);
    if (k != x && c->in[2] != x)
        ln_in_place(c, 0, 0);
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_I(scatter_params, axis, 0),
                                     LN_ATTR_E(scatter_params, reduction, LN_COMBINE_NAMES, 0), LN_ATTR_END};
static const ln_attr_spec nd_attrs[] = {LN_ATTR_E(scatter_params, reduction, LN_COMBINE_NAMES, 0), LN_ATTR_END};

LN_OP(Scatter) = {
    .domain = "",
    .type = "Scatter",
    .since = {9, 11},
    .types = LN_T_ALL,
    .in = {3, 3},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(scatter_params),
    .infer = scatterelements_infer,
    .plan = scatterelements_plan,
    LN_RUN_NAME(ln_scatterelements),
};

LN_OP(ScatterElements) = {
    .domain = "",
    .type = "ScatterElements",
    .since = {11, 13, 16, 18},
    .types = LN_T_ALL,
    .in = {3, 3},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(scatter_params),
    .infer = scatterelements_infer,
    .plan = scatterelements_plan,
    LN_RUN_NAME(ln_scatterelements),
};

LN_OP(ScatterND) = {
    .domain = "",
    .type = "ScatterND",
    .since = {11, 13, 16, 18},
    .types = LN_T_ALL,
    .in = {3, 3},
    .out = {1, 1},
    .attrs = nd_attrs,
    .params_size = sizeof(scatter_params),
    .infer = scatternd_infer,
    .plan = scatternd_plan,
    LN_RUN_NAME(ln_scatternd),
};
