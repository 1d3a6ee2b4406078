/* SPDX-License-Identifier: Apache-2.0
 *
 * Einsum by loops over all labels, for any number of operands. The 16-bit floats sum in float32 and round once;
 * integers wrap, so that signed and unsigned ones of a size are the same.
 */
#include "kernels/half.h"
#include "ops/einsum.h"

#define BODY "ops/einsum_any.inc"
#define EACH_FLOAT32
#include "ops/each_float.inc"
#include "ops/each_integer.inc"
#undef BODY

linnet_status ln_einsum_plan_any(ln_ctx *c)
{
    switch (c->in[0]->type) {
    case LINNET_FLOAT32:
        LN_SET_RUN(c, ln_einsum_f32);
        break;
    case LINNET_FLOAT64:
        LN_SET_RUN(c, ln_einsum_f64);
        break;
    case LINNET_FLOAT16:
        LN_SET_RUN(c, ln_einsum_f16);
        break;
    case LINNET_BFLOAT16:
        LN_SET_RUN(c, ln_einsum_bf16);
        break;
    case LINNET_INT8:
    case LINNET_UINT8:
        LN_SET_RUN(c, ln_einsum_i8);
        break;
    case LINNET_INT16:
    case LINNET_UINT16:
        LN_SET_RUN(c, ln_einsum_i16);
        break;
    case LINNET_INT32:
    case LINNET_UINT32:
        LN_SET_RUN(c, ln_einsum_i32);
        break;
    default:
        LN_SET_RUN(c, ln_einsum_i64);
    }
    return LINNET_OK;
}
