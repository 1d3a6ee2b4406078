/* SPDX-License-Identifier: Apache-2.0
 *
 * Activations that a product, a convolution or an element-wise chain applies to its result while it is hot. The
 * numbers are part of the plan and of the hidden attribute linnet.act (ops/fused.h): append, never renumber.
 *
 * lo and hi are the one or two parameters of an activation, as listed. All of them pass a NaN on.
 */
#ifndef LN_KERNELS_ACT_H
#define LN_KERNELS_ACT_H

#include <stddef.h>
#include <stdint.h>

typedef enum ln_act {
    LN_ACT_NONE = 0,
    LN_ACT_RELU = 1,        /* max(x, 0) */
    LN_ACT_CLIP = 2,        /* min(max(x, lo), hi) */
    LN_ACT_LEAKY = 3,       /* x < 0 ? lo * x : x */
    LN_ACT_SIGMOID = 4,     /* 1 / (1 + exp(-x)) */
    LN_ACT_TANH = 5,        /* tanh(x) */
    LN_ACT_HARDSWISH = 6,   /* x * min(max(x / 6 + 0.5, 0), 1) */
    LN_ACT_SILU = 7,        /* x * sigmoid(x) */
    LN_ACT_GELU = 8,        /* x / 2 * (1 + erf(x / sqrt(2))) */
    LN_ACT_HARDSIGMOID = 9, /* min(max(lo * x + hi, 0), 1): alpha is lo, beta is hi */
    LN_ACT_GELU_TANH = 10,  /* x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))) */
    LN_ACT_ELU = 11,        /* x < 0 ? lo * (exp(x) - 1) : x */
    LN_ACT_SOFTPLUS = 12,   /* log(1 + exp(x)) */
    LN_ACT_MISH = 13,       /* x * tanh(softplus(x)) */
    LN_ACT_COUNT
} ln_act;

/* y[i] = act(y[i]), i < n. */
void ln_act_f32(float *y, size_t n, ln_act act, float lo, float hi);

#endif
