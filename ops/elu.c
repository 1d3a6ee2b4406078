/* SPDX-License-Identifier: Apache-2.0
 *
 * Elu: y = x for x >= 0, alpha * (exp(x) - 1) below. ai.onnx Elu-6, -22.
 */
#include <math.h>

#include "engine/op.h"

typedef struct elu_params {
    int64_t n;
    float alpha;
} elu_params;

LN_RUN(ln_elu_f32)
{
    const elu_params *p = a->params;
    const float *x = a->in[0];
    float *y = a->out[0];
    for (int64_t i = 0; i < p->n; i++)
        y[i] = x[i] >= 0 ? x[i] : p->alpha * expm1f(x[i]);
    return LINNET_OK;
}

static linnet_status elu_plan(ln_ctx *c)
{
    elu_params *p = c->params;
    p->n = ln_info_count(c->in[0]);
    ln_in_place(c, 0, 0);
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_F(elu_params, alpha, 1.0f), LN_ATTR_END};

LN_OP(Elu) = {
    .domain = "", .type = "Elu", .since = {1, 6, 22}, .types = LN_T(LINNET_FLOAT32),
    .in = {1, 1}, .out = {1, 1}, .attrs = attrs, .params_size = sizeof(elu_params),
    .infer = ln_infer_same, .plan = elu_plan, LN_RUN_NAME(ln_elu_f32),
};
