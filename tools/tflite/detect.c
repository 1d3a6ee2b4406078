/* SPDX-License-Identifier: Apache-2.0
 *
 * Non-maximum suppression, and random numbers. TensorFlow Lite fills its results up to the number that is asked for;
 * ONNX gives what it found, and the rest is padded.
 */
#include "tools/tflite/flex.h"
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

/* -- the end of SSD networks -----------------------------------------------------------------------------------------
 */

static double option(ln_tfl_op *o, const char *key)
{
    double value = 0;
    if (!ln_flex_float(o->node->custom_data, o->node->custom_bytes, key, &value))
        ln_tfl_fail(o, LINNET_ERR_MODEL, "option '%s' is absent", key);
    return value;
}

/* Column k of [n, 4]. */
static int32_t column(ln_tfl_op *o, int32_t x, int64_t k)
{
    return ln_tfl_slice(o, x, 1, k, k + 1);
}

/* Offsets and sizes in units of anchors (y, x, h, w) -> corners (y, x, y, x). */
static int32_t decoded(ln_tfl_op *o, int32_t codes, int32_t anchors)
{
    static const char *const scales[] = {"y_scale", "x_scale", "h_scale", "w_scale"};
    int32_t corner[4];
    for (int k = 0; k < 2; k++) {
        int32_t size = column(o, anchors, 2 + k);
        int32_t by = ln_tfl_scalar(o, LINNET_FLOAT32, option(o, scales[k]));
        int32_t grow = ln_tfl_scalar(o, LINNET_FLOAT32, option(o, scales[2 + k]));
        int32_t centre = LN_NODE(o, "Mul", LN_NODE(o, "Div", column(o, codes, k), by), size);
        centre = LN_NODE(o, "Add", centre, column(o, anchors, k));
        int32_t half = LN_NODE(o, "Mul", LN_NODE(o, "Exp", LN_NODE(o, "Div", column(o, codes, 2 + k), grow)), size);
        half = LN_NODE(o, "Mul", half, ln_tfl_scalar(o, LINNET_FLOAT32, 0.5));
        corner[k] = LN_NODE(o, "Sub", centre, half);
        corner[2 + k] = LN_NODE(o, "Add", centre, half);
    }
    return ln_tfl_concat(o, 1, 4, corner);
}

/* Inputs: codes [1, n, 4], scores [1, n, classes], anchors [n, 4]. The best class of each anchor counts; results are
 * filled with zeros up to max_detections. */
void ln_tfl_detection(ln_tfl_op *o)
{
    const ln_tfl_tensor *scores = ln_tfl_in(o, 1);
    double most = option(o, "max_detections"), classes = option(o, "num_classes"), each = 1, regular = 0;
    double overlap = option(o, "nms_iou_threshold"), least = option(o, "nms_score_threshold");
    (void)ln_flex_float(o->node->custom_data, o->node->custom_bytes, "max_classes_per_detection", &each);
    (void)ln_flex_float(o->node->custom_data, o->node->custom_bytes, "use_regular_nms", &regular);
    int64_t all = scores->rank == 3 ? scores->dims[2] : -1, one = 1, two = 2;
    if (ln_tfl_ok(o) && (each != 1 || regular != 0 || all < 1 || !(classes >= 1 && classes <= (double)all) ||
                         !(most >= 1 && most <= 1e6) || scores->dims[0] != 1))
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "more than one class of a box, suppression by class, or a batch");
    if (!ln_tfl_ok(o))
        return;
    int32_t boxes = decoded(o, ln_tfl_squeeze(o, ln_tfl_real(o, 0), 0), ln_tfl_real(o, 2));
    int32_t named = ln_tfl_slice(o, ln_tfl_squeeze(o, ln_tfl_real(o, 1), 0), 1, all - (int64_t)classes, INT64_MAX);
    ln_attr drop = ln_tfl_attr_int("keepdims", 0), end = ln_tfl_attr_int("end", 1);
    int32_t best = ln_tfl_node(o, "ReduceMax", LN_INS(named, ln_tfl_const_ints(o, 1, &one)), 1, &drop);
    int32_t class = ln_tfl_node(o, "ArgMax", LN_INS(named), LN_ATTRS(ln_tfl_attr_int("axis", 1), drop));
    int32_t number = ln_tfl_const_ints(o, 1, &(int64_t){(int64_t)most});
    float limits[2] = {(float)overlap, (float)least};
    int32_t in[5] = {ln_tfl_unsqueeze(o, boxes, 0), ln_tfl_unsqueeze(o, ln_tfl_unsqueeze(o, best, 0), 0), number,
                     ln_tfl_const_floats(o, 1, &one, &limits[0]), ln_tfl_const_floats(o, 1, &one, &limits[1])};
    ln_attr axis = ln_tfl_attr_int("axis", 1);
    int32_t found = ln_tfl_node(o, "NonMaxSuppression", 5, in, LN_NO_ATTRS);
    int32_t at = ln_tfl_node(o, "Gather", LN_INS(found, ln_tfl_const_int(o, two)), 1, &axis);
    int32_t count = ln_tfl_node(o, "Shape", LN_INS(at), 1, &end), zero = ln_tfl_const_ints(o, 1, &(int64_t){0});
    int32_t wide[4] = {zero, zero, LN_NODE(o, "Sub", number, count), zero};
    int32_t kept = LN_NODE(o, "Pad", LN_NODE(o, "Gather", boxes, at), ln_tfl_concat(o, 0, 4, wide));
    ln_tfl_set_real(o, 0, ln_tfl_unsqueeze(o, kept, 0));
    int32_t of = ln_tfl_cast(o, LN_NODE(o, "Gather", class, at), LINNET_FLOAT32);
    ln_tfl_set_real(o, 1, ln_tfl_unsqueeze(o, padded(o, of, count, number), 0));
    ln_tfl_set_real(o, 2, ln_tfl_unsqueeze(o, padded(o, LN_NODE(o, "Gather", best, at), count, number), 0));
    ln_tfl_set_real(o, 3, ln_tfl_cast(o, count, LINNET_FLOAT32));
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
