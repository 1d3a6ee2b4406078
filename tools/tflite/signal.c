/* SPDX-License-Identifier: Apache-2.0
 *
 * Transforms and complex numbers: a complex tensor is a real one with a last dimension of 2, as ONNX's DFT has it.
 */
#include "tools/tflite/operators.h"

/* One axis to `length` elements: DFT pads or cuts by itself. onesided only for real input, at the last axis. */
static int32_t dft(ln_tfl_op *o, int32_t x, int64_t length, int64_t axis, bool onesided)
{
    return ln_tfl_node(o, "DFT", LN_INS(x, ln_tfl_const_int(o, length), ln_tfl_const_int(o, axis)),
                       LN_ATTRS(ln_tfl_attr_int("onesided", onesided)));
}

/* Input 1: the lengths of the last two dimensions (RFFT2D) or of the last one. */
static void rfft(ln_tfl_op *o, int32_t dimensions)
{
    const ln_tfl_tensor *x = ln_tfl_in(o, 0);
    int64_t length[2];
    int32_t n = ln_tfl_need_ints(o, 1, length, 2);
    if (ln_tfl_ok(o) && (n != dimensions || x->rank < n))
        ln_tfl_fail(o, LINNET_ERR_MODEL, "%d lengths for %d dimensions", n, x->rank);
    for (int32_t i = 0; i < n && ln_tfl_ok(o); i++)
        if (length[i] < 1)
            ln_tfl_fail(o, LINNET_ERR_MODEL, "a transform of length %lld", (long long)length[i]);
    if (!ln_tfl_ok(o))
        return;
    int32_t v = ln_tfl_unsqueeze(o, ln_tfl_real(o, 0), x->rank);
    v = dft(o, v, length[n - 1], x->rank - 1, true);
    if (n == 2 && (length[0] > 1 || x->dims[x->rank - 2] != 1)) /* one row is its own transform */
        v = dft(o, v, length[0], x->rank - 2, false);
    ln_tfl_set_stored(o, 0, v);
}

void ln_tfl_rfft_2d(ln_tfl_op *o)
{
    rfft(o, 2);
}

void ln_tfl_flex_rfft(ln_tfl_op *o)
{
    rfft(o, 1);
}

/* REAL and IMAG. */
void ln_tfl_real_part(ln_tfl_op *o)
{
    const ln_tfl_tensor *x = ln_tfl_in(o, 0);
    ln_attr axis = ln_tfl_attr_int("axis", x->rank);
    int32_t which = ln_tfl_const_int(o, o->row->code == 133);
    ln_tfl_set_stored(o, 0, ln_tfl_node(o, "Gather", LN_INS(ln_tfl_stored(o, 0), which), 1, &axis));
}

void ln_tfl_complex_abs(ln_tfl_op *o)
{
    int32_t axis = ln_tfl_const_ints(o, 1, &(int64_t){-1});
    ln_attr keep = ln_tfl_attr_int("keepdims", 0);
    int32_t power = ln_tfl_node(o, "ReduceSumSquare", LN_INS(ln_tfl_stored(o, 0), axis), 1, &keep);
    ln_tfl_set_stored(o, 0, LN_NODE(o, "Sqrt", power));
}
