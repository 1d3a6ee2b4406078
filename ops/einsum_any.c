/* SPDX-License-Identifier: Apache-2.0
 *
 * Einsum by loops over all labels, for any number of operands. The 16-bit floats sum in float32 and round once;
 * integers wrap, so that signed and unsigned ones of a size are the same.
 */
#include "kernels/half.h"
#include "ops/einsum.h"

#define PLAIN(x) (x)

#define NAME f32
#define TYPE float
#define SUM float
#define LOAD PLAIN
#define STORE PLAIN
#include "ops/einsum_any.inc"

#define NAME f64
#define TYPE double
#define SUM double
#define LOAD PLAIN
#define STORE PLAIN
#include "ops/einsum_any.inc"

#define NAME f16
#define TYPE uint16_t
#define SUM float
#define LOAD ln_f16_to_f32
#define STORE ln_f32_to_f16
#include "ops/einsum_any.inc"

#define NAME bf16
#define TYPE uint16_t
#define SUM float
#define LOAD ln_bf16_to_f32
#define STORE ln_f32_to_bf16
#include "ops/einsum_any.inc"

#define NAME i8
#define TYPE uint8_t
#define SUM uint64_t
#define LOAD PLAIN
#define STORE (uint8_t)
#include "ops/einsum_any.inc"

#define NAME i16
#define TYPE uint16_t
#define SUM uint64_t
#define LOAD PLAIN
#define STORE (uint16_t)
#include "ops/einsum_any.inc"

#define NAME i32
#define TYPE uint32_t
#define SUM uint64_t
#define LOAD PLAIN
#define STORE (uint32_t)
#include "ops/einsum_any.inc"

#define NAME i64
#define TYPE uint64_t
#define SUM uint64_t
#define LOAD PLAIN
#define STORE PLAIN
#include "ops/einsum_any.inc"

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
