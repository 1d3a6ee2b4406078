/* SPDX-License-Identifier: Apache-2.0
 *
 * IsNaN (ai.onnx 9, 13, 20) and IsInf (10, 20): element-wise tests of a float type, bool out.
 */
#include <math.h>

#include "ops/convert.h"

#define BLOCK 256

typedef struct isnan_params {
    int64_t detect_negative, detect_positive; /* IsInf */
    int64_t n;
    int32_t type;
    int32_t inf; /* 1: IsInf */
} isnan_params;

static uint8_t test(const isnan_params *p, double x)
{
    return p->inf ? isinf(x) && (x > 0 ? p->detect_positive != 0 : p->detect_negative != 0) : x != x;
}

static void task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    const isnan_params *p = a->params;
    uint8_t *y = a->out[0];
    float block[BLOCK];
    (void)worker;
    for (int64_t i = begin; i < end; i += BLOCK) {
        int64_t n = end - i < BLOCK ? end - i : BLOCK;
        if (p->type == LINNET_FLOAT64) {
            for (int64_t k = i; k < i + n; k++)
                y[k] = test(p, ((const double *)a->in[0])[k]);
            continue;
        }
        ln_to_f32(block, a->in[0], p->type, i, n);
        for (int64_t k = 0; k < n; k++)
            y[i + k] = test(p, (double)block[k]);
    }
}

LN_RUN(ln_isnan)
{
    ln_args copy = *a;
    ln_parallel(a, ((const isnan_params *)a->params)->n, 0.5, task, &copy);
    return LINNET_OK;
}

static linnet_status infer(ln_ctx *c)
{
    if (c->in[0]->rank < 0)
        return ln_set_unknown(c, 0, LINNET_BOOL);
    return ln_set_shape(c, 0, LINNET_BOOL, c->in[0]->rank, c->in[0]->dims);
}

static linnet_status plan(ln_ctx *c, int32_t inf)
{
    isnan_params *p = c->params;
    p->n = ln_info_count(c->in[0]);
    p->type = c->in[0]->type;
    p->inf = inf;
    return LINNET_OK;
}

static linnet_status isnan_plan(ln_ctx *c)
{
    return plan(c, 0);
}

static linnet_status isinf_plan(ln_ctx *c)
{
    return plan(c, 1);
}

#define TYPES (LN_T_FLOATS | (LN_T_FLOAT8 & ~LN_T(LINNET_FLOAT8E8M0)))

static const ln_attr_spec isinf_attrs[] = {LN_ATTR_I(isnan_params, detect_negative, 1),
                                           LN_ATTR_I(isnan_params, detect_positive, 1), LN_ATTR_END};

LN_OP(IsNaN) = {
    .domain = "",
    .type = "IsNaN",
    .since = {9, 13, 20},
    .types = TYPES,
    .in = {1, 1},
    .out = {1, 1},
    .params_size = sizeof(isnan_params),
    .infer = infer,
    .plan = isnan_plan,
    LN_RUN_NAME(ln_isnan),
};
LN_OP(IsInf) = {
    .domain = "",
    .type = "IsInf",
    .since = {10, 20},
    .types = TYPES,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = isinf_attrs,
    .params_size = sizeof(isnan_params),
    .infer = infer,
    .plan = isinf_plan,
    LN_RUN_NAME(ln_isnan),
};
