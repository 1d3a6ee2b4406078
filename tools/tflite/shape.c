/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators that move elements or ask for shapes. They work on what is stored, so quantised tensors stay integers; only
 * where scales differ (Concat, Pack) the numbers are quantised anew. Complex tensors keep their parts last.
 */
#include "tools/tflite/operators.h"

void ln_tfl_reshape_op(ln_tfl_op *o)
{
    const ln_tfl_tensor *x = ln_tfl_in(o, 0), *y = ln_tfl_out(o, 0);
    int64_t dims[LINNET_MAX_RANK + 1];
    int32_t n = ln_tfl_has(o, 1) ? ln_tfl_ints(o, 1, dims, LINNET_MAX_RANK) : -1;
    if (n < 0 && ln_tfl_has(o, 1) && !x->complex) { /* a shape that is computed */
        ln_tfl_set_stored(o, 0, LN_NODE(o, "Reshape", ln_tfl_stored(o, 0), ln_tfl_int64(o, 1)));
        return;
    }
    if (n < 0)
        n = ln_tfl_option_ints(o, 0, 4, dims, LINNET_MAX_RANK);
    if (n < 0 || (n == 0 && y->rank > 0)) {
        ln_tfl_set_stored(o, 0, ln_tfl_reshape_as(o, ln_tfl_stored(o, 0), y));
        return;
    }
    bool zero = false;
    for (int32_t i = 0; i < n; i++)
        zero = zero || dims[i] == 0;
    if (x->complex)
        dims[n++] = 2;
    ln_attr allow = ln_tfl_attr_int("allowzero", 1);
    int32_t in[2] = {ln_tfl_stored(o, 0), ln_tfl_const_ints(o, n, dims)};
    ln_tfl_set_stored(o, 0, ln_tfl_node(o, "Reshape", 2, in, zero, &allow));
}

void ln_tfl_squeeze_op(ln_tfl_op *o)
{
    const ln_tfl_tensor *x = ln_tfl_in(o, 0);
    int64_t axes[LINNET_MAX_RANK];
    int32_t n = ln_tfl_option_ints(o, 0, 4, axes, LINNET_MAX_RANK);
    if (n < 0)
        ln_tfl_fail(o, LINNET_ERR_MODEL, "more than %d dimensions to squeeze", LINNET_MAX_RANK);
    for (int32_t i = 0; i < x->rank && n <= 0; i++)
        if (x->dims[i] < 0 || x->complex) { /* all of size 1, which the run knows */
            if (x->complex)
                ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "a complex tensor, without the dimensions to squeeze");
            ln_tfl_set_stored(o, 0, LN_NODE(o, "Squeeze", ln_tfl_stored(o, 0)));
            return;
        }
    for (int32_t i = 0; i < n; i++)
        axes[i] = ln_tfl_axis(o, axes[i], x->rank);
    if (n == 0)
        for (int32_t i = 0; i < x->rank; i++)
            if (x->dims[i] == 1)
                axes[n++] = i;
    int32_t v = ln_tfl_stored(o, 0);
    ln_tfl_set_stored(o, 0, n > 0 ? LN_NODE(o, "Squeeze", v, ln_tfl_const_ints(o, n, axes)) : v);
}

void ln_tfl_expand_dims(ln_tfl_op *o)
{
    int64_t axis;
    if (ln_tfl_need_ints(o, 1, &axis, 1) == 1)
        ln_tfl_set_stored(o, 0,
                          ln_tfl_unsqueeze(o, ln_tfl_stored(o, 0), ln_tfl_axis(o, axis, ln_tfl_in(o, 0)->rank + 1)));
}

void ln_tfl_transpose_op(ln_tfl_op *o)
{
    const ln_tfl_tensor *x = ln_tfl_in(o, 0);
    int64_t perm[LINNET_MAX_RANK + 1];
    int32_t n = ln_tfl_need_ints(o, 1, perm, LINNET_MAX_RANK);
    if (ln_tfl_ok(o) && n != x->rank)
        ln_tfl_fail(o, LINNET_ERR_MODEL, "a permutation of %d for %d dimensions", n, x->rank);
    for (int32_t i = 0; i < n && ln_tfl_ok(o); i++)
        perm[i] = ln_tfl_axis(o, perm[i], n);
    if (x->complex && ln_tfl_ok(o))
        perm[n] = n, n++;
    if (ln_tfl_ok(o))
        ln_tfl_set_stored(o, 0, ln_tfl_transpose(o, ln_tfl_stored(o, 0), n, perm));
}

/* -- joining and dividing --------------------------------------------------------------------------------------------
 */

/* The inputs along an axis, each through a new dimension if `pack`. */
static void join(ln_tfl_op *o, int64_t axis, bool pack, int64_t act)
{
    uint32_t n = o->node->inputs.n;
    const ln_tfl_tensor *y = ln_tfl_out(o, 0);
    int32_t *values = ln_arena_array(o->c->arena, n, sizeof *values);
    bool same = act == ACT_NONE;
    if (!values)
        ln_tfl_no_memory(o);
    for (uint32_t i = 0; i < n; i++)
        same = same && (ln_tfl_same_scale(o, ln_tfl_in(o, i), y) ||
                        (!ln_tfl_quantised(ln_tfl_in(o, i)) && !ln_tfl_quantised(y)));
    axis = ln_tfl_axis(o, axis, ln_tfl_in(o, 0)->rank + pack);
    for (uint32_t i = 0; i < n && ln_tfl_ok(o); i++) {
        values[i] = same ? ln_tfl_stored(o, i) : ln_tfl_real(o, i);
        if (pack)
            values[i] = ln_tfl_unsqueeze(o, values[i], axis);
    }
    int32_t v = ln_tfl_ok(o) ? ln_tfl_concat(o, axis, (int32_t)n, values) : LN_NO_VALUE;
    if (same)
        ln_tfl_set_stored(o, 0, v);
    else
        ln_tfl_set_real(o, 0, ln_tfl_activation(o, v, act, ln_tfl_real_type(y)));
}

void ln_tfl_concatenation(ln_tfl_op *o)
{
    join(o, ln_tfl_option(o, 0, 4, 0), false, ln_tfl_option(o, 1, 1, 0));
}

void ln_tfl_pack(ln_tfl_op *o)
{
    join(o, ln_tfl_option(o, 1, 4, 0), true, ACT_NONE);
}

/* Parts along an axis: of the sizes given, or equal ones. Each part without the axis if `unpack`. */
static void divide(ln_tfl_op *o, uint32_t input, int64_t axis, const int64_t *sizes, bool unpack)
{
    int32_t n = (int32_t)o->node->outputs.n;
    int32_t *parts = ln_arena_array(o->c->arena, n, sizeof *parts);
    axis = ln_tfl_axis(o, axis, ln_tfl_in(o, input)->rank);
    if (!parts)
        ln_tfl_no_memory(o);
    int32_t x = ln_tfl_stored(o, input), in[2] = {x, sizes ? ln_tfl_const_ints(o, n, sizes) : LN_NO_VALUE};
    ln_attr attrs[2] = {ln_tfl_attr_int("axis", axis), ln_tfl_attr_int("num_outputs", n)};
    if (!ln_tfl_ok(o))
        return;
    if (n == 1)
        parts[0] = LN_NODE(o, "Identity", x);
    else
        ln_tfl_nodes(o, "Split", 2, in, sizes ? 1 : 2, attrs, n, parts);
    for (int32_t i = 0; i < n && ln_tfl_ok(o); i++)
        ln_tfl_set_stored(o, (uint32_t)i, unpack ? ln_tfl_squeeze(o, parts[i], axis) : parts[i]);
}

void ln_tfl_unpack(ln_tfl_op *o)
{
    divide(o, 0, ln_tfl_option(o, 1, 4, 0), NULL, true);
}

void ln_tfl_split(ln_tfl_op *o)
{
    int64_t axis;
    if (ln_tfl_need_ints(o, 0, &axis, 1) == 1)
        divide(o, 1, axis, NULL, false);
}

/* One of the sizes may be -1: what is left. */
void ln_tfl_split_v(ln_tfl_op *o)
{
    const ln_tfl_tensor *x = ln_tfl_in(o, 0);
    int32_t n = (int32_t)o->node->outputs.n;
    int64_t axis, sum = 0, *sizes = ln_arena_array(o->c->arena, n, sizeof *sizes);
    if (!sizes) {
        ln_tfl_no_memory(o);
        return;
    }
    if (ln_tfl_need_ints(o, 1, sizes, n) != n || ln_tfl_need_ints(o, 2, &axis, 1) != 1) {
        ln_tfl_fail(o, LINNET_ERR_MODEL, "the sizes are not as many as the outputs");
        return;
    }
    axis = ln_tfl_axis(o, axis, x->rank);
    for (int32_t i = 0; i < n; i++)
        if (sizes[i] < -1 || __builtin_add_overflow(sum, sizes[i] < 0 ? 0 : sizes[i], &sum))
            ln_tfl_fail(o, LINNET_ERR_MODEL, "a part of size %lld", (long long)sizes[i]);
    for (int32_t i = 0; i < n && ln_tfl_ok(o); i++)
        if (sizes[i] == -1) {
            sizes[i] = x->dims[axis] - sum;
            if (sizes[i] < 0)
                ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "parts of an open dimension, or larger than it");
            break;
        }
    if (ln_tfl_ok(o))
        divide(o, 0, axis, sizes, false);
}

/* -- repeating -------------------------------------------------------------------------------------------------------
 */

void ln_tfl_tile(ln_tfl_op *o)
{
    ln_tfl_set_stored(o, 0, LN_NODE(o, "Tile", ln_tfl_stored(o, 0), ln_tfl_int64(o, 1)));
}

void ln_tfl_broadcast_to(ln_tfl_op *o)
{
    ln_tfl_set_stored(o, 0, LN_NODE(o, "Expand", ln_tfl_stored(o, 0), ln_tfl_int64(o, 1)));
}

/* FILL: the dimensions, then the value. */
void ln_tfl_fill(ln_tfl_op *o)
{
    ln_tfl_set_stored(o, 0, LN_NODE(o, "Expand", ln_tfl_stored(o, 1), ln_tfl_int64(o, 0)));
}

/* -- shapes ----------------------------------------------------------------------------------------------------------
 */

static void set_shape(ln_tfl_op *o, int32_t int64)
{
    linnet_type type = ln_tfl_out(o, 0)->type;
    ln_tfl_set_stored(o, 0, type == LINNET_INT64 ? int64 : ln_tfl_cast(o, int64, type));
}

void ln_tfl_shape(ln_tfl_op *o)
{
    const ln_tfl_tensor *x = ln_tfl_in(o, 0);
    ln_attr end = ln_tfl_attr_int("end", -1); /* without the parts of complex numbers */
    set_shape(o, ln_tfl_node(o, "Shape", LN_INS(ln_tfl_stored(o, 0)), x->complex, &end));
}

void ln_tfl_rank(ln_tfl_op *o)
{
    ln_tfl_set_stored(o, 0, ln_tfl_scalar(o, LINNET_INT32, ln_tfl_in(o, 0)->rank));
}

/* The shape that two shapes have together: that of tensors of them, added. */
void ln_tfl_broadcast_args(ln_tfl_op *o)
{
    int32_t a = LN_NODE(o, "ConstantOfShape", ln_tfl_int64(o, 0));
    int32_t b = LN_NODE(o, "ConstantOfShape", ln_tfl_int64(o, 1));
    set_shape(o, LN_NODE(o, "Shape", LN_NODE(o, "Add", a, b)));
}

void ln_tfl_range(ln_tfl_op *o)
{
    ln_tfl_set_stored(o, 0, LN_NODE(o, "Range", ln_tfl_stored(o, 0), ln_tfl_stored(o, 1), ln_tfl_stored(o, 2)));
}
