/* SPDX-License-Identifier: Apache-2.0
 *
 * Cast (ai.onnx 6 to 28), CastLike (15 to 25), BitCast (26). Numbers go through ops/cast_any.h; to and from strings
 * runs late, because the text needs memory. A cast to the same type is a view, and so is a BitCast.
 */
#include <string.h>

#include "ops/cast_any.h"

typedef struct cast_params {
    int64_t to; /* attribute of Cast and BitCast, a TensorProto.DataType */
    int64_t saturate;
    int64_t n;
    int32_t round_mode;
    int32_t from, type; /* linnet_type */
} cast_params;

static void task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    const cast_params *p = a->params;
    (void)worker;
    ln_cast(p->type, a->out[0], p->from, a->in[0], begin, end - begin,
            (ln_cast_how){.saturate = p->saturate != 0, .round = p->round_mode});
}

LN_RUN(ln_cast_run)
{
    ln_args copy = *a;
    ln_parallel(a, ((const cast_params *)a->params)->n, 1.0, task, &copy);
    return LINNET_OK;
}

static void copy_task(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    size_t size = linnet_type_size((linnet_type)((const cast_params *)a->params)->from);
    (void)worker;
    memcpy((char *)a->out[0] + (size_t)begin * size, (const char *)a->in[0] + (size_t)begin * size,
           (size_t)(end - begin) * size);
}

LN_RUN(ln_cast_copy)
{
    ln_args copy = *a;
    if (a->out[0] != a->in[0])
        ln_parallel(a, ((const cast_params *)a->params)->n, 0.1, copy_task, &copy);
    return LINNET_OK;
}

/* The type that Cast, CastLike or BitCast makes; UNDEFINED while not known. */
static linnet_status target(ln_ctx *c, int32_t *type)
{
    const cast_params *p = c->params;
    if (c->op->in.min == 2) {
        *type = c->in[1]->type;
        return LINNET_OK;
    }
    *type = (int32_t)p->to;
    if (p->to <= 0 || p->to >= LINNET_TYPE_COUNT)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "to is %lld, which is no type that Linnet has", (long long)p->to);
    return LINNET_OK;
}

static linnet_status set_type(ln_ctx *c, int32_t type)
{
    const ln_info *x = c->in[0];
    if (x->rank < 0)
        return ln_set_unknown(c, 0, (linnet_type)type);
    return ln_set_shape(c, 0, (linnet_type)type, x->rank, x->dims);
}

static linnet_status infer(ln_ctx *c)
{
    int32_t type;
    LN_TRY(target(c, &type));
    if (LN_T(type) & LN_T_COMPLEX)
        return ln_fail(c, LINNET_ERR_MODEL, "%s cannot be cast to", linnet_type_name((linnet_type)type));
    return set_type(c, type);
}

/* Strings take memory, which only late has. */
static linnet_status plan(ln_ctx *c)
{
    cast_params *p = c->params;
    LN_TRY(target(c, &p->type));
    p->from = c->in[0]->type;
    p->n = ln_info_count(c->in[0]);
    if (c->op->in.min == 2)
        ln_drop_input(c, 1);
    if (p->from == p->type) {
        LN_SET_RUN(c, ln_cast_copy);
        if (ln_view(c, 0, 0, 0))
            c->run = NULL;
        return LINNET_OK;
    }
    if (p->from == LINNET_STRING || p->type == LINNET_STRING)
        return LN_NEED_DATA;
    LN_SET_RUN(c, ln_cast_run);
    if (linnet_type_size((linnet_type)p->from) == linnet_type_size((linnet_type)p->type))
        ln_in_place(c, 0, 0);
    return LINNET_OK;
}

static linnet_status to_strings(ln_ctx *c, const linnet_value *x, linnet_string *y, int64_t n)
{
    char text[LN_TEXT_SIZE];
    for (int64_t i = 0; i < n; i++) {
        size_t size = ln_number_text(text, (int)x->type, x->data, i);
        char *bytes = ln_late_alloc(c, size ? size : 1);
        if (!bytes)
            return ln_no_memory(c);
        memcpy(bytes, text, size);
        y[i] = (linnet_string){bytes, size};
    }
    return LINNET_OK;
}

static linnet_status late(ln_ctx *c)
{
    cast_params *p = c->params;
    const linnet_value *x = ln_late_in(c, 0);
    for (int32_t i = 0; i < c->n_in; i++) /* an optional without a value comes here, too */
        if (c->in[i]->kind != LINNET_TENSOR)
            return ln_fail(c, LINNET_ERR_DATA, "input %d is no tensor", i);
    LN_TRY(target(c, &p->type));
    if (p->type == (int32_t)x->type)
        return ln_late_pass(c, 0, x);
    int64_t n = linnet_value_count(x);
    void *y = ln_late_tensor(c, 0, (linnet_type)p->type, x->rank, x->dims);
    if (!y)
        return ln_no_memory(c);
    if (p->type == LINNET_STRING)
        return to_strings(c, x, y, n);
    const ln_cast_how how = {.saturate = p->saturate != 0, .round = p->round_mode};
    const linnet_string *s = x->data;
    for (int64_t i = 0; i < n; i++)
        if (!ln_number_parse(p->type, y, i, s[i], how))
            return ln_fail(c, LINNET_ERR_DATA, "element %lld, '%.*s', is no number", (long long)i,
                           (int)(s[i].size > 60 ? 60 : s[i].size), s[i].data ? s[i].data : "");
    return LINNET_OK;
}

/* -- BitCast ------------------------------------------------------------------------------------------------------- */

static int32_t bits_of(int32_t type)
{
    if (LN_T(type) & (LN_T(LINNET_UINT2) | LN_T(LINNET_INT2)))
        return 2;
    return LN_T(type) & LN_T_SMALL ? 4 : 8 * (int32_t)linnet_type_size((linnet_type)type);
}

static linnet_status bitcast_infer(ln_ctx *c)
{
    int32_t type;
    LN_TRY(target(c, &type));
    if (type == LINNET_STRING)
        return ln_fail(c, LINNET_ERR_MODEL, "a string has no bits to cast to");
    if (c->in[0]->type && bits_of(type) != bits_of(c->in[0]->type))
        return ln_fail(c, LINNET_ERR_MODEL, "%s has %d bits, %s has %d", linnet_type_name((linnet_type)c->in[0]->type),
                       bits_of(c->in[0]->type), linnet_type_name((linnet_type)type), bits_of(type));
    return set_type(c, type);
}

/* Types below a byte lie in one, signed ones with their sign repeated: so these do change in memory. */
LN_RUN(ln_bitcast_small)
{
    const cast_params *p = a->params;
    const uint8_t *x = a->in[0];
    uint8_t *y = a->out[0];
    uint8_t mask = (uint8_t)((1u << bits_of(p->type)) - 1u), top = (uint8_t)((mask + 1u) / 2u);
    bool is_signed = p->type == LINNET_INT4 || p->type == LINNET_INT2;
    for (int64_t i = 0; i < p->n; i++)
        y[i] = (uint8_t)(is_signed ? ((x[i] & mask) ^ top) - top : x[i] & mask);
    return LINNET_OK;
}

static linnet_status bitcast_plan(ln_ctx *c)
{
    cast_params *p = c->params;
    p->type = (int32_t)p->to;
    p->from = c->in[0]->type;
    p->n = ln_info_count(c->in[0]);
    if (bits_of(p->type) < 8) {
        LN_SET_RUN(c, ln_bitcast_small);
        ln_in_place(c, 0, 0);
        return LINNET_OK;
    }
    LN_SET_RUN(c, ln_cast_copy);
    if (ln_view(c, 0, 0, 0))
        c->run = NULL;
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_I_REQ(cast_params, to), LN_ATTR_I(cast_params, saturate, 1),
                                     LN_ATTR_E(cast_params, round_mode, "up|down|nearest", 0), LN_ATTR_END};
static const ln_attr_spec like_attrs[] = {LN_ATTR_I(cast_params, saturate, 1),
                                          LN_ATTR_E(cast_params, round_mode, "up|down|nearest", 0), LN_ATTR_END};
static const ln_attr_spec bit_attrs[] = {LN_ATTR_I_REQ(cast_params, to), LN_ATTR_END};

LN_OP(Cast) = {
    .domain = "",
    .type = "Cast",
    .since = {6, 9, 13, 19, 21, 23, 24, 25, 28},
    .types = LN_T_ALL & ~LN_T_COMPLEX,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(cast_params),
    .flags = LN_OP_LATE_OK,
    .infer = infer,
    .plan = plan,
    .late = late,
};
LN_OP(CastLike) = {
    .domain = "",
    .type = "CastLike",
    .since = {15, 19, 21, 23, 24, 25},
    .types = LN_T_ALL & ~LN_T_COMPLEX,
    .in = {2, 2},
    .out = {1, 1},
    .attrs = like_attrs,
    .params_size = sizeof(cast_params),
    .flags = LN_OP_LATE_OK,
    .infer = infer,
    .plan = plan,
    .late = late,
};
LN_OP(BitCast) = {
    .domain = "",
    .type = "BitCast",
    .since = {26},
    .types = LN_T_ALL & ~LN_T(LINNET_STRING),
    .in = {1, 1},
    .out = {1, 1},
    .attrs = bit_attrs,
    .params_size = sizeof(cast_params),
    .infer = bitcast_infer,
    .plan = bitcast_plan,
};
