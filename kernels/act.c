/* SPDX-License-Identifier: Apache-2.0
 *
 * Activations of finished results, in place. The clamps are simple enough for the compiler; the others go element by
 * element through the C library.
 */
#include <math.h>

#include "kernels/act.h"

static float sigmoid(float x)
{
    return 1 / (1 + expf(-x));
}

static float softplus(float x)
{
    return x > 0 ? x + log1pf(expf(-x)) : log1pf(expf(x));
}

/* NaN fails both comparisons and stays. */
static float clamp(float x, float lo, float hi)
{
    x = x < lo ? lo : x;
    return x > hi ? hi : x;
}

static float one(float x, ln_act act, float lo, float hi)
{
    switch (act) {
    case LN_ACT_SIGMOID: return sigmoid(x);
    case LN_ACT_TANH: return tanhf(x);
    case LN_ACT_HARDSWISH: return x * clamp(x * (1.0f / 6.0f) + 0.5f, 0, 1);
    case LN_ACT_SILU: return x * sigmoid(x);
    case LN_ACT_GELU: return 0.5f * x * (1 + erff(x * 0.70710678f));
    case LN_ACT_HARDSIGMOID: return clamp(lo * x + hi, 0, 1);
    case LN_ACT_GELU_TANH: return 0.5f * x * (1 + tanhf(0.79788456f * (x + 0.044715f * x * x * x)));
    case LN_ACT_ELU: return x < 0 ? lo * expm1f(x) : x;
    case LN_ACT_SOFTPLUS: return softplus(x);
    case LN_ACT_MISH: return x * tanhf(softplus(x));
    default: return x;
    }
}

void ln_act_f32(float *y, size_t n, ln_act act, float lo, float hi)
{
    switch (act) {
    case LN_ACT_NONE:
        break;
    case LN_ACT_RELU:
        for (size_t i = 0; i < n; i++)
            y[i] = y[i] < 0 ? 0 : y[i];
        break;
    case LN_ACT_CLIP:
        for (size_t i = 0; i < n; i++)
            y[i] = clamp(y[i], lo, hi);
        break;
    case LN_ACT_LEAKY:
        for (size_t i = 0; i < n; i++)
            y[i] = y[i] < 0 ? lo * y[i] : y[i];
        break;
    default:
        for (size_t i = 0; i < n; i++)
            y[i] = one(y[i], act, lo, hi);
    }
}
