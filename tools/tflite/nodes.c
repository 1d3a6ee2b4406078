/* SPDX-License-Identifier: Apache-2.0
 *
 * The words in which conversions are written: nodes, attributes, constants, and the small compositions that come again
 * and again.
 */
#include <math.h>
#include <string.h>

#include "tools/tflite/build.h"

/* -- nodes -----------------------------------------------------------------------------------------------------------
 */

int32_t ln_tfl_nodes(ln_tfl_op *o, const char *type, int32_t n_in, const int32_t *in, int32_t n_attrs,
                     const ln_attr *attrs, int32_t n_out, int32_t *out)
{
    ln_graph *g = o->scope->g;
    for (int32_t i = 0; i < n_out; i++)
        out[i] = LN_NO_VALUE;
    if (!ln_tfl_ok(o))
        return LN_NO_NODE;
    while (n_in > 0 && in[n_in - 1] < 0) /* optional inputs at the end that are absent */
        n_in--;
    for (int32_t i = 0; i < n_out; i++)
        if ((out[i] = ln_graph_value(g, "")) < 0) {
            ln_tfl_no_memory(o);
            return LN_NO_NODE;
        }
    int32_t id = ln_graph_insert(g, LN_NO_NODE, "", type, "", n_in, in, n_out, out, n_attrs, attrs);
    if (id < 0)
        ln_tfl_no_memory(o);
    return id;
}

int32_t ln_tfl_node(ln_tfl_op *o, const char *type, int32_t n_in, const int32_t *in, int32_t n_attrs,
                    const ln_attr *attrs)
{
    int32_t out;
    ln_tfl_nodes(o, type, n_in, in, n_attrs, attrs, 1, &out);
    return ln_tfl_ok(o) ? out : LN_NO_VALUE;
}

ln_attr ln_tfl_attr_int(const char *name, int64_t i)
{
    return (ln_attr){.name = name, .kind = LN_ATTR_INT, .i = i};
}

ln_attr ln_tfl_attr_float(const char *name, float f)
{
    return (ln_attr){.name = name, .kind = LN_ATTR_FLOAT, .f = f};
}

ln_attr ln_tfl_attr_text(const char *name, const char *text)
{
    return (ln_attr){.name = name, .kind = LN_ATTR_STRING, .s = {text, strlen(text)}};
}

ln_attr ln_tfl_attr_ints(ln_tfl_op *o, const char *name, int32_t n, const int64_t *ints)
{
    const int64_t *copy = ln_arena_dup(o->scope->g->arena, ints, (size_t)n * sizeof *ints, 16);
    if (!copy)
        ln_tfl_no_memory(o);
    return (ln_attr){.name = name, .kind = LN_ATTR_INTLIST, .n = copy ? n : 0, .ints = copy};
}

/* -- constants -------------------------------------------------------------------------------------------------------
 */

int32_t ln_tfl_constant(ln_tfl_op *o, linnet_type type, int32_t rank, const int64_t *dims, const void *data)
{
    if (!ln_tfl_ok(o))
        return LN_NO_VALUE;
    size_t n = linnet_type_size(type);
    for (int32_t i = 0; i < rank; i++)
        n *= (size_t)dims[i];
    const void *copy = ln_arena_dup(o->scope->g->arena, data, n, 64);
    int32_t id = copy ? ln_graph_constant(o->scope->g, "", type, rank, dims, copy) : LN_NO_VALUE;
    if (id < 0)
        ln_tfl_no_memory(o);
    return id;
}

int32_t ln_tfl_const_ints(ln_tfl_op *o, int64_t n, const int64_t *ints)
{
    return ln_tfl_constant(o, LINNET_INT64, 1, &n, ints);
}

int32_t ln_tfl_const_int(ln_tfl_op *o, int64_t i)
{
    return ln_tfl_constant(o, LINNET_INT64, 0, NULL, &i);
}

int32_t ln_tfl_const_floats(ln_tfl_op *o, int32_t rank, const int64_t *dims, const float *data)
{
    return ln_tfl_constant(o, LINNET_FLOAT32, rank, dims, data);
}

/* Types narrower than float32 are made by a Cast, which folding computes. */
int32_t ln_tfl_scalar(ln_tfl_op *o, linnet_type type, double x)
{
    float f = (float)x;
    int32_t i32 = !(x > (double)INT32_MIN) ? INT32_MIN : x > (double)INT32_MAX ? INT32_MAX : (int32_t)x;
    int64_t i64 = !(x > -0x1p63) ? INT64_MIN : x >= 0x1p63 ? INT64_MAX : (int64_t)x;
    switch (type) {
    case LINNET_FLOAT32:
        return ln_tfl_constant(o, type, 0, NULL, &f);
    case LINNET_FLOAT64:
        return ln_tfl_constant(o, type, 0, NULL, &x);
    case LINNET_INT64:
        return ln_tfl_constant(o, type, 0, NULL, &i64);
    case LINNET_INT32:
        return ln_tfl_constant(o, type, 0, NULL, &i32);
    case LINNET_INT8:
        return ln_tfl_constant(o, type, 0, NULL, &(int8_t){(int8_t)i32});
    case LINNET_UINT8:
        return ln_tfl_constant(o, type, 0, NULL, &(uint8_t){(uint8_t)i32});
    case LINNET_INT16:
        return ln_tfl_constant(o, type, 0, NULL, &(int16_t){(int16_t)i32});
    case LINNET_BOOL:
        return ln_tfl_constant(o, type, 0, NULL, &(uint8_t){x != 0});
    default:
        return ln_tfl_cast(o, ln_tfl_constant(o, LINNET_FLOAT32, 0, NULL, &f), type);
    }
}

/* -- compositions ----------------------------------------------------------------------------------------------------
 */

int32_t ln_tfl_cast(ln_tfl_op *o, int32_t value, linnet_type type)
{
    return ln_tfl_node(o, "Cast", LN_INS(value), LN_ATTRS(ln_tfl_attr_int("to", type)));
}

int32_t ln_tfl_transpose(ln_tfl_op *o, int32_t value, int32_t rank, const int64_t *perm)
{
    return ln_tfl_node(o, "Transpose", LN_INS(value), LN_ATTRS(ln_tfl_attr_ints(o, "perm", rank, perm)));
}

static bool has_channels(ln_tfl_op *o, int32_t rank)
{
    if (rank < 3 || rank > LINNET_MAX_RANK)
        ln_tfl_fail(o, LINNET_ERR_MODEL, "an image of %d dimensions", rank);
    return ln_tfl_ok(o);
}

int32_t ln_tfl_channels_first(ln_tfl_op *o, int32_t value, int32_t rank)
{
    int64_t perm[LINNET_MAX_RANK] = {0, rank - 1};
    if (!has_channels(o, rank))
        return LN_NO_VALUE;
    for (int32_t i = 2; i < rank; i++)
        perm[i] = i - 1;
    return ln_tfl_transpose(o, value, rank, perm);
}

int32_t ln_tfl_channels_last(ln_tfl_op *o, int32_t value, int32_t rank)
{
    int64_t perm[LINNET_MAX_RANK] = {0};
    if (!has_channels(o, rank))
        return LN_NO_VALUE;
    for (int32_t i = 1; i < rank - 1; i++)
        perm[i] = i + 1;
    perm[rank - 1] = 1;
    return ln_tfl_transpose(o, value, rank, perm);
}

int32_t ln_tfl_reshape(ln_tfl_op *o, int32_t value, int32_t rank, const int64_t *dims)
{
    return LN_NODE(o, "Reshape", value, ln_tfl_const_ints(o, rank, dims));
}

int32_t ln_tfl_reshape_as(ln_tfl_op *o, int32_t value, const ln_tfl_tensor *t)
{
    int32_t open = 0;
    for (int32_t i = 0; i < t->rank; i++)
        open += t->dims[i] < 0;
    if (open > 1)
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "%d dimensions of the result are not fixed", open);
    return ln_tfl_reshape(o, value, t->rank, t->dims);
}

int32_t ln_tfl_unsqueeze(ln_tfl_op *o, int32_t value, int64_t axis)
{
    return LN_NODE(o, "Unsqueeze", value, ln_tfl_const_ints(o, 1, &axis));
}

int32_t ln_tfl_squeeze(ln_tfl_op *o, int32_t value, int64_t axis)
{
    return LN_NODE(o, "Squeeze", value, ln_tfl_const_ints(o, 1, &axis));
}

int32_t ln_tfl_concat(ln_tfl_op *o, int64_t axis, int32_t n, const int32_t *values)
{
    return n == 1 ? values[0] : ln_tfl_node(o, "Concat", n, values, LN_ATTRS(ln_tfl_attr_int("axis", axis)));
}

int32_t ln_tfl_slice(ln_tfl_op *o, int32_t value, int64_t axis, int64_t from, int64_t to)
{
    return LN_NODE(o, "Slice", value, ln_tfl_const_ints(o, 1, &from), ln_tfl_const_ints(o, 1, &to),
                   ln_tfl_const_ints(o, 1, &axis));
}

int32_t ln_tfl_expand(ln_tfl_op *o, int32_t value, int32_t rank, const int64_t *dims)
{
    return LN_NODE(o, "Expand", value, ln_tfl_const_ints(o, rank, dims));
}

int32_t ln_tfl_clip(ln_tfl_op *o, int32_t value, linnet_type type, double low, double high)
{
    return LN_NODE(o, "Clip", value, ln_tfl_scalar(o, type, low),
                   isinf(high) ? LN_NO_VALUE : ln_tfl_scalar(o, type, high));
}

int32_t ln_tfl_activation(ln_tfl_op *o, int32_t value, int64_t act, linnet_type type)
{
    switch (act) {
    case ACT_NONE:
        return value;
    case ACT_RELU:
        return LN_NODE(o, "Relu", value);
    case ACT_RELU_N1_TO_1:
        return ln_tfl_clip(o, value, type, -1, 1);
    case ACT_RELU6:
        return ln_tfl_clip(o, value, type, 0, 6);
    case ACT_TANH:
        return LN_NODE(o, "Tanh", value);
    default:
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "fused activation %lld", (long long)act);
        return LN_NO_VALUE;
    }
}

int32_t ln_tfl_axis(ln_tfl_op *o, int64_t axis, int32_t rank)
{
    if (axis >= -rank && axis < rank)
        return (int32_t)(axis < 0 ? axis + rank : axis);
    ln_tfl_fail(o, LINNET_ERR_MODEL, "axis %lld of a tensor of %d dimensions", (long long)axis, rank);
    return -1;
}
