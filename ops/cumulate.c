/* SPDX-License-Identifier: Apache-2.0
 *
 * CumSum (ai.onnx 11, 14) and CumProd (26): running sums and products along an axis, which is an input. float16 and
 * bfloat16 round after each step, as their elements are what is added.
 */
#include "kernels/half.h"
#include "kernels/kernels.h"
#include "ops/map.h"

typedef struct cumulate_params {
    int64_t exclusive, reverse;   /* attributes */
    int64_t length, inner, lines; /* of the axis; elements after it; lines along it */
    int32_t product, type;
} cumulate_params;

#define T float
#define ACC float
#define SUFFIX f32
#define TURNED 16
#include "ops/cumulate.inc"
#define T double
#define ACC double
#define SUFFIX f64
#include "ops/cumulate.inc"
#define T int32_t
#define ACC uint32_t
#define SUFFIX i32
#include "ops/cumulate.inc"
#define T int64_t
#define ACC uint64_t
#define SUFFIX i64
#include "ops/cumulate.inc"
#define T uint32_t
#define ACC uint32_t
#define SUFFIX u32
#include "ops/cumulate.inc"
#define T uint64_t
#define ACC uint64_t
#define SUFFIX u64
#include "ops/cumulate.inc"

static float widened(uint16_t x, int32_t type)
{
    return type == LINNET_FLOAT16 ? ln_f16_to_f32(x) : ln_bf16_to_f32(x);
}

static uint16_t narrowed(float x, int32_t type)
{
    return type == LINNET_FLOAT16 ? ln_f32_to_f16(x) : ln_f32_to_bf16(x);
}

static void half_task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    const cumulate_params *p = a->params;
    const uint16_t *x = a->in[0];
    uint16_t *y = a->out[0];
    (void)worker;
    for (int64_t line = begin; line < end; line++) {
        int64_t at = line / p->inner * p->length * p->inner + line % p->inner;
        uint16_t sum = narrowed(p->product ? 1.0f : 0.0f, p->type);
        for (int64_t i = 0; i < p->length; i++) {
            int64_t k = at + (p->reverse ? p->length - 1 - i : i) * p->inner;
            float acc = widened(sum, p->type), next = widened(x[k], p->type);
            uint16_t before = sum;
            sum = narrowed(p->product ? acc * next : acc + next, p->type);
            y[k] = p->exclusive ? before : sum;
        }
    }
}

LN_RUN(ln_cumulate_half)
{
    const cumulate_params *p = a->params;
    ln_args copy = *a;
    ln_parallel(a, p->lines, 6.0 * (double)p->length, half_task, &copy);
    return LINNET_OK;
}

static linnet_status infer(ln_ctx *c)
{
    LN_TRY(ln_check_type(c, 1, LN_T(LINNET_INT32) | LN_T(LINNET_INT64), "axis"));
    if (!ln_maybe_scalar(c->in[1]))
        return ln_fail(c, LINNET_ERR_MODEL, "axis has %lld elements, expected one", (long long)ln_info_count(c->in[1]));
    return ln_infer_same(c);
}

static linnet_status plan(ln_ctx *c, int32_t product)
{
    static const ln_map_run runs[] = {
        LN_MAP_RUN(LN_T(LINNET_FLOAT32), ln_cumulate_f32), LN_MAP_RUN(LN_T(LINNET_FLOAT64), ln_cumulate_f64),
        LN_MAP_RUN(LN_T(LINNET_INT32), ln_cumulate_i32),   LN_MAP_RUN(LN_T(LINNET_INT64), ln_cumulate_i64),
        LN_MAP_RUN(LN_T(LINNET_UINT32), ln_cumulate_u32),  LN_MAP_RUN(LN_T(LINNET_UINT64), ln_cumulate_u64),
        LN_MAP_RUN(LN_T_HALF, ln_cumulate_half),           {0}};
    cumulate_params *p = c->params;
    const ln_info *in = c->in[0];
    int64_t at;
    int32_t axis = 0;
    if (ln_const_ints(c, 1, &at, 1) != 1)
        return LN_NEED_DATA;
    ln_drop_input(c, 1);
    if (in->rank > 0)
        LN_TRY(ln_axis(c, at, in->rank, &axis));
    p->product = product;
    p->type = in->type;
    p->length = in->rank ? in->dims[axis] : 1;
    p->inner = p->lines = 1;
    for (int32_t d = 0; d < in->rank; d++) {
        if (d > axis)
            p->inner *= in->dims[d];
        if (d != axis)
            p->lines *= in->dims[d];
    }
    ln_in_place(c, 0, 0);
    ln_pick_run(c, runs, in->type);
    return LINNET_OK;
}

static linnet_status cumsum_plan(ln_ctx *c)
{
    return plan(c, 0);
}

static linnet_status cumprod_plan(ln_ctx *c)
{
    return plan(c, 1);
}

static const ln_attr_spec attrs[] = {LN_ATTR_I(cumulate_params, exclusive, 0), LN_ATTR_I(cumulate_params, reverse, 0),
                                     LN_ATTR_END};

#define WIDE (LN_T(LINNET_INT32) | LN_T(LINNET_INT64) | LN_T(LINNET_UINT32) | LN_T(LINNET_UINT64))

LN_OP(CumSum) = {
    .domain = "",
    .type = "CumSum",
    .since = {11, 14},
    .types = LN_T_FLOATS | WIDE,
    .in = {2, 2},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(cumulate_params),
    .infer = infer,
    .plan = cumsum_plan,
};
LN_OP(CumProd) = {
    .domain = "",
    .type = "CumProd",
    .since = {26},
    .types = LN_T_FLOATS | WIDE,
    .in = {2, 2},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(cumulate_params),
    .infer = infer,
    .plan = cumprod_plan,
};
