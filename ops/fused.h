/* SPDX-License-Identifier: Apache-2.0
 *
 * Hidden attributes: what passes write into nodes and what the operators below understand. They never come from a
 * file (their names hold a dot in a namespace of ours) and mean nothing to other engines.
 * The names are in engine/op.h.
 *
 *   linnet.channels_last  int, default 0. 1: input 0 and output 0 (with the residual) are N, spatial..., C
 *                         (Conv: 2: output 0 and the residual are)
 *                         instead of N, C, spatial...; every attribute (pads, strides, kernel_shape) and the weights
 *                         keep the layout of the specification. Conv, ConvTranspose, MaxPool (without its output
 *                         Indices), AveragePool, LpPool, GlobalMaxPool, GlobalAveragePool, GlobalLpPool, LRN, Resize,
 *                         BatchNormalization.
 *   linnet.act            int, default 0: an ln_act (kernels/act.h) applied to the result.
 *   linnet.act_lo, _hi    float, default 0: its parameters, see ln_act. Conv, ConvTranspose, Gemm, MatMul,
 *                         BatchNormalization.
 *   linnet.residual       int, default 0. 1: the last input is a tensor of the output's shape and type that is added
 *                         before the activation. Conv: input 3 (input 2, the bias, may be absent). MatMul: input 3,
 *                         and its input 2 is then the bias or absent.
 *   linnet.winograd       int, default 0. 1: Conv may compute 3 x 3 windows of stride 1 by Winograd's method, which
 * rounds differently, where it is faster.
 *
 * MatMul further takes an input 2 without any attribute: a bias of shape [N] (the last dimension of the output).
 * All of it is defined for float32 only; with another type the operators fail as unsupported.
 */
#ifndef LN_OPS_FUSED_H
#define LN_OPS_FUSED_H

#include "engine/op.h"
#include "kernels/act.h"

/* First fields of the parameters of an operator that takes them. */
typedef struct ln_fused {
    int64_t act, residual;
    float lo, hi;
} ln_fused;

/* Rows for the attribute table of S, which has a field `ln_fused fused`, or `int64_t channels_last`. */
#define LN_ATTRS_FUSED(S)                                                                                              \
    {.name = LN_NAME_ACT, .kind = LN_AT_INT, .offset = offsetof(S, fused.act)},                                        \
        {.name = LN_NAME_ACT_LO, .kind = LN_AT_FLOAT, .offset = offsetof(S, fused.lo)},                                \
        {.name = LN_NAME_ACT_HI, .kind = LN_AT_FLOAT, .offset = offsetof(S, fused.hi)},                                \
    {                                                                                                                  \
        .name = LN_NAME_RESIDUAL, .kind = LN_AT_INT, .offset = offsetof(S, fused.residual)                             \
    }
#define LN_ATTR_CHANNELS_LAST(S)                                                                                       \
    {                                                                                                                  \
        .name = LN_NAME_CHANNELS_LAST, .kind = LN_AT_INT, .offset = offsetof(S, channels_last)                         \
    }

/* Fails where a hidden attribute is not usable with the type. */
linnet_status ln_fused_check(ln_ctx *c, const ln_fused *f, int type);

#endif
