/* SPDX-License-Identifier: Apache-2.0
 *
 * NonZero and Compress: the positions of elements that are not zero, and the slices that a condition picks. How many
 * there are is known once the data is. ai.onnx NonZero-9 to -13, Compress-9 to -28.
 */
#include <string.h>

#include "ops/moving.h"

typedef struct nonzero_params {
    int64_t axis;
    int64_t n, found;   /* elements, outputs */
    int64_t outer, dim; /* Compress: rows, size of the axis */
    int64_t block;      /* Compress: bytes after the axis */
    int64_t dims[LN_MAX_RANK];
    int32_t rank, type;
    int64_t conditions;
} nonzero_params;

/* -- NonZero ------------------------------------------------------------------------------------------------------- */

static bool is_zero(const void *x, int type, int64_t i)
{
    switch (type) {
    case LINNET_FLOAT32:
        return ((const float *)x)[i] == 0;
    case LINNET_FLOAT64:
        return ((const double *)x)[i] == 0;
    case LINNET_FLOAT16:
    case LINNET_BFLOAT16:
        return (((const uint16_t *)x)[i] & 0x7fff) == 0;
    case LINNET_COMPLEX64:
        return ((const float *)x)[2 * i] == 0 && ((const float *)x)[2 * i + 1] == 0;
    case LINNET_COMPLEX128:
        return ((const double *)x)[2 * i] == 0 && ((const double *)x)[2 * i + 1] == 0;
    case LINNET_STRING:
        return ((const linnet_string *)x)[i].size == 0;
    default:
        break;
    }
    switch (linnet_type_size((linnet_type)type)) {
    case 1:
        return ((const uint8_t *)x)[i] == 0;
    case 2:
        return ((const uint16_t *)x)[i] == 0;
    case 4:
        return ((const uint32_t *)x)[i] == 0;
    default:
        return ((const uint64_t *)x)[i] == 0;
    }
}

LN_RUN(ln_nonzero)
{
    const nonzero_params *p = a->params;
    int64_t *y = a->out[0], at = 0;
    for (int64_t i = 0; i < p->n; i++) {
        if (is_zero(a->in[0], p->type, i))
            continue;
        int64_t rest = i;
        for (int32_t d = p->rank - 1; d >= 0; d--) {
            y[d * p->found + at] = rest % p->dims[d];
            rest /= p->dims[d];
        }
        at++;
    }
    return LINNET_OK;
}

static linnet_status nonzero_infer(ln_ctx *c)
{
    const ln_info *x = c->in[0];
    int64_t dims[2] = {x->rank < 0 ? LN_UNKNOWN : x->rank, LN_UNKNOWN}, n = ln_info_count(x);
    if (x->data) {
        dims[1] = 0;
        for (int64_t i = 0; i < n; i++)
            dims[1] += !is_zero(x->data, x->type, i);
    }
    return ln_set_shape(c, 0, LINNET_INT64, 2, dims);
}

static linnet_status nonzero_plan(ln_ctx *c)
{
    nonzero_params *p = c->params;
    const ln_info *x = c->in[0];
    p->n = ln_info_count(x);
    p->found = c->out[0]->dims[1];
    p->rank = x->rank;
    p->type = x->type;
    memcpy(p->dims, x->dims, sizeof p->dims);
    return LINNET_OK;
}

/* -- Compress ------------------------------------------------------------------------------------------------------ */

LN_RUN(ln_compress)
{
    const nonzero_params *p = a->params;
    const uint8_t *condition = a->in[1];
    char *y = a->out[0];
    if (p->block == 0)
        return LINNET_OK;
    for (int64_t o = 0; o < p->outer; o++)
        for (int64_t i = 0; i < p->conditions; i++) {
            if (!condition[i])
                continue;
            memcpy(y, (const char *)a->in[0] + (o * p->dim + i) * p->block, (size_t)p->block);
            y += p->block;
        }
    return LINNET_OK;
}

static linnet_status compress_infer(ln_ctx *c)
{
    const nonzero_params *p = c->params;
    const ln_info *x = c->in[0], *k = c->in[1];
    int64_t dims[LN_MAX_RANK], found = LN_UNKNOWN, dim;
    int32_t axis = 0;
    LN_TRY(ln_check_type(c, 1, LN_T(LINNET_BOOL), "condition"));
    LN_TRY(ln_check_rank(c, 1, 1, 1, "condition"));
    bool flat = !ln_attr_has(c, "axis");
    if (x->rank < 0)
        return flat ? ln_set_shape(c, 0, (linnet_type)x->type, 1, &found) : ln_set_unknown(c, 0, (linnet_type)x->type);
    if (!flat)
        LN_TRY(ln_axis(c, p->axis, x->rank, &axis));
    dim = flat ? ln_info_count(x) : x->dims[axis];
    if (k->data) {
        int64_t n = ln_info_count(k);
        found = 0;
        for (int64_t i = 0; i < n; i++) {
            if (!((const uint8_t *)k->data)[i])
                continue;
            if (dim >= 0 && i >= dim)
                return ln_fail(c, LINNET_ERR_MODEL, "condition[%lld] is true, but there are %lld elements",
                               (long long)i, (long long)dim);
            found++;
        }
    }
    if (flat)
        return ln_set_shape(c, 0, (linnet_type)x->type, 1, &found);
    memcpy(dims, x->dims, sizeof dims);
    dims[axis] = found;
    return ln_set_shape(c, 0, (linnet_type)x->type, x->rank, dims);
}

static linnet_status compress_plan(ln_ctx *c)
{
    nonzero_params *p = c->params;
    const ln_info *x = c->in[0];
    int32_t axis = 0;
    bool flat = !ln_attr_has(c, "axis");
    if (!c->in[1]->data)
        return LN_NEED_DATA;
    if (!flat)
        LN_TRY(ln_axis(c, p->axis, x->rank, &axis));
    int64_t size = (int64_t)linnet_type_size((linnet_type)x->type);
    p->dim = flat ? ln_info_count(x) : x->dims[axis];
    p->outer = flat ? 1 : ln_dims_product(x->dims, 0, axis);
    p->block = flat ? size : size * ln_dims_product(x->dims, axis + 1, x->rank);
    p->conditions = ln_info_count(c->in[1]);
    p->conditions = p->conditions < p->dim ? p->conditions : p->dim;
    return LINNET_OK;
}

static const ln_attr_spec compress_attrs[] = {LN_ATTR_I(nonzero_params, axis, 0), LN_ATTR_END};

LN_OP(NonZero) = {
    .domain = "",
    .type = "NonZero",
    .since = {9, 13},
    .types = LN_T_ALL,
    .in = {1, 1},
    .out = {1, 1},
    .params_size = sizeof(nonzero_params),
    .infer = nonzero_infer,
    .plan = nonzero_plan,
    LN_RUN_NAME(ln_nonzero),
};

LN_OP(Compress) = {
    .domain = "",
    .type = "Compress",
    .since = {9, 11, 28},
    .types = LN_T_ALL,
    .in = {2, 2},
    .out = {1, 1},
    .attrs = compress_attrs,
    .params_size = sizeof(nonzero_params),
    .infer = compress_infer,
    .plan = compress_plan,
    LN_RUN_NAME(ln_compress),
};
