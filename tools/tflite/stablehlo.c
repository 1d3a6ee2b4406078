/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators of StableHLO, which newer files hold beside the older ones. Those that are an older operator by another
 * name go to its conversion; here are the others, with their options in lists of int64.
 */
#include <string.h>

#include "tools/tflite/operators.h"

enum { MOST = LINNET_MAX_RANK };

/* A list of options of as many integers as `n`. */
static bool list(ln_tfl_op *o, int slot, int32_t n, int64_t *values)
{
    int32_t found = ln_tfl_option_ints(o, slot, 8, values, MOST);
    if (found != n)
        ln_tfl_fail(o, LINNET_ERR_MODEL, "a list of %d, not %d", found, n);
    return ln_tfl_ok(o);
}

static void set(ln_tfl_op *o, int32_t value)
{
    ln_tfl_set_stored(o, 0, value);
}

/* -- element by element ----------------------------------------------------------------------------------------------
 */

void ln_tfl_hlo_clamp(ln_tfl_op *o)
{
    int32_t low = LN_NODE(o, "Max", ln_tfl_stored(o, 1), ln_tfl_stored(o, 0));
    set(o, LN_NODE(o, "Min", low, ln_tfl_stored(o, 2)));
}

/* The remainder has the dividend's sign. */
void ln_tfl_hlo_remainder(ln_tfl_op *o)
{
    ln_attr fmod = ln_tfl_attr_int("fmod", 1);
    set(o, ln_tfl_node(o, "Mod", LN_INS(ln_tfl_stored(o, 0), ln_tfl_stored(o, 1)), 1, &fmod));
}

void ln_tfl_hlo_compare(ln_tfl_op *o)
{
    static const char *const types[] = {"Equal", "Equal", "GreaterOrEqual", "Greater", "LessOrEqual", "Less"};
    int64_t direction = ln_tfl_option(o, 0, 4, 0);
    if (direction < 0 || direction > 5) {
        ln_tfl_fail(o, LINNET_ERR_MODEL, "comparison %lld", (long long)direction);
        return;
    }
    int32_t v = LN_NODE(o, types[direction], ln_tfl_stored(o, 0), ln_tfl_stored(o, 1));
    set(o, direction == 1 ? LN_NODE(o, "Not", v) : v);
}

void ln_tfl_hlo_cbrt(ln_tfl_op *o)
{
    int32_t x = ln_tfl_stored(o, 0), third = ln_tfl_scalar(o, ln_tfl_in(o, 0)->type, 1 / 3.0);
    set(o, LN_NODE(o, "Mul", LN_NODE(o, "Sign", x), LN_NODE(o, "Pow", LN_NODE(o, "Abs", x), third)));
}

/* -- moving ----------------------------------------------------------------------------------------------------------
 */

void ln_tfl_hlo_reshape(ln_tfl_op *o)
{
    set(o, ln_tfl_reshape_as(o, ln_tfl_stored(o, 0), ln_tfl_out(o, 0)));
}

void ln_tfl_hlo_transpose(ln_tfl_op *o)
{
    int64_t perm[MOST];
    int32_t rank = ln_tfl_in(o, 0)->rank;
    if (list(o, 0, rank, perm))
        set(o, ln_tfl_transpose(o, ln_tfl_stored(o, 0), rank, perm));
}

void ln_tfl_hlo_concatenate(ln_tfl_op *o)
{
    uint32_t n = o->node->inputs.n;
    int32_t *values = ln_arena_array(o->c->arena, n, sizeof *values);
    int64_t axis = ln_tfl_option(o, 0, 8, 0);
    if (!values)
        ln_tfl_no_memory(o);
    for (uint32_t i = 0; i < n && ln_tfl_ok(o); i++)
        values[i] = ln_tfl_stored(o, i);
    if (ln_tfl_ok(o))
        set(o, ln_tfl_concat(o, ln_tfl_axis(o, axis, ln_tfl_in(o, 0)->rank), (int32_t)n, values));
}

void ln_tfl_hlo_slice(ln_tfl_op *o)
{
    int64_t from[MOST], to[MOST], step[MOST], axes[MOST];
    int32_t n = ln_tfl_in(o, 0)->rank;
    if (!list(o, 0, n, from) || !list(o, 1, n, to) || !list(o, 2, n, step))
        return;
    for (int32_t i = 0; i < n; i++)
        axes[i] = i;
    set(o, LN_NODE(o, "Slice", ln_tfl_stored(o, 0), ln_tfl_const_ints(o, n, from), ln_tfl_const_ints(o, n, to),
                   ln_tfl_const_ints(o, n, axes), ln_tfl_const_ints(o, n, step)));
}

/* The dimensions of the result that the operand's are; the others repeat it. Input 1 gives them. */
void ln_tfl_hlo_broadcast(ln_tfl_op *o)
{
    const ln_tfl_tensor *x = ln_tfl_in(o, 0), *y = ln_tfl_out(o, 0);
    int64_t at[MOST], dims[MOST];
    int32_t n = ln_tfl_need_ints(o, 1, at, MOST);
    for (int32_t i = 0; i < y->rank; i++)
        dims[i] = 1;
    for (int32_t i = 0; i < n && ln_tfl_ok(o); i++)
        if (n != x->rank || at[i] < 0 || at[i] >= y->rank || x->dims[i] < 0)
            ln_tfl_fail(o, LINNET_ERR_MODEL, "dimension %lld, or an operand of an open size", (long long)at[i]);
        else
            dims[at[i]] = x->dims[i];
    if (ln_tfl_count(y) < 0)
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "a result of an open size");
    if (ln_tfl_ok(o))
        set(o, ln_tfl_expand(o, ln_tfl_reshape(o, ln_tfl_stored(o, 0), y->rank, dims), y->rank, y->dims));
}

/* Elements between the elements, and borders, which may be negative. */
void ln_tfl_hlo_pad(ln_tfl_op *o)
{
    int64_t pads[2 * MOST], apart[MOST];
    const ln_tfl_tensor *x = ln_tfl_in(o, 0);
    int32_t n = x->rank;
    if (!list(o, 0, n, pads) || !list(o, 1, n, pads + n) || !list(o, 2, n, apart))
        return;
    int32_t with = ln_tfl_reshape(o, ln_tfl_stored(o, 1), 0, NULL), v = ln_tfl_stored(o, 0);
    bool between = false;
    for (int32_t i = 0; i < n; i++) {
        between = between || apart[i];
        apart[i] = apart[i] >= 0 && apart[i] < INT16_MAX ? apart[i] + 1 : 0;
    }
    if (between)
        v = ln_tfl_dilated(o, v, x, apart, with);
    set(o, LN_NODE(o, "Pad", v, ln_tfl_const_ints(o, 2 * n, pads), with));
}

/* Where each element is along a dimension. */
void ln_tfl_hlo_iota(ln_tfl_op *o)
{
    const ln_tfl_tensor *y = ln_tfl_out(o, 0);
    int32_t axis = ln_tfl_axis(o, ln_tfl_option(o, 0, 8, 0), y->rank);
    int64_t dims[MOST];
    if (ln_tfl_ok(o) && ln_tfl_count(y) < 0)
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "a result of an open size");
    if (!ln_tfl_ok(o))
        return;
    for (int32_t i = 0; i < y->rank; i++)
        dims[i] = i == axis ? -1 : 1;
    int32_t v = LN_NODE(o, "Range", ln_tfl_const_int(o, 0), ln_tfl_const_int(o, y->dims[axis]), ln_tfl_const_int(o, 1));
    v = ln_tfl_cast(o, ln_tfl_reshape(o, v, y->rank, dims), y->type);
    set(o, ln_tfl_expand(o, v, y->rank, y->dims));
}

/* -- at computed places ----------------------------------------------------------------------------------------------
 */

/* Scalars from input `first` on as a vector, moved so that `sizes` from there on fit into x. */
static int32_t start(ln_tfl_op *o, uint32_t first, int32_t x, int32_t rank, int32_t sizes)
{
    int32_t parts[MOST];
    if (o->node->inputs.n != first + (uint32_t)rank || rank < 1) {
        ln_tfl_fail(o, LINNET_ERR_MODEL, "the starts are not as many as the dimensions");
        return LN_NO_VALUE;
    }
    for (int32_t i = 0; i < rank; i++)
        parts[i] = ln_tfl_reshape(o, ln_tfl_int64(o, first + (uint32_t)i), 1, (int64_t[]){1});
    int32_t room = LN_NODE(o, "Sub", LN_NODE(o, "Shape", x), sizes);
    int32_t at = LN_NODE(o, "Min", ln_tfl_concat(o, 0, rank, parts), room);
    return LN_NODE(o, "Max", at, ln_tfl_const_int(o, 0));
}

void ln_tfl_hlo_dynamic_slice(ln_tfl_op *o)
{
    int64_t size[MOST], axes[MOST];
    int32_t n = ln_tfl_in(o, 0)->rank, x = ln_tfl_stored(o, 0);
    if (!list(o, 0, n, size))
        return;
    for (int32_t i = 0; i < n; i++)
        axes[i] = i;
    int32_t sizes = ln_tfl_const_ints(o, n, size), from = start(o, 1, x, n, sizes);
    set(o, LN_NODE(o, "Slice", x, from, LN_NODE(o, "Add", from, sizes), ln_tfl_const_ints(o, n, axes)));
}

void ln_tfl_hlo_dynamic_update(ln_tfl_op *o)
{
    const ln_tfl_tensor *update = ln_tfl_in(o, 1);
    int32_t x = ln_tfl_stored(o, 0);
    if (ln_tfl_count(update) < 0 || update->rank != ln_tfl_in(o, 0)->rank) {
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "an update of an open size");
        return;
    }
    int32_t from = start(o, 2, x, update->rank, ln_tfl_const_ints(o, update->rank, update->dims));
    set(o, ln_tfl_updated(o, x, update, ln_tfl_stored(o, 1), from));
}

/* -- products and sums -----------------------------------------------------------------------------------------------
 */

/* As an Einsum: a letter for each dimension; batch and contracted ones are the same on both sides. */
void ln_tfl_hlo_dot(ln_tfl_op *o)
{
    int64_t dims[4][MOST]; /* batch of both sides, contracted of both */
    int32_t n[4], ranks[2] = {ln_tfl_in(o, 0)->rank, ln_tfl_in(o, 1)->rank};
    char letters[2][MOST + 1] = {{0}}, result[3 * MOST + 1] = {0}, equation[6 * MOST], next = 'a';
    for (int k = 0; k < 4; k++)
        n[k] = ln_tfl_option_ints(o, k, 8, dims[k], MOST);
    bool fits = n[0] == n[1] && n[2] == n[3] && n[0] >= 0 && n[2] >= 0;
    for (int k = 0; k < 4 && fits; k++)
        for (int32_t i = 0; i < n[k]; i++)
            fits = fits && dims[k][i] >= 0 && dims[k][i] < ranks[k % 2];
    if (!fits) {
        ln_tfl_fail(o, LINNET_ERR_MODEL, "the dimensions of both sides do not fit");
        return;
    }
    for (int k = 0; k < 4; k += 2)
        for (int32_t i = 0; i < n[k]; i++) {
            letters[0][dims[k][i]] = letters[1][dims[k + 1][i]] = next;
            if (k == 0)
                result[strlen(result)] = next;
            next++;
        }
    for (int side = 0; side < 2; side++)
        for (int32_t i = 0; i < ranks[side]; i++)
            if (!letters[side][i])
                result[strlen(result)] = letters[side][i] = next++;
    size_t at = 0;
    for (const char *p = letters[0]; *p; p++)
        equation[at++] = *p;
    equation[at++] = ',';
    for (const char *p = letters[1]; *p; p++)
        equation[at++] = *p;
    equation[at++] = '-', equation[at++] = '>';
    memcpy(equation + at, result, strlen(result) + 1);
    const char *copy = ln_arena_strndup(o->c->arena, equation, strlen(equation));
    if (!copy) {
        ln_tfl_no_memory(o);
        return;
    }
    ln_attr how = ln_tfl_attr_text("equation", copy);
    set(o, ln_tfl_node(o, "Einsum", LN_INS(ln_tfl_stored(o, 0), ln_tfl_stored(o, 1)), 1, &how));
}

const char *ln_tfl_body(ln_tfl_op *o, int64_t body)
{
    static const struct {
        int32_t code;
        const char *with;
    } bodies[] = {{163, "Add"}, {165, "Mul"}, {166, "Max"}, {181, "Min"}, {0, "Add"},  {18, "Mul"},
                  {55, "Max"},  {57, "Min"},  {176, "And"}, {183, "Or"},  {86, "And"}, {84, "Or"}};
    const ln_tfl_subgraph *s = body >= 0 && body < o->c->file.n_subgraphs ? &o->c->file.subgraphs[body] : NULL;
    for (size_t k = 0; s && s->n_operators == 1 && k < sizeof bodies / sizeof bodies[0]; k++)
        if (bodies[k].code == s->operators[0].code)
            return bodies[k].with;
    ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "a body that is no sum, product, maximum, minimum, and, or");
    return NULL;
}

/* One tensor and its start, by a body of one operator. AND is the least of 0 and 1, OR the greatest. */
void ln_tfl_hlo_reduce(ln_tfl_op *o)
{
    int64_t axes[MOST];
    int32_t n = ln_tfl_option_ints(o, 0, 8, axes, MOST), v = ln_tfl_stored(o, 0);
    const char *with = ln_tfl_body(o, ln_tfl_option(o, 1, 4, 0));
    if (!with || n < 0 || o->node->inputs.n != 2) {
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "several tensors, or too many dimensions");
        return;
    }
    bool all = !strcmp(with, "And"), logical = all || !strcmp(with, "Or");
    const char *over = all || !strcmp(with, "Min")       ? "ReduceMin"
                       : logical || !strcmp(with, "Max") ? "ReduceMax"
                       : !strcmp(with, "Add")            ? "ReduceSum"
                                                         : "ReduceProd";
    if (logical && ln_tfl_in(o, 0)->type != LINNET_BOOL) {
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "bits of integers");
        return;
    }
    ln_attr attrs[2] = {ln_tfl_attr_int("keepdims", 0), ln_tfl_attr_int("noop_with_empty_axes", 1)};
    v = logical ? ln_tfl_cast(o, v, LINNET_INT32) : v;
    v = ln_tfl_node(o, over, LN_INS(v, ln_tfl_const_ints(o, n, axes)), 2, attrs);
    v = logical ? ln_tfl_cast(o, v, LINNET_BOOL) : v;
    set(o, LN_NODE(o, with, v, ln_tfl_stored(o, 1)));
}
