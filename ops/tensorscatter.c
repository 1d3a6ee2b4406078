/* SPDX-License-Identifier: Apache-2.0
 *
 * TensorScatter: an update of a cache at a position of its own for each sample of the batch. ai.onnx TensorScatter-24.
 */
#include <string.h>

#include "ops/moving.h"

typedef struct tensorscatter_params {
    int64_t axis;
    int32_t mode, given;        /* given: there are write indices */
    int64_t bytes;              /* of the cache */
    int64_t batches, rows;      /* rows of a batch: the dimensions between it and the axis */
    int64_t length, max, block; /* of the update and of the cache along the axis; bytes after it */
} tensorscatter_params;

enum { LINEAR, CIRCULAR };

LN_RUN(ln_tensorscatter)
{
    const tensorscatter_params *p = a->params;
    const int64_t *where = p->given ? a->in[2] : NULL;
    const char *x = a->in[1];
    char *y = a->out[0];
    ln_copy_parallel(a, y, a->in[0], p->bytes);
    if (p->length == 0 || p->block == 0)
        return LINNET_OK;
    for (int64_t b = 0; b < p->batches; b++) {
        int64_t at = where ? where[b] : 0;
        if (at < 0 || (p->mode == LINEAR && at > p->max - p->length))
            return ln_run_fail(a, "write index %lld with an update of %lld and a cache of %lld", (long long)at,
                               (long long)p->length, (long long)p->max);
        at %= p->max;
        int64_t first = p->max - at < p->length ? p->max - at : p->length;
        for (int64_t r = 0; r < p->rows; r++, x += p->length * p->block, y += p->max * p->block) {
            memcpy(y + at * p->block, x, (size_t)(first * p->block));
            if (first < p->length)
                memcpy(y, x + first * p->block, (size_t)((p->length - first) * p->block));
        }
    }
    return LINNET_OK;
}

static linnet_status infer(ln_ctx *c)
{
    const tensorscatter_params *p = c->params;
    const ln_info *x = c->in[0], *u = c->in[1], *w = ln_in(c, 2);
    int32_t axis;
    LN_TRY(ln_check_same_type(c, 1, 0));
    LN_TRY(ln_check_type(c, 2, LN_T(LINNET_INT64), "write_indices"));
    LN_TRY(ln_check_rank(c, 2, 1, 1, "write_indices"));
    if (x->rank < 0)
        return ln_set_unknown(c, 0, (linnet_type)x->type);
    LN_TRY(ln_axis(c, p->axis, x->rank, &axis));
    LN_TRY(ln_check_rank(c, 1, x->rank, x->rank, "update"));
    if (axis == 0)
        return ln_fail(c, LINNET_ERR_MODEL, "axis is the batch dimension");
    for (int32_t i = 0; i < u->rank; i++)
        if (i != axis)
            LN_TRY(ln_check_dim(c, u->dims[i], x->dims[i], "a dimension of update"));
        else if (x->dims[i] >= 0 && u->dims[i] > x->dims[i])
            return ln_fail(c, LINNET_ERR_MODEL, "an update of %lld in a cache of %lld", (long long)u->dims[i],
                           (long long)x->dims[i]);
    if (w && w->rank == 1)
        LN_TRY(ln_check_dim(c, w->dims[0], x->dims[0], "the number of write indices"));
    return ln_set_shape(c, 0, (linnet_type)x->type, x->rank, x->dims);
}

static linnet_status plan(ln_ctx *c)
{
    tensorscatter_params *p = c->params;
    const ln_info *x = c->in[0];
    int32_t axis;
    LN_TRY(ln_axis(c, p->axis, x->rank, &axis));
    p->bytes = (int64_t)ln_info_bytes(x);
    p->batches = x->dims[0];
    p->given = ln_in(c, 2) != NULL;
    p->rows = ln_dims_product(x->dims, 1, axis);
    p->length = c->in[1]->dims[axis];
    p->max = x->dims[axis];
    p->block = (int64_t)linnet_type_size((linnet_type)x->type) * ln_dims_product(x->dims, axis + 1, x->rank);
    if (c->in[1] != x && (!p->given || c->in[2] != x))
        ln_in_place(c, 0, 0);
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_I(tensorscatter_params, axis, -2),
                                     LN_ATTR_E(tensorscatter_params, mode, "linear|circular", LINEAR), LN_ATTR_END};

LN_OP(TensorScatter) = {
    .domain = "",
    .type = "TensorScatter",
    .since = {24},
    .types = LN_T_ALL,
    .in = {2, 3},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(tensorscatter_params),
    .infer = infer,
    .plan = plan,
    LN_RUN_NAME(ln_tensorscatter),
};
