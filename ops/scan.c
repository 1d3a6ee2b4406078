/* SPDX-License-Identifier: Apache-2.0
 *
 * Scan: a body over the slices of its scan inputs, states carried along, outputs stacked. Slices along the first axis
 * are read where they lie, others are gathered. Version 8 has a batch in front of everything, over which the whole
 * repeats, and lengths per batch entry; what lies beyond a length is zero.
 * ai.onnx Scan-8, -9, -11, -16, -19, -21, -23, -24, -25 (from 9 on they differ in types and negative axes alone).
 */
#include "ops/late.h"

#include <string.h>

typedef struct scan_params {
    int64_t num_scan_inputs;
} scan_params;

/* How a node is laid out. */
typedef struct scan_shape {
    int32_t body;
    int32_t batch;                                                      /* 1: version 8 */
    int32_t n, m, k;                                                    /* states, scan inputs, scan outputs */
    int32_t first;                                                      /* node input of the first state */
    const int64_t *in_axes, *out_axes, *in_directions, *out_directions; /* NULL: zeros */
} scan_shape;

static linnet_status list_of(ln_ctx *c, const char *name, int32_t want, const int64_t **list)
{
    int64_t n;
    *list = ln_attr_ints(c, name, &n);
    if (*list && n != want)
        return ln_fail(c, LINNET_ERR_MODEL, "%s has %lld elements, expected %d", name, (long long)n, want);
    return LINNET_OK;
}

static linnet_status check_directions(ln_ctx *c, const int64_t *list, int32_t n)
{
    for (int32_t i = 0; list && i < n; i++)
        if (list[i] != 0 && list[i] != 1)
            return ln_fail(c, LINNET_ERR_MODEL, "direction %lld is neither 0 nor 1", (long long)list[i]);
    return LINNET_OK;
}

static linnet_status shape_of(ln_ctx *c, scan_shape *s)
{
    const scan_params *p = c->params;
    *s = (scan_shape){.body = ln_body_find(c, "body"), .batch = c->version == 8, .first = c->version == 8};
    if (s->body < 0)
        return ln_fail(c, LINNET_ERR_MODEL, "attribute body is missing");
    if (p->num_scan_inputs < 1 || p->num_scan_inputs > c->n_in - s->first)
        return ln_fail(c, LINNET_ERR_MODEL, "num_scan_inputs is %lld with %d inputs", (long long)p->num_scan_inputs,
                       c->n_in - s->first);
    s->m = (int32_t)p->num_scan_inputs;
    s->n = c->n_in - s->first - s->m;
    s->k = ln_body_outputs(c, s->body) - s->n;
    if (ln_body_inputs(c, s->body) != s->n + s->m)
        return ln_fail(c, LINNET_ERR_MODEL, "the body has %d inputs, expected %d", ln_body_inputs(c, s->body),
                       s->n + s->m);
    if (s->k < 0 || c->n_out > s->n + s->k)
        return ln_fail(c, LINNET_ERR_MODEL, "the body has %d outputs, the node %d states and %d outputs",
                       ln_body_outputs(c, s->body), s->n, c->n_out);
    for (int32_t i = s->first; i < c->n_in; i++)
        if (!c->in[i] || c->in[i]->kind != LINNET_TENSOR)
            return ln_fail(c, LINNET_ERR_MODEL, "input %d is missing or no tensor", i);
    if (s->batch) {
        LN_TRY(ln_check_type(c, 0, LN_T(LINNET_INT64), "sequence_lens"));
        LN_TRY(list_of(c, "directions", s->m, &s->in_directions));
    } else {
        LN_TRY(list_of(c, "scan_input_directions", s->m, &s->in_directions));
        LN_TRY(list_of(c, "scan_output_directions", s->k, &s->out_directions));
        LN_TRY(list_of(c, "scan_input_axes", s->m, &s->in_axes));
        LN_TRY(list_of(c, "scan_output_axes", s->k, &s->out_axes));
    }
    LN_TRY(check_directions(c, s->in_directions, s->m));
    return check_directions(c, s->out_directions, s->k);
}

/* Without dimension `at`. */
static void remove_dim(int32_t *rank, int64_t *dims, int32_t at)
{
    for (int32_t i = at; i + 1 < *rank; i++)
        dims[i] = dims[i + 1];
    --*rank;
}

/* With size before dimension `at`. */
static void insert_dim(int32_t *rank, int64_t *dims, int32_t at, int64_t size)
{
    for (int32_t i = *rank; i > at; i--)
        dims[i] = dims[i - 1];
    dims[at] = size;
    ++*rank;
}

static void same_or_unknown(int64_t *known, int64_t size)
{
    if (size >= 0)
        *known = size;
}

/* Formal infos of the body; the batch and the number of iterations where they are known. */
static linnet_status formals(ln_ctx *c, const scan_shape *s, ln_info *formal, int64_t *batch, int64_t *trips)
{
    *batch = *trips = LN_UNKNOWN;
    for (int32_t i = 0; i < s->n + s->m; i++) {
        ln_info *f = &formal[i];
        *f = *c->in[s->first + i];
        f->data = NULL;
        if (f->rank < 0)
            continue;
        if (s->batch) {
            if (f->rank < 1)
                return ln_fail(c, LINNET_ERR_MODEL, "input %d has no batch axis", s->first + i);
            if (*batch >= 0)
                LN_TRY(ln_check_dim(c, f->dims[0], *batch, "the batch size of an input"));
            same_or_unknown(batch, f->dims[0]);
            remove_dim(&f->rank, f->dims, 0);
        }
        if (i < s->n)
            continue;
        int32_t axis;
        LN_TRY(ln_axis(c, s->in_axes ? s->in_axes[i - s->n] : 0, f->rank, &axis));
        if (*trips >= 0)
            LN_TRY(ln_check_dim(c, f->dims[axis], *trips, "the length of a scan input"));
        same_or_unknown(trips, f->dims[axis]);
        remove_dim(&f->rank, f->dims, axis);
    }
    return LINNET_OK;
}

static linnet_status scan_infer(ln_ctx *c)
{
    scan_shape s;
    int64_t batch, trips;
    LN_TRY(shape_of(c, &s));
    ln_info *formal = ln_temporary(c, (size_t)(s.n + s.m) * sizeof *formal);
    if (!formal)
        return ln_no_memory(c);
    LN_TRY(formals(c, &s, formal, &batch, &trips));
    LN_TRY(ln_body_settle(c, s.body, formal, 0, 0, s.n));
    for (int32_t i = 0; i < c->n_out; i++) {
        if (!c->out[i])
            continue;
        ln_info info = i < s.n ? formal[i] : *ln_body_output_info(c, s.body, i);
        if (info.kind != LINNET_TENSOR || info.rank < 0 || info.type == LINNET_UNDEFINED) {
            LN_TRY(ln_set_unknown(c, i, (linnet_type)info.type));
            continue;
        }
        if (info.rank + 2 > LN_MAX_RANK)
            return ln_fail(c, LINNET_ERR_UNSUPPORTED, "output of rank %d", info.rank + 2);
        for (int32_t d = 0; d < info.rank; d++)
            if (info.dims[d] < 0)
                info.dims[d] = LN_UNKNOWN;
        if (i >= s.n) {
            int32_t axis;
            LN_TRY(ln_axis(c, s.out_axes ? s.out_axes[i - s.n] : 0, info.rank + 1, &axis));
            insert_dim(&info.rank, info.dims, axis, trips);
        }
        if (s.batch)
            insert_dim(&info.rank, info.dims, 0, batch);
        LN_TRY(ln_set_shape(c, i, (linnet_type)info.type, info.rank, info.dims));
    }
    return LINNET_OK;
}

/* -- run --------------------------------------------------------------------------------------------------------------
 */

/* A scan input: rows of `inner` bytes at index t of every one of `outer` blocks. */
typedef struct scan_slices {
    const char *data;
    int64_t outer, trips;
    size_t inner;
    char *gathered; /* outer > 1: room for one slice */
} scan_slices;

static int64_t product(const int64_t *dims, int32_t from, int32_t to)
{
    int64_t n = 1;
    for (int32_t i = from; i < to; i++)
        n *= dims[i];
    return n;
}

static linnet_value tensor_of(const ln_info *info, const void *data)
{
    linnet_value v = {
        .kind = LINNET_TENSOR, .type = (linnet_type)info->type, .rank = info->rank, .data = (void *)(uintptr_t)data};
    memcpy(v.dims, info->dims, sizeof v.dims);
    return v;
}

static linnet_status slices_of(ln_ctx *c, const scan_shape *s, int32_t i, int64_t entry, scan_slices *x)
{
    const linnet_value *v = ln_late_in(c, s->first + s->n + i);
    int32_t axis;
    LN_TRY(ln_axis(c, s->in_axes ? s->in_axes[i] : 0, v->rank - s->batch, &axis));
    axis += s->batch;
    size_t size = linnet_type_size(v->type);
    x->outer = product(v->dims, s->batch, axis);
    x->trips = v->dims[axis];
    x->inner = (size_t)product(v->dims, axis + 1, v->rank) * size;
    x->data = (const char *)v->data + (size_t)(entry * product(v->dims, 1, v->rank)) * (s->batch ? size : 0);
    if (x->outer != 1 && !x->gathered && !(x->gathered = ln_late_alloc(c, (size_t)x->outer * x->inner)))
        return ln_no_memory(c);
    return LINNET_OK;
}

static const void *slice(const scan_slices *x, int64_t t)
{
    if (x->outer == 1)
        return x->data + (size_t)t * x->inner;
    for (int64_t o = 0; o < x->outer && x->inner; o++)
        memcpy(x->gathered + (size_t)o * x->inner, x->data + (size_t)(o * x->trips + t) * x->inner, x->inner);
    return x->gathered;
}

/* What the iterations work with. */
typedef struct scan_state {
    scan_shape s;
    ln_info *formal;
    scan_slices *slices;
    linnet_value *in, *out;
    ln_stack *states; /* version 8: final states by batch entry */
    ln_stack *scans;
} scan_state;

static linnet_status iterate(ln_ctx *c, scan_state *w, int64_t entry, int64_t trips)
{
    const scan_shape *s = &w->s;
    for (int32_t i = 0; i < s->n; i++) {
        const linnet_value *v = ln_late_in(c, s->first + i);
        size_t bytes = s->batch ? (size_t)product(v->dims, 1, v->rank) * linnet_type_size(v->type) : 0;
        w->in[i] = tensor_of(&w->formal[i], (const char *)v->data + (size_t)entry * bytes);
    }
    for (int32_t i = 0; i < s->m; i++)
        LN_TRY(slices_of(c, s, i, entry, &w->slices[i]));
    for (int64_t t = 0; t < trips; t++) {
        for (int32_t i = 0; i < s->m; i++) {
            bool back = s->in_directions && s->in_directions[i];
            w->in[s->n + i] = tensor_of(&w->formal[s->n + i], slice(&w->slices[i], back ? trips - 1 - t : t));
        }
        LN_TRY(ln_body_run(c, s->body, w->in, w->out, false));
        for (int32_t i = 0; i < s->n; i++)
            w->in[i] = w->out[i];
        for (int32_t i = 0; i < s->k; i++)
            LN_TRY(ln_stack_push(c, &w->scans[i], &w->out[s->n + i], "scan output", i));
    }
    return LINNET_OK;
}

/* The stacked elements as output, along its axis and in its direction. */
static linnet_status give_scan(ln_ctx *c, const scan_state *w, int32_t i, int64_t trips)
{
    const scan_shape *s = &w->s;
    ln_stack *k = &w->scans[i];
    if (k->rank < 0) {
        const ln_info *item = ln_body_output_info(c, s->body, s->n + i);
        k->type = item->type == LINNET_UNDEFINED ? LINNET_FLOAT32 : (linnet_type)item->type;
        k->rank = item->rank < 0 ? 0 : item->rank;
        for (int32_t d = 0; d < k->rank; d++)
            k->dims[d] = item->dims[d] < 0 ? 0 : item->dims[d];
    }
    int32_t axis, rank = k->rank;
    if (rank + 1 > LN_MAX_RANK)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "output of rank %d", rank + 1);
    LN_TRY(ln_axis(c, s->out_axes ? s->out_axes[i] : 0, rank + 1, &axis));
    int64_t dims[LN_MAX_RANK];
    memcpy(dims, k->dims, sizeof dims);
    insert_dim(&rank, dims, axis, trips);
    static char nothing[64];
    linnet_value v = {.kind = LINNET_TENSOR, .type = k->type, .rank = rank, .data = k->data ? k->data : nothing};
    memcpy(v.dims, dims, sizeof dims);
    bool back = s->out_directions && s->out_directions[i];
    if (axis != 0 || back) {
        int64_t outer = product(dims, 0, axis);
        size_t inner = (size_t)product(dims, axis + 1, rank) * linnet_type_size(k->type);
        char *to = ln_late_alloc(c, ln_value_bytes(&v));
        if (!to)
            return ln_no_memory(c);
        for (int64_t o = 0; o < outer && inner; o++)
            for (int64_t t = 0; t < trips; t++)
                memcpy(to + (size_t)(o * trips + (back ? trips - 1 - t : t)) * inner,
                       k->data + (size_t)(t * outer + o) * inner, inner);
        v.data = to;
    }
    return ln_late_give(c, s->n + i, &v);
}

static linnet_status prepare(ln_ctx *c, scan_state *w, int64_t *batch, int64_t *trips)
{
    scan_shape *s = &w->s;
    LN_TRY(shape_of(c, s));
    w->formal = ln_temporary(c, (size_t)(s->n + s->m) * sizeof *w->formal);
    w->slices = ln_temporary(c, (size_t)s->m * sizeof *w->slices);
    w->in = ln_temporary(c, (size_t)(s->n + s->m) * sizeof *w->in);
    w->out = ln_temporary(c, (size_t)(s->n + s->k) * sizeof *w->out);
    w->states = ln_temporary(c, (size_t)s->n * sizeof *w->states);
    w->scans = ln_temporary(c, (size_t)s->k * sizeof *w->scans);
    if (!w->formal || !w->slices || !w->in || !w->out || !w->states || !w->scans)
        return ln_no_memory(c);
    LN_TRY(formals(c, s, w->formal, batch, trips));
    for (int32_t i = 0; i < s->k; i++)
        ln_stack_init(&w->scans[i], s->batch ? 0 : *trips);
    for (int32_t i = 0; i < s->n; i++)
        ln_stack_init(&w->states[i], *batch);
    return LINNET_OK;
}

/* Version 8: one batch entry after the other; the scan outputs of an entry go to their place in the whole. */
static linnet_status scan_batches(ln_ctx *c, scan_state *w, int64_t batch, int64_t trips)
{
    const scan_shape *s = &w->s;
    const linnet_value *lengths = ln_late_in(c, 0);
    if (lengths && linnet_value_count(lengths) != batch)
        return ln_fail(c, LINNET_ERR_MODEL, "sequence_lens has %lld elements for a batch of %lld",
                       (long long)linnet_value_count(lengths), (long long)batch);
    char **outs = ln_temporary(c, (size_t)s->k * sizeof *outs);
    linnet_value *whole = ln_temporary(c, (size_t)s->k * sizeof *whole);
    if (!outs || !whole)
        return ln_no_memory(c);
    for (int64_t b = 0; b < batch; b++) {
        int64_t length = lengths ? ((const int64_t *)lengths->data)[b] : trips;
        if (length < 1 || length > trips)
            return ln_fail(c, LINNET_ERR_DATA, "sequence length %lld is not in [1, %lld]", (long long)length,
                           (long long)trips);
        LN_TRY(iterate(c, w, b, length));
        for (int32_t i = 0; i < s->n; i++)
            LN_TRY(ln_stack_push(c, &w->states[i], &w->in[i], "state", i));
        for (int32_t i = 0; i < s->k; i++) {
            ln_stack *k = &w->scans[i];
            linnet_value *v = &whole[i];
            if (!v->data) {
                if (k->rank + 2 > LN_MAX_RANK)
                    return ln_fail(c, LINNET_ERR_UNSUPPORTED, "output of rank %d", k->rank + 2);
                *v =
                    (linnet_value){.kind = LINNET_TENSOR, .type = k->type, .rank = k->rank + 2, .dims = {batch, trips}};
                memcpy(v->dims + 2, k->dims, (size_t)k->rank * sizeof *k->dims);
                int64_t bytes;
                LN_TRY(ln_mul_size(c, batch * trips, (int64_t)k->size, &bytes));
                if (!(v->data = ln_late_alloc(c, (size_t)bytes)))
                    return ln_no_memory(c);
                memset(v->data, 0, (size_t)bytes);
            }
            if (k->size)
                memcpy((char *)v->data + (size_t)(b * trips) * k->size, k->data, (size_t)length * k->size);
            k->n = 0;
        }
    }
    for (int32_t i = 0; i < s->n; i++) {
        ln_stack *k = &w->states[i];
        linnet_value v = *ln_late_in(c, s->first + i);
        if (k->rank + 1 > LN_MAX_RANK)
            return ln_fail(c, LINNET_ERR_UNSUPPORTED, "output of rank %d", k->rank + 1);
        v.data = k->data;
        v.rank = k->rank + 1;
        v.dims[0] = batch;
        memcpy(v.dims + 1, k->dims, (size_t)k->rank * sizeof *k->dims);
        LN_TRY(ln_late_give(c, i, &v));
    }
    for (int32_t i = 0; i < s->k; i++)
        LN_TRY(ln_late_give(c, s->n + i, &whole[i]));
    return LINNET_OK;
}

static linnet_status scan_late(ln_ctx *c)
{
    scan_state w = {0};
    int64_t batch, trips;
    LN_TRY(prepare(c, &w, &batch, &trips));
    if (w.s.batch) {
        if (batch < 1 || trips < 1)
            return ln_fail(c, LINNET_ERR_UNSUPPORTED, "version 8 with a batch of %lld and %lld steps", (long long)batch,
                           (long long)trips);
        return scan_batches(c, &w, batch, trips);
    }
    LN_TRY(iterate(c, &w, 0, trips));
    for (int32_t i = 0; i < w.s.n && i < c->n_out; i++)
        LN_TRY(ln_late_give(c, i, &w.in[i]));
    for (int32_t i = 0; i < w.s.k && w.s.n + i < c->n_out; i++)
        LN_TRY(give_scan(c, &w, i, trips));
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {
    LN_ATTR_I_REQ(scan_params, num_scan_inputs),
    LN_ATTR_ANY("body"),
    LN_ATTR_ANY("directions"),
    LN_ATTR_ANY("scan_input_directions"),
    LN_ATTR_ANY("scan_output_directions"),
    LN_ATTR_ANY("scan_input_axes"),
    LN_ATTR_ANY("scan_output_axes"),
    LN_ATTR_END,
};

LN_OP(Scan) = {
    .domain = "",
    .type = "Scan",
    .since = {8, 9, 11, 16, 19, 21, 23, 24, 25},
    .types = 0,
    .in = {0, LN_VARIADIC},
    .out = {0, LN_VARIADIC},
    .attrs = attrs,
    .params_size = sizeof(scan_params),
    .infer = scan_infer,
    .late = scan_late,
};
