/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of tables, by number and by key.
 */
#include "tools/tflite/operators.h"

/* Rows of a table, which may be quantised while the result is not. */
void ln_tfl_embedding_lookup(ln_tfl_op *o)
{
    const ln_tfl_tensor *table = ln_tfl_in(o, 1), *y = ln_tfl_out(o, 0);
    if (table->scales.n > 1 || (ln_tfl_quantised(y) && !ln_tfl_same_scale(o, table, y))) {
        ln_tfl_set_real(o, 0, LN_NODE(o, "Gather", ln_tfl_real(o, 1), ln_tfl_stored(o, 0)));
        return;
    }
    int32_t rows = LN_NODE(o, "Gather", ln_tfl_stored(o, 1), ln_tfl_stored(o, 0));
    ln_tfl_set_stored(o, 0, ln_tfl_quantised(y) ? rows : ln_tfl_dequantise(o, table, rows, 0));
}

/* Inputs: what to look up, keys, values. What is not among the keys gives zeros. */
void ln_tfl_hashtable_lookup(ln_tfl_op *o)
{
    const ln_tfl_tensor *values = ln_tfl_in(o, 2);
    int32_t same = LN_NODE(o, "Equal", ln_tfl_unsqueeze(o, ln_tfl_stored(o, 0), 1), ln_tfl_stored(o, 1));
    int32_t found = ln_tfl_cast(o, same, LINNET_INT32);
    int32_t at =
        ln_tfl_node(o, "ArgMax", LN_INS(found), LN_ATTRS(ln_tfl_attr_int("axis", 1), ln_tfl_attr_int("keepdims", 0)));
    int32_t hit = ln_tfl_node(o, "ReduceMax", LN_INS(found, ln_tfl_const_ints(o, 1, &(int64_t){1})),
                              LN_ATTRS(ln_tfl_attr_int("keepdims", 0)));
    int64_t dims[LINNET_MAX_RANK] = {-1};
    for (int32_t i = 1; i < values->rank; i++)
        dims[i] = 1;
    int32_t rows = LN_NODE(o, "Gather", ln_tfl_real(o, 2), at);
    int32_t mask = ln_tfl_cast(o, ln_tfl_reshape(o, hit, values->rank ? values->rank : 1, dims), LINNET_BOOL);
    int32_t zero = ln_tfl_scalar(o, ln_tfl_real_type(values), 0);
    ln_tfl_set_real(o, 0, LN_NODE(o, "Where", mask, rows, zero));
    ln_tfl_set_stored(o, 1, ln_tfl_cast(o, hit, LINNET_UINT8));
}

/* What falls on one place is added up. */
static int32_t added(ln_tfl_op *o, int32_t shape, int32_t where, int32_t what)
{
    ln_attr add = ln_tfl_attr_text("reduction", "add");
    int32_t into = LN_NODE(o, "Expand", ln_tfl_scalar(o, LINNET_FLOAT32, 0), shape);
    return ln_tfl_node(o, "ScatterND", LN_INS(into, where, what), 1, &add);
}

/* Inputs: numbers of rows, where each belongs in a sparse tensor, that one's shape, weights, the table. The rows of all
 * that differs in the last dimension alone are added up; then their mean by the weights (combiner 1), or by the length
 * of the vector of weights (2). What has no rows is 0. */
void ln_tfl_embedding_sparse(ln_tfl_op *o)
{
    const ln_tfl_tensor *table = ln_tfl_in(o, 4), *where = ln_tfl_in(o, 1);
    int64_t combiner = ln_tfl_option(o, 0, 1, 0), dims[LINNET_MAX_RANK] = {-1};
    int64_t rank = where->rank == 2 ? where->dims[1] : -1;
    if (rank < 2 || rank + table->rank - 2 > LINNET_MAX_RANK || table->rank < 1 || combiner < 0 || combiner > 2) {
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "indices of %lld dimensions, or combiner %lld", (long long)rank,
                    (long long)combiner);
        return;
    }
    for (int32_t i = 1; i < table->rank; i++)
        dims[i] = 1;
    int32_t weights = ln_tfl_stored(o, 3), rows = LN_NODE(o, "Gather", ln_tfl_real(o, 4), ln_tfl_stored(o, 0));
    int32_t at = ln_tfl_slice(o, ln_tfl_int64(o, 1), 1, 0, -1), outer = ln_tfl_slice(o, ln_tfl_int64(o, 2), 0, 0, -1);
    int32_t row = ln_tfl_node(o, "Shape", LN_INS(ln_tfl_stored(o, 4)), LN_ATTRS(ln_tfl_attr_int("start", 1)));
    rows = LN_NODE(o, "Mul", rows, ln_tfl_reshape(o, weights, table->rank, dims));
    int32_t v = added(o, ln_tfl_concat(o, 0, 2, (int32_t[]){outer, row}), at, rows);
    if (combiner) {
        int32_t by = added(o, outer, at, combiner == 1 ? weights : LN_NODE(o, "Mul", weights, weights));
        int32_t zero = ln_tfl_scalar(o, LINNET_FLOAT32, 0), one = ln_tfl_scalar(o, LINNET_FLOAT32, 1);
        by = LN_NODE(o, "Where", LN_NODE(o, "Equal", by, zero), one, combiner == 1 ? by : LN_NODE(o, "Sqrt", by));
        for (int32_t i = 1; i < table->rank; i++)
            by = ln_tfl_unsqueeze(o, by, -1);
        v = LN_NODE(o, "Div", v, by);
    }
    ln_tfl_set_real(o, 0, v);
}
