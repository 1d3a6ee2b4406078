/* SPDX-License-Identifier: Apache-2.0
 *
 * Non-maximum suppression. TensorFlow Lite fills its results up to the number that is asked for; ONNX gives what it
 * found, and the rest is padded.
 */
#include "tools/tflite/operators.h"

/* Column 2 of [n, 3] is the box; up to `most`, which is a 1-D int64. */
static int32_t padded(ln_tfl_op *o, int32_t value, int32_t count, int32_t most)
{
    int32_t pads[2] = {ln_tfl_const_ints(o, 1, &(int64_t){0}), LN_NODE(o, "Sub", most, count)};
    return LN_NODE(o, "Pad", value, ln_tfl_concat(o, 0, 2, pads));
}

/* Inputs: boxes, scores, how many, overlap, least score, (version 5) sigma. Outputs: boxes, (5) scores, how many. */
void ln_tfl_non_max_suppression(ln_tfl_op *o)
{
    bool soft = o->row->code == 121;
    const ln_tfl_tensor *sigma = ln_tfl_in(o, 5);
    const float *s = soft && sigma->type == LINNET_FLOAT32 && ln_tfl_count(sigma) == 1 ? ln_tfl_data(o, sigma) : NULL;
    if (soft && (!s || *s != 0)) {
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "scores that decay (sigma is not 0)");
        return;
    }
    int64_t one = 1, two = 2;
    int32_t most = ln_tfl_reshape(o, ln_tfl_int64(o, 2), 1, &one), scores = ln_tfl_real(o, 1);
    int32_t in[5] = {ln_tfl_unsqueeze(o, ln_tfl_real(o, 0), 0), ln_tfl_unsqueeze(o, ln_tfl_unsqueeze(o, scores, 0), 0),
                     most, ln_tfl_reshape(o, ln_tfl_real(o, 3), 1, &one),
                     ln_tfl_reshape(o, ln_tfl_real(o, 4), 1, &one)};
    int32_t found = ln_tfl_node(o, "NonMaxSuppression", 5, in, LN_NO_ATTRS);
    ln_attr axis = ln_tfl_attr_int("axis", 1), end = ln_tfl_attr_int("end", 1);
    int32_t boxes = ln_tfl_node(o, "Gather", LN_INS(found, ln_tfl_const_int(o, two)), 1, &axis);
    int32_t count = ln_tfl_node(o, "Shape", LN_INS(boxes), 1, &end);
    int32_t filled = padded(o, boxes, count, most);
    uint32_t last = soft ? 2 : 1;
    ln_tfl_set_stored(o, 0, ln_tfl_cast(o, filled, ln_tfl_out(o, 0)->type));
    if (soft)
        ln_tfl_set_real(o, 1, padded(o, LN_NODE(o, "Gather", scores, boxes), count, most));
    ln_tfl_set_stored(o, last, ln_tfl_cast(o, ln_tfl_reshape(o, count, 0, NULL), ln_tfl_out(o, last)->type));
}

/* -- random numbers --------------------------------------------------------------------------------------------------
 */

/* Input 0: the shape. ONNX's numbers of a seed are others than TensorFlow's. */
void ln_tfl_random(ln_tfl_op *o)
{
    int64_t seed = ln_tfl_option(o, 0, 8, 0);
    ln_attr attrs[2] = {ln_tfl_attr_int("dtype", ln_tfl_out(o, 0)->type),
                        ln_tfl_attr_float("seed", (float)(seed ? seed : ln_tfl_option(o, 1, 8, 0)))};
    int32_t shape = LN_NODE(o, "ConstantOfShape", ln_tfl_int64(o, 0));
    ln_tfl_set_stored(o, 0, ln_tfl_node(o, o->row->onnx, LN_INS(shape), 2, attrs));
}

/* Inputs: logits, how many. */
void ln_tfl_multinomial(ln_tfl_op *o)
{
    int64_t n;
    if (ln_tfl_need_ints(o, 1, &n, 1) != 1)
        return;
    ln_attr attrs[2] = {ln_tfl_attr_int("dtype", ln_tfl_out(o, 0)->type), ln_tfl_attr_int("sample_size", n)};
    ln_tfl_set_stored(o, 0, ln_tfl_node(o, "Multinomial", LN_INS(ln_tfl_real(o, 0)), 2, attrs));
}
