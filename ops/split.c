/* SPDX-License-Identifier: Apache-2.0
 *
 * Split: a tensor cut along an axis. Where nothing but dimensions of 1 lies before the axis, the outputs are runs of
 * the input and views where the engine grants them; along the last axis they may be read in its rows. ai.onnx Split-2
 * to -18.
 */
#include <string.h>

#include "ops/moving.h"

typedef struct split_params {
    int64_t axis, num_outputs;
    int64_t outer, row;
    int64_t pitch; /* elements from row to row */
    int32_t n, size;
} split_params;

/* Per output, in a->packed. bytes 0: nothing to copy. */
typedef struct part {
    int64_t bytes, offset;
} part;

static void rows(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    const split_params *p = a->params;
    const part *parts = a->packed;
    int64_t pitch = p->pitch * p->size;
    (void)worker;
    for (int32_t i = 0; i < p->n; i++) {
        size_t bytes = (size_t)parts[i].bytes;
        if (!bytes)
            continue;
        const char *x = (const char *)a->in[0] + begin * pitch + parts[i].offset;
        char *y = (char *)a->out[i] + begin * (int64_t)bytes;
        for (int64_t r = begin; r < end; r++, x += pitch, y += bytes)
            memcpy(y, x, bytes);
    }
}

LN_RUN(ln_split)
{
    const split_params *p = a->params;
    const part *parts = a->packed;
    if (p->outer == 1)
        for (int32_t i = 0; i < p->n; i++)
            ln_copy_parallel(a, a->out[i], (const char *)a->in[0] + parts[i].offset, parts[i].bytes);
    else
        ln_parallel(a, p->outer, 10.0 * p->n + 0.1 * (double)p->row, rows, (void *)(uintptr_t)a);
    return LINNET_OK;
}

/* The sizes as given, or *given = NULL: equal parts; *later: not known yet. */
static linnet_status read_split(ln_ctx *c, const int64_t **given, bool *later)
{
    *given = NULL;
    *later = false;
    int64_t n;
    if (c->version < 13) {
        *given = ln_attr_ints(c, "split", &n);
        if (c->n_in > 1)
            return ln_fail(c, LINNET_ERR_MODEL, "%d inputs before opset 13, expected 1", c->n_in);
        if (!*given)
            return LINNET_OK;
    } else {
        const ln_info *s = ln_in(c, 1);
        if (ln_attr_has(c, "split"))
            return ln_fail(c, LINNET_ERR_MODEL, "split is an input from opset 13 on, not an attribute");
        if (!s)
            return LINNET_OK;
        LN_TRY(ln_check_type(c, 1, LN_T(LINNET_INT64), "split"));
        LN_TRY(ln_check_rank(c, 1, 1, 1, "split"));
        if (!s->data) {
            *later = true;
            return LINNET_OK;
        }
        *given = s->data;
        n = ln_info_count(s);
    }
    if (n != c->n_out)
        return ln_fail(c, LINNET_ERR_MODEL, "split has %lld sizes for %d outputs", (long long)n, c->n_out);
    return LINNET_OK;
}

static linnet_status split_infer(ln_ctx *c)
{
    const split_params *p = c->params;
    const ln_info *x = c->in[0];
    linnet_type type = (linnet_type)x->type;
    const int64_t *given;
    bool later;
    int32_t axis;
    LN_TRY(read_split(c, &given, &later));
    if (p->num_outputs && c->version < 18)
        return ln_fail(c, LINNET_ERR_MODEL, "num_outputs before opset 18");
    if (p->num_outputs && p->num_outputs != c->n_out)
        return ln_fail(c, LINNET_ERR_MODEL, "num_outputs is %lld, but there are %d outputs", (long long)p->num_outputs,
                       c->n_out);
    if (x->rank < 0) {
        for (int32_t i = 0; i < c->n_out; i++)
            LN_TRY(ln_set_unknown(c, i, type));
        return LINNET_OK;
    }
    LN_TRY(ln_axis(c, p->axis, x->rank, &axis));
    int64_t dims[LN_MAX_RANK], total = x->dims[axis], sum = 0, equal = LN_UNKNOWN;
    memcpy(dims, x->dims, sizeof dims);
    if (!given && !later && total >= 0) {
        if (c->version < 18 && total % c->n_out)
            return ln_fail(c, LINNET_ERR_MODEL, "size %lld does not divide into %d equal parts", (long long)total,
                           c->n_out);
        equal = (total + c->n_out - 1) / c->n_out;
    }
    for (int32_t i = 0; i < c->n_out; i++) {
        int64_t d = given ? given[i] : equal;
        if (given && d < 0)
            return ln_fail(c, LINNET_ERR_MODEL, "split[%d] is %lld", i, (long long)d);
        if (equal >= 0) /* the last parts may be smaller */
            d = d < total - sum ? d : total - sum;
        if (d >= 0 && __builtin_add_overflow(sum, d, &sum))
            return ln_fail(c, LINNET_ERR_MEMORY, "split[%d] is too large", i);
        dims[axis] = d;
        LN_TRY(ln_set_shape(c, i, type, x->rank, dims));
    }
    if (given && total >= 0 && sum != total)
        return ln_fail(c, LINNET_ERR_MODEL, "the sizes in split add up to %lld, but the dimension has size %lld",
                       (long long)sum, (long long)total);
    return LINNET_OK;
}

static linnet_status split_plan(ln_ctx *c)
{
    split_params *p = c->params;
    const ln_info *x = c->in[0];
    size_t size = linnet_type_size((linnet_type)x->type);
    const int64_t *given;
    bool later, left = false;
    int32_t axis;
    LN_TRY(read_split(c, &given, &later));
    if (later)
        return LN_NEED_DATA;
    LN_TRY(ln_axis(c, p->axis, x->rank, &axis));
    part *parts = ln_pack(c, (size_t)c->n_out * sizeof *parts);
    if (!parts)
        return ln_no_memory(c);
    p->n = c->n_out;
    p->outer = ln_dims_product(x->dims, 0, axis);
    int64_t inner = (int64_t)size * ln_dims_product(x->dims, axis + 1, x->rank), at = 0;
    p->row = inner * x->dims[axis];
    p->size = (int32_t)size;
    p->pitch = p->row / p->size;
    bool last = axis == x->rank - 1 && p->outer > 1;
    if (last)
        ln_in_rows(c, 0, &p->pitch);
    int64_t equal = (x->dims[axis] + c->n_out - 1) / c->n_out;
    for (int32_t i = 0; i < c->n_out; i++) {
        int64_t rest = x->dims[axis] - at, d = given ? given[i] : equal < rest ? equal : rest;
        parts[i] = (part){c->out[i] ? d * inner : 0, at * inner};
        if (c->out[i] && p->outer == 1 && ln_view(c, i, 0, (size_t)(at * inner)))
            parts[i].bytes = 0;
        else if (c->out[i])
            left = true;
        if (last && c->out[i])
            ln_view_rows(c, i, 0, at, &parts[i].bytes);
        at += d;
    }
    if (!left)
        c->run = NULL;
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_I(split_params, axis, 0), LN_ATTR_I(split_params, num_outputs, 0),
                                     LN_ATTR_ANY("split"), LN_ATTR_END};

LN_OP(Split) = {
    .domain = "",
    .type = "Split",
    .since = {2, 11, 13, 18},
    .types = LN_T_ALL,
    .in = {1, 2},
    .out = {1, LN_VARIADIC},
    .attrs = attrs,
    .params_size = sizeof(split_params),
    .infer = split_infer,
    .plan = split_plan,
    LN_RUN_NAME(ln_split),
};
