/* SPDX-License-Identifier: Apache-2.0
 *
 * OneHot: a new dimension of `depth` elements that are all off but the one that an index names. Indices that are out of
 * range leave them all off. ai.onnx OneHot-9 to -28.
 */
#include <string.h>

#include "ops/moving.h"

typedef struct onehot_params {
    int64_t axis;
    int64_t depth, outer, inner; /* indices before and after the new dimension */
    int64_t size;                /* bytes of an element */
    int32_t index_type, pad;
} onehot_params;

#define INDEX_TYPES LN_T_NUMBERS

/* Element i as int64, towards zero. What an int64 does not hold is out of any range: INT64_MIN. */
static int64_t integer(const void *x, int type, int64_t i)
{
    double d;
    float f;
    switch (type) {
    case LINNET_INT64:
        return ((const int64_t *)x)[i];
    case LINNET_INT32:
        return ((const int32_t *)x)[i];
    case LINNET_UINT64:
        return ((const uint64_t *)x)[i] > INT64_MAX ? INT64_MIN : (int64_t)((const uint64_t *)x)[i];
    case LINNET_UINT32:
        return ((const uint32_t *)x)[i];
    case LINNET_FLOAT64:
        d = ((const double *)x)[i];
        break;
    default:
        ln_to_f32(&f, x, type, i, 1);
        d = (double)f;
    }
    return d > -0x1p62 && d < 0x1p62 ? (int64_t)d : INT64_MIN;
}

typedef struct job {
    const onehot_params *p;
    const ln_args *a;
} job;

static void rows(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    const onehot_params *p = j->p;
    const char *values = j->a->in[2];
    int64_t row = p->depth * p->inner;
    char *y = (char *)j->a->out[0] + begin * row * p->size;
    (void)worker;
    ln_fill(y, values, (size_t)p->size, (end - begin) * row);
    for (int64_t o = begin; o < end; o++, y += row * p->size)
        for (int64_t i = 0; i < p->inner; i++) {
            int64_t k = integer(j->a->in[0], p->index_type, o * p->inner + i);
            if (k >= -p->depth && k < p->depth)
                memcpy(y + ((k < 0 ? k + p->depth : k) * p->inner + i) * p->size, values + p->size, (size_t)p->size);
        }
}

LN_RUN(ln_onehot)
{
    const onehot_params *p = a->params;
    job j = {p, a};
    ln_parallel(a, p->outer, 0.2 * (double)(p->depth * p->inner) + 3.0 * (double)p->inner, rows, &j);
    return LINNET_OK;
}

static linnet_status onehot_infer(ln_ctx *c)
{
    const onehot_params *p = c->params;
    const ln_info *k = c->in[0], *depth = c->in[1], *values = c->in[2];
    int64_t dims[LN_MAX_RANK + 1], d = LN_UNKNOWN;
    int32_t axis;
    LN_TRY(ln_check_type(c, 1, INDEX_TYPES, "depth"));
    LN_TRY(ln_check_rank(c, 2, 1, 1, "values"));
    if (values->rank == 1)
        LN_TRY(ln_check_dim(c, values->dims[0], 2, "the number of values"));
    if (!ln_maybe_scalar(depth))
        return ln_fail(c, LINNET_ERR_MODEL, "depth has %lld elements", (long long)ln_info_count(depth));
    if (depth->data && ln_info_count(depth) == 1) {
        d = integer(depth->data, depth->type, 0);
        if (d < 0)
            return ln_fail(c, LINNET_ERR_MODEL, "depth is %lld", (long long)d);
    }
    if (k->rank < 0)
        return ln_set_unknown(c, 0, (linnet_type)values->type);
    LN_TRY(ln_axis(c, p->axis, k->rank + 1, &axis));
    for (int32_t i = 0; i <= k->rank; i++)
        dims[i] = i < axis ? k->dims[i] : i == axis ? d : k->dims[i - 1];
    return ln_set_shape(c, 0, (linnet_type)values->type, k->rank + 1, dims);
}

static linnet_status onehot_plan(ln_ctx *c)
{
    onehot_params *p = c->params;
    const ln_info *k = c->in[0];
    int32_t axis;
    LN_TRY(ln_axis(c, p->axis, k->rank + 1, &axis));
    p->depth = c->out[0]->dims[axis];
    p->outer = ln_dims_product(k->dims, 0, axis);
    p->inner = ln_dims_product(k->dims, axis, k->rank);
    p->size = (int64_t)linnet_type_size((linnet_type)c->out[0]->type);
    p->index_type = k->type;
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_I(onehot_params, axis, -1), LN_ATTR_END};

LN_OP(OneHot) = {
    .domain = "",
    .type = "OneHot",
    .since = {9, 11, 28},
    .types = INDEX_TYPES,
    .in = {3, 3},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(onehot_params),
    .infer = onehot_infer,
    .plan = onehot_plan,
    LN_RUN_NAME(ln_onehot),
};
