/* SPDX-License-Identifier: Apache-2.0
 *
 * The functions of one variable: Sqrt, Reciprocal, Exp, Log, Erf, the trigonometric and the hyperbolic ones and their
 * inverses. ai.onnx, each from opset 6 or its first version to 22.
 */
#include <math.h>

#include "ops/map.h"

#define PLAIN(fn, expr)                                                                                                \
    static double fn##_f64(double x, const float *p)                                                                   \
    {                                                                                                                  \
        (void)p;                                                                                                       \
        return expr;                                                                                                   \
    }

PLAIN(sqrt, sqrt(x))
PLAIN(reciprocal, 1 / x)
PLAIN(exp, exp(x))
PLAIN(log, log(x))
PLAIN(erf, erf(x))
PLAIN(sin, sin(x))
PLAIN(cos, cos(x))
PLAIN(tan, tan(x))
PLAIN(asin, asin(x))
PLAIN(acos, acos(x))
PLAIN(atan, atan(x))
PLAIN(sinh, sinh(x))
PLAIN(cosh, cosh(x))
PLAIN(tanh, tanh(x))
PLAIN(asinh, asinh(x))
PLAIN(acosh, acosh(x))
PLAIN(atanh, atanh(x))

LN_MAP(sqrt, 0.2)
LN_MAP(reciprocal, 0.1)
LN_MAP(exp, 0.15)
LN_MAP(log, 0.2)
LN_MAP(erf, 0.3)
LN_MAP(sin, 0.3)
LN_MAP(cos, 0.3)
LN_MAP(tan, 0.4)
LN_MAP(asin, 0.4)
LN_MAP(acos, 0.4)
LN_MAP(atan, 0.4)
LN_MAP(sinh, 0.4)
LN_MAP(cosh, 0.4)
LN_MAP(tanh, 0.3)
LN_MAP(asinh, 0.8)
LN_MAP(acosh, 0.8)
LN_MAP(atanh, 0.8)

/* Version 9 lists integers, too. */
static linnet_status erf_any_plan(ln_ctx *c)
{
    return LN_T_INTS & LN_T(c->in[0]->type) ? ln_map_int_plan(c, LN_INT_ERF) : erf_plan(c);
}

/* clang-format off */
LN_OP(Sqrt) = {LN_MAP_OP("Sqrt", LN_T_FLOATS, sqrt_plan), .since = {6, 13}};
LN_OP(Reciprocal) = {LN_MAP_OP("Reciprocal", LN_T_FLOATS, reciprocal_plan), .since = {6, 13}};
LN_OP(Exp) = {LN_MAP_OP("Exp", LN_T_FLOATS, exp_plan), .since = {6, 13}};
LN_OP(Log) = {LN_MAP_OP("Log", LN_T_FLOATS, log_plan), .since = {6, 13}};
LN_OP(Erf) = {LN_MAP_OP("Erf", LN_T_NUMBERS, erf_any_plan), .since = {9, 13}};
LN_OP(Sin) = {LN_MAP_OP("Sin", LN_T_FLOATS, sin_plan), .since = {7, 22}};
LN_OP(Cos) = {LN_MAP_OP("Cos", LN_T_FLOATS, cos_plan), .since = {7, 22}};
LN_OP(Tan) = {LN_MAP_OP("Tan", LN_T_FLOATS, tan_plan), .since = {7, 22}};
LN_OP(Asin) = {LN_MAP_OP("Asin", LN_T_FLOATS, asin_plan), .since = {7, 22}};
LN_OP(Acos) = {LN_MAP_OP("Acos", LN_T_FLOATS, acos_plan), .since = {7, 22}};
LN_OP(Atan) = {LN_MAP_OP("Atan", LN_T_FLOATS, atan_plan), .since = {7, 22}};
LN_OP(Sinh) = {LN_MAP_OP("Sinh", LN_T_FLOATS, sinh_plan), .since = {9, 22}};
LN_OP(Cosh) = {LN_MAP_OP("Cosh", LN_T_FLOATS, cosh_plan), .since = {9, 22}};
LN_OP(Tanh) = {LN_MAP_OP("Tanh", LN_T_FLOATS, tanh_plan), .since = {6, 13}};
LN_OP(Asinh) = {LN_MAP_OP("Asinh", LN_T_FLOATS, asinh_plan), .since = {9, 22}};
LN_OP(Acosh) = {LN_MAP_OP("Acosh", LN_T_FLOATS, acosh_plan), .since = {9, 22}};
LN_OP(Atanh) = {LN_MAP_OP("Atanh", LN_T_FLOATS, atanh_plan), .since = {9, 22}};
/* clang-format on */
