/* SPDX-License-Identifier: Apache-2.0
 *
 * Range: start, start + delta, ... before limit. y[i] = start + i * delta, in the type of the tensors for integers, in
 * float64 for float32 and float64, in the stash type for float16 and bfloat16. ai.onnx Range-11 to -27;
 * com.microsoft Range, where delta may be absent (1).
 */
#include <math.h>

#include "ops/moving.h"

typedef struct range_params {
    int64_t stash_type;
    int64_t n;
    int32_t type, has_delta;
} range_params;

#define RANGE_TYPES (LN_T_FLOATS | LN_T(LINNET_INT16) | LN_T(LINNET_INT32) | LN_T(LINNET_INT64))

static int64_t int_at(const void *x, int32_t type)
{
    return type == LINNET_INT16   ? *(const int16_t *)x
           : type == LINNET_INT32 ? *(const int32_t *)x
                                  : *(const int64_t *)x;
}

static double float_at(const void *x, int32_t type)
{
    float f;
    if (type == LINNET_FLOAT64)
        return *(const double *)x;
    ln_to_f32(&f, x, type, 0, 1);
    return (double)f;
}

static bool is_int(int32_t type)
{
    return type == LINNET_INT16 || type == LINNET_INT32 || type == LINNET_INT64;
}

static void ints(const range_params *p, const void *start, const void *delta, void *y)
{
    uint64_t s = (uint64_t)int_at(start, p->type), d = delta ? (uint64_t)int_at(delta, p->type) : 1;
    for (int64_t i = 0; i < p->n; i++, s += d)
        if (p->type == LINNET_INT16)
            ((uint16_t *)y)[i] = (uint16_t)s;
        else if (p->type == LINNET_INT32)
            ((uint32_t *)y)[i] = (uint32_t)s;
        else
            ((uint64_t *)y)[i] = s;
}

static void floats(const range_params *p, const void *start, const void *delta, void *y)
{
    double s = float_at(start, p->type), d = delta ? float_at(delta, p->type) : 1;
    bool small = p->type != LINNET_FLOAT32 && p->type != LINNET_FLOAT64 && p->stash_type == LINNET_FLOAT32;
    for (int64_t i = 0; i < p->n; i++) {
        double v = small ? (double)((float)s + (float)i * (float)d) : s + (double)i * d;
        float f = (float)v;
        if (p->type == LINNET_FLOAT64)
            ((double *)y)[i] = v;
        else
            ln_from_f32(y, p->type, i, &f, 1, 0);
    }
}

LN_RUN(ln_range)
{
    const range_params *p = a->params;
    const void *delta = p->has_delta ? a->in[2] : NULL;
    (is_int(p->type) ? ints : floats)(p, a->in[0], delta, a->out[0]);
    return LINNET_OK;
}

/* max(ceil((limit - start) / delta), 0) */
static linnet_status count(ln_ctx *c, int64_t *n)
{
    const ln_info *delta = ln_in(c, 2);
    int32_t type = c->in[0]->type;
    *n = 0;
    if (is_int(type)) {
        int64_t s = int_at(c->in[0]->data, type), e = int_at(c->in[1]->data, type),
                d = delta ? int_at(delta->data, type) : 1;
        if (d == 0)
            return ln_fail(c, LINNET_ERR_MODEL, "delta is 0");
        uint64_t distance = d > 0 ? (uint64_t)e - (uint64_t)s : (uint64_t)s - (uint64_t)e;
        uint64_t step = d > 0 ? (uint64_t)d : 0 - (uint64_t)d;
        if (d > 0 ? e <= s : e >= s)
            return LINNET_OK;
        distance = (distance - 1) / step;
        if (distance >= INT64_MAX)
            return ln_fail(c, LINNET_ERR_MEMORY, "too many elements");
        *n = (int64_t)distance + 1;
        return LINNET_OK;
    }
    double s = float_at(c->in[0]->data, type), e = float_at(c->in[1]->data, type),
           d = delta ? float_at(delta->data, type) : 1;
    double steps = ceil((e - s) / d);
    if (d == 0 || isnan(steps))
        return ln_fail(c, LINNET_ERR_MODEL, "start %g, limit %g, delta %g", s, e, d);
    if (steps > 0x1p46)
        return ln_fail(c, LINNET_ERR_MEMORY, "too many elements: %g", steps);
    *n = steps > 0 ? (int64_t)steps : 0;
    return LINNET_OK;
}

static linnet_status range_infer(ln_ctx *c)
{
    const range_params *p = c->params;
    int64_t n = LN_UNKNOWN;
    bool known = true;
    for (int32_t i = 0; i < c->n_in; i++) {
        if (!c->in[i])
            continue;
        LN_TRY(ln_check_same_type(c, i, 0));
        if (!ln_maybe_scalar(c->in[i]))
            return ln_fail(c, LINNET_ERR_MODEL, "input %d has %lld elements", i, (long long)ln_info_count(c->in[i]));
        known = known && c->in[i]->data && c->in[i]->type == c->in[0]->type && ln_info_count(c->in[i]) == 1;
    }
    if (c->in[0]->type != LINNET_UNDEFINED && c->version < 27 && !c->op->domain[0] &&
        (c->in[0]->type == LINNET_FLOAT16 || c->in[0]->type == LINNET_BFLOAT16))
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "element type %s before opset 27",
                       linnet_type_name((linnet_type)c->in[0]->type));
    if (p->stash_type != LINNET_FLOAT32 && p->stash_type != LINNET_FLOAT64)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "stash_type %lld", (long long)p->stash_type);
    if (known)
        LN_TRY(count(c, &n));
    return ln_set_shape(c, 0, (linnet_type)c->in[0]->type, 1, &n);
}

static linnet_status range_plan(ln_ctx *c)
{
    range_params *p = c->params;
    p->type = c->in[0]->type;
    p->n = c->out[0]->dims[0];
    p->has_delta = ln_in(c, 2) != NULL;
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_I(range_params, stash_type, LINNET_FLOAT32), LN_ATTR_END};

LN_OP(Range) = {
    .domain = "",
    .type = "Range",
    .since = {11, 27},
    .types = RANGE_TYPES,
    .in = {3, 3},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(range_params),
    .infer = range_infer,
    .plan = range_plan,
    LN_RUN_NAME(ln_range),
};

LN_OP(com_microsoft_Range) = {
    .domain = "com.microsoft",
    .type = "Range",
    .since = {1},
    .types = RANGE_TYPES,
    .in = {2, 3},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(range_params),
    .infer = range_infer,
    .plan = range_plan,
    LN_RUN_NAME(ln_range),
};
