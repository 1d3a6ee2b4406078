/* SPDX-License-Identifier: Apache-2.0
 *
 * Activations: Relu, LeakyRelu, ThresholdedRelu, Selu, Celu, Mish, Sigmoid, Softplus, Softsign, HardSigmoid, HardSwish,
 * Swish, Shrink. ai.onnx, each from opset 6 or its first version to the newest. Elu, Gelu and Clip have files of their
 * own.
 */
#include <math.h>

#include "ops/map.h"

#define FN(fn, expr)                                                                                                   \
    static double fn##_f64(double x, const float *p)                                                                   \
    {                                                                                                                  \
        (void)p;                                                                                                       \
        return expr;                                                                                                   \
    }
#define A ((double)p[0])
#define B ((double)p[1])

static double softplus_of(double x)
{
    return (x > 0 ? x : 0) + log1p(exp(-fabs(x)));
}

static double clamp(double x, double lo, double hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

FN(relu, x < 0 ? 0 : x)
FN(leaky_relu, x < 0 ? A * x : x)
FN(thresholded_relu, x > A ? x : 0)
FN(selu, B *(x < 0 ? A * expm1(x) : x))
FN(celu, x < 0 ? A * expm1(x / A) : x)
FN(sigmoid, 1 / (1 + exp(-x)))
FN(softplus, softplus_of(x))
FN(softsign, x / (1 + fabs(x)))
FN(mish, x *tanh(softplus_of(x)))
FN(hardsigmoid, clamp(A *x + B, 0, 1))
FN(hardswish, x *clamp(x / 6 + 0.5, 0, 1))
FN(swish, x / (1 + exp(-A * x)))
FN(shrink, x<-A ? x + B : x> A ? x - B : 0)

LN_MAP(relu, 0.06)
LN_MAP_P(leaky_relu, 0.06)
LN_MAP_P(thresholded_relu, 0.06)
LN_MAP_P(selu, 0.2)
LN_MAP_P(celu, 0.3)
LN_MAP(sigmoid, 0.25)
LN_MAP(softplus, 0.5)
LN_MAP(softsign, 0.15)
LN_MAP(mish, 0.3)
LN_MAP_P(hardsigmoid, 0.06)
LN_MAP(hardswish, 0.06)
LN_MAP_P(swish, 0.3)
LN_MAP_P(shrink, 0.06)

static linnet_status relu_any_plan(ln_ctx *c)
{
    return LN_T_INTS & LN_T(c->in[0]->type) ? ln_map_int_plan(c, LN_INT_RELU) : relu_plan(c);
}

static linnet_status shrink_any_plan(ln_ctx *c)
{
    return LN_T_INTS & LN_T(c->in[0]->type) ? ln_map_int_plan(c, LN_INT_SHRINK) : shrink_plan(c);
}

static const ln_attr_spec leaky_attrs[] = {LN_MAP_ATTR("alpha", 0, 0.01f), LN_ATTR_END};
static const ln_attr_spec alpha_attrs[] = {LN_MAP_ATTR("alpha", 0, 1.0f), LN_ATTR_END};
static const ln_attr_spec selu_attrs[] = {LN_MAP_ATTR("alpha", 0, 1.67326319217681884765625f),
                                          LN_MAP_ATTR("gamma", 1, 1.05070102214813232421875f), LN_ATTR_END};
static const ln_attr_spec hard_attrs[] = {LN_MAP_ATTR("alpha", 0, 0.2f), LN_MAP_ATTR("beta", 1, 0.5f), LN_ATTR_END};
static const ln_attr_spec shrink_attrs[] = {LN_MAP_ATTR("lambd", 0, 0.5f), LN_MAP_ATTR("bias", 1, 0.0f), LN_ATTR_END};

#define T_RELU (LN_T_FLOATS | LN_T_SINTS)

/* clang-format off */
LN_OP(Relu) = {LN_MAP_OP("Relu", T_RELU, relu_any_plan), .since = {6, 13, 14}};
LN_OP(LeakyRelu) = {LN_MAP_OP("LeakyRelu", LN_T_FLOATS, leaky_relu_plan), .since = {6, 16}, .attrs = leaky_attrs};
LN_OP(ThresholdedRelu) = {LN_MAP_OP("ThresholdedRelu", LN_T_FLOATS, thresholded_relu_plan), .since = {10, 22}, .attrs = alpha_attrs};
LN_OP(Selu) = {LN_MAP_OP("Selu", LN_T_FLOATS, selu_plan), .since = {6, 22}, .attrs = selu_attrs};
LN_OP(Celu) = {LN_MAP_OP("Celu", LN_T_FLOATS, celu_plan), .since = {12, 28}, .attrs = alpha_attrs};
LN_OP(Sigmoid) = {LN_MAP_OP("Sigmoid", LN_T_FLOATS, sigmoid_plan), .since = {6, 13}};
LN_OP(Softplus) = {LN_MAP_OP("Softplus", LN_T_FLOATS, softplus_plan), .since = {1, 22}};
LN_OP(Softsign) = {LN_MAP_OP("Softsign", LN_T_FLOATS, softsign_plan), .since = {1, 22}};
LN_OP(Mish) = {LN_MAP_OP("Mish", LN_T_FLOATS, mish_plan), .since = {18, 22}};
LN_OP(HardSigmoid) = {LN_MAP_OP("HardSigmoid", LN_T_FLOATS, hardsigmoid_plan), .since = {6, 22}, .attrs = hard_attrs};
LN_OP(HardSwish) = {LN_MAP_OP("HardSwish", LN_T_FLOATS, hardswish_plan), .since = {14, 22}};
LN_OP(Swish) = {LN_MAP_OP("Swish", LN_T_FLOATS, swish_plan), .since = {24}, .attrs = alpha_attrs};
LN_OP(Shrink) = {LN_MAP_OP("Shrink", LN_T_NUMBERS, shrink_any_plan), .since = {9}, .attrs = shrink_attrs};
/* clang-format on */
