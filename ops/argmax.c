/* SPDX-License-Identifier: Apache-2.0
 *
 * ArgMax and ArgMin: the index of the greatest or least element along an axis, the first or (from 12 on, on request)
 * the last where there are several. ai.onnx 1, 11, 12, 13.
 */
#include "kernels/half.h"
#include "kernels/kernels.h"
#include "ops/axes.h"
#include "ops/map.h"

#define BLOCK_ROWS 32
#define BLOCK_ELEMENTS 4096

typedef struct argmax_params {
    int64_t axis, keepdims, select_last_index; /* attributes */
    int64_t length, inner, count;              /* of the axis; elements after it; of the output */
    int32_t min, type;
} argmax_params;

#define T float
#define KEY_T float
#define KEY(x, i) ((x)[i])
#define IS_NAN(v) ((v) != (v))
#define SUFFIX f32
#include "ops/argmax.inc"
#define T double
#define KEY_T double
#define KEY(x, i) ((x)[i])
#define IS_NAN(v) ((v) != (v))
#define SUFFIX f64
#include "ops/argmax.inc"
#define T uint16_t
#define KEY_T float
#define KEY(x, i) ln_f16_to_f32((x)[i])
#define IS_NAN(v) ((v) != (v))
#define SUFFIX f16
#include "ops/argmax.inc"
#define T uint16_t
#define KEY_T float
#define KEY(x, i) ln_bf16_to_f32((x)[i])
#define IS_NAN(v) ((v) != (v))
#define SUFFIX bf16
#include "ops/argmax.inc"
#define T int8_t
#define KEY_T int8_t
#define KEY(x, i) ((x)[i])
#define IS_NAN(v) false
#define SUFFIX i8
#include "ops/argmax.inc"
#define T int16_t
#define KEY_T int16_t
#define KEY(x, i) ((x)[i])
#define IS_NAN(v) false
#define SUFFIX i16
#include "ops/argmax.inc"
#define T int32_t
#define KEY_T int32_t
#define KEY(x, i) ((x)[i])
#define IS_NAN(v) false
#define SUFFIX i32
#include "ops/argmax.inc"
#define T int64_t
#define KEY_T int64_t
#define KEY(x, i) ((x)[i])
#define IS_NAN(v) false
#define SUFFIX i64
#include "ops/argmax.inc"
#define T uint8_t
#define KEY_T uint8_t
#define KEY(x, i) ((x)[i])
#define IS_NAN(v) false
#define SUFFIX u8
#include "ops/argmax.inc"
#define T uint16_t
#define KEY_T uint16_t
#define KEY(x, i) ((x)[i])
#define IS_NAN(v) false
#define SUFFIX u16
#include "ops/argmax.inc"
#define T uint32_t
#define KEY_T uint32_t
#define KEY(x, i) ((x)[i])
#define IS_NAN(v) false
#define SUFFIX u32
#include "ops/argmax.inc"
#define T uint64_t
#define KEY_T uint64_t
#define KEY(x, i) ((x)[i])
#define IS_NAN(v) false
#define SUFFIX u64
#include "ops/argmax.inc"

static void task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    static void (*const tasks[LINNET_TYPE_COUNT])(const ln_args *, int64_t, int64_t) = {
        [LINNET_FLOAT32] = task_f32,   [LINNET_FLOAT64] = task_f64, [LINNET_FLOAT16] = task_f16,
        [LINNET_BFLOAT16] = task_bf16, [LINNET_INT8] = task_i8,     [LINNET_INT16] = task_i16,
        [LINNET_INT32] = task_i32,     [LINNET_INT64] = task_i64,   [LINNET_UINT8] = task_u8,
        [LINNET_UINT16] = task_u16,    [LINNET_UINT32] = task_u32,  [LINNET_UINT64] = task_u64};
    const ln_args *a = arg;
    (void)worker;
    tasks[((const argmax_params *)a->params)->type](a, begin, end);
}

LN_RUN(ln_argmax)
{
    const argmax_params *p = a->params;
    ln_args copy = *a;
    ln_parallel(a, p->count, 1.5 * (double)p->length, task, &copy);
    return LINNET_OK;
}

/* Contiguous float32 rows: the value first, then its place. Several rows at a time: what a place waits for is then
 * done. */
static void rows_task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    const argmax_params *p = a->params;
    ln_VREDUCE_F32 *value_of = p->min ? LN_K(least_f32) : LN_K(greatest_f32);
    ln_VFIND_F32 *find = p->select_last_index ? LN_K(find_last_f32) : LN_K(find_first_f32);
    size_t n = (size_t)p->length;
    int64_t block = BLOCK_ELEMENTS / p->length;
    block = block < 1 ? 1 : block > BLOCK_ROWS ? BLOCK_ROWS : block;
    (void)worker;
    for (int64_t row = begin; row < end; row += block) {
        const float *x = (const float *)a->in[0] + row * p->length;
        int64_t rows = end - row < block ? end - row : block, *y = (int64_t *)a->out[0] + row;
        float value[BLOCK_ROWS];
        for (int64_t i = 0; i < rows; i++)
            value[i] = value_of(x + i * p->length, n, 0);
        for (int64_t i = 0; i < rows; i++)
            y[i] = (int64_t)find(x + i * p->length, n, value[i]);
    }
}

LN_RUN(ln_argmax_rows_f32)
{
    const argmax_params *p = a->params;
    ln_args copy = *a;
    ln_parallel(a, p->count, 10.0 + 0.1 * (double)p->length, rows_task, &copy);
    return LINNET_OK;
}

static linnet_status infer(ln_ctx *c)
{
    const argmax_params *p = c->params;
    const ln_info *in = c->in[0];
    int32_t axis;
    if (in->rank < 0)
        return ln_set_unknown(c, 0, LINNET_INT64);
    if (in->rank == 0) {
        if (p->axis != 0 && p->axis != -1)
            return ln_fail(c, LINNET_ERR_MODEL, "axis %lld of a scalar", (long long)p->axis);
        return ln_set_shape(c, 0, LINNET_INT64, 0, NULL);
    }
    LN_TRY(ln_axis(c, p->axis, in->rank, &axis));
    return ln_axes_set_shape(c, 0, LINNET_INT64, UINT32_C(1) << axis, p->keepdims != 0);
}

static linnet_status plan(ln_ctx *c, int32_t min)
{
    argmax_params *p = c->params;
    const ln_info *in = c->in[0];
    int32_t axis = (int32_t)(p->axis < 0 ? p->axis + in->rank : p->axis);
    p->min = min;
    p->type = in->type;
    p->count = ln_info_count(c->out[0]);
    p->length = in->rank ? in->dims[axis] : 1;
    p->inner = 1;
    for (int32_t d = axis + 1; d < in->rank; d++)
        p->inner *= in->dims[d];
    if (p->length == 0 && p->count)
        return ln_fail(c, LINNET_ERR_MODEL, "axis %d has no elements", axis);
    if (in->type == LINNET_FLOAT32 && p->inner == 1)
        LN_SET_RUN(c, ln_argmax_rows_f32);
    else
        LN_SET_RUN(c, ln_argmax);
    return LINNET_OK;
}

static linnet_status argmax_plan(ln_ctx *c)
{
    return plan(c, 0);
}

static linnet_status argmin_plan(ln_ctx *c)
{
    return plan(c, 1);
}

static const ln_attr_spec attrs[] = {LN_ATTR_I(argmax_params, axis, 0), LN_ATTR_I(argmax_params, keepdims, 1),
                                     LN_ATTR_I(argmax_params, select_last_index, 0), LN_ATTR_END};

LN_OP(ArgMax) = {
    .domain = "",
    .type = "ArgMax",
    .since = {1, 11, 12, 13},
    .types = LN_T_NUMBERS,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(argmax_params),
    .infer = infer,
    .plan = argmax_plan,
};
LN_OP(ArgMin) = {
    .domain = "",
    .type = "ArgMin",
    .since = {1, 11, 12, 13},
    .types = LN_T_NUMBERS,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(argmax_params),
    .infer = infer,
    .plan = argmin_plan,
};
