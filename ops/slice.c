/* SPDX-License-Identifier: Apache-2.0
 *
 * Slice: a box with steps. The bounds are attributes before opset 10 and inputs from then on; without steps and but for
 * one dimension with nothing before it, a view where the engine grants one. ai.onnx Slice-1 to -13.
 */
#include <string.h>

#include "ops/moving.h"

typedef struct slice_params {
    ln_move move;
    int64_t starts[LN_MAX_RANK], ends[LN_MAX_RANK], axes[LN_MAX_RANK];
    int32_t n_starts, n_ends, n_axes, pad;
} slice_params;

/* Per axis: known: 0 not sliced, 1 bounds are known, -1 they are not. */
typedef struct bounds {
    int64_t start[LN_MAX_RANK], end[LN_MAX_RANK], step[LN_MAX_RANK];
    int32_t known[LN_MAX_RANK];
} bounds;

static linnet_status check_lengths(ln_ctx *c, const char *name, int32_t i, int32_t *n)
{
    const ln_info *x = ln_in(c, i);
    if (!x || x->rank != 1 || x->dims[0] < 0)
        return LINNET_OK;
    if (*n >= 0 && x->dims[0] != *n)
        return ln_fail(c, LINNET_ERR_MODEL, "%s has %lld elements, starts has %d", name, (long long)x->dims[0], *n);
    if (x->dims[0] > LN_MAX_RANK)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "%s has %lld elements", name, (long long)x->dims[0]);
    *n = (int32_t)x->dims[0];
    return LINNET_OK;
}

/* The four lists of n entries each, *missing: at least one of them is not constant; n -1: not even the length is known.
 */
typedef struct lists {
    int64_t starts[LN_MAX_RANK], ends[LN_MAX_RANK], axes[LN_MAX_RANK], steps[LN_MAX_RANK];
    int32_t n;
    bool bounds_missing, axes_missing;
} lists;

static linnet_status read_attributes(ln_ctx *c, lists *l)
{
    const slice_params *p = c->params;
    if (p->n_starts < 0 || p->n_ends < 0)
        return ln_fail(c, LINNET_ERR_MODEL, "attribute %s is missing", p->n_starts < 0 ? "starts" : "ends");
    if (c->n_in > 1)
        return ln_fail(c, LINNET_ERR_MODEL, "%d inputs before opset 10, expected 1", c->n_in);
    l->n = p->n_starts;
    if (p->n_ends != l->n || (p->n_axes >= 0 && p->n_axes != l->n))
        return ln_fail(c, LINNET_ERR_MODEL, "%d starts, %d ends, %d axes", l->n, p->n_ends, p->n_axes);
    for (int32_t i = 0; i < l->n; i++) {
        l->starts[i] = p->starts[i];
        l->ends[i] = p->ends[i];
        l->axes[i] = p->n_axes >= 0 ? p->axes[i] : i;
        l->steps[i] = 1;
    }
    return LINNET_OK;
}

static linnet_status read_lists(ln_ctx *c, lists *l)
{
    const slice_params *p = c->params;
    int32_t n[4];
    *l = (lists){.n = -1};
    if (c->version < 10)
        return read_attributes(c, l);
    if (p->n_starts >= 0 || p->n_ends >= 0 || p->n_axes >= 0)
        return ln_fail(c, LINNET_ERR_MODEL, "starts, ends and axes are inputs from opset 10 on, not attributes");
    if (c->n_in < 3 || !c->in[1] || !c->in[2])
        return ln_fail(c, LINNET_ERR_MODEL, "input %d is missing", c->n_in > 1 && c->in[1] ? 2 : 1);
    LN_TRY(ln_read_ints(c, 1, "starts", l->starts, &n[0]));
    LN_TRY(ln_read_ints(c, 2, "ends", l->ends, &n[1]));
    LN_TRY(ln_read_ints(c, 3, "axes", l->axes, &n[2]));
    LN_TRY(ln_read_ints(c, 4, "steps", l->steps, &n[3]));
    LN_TRY(check_lengths(c, "starts", 1, &l->n));
    LN_TRY(check_lengths(c, "ends", 2, &l->n));
    LN_TRY(check_lengths(c, "axes", 3, &l->n));
    LN_TRY(check_lengths(c, "steps", 4, &l->n));
    l->axes_missing = ln_in(c, 3) && n[2] < 0;
    l->bounds_missing = n[0] < 0 || n[1] < 0 || (ln_in(c, 4) && n[3] < 0);
    for (int32_t i = 0; i < l->n; i++) {
        if (!ln_in(c, 3))
            l->axes[i] = i;
        if (!ln_in(c, 4))
            l->steps[i] = 1;
        if (!l->bounds_missing && l->steps[i] == 0)
            return ln_fail(c, LINNET_ERR_MODEL, "steps[%d] is 0", i);
    }
    return LINNET_OK;
}

/* *all: nothing at all is known of the output's dimensions. */
static linnet_status read_bounds(ln_ctx *c, int32_t rank, bounds *b, bool *all)
{
    lists l;
    memset(b, 0, sizeof *b);
    LN_TRY(read_lists(c, &l));
    *all = l.n < 0 || l.axes_missing;
    if (*all)
        return LINNET_OK;
    LN_TRY(ln_check_axes(c, l.n, l.axes, rank));
    for (int32_t i = 0; i < l.n; i++) {
        int64_t k = l.axes[i];
        b->known[k] = l.bounds_missing ? -1 : 1;
        b->start[k] = l.starts[i];
        b->end[k] = l.ends[i];
        b->step[k] = l.steps[i];
    }
    return LINNET_OK;
}

/* Clamps the bounds to a dimension; the number of elements. Going down, a start below the first element is the first
 * element, as the specification has it (numpy takes nothing there). */
static int64_t clamp(int64_t dim, int64_t step, int64_t *start, int64_t *end)
{
    int64_t s = *start, e = *end;
    if (s < 0)
        s = s < -dim ? -1 : s + dim;
    if (e < 0)
        e = e < -dim ? -1 : e + dim;
    if (step > 0) {
        s = s < 0 ? 0 : s > dim ? dim : s;
        e = e < 0 ? 0 : e > dim ? dim : e;
    } else {
        s = s < 0 ? 0 : s;
        s = s > dim - 1 ? dim - 1 : s;
        e = e > dim - 1 ? dim - 1 : e;
    }
    *start = s;
    *end = e;
    if (step > 0)
        return e > s ? (e - s - 1) / step + 1 : 0;
    return s > e ? (int64_t)((uint64_t)(s - e - 1) / (0 - (uint64_t)step)) + 1 : 0;
}

static linnet_status slice_infer(ln_ctx *c)
{
    const ln_info *x = c->in[0];
    bounds b;
    bool all;
    int64_t dims[LN_MAX_RANK];
    if (x->rank < 0) {
        lists l;
        LN_TRY(read_lists(c, &l));
        return ln_set_unknown(c, 0, (linnet_type)x->type);
    }
    LN_TRY(read_bounds(c, x->rank, &b, &all));
    for (int32_t i = 0; i < x->rank; i++) {
        dims[i] = all || b.known[i] < 0 ? LN_UNKNOWN : x->dims[i];
        if (all || b.known[i] <= 0)
            continue;
        if (x->dims[i] >= 0)
            dims[i] = clamp(x->dims[i], b.step[i], &b.start[i], &b.end[i]);
        else if (b.start[i] != 0 || b.end[i] < INT32_MAX || b.step[i] != 1)
            dims[i] = LN_UNKNOWN; /* else all of it, whatever its size */
    }
    return ln_set_shape(c, 0, (linnet_type)x->type, x->rank, dims);
}

static linnet_status slice_plan(ln_ctx *c)
{
    slice_params *p = c->params;
    const ln_info *x = c->in[0];
    size_t size = linnet_type_size((linnet_type)x->type);
    bounds b;
    bool all;
    int64_t strides[LN_MAX_RANK], ys[LN_MAX_RANK], xs[LN_MAX_RANK], offset = 0;
    LN_TRY(read_bounds(c, x->rank, &b, &all));
    if (all)
        return LN_NEED_DATA;
    ln_strides(x->rank, x->dims, strides);
    ln_strides(x->rank, c->out[0]->dims, ys);
    for (int32_t i = 0; i < x->rank; i++) {
        xs[i] = strides[i];
        if (!b.known[i])
            continue;
        if (b.known[i] < 0)
            return LN_NEED_DATA;
        int64_t n = clamp(x->dims[i], b.step[i], &b.start[i], &b.end[i]);
        if (n > 0)
            offset += b.start[i] * strides[i];
        xs[i] = n > 1 ? strides[i] * b.step[i] : 0;
    }
    ln_move_make(&p->move, x->rank, c->out[0]->dims, ys, xs, size);
    if (p->move.way != LN_MOVE_EMPTY)
        p->move.x_offset = offset * (int64_t)size;
    return ln_plan_move(c, &p->move);
}

static const ln_attr_spec attrs[] = {LN_ATTR_INTS(slice_params, starts), LN_ATTR_INTS(slice_params, ends),
                                     LN_ATTR_INTS(slice_params, axes), LN_ATTR_END};

LN_OP(Slice) = {
    .domain = "",
    .type = "Slice",
    .since = {1, 10, 11, 13},
    .types = LN_T_ALL,
    .in = {1, 5},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(slice_params),
    .infer = slice_infer,
    .plan = slice_plan,
    LN_RUN_NAME(ln_moving),
};
