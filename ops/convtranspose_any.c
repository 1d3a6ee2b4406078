/* SPDX-License-Identifier: Apache-2.0
 *
 * Transposed convolution by plain loops over NCHW: every output pixel gathers what reaches it. For the types besides
 * float32, and for float32 with strides so large that products do not pay.
 */
#include "kernels/half.h"
#include "ops/convtranspose.h"

#define BODY "ops/convtranspose_any.inc"
#define EACH_FLOAT32
#include "ops/each_float.inc"
#undef BODY

linnet_status ln_deconv_plan_any(ln_ctx *c, const ln_deconv *p)
{
    if (p->channels_last || p->fused.act)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "channels last or a fused activation with these strides");
    switch (p->type) {
    case LINNET_FLOAT32:
        LN_SET_RUN(c, ln_deconv_f32);
        break;
    case LINNET_FLOAT64:
        LN_SET_RUN(c, ln_deconv_f64);
        break;
    case LINNET_FLOAT16:
        LN_SET_RUN(c, ln_deconv_f16);
        break;
    default:
        LN_SET_RUN(c, ln_deconv_bf16);
    }
    return LINNET_OK;
}
