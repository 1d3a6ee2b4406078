/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolution of float64, float16 and bfloat16 by plain loops over NCHW. A task is an output plane of one channel; the
 * 16-bit floats sum in float32 and round once.
 */
#include "kernels/half.h"
#include "ops/conv.h"

#define BODY "ops/conv_any.inc"
#include "ops/each_float.inc"
#undef BODY

linnet_status ln_conv_plan_any(ln_ctx *c, const ln_conv *p)
{
    if (p->type == LINNET_FLOAT64)
        LN_SET_RUN(c, ln_conv_f64);
    else if (p->type == LINNET_FLOAT16)
        LN_SET_RUN(c, ln_conv_f16);
    else
        LN_SET_RUN(c, ln_conv_bf16);
    return LINNET_OK;
}
