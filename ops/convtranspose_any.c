/* SPDX-License-Identifier: Apache-2.0
 *
 * Transposed convolution by plain loops over NCHW: every output pixel gathers what reaches it. For the types besides
 * float32, and for float32 with strides so large that products do not pay.
 */
#include "kernels/half.h"
#include "ops/convtranspose.h"

#define NAME f32
#define TYPE float
#define SUM float
#define LOAD(x) (x)
#define STORE(x) (x)
#include "ops/convtranspose_any.inc"

#define NAME f64
#define TYPE double
#define SUM double
#define LOAD(x) (x)
#define STORE(x) (x)
#include "ops/convtranspose_any.inc"

#define NAME f16
#define TYPE uint16_t
#define SUM float
#define LOAD(x) ln_f16_to_f32(x)
#define STORE(x) ln_f32_to_f16(x)
#include "ops/convtranspose_any.inc"

#define NAME bf16
#define TYPE uint16_t
#define SUM float
#define LOAD(x) ln_bf16_to_f32(x)
#define STORE(x) ln_f32_to_bf16(x)
#include "ops/convtranspose_any.inc"

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
