/* SPDX-License-Identifier: Apache-2.0
 *
 * ConcatFromSequence: the tensors of a sequence along an axis, or along a new one. ai.onnx ConcatFromSequence-11.
 */
#include "ops/late.h"

#include <string.h>

typedef struct concat_params {
    int64_t axis, new_axis;
} concat_params;

static linnet_status concat_infer(ln_ctx *c)
{
    const concat_params *p = c->params;
    if (p->new_axis != 0 && p->new_axis != 1)
        return ln_fail(c, LINNET_ERR_MODEL, "new_axis is %lld", (long long)p->new_axis);
    if (c->in[0]->kind != LINNET_SEQUENCE && (c->in[0]->kind != LINNET_TENSOR || c->in[0]->type))
        return ln_fail(c, LINNET_ERR_MODEL, "input 0 is not a sequence");
    return ln_set_unknown(c, 0, (linnet_type)c->in[0]->type);
}

static linnet_status concat_late(ln_ctx *c)
{
    const concat_params *p = c->params;
    const linnet_value *s = ln_late_in(c, 0);
    if (s->kind != LINNET_SEQUENCE)
        return ln_fail(c, LINNET_ERR_DATA, "input 0 is not a sequence");
    if (s->n_items == 0)
        return ln_fail(c, LINNET_ERR_DATA, "the sequence is empty");
    const linnet_value *first = &s->items[0];
    int32_t stack = p->new_axis != 0, rank = first->rank + stack, axis;
    if (first->kind != LINNET_TENSOR)
        return ln_fail(c, LINNET_ERR_DATA, "item 0 is not a tensor");
    if (rank > LN_MAX_RANK)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "output of rank %d", rank);
    LN_TRY(ln_axis(c, p->axis, rank, &axis));
    int64_t sum = 0, dims[LN_MAX_RANK];
    for (int64_t k = 0; k < s->n_items; k++) {
        const linnet_value *v = &s->items[k];
        bool fits = v->kind == LINNET_TENSOR && v->type == first->type && v->rank == first->rank;
        for (int32_t i = 0; fits && i < v->rank; i++)
            fits = v->dims[i] == first->dims[i] || (i == axis && !stack);
        if (!fits)
            return ln_fail(c, LINNET_ERR_DATA, "item %lld does not fit with item 0", (long long)k);
        if (__builtin_add_overflow(sum, stack ? 1 : v->dims[axis], &sum))
            return ln_fail(c, LINNET_ERR_MEMORY, "too large");
    }
    for (int32_t i = 0; i < rank; i++)
        dims[i] = i == axis ? sum : first->dims[i - (stack && i > axis)];
    int64_t outer = 1, inner = (int64_t)linnet_type_size(first->type);
    for (int32_t i = 0; i < rank; i++) {
        LN_TRY(ln_mul_size(c, outer, i < axis ? dims[i] : 1, &outer));
        LN_TRY(ln_mul_size(c, inner, i > axis ? dims[i] : 1, &inner));
    }
    char *y = ln_late_tensor(c, 0, first->type, rank, dims);
    if (!y)
        return ln_no_memory(c);
    size_t stride = (size_t)(sum * inner);
    for (int64_t k = 0; k < s->n_items; k++) {
        const linnet_value *v = &s->items[k];
        size_t row = (size_t)((stack ? 1 : v->dims[axis]) * inner);
        for (int64_t o = 0; o < outer && row; o++)
            memcpy(y + (size_t)o * stride, (const char *)v->data + (size_t)o * row, row);
        y += row;
    }
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {
    LN_ATTR_I_REQ(concat_params, axis),
    LN_ATTR_I(concat_params, new_axis, 0),
    LN_ATTR_END,
};

LN_OP(ConcatFromSequence) = {
    .domain = "",
    .type = "ConcatFromSequence",
    .since = {11},
    .types = 0,
    .in = {1, 1},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(concat_params),
    .infer = concat_infer,
    .late = concat_late,
};
