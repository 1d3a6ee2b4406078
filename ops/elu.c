/* SPDX-License-Identifier: Apache-2.0
 *
 * Elu: y = x for x >= 0, alpha * (exp(x) - 1) below. ai.onnx Elu-6, -22.
 */
#include <math.h>

#include "ops/map.h"

/* The kernel elu_f32 serves float32, and float16 and bfloat16 in blocks through float32. */
static double elu_f64(double x, const float *p)
{
    return x < 0 ? (double)p[0] * expm1(x) : x;
}
LN_MAP_P(elu, 0.2)

static const ln_attr_spec attrs[] = {LN_MAP_ATTR("alpha", 0, 1.0f), LN_ATTR_END};

LN_OP(Elu) = {
    .domain = "",
    .type = "Elu",
    .since = {6, 22},
    .types = LN_T_FLOATS,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(ln_map_params),
    .infer = ln_infer_same,
    .plan = elu_plan,
};
