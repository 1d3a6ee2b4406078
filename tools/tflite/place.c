/* SPDX-License-Identifier: Apache-2.0
 *
 * StableHLO's gather, scatter and sort. Slices that lie anywhere in a tensor are taken and put element by element: the
 * place of each is its slice's start, which the model computes, plus its place in the slice, which is a constant.
 */
#include "tools/tflite/operators.h"

enum { MOST = LINNET_MAX_RANK, LARGEST = 1 << 24 };

/* Lists of dimensions: those of slices among those of a tensor. */
static bool among(ln_tfl_op *o, int32_t n, const int64_t *list, int32_t rank, bool *is)
{
    for (int32_t i = 0; i < rank; i++)
        is[i] = false;
    for (int32_t i = 0; i < n; i++) {
        if (list[i] < 0 || list[i] >= rank || is[list[i]]) {
            ln_tfl_fail(o, LINNET_ERR_MODEL, "dimension %lld of %d, or one twice", (long long)list[i], rank);
            return false;
        }
        is[list[i]] = true;
    }
    if (n < 0)
        ln_tfl_fail(o, LINNET_ERR_MODEL, "more than %d dimensions", MOST);
    return n >= 0;
}

/* Starts from input 1, whose dimension `along` holds them: [batch ..., rank], where no start is given 0. */
static int32_t starts(ln_tfl_op *o, int64_t along, int32_t n_map, const int64_t *map, int32_t rank, int32_t *batch)
{
    int32_t v = ln_tfl_int64(o, 1), from = ln_tfl_in(o, 1)->rank, n = 0;
    int64_t perm[MOST], columns[MOST], pads[2 * MOST] = {0};
    bool given[MOST];
    if (along < 0 || along > from || from >= MOST || rank >= MOST) {
        ln_tfl_fail(o, LINNET_ERR_MODEL, "starts in dimension %lld of %d", (long long)along, from);
        return LN_NO_VALUE;
    }
    if (!among(o, n_map, map, rank, given))
        return LN_NO_VALUE;
    if (along == from) {
        v = ln_tfl_unsqueeze(o, v, from++);
    } else {
        for (int32_t i = 0; i < from; i++)
            if (i != along)
                perm[n++] = i;
        perm[n] = along;
        v = ln_tfl_transpose(o, v, from, perm);
    }
    for (int32_t d = 0; d < rank; d++)
        columns[d] = n_map; /* a column of zeros behind the others */
    for (int32_t k = 0; k < n_map; k++)
        columns[map[k]] = k;
    pads[2 * from - 1] = 1;
    v = LN_NODE(o, "Pad", v, ln_tfl_const_ints(o, 2 * from, pads));
    *batch = from - 1;
    return ln_tfl_node(o, "Gather", LN_INS(v, ln_tfl_const_ints(o, rank, columns)),
                       LN_ATTRS(ln_tfl_attr_int("axis", from - 1)));
}

/* Places of the elements of slices: [batch ..., the sizes that are not `single`, rank]. */
static int32_t places(ln_tfl_op *o, int32_t start, int32_t batch, int32_t rank, const int64_t *sizes,
                      const bool *single)
{
    int64_t dims[MOST + 1], count = 1;
    int32_t n = 0;
    for (int32_t d = 0; d < rank; d++) {
        if (sizes[d] < 1 || count > LARGEST / sizes[d] || (single[d] && sizes[d] != 1)) {
            ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "a slice of %lld elements in a dimension", (long long)sizes[d]);
            return LN_NO_VALUE;
        }
        count *= sizes[d];
        if (!single[d])
            dims[n++] = sizes[d];
    }
    int64_t *grid = ln_arena_array(o->c->arena, count * rank, sizeof *grid);
    if (!grid) {
        ln_tfl_no_memory(o);
        return LN_NO_VALUE;
    }
    for (int64_t i = 0; i < count; i++)
        for (int64_t d = rank, rest = i; d-- > 0;)
            grid[i * rank + d] = rest % sizes[d], rest /= sizes[d];
    dims[n] = rank;
    if (batch + n >= MOST) {
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "more than %d dimensions of slices", MOST - 1);
        return LN_NO_VALUE;
    }
    for (int32_t i = 0; i < n; i++)
        start = ln_tfl_unsqueeze(o, start, batch);
    return LN_NODE(o, "Add", start, ln_tfl_constant(o, LINNET_INT64, n + 1, dims, grid));
}

/* A start is moved so that its slice is inside. */
void ln_tfl_hlo_gather(ln_tfl_op *o)
{
    const ln_tfl_tensor *x = ln_tfl_in(o, 0);
    int64_t offset[MOST], collapsed[MOST], map[MOST], sizes[MOST], room[MOST], perm[MOST];
    int32_t n_offset = ln_tfl_option_ints(o, 0, 8, offset, MOST), rank = x->rank, batch = 0;
    int32_t n_collapsed = ln_tfl_option_ints(o, 1, 8, collapsed, MOST), n_map = ln_tfl_option_ints(o, 2, 8, map, MOST);
    bool single[MOST], slice[MOST];
    if (ln_tfl_option_ints(o, 4, 8, sizes, MOST) != rank || n_offset != rank - n_collapsed || ln_tfl_count(x) < 0) {
        ln_tfl_fail(o, LINNET_ERR_MODEL, "slices that are not of the operand, or one of an open size");
        return;
    }
    for (int32_t d = 0; d < rank; d++)
        if (sizes[d] < 1 || sizes[d] > x->dims[d]) {
            ln_tfl_fail(o, LINNET_ERR_MODEL, "a slice of %lld of %lld", (long long)sizes[d], (long long)x->dims[d]);
            return;
        }
    if (!among(o, n_collapsed, collapsed, rank, single))
        return;
    int32_t start = starts(o, ln_tfl_option(o, 3, 8, 0), n_map, map, rank, &batch);
    for (int32_t d = 0; d < rank; d++)
        room[d] = x->dims[d] - sizes[d];
    start = LN_NODE(o, "Max", LN_NODE(o, "Min", start, ln_tfl_const_ints(o, rank, room)), ln_tfl_const_int(o, 0));
    int32_t where = places(o, start, batch, rank, sizes, single), all = batch + n_offset, b = 0, s = batch;
    if (!ln_tfl_ok(o) || !among(o, n_offset, offset, all, slice))
        return;
    for (int32_t i = 0; i < all; i++)
        perm[i] = slice[i] ? s++ : b++;
    ln_tfl_set_stored(o, 0, ln_tfl_transpose(o, LN_NODE(o, "GatherND", ln_tfl_stored(o, 0), where), all, perm));
}

/* The name of what a body of one operator does with its two arguments, as in ONNX's reductions; "none" where it gives
 * back the second. NULL: failed. */
static const char *update_of(ln_tfl_op *o, int64_t body)
{
    const ln_tfl_subgraph *s = body >= 0 && body < o->c->file.n_subgraphs ? &o->c->file.subgraphs[body] : NULL;
    const ln_flat *f = &o->c->file.flat;
    if (s && s->n_operators == 0 && s->inputs.n == 2 && s->outputs.n == 1 &&
        ln_flat_at(f, s->outputs, 0, 4) == ln_flat_at(f, s->inputs, 1, 4))
        return "none";
    const char *with = ln_tfl_body(o, body);
    if (!with)
        return NULL;
    switch (with[0] == 'M' ? with[1] : with[0]) {
    case 'A':
        return with[1] == 'd' ? "add" : NULL;
    case 'u':
        return "mul";
    case 'a':
        return "max";
    case 'i':
        return "min";
    default:
        return NULL;
    }
}

/* Elements that fall outside are dropped: the operand is a row with one more element, to which they go. */
void ln_tfl_hlo_scatter(ln_tfl_op *o)
{
    const ln_tfl_tensor *x = ln_tfl_in(o, 0), *u = ln_tfl_in(o, 2);
    int64_t window[MOST], inserted[MOST], map[MOST], sizes[MOST], perm[MOST], strides[MOST], count = ln_tfl_count(x);
    int32_t n_window = ln_tfl_option_ints(o, 1, 8, window, MOST), rank = x->rank, batch = 0, n = 0;
    int32_t n_inserted = ln_tfl_option_ints(o, 2, 8, inserted, MOST), n_map = ln_tfl_option_ints(o, 3, 8, map, MOST);
    bool single[MOST], slice[MOST];
    const char *how = update_of(o, ln_tfl_option(o, 6, 4, -1));
    if (o->node->inputs.n != 3 || !how || count < 1 || ln_tfl_count(u) < 1) {
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED,
                    "several operands, an open size or none, or a body that is no sum, product, maximum, minimum or "
                    "the update");
        return;
    }
    if (n_window != rank - n_inserted || rank < 1 || !among(o, n_inserted, inserted, rank, single) ||
        !among(o, n_window, window, u->rank, slice)) {
        ln_tfl_fail(o, LINNET_ERR_MODEL, "updates that do not fit the operand");
        return;
    }
    int32_t start = starts(o, ln_tfl_option(o, 4, 8, 0), n_map, map, rank, &batch);
    for (int32_t i = 0; i < u->rank; i++)
        if (!slice[i])
            perm[n++] = i;
    if (ln_tfl_ok(o) && n != batch)
        ln_tfl_fail(o, LINNET_ERR_MODEL, "updates that do not fit the indices");
    for (int32_t d = 0, k = 0; d < rank; d++) {
        for (; !single[d] && !slice[k]; k++)
            ;
        sizes[d] = single[d] ? 1 : u->dims[k];
        if (!single[d])
            perm[n++] = k++;
    }
    for (int64_t d = rank, step = 1; d-- > 0; step *= x->dims[d])
        strides[d] = step;
    int32_t where = places(o, start, batch, rank, sizes, single), last = ln_tfl_const_ints(o, 1, &(int64_t){-1});
    if (!ln_tfl_ok(o))
        return;
    ln_attr keep = ln_tfl_attr_int("keepdims", 0);
    int32_t at = ln_tfl_node(o, "ReduceSum",
                             LN_INS(LN_NODE(o, "Mul", where, ln_tfl_const_ints(o, rank, strides)), last), 1, &keep);
    int32_t inside = LN_NODE(o, "And", LN_NODE(o, "GreaterOrEqual", where, ln_tfl_const_int(o, 0)),
                             LN_NODE(o, "Less", where, ln_tfl_const_ints(o, rank, x->dims)));
    inside = ln_tfl_node(o, "ReduceMin", LN_INS(ln_tfl_cast(o, inside, LINNET_INT32), last), 1, &keep);
    at = LN_NODE(o, "Where", ln_tfl_cast(o, inside, LINNET_BOOL), at, ln_tfl_const_int(o, count));
    int32_t row = ln_tfl_reshape(o, ln_tfl_stored(o, 0), 1, (int64_t[]){-1});
    row = LN_NODE(o, "Pad", row, ln_tfl_const_ints(o, 2, (int64_t[]){0, 1}));
    ln_attr reduction = ln_tfl_attr_text("reduction", how);
    int32_t update = ln_tfl_transpose(o, ln_tfl_stored(o, 2), u->rank, perm);
    row = ln_tfl_node(o, "ScatterND", LN_INS(row, ln_tfl_unsqueeze(o, at, -1), update), 1, &reduction);
    ln_tfl_set_stored(o, 0, ln_tfl_reshape_as(o, ln_tfl_slice(o, row, 0, 0, -1), x));
}

/* By the comparison of one operand's two elements, in the order that they have where they are equal. */
void ln_tfl_hlo_sort(ln_tfl_op *o)
{
    static const struct {
        int32_t code;
        bool falls;
    } plain[] = {{58, false}, {63, false}, {61, true}, {62, true}};
    const ln_tfl_tensor *x = ln_tfl_in(o, 0);
    ln_flat *f = &o->c->file.flat;
    int64_t body = ln_tfl_option(o, 2, 4, -1), axis = ln_tfl_axis(o, ln_tfl_option(o, 0, 8, 0), x->rank),
            key[2] = {-1, -1};
    const ln_tfl_subgraph *s = body >= 0 && body < o->c->file.n_subgraphs ? &o->c->file.subgraphs[body] : NULL;
    uint32_t n = o->node->inputs.n;
    int falls = -1;
    if (s && s->n_operators == 1 && s->inputs.n == 2 * n && s->operators[0].inputs.n == 2) {
        const ln_tfl_operator *c = &s->operators[0];
        const ln_flat_table *t = c->options2.at ? &c->options2 : &c->options;
        int64_t direction = c->code == 191 ? ln_flat_int(f, t, 0, 4, 0) : 0;
        falls = direction == 2 || direction == 3 ? 1 : direction == 4 || direction == 5 ? 0 : -1;
        for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
            if (plain[i].code == c->code)
                falls = plain[i].falls;
        for (uint32_t i = 0; i < 2 * n; i++)
            for (uint32_t k = 0; k < 2; k++)
                if (ln_flat_at(f, c->inputs, k, 4) == ln_flat_at(f, s->inputs, i, 4))
                    key[k] = i;
    }
    if (falls < 0 || key[0] < 0 || key[1] < 0 || key[0] / 2 != key[1] / 2 || key[0] == key[1]) {
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "a comparator that is not one comparison of an operand's elements");
        return;
    }
    falls ^= key[0] > key[1];
    if (!ln_tfl_ok(o) || x->dims[axis] < 0) {
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "a dimension of an open size");
        return;
    }
    int32_t out[2], in[2] = {ln_tfl_stored(o, (uint32_t)key[0] / 2), ln_tfl_const_ints(o, 1, &x->dims[axis])};
    ln_tfl_nodes(o, "TopK", 2, in, LN_ATTRS(ln_tfl_attr_int("axis", axis), ln_tfl_attr_int("largest", falls)), 2, out);
    for (uint32_t i = 0; i < n && ln_tfl_ok(o); i++)
        ln_tfl_set_stored(o, i,
                          i == (uint32_t)key[0] / 2
                              ? out[0]
                              : ln_tfl_node(o, "GatherElements", LN_INS(ln_tfl_stored(o, i), out[1]),
                                            LN_ATTRS(ln_tfl_attr_int("axis", axis))));
}
