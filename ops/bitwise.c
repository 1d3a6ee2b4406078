/* SPDX-License-Identifier: Apache-2.0
 *
 * And, Or, Xor (bool; ai.onnx 1 with axis and broadcast, 7), BitwiseAnd, BitwiseOr, BitwiseXor (18), BitShift (11; 28
 * with signed types, whose right shift copies the sign). One row function per width of the elements.
 */
#include "kernels/kernels.h"
#include "ops/broadcast.h"

enum { BIT_AND, BIT_OR, BIT_XOR, SHIFT_LEFT, SHIFT_RIGHT, SHIFT_RIGHT_SIGNED };

typedef struct bitwise_params {
    ln_bcast b;
    int64_t broadcast; /* opset 6 */
    int32_t op, size;
    int32_t direction; /* BitShift: 1 left, 2 right; 0 none */
} bitwise_params;

#define U uint8_t
#define SUFFIX 8
#include "ops/bitwise_row.inc"
#define U uint16_t
#define SUFFIX 16
#include "ops/bitwise_row.inc"
#define U uint32_t
#define SUFFIX 32
#include "ops/bitwise_row.inc"
#define U uint64_t
#define SUFFIX 64
#include "ops/bitwise_row.inc"

static void task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    const bitwise_params *p = a->params;
    size_t size = (size_t)p->size, sa = ln_bcast_step(&p->b, 0), sb = ln_bcast_step(&p->b, 1);
    ln_walk w;
    (void)worker;
    ln_walk_start(&w, &p->b, begin);
    while (begin < end) {
        int64_t n = w.left < end - begin ? w.left : end - begin;
        const char *x0 = (const char *)a->in[0] + (size_t)w.offset[0] * size;
        const char *x1 = (const char *)a->in[1] + (size_t)w.offset[1] * size;
        char *y = (char *)a->out[0] + (size_t)begin * size;
        if (size == 1)
            row_8(p->op, y, x0, x1, n, sa, sb);
        else if (size == 2)
            row_16(p->op, y, x0, x1, n, sa, sb);
        else if (size == 4)
            row_32(p->op, y, x0, x1, n, sa, sb);
        else
            row_64(p->op, y, x0, x1, n, sa, sb);
        begin += n;
        ln_walk_next(&w, &p->b, n);
    }
}

LN_RUN(ln_bitwise)
{
    ln_args copy = *a;
    ln_parallel(a, ((const bitwise_params *)a->params)->b.count, 0.8, task, &copy);
    return LINNET_OK;
}

static linnet_status infer(ln_ctx *c)
{
    LN_TRY(ln_check_same_types(c));
    if (c->version >= 7)
        return ln_infer_broadcast(c);
    ln_info aligned;
    LN_TRY(ln_bcast_old(c, ((const bitwise_params *)c->params)->broadcast, &aligned));
    return ln_infer_same(c);
}

static linnet_status plan(ln_ctx *c, int32_t op)
{
    bitwise_params *p = c->params;
    ln_info second = *c->in[1];
    if (c->version < 7)
        LN_TRY(ln_bcast_old(c, p->broadcast, &second));
    const ln_info *in[2] = {c->in[0], &second};
    ln_bcast_make(&p->b, c->out[0], 2, in);
    p->op = op;
    p->size = (int32_t)linnet_type_size((linnet_type)c->in[0]->type);
    if (ln_info_count(c->in[0]) == p->b.count)
        ln_in_place(c, 0, 0);
    return LINNET_OK;
}

static linnet_status and_plan(ln_ctx *c)
{
    return plan(c, BIT_AND);
}

static linnet_status or_plan(ln_ctx *c)
{
    return plan(c, BIT_OR);
}

static linnet_status xor_plan(ln_ctx *c)
{
    return plan(c, BIT_XOR);
}

static linnet_status shift_plan(ln_ctx *c)
{
    int32_t direction = ((const bitwise_params *)c->params)->direction;
    if (direction == 0)
        return ln_fail(c, LINNET_ERR_MODEL, "the attribute direction is missing");
    bool is_signed = LN_T(c->in[0]->type) & LN_T_SINTS;
    return plan(c, direction == 1 ? SHIFT_LEFT : is_signed ? SHIFT_RIGHT_SIGNED : SHIFT_RIGHT);
}

static const ln_attr_spec old_attrs[] = {LN_ATTR_I(bitwise_params, broadcast, 0), LN_ATTR_ANY("axis"), LN_ATTR_END};
static const ln_attr_spec shift_attrs[] = {LN_ATTR_E(bitwise_params, direction, "none|LEFT|RIGHT", 0), LN_ATTR_END};

#define BITS(name, mask, fn)                                                                                           \
    .domain = "", .type = (name), .types = (mask), .in = {2, 2}, .out = {1, 1}, .params_size = sizeof(bitwise_params), \
    .infer = infer, .plan = (fn), LN_RUN_NAME(ln_bitwise)

/* clang-format off */
LN_OP(And) = {BITS("And", LN_T(LINNET_BOOL), and_plan), .since = {1, 7}, .attrs = old_attrs};
LN_OP(Or) = {BITS("Or", LN_T(LINNET_BOOL), or_plan), .since = {1, 7}, .attrs = old_attrs};
LN_OP(Xor) = {BITS("Xor", LN_T(LINNET_BOOL), xor_plan), .since = {1, 7}, .attrs = old_attrs};
LN_OP(BitwiseAnd) = {BITS("BitwiseAnd", LN_T_INTS, and_plan), .since = {18}};
LN_OP(BitwiseOr) = {BITS("BitwiseOr", LN_T_INTS, or_plan), .since = {18}};
LN_OP(BitwiseXor) = {BITS("BitwiseXor", LN_T_INTS, xor_plan), .since = {18}};
LN_OP(BitShift) = {BITS("BitShift", LN_T_INTS, shift_plan), .since = {11, 28}, .attrs = shift_attrs};
/* clang-format on */
