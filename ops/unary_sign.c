/* SPDX-License-Identifier: Apache-2.0
 *
 * Abs, Neg, Sign (floats and integers), Floor, Ceil, Round (floats), BitwiseNot (integers), Not (bool). Integers wrap:
 * Abs and Neg of the least value of a signed type are that value.
 */
#include <math.h>

#include "ops/map.h"

#define PLAIN(fn, expr)                                                                                                \
    static double fn##_f64(double x, const float *p)                                                                   \
    {                                                                                                                  \
        (void)p;                                                                                                       \
        return expr;                                                                                                   \
    }
PLAIN(abs, fabs(x))
PLAIN(neg, -x)
PLAIN(sign, x > 0 ? 1 : x < 0 ? -1 : x)
PLAIN(floor, floor(x))
PLAIN(ceil, ceil(x))
PLAIN(round, rint(x))

LN_MAP(abs, 0.06)
LN_MAP(neg, 0.06)
LN_MAP(sign, 0.06)
LN_MAP(floor, 0.06)
LN_MAP(ceil, 0.06)
LN_MAP(round, 0.06)

static bool is_int(const ln_ctx *c)
{
    return LN_T_INTS & LN_T(c->in[0]->type);
}

static linnet_status abs_any_plan(ln_ctx *c)
{
    return is_int(c) ? ln_map_int_plan(c, LN_INT_ABS) : abs_plan(c);
}

static linnet_status neg_any_plan(ln_ctx *c)
{
    return is_int(c) ? ln_map_int_plan(c, LN_INT_NEG) : neg_plan(c);
}

static linnet_status sign_any_plan(ln_ctx *c)
{
    return is_int(c) ? ln_map_int_plan(c, LN_INT_SIGN) : sign_plan(c);
}

static linnet_status bitwise_not_plan(ln_ctx *c)
{
    return ln_map_int_plan(c, LN_INT_NOT);
}

static void not_task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    const uint8_t *x = a->in[0];
    uint8_t *y = a->out[0];
    (void)worker;
    for (int64_t i = begin; i < end; i++)
        y[i] = !x[i];
}

LN_RUN(ln_not)
{
    ln_args copy = *a;
    ln_parallel(a, ((const ln_map_params *)a->params)->n, 0.1, not_task, &copy);
    return LINNET_OK;
}
LN_MAP_PLAN(not, LN_MAP_RUN(LN_T(LINNET_BOOL), ln_not))

/* clang-format off */
LN_OP(Abs) = {LN_MAP_OP("Abs", LN_T_NUMBERS, abs_any_plan), .since = {6, 13}};
LN_OP(Neg) = {LN_MAP_OP("Neg", LN_T_FLOATS | LN_T_SINTS, neg_any_plan), .since = {6, 13}};
LN_OP(Sign) = {LN_MAP_OP("Sign", LN_T_NUMBERS, sign_any_plan), .since = {9, 13}};
LN_OP(Floor) = {LN_MAP_OP("Floor", LN_T_FLOATS, floor_plan), .since = {6, 13}};
LN_OP(Ceil) = {LN_MAP_OP("Ceil", LN_T_FLOATS, ceil_plan), .since = {6, 13}};
LN_OP(Round) = {LN_MAP_OP("Round", LN_T_FLOATS, round_plan), .since = {11, 22}};
LN_OP(BitwiseNot) = {LN_MAP_OP("BitwiseNot", LN_T_INTS, bitwise_not_plan), .since = {18}};
LN_OP(Not) = {LN_MAP_OP("Not", LN_T(LINNET_BOOL), not_plan), .since = {1}};
/* clang-format on */
