/* SPDX-License-Identifier: Apache-2.0
 *
 * Max, Min, Sum and Mean of any number of inputs: the inputs are taken in one after the other, each walk broadcasting
 * one of them into the output. ai.onnx -6 (one shape, which broadcasting includes), -8, -12, -13.
 */
#include <string.h>

#include "ops/binary.h"

typedef struct minmax_params {
    int32_t op, type, n_in, mean;
    int64_t count;
} minmax_params;

/* packed: an ln_bcast for each input after the first (or the only one) */

static void copy_task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    size_t size = linnet_type_size((linnet_type)((const minmax_params *)a->params)->type);
    (void)worker;
    memcpy((char *)a->out[0] + (size_t)begin * size, (const char *)a->in[0] + (size_t)begin * size,
           (size_t)(end - begin) * size);
}

/* The float32 rows of these operators alone, so that firmware with them needs no others. */
static void row_f32(int32_t op, int32_t type, void *y, const void *a, const void *b, int64_t n, size_t a_step,
                    size_t b_step)
{
    (void)type;
    if (op == LN_BIN_ADD)
        LN_K(add_f32)(y, a, b, (size_t)n, a_step, b_step);
    else if (op == LN_BIN_MAX)
        LN_K(max_f32)(y, a, b, (size_t)n, a_step, b_step);
    else if (op == LN_BIN_MIN)
        LN_K(min_f32)(y, a, b, (size_t)n, a_step, b_step);
    else
        LN_K(div_f32)(y, a, b, (size_t)n, a_step, b_step);
}

static void mean_task_f32(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    float n = (float)((const minmax_params *)a->params)->n_in, *y = (float *)a->out[0] + begin;
    (void)worker;
    row_f32(LN_BIN_DIV, LINNET_FLOAT32, y, y, &n, end - begin, 1, 0);
}

static void mean_task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    const minmax_params *p = a->params;
    size_t size = linnet_type_size((linnet_type)p->type);
    double n64 = p->n_in;
    float n32 = (float)p->n_in;
    uint16_t n16 = 0;
    if (LN_T(p->type) & LN_T_HALF)
        ln_from_f32(&n16, p->type, 0, &n32, 1, 1);
    const void *n = p->type == LINNET_FLOAT64 ? (const void *)&n64 : (const void *)&n16;
    char *y = (char *)a->out[0] + (size_t)begin * size;
    (void)worker;
    ln_row_of(p->type)(LN_BIN_DIV, p->type, y, y, n, end - begin, 1, 0);
}

static linnet_status run(const ln_args *a, ln_binary_row *row, ln_task_fn *mean)
{
    const minmax_params *p = a->params;
    const ln_bcast *b = a->packed;
    ln_args copy = *a;
    if (p->n_in == 1 && a->out[0] != a->in[0])
        ln_parallel(a, p->count, 0.1, copy_task, &copy);
    for (int32_t i = 1; i < p->n_in; i++) {
        const void *so_far = i == 1 ? a->in[0] : a->out[0];
        ln_binary_job j = {&b[i - 1], NULL, row, p->op, p->type, {so_far, a->in[i]}, a->out[0]};
        ln_binary_walk(a, &j, p->type == LINNET_FLOAT32 ? 0.1 : 1.5);
    }
    if (p->mean && p->n_in > 1)
        ln_parallel(a, p->count, 0.5, mean, &copy);
    return LINNET_OK;
}

LN_RUN(ln_minmax)
{
    return run(a, ln_row_of(((const minmax_params *)a->params)->type), mean_task);
}

LN_RUN(ln_minmax_f32)
{
    return run(a, row_f32, mean_task_f32);
}

static linnet_status infer(ln_ctx *c)
{
    for (int32_t i = 0; i < c->n_in; i++)
        if (!c->in[i])
            return ln_fail(c, LINNET_ERR_MODEL, "input %d is absent", i);
    LN_TRY(ln_check_same_types(c));
    return ln_infer_broadcast(c);
}

static linnet_status plan(ln_ctx *c, int32_t op, int32_t mean)
{
    minmax_params *p = c->params;
    p->op = op;
    p->mean = mean;
    p->type = c->in[0]->type;
    p->n_in = c->n_in;
    p->count = ln_info_count(c->out[0]);
    ln_bcast *b = ln_pack(c, (size_t)c->n_in * sizeof *b);
    if (!b)
        return ln_no_memory(c);
    for (int32_t i = 1; i < c->n_in; i++) {
        const ln_info *in[2] = {i == 1 ? c->in[0] : c->out[0], c->in[i]};
        ln_bcast_make(&b[i - 1], c->out[0], 2, in);
    }
    if (ln_info_count(c->in[0]) == p->count)
        ln_in_place(c, 0, 0);
    if (p->type == LINNET_FLOAT32)
        LN_SET_RUN(c, ln_minmax_f32);
    else
        LN_SET_RUN(c, ln_minmax);
    return LINNET_OK;
}

static linnet_status max_plan(ln_ctx *c)
{
    return plan(c, LN_BIN_MAX, 0);
}

static linnet_status min_plan(ln_ctx *c)
{
    return plan(c, LN_BIN_MIN, 0);
}

static linnet_status sum_plan(ln_ctx *c)
{
    return plan(c, LN_BIN_ADD, 0);
}

static linnet_status mean_plan(ln_ctx *c)
{
    return plan(c, LN_BIN_ADD, 1);
}

#define VARIADIC(name, mask, fn)                                                                                       \
    .domain = "", .type = (name), .types = (mask), .in = {1, LN_VARIADIC}, .out = {1, 1},                              \
    .params_size = sizeof(minmax_params), .infer = infer, .plan = (fn)

/* clang-format off */
LN_OP(Max) = {VARIADIC("Max", LN_T_NUMBERS, max_plan), .since = {6, 8, 12, 13}};
LN_OP(Min) = {VARIADIC("Min", LN_T_NUMBERS, min_plan), .since = {6, 8, 12, 13}};
LN_OP(Sum) = {VARIADIC("Sum", LN_T_FLOATS, sum_plan), .since = {6, 8, 13}};
LN_OP(Mean) = {VARIADIC("Mean", LN_T_FLOATS, mean_plan), .since = {6, 8, 13}};
/* clang-format on */
