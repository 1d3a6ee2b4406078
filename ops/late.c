/* SPDX-License-Identifier: Apache-2.0
 *
 * Helpers of late operators, see late.h.
 */
#include "ops/late.h"

#include <string.h>

size_t ln_value_bytes(const linnet_value *value)
{
    return (size_t)linnet_value_count(value) * linnet_type_size(value->type);
}

linnet_status ln_late_give(ln_ctx *c, int32_t out, const linnet_value *value)
{
    const linnet_value *to = ln_late_out(c, out);
    if (!to)
        return LINNET_OK;
    bool same = value->kind == LINNET_TENSOR && value->type == to->type && value->rank == to->rank;
    for (int32_t i = 0; same && i < to->rank; i++)
        same = value->dims[i] == to->dims[i];
    if (to->data && !same) { /* the place is given, so its shape was known before the run */
        char want[200], got[200];
        ln_dims_text(want, sizeof want, to->rank, to->dims);
        ln_dims_text(got, sizeof got, value->kind == LINNET_TENSOR ? value->rank : -1, value->dims);
        return ln_fail(c, LINNET_ERR_MODEL, "output %d is %s %s where %s %s was inferred", out,
                       linnet_type_name(value->type), got, linnet_type_name(to->type), want);
    }
    return ln_late_pass(c, out, value);
}

linnet_status ln_info_merge(ln_ctx *c, ln_info *to, const ln_info *from, const char *what)
{
    bool unknown_a = to->kind == LINNET_TENSOR && to->type == LINNET_UNDEFINED;
    bool unknown_b = from->kind == LINNET_TENSOR && from->type == LINNET_UNDEFINED;
    to->data = NULL;
    if (unknown_a || unknown_b) {
        *to = (ln_info){.kind = LINNET_TENSOR, .rank = -1};
        return LINNET_OK;
    }
    if (to->kind != from->kind) {
        /* One is an optional of what the other is, or holds nothing. */
        const ln_info *one = to->kind == LINNET_OPTIONAL || to->kind == LINNET_NONE ? from : to;
        *to = (ln_info){.kind = LINNET_OPTIONAL, .item = one->kind, .type = one->type, .rank = -1};
        return LINNET_OK;
    }
    if (to->type != from->type && to->type != LINNET_UNDEFINED && from->type != LINNET_UNDEFINED)
        return ln_fail(c, LINNET_ERR_MODEL, "%s is %s here and %s there", what, linnet_type_name((linnet_type)to->type),
                       linnet_type_name((linnet_type)from->type));
    if (to->type == LINNET_UNDEFINED)
        to->type = from->type;
    if (to->rank != from->rank)
        to->rank = -1;
    for (int32_t i = 0; i < to->rank; i++)
        if (to->dims[i] != from->dims[i] || to->dims[i] < 0) /* symbols of two graphs are not the same */
            to->dims[i] = LN_UNKNOWN;
    return LINNET_OK;
}

linnet_status ln_late_strings(ln_ctx *c, linnet_string *strings, int64_t n)
{
    size_t bytes = 0;
    for (int64_t i = 0; i < n; i++)
        bytes += strings[i].size;
    char *at = ln_late_alloc(c, bytes + 1);
    if (!at)
        return ln_no_memory(c);
    for (int64_t i = 0; i < n; i++) {
        if (strings[i].size)
            memcpy(at, strings[i].data, strings[i].size);
        strings[i].data = at;
        at += strings[i].size;
    }
    return LINNET_OK;
}

linnet_status ln_late_int(ln_ctx *c, int32_t in, int64_t *value)
{
    const linnet_value *v = ln_late_in(c, in);
    if (!v || v->kind != LINNET_TENSOR || linnet_value_count(v) != 1)
        return ln_fail(c, LINNET_ERR_MODEL, "input %d must have one element", in);
    if (v->type == LINNET_INT32)
        *value = *(const int32_t *)v->data;
    else if (v->type == LINNET_INT64)
        *value = *(const int64_t *)v->data;
    else
        return ln_fail(c, LINNET_ERR_MODEL, "input %d is %s, not int32 or int64", in, linnet_type_name(v->type));
    return LINNET_OK;
}

void ln_stack_init(ln_stack *s, int64_t expected)
{
    *s = (ln_stack){.cap = expected, .rank = -1};
}

static linnet_status grow(ln_ctx *c, ln_stack *s)
{
    static const int64_t at_once = INT64_C(1) << 26; /* bytes that an announced number may reserve */
    int64_t cap = s->n ? s->n * 2 : s->cap;
    if (!s->n && (cap < 8 || (s->size && cap > at_once / (int64_t)s->size)))
        cap = s->cap > 0 && s->cap < 8 ? s->cap : 8;
    int64_t bytes;
    LN_TRY(ln_mul_size(c, cap, (int64_t)s->size, &bytes));
    char *data = ln_late_alloc(c, (size_t)bytes);
    if (!data)
        return ln_no_memory(c);
    if (s->n && s->size)
        memcpy(data, s->data, (size_t)s->n * s->size);
    s->data = data;
    s->cap = cap;
    return LINNET_OK;
}

linnet_status ln_stack_push(ln_ctx *c, ln_stack *s, const linnet_value *value, const char *what, int32_t index)
{
    if (value->kind != LINNET_TENSOR)
        return ln_fail(c, LINNET_ERR_MODEL, "%s %d is not a tensor", what, index);
    if (s->rank < 0) {
        s->type = value->type;
        s->rank = value->rank;
        for (int32_t i = 0; i < value->rank; i++)
            s->dims[i] = value->dims[i];
        s->size = ln_value_bytes(value);
    }
    bool same = s->type == value->type && s->rank == value->rank;
    for (int32_t i = 0; same && i < s->rank; i++)
        same = s->dims[i] == value->dims[i];
    if (!same) {
        char first[200], now[200];
        ln_dims_text(first, sizeof first, s->rank, s->dims);
        ln_dims_text(now, sizeof now, value->rank, value->dims);
        return ln_fail(c, LINNET_ERR_DATA, "%s %d changes from %s %s to %s %s in iteration %lld", what, index,
                       linnet_type_name(s->type), first, linnet_type_name(value->type), now, (long long)s->n);
    }
    if (!s->data || s->n == s->cap)
        LN_TRY(grow(c, s));
    char *to = s->data + (size_t)s->n * s->size;
    if (s->size)
        memcpy(to, value->data, s->size);
    s->n++;
    if (s->type == LINNET_STRING)
        return ln_late_strings(c, (linnet_string *)(void *)to, linnet_value_count(value));
    return LINNET_OK;
}

/* True if out takes something away from what was known of in. */
static bool widen(ln_ctx *c, ln_info *in, const ln_info *out, bool coarse, linnet_status *st)
{
    ln_info was = *in;
    if (out->kind == LINNET_TENSOR && out->type == LINNET_UNDEFINED && in->kind == LINNET_TENSOR)
        in->rank = -1; /* nothing known but that it keeps its type */
    else
        *st = ln_info_merge(c, in, out, "a carried value");
    bool changed = was.kind != in->kind || was.type != in->type || was.rank != in->rank;
    for (int32_t i = 0; !changed && i < in->rank; i++)
        changed = was.dims[i] >= 0 && in->dims[i] < 0;
    if (changed && coarse)
        in->rank = -1;
    return changed;
}

linnet_status ln_body_settle(ln_ctx *c, int32_t body, ln_info *formal, int32_t in, int32_t out, int32_t n)
{
    enum { FINE = 4 }; /* rounds before shapes that still change are given up */
    bool changed = true;
    for (int32_t round = 0; changed; round++) {
        LN_TRY(ln_body_infer(c, body, formal));
        changed = false;
        linnet_status st = LINNET_OK;
        for (int32_t i = 0; i < n && st == LINNET_OK; i++)
            changed |= widen(c, &formal[in + i], ln_body_output_info(c, body, out + i), round >= FINE, &st);
        if (st != LINNET_OK)
            return st;
    }
    return LINNET_OK;
}
