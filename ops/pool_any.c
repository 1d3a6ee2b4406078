/* SPDX-License-Identifier: Apache-2.0
 *
 * Pools of every type with channels first: a task is an output plane. The small types compute in float32 and round
 * once. A NaN in a window makes its maximum NaN.
 */
#include <math.h>

#include "kernels/half.h"
#include "ops/pool.h"

#define LOWEST -(SUM)INFINITY
#define BODY "ops/pool_any.inc"
#define EACH_FLOAT32
#include "ops/each_float.inc"
#undef BODY
#undef LOWEST

#define MATH(name) name##f
#define NAME i8
#define TYPE int8_t
#define SUM float
#define LOAD(x) (x)
#define STORE(x) (int8_t)(x)
#define LOWEST -128
#include "ops/pool_any.inc"
#undef LOWEST

#define NAME u8
#define TYPE uint8_t
#define SUM float
#define LOAD(x) (x)
#define STORE(x) (uint8_t)(x)
#define LOWEST 0
#include "ops/pool_any.inc"
#undef LOWEST
#undef MATH

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
