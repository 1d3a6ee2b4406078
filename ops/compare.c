/* SPDX-License-Identifier: Apache-2.0
 *
 * Equal, Greater, GreaterOrEqual, Less, LessOrEqual with broadcasting, bool out. ai.onnx from opset 6 (attributes axis
 * and broadcast) to the newest; Equal takes bool and string too.
 */
#include <string.h>

#include "kernels/kernels.h"
#include "ops/broadcast.h"

enum { EQUAL, GREATER, GREATER_OR_EQUAL, LESS, LESS_OR_EQUAL };

typedef struct compare_params {
    ln_bcast b;
    int64_t broadcast; /* opset 6 */
    int32_t op, type;
} compare_params;

#define T int8_t
#define SUFFIX i8
#include "ops/compare_row.inc"
#define T int16_t
#define SUFFIX i16
#include "ops/compare_row.inc"
#define T int32_t
#define SUFFIX i32
#include "ops/compare_row.inc"
#define T int64_t
#define SUFFIX i64
#include "ops/compare_row.inc"
#define T uint8_t
#define SUFFIX u8
#include "ops/compare_row.inc"
#define T uint16_t
#define SUFFIX u16
#include "ops/compare_row.inc"
#define T uint32_t
#define SUFFIX u32
#include "ops/compare_row.inc"
#define T uint64_t
#define SUFFIX u64
#include "ops/compare_row.inc"
#define T double
#define SUFFIX f64
#include "ops/compare_row.inc"

static void row_string(uint8_t *y, const linnet_string *a, const linnet_string *b, int64_t n, size_t a_step,
                       size_t b_step)
{
    for (int64_t i = 0; i < n; i++, a += a_step, b += b_step)
        y[i] = a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, a->size) == 0);
}

#define BLOCK 128

static void row_float(int32_t op, uint8_t *y, const float *a, const float *b, int64_t n, size_t sa, size_t sb)
{
    if (op == EQUAL)
        LN_K(equal_f32)(y, a, b, (size_t)n, sa, sb);
    else if (op == LESS)
        LN_K(less_f32)(y, a, b, (size_t)n, sa, sb);
    else if (op == LESS_OR_EQUAL)
        LN_K(less_equal_f32)(y, a, b, (size_t)n, sa, sb);
    else if (op == GREATER)
        LN_K(less_f32)(y, b, a, (size_t)n, sb, sa);
    else
        LN_K(less_equal_f32)(y, b, a, (size_t)n, sb, sa);
}

static void row_half(const compare_params *p, uint8_t *y, const void *a, const void *b, int64_t n, size_t a_step,
                     size_t b_step)
{
    LN_BLOCK float u[BLOCK], v[BLOCK];
    for (int64_t i = 0; i < n; i += BLOCK) {
        int64_t k = n - i < BLOCK ? n - i : BLOCK;
        ln_to_f32(u, a, p->type, a_step ? i : 0, a_step ? k : 1);
        ln_to_f32(v, b, p->type, b_step ? i : 0, b_step ? k : 1);
        row_float(p->op, y + i, u, v, k, a_step, b_step);
    }
}

static void row(const compare_params *p, uint8_t *y, const void *a, const void *b, int64_t n, size_t sa, size_t sb)
{
    switch (p->type) {
    case LINNET_FLOAT32:
        row_float(p->op, y, a, b, n, sa, sb);
        break;
    case LINNET_FLOAT64:
        row_f64(p->op, y, a, b, n, sa, sb);
        break;
    case LINNET_INT8:
        row_i8(p->op, y, a, b, n, sa, sb);
        break;
    case LINNET_INT16:
        row_i16(p->op, y, a, b, n, sa, sb);
        break;
    case LINNET_INT32:
        row_i32(p->op, y, a, b, n, sa, sb);
        break;
    case LINNET_INT64:
        row_i64(p->op, y, a, b, n, sa, sb);
        break;
    case LINNET_UINT8:
    case LINNET_BOOL:
        row_u8(p->op, y, a, b, n, sa, sb);
        break;
    case LINNET_UINT16:
        row_u16(p->op, y, a, b, n, sa, sb);
        break;
    case LINNET_UINT32:
        row_u32(p->op, y, a, b, n, sa, sb);
        break;
    case LINNET_UINT64:
        row_u64(p->op, y, a, b, n, sa, sb);
        break;
    case LINNET_STRING:
        row_string(y, a, b, n, sa, sb);
        break;
    default:
        row_half(p, y, a, b, n, sa, sb);
    }
}

static void task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    const compare_params *p = a->params;
    size_t size = linnet_type_size((linnet_type)p->type);
    ln_walk w;
    (void)worker;
    ln_walk_start(&w, &p->b, begin);
    while (begin < end) {
        int64_t n = w.left < end - begin ? w.left : end - begin;
        row(p, (uint8_t *)a->out[0] + begin, (const char *)a->in[0] + (size_t)w.offset[0] * size,
            (const char *)a->in[1] + (size_t)w.offset[1] * size, n, ln_bcast_step(&p->b, 0), ln_bcast_step(&p->b, 1));
        begin += n;
        ln_walk_next(&w, &p->b, n);
    }
}

LN_RUN(ln_compare)
{
    ln_args copy = *a;
    ln_parallel(a, ((const compare_params *)a->params)->b.count, 0.8, task, &copy);
    return LINNET_OK;
}

static linnet_status infer(ln_ctx *c)
{
    LN_TRY(ln_check_same_types(c));
    if (c->version >= 7)
        return ln_bcast_infer(c, LINNET_BOOL);
    ln_info aligned;
    LN_TRY(ln_bcast_old(c, ((const compare_params *)c->params)->broadcast, &aligned));
    if (c->in[0]->rank < 0)
        return ln_set_unknown(c, 0, LINNET_BOOL);
    return ln_set_shape(c, 0, LINNET_BOOL, c->in[0]->rank, c->in[0]->dims);
}

static linnet_status plan(ln_ctx *c, int32_t op)
{
    compare_params *p = c->params;
    ln_info second = *c->in[1];
    if (c->version < 7)
        LN_TRY(ln_bcast_old(c, p->broadcast, &second));
    const ln_info *in[2] = {c->in[0], &second};
    ln_bcast_make(&p->b, c->out[0], 2, in);
    p->op = op;
    p->type = c->in[0]->type;
    return LINNET_OK;
}

static linnet_status equal_plan(ln_ctx *c)
{
    return plan(c, EQUAL);
}

static linnet_status greater_plan(ln_ctx *c)
{
    return plan(c, GREATER);
}

static linnet_status greater_or_equal_plan(ln_ctx *c)
{
    return plan(c, GREATER_OR_EQUAL);
}

static linnet_status less_plan(ln_ctx *c)
{
    return plan(c, LESS);
}

static linnet_status less_or_equal_plan(ln_ctx *c)
{
    return plan(c, LESS_OR_EQUAL);
}

static const ln_attr_spec attrs[] = {LN_ATTR_I(compare_params, broadcast, 0), LN_ATTR_ANY("axis"), LN_ATTR_END};

#define COMPARE(name, mask, fn)                                                                                        \
    .domain = "", .type = (name), .types = (mask), .in = {2, 2}, .out = {1, 1}, .attrs = attrs,                        \
    .params_size = sizeof(compare_params), .infer = infer, .plan = (fn), LN_RUN_NAME(ln_compare)
#define T_EQUAL (LN_T_NUMBERS | LN_T(LINNET_BOOL) | LN_T(LINNET_STRING))

/* clang-format off */
LN_OP(Equal) = {COMPARE("Equal", T_EQUAL, equal_plan), .since = {1, 7, 11, 13, 19}};
LN_OP(Greater) = {COMPARE("Greater", LN_T_NUMBERS, greater_plan), .since = {1, 7, 9, 13}};
LN_OP(GreaterOrEqual) = {COMPARE("GreaterOrEqual", LN_T_NUMBERS, greater_or_equal_plan), .since = {12, 16}};
LN_OP(Less) = {COMPARE("Less", LN_T_NUMBERS, less_plan), .since = {1, 7, 9, 13}};
LN_OP(LessOrEqual) = {COMPARE("LessOrEqual", LN_T_NUMBERS, less_or_equal_plan), .since = {12, 16}};
/* clang-format on */
