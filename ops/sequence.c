/* SPDX-License-Identifier: Apache-2.0
 *
 * Sequences as values: SequenceConstruct, SequenceEmpty, SequenceInsert, SequenceErase, SequenceAt, SequenceLength.
 * Items are shared between sequences, never copied: nobody writes into a value once it is made. ai.onnx -11 of each.
 */
#include "ops/late.h"

#include <string.h>

static linnet_status check_sequence(ln_ctx *c)
{
    const ln_info *s = c->in[0];
    if (s->kind != LINNET_SEQUENCE && (s->kind != LINNET_TENSOR || s->type != LINNET_UNDEFINED))
        return ln_fail(c, LINNET_ERR_MODEL, "input 0 is not a sequence");
    return LINNET_OK;
}

/* The input at run time, which may not be what was declared. */
static linnet_status sequence_of(ln_ctx *c, const linnet_value **s)
{
    *s = ln_late_in(c, 0);
    if ((*s)->kind != LINNET_SEQUENCE)
        return ln_fail(c, LINNET_ERR_DATA, "input 0 is not a sequence");
    return LINNET_OK;
}

/* A sequence output with room for n items. */
static linnet_status make(ln_ctx *c, linnet_type type, int64_t n, linnet_value **made)
{
    linnet_value *v = ln_late_out(c, 0);
    *v = (linnet_value){.kind = LINNET_SEQUENCE, .type = type, .n_items = n};
    int64_t bytes;
    LN_TRY(ln_mul_size(c, n, sizeof *v->items, &bytes));
    v->items = ln_late_alloc(c, (size_t)bytes);
    *made = v;
    return v->items ? LINNET_OK : ln_no_memory(c);
}

static void copy_items(linnet_value *to, const linnet_value *from, int64_t n)
{
    if (n > 0)
        memcpy(to, from, (size_t)n * sizeof *to);
}

/* Input in as a position in [-n, high], made non-negative. */
static linnet_status position_of(ln_ctx *c, int32_t in, int64_t n, int64_t high, int64_t *position)
{
    LN_TRY(ln_late_int(c, in, position));
    if (*position < -n || *position > high)
        return ln_fail(c, LINNET_ERR_DATA, "position %lld is out of range [%lld, %lld]", (long long)*position,
                       (long long)-n, (long long)high);
    if (*position < 0)
        *position += n;
    return LINNET_OK;
}

static linnet_status check_position(ln_ctx *c, int32_t in)
{
    LN_TRY(ln_check_type(c, in, LN_T(LINNET_INT32) | LN_T(LINNET_INT64), "position"));
    const ln_info *p = ln_in(c, in);
    int64_t n = p && p->rank >= 0 ? ln_info_count(p) : 1;
    if (n >= 0 && n != 1)
        return ln_fail(c, LINNET_ERR_MODEL, "position has %lld elements, expected 1", (long long)n);
    return LINNET_OK;
}

static linnet_status same_sequence(ln_ctx *c)
{
    *c->out[0] = (ln_info){.kind = LINNET_SEQUENCE, .item = LINNET_TENSOR, .rank = -1};
    if (c->in[0]->kind == LINNET_SEQUENCE) {
        c->out[0]->item = c->in[0]->item;
        c->out[0]->type = c->in[0]->type;
    }
    return LINNET_OK;
}

/* -- SequenceConstruct, SequenceEmpty -------------------------------------------------------------------------------
 */

static linnet_status construct_infer(ln_ctx *c)
{
    ln_info made = {.kind = LINNET_SEQUENCE, .item = LINNET_TENSOR, .rank = -1};
    for (int32_t i = 0; i < c->n_in; i++) {
        if (!c->in[i])
            return ln_fail(c, LINNET_ERR_MODEL, "input %d is missing", i);
        if (made.type && c->in[i]->type && made.type != c->in[i]->type)
            return ln_fail(c, LINNET_ERR_MODEL, "input %d is %s, those before are %s", i,
                           linnet_type_name((linnet_type)c->in[i]->type), linnet_type_name((linnet_type)made.type));
        if (c->in[i]->type)
            made.type = c->in[i]->type;
    }
    *c->out[0] = made;
    return LINNET_OK;
}

static linnet_status construct_late(ln_ctx *c)
{
    linnet_value *v;
    LN_TRY(make(c, (linnet_type)c->out[0]->type, c->n_in, &v));
    for (int32_t i = 0; i < c->n_in; i++)
        LN_TRY(ln_late_keep(c, &v->items[i], ln_late_in(c, i)));
    return LINNET_OK;
}

LN_OP(SequenceConstruct) = {
    .domain = "",
    .type = "SequenceConstruct",
    .since = {11},
    .types = LN_T_ALL,
    .in = {1, LN_VARIADIC},
    .out = {1, 1},
    .infer = construct_infer,
    .late = construct_late,
};

typedef struct empty_params {
    int64_t dtype;
} empty_params;

static linnet_status empty_infer(ln_ctx *c)
{
    const empty_params *p = c->params;
    if (p->dtype <= 0 || p->dtype >= LINNET_TYPE_COUNT)
        return ln_fail(c, LINNET_ERR_MODEL, "dtype %lld is not an element type", (long long)p->dtype);
    *c->out[0] = (ln_info){.kind = LINNET_SEQUENCE, .item = LINNET_TENSOR, .type = (uint8_t)p->dtype, .rank = -1};
    return LINNET_OK;
}

static linnet_status empty_late(ln_ctx *c)
{
    linnet_value *v;
    return make(c, (linnet_type)c->out[0]->type, 0, &v);
}

static const ln_attr_spec empty_attrs[] = {LN_ATTR_I(empty_params, dtype, LINNET_FLOAT32), LN_ATTR_END};

LN_OP(SequenceEmpty) = {
    .domain = "",
    .type = "SequenceEmpty",
    .since = {11},
    .types = 0,
    .in = {0, 0},
    .out = {1, 1},
    .attrs = empty_attrs,
    .params_size = sizeof(empty_params),
    .infer = empty_infer,
    .late = empty_late,
};

/* -- SequenceInsert, SequenceErase ----------------------------------------------------------------------------------
 */

static linnet_status insert_infer(ln_ctx *c)
{
    LN_TRY(check_sequence(c));
    LN_TRY(check_position(c, 2));
    LN_TRY(same_sequence(c));
    ln_info *out = c->out[0];
    if (out->type && c->in[1]->type && out->type != c->in[1]->type)
        return ln_fail(c, LINNET_ERR_MODEL, "a %s tensor into a sequence of %s",
                       linnet_type_name((linnet_type)c->in[1]->type), linnet_type_name((linnet_type)out->type));
    if (!out->type)
        out->type = c->in[1]->type;
    return LINNET_OK;
}

static linnet_status insert_late(ln_ctx *c)
{
    const linnet_value *s;
    LN_TRY(sequence_of(c, &s));
    int64_t at = s->n_items;
    if (ln_in(c, 2))
        LN_TRY(position_of(c, 2, s->n_items, s->n_items, &at));
    linnet_value *v;
    LN_TRY(make(c, (linnet_type)c->in[1]->type, s->n_items + 1, &v));
    copy_items(v->items, s->items, at);
    copy_items(v->items + at + 1, s->items + at, s->n_items - at);
    return ln_late_keep(c, &v->items[at], ln_late_in(c, 1));
}

LN_OP(SequenceInsert) = {
    .domain = "",
    .type = "SequenceInsert",
    .since = {11},
    .types = 0,
    .in = {2, 3},
    .out = {1, 1},
    .infer = insert_infer,
    .late = insert_late,
};

static linnet_status erase_infer(ln_ctx *c)
{
    LN_TRY(check_sequence(c));
    LN_TRY(check_position(c, 1));
    return same_sequence(c);
}

static linnet_status erase_late(ln_ctx *c)
{
    const linnet_value *s;
    LN_TRY(sequence_of(c, &s));
    int64_t at = s->n_items - 1;
    if (ln_in(c, 1))
        LN_TRY(position_of(c, 1, s->n_items, s->n_items - 1, &at));
    if (at < 0)
        return ln_fail(c, LINNET_ERR_DATA, "the sequence is empty");
    linnet_value *v;
    LN_TRY(make(c, s->type, s->n_items - 1, &v));
    copy_items(v->items, s->items, at);
    copy_items(v->items + at, s->items + at + 1, s->n_items - 1 - at);
    return LINNET_OK;
}

LN_OP(SequenceErase) = {
    .domain = "",
    .type = "SequenceErase",
    .since = {11},
    .types = 0,
    .in = {1, 2},
    .out = {1, 1},
    .infer = erase_infer,
    .late = erase_late,
};

/* -- SequenceAt, SequenceLength -------------------------------------------------------------------------------------
 */

static linnet_status at_infer(ln_ctx *c)
{
    LN_TRY(check_sequence(c));
    LN_TRY(check_position(c, 1));
    *c->out[0] = (ln_info){.kind = LINNET_TENSOR, .type = c->in[0]->type, .rank = -1};
    if (c->in[0]->kind == LINNET_SEQUENCE && c->in[0]->item != LINNET_NONE)
        c->out[0]->kind = c->in[0]->item;
    return LINNET_OK;
}

static linnet_status at_late(ln_ctx *c)
{
    const linnet_value *s;
    LN_TRY(sequence_of(c, &s));
    int64_t at;
    LN_TRY(position_of(c, 1, s->n_items, s->n_items - 1, &at));
    return ln_late_give(c, 0, &s->items[at]);
}

LN_OP(SequenceAt) = {
    .domain = "",
    .type = "SequenceAt",
    .since = {11},
    .types = 0,
    .in = {2, 2},
    .out = {1, 1},
    .infer = at_infer,
    .late = at_late,
};

static linnet_status length_infer(ln_ctx *c)
{
    LN_TRY(check_sequence(c));
    return ln_set_shape(c, 0, LINNET_INT64, 0, NULL);
}

static linnet_status length_late(ln_ctx *c)
{
    const linnet_value *s;
    LN_TRY(sequence_of(c, &s));
    int64_t *n = ln_late_tensor(c, 0, LINNET_INT64, 0, NULL);
    if (!n)
        return ln_no_memory(c);
    *n = s->n_items;
    return LINNET_OK;
}

LN_OP(SequenceLength) = {
    .domain = "",
    .type = "SequenceLength",
    .since = {11},
    .types = 0,
    .in = {1, 1},
    .out = {1, 1},
    .infer = length_infer,
    .late = length_late,
};
