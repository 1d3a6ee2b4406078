/* SPDX-License-Identifier: Apache-2.0
 *
 * Quantised tensors: integers between QuantizeLinear and DequantizeLinear, with one scale or one per index of an axis;
 * and numbers that are rounded on the way into a product with integer weights.
 */
#include "tools/tflite/build.h"

#include <string.h>

/* -- quantisation ----------------------------------------------------------------------------------------------------
 */

bool ln_tfl_quantised(const ln_tfl_tensor *t)
{
    return t->scales.n > 0 || t->blocks;
}

linnet_type ln_tfl_real_type(const ln_tfl_tensor *t)
{
    return ln_tfl_quantised(t) ? LINNET_FLOAT32 : t->type;
}

float ln_tfl_scale(const ln_tfl_op *o, const ln_tfl_tensor *t, uint32_t i)
{
    return ln_flat_float_at(&o->c->file.flat, t->scales, t->scales.n == 1 ? 0 : i);
}

int64_t ln_tfl_zero(const ln_tfl_op *o, const ln_tfl_tensor *t, uint32_t i)
{
    return ln_flat_at(&o->c->file.flat, t->zeros, t->zeros.n == 1 ? 0 : i, 8);
}

bool ln_tfl_same_scale(const ln_tfl_op *o, const ln_tfl_tensor *a, const ln_tfl_tensor *b)
{
    return a->type == b->type && a->scales.n == b->scales.n && a->scales.n <= 1 &&
           (!a->scales.n ||
            (ln_tfl_scale(o, a, 0) == ln_tfl_scale(o, b, 0) && ln_tfl_zero(o, a, 0) == ln_tfl_zero(o, b, 0)));
}

/* Scales (or ones), and zero points of the tensor's type; *zero is LN_NO_VALUE where all are 0 and may be left out. */
static void parameters(ln_tfl_op *o, const ln_tfl_tensor *t, bool ones, int32_t *scale, int32_t *zero)
{
    static const struct {
        int8_t type;
        int32_t low, high;
    } ranges[] = {{LINNET_INT8, -128, 127},  {LINNET_UINT8, 0, 255}, {LINNET_INT16, -32768, 32767},
                  {LINNET_UINT16, 0, 65535}, {LINNET_INT4, -8, 7},   {LINNET_UINT4, 0, 15},
                  {LINNET_INT32, 0, 0},      {LINNET_INT64, 0, 0}};
    int64_t n = t->scales.n;
    int32_t rank = n > 1;
    float *scales = ln_arena_array(o->c->arena, n, sizeof *scales);
    uint8_t *zeros = ln_arena_array(o->c->arena, n, 8);
    size_t size = linnet_type_size(t->type);
    *scale = *zero = LN_NO_VALUE;
    if (!scales || !zeros) {
        ln_tfl_no_memory(o);
        return;
    }
    size_t r = 0;
    while (r + 1 < sizeof ranges / sizeof ranges[0] && ranges[r].type != (int8_t)t->type)
        r++;
    for (int64_t i = 0; i < n; i++) {
        int64_t z = ln_tfl_zero(o, t, (uint32_t)i);
        scales[i] = ones ? 1 : ln_tfl_scale(o, t, (uint32_t)i);
        if (z < ranges[r].low || z > ranges[r].high) {
            ln_tfl_fail(o, LINNET_ERR_MODEL, "tensor '%.100s' has a zero point of %lld", t->name, (long long)z);
            return;
        }
        memcpy(zeros + (size_t)i * size, &z, size); /* little endian: the low bytes */
    }
    *scale = ln_tfl_constant(o, LINNET_FLOAT32, rank, &n, scales);
    if (size < 4)
        *zero = ln_tfl_constant(o, t->type, rank, &n, zeros);
}

static bool plain(ln_tfl_op *o, const ln_tfl_tensor *t)
{
    if (t->blocks)
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "tensor '%.100s' is quantised in blocks", t->name);
    return ln_tfl_ok(o);
}

int32_t ln_tfl_dequantise(ln_tfl_op *o, const ln_tfl_tensor *t, int32_t value, int32_t axis)
{
    int32_t scale, zero;
    if (!ln_tfl_quantised(t))
        return value;
    if (!plain(o, t))
        return LN_NO_VALUE;
    parameters(o, t, false, &scale, &zero);
    if (t->type == LINNET_INT64)
        return LN_NODE(o, "Mul", ln_tfl_cast(o, value, LINNET_FLOAT32), scale);
    return ln_tfl_node(o, "DequantizeLinear", LN_INS(value, scale, zero), t->scales.n > 1,
                       (ln_attr[]){ln_tfl_attr_int("axis", axis)});
}

int32_t ln_tfl_quantise(ln_tfl_op *o, const ln_tfl_tensor *t, int32_t value)
{
    int32_t scale, zero;
    if (!ln_tfl_quantised(t))
        return value;
    if (!plain(o, t))
        return LN_NO_VALUE;
    parameters(o, t, false, &scale, &zero);
    if (zero < 0)
        return ln_tfl_cast(o, LN_NODE(o, "Round", LN_NODE(o, "Div", value, scale)), t->type);
    return ln_tfl_node(o, "QuantizeLinear", LN_INS(value, scale, zero), t->scales.n > 1,
                       (ln_attr[]){ln_tfl_attr_int("axis", t->axis)});
}

int32_t ln_tfl_to_steps(ln_tfl_op *o, const ln_tfl_tensor *t, int32_t value)
{
    int32_t one, zero;
    parameters(o, t, true, &one, &zero);
    return LN_NODE(o, "DequantizeLinear", value, one, zero);
}

int32_t ln_tfl_from_steps(ln_tfl_op *o, const ln_tfl_tensor *t, int32_t value)
{
    int32_t one, zero;
    parameters(o, t, true, &one, &zero);
    return LN_NODE(o, "QuantizeLinear", value, one, zero);
}

/* -- rounding on the way --------------------------------------------------------------------------------------------
 */

bool ln_tfl_hybrid(const ln_tfl_tensor *x, const ln_tfl_tensor *w)
{
    return x->type == LINNET_FLOAT32 && !x->complex && ln_tfl_quantised(w) &&
           (w->type == LINNET_INT8 || w->type == LINNET_INT4);
}

/* As LiteRT does: 256 steps from the least to the largest number, 0 being one of the steps. */
int32_t ln_tfl_rounded(ln_tfl_op *o, int32_t x, const ln_tfl_tensor *t, int32_t first)
{
    int64_t rows = 1, axes[LINNET_MAX_RANK];
    for (int32_t i = 0; i < t->rank; i++) {
        rows = i < first && t->dims[i] != 1 ? 2 : rows;
        axes[i] = i;
    }
    if (rows == 1) {
        int32_t out[3];
        ln_tfl_nodes(o, "DynamicQuantizeLinear", 1, &x, LN_NO_ATTRS, 3, out);
        return ln_tfl_node(o, "DequantizeLinear", 3, out, LN_NO_ATTRS);
    }
    linnet_type f = LINNET_FLOAT32;
    int32_t over = ln_tfl_const_ints(o, t->rank - first, axes + first), zero = ln_tfl_scalar(o, f, 0);
    int32_t low = LN_NODE(o, "Min", LN_NODE(o, "ReduceMin", x, over), zero);
    int32_t high = LN_NODE(o, "Max", LN_NODE(o, "ReduceMax", x, over), zero);
    int32_t scale = LN_NODE(o, "Div", LN_NODE(o, "Sub", high, low), ln_tfl_scalar(o, f, 255));
    scale = LN_NODE(o, "Max", scale, ln_tfl_scalar(o, f, 1e-30)); /* a row of zeros */
    int32_t offset = LN_NODE(o, "Round", LN_NODE(o, "Neg", LN_NODE(o, "Div", low, scale)));
    int32_t steps = LN_NODE(o, "Add", LN_NODE(o, "Round", LN_NODE(o, "Div", x, scale)), offset);
    return LN_NODE(o, "Mul", LN_NODE(o, "Sub", ln_tfl_clip(o, steps, f, 0, 255), offset), scale);
}
