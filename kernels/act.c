/* SPDX-License-Identifier: Apache-2.0
 *
 * Activations of finished results, in place: each is an element-wise kernel of the running tier.
 */
#include "kernels/act.h"

#include "kernels/kernels.h"

void ln_act_f32(float *y, size_t n, ln_act act, float lo, float hi)
{
    const float p[2] = {lo, hi};
    switch (act) {
    case LN_ACT_RELU:
        LN_K(relu_f32)(y, y, n);
        break;
    case LN_ACT_CLIP:
        LN_K(clip_f32)(y, y, n, p);
        break;
    case LN_ACT_LEAKY:
        LN_K(leaky_relu_f32)(y, y, n, p);
        break;
    case LN_ACT_SIGMOID:
        LN_K(sigmoid_f32)(y, y, n);
        break;
    case LN_ACT_TANH:
        LN_K(tanh_f32)(y, y, n);
        break;
    case LN_ACT_HARDSWISH:
        LN_K(hardswish_f32)(y, y, n);
        break;
    case LN_ACT_SILU:
        LN_K(silu_f32)(y, y, n);
        break;
    case LN_ACT_GELU:
        LN_K(gelu_erf_f32)(y, y, n);
        break;
    case LN_ACT_HARDSIGMOID:
        LN_K(hardsigmoid_f32)(y, y, n, p);
        break;
    case LN_ACT_GELU_TANH:
        LN_K(gelu_tanh_f32)(y, y, n);
        break;
    case LN_ACT_ELU:
        LN_K(elu_f32)(y, y, n, p);
        break;
    case LN_ACT_SOFTPLUS:
        LN_K(softplus_f32)(y, y, n);
        break;
    case LN_ACT_MISH:
        LN_K(mish_f32)(y, y, n);
        break;
    case LN_ACT_NONE:
    case LN_ACT_COUNT:
        break;
    }
}
