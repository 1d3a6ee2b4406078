/* SPDX-License-Identifier: Apache-2.0
 *
 * Shape and Size: constants as soon as the dimensions are known; what is left to run only writes them down.
 * ai.onnx Shape-1 to -25, Size-1 to -25.
 */
#include <string.h>

#include "engine/op.h"

typedef struct shape_params {
    int64_t start, end;
    int64_t values[LN_MAX_RANK];
    int64_t n;
} shape_params;

LN_RUN(ln_shape)
{
    const shape_params *p = a->params;
    if (p->n)
        memcpy(a->out[0], p->values, (size_t)p->n * sizeof(int64_t));
    return LINNET_OK;
}

/* [*start, *end) of the dimensions. */
static void range(const ln_ctx *c, int32_t *start, int32_t *end)
{
    const shape_params *p = c->params;
    int32_t rank = c->in[0]->rank;
    int64_t s = p->start, e = ln_attr_has(c, "end") ? p->end : rank;
    s = s < 0 ? s + rank : s;
    e = e < 0 ? e + rank : e;
    *start = (int32_t)(s < 0 ? 0 : s > rank ? rank : s);
    *end = (int32_t)(e < 0 ? 0 : e > rank ? rank : e);
    if (*end < *start)
        *end = *start;
}

static linnet_status shape_infer(ln_ctx *c)
{
    const ln_info *x = c->in[0];
    int64_t n = LN_UNKNOWN;
    int32_t start = 0, end = 0;
    if (x->rank >= 0) {
        range(c, &start, &end);
        n = end - start;
    }
    linnet_status st = ln_set_shape(c, 0, LINNET_INT64, 1, &n);
    if (st != LINNET_OK || n < 0)
        return st;
    for (int32_t i = start; i < end; i++)
        if (x->dims[i] < 0)
            return LINNET_OK;
    return ln_set_data(c, 0, x->dims + start);
}

static linnet_status shape_plan(ln_ctx *c)
{
    shape_params *p = c->params;
    int32_t start, end;
    range(c, &start, &end);
    p->n = end - start;
    memcpy(p->values, c->in[0]->dims + start, (size_t)p->n * sizeof(int64_t));
    ln_drop_input(c, 0);
    return LINNET_OK;
}

static linnet_status size_infer(ln_ctx *c)
{
    int64_t n = ln_info_count(c->in[0]);
    linnet_status st = ln_set_shape(c, 0, LINNET_INT64, 0, NULL);
    return st != LINNET_OK || n < 0 ? st : ln_set_data(c, 0, &n);
}

static linnet_status size_plan(ln_ctx *c)
{
    shape_params *p = c->params;
    p->n = 1;
    p->values[0] = ln_info_count(c->in[0]);
    ln_drop_input(c, 0);
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_I(shape_params, start, 0), LN_ATTR_I(shape_params, end, 0), LN_ATTR_END};

LN_OP(Shape) = {
    .domain = "",
    .type = "Shape",
    .since = {1, 13, 15, 19, 21, 23, 24, 25},
    .in = {1, 1},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(shape_params),
    .infer = shape_infer,
    .plan = shape_plan,
    LN_RUN_NAME(ln_shape),
};

LN_OP(Size) = {
    .domain = "",
    .type = "Size",
    .since = {1, 13, 19, 21, 23, 24, 25},
    .in = {1, 1},
    .out = {1, 1},
    .params_size = sizeof(shape_params),
    .infer = size_infer,
    .plan = size_plan,
    LN_RUN_NAME(ln_shape),
};
