/* SPDX-License-Identifier: Apache-2.0
 *
 * Element by element: functions of one and two tensors, comparisons, selection, conversions of types.
 */
#include <math.h>
#include <string.h>

#include "tools/tflite/operators.h"

/* -- one tensor ------------------------------------------------------------------------------------------------------
 */

/* The ONNX operator of the row. */
void ln_tfl_unary(ln_tfl_op *o)
{
    ln_tfl_set_real(o, 0, LN_NODE(o, o->row->onnx, ln_tfl_real(o, 0)));
}

void ln_tfl_relu(ln_tfl_op *o)
{
    linnet_type type = ln_tfl_real_type(ln_tfl_in(o, 0));
    int32_t x = ln_tfl_real(o, 0);
    switch (o->row->code) {
    case 19:
        x = ln_tfl_activation(o, x, ACT_RELU, type);
        break;
    case 20:
        x = ln_tfl_activation(o, x, ACT_RELU_N1_TO_1, type);
        break;
    case 21:
        x = ln_tfl_activation(o, x, ACT_RELU6, type);
        break;
    default:
        x = ln_tfl_clip(o, x, type, 0, 1);
    }
    ln_tfl_set_real(o, 0, x);
}

void ln_tfl_leaky_relu(ln_tfl_op *o)
{
    ln_attr alpha = ln_tfl_attr_float("alpha", ln_tfl_option_float(o, 0));
    ln_tfl_set_real(o, 0, ln_tfl_node(o, "LeakyRelu", LN_INS(ln_tfl_real(o, 0)), 1, &alpha));
}

void ln_tfl_prelu(ln_tfl_op *o)
{
    ln_tfl_set_real(o, 0, LN_NODE(o, "PRelu", ln_tfl_real(o, 0), ln_tfl_real(o, 1)));
}

void ln_tfl_rsqrt(ln_tfl_op *o)
{
    ln_tfl_set_real(o, 0, LN_NODE(o, "Reciprocal", LN_NODE(o, "Sqrt", ln_tfl_real(o, 0))));
}

void ln_tfl_square(ln_tfl_op *o)
{
    int32_t x = ln_tfl_real(o, 0);
    ln_tfl_set_real(o, 0, LN_NODE(o, "Mul", x, x));
}

void ln_tfl_gelu(ln_tfl_op *o)
{
    ln_attr how = ln_tfl_attr_text("approximate", ln_tfl_option(o, 0, 1, 0) ? "tanh" : "none");
    ln_tfl_set_real(o, 0, ln_tfl_node(o, "Gelu", LN_INS(ln_tfl_real(o, 0)), 1, &how));
}

void ln_tfl_softmax(ln_tfl_op *o)
{
    bool log = o->row->code == 50;
    float beta = log ? 1 : ln_tfl_option_float(o, 0);
    int32_t x = ln_tfl_real(o, 0);
    if (beta != 1)
        x = LN_NODE(o, "Mul", x, ln_tfl_scalar(o, ln_tfl_real_type(ln_tfl_in(o, 0)), (double)beta));
    ln_attr axis = ln_tfl_attr_int("axis", -1);
    ln_tfl_set_real(o, 0, ln_tfl_node(o, log ? "LogSoftmax" : "Softmax", LN_INS(x), 1, &axis));
}

void ln_tfl_zeros_like(ln_tfl_op *o)
{
    const ln_tfl_tensor *t = ln_tfl_in(o, 0);
    int32_t zero = ln_tfl_scalar(o, ln_tfl_real_type(t), 0);
    ln_tfl_set_real(o, 0, LN_NODE(o, "Expand", zero, LN_NODE(o, "Shape", ln_tfl_stored(o, 0))));
}

void ln_tfl_logical_not(ln_tfl_op *o)
{
    ln_tfl_set_stored(o, 0, LN_NODE(o, "Not", ln_tfl_stored(o, 0)));
}

/* x / max(|x|, 1e-6) over the last dimension */
void ln_tfl_l2_normalization(ln_tfl_op *o)
{
    int32_t x = ln_tfl_real(o, 0), axis = ln_tfl_const_ints(o, 1, &(int64_t){-1});
    linnet_type type = ln_tfl_real_type(ln_tfl_in(o, 0));
    int32_t norm = LN_NODE(o, "Sqrt", LN_NODE(o, "ReduceSumSquare", x, axis));
    x = LN_NODE(o, "Div", x, LN_NODE(o, "Max", norm, ln_tfl_scalar(o, type, 1e-6)));
    ln_tfl_set_real(o, 0, ln_tfl_activation(o, x, ln_tfl_option(o, 0, 1, 0), type));
}

/* ONNX divides alpha by the number of channels in the window. */
void ln_tfl_local_response(ln_tfl_op *o)
{
    int64_t radius = ln_tfl_option(o, 0, 4, 0), size = 2 * radius + 1;
    if (radius < 0 || ln_tfl_in(o, 0)->rank != 4) {
        ln_tfl_fail(o, LINNET_ERR_MODEL, "radius %lld over %d dimensions", (long long)radius, ln_tfl_in(o, 0)->rank);
        return;
    }
    int32_t x =
        ln_tfl_node(o, "LRN", LN_INS(ln_tfl_image(o, 0)),
                    LN_ATTRS(ln_tfl_attr_int("size", size), ln_tfl_attr_float("bias", ln_tfl_option_float(o, 1)),
                             ln_tfl_attr_float("alpha", ln_tfl_option_float(o, 2) * (float)size),
                             ln_tfl_attr_float("beta", ln_tfl_option_float(o, 3))));
    ln_tfl_set_image(o, x, ACT_NONE);
}

/* -- two tensors -----------------------------------------------------------------------------------------------------
 */

static void set_active(ln_tfl_op *o, int32_t value, int slot)
{
    int64_t act = slot < 0 ? ACT_NONE : ln_tfl_option(o, slot, 1, 0);
    ln_tfl_set_real(o, 0, ln_tfl_activation(o, value, act, ln_tfl_real_type(ln_tfl_out(o, 0))));
}

void ln_tfl_binary(ln_tfl_op *o)
{
    static const int8_t with_activation[] = {0, 18, 41, 42};
    bool active = false;
    for (size_t i = 0; i < sizeof with_activation; i++)
        active = active || o->row->code == with_activation[i];
    set_active(o, LN_NODE(o, o->row->onnx, ln_tfl_real(o, 0), ln_tfl_real(o, 1)), active ? 0 : -1);
}

void ln_tfl_squared_difference(ln_tfl_op *o)
{
    int32_t d = LN_NODE(o, "Sub", ln_tfl_real(o, 0), ln_tfl_real(o, 1));
    ln_tfl_set_real(o, 0, LN_NODE(o, "Mul", d, d));
}

static bool is_float(linnet_type type)
{
    return type == LINNET_FLOAT32 || type == LINNET_FLOAT16 || type == LINNET_FLOAT64 || type == LINNET_BFLOAT16;
}

/* The remainder with the divisor's sign. */
static int32_t floor_mod(ln_tfl_op *o, int32_t a, int32_t b, linnet_type type)
{
    if (!is_float(type))
        return LN_NODE(o, "Mod", a, b);
    int32_t zero = ln_tfl_scalar(o, type, 0);
    int32_t m = ln_tfl_node(o, "Mod", LN_INS(a, b), LN_ATTRS(ln_tfl_attr_int("fmod", 1)));
    int32_t signs = LN_NODE(o, "Xor", LN_NODE(o, "Less", m, zero), LN_NODE(o, "Less", b, zero));
    int32_t other = LN_NODE(o, "And", signs, LN_NODE(o, "Not", LN_NODE(o, "Equal", m, zero)));
    return LN_NODE(o, "Where", other, LN_NODE(o, "Add", m, b), m);
}

void ln_tfl_floor_mod(ln_tfl_op *o)
{
    linnet_type type = ln_tfl_real_type(ln_tfl_in(o, 0));
    ln_tfl_set_real(o, 0, floor_mod(o, ln_tfl_real(o, 0), ln_tfl_real(o, 1), type));
}

void ln_tfl_floor_div(ln_tfl_op *o)
{
    linnet_type type = ln_tfl_real_type(ln_tfl_in(o, 0));
    int32_t a = ln_tfl_real(o, 0), b = ln_tfl_real(o, 1);
    if (is_float(type))
        ln_tfl_set_real(o, 0, LN_NODE(o, "Floor", LN_NODE(o, "Div", a, b)));
    else
        ln_tfl_set_real(o, 0, LN_NODE(o, "Div", LN_NODE(o, "Sub", a, floor_mod(o, a, b, type)), b));
}

/* The angle of (x, y), of the arc tangent of y / x and the quadrant. */
void ln_tfl_atan2(ln_tfl_op *o)
{
    linnet_type type = ln_tfl_real_type(ln_tfl_in(o, 0));
    int32_t y = ln_tfl_real(o, 0), x = ln_tfl_real(o, 1), zero = ln_tfl_scalar(o, type, 0);
    int32_t pi = ln_tfl_scalar(o, type, 3.14159265358979323846);
    int32_t a = LN_NODE(o, "Atan", LN_NODE(o, "Div", y, x));
    int32_t turn = LN_NODE(o, "Where", LN_NODE(o, "Less", y, zero), LN_NODE(o, "Neg", pi), pi);
    a = LN_NODE(o, "Where", LN_NODE(o, "Less", x, zero), LN_NODE(o, "Add", a, turn), a);
    int32_t origin = LN_NODE(o, "And", LN_NODE(o, "Equal", x, zero), LN_NODE(o, "Equal", y, zero));
    ln_tfl_set_real(o, 0, LN_NODE(o, "Where", origin, zero, a));
}

void ln_tfl_add_n(ln_tfl_op *o)
{
    int32_t sum = ln_tfl_real(o, 0);
    for (uint32_t i = 1; i < o->node->inputs.n; i++)
        sum = LN_NODE(o, "Add", sum, ln_tfl_real(o, i));
    ln_tfl_set_real(o, 0, sum);
}

void ln_tfl_compare(ln_tfl_op *o)
{
    int32_t result = LN_NODE(o, o->row->onnx, ln_tfl_real(o, 0), ln_tfl_real(o, 1));
    ln_tfl_set_stored(o, 0, o->row->code == 72 ? LN_NODE(o, "Not", result) : result);
}

/* On truth values, or the bits of integers: there the operator is called Bitwise... */
void ln_tfl_logical(ln_tfl_op *o)
{
    static const char prefix[] = "Bitwise";
    const char *type = o->row->onnx;
    if (ln_tfl_in(o, 0)->type == LINNET_BOOL && strncmp(type, prefix, sizeof prefix - 1) == 0)
        type += sizeof prefix - 1;
    ln_tfl_set_stored(o, 0, LN_NODE(o, type, ln_tfl_stored(o, 0), ln_tfl_stored(o, 1)));
}

/* ONNX shifts unsigned integers alone: signed ones are multiplied by a power of two, or divided, rounding down. */
void ln_tfl_shift(ln_tfl_op *o)
{
    const ln_tfl_tensor *t = ln_tfl_in(o, 0);
    int32_t most = ln_tfl_const_int(o, (int64_t)linnet_type_size(t->type) * 8 - 1);
    int32_t by = ln_tfl_cast(o, LN_NODE(o, "Min", ln_tfl_int64(o, 1), most), LINNET_UINT64);
    int32_t one = ln_tfl_constant(o, LINNET_UINT64, 0, NULL, &(uint64_t){1});
    int32_t power = ln_tfl_node(o, "BitShift", LN_INS(one, by), LN_ATTRS(ln_tfl_attr_text("direction", "LEFT")));
    int32_t x = ln_tfl_cast(o, ln_tfl_stored(o, 0), LINNET_INT64), d = ln_tfl_cast(o, power, LINNET_INT64);
    if (o->row->code == 207)
        x = LN_NODE(o, "Mul", x, d);
    else
        x = LN_NODE(o, "Div", LN_NODE(o, "Sub", x, LN_NODE(o, "Mod", x, d)), d);
    ln_tfl_set_stored(o, 0, ln_tfl_cast(o, x, t->type));
}

/* -- selection -------------------------------------------------------------------------------------------------------
 */

/* The first version takes whole rows where the condition is a vector. */
void ln_tfl_select(ln_tfl_op *o)
{
    const ln_tfl_tensor *c = ln_tfl_in(o, 0), *a = ln_tfl_in(o, 1), *b = ln_tfl_in(o, 2), *y = ln_tfl_out(o, 0);
    int32_t condition = ln_tfl_stored(o, 0);
    if (o->row->code == 64 && c->rank == 1 && a->rank > 1) {
        int64_t dims[LINNET_MAX_RANK] = {-1};
        for (int32_t i = 1; i < a->rank; i++)
            dims[i] = 1;
        condition = ln_tfl_reshape(o, condition, a->rank, dims);
    }
    if (ln_tfl_same_scale(o, a, y) && ln_tfl_same_scale(o, b, y))
        ln_tfl_set_stored(o, 0, LN_NODE(o, "Where", condition, ln_tfl_stored(o, 1), ln_tfl_stored(o, 2)));
    else
        ln_tfl_set_real(o, 0, LN_NODE(o, "Where", condition, ln_tfl_real(o, 1), ln_tfl_real(o, 2)));
}

/* -- types -----------------------------------------------------------------------------------------------------------
 */

/* The same bits, of a type of the same width. */
void ln_tfl_bitcast(ln_tfl_op *o)
{
    const ln_tfl_tensor *x = ln_tfl_in(o, 0), *y = ln_tfl_out(o, 0);
    size_t from = linnet_type_size(x->type), to = linnet_type_size(y->type);
    if (from != to || !from || x->complex || y->complex) {
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "elements of %zu bytes as such of %zu", from, to);
        return;
    }
    int32_t v = ln_tfl_stored(o, 0);
    ln_tfl_set_stored(
        o, 0, x->type == y->type ? v : ln_tfl_node(o, "BitCast", LN_INS(v), LN_ATTRS(ln_tfl_attr_int("to", y->type))));
}

void ln_tfl_cast_op(ln_tfl_op *o)
{
    const ln_tfl_tensor *x = ln_tfl_in(o, 0), *y = ln_tfl_out(o, 0);
    if (x->complex || y->complex)
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "a cast from or to complex numbers");
    ln_tfl_set_stored(o, 0, ln_tfl_cast(o, ln_tfl_stored(o, 0), y->type));
}

/* Between numbers and integers, and from one scale to another; float16 constants become float32. */
void ln_tfl_requantise(ln_tfl_op *o)
{
    const ln_tfl_tensor *x = ln_tfl_in(o, 0), *y = ln_tfl_out(o, 0);
    int32_t v = ln_tfl_real(o, 0);
    if (ln_tfl_real_type(x) != ln_tfl_real_type(y))
        v = ln_tfl_cast(o, v, ln_tfl_real_type(y));
    ln_tfl_set_real(o, 0, v);
}

/* Rounds to 2^bits steps between min and max, which are moved so that zero is a step. */
void ln_tfl_fake_quant(ln_tfl_op *o)
{
    double low = (double)ln_tfl_option_float(o, 0), high = (double)ln_tfl_option_float(o, 1);
    int64_t bits = ln_tfl_option(o, 2, 4, 0), narrow = ln_tfl_option(o, 3, 1, 0) ? 1 : 0;
    if (!(low < high) || bits < 2 || bits > 16) {
        ln_tfl_fail(o, LINNET_ERR_MODEL, "%lld bits from %g to %g", (long long)bits, low, high);
        return;
    }
    double most = (double)((1 << bits) - 1), least = (double)narrow, scale = (high - low) / (most - least);
    double zero = round(fmin(fmax(least - low / scale, least), most));
    low = (least - zero) * scale, high = (most - zero) * scale;
    linnet_type f = LINNET_FLOAT32;
    int32_t x = ln_tfl_clip(o, ln_tfl_real(o, 0), f, low, high);
    x = LN_NODE(o, "Div", LN_NODE(o, "Sub", x, ln_tfl_scalar(o, f, low)), ln_tfl_scalar(o, f, scale));
    x = LN_NODE(o, "Floor", LN_NODE(o, "Add", x, ln_tfl_scalar(o, f, 0.5)));
    x = LN_NODE(o, "Add", LN_NODE(o, "Mul", x, ln_tfl_scalar(o, f, scale)), ln_tfl_scalar(o, f, low));
    ln_tfl_set_real(o, 0, x);
}
