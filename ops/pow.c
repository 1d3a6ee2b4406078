/* SPDX-License-Identifier: Apache-2.0
 *
 * Pow: x^y with broadcasting; the output has the type of x, y may have another. ai.onnx Pow-1 (attributes axis and
 * broadcast), -7, -12, -13, -15. Two integers give the exact power, wrapped, and toward zero for a negative exponent;
 * an integer with a float exponent is taken in float64 and truncated.
 */
#include <math.h>

#include "ops/binary.h"

#define BLOCK 128

typedef struct pow_params {
    ln_binary_params binary;
    int32_t type_y;
} pow_params;

static double to_f64(const void *x, int32_t type, int64_t i)
{
    float f;
    switch (type) {
    case LINNET_FLOAT64:
        return ((const double *)x)[i];
    case LINNET_INT32:
        return ((const int32_t *)x)[i];
    case LINNET_UINT32:
        return ((const uint32_t *)x)[i];
    case LINNET_INT64:
        return (double)((const int64_t *)x)[i];
    case LINNET_UINT64:
        return (double)((const uint64_t *)x)[i];
    default:
        ln_to_f32(&f, x, type, i, 1);
        return (double)f;
    }
}

/* The exponent as an integer; unsigned 64-bit ones beyond the signed range keep their parity. */
static int64_t to_i64(const void *y, int32_t type, int64_t i)
{
    switch (type) {
    case LINNET_INT64:
        return ((const int64_t *)y)[i];
    case LINNET_UINT64: {
        uint64_t u = ((const uint64_t *)y)[i];
        return (int64_t)(u > INT64_MAX ? (u & 1) + (INT64_MAX - 1) : u);
    }
    default:
        return (int64_t)to_f64(y, type, i);
    }
}

static int64_t truncate(double v)
{
    return v >= -0x1p63 && v < 0x1p63 ? (int64_t)v : INT64_MIN;
}

static void row_int(const pow_params *p, char *y, const void *a, int64_t a_at, const void *b, int64_t b_at, int64_t n,
                    size_t a_step, size_t b_step)
{
    bool exact = LN_T(p->type_y) & LN_T_INTS;
    for (int64_t i = 0; i < n; i++, a_at += (int64_t)a_step, b_at += (int64_t)b_step) {
        int64_t x = to_i64(a, p->binary.type, a_at), e = exact ? to_i64(b, p->type_y, b_at) : 0, v;
        if (exact)
            ln_row_i64(LN_BIN_POW, LINNET_INT64, &v, &x, &e, 1, 1, 1);
        else
            v = truncate(pow((double)x, to_f64(b, p->type_y, b_at)));
        if (p->binary.type == LINNET_INT64)
            ((int64_t *)(void *)y)[i] = v;
        else
            ((int32_t *)(void *)y)[i] = (int32_t)(uint32_t)v;
    }
}

static void row_float(const pow_params *p, char *y, const void *a, int64_t a_at, const void *b, int64_t b_at, int64_t n,
                      size_t a_step, size_t b_step)
{
    LN_BLOCK float u[BLOCK], v[BLOCK];
    if (p->binary.type == LINNET_FLOAT64) {
        for (int64_t i = 0; i < n; i++, a_at += (int64_t)a_step, b_at += (int64_t)b_step)
            ((double *)(void *)y)[i] = pow(((const double *)a)[a_at], to_f64(b, p->type_y, b_at));
        return;
    }
    for (int64_t i = 0; i < n; i += BLOCK) {
        int64_t k = n - i < BLOCK ? n - i : BLOCK;
        ln_to_f32(u, a, p->binary.type, a_at + (a_step ? i : 0), a_step ? k : 1);
        ln_to_f32(v, b, p->type_y, b_at + (b_step ? i : 0), b_step ? k : 1);
        LN_K(pow_f32)(u, u, v, (size_t)k, a_step, b_step);
        ln_from_f32(y, p->binary.type, i, u, k, 1);
    }
}

static void task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    const pow_params *p = a->params;
    const ln_bcast *b = &p->binary.b;
    size_t sa = ln_bcast_step(b, 0), sb = ln_bcast_step(b, 1), size = linnet_type_size((linnet_type)p->binary.type);
    ln_walk w;
    (void)worker;
    ln_walk_start(&w, b, begin);
    while (begin < end) {
        int64_t n = w.left < end - begin ? w.left : end - begin;
        char *y = (char *)a->out[0] + (size_t)begin * size;
        if (LN_T(p->binary.type) & LN_T_INTS)
            row_int(p, y, a->in[0], w.offset[0], a->in[1], w.offset[1], n, sa, sb);
        else
            row_float(p, y, a->in[0], w.offset[0], a->in[1], w.offset[1], n, sa, sb);
        begin += n;
        ln_walk_next(&w, b, n);
    }
}

LN_RUN(ln_pow_f32)
{
    return ln_binary_f32(a, LN_K(pow_f32), 0.8);
}

LN_RUN(ln_pow_any)
{
    ln_args copy = *a;
    ln_parallel(a, ((const pow_params *)a->params)->binary.b.count, 10.0, task, &copy);
    return LINNET_OK;
}

static linnet_status infer(ln_ctx *c)
{
    LN_TRY(ln_check_type(c, 1, LN_T_NUMBERS, "exponent"));
    if (c->version < 12)
        return ln_binary_infer(c);
    return ln_infer_broadcast(c);
}

static linnet_status plan(ln_ctx *c)
{
    pow_params *p = c->params;
    ln_info second = *c->in[1];
    if (c->version < 7)
        LN_TRY(ln_bcast_old(c, p->binary.broadcast, &second));
    LN_TRY(ln_binary_plan(c, LN_BIN_POW, &second, ln_pow_f32, "ln_pow_f32"));
    p->type_y = c->in[1]->type;
    if (p->binary.type == LINNET_FLOAT32 && p->type_y == LINNET_FLOAT32)
        return LINNET_OK;
    LN_SET_RUN(c, ln_pow_any);
    if (p->type_y != p->binary.type && ln_info_count(c->in[0]) != p->binary.b.count)
        ln_in_place(c, 0, -1); /* the exponent's bytes are no room for the result */
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_I(ln_binary_params, broadcast, 0), LN_ATTR_ANY("axis"), LN_ATTR_END};

LN_OP(Pow) = {
    .domain = "",
    .type = "Pow",
    .since = {1, 7, 12, 13, 15},
    .types = LN_T_FLOATS | LN_T(LINNET_INT32) | LN_T(LINNET_INT64),
    .in = {2, 2},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(pow_params),
    .infer = infer,
    .plan = plan,
};
