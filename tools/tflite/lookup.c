/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of tables, by number and by key; tables of strings and integers.
 */
#include <string.h>

#include "tools/tflite/operators.h"

enum { CODE_HASHTABLE = 136, CODE_IMPORT = 138, MOST_SCANNED = 1 << 26 };

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

/* -- HASHTABLE -------------------------------------------------------------------------------------------------------
 */

/* The number of the table that a resource of a subgraph is; -1: none, or made elsewhere. */
static int64_t table_of(ln_tfl *c, const ln_tfl_subgraph *s, int64_t resource)
{
    ln_flat *f = &c->file.flat;
    for (int32_t i = 0; i < s->n_operators && c->n_scanned++ < MOST_SCANNED; i++) {
        const ln_tfl_operator *n = &s->operators[i];
        if (n->code == CODE_HASHTABLE && n->outputs.n && ln_flat_at(f, n->outputs, 0, 4) == resource)
            return ln_flat_int(f, &n->options, 0, 4, 0) & INT32_MAX;
    }
    return -1;
}

/* Keys and values of the table that input 0 is, which one HASHTABLE_IMPORT anywhere in the file fills with constants.
 */
static bool table(ln_tfl_op *o, const ln_tfl_tensor **keys, const ln_tfl_tensor **values)
{
    ln_tfl *c = o->c;
    int64_t id = table_of(c, o->scope->sub, ln_tfl_in_index(o, 0));
    int32_t found = 0;
    for (int32_t k = 0; k < c->file.n_subgraphs && id >= 0; k++) {
        const ln_tfl_subgraph *s = &c->file.subgraphs[k];
        ln_tfl_scope scope = {.c = c, .sub = s};
        for (int32_t i = 0; i < s->n_operators && c->n_scanned++ < MOST_SCANNED; i++) {
            ln_tfl_op import = {.c = c, .scope = &scope, .node = &s->operators[i]};
            if (import.node->code != CODE_IMPORT || table_of(c, s, ln_tfl_in_index(&import, 0)) != id)
                continue;
            *keys = ln_tfl_in(&import, 1), *values = ln_tfl_in(&import, 2);
            found++;
        }
    }
    if (c->n_scanned >= MOST_SCANNED || found != 1 || !(*keys)->data || !(*values)->data) {
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "a table that is not filled once, with constants");
        return false;
    }
    if (ln_tfl_count(*keys) != ln_tfl_count(*values) || ln_tfl_count(*keys) < 1)
        ln_tfl_fail(o, LINNET_ERR_MODEL, "a table of %lld keys and %lld values", (long long)ln_tfl_count(*keys),
                    (long long)ln_tfl_count(*values));
    return ln_tfl_ok(o);
}

static int32_t row_of(ln_tfl_op *o, const ln_tfl_tensor *t)
{
    int64_t n = ln_tfl_count(t);
    const void *data = ln_tfl_data(o, t);
    return data ? ln_tfl_constant(o, t->type, 1, &n, data) : LN_NO_VALUE;
}

/* The table is where it is looked into; making and filling it leaves nothing. */
void ln_tfl_hashtable(ln_tfl_op *o)
{
    (void)o;
}

/* Inputs: table, keys, what is found where a key is not in the table. */
void ln_tfl_hashtable_find(ln_tfl_op *o)
{
    const ln_tfl_tensor *keys, *values;
    if (!table(o, &keys, &values))
        return;
    int32_t query = ln_tfl_unsqueeze(o, ln_tfl_stored(o, 1), -1), last = ln_tfl_const_ints(o, 1, &(int64_t){-1});
    int32_t found = ln_tfl_cast(o, LN_NODE(o, "Equal", query, row_of(o, keys)), LINNET_INT32);
    int32_t at =
        ln_tfl_node(o, "ArgMax", LN_INS(found), LN_ATTRS(ln_tfl_attr_int("axis", -1), ln_tfl_attr_int("keepdims", 0)));
    int32_t hit = ln_tfl_node(o, "ReduceMax", LN_INS(found, last), LN_ATTRS(ln_tfl_attr_int("keepdims", 0)));
    ln_tfl_set_stored(o, 0,
                      LN_NODE(o, "Where", ln_tfl_cast(o, hit, LINNET_BOOL), LN_NODE(o, "Gather", row_of(o, values), at),
                              ln_tfl_stored(o, 2)));
}

void ln_tfl_hashtable_size(ln_tfl_op *o)
{
    const ln_tfl_tensor *keys, *values;
    if (table(o, &keys, &values))
        ln_tfl_set_stored(o, 0, ln_tfl_const_ints(o, 1, &(int64_t){ln_tfl_count(keys)}));
}

/* -- strings ---------------------------------------------------------------------------------------------------------
 */

static uint32_t word(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* In the file: their number, where each begins and the last ends, the bytes. */
const void *ln_tfl_strings(ln_tfl_op *o, const ln_tfl_tensor *t)
{
    int64_t n = ln_tfl_count(t);
    bool good = n >= 0 && t->bytes >= 8 && (uint64_t)n <= t->bytes / 4 - 2 && word(t->data) == (uint64_t)n;
    linnet_string *strings = good ? ln_arena_array(o->c->arena, n + 1, sizeof *strings) : NULL;
    if (good && !strings)
        ln_tfl_no_memory(o);
    for (int64_t i = 0; good && strings && i < n; i++) {
        uint32_t from = word(t->data + 4 + 4 * i), to = word(t->data + 8 + 4 * i);
        good = from <= to && to <= t->bytes;
        strings[i] = (linnet_string){(const char *)t->data + (good ? from : 0), good ? to - from : 0};
    }
    if (!good)
        ln_tfl_fail(o, LINNET_ERR_MODEL, "tensor '%.100s' is not the strings that it says", t->name);
    return ln_tfl_ok(o) ? strings : NULL;
}
