/* SPDX-License-Identifier: Apache-2.0
 *
 * Pools of every type with channels first: a task is an output plane. The small types compute in float32 and round
 * once. A NaN in a window makes its maximum NaN.
 */
#include <math.h>

#include "kernels/half.h"
#include "ops/pool.h"

#define NAME f32
#define TYPE float
#define SUM float
#define LOAD(x) (x)
#define STORE(x) (x)
#define POW powf
#define LOWEST -INFINITY
#include "ops/pool_any.inc"

#define NAME f64
#define TYPE double
#define SUM double
#define LOAD(x) (x)
#define STORE(x) (x)
#define POW pow
#define LOWEST -(double)INFINITY
#include "ops/pool_any.inc"

#define NAME f16
#define TYPE uint16_t
#define SUM float
#define LOAD(x) ln_f16_to_f32(x)
#define STORE(x) ln_f32_to_f16(x)
#define POW powf
#define LOWEST -INFINITY
#include "ops/pool_any.inc"

#define NAME bf16
#define TYPE uint16_t
#define SUM float
#define LOAD(x) ln_bf16_to_f32(x)
#define STORE(x) ln_f32_to_bf16(x)
#define POW powf
#define LOWEST -INFINITY
#include "ops/pool_any.inc"

#define NAME i8
#define TYPE int8_t
#define SUM float
#define LOAD(x) (x)
#define STORE(x) (int8_t)(x)
#define POW powf
#define LOWEST -128
#include "ops/pool_any.inc"

#define NAME u8
#define TYPE uint8_t
#define SUM float
#define LOAD(x) (x)
#define STORE(x) (uint8_t)(x)
#define POW powf
#define LOWEST 0
#include "ops/pool_any.inc"

linnet_status ln_pool_plan_any(ln_ctx *c, const ln_pool_params *p)
{
    (void)p;
    switch (c->in[0]->type) {
    case LINNET_FLOAT32:
        LN_SET_RUN(c, ln_pool_f32);
        break;
    case LINNET_FLOAT64:
        LN_SET_RUN(c, ln_pool_f64);
        break;
    case LINNET_FLOAT16:
        LN_SET_RUN(c, ln_pool_f16);
        break;
    case LINNET_BFLOAT16:
        LN_SET_RUN(c, ln_pool_bf16);
        break;
    case LINNET_INT8:
        LN_SET_RUN(c, ln_pool_i8);
        break;
    default:
        LN_SET_RUN(c, ln_pool_u8);
    }
    return LINNET_OK;
}
