/* SPDX-License-Identifier: Apache-2.0
 *
 * Add, Sub, Mul, Div, Mod and PRelu: arithmetic of two inputs with broadcasting. ai.onnx from opset 6 (with the
 * attributes axis and broadcast) to the newest; PRelu-6 takes a slope per channel. Integers wrap; division by zero and
 * of the least value by -1 do not trap (see binary_row.inc).
 */
#include "ops/binary.h"

static void task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_binary_job *j = arg;
    const ln_bcast *b = j->b;
    size_t size = linnet_type_size((linnet_type)j->type), sa = ln_bcast_step(b, 0), sb = ln_bcast_step(b, 1);
    ln_walk w;
    (void)worker;
    ln_walk_start(&w, b, begin);
    while (begin < end) {
        int64_t n = w.left < end - begin ? w.left : end - begin;
        const char *x0 = (const char *)j->x[0] + (size_t)w.offset[0] * size;
        const char *x1 = (const char *)j->x[1] + (size_t)w.offset[1] * size;
        char *y = (char *)j->y + (size_t)begin * size;
        if (j->kernel)
            j->kernel((float *)(void *)y, (const float *)(const void *)x0, (const float *)(const void *)x1, (size_t)n,
                      sa, sb);
        else
            j->row(j->op, j->type, y, x0, x1, n, sa, sb);
        begin += n;
        ln_walk_next(&w, b, n);
    }
}

void ln_binary_walk(const ln_args *a, const ln_binary_job *job, double cost)
{
    ln_binary_job copy = *job;
    ln_parallel(a, job->b->count, cost, task, &copy);
}

linnet_status ln_binary_f32(const ln_args *a, ln_VBINARY_F32 *kernel, double cost)
{
    const ln_binary_params *p = a->params;
    ln_binary_job j = {&p->b, kernel, NULL, p->op, LINNET_FLOAT32, {a->in[0], a->in[1]}, a->out[0]};
    ln_binary_walk(a, &j, cost);
    return LINNET_OK;
}

linnet_status ln_binary_any(const ln_args *a, ln_binary_row *row)
{
    const ln_binary_params *p = a->params;
    ln_binary_job j = {&p->b, NULL, row, p->op, p->type, {a->in[0], a->in[1]}, a->out[0]};
    ln_binary_walk(a, &j, 1.5);
    return LINNET_OK;
}

LN_RUN(ln_add_f32)
{
    return ln_binary_f32(a, LN_K(add_f32), 0.1);
}
LN_RUN(ln_sub_f32)
{
    return ln_binary_f32(a, LN_K(sub_f32), 0.1);
}
LN_RUN(ln_mul_f32)
{
    return ln_binary_f32(a, LN_K(mul_f32), 0.1);
}
LN_RUN(ln_div_f32)
{
    return ln_binary_f32(a, LN_K(div_f32), 0.15);
}
LN_RUN(ln_prelu_f32)
{
    return ln_binary_f32(a, LN_K(prelu_f32), 0.1);
}
LN_RUN(ln_mod_f32)
{
    return ln_binary_any(a, ln_row_f32);
}
LN_RUN(ln_binary_f64)
{
    return ln_binary_any(a, ln_row_f64);
}
LN_RUN(ln_binary_pow_f64)
{
    return ln_binary_any(a, ln_row_pow_f64);
}
LN_RUN(ln_binary_half)
{
    return ln_binary_any(a, ln_row_half);
}
LN_RUN(ln_binary_i8)
{
    return ln_binary_any(a, ln_row_i8);
}
LN_RUN(ln_binary_i16)
{
    return ln_binary_any(a, ln_row_i16);
}
LN_RUN(ln_binary_i32)
{
    return ln_binary_any(a, ln_row_i32);
}
LN_RUN(ln_binary_i64)
{
    return ln_binary_any(a, ln_row_i64);
}
LN_RUN(ln_binary_u8)
{
    return ln_binary_any(a, ln_row_u8);
}
LN_RUN(ln_binary_u16)
{
    return ln_binary_any(a, ln_row_u16);
}
LN_RUN(ln_binary_u32)
{
    return ln_binary_any(a, ln_row_u32);
}
LN_RUN(ln_binary_u64)
{
    return ln_binary_any(a, ln_row_u64);
}

linnet_status ln_binary_infer(ln_ctx *c)
{
    LN_TRY(ln_check_same_types(c));
    if (c->version >= 7)
        return ln_infer_broadcast(c);
    ln_info aligned;
    LN_TRY(ln_bcast_old(c, ((const ln_binary_params *)c->params)->broadcast, &aligned));
    return ln_infer_same(c);
}

static bool same_shape(const ln_info *a, const ln_info *b)
{
    return ln_info_count(a) == ln_info_count(b);
}

linnet_status ln_binary_plan(ln_ctx *c, int32_t op, const ln_info *second, ln_run_fn *f32, const char *f32_name)
{
    static const ln_map_run runs[] = {LN_MAP_RUN(LN_T(LINNET_FLOAT64), ln_binary_f64),
                                      LN_MAP_RUN(LN_T_HALF, ln_binary_half),
                                      LN_MAP_RUN(LN_T(LINNET_INT8), ln_binary_i8),
                                      LN_MAP_RUN(LN_T(LINNET_INT16), ln_binary_i16),
                                      LN_MAP_RUN(LN_T(LINNET_INT32), ln_binary_i32),
                                      LN_MAP_RUN(LN_T(LINNET_INT64), ln_binary_i64),
                                      LN_MAP_RUN(LN_T(LINNET_UINT8), ln_binary_u8),
                                      LN_MAP_RUN(LN_T(LINNET_UINT16), ln_binary_u16),
                                      LN_MAP_RUN(LN_T(LINNET_UINT32), ln_binary_u32),
                                      LN_MAP_RUN(LN_T(LINNET_UINT64), ln_binary_u64),
                                      {0}};
    ln_binary_params *p = c->params;
    const ln_info *in[2] = {c->in[0], second};
    ln_bcast_make(&p->b, c->out[0], 2, in);
    p->op = op;
    p->type = c->in[0]->type;
    if (same_shape(c->in[0], c->out[0]))
        ln_in_place(c, 0, 0);
    else if (same_shape(c->in[1], c->out[0]))
        ln_in_place(c, 0, 1);
    c->run = f32;
    c->run_name = f32_name;
    if (p->type != LINNET_FLOAT32)
        ln_pick_run(c, runs, c->in[0]->type);
    if (p->type == LINNET_FLOAT64 && op == LN_BIN_POW)
        LN_SET_RUN(c, ln_binary_pow_f64);
    return LINNET_OK;
}

static linnet_status plan(ln_ctx *c, int32_t op, ln_run_fn *f32, const char *f32_name)
{
    ln_info second = *c->in[1];
    if (c->version < 7)
        LN_TRY(ln_bcast_old(c, ((const ln_binary_params *)c->params)->broadcast, &second));
    return ln_binary_plan(c, op, &second, f32, f32_name);
}

static linnet_status add_plan(ln_ctx *c)
{
    return plan(c, LN_BIN_ADD, ln_add_f32, "ln_add_f32");
}
static linnet_status sub_plan(ln_ctx *c)
{
    return plan(c, LN_BIN_SUB, ln_sub_f32, "ln_sub_f32");
}
static linnet_status mul_plan(ln_ctx *c)
{
    return plan(c, LN_BIN_MUL, ln_mul_f32, "ln_mul_f32");
}
static linnet_status div_plan(ln_ctx *c)
{
    return plan(c, LN_BIN_DIV, ln_div_f32, "ln_div_f32");
}
static linnet_status mod_plan(ln_ctx *c)
{
    int32_t op = ((const ln_binary_params *)c->params)->fmod ? LN_BIN_FMOD : LN_BIN_MOD;
    return plan(c, op, ln_mod_f32, "ln_mod_f32");
}

/* PRelu: the slope broadcasts to the input and not the other way. PRelu-6: a slope of one dimension is per channel. */
static linnet_status prelu_slope(ln_ctx *c, ln_info *slope)
{
    const ln_info *x = c->in[0];
    *slope = *c->in[1];
    if (c->version < 7 && slope->rank == 1 && x->rank > 2 && slope->dims[0] != 1) {
        slope->rank = x->rank - 1;
        for (int32_t i = 1; i < slope->rank; i++)
            slope->dims[i] = 1;
    }
    if (x->rank < 0 || slope->rank < 0)
        return LINNET_OK;
    int32_t rank = x->rank;
    int64_t dims[LN_MAX_RANK];
    for (int32_t i = 0; i < rank; i++)
        dims[i] = x->dims[i];
    bool fits = slope->rank <= rank && ln_broadcast(&rank, dims, slope->rank, slope->dims) && rank == x->rank;
    for (int32_t i = 0; i < rank && fits; i++)
        fits = dims[i] == x->dims[i] || dims[i] < 0 || x->dims[i] < 0;
    return fits ? LINNET_OK : ln_fail(c, LINNET_ERR_MODEL, "the slope does not broadcast to the shape of the input");
}

static linnet_status prelu_infer(ln_ctx *c)
{
    ln_info slope;
    LN_TRY(ln_check_same_types(c));
    LN_TRY(prelu_slope(c, &slope));
    return ln_infer_same(c);
}

static linnet_status prelu_plan(ln_ctx *c)
{
    ln_info slope;
    LN_TRY(prelu_slope(c, &slope));
    return ln_binary_plan(c, LN_BIN_PRELU, &slope, ln_prelu_f32, "ln_prelu_f32");
}

static const ln_attr_spec old_attrs[] = {LN_ATTR_I(ln_binary_params, broadcast, 0), LN_ATTR_ANY("axis"), LN_ATTR_END};
static const ln_attr_spec mod_attrs[] = {LN_ATTR_I(ln_binary_params, fmod, 0), LN_ATTR_END};

#define BINARY(name, fn)                                                                                               \
    .domain = "", .type = (name), .types = LN_T_NUMBERS, .in = {2, 2}, .out = {1, 1},                                  \
    .params_size = sizeof(ln_binary_params), .infer = ln_binary_infer, .plan = (fn)

/* clang-format off */
LN_OP(Add) = {BINARY("Add", add_plan), .since = {6, 7, 13, 14}, .attrs = old_attrs};
LN_OP(Sub) = {BINARY("Sub", sub_plan), .since = {6, 7, 13, 14}, .attrs = old_attrs};
LN_OP(Mul) = {BINARY("Mul", mul_plan), .since = {6, 7, 13, 14}, .attrs = old_attrs};
LN_OP(Div) = {BINARY("Div", div_plan), .since = {6, 7, 13, 14}, .attrs = old_attrs};
LN_OP(Mod) = {BINARY("Mod", mod_plan), .since = {10, 13, 28}, .attrs = mod_attrs};
/* clang-format on */
LN_OP(PRelu) = {
    .domain = "",
    .type = "PRelu",
    .since = {6, 7, 9, 16},
    .types = LN_T_NUMBERS,
    .in = {2, 2},
    .out = {1, 1},
    .params_size = sizeof(ln_binary_params),
    .infer = prelu_infer,
    .plan = prelu_plan,
};
