/* SPDX-License-Identifier: Apache-2.0
 *
 * SplitToSequence: pieces of a tensor along an axis, as a sequence. A piece of the outermost axis is copied with one
 * memcpy, others row by row. ai.onnx SplitToSequence-11, -24 (which adds bfloat16).
 */
#include "ops/late.h"

#include <string.h>

typedef struct split_params {
    int64_t axis, keepdims;
} split_params;

static linnet_status split_infer(ln_ctx *c)
{
    const split_params *p = c->params;
    int32_t axis;
    if (c->in[0]->rank >= 0)
        LN_TRY(ln_axis(c, p->axis, c->in[0]->rank, &axis));
    LN_TRY(ln_check_type(c, 1, LN_T(LINNET_INT32) | LN_T(LINNET_INT64), "split"));
    LN_TRY(ln_check_rank(c, 1, 0, 1, "split"));
    *c->out[0] = (ln_info){.kind = LINNET_SEQUENCE, .item = LINNET_TENSOR, .type = c->in[0]->type, .rank = -1};
    return LINNET_OK;
}

static int64_t int_at(const linnet_value *v, int64_t i)
{
    return v->type == LINNET_INT32 ? ((const int32_t *)v->data)[i] : ((const int64_t *)v->data)[i];
}

/* The number of pieces; those of split must cover the axis. A scalar is the length of every piece but the last. */
static linnet_status count_pieces(ln_ctx *c, const linnet_value *split, int64_t dim, int64_t *n, int64_t *each)
{
    if (!split || split->rank == 0) {
        *each = split ? int_at(split, 0) : 1;
        if (*each < 1)
            return ln_fail(c, LINNET_ERR_DATA, "split is %lld", (long long)*each);
        *n = dim / *each + (dim % *each != 0);
        return LINNET_OK;
    }
    *n = split->dims[0];
    *each = 0;
    int64_t sum = 0;
    for (int64_t i = 0; i < *n; i++) {
        int64_t piece = int_at(split, i);
        if (piece < 0 || piece > dim - sum)
            return ln_fail(c, LINNET_ERR_DATA, "piece %lld of split is %lld, the axis has %lld", (long long)i,
                           (long long)piece, (long long)dim);
        sum += piece;
    }
    if (sum != dim)
        return ln_fail(c, LINNET_ERR_DATA, "split sums up to %lld, the axis has %lld", (long long)sum, (long long)dim);
    return LINNET_OK;
}

static linnet_status split_late(ln_ctx *c)
{
    const split_params *p = c->params;
    const linnet_value *x = ln_late_in(c, 0), *split = ln_late_in(c, 1);
    int32_t axis;
    LN_TRY(ln_axis(c, p->axis, x->rank, &axis));
    bool keep = split || p->keepdims;
    int64_t dim = x->dims[axis], n = 0, each = 0, outer = 1;
    LN_TRY(count_pieces(c, split, dim, &n, &each));
    size_t inner = linnet_type_size(x->type);
    for (int32_t i = 0; i < x->rank; i++) {
        outer *= i < axis ? x->dims[i] : 1;
        inner *= i > axis ? (size_t)x->dims[i] : 1;
    }
    linnet_value *v = ln_late_out(c, 0);
    *v = (linnet_value){.kind = LINNET_SEQUENCE, .type = x->type, .n_items = n};
    int64_t bytes;
    LN_TRY(ln_mul_size(c, n, sizeof *v->items, &bytes));
    if (!(v->items = ln_late_alloc(c, (size_t)bytes)))
        return ln_no_memory(c);
    int64_t at = 0;
    for (int64_t k = 0; k < n; k++) {
        int64_t piece = each ? (each < dim - at ? each : dim - at) : int_at(split, k);
        linnet_value *item = &v->items[k];
        *item = (linnet_value){.kind = LINNET_TENSOR, .type = x->type};
        for (int32_t i = 0; i < x->rank; i++)
            if (i != axis || keep)
                item->dims[item->rank++] = i == axis ? piece : x->dims[i];
        size_t row = (size_t)piece * inner;
        if (!(item->data = ln_late_alloc(c, (size_t)outer * row)))
            return ln_no_memory(c);
        for (int64_t o = 0; o < outer && row; o++)
            memcpy((char *)item->data + (size_t)o * row, (const char *)x->data + (size_t)(o * dim + at) * inner, row);
        at += piece;
    }
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {
    LN_ATTR_I(split_params, axis, 0),
    LN_ATTR_I(split_params, keepdims, 1),
    LN_ATTR_END,
};

LN_OP(SplitToSequence) = {
    .domain = "",
    .type = "SplitToSequence",
    .since = {11, 24},
    .types = LN_T_ALL,
    .in = {1, 2},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(split_params),
    .infer = split_infer,
    .late = split_late,
};
