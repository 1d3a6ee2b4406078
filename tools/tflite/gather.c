/* SPDX-License-Identifier: Apache-2.0
 *
 * Elements by index: gathering, scattering, look-up, and what is composed of them.
 */
#include "tools/tflite/operators.h"

/* -- gathering -------------------------------------------------------------------------------------------------------
 */

/* With batch dimensions the axis is brought behind them, where GatherND takes from it, and its place is restored. */
static int32_t gather_batched(ln_tfl_op *o, int32_t axis, int32_t batch)
{
    const ln_tfl_tensor *x = ln_tfl_in(o, 0), *index = ln_tfl_in(o, 1);
    int64_t perm[LINNET_MAX_RANK], back[LINNET_MAX_RANK];
    int32_t rest = x->rank - batch, found = index->rank - batch, rank = x->rank + found - 1;
    if (batch > axis || batch > index->rank || rank > LINNET_MAX_RANK || rest < 1) {
        ln_tfl_fail(o, LINNET_ERR_MODEL, "%d batch dimensions with axis %d", batch, axis);
        return LN_NO_VALUE;
    }
    int32_t n = 0;
    for (int32_t i = 0; i < batch; i++)
        perm[n++] = i;
    perm[n++] = axis;
    for (int32_t i = batch; i < x->rank; i++)
        if (i != axis)
            perm[n++] = i;
    int32_t v = ln_tfl_stored(o, 0);
    if (axis != batch)
        v = ln_tfl_transpose(o, v, x->rank, perm);
    v = ln_tfl_node(o, "GatherND", LN_INS(v, ln_tfl_unsqueeze(o, ln_tfl_int64(o, 1), -1)),
                    LN_ATTRS(ln_tfl_attr_int("batch_dims", batch)));
    if (axis == batch)
        return v;
    n = 0; /* batch, found, before the axis, after it -> batch, before, found, after */
    for (int32_t i = 0; i < batch; i++)
        back[n++] = i;
    for (int32_t i = 0; i < axis - batch; i++)
        back[n++] = batch + found + i;
    for (int32_t i = 0; i < found; i++)
        back[n++] = batch + i;
    for (int32_t i = found + axis; i < rank; i++)
        back[n++] = i;
    return ln_tfl_transpose(o, v, rank, back);
}

void ln_tfl_gather(ln_tfl_op *o)
{
    const ln_tfl_tensor *x = ln_tfl_in(o, 0), *index = ln_tfl_in(o, 1);
    int32_t axis = ln_tfl_axis(o, ln_tfl_option(o, 0, 4, 0), x->rank);
    int64_t batch = ln_tfl_option(o, 1, 4, 0);
    if (batch < 0)
        batch += index->rank;
    if (!ln_tfl_ok(o))
        return;
    if (batch) {
        if (batch < 0 || batch > LINNET_MAX_RANK)
            ln_tfl_fail(o, LINNET_ERR_MODEL, "%lld batch dimensions", (long long)batch);
        else
            ln_tfl_set_stored(o, 0, gather_batched(o, axis, (int32_t)batch));
        return;
    }
    ln_attr a = ln_tfl_attr_int("axis", axis);
    int32_t where = index->type == LINNET_INT32 ? ln_tfl_stored(o, 1) : ln_tfl_int64(o, 1);
    ln_tfl_set_stored(o, 0, ln_tfl_node(o, "Gather", LN_INS(ln_tfl_stored(o, 0), where), 1, &a));
}

void ln_tfl_gather_nd(ln_tfl_op *o)
{
    ln_tfl_set_stored(o, 0, LN_NODE(o, "GatherND", ln_tfl_stored(o, 0), ln_tfl_int64(o, 1)));
}

/* -- scattering ------------------------------------------------------------------------------------------------------
 */

static int32_t scatter(ln_tfl_op *o, int32_t into, int32_t where, int32_t what, const char *reduction)
{
    ln_attr how = ln_tfl_attr_text("reduction", reduction ? reduction : "none");
    return ln_tfl_node(o, "ScatterND", LN_INS(into, where, what), reduction != NULL, &how);
}

/* Inputs: indices, updates, shape. What falls on one place is added. */
void ln_tfl_scatter_nd(ln_tfl_op *o)
{
    int32_t zero = ln_tfl_scalar(o, ln_tfl_in(o, 1)->type, 0);
    int32_t into = LN_NODE(o, "Expand", zero, ln_tfl_int64(o, 2));
    ln_tfl_set_stored(o, 0, scatter(o, into, ln_tfl_int64(o, 0), ln_tfl_stored(o, 1), "add"));
}

/* Inputs: indices (of rank 0, 1 or 2), shape, values, default. */
void ln_tfl_sparse_to_dense(ln_tfl_op *o)
{
    const ln_tfl_tensor *index = ln_tfl_in(o, 0), *y = ln_tfl_out(o, 0);
    int32_t into = LN_NODE(o, "Expand", ln_tfl_stored(o, 3), ln_tfl_int64(o, 1));
    int32_t where = ln_tfl_int64(o, 0), what = ln_tfl_stored(o, 2);
    if (index->rank < 2)
        where = ln_tfl_reshape(o, where, 2, (int64_t[]){-1, index->rank == 0 ? y->rank : 1});
    if (ln_tfl_in(o, 2)->rank == 0) {
        int32_t n = ln_tfl_node(o, "Shape", LN_INS(where), LN_ATTRS(ln_tfl_attr_int("end", 1)));
        what = LN_NODE(o, "Expand", what, n);
    }
    ln_tfl_set_stored(o, 0, scatter(o, into, where, what, NULL));
}

/* The number that leaves a sum, product, maximum or minimum as it is. */
static double neutral(int16_t code, linnet_type type)
{
    bool wide = type == LINNET_INT64, max = code == 154;
    if (code == 153)
        return 1;
    if (code == 125 || code == 155)
        return 0;
    if (type == LINNET_INT32 || wide)
        return max ? (wide ? -0x1p63 : -0x1p31) : (wide ? 0x1.fffffffffffffp62 : 0x1p31 - 1);
    return max ? -3.40282346638528859812e38 : 3.40282346638528859812e38;
}

/* Rows that have the same id are reduced to one. UNSORTED_SEGMENT_*: ids below 0 count for nothing: they go to a row of
 * their own, which is cut off. */
void ln_tfl_segment(ln_tfl_op *o)
{
    const ln_tfl_tensor *x = ln_tfl_in(o, 0);
    bool sorted = o->row->code == 125;
    int32_t ids = ln_tfl_int64(o, 1), n, one = ln_tfl_const_ints(o, 1, &(int64_t){1});
    if (ln_tfl_in(o, 1)->rank != 1) {
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "ids of %d dimensions", ln_tfl_in(o, 1)->rank);
        return;
    }
    if (sorted)
        n = LN_NODE(o, "Add", ln_tfl_slice(o, ids, 0, -1, INT64_MAX), one);
    else
        n = ln_tfl_reshape(o, ln_tfl_int64(o, 2), 1, (int64_t[]){1});
    int32_t where = LN_NODE(o, "Where", LN_NODE(o, "Less", ids, ln_tfl_const_int(o, 0)), n, ids);
    int32_t data = ln_tfl_real(o, 0);
    int32_t row = ln_tfl_node(o, "Shape", LN_INS(data), LN_ATTRS(ln_tfl_attr_int("start", 1)));
    int32_t shape = ln_tfl_concat(o, 0, 2, (int32_t[]){LN_NODE(o, "Add", n, one), row});
    int32_t start = ln_tfl_scalar(o, ln_tfl_real_type(x), neutral(o->row->code, ln_tfl_real_type(x)));
    int32_t into = LN_NODE(o, "Expand", start, shape);
    int32_t v = scatter(o, into, ln_tfl_unsqueeze(o, where, -1), data, o->row->onnx);
    int32_t zero = ln_tfl_const_ints(o, 1, &(int64_t){0});
    ln_tfl_set_real(o, 0, LN_NODE(o, "Slice", v, zero, n, zero));
}

/* -- comparing with a range ------------------------------------------------------------------------------------------
 */

/* Inputs: indices, depth, on, off. An index out of range is off everywhere (ONNX's OneHot counts from the end). */
void ln_tfl_one_hot(ln_tfl_op *o)
{
    const ln_tfl_tensor *index = ln_tfl_in(o, 0);
    int64_t axis = ln_tfl_option(o, 0, 4, 0), dims[LINNET_MAX_RANK];
    if (index->rank >= LINNET_MAX_RANK) {
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "indices of %d dimensions", index->rank);
        return;
    }
    axis = ln_tfl_axis(o, axis, index->rank + 1);
    for (int32_t i = 0; i <= index->rank; i++)
        dims[i] = i == axis ? -1 : 1;
    int32_t depth = ln_tfl_reshape(o, ln_tfl_int64(o, 1), 0, NULL);
    int32_t range = LN_NODE(o, "Range", ln_tfl_const_int(o, 0), depth, ln_tfl_const_int(o, 1));
    int32_t same = LN_NODE(o, "Equal", ln_tfl_unsqueeze(o, ln_tfl_int64(o, 0), axis),
                           ln_tfl_reshape(o, range, index->rank + 1, dims));
    ln_tfl_set_stored(o, 0, LN_NODE(o, "Where", same, ln_tfl_stored(o, 2), ln_tfl_stored(o, 3)));
}

/* How many boundaries are not above a number. */
void ln_tfl_bucketize(ln_tfl_op *o)
{
    ln_flat *f = &o->c->file.flat;
    const ln_flat_table *options = o->node->options.at ? &o->node->options : &o->node->options2;
    ln_flat_vector v = ln_flat_list(f, options, 0, 4);
    int64_t n = v.n;
    float *bounds = ln_arena_array(o->c->arena, n, sizeof *bounds);
    if (!bounds) {
        ln_tfl_no_memory(o);
        return;
    }
    for (uint32_t i = 0; i < v.n; i++)
        bounds[i] = ln_flat_float_at(f, v, i);
    int32_t x = ln_tfl_real(o, 0);
    if (ln_tfl_real_type(ln_tfl_in(o, 0)) != LINNET_FLOAT32)
        x = ln_tfl_cast(o, x, LINNET_FLOAT32);
    int32_t above = LN_NODE(o, "GreaterOrEqual", ln_tfl_unsqueeze(o, x, -1), ln_tfl_const_floats(o, 1, &n, bounds));
    int32_t sum = ln_tfl_node(o, "ReduceSum",
                              LN_INS(ln_tfl_cast(o, above, LINNET_INT32), ln_tfl_const_ints(o, 1, &(int64_t){-1})),
                              LN_ATTRS(ln_tfl_attr_int("keepdims", 0)));
    ln_tfl_set_stored(o, 0, sum);
}

/* -- places and sets -------------------------------------------------------------------------------------------------
 */

void ln_tfl_where(ln_tfl_op *o)
{
    int32_t places = LN_NODE(o, "NonZero", ln_tfl_stored(o, 0));
    ln_tfl_set_stored(o, 0, ln_tfl_transpose(o, places, 2, (int64_t[]){1, 0}));
}

/* Values in the order of their first coming, and for each element which it is. As int64, which every runtime has it
 * for. */
void ln_tfl_unique(ln_tfl_op *o)
{
    const ln_tfl_tensor *x = ln_tfl_in(o, 0), *which = ln_tfl_out(o, 1);
    bool integers = x->type == LINNET_INT32 || x->type == LINNET_INT16 || x->type == LINNET_UINT8;
    int32_t out[3], in = integers ? ln_tfl_int64(o, 0) : ln_tfl_stored(o, 0);
    ln_attr sorted = ln_tfl_attr_int("sorted", 0);
    ln_tfl_nodes(o, "Unique", 1, &in, 1, &sorted, 3, out);
    ln_tfl_set_stored(o, 0, integers ? ln_tfl_cast(o, out[0], x->type) : out[0]);
    ln_tfl_set_stored(o, 1, which->type == LINNET_INT64 ? out[2] : ln_tfl_cast(o, out[2], which->type));
}

/* -- diagonals -------------------------------------------------------------------------------------------------------
 */

/* 1 on the diagonal of rows x columns. */
static int32_t diagonal_mask(ln_tfl_op *o, int64_t rows, int64_t columns)
{
    enum { LARGEST = 1 << 24 };
    int64_t dims[2] = {rows, columns};
    if (rows < 1 || columns < 1 || rows > LARGEST / columns) {
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "a matrix of open size, or too large");
        return LN_NO_VALUE;
    }
    uint8_t *mask = ln_arena_zalloc(o->c->arena, (size_t)(rows * columns), 16);
    if (!mask) {
        ln_tfl_no_memory(o);
        return LN_NO_VALUE;
    }
    for (int64_t i = 0; i < rows && i < columns; i++)
        mask[i * columns + i] = 1;
    return ln_tfl_constant(o, LINNET_BOOL, 2, dims, mask);
}

void ln_tfl_matrix_diag(ln_tfl_op *o)
{
    const ln_tfl_tensor *x = ln_tfl_in(o, 0);
    int64_t n = x->rank ? x->dims[x->rank - 1] : -1;
    int32_t mask = diagonal_mask(o, n, n), zero = ln_tfl_scalar(o, x->type, 0);
    ln_tfl_set_stored(o, 0, LN_NODE(o, "Where", mask, ln_tfl_unsqueeze(o, ln_tfl_stored(o, 0), -1), zero));
}

void ln_tfl_matrix_set_diag(ln_tfl_op *o)
{
    const ln_tfl_tensor *x = ln_tfl_in(o, 0);
    int64_t rows = x->rank > 1 ? x->dims[x->rank - 2] : -1, columns = x->rank > 1 ? x->dims[x->rank - 1] : -1;
    int32_t mask = diagonal_mask(o, rows, columns);
    int32_t diagonal = ln_tfl_unsqueeze(o, ln_tfl_stored(o, 1), rows <= columns ? -1 : -2);
    ln_tfl_set_stored(o, 0, LN_NODE(o, "Where", mask, diagonal, ln_tfl_stored(o, 0)));
}

/* ONNX has the batch and the time in the first two dimensions alone. */
void ln_tfl_reverse_sequence(ln_tfl_op *o)
{
    const ln_tfl_tensor *x = ln_tfl_in(o, 0);
    int32_t time = ln_tfl_axis(o, ln_tfl_option(o, 0, 4, 0), x->rank);
    int32_t batch = ln_tfl_axis(o, ln_tfl_option(o, 1, 4, 0), x->rank), n = 2;
    int64_t perm[LINNET_MAX_RANK], back[LINNET_MAX_RANK];
    if (!ln_tfl_ok(o) || time == batch) {
        ln_tfl_fail(o, LINNET_ERR_MODEL, "time and batch are one dimension");
        return;
    }
    perm[0] = batch, perm[1] = time;
    for (int32_t i = 0; i < x->rank; i++)
        if (i != time && i != batch)
            perm[n++] = i;
    for (int32_t i = 0; i < n; i++)
        back[perm[i]] = i;
    int32_t v = ln_tfl_transpose(o, ln_tfl_stored(o, 0), n, perm);
    v = ln_tfl_node(o, "ReverseSequence", LN_INS(v, ln_tfl_int64(o, 1)),
                    LN_ATTRS(ln_tfl_attr_int("batch_axis", 0), ln_tfl_attr_int("time_axis", 1)));
    ln_tfl_set_stored(o, 0, ln_tfl_transpose(o, v, n, back));
}
