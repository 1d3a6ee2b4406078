/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolutions. TensorFlow Lite has channels last, ONNX first: transposes stand around each, on the integers where the
 * tensors are quantised, so that what quantises stays next to the operator; the engine's passes cancel them. Weights
 * are permuted here.
 */
#include <string.h>

#include "tools/tflite/operators.h"

/* -- padding ---------------------------------------------------------------------------------------------------------
 */

/* What is padded before and after so that every window of n starts lies in the input, as TensorFlow divides it. */
void ln_tfl_same_padding(int64_t in, int64_t window, int64_t stride, int64_t dilation, int64_t *before, int64_t *after)
{
    int64_t reach = (window - 1) * dilation + 1, out = (in + stride - 1) / stride;
    int64_t total = (out - 1) * stride + reach - in;
    total = total > 0 ? total : 0;
    *before = total / 2;
    *after = total - *before;
}

/* Attributes of a window over n spatial dimensions, appended to attrs. */
static bool window_attrs(ln_tfl_op *o, const ln_tfl_window *w, const ln_tfl_tensor *x, ln_attr *attrs, int32_t *n_attrs)
{
    int64_t pads[2 * LN_TFL_SPATIAL] = {0};
    bool fixed = true, padded = false, dilated = false;
    for (int32_t i = 0; i < w->n; i++) {
        if (w->size[i] < 1 || w->stride[i] < 1 || w->dilation[i] < 1 || w->size[i] > INT32_MAX) {
            ln_tfl_fail(o, LINNET_ERR_MODEL, "a window of %lld with stride %lld and dilation %lld",
                        (long long)w->size[i], (long long)w->stride[i], (long long)w->dilation[i]);
            return false;
        }
        fixed = fixed && x->dims[1 + i] >= 0;
        if (w->padding == PADDING_SAME && fixed)
            ln_tfl_same_padding(x->dims[1 + i], w->size[i], w->stride[i], w->dilation[i], &pads[i], &pads[w->n + i]);
        padded = padded || pads[i] || pads[w->n + i];
        dilated = dilated || w->dilation[i] > 1;
    }
    attrs[(*n_attrs)++] = ln_tfl_attr_ints(o, "kernel_shape", w->n, w->size);
    attrs[(*n_attrs)++] = ln_tfl_attr_ints(o, "strides", w->n, w->stride);
    if (dilated)
        attrs[(*n_attrs)++] = ln_tfl_attr_ints(o, "dilations", w->n, w->dilation);
    if (w->padding == PADDING_SAME && !fixed)
        attrs[(*n_attrs)++] = ln_tfl_attr_text("auto_pad", "SAME_UPPER");
    else if (padded)
        attrs[(*n_attrs)++] = ln_tfl_attr_ints(o, "pads", 2 * w->n, pads);
    if (w->padding != PADDING_SAME && w->padding != PADDING_VALID)
        ln_tfl_fail(o, LINNET_ERR_MODEL, "padding %lld", (long long)w->padding);
    return ln_tfl_ok(o);
}

/* -- operands --------------------------------------------------------------------------------------------------------
 */

int32_t ln_tfl_permuted(ln_tfl_op *o, uint32_t i, int32_t rank, const int64_t *perm)
{
    const ln_tfl_tensor *t = ln_tfl_in(o, i);
    int32_t index = ln_tfl_in_index(o, i);
    const uint8_t *from = index >= 0 && t->data && t->rank == rank ? ln_tfl_data(o, t) : NULL;
    if (!from)
        return ln_tfl_transpose(o, ln_tfl_stored(o, i), rank, perm);
    int64_t dims[LINNET_MAX_RANK], step[LINNET_MAX_RANK] = {0}, at[LINNET_MAX_RANK] = {0}, n = ln_tfl_count(t);
    size_t size = linnet_type_size(t->type);
    for (int32_t k = 0; k < rank; k++) {
        dims[k] = t->dims[perm[k]];
        step[k] = 1;
        for (int32_t j = (int32_t)perm[k] + 1; j < rank; j++)
            step[k] *= t->dims[j];
    }
    uint8_t *to = ln_arena_alloc(o->c->arena, (size_t)n * size, 64);
    if (!to) {
        ln_tfl_no_memory(o);
        return LN_NO_VALUE;
    }
    int64_t offset = 0;
    for (int64_t k = 0; k < n; k++) {
        memcpy(to + (size_t)k * size, from + (size_t)offset * size, size);
        for (int32_t d = rank - 1; d >= 0; d--) {
            offset += step[d];
            if (++at[d] < dims[d])
                break;
            offset -= step[d] * dims[d];
            at[d] = 0;
        }
    }
    int32_t id = ln_graph_constant(o->scope->g, t->name, t->type, rank, dims, to);
    if (id < 0)
        ln_tfl_no_memory(o);
    return id;
}

/* The weights permuted, as numbers. */
static int32_t weights(ln_tfl_op *o, uint32_t i, int32_t rank, const int64_t *perm)
{
    const ln_tfl_tensor *t = ln_tfl_in(o, i);
    int32_t axis = 0;
    while (axis < rank - 1 && perm[axis] != t->axis)
        axis++;
    return ln_tfl_dequantise(o, t, ln_tfl_permuted(o, i, rank, perm), axis);
}

int32_t ln_tfl_bias(ln_tfl_op *o, uint32_t i, const ln_tfl_tensor *x, const ln_tfl_tensor *w)
{
    const ln_tfl_tensor *t = ln_tfl_in(o, i);
    bool integers = t->type == LINNET_INT32 || t->type == LINNET_INT64;
    if (!ln_tfl_has(o, i) || !integers || !x->scales.n || !w->scales.n)
        return ln_tfl_real(o, i);
    int64_t n = ln_tfl_count(t), scales_n = w->scales.n;
    const void *data = t->data ? ln_tfl_data(o, t) : NULL;
    float *scales = ln_arena_array(o->c->arena, scales_n, sizeof *scales);
    float *floats = ln_arena_array(o->c->arena, n < 0 ? 0 : n, sizeof *floats);
    if (!scales || !floats) {
        ln_tfl_no_memory(o);
        return LN_NO_VALUE;
    }
    for (int64_t k = 0; k < scales_n; k++)
        scales[k] = ln_tfl_scale(o, x, 0) * ln_tfl_scale(o, w, (uint32_t)k);
    if (t->type == LINNET_INT32 && (scales_n == 1 || scales_n == n)) {
        ln_attr axis = ln_tfl_attr_int("axis", 0);
        int32_t scale = ln_tfl_constant(o, LINNET_FLOAT32, scales_n > 1, &scales_n, scales);
        return ln_tfl_node(o, "DequantizeLinear", LN_INS(ln_tfl_stored(o, i), scale), 1, &axis);
    }
    if (!data || t->type != LINNET_INT64 || (scales_n != 1 && scales_n != n)) {
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "the bias does not fit the scales of the weights, or is not constant");
        return LN_NO_VALUE;
    }
    for (int64_t k = 0; k < n; k++)
        floats[k] = (float)((double)((const int64_t *)data)[k] * (double)scales[scales_n == 1 ? 0 : k]);
    return ln_tfl_const_floats(o, t->rank, t->dims, floats);
}

int32_t ln_tfl_image(ln_tfl_op *o, uint32_t i)
{
    const ln_tfl_tensor *t = ln_tfl_in(o, i);
    return ln_tfl_dequantise(o, t, ln_tfl_channels_first(o, ln_tfl_stored(o, i), t->rank), 1);
}

void ln_tfl_set_image(ln_tfl_op *o, int32_t value, int64_t act)
{
    const ln_tfl_tensor *t = ln_tfl_out(o, 0);
    value = ln_tfl_quantise(o, t, ln_tfl_activation(o, value, act, ln_tfl_real_type(t)));
    ln_tfl_set_stored(o, 0, ln_tfl_channels_last(o, value, t->rank));
}

/* Ranks of input, weights and output, and one scale each for what goes in and out. */
static bool check(ln_tfl_op *o, uint32_t x, uint32_t w, int32_t rank)
{
    const ln_tfl_tensor *xt = ln_tfl_in(o, x), *wt = ln_tfl_in(o, w), *yt = ln_tfl_out(o, 0);
    if (xt->rank != rank || wt->rank != rank || yt->rank != rank || ln_tfl_count(wt) < 1 || xt->dims[rank - 1] < 1)
        ln_tfl_fail(o, LINNET_ERR_MODEL, "input, weights and output of %d, %d and %d dimensions, not %d of fixed sizes",
                    xt->rank, wt->rank, yt->rank, rank);
    else if (xt->scales.n > 1 || yt->scales.n > 1)
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "input or output with a scale per channel");
    return ln_tfl_ok(o);
}

/* Input 0 for weights w, channels first. Numbers for integer weights are rounded by the image, by the pixel for 1 x 1.
 */
static int32_t convolved(ln_tfl_op *o, const ln_tfl_tensor *w, const ln_tfl_window *window)
{
    const ln_tfl_tensor *x = ln_tfl_in(o, 0);
    bool pixel = o->row->code != 4;
    for (int32_t i = 0; i < window->n; i++)
        pixel = pixel && window->size[i] == 1 && window->stride[i] == 1;
    if (!ln_tfl_hybrid(x, w))
        return ln_tfl_image(o, 0);
    int32_t v = ln_tfl_rounded(o, ln_tfl_stored(o, 0), x, pixel ? x->rank - 1 : 1);
    return ln_tfl_channels_first(o, v, x->rank);
}

/* -- convolutions ----------------------------------------------------------------------------------------------------
 */

void ln_tfl_conv_2d(ln_tfl_op *o)
{
    bool depthwise = o->row->code == 4;
    int act_slot = depthwise ? 4 : 3, dilation_slot = depthwise ? 5 : 4;
    static const int64_t ohwi[] = {0, 3, 1, 2}, ihwo[] = {3, 0, 1, 2};
    if (!check(o, 0, 1, 4))
        return;
    const ln_tfl_tensor *x = ln_tfl_in(o, 0), *w = ln_tfl_in(o, 1);
    ln_tfl_window window = {
        .n = 2,
        .padding = ln_tfl_option(o, 0, 1, 0),
        .size = {w->dims[1], w->dims[2]},
        .stride = {ln_tfl_option(o, 2, 4, 0), ln_tfl_option(o, 1, 4, 0)},
        .dilation = {ln_tfl_option(o, dilation_slot + 1, 4, 1), ln_tfl_option(o, dilation_slot, 4, 1)}};
    int64_t channels = x->dims[3], group = depthwise ? channels : channels / w->dims[3];
    if (depthwise ? w->dims[0] != 1 || w->dims[3] % channels : channels % w->dims[3] || w->dims[0] % group) {
        ln_tfl_fail(o, LINNET_ERR_MODEL, "weights of %lld x .. x %lld for %lld channels", (long long)w->dims[0],
                    (long long)w->dims[3], (long long)channels);
        return;
    }
    ln_attr attrs[8];
    int32_t n_attrs = 0;
    if (!window_attrs(o, &window, x, attrs, &n_attrs))
        return;
    if (group > 1)
        attrs[n_attrs++] = ln_tfl_attr_int("group", group);
    int32_t in[3] = {convolved(o, w, &window), weights(o, 1, 4, depthwise ? ihwo : ohwi), ln_tfl_bias(o, 2, x, w)};
    ln_tfl_set_image(o, ln_tfl_node(o, "Conv", 3, in, n_attrs, attrs), ln_tfl_option(o, act_slot, 1, 0));
}

void ln_tfl_conv_3d(ln_tfl_op *o)
{
    static const int64_t dhwio[] = {4, 3, 0, 1, 2};
    if (!check(o, 0, 1, 5))
        return;
    const ln_tfl_tensor *x = ln_tfl_in(o, 0), *w = ln_tfl_in(o, 1);
    ln_tfl_window window = {
        .n = 3,
        .padding = ln_tfl_option(o, 0, 1, 0),
        .size = {w->dims[0], w->dims[1], w->dims[2]},
        .stride = {ln_tfl_option(o, 1, 4, 0), ln_tfl_option(o, 3, 4, 0), ln_tfl_option(o, 2, 4, 0)},
        .dilation = {ln_tfl_option(o, 5, 4, 1), ln_tfl_option(o, 7, 4, 1), ln_tfl_option(o, 6, 4, 1)}};
    ln_attr attrs[8];
    int32_t n_attrs = 0;
    if (!window_attrs(o, &window, x, attrs, &n_attrs))
        return;
    if (x->dims[4] > w->dims[3] && x->dims[4] % w->dims[3] == 0)
        attrs[n_attrs++] = ln_tfl_attr_int("group", x->dims[4] / w->dims[3]);
    int32_t in[3] = {convolved(o, w, &window), weights(o, 1, 5, dhwio), ln_tfl_bias(o, 2, x, w)};
    ln_tfl_set_image(o, ln_tfl_node(o, "Conv", 3, in, n_attrs, attrs), ln_tfl_option(o, 4, 1, 0));
}

/* Inputs: the shape of the output, weights, x, bias. What the stride leaves over of the output's size is cut off as
 * padding is added in the forward direction. */
void ln_tfl_conv_transpose(ln_tfl_op *o)
{
    bool flat = o->row->code == 67;
    static const int64_t ohwi[] = {3, 0, 1, 2}, dhwoi[] = {4, 3, 0, 1, 2};
    int32_t n = flat ? 2 : 3, n_attrs = 0;
    if (!check(o, 2, 1, n + 2))
        return;
    const ln_tfl_tensor *x = ln_tfl_in(o, 2), *w = ln_tfl_in(o, 1);
    int64_t shape[5] = {0}, pads[6] = {0}, size[3], extra[3] = {0};
    int64_t stride[3] = {ln_tfl_option(o, flat ? 2 : 1, 4, 0), ln_tfl_option(o, flat ? 1 : 3, 4, 0),
                         flat ? 1 : ln_tfl_option(o, 2, 4, 0)};
    if (ln_tfl_ints(o, 0, shape, 5) != n + 2)
        for (int32_t i = 0; i < n; i++)
            shape[1 + i] = ln_tfl_out(o, 0)->dims[1 + i];
    for (int32_t i = 0; i < n; i++) {
        size[i] = w->dims[flat ? 1 + i : i];
        if (x->dims[1 + i] < 1 || shape[1 + i] < 1 || stride[i] < 1 || x->dims[1 + i] > INT32_MAX) {
            ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "input or output of an open size, or stride 0");
            return;
        }
        int64_t over = (x->dims[1 + i] - 1) * stride[i] + size[i] - shape[1 + i];
        if (over < 0)
            extra[i] = -over;
        else
            pads[i] = over / 2, pads[n + i] = over - over / 2;
    }
    if (!flat && (ln_tfl_option(o, 5, 4, 1) != 1 || ln_tfl_option(o, 6, 4, 1) != 1 || ln_tfl_option(o, 7, 4, 1) != 1))
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "dilations");
    ln_attr attrs[4];
    attrs[n_attrs++] = ln_tfl_attr_ints(o, "kernel_shape", n, size);
    attrs[n_attrs++] = ln_tfl_attr_ints(o, "strides", n, stride);
    attrs[n_attrs++] = ln_tfl_attr_ints(o, "pads", 2 * n, pads);
    attrs[n_attrs++] = ln_tfl_attr_ints(o, "output_padding", n, extra);
    int32_t in[3] = {ln_tfl_image(o, 2), weights(o, 1, n + 2, flat ? ohwi : dhwoi), ln_tfl_bias(o, 3, x, w)};
    ln_tfl_set_image(o, ln_tfl_node(o, "ConvTranspose", 3, in, n_attrs, attrs), ln_tfl_option(o, flat ? 3 : 4, 1, 0));
}

/* -- pooling ---------------------------------------------------------------------------------------------------------
 */

/* Averages do not count the padding, which is ONNX's default too. */
void ln_tfl_pool_2d(ln_tfl_op *o)
{
    const ln_tfl_tensor *x = ln_tfl_in(o, 0), *y = ln_tfl_out(o, 0);
    bool l2 = o->row->code == 12, max = o->row->code == 17;
    int64_t act = ln_tfl_option(o, 5, 1, 0);
    ln_tfl_window window = {.n = 2,
                            .padding = ln_tfl_option(o, 0, 1, 0),
                            .size = {ln_tfl_option(o, 4, 4, 0), ln_tfl_option(o, 3, 4, 0)},
                            .stride = {ln_tfl_option(o, 2, 4, 0), ln_tfl_option(o, 1, 4, 0)},
                            .dilation = {1, 1}};
    ln_attr attrs[8];
    int32_t n_attrs = 0;
    if (x->rank != 4 || y->rank != 4)
        ln_tfl_fail(o, LINNET_ERR_MODEL, "input and output of %d and %d dimensions, not 4", x->rank, y->rank);
    if (!ln_tfl_ok(o) || !window_attrs(o, &window, x, attrs, &n_attrs))
        return;
    bool bytes = x->type == LINNET_INT8 || x->type == LINNET_UINT8;
    if (max && bytes && act == ACT_NONE && ln_tfl_same_scale(o, x, y)) { /* the integers keep their order */
        int32_t v = ln_tfl_channels_first(o, ln_tfl_stored(o, 0), 4);
        ln_tfl_set_stored(o, 0, ln_tfl_channels_last(o, ln_tfl_node(o, "MaxPool", 1, &v, n_attrs, attrs), 4));
        return;
    }
    int32_t v = ln_tfl_image(o, 0);
    if (l2)
        v = LN_NODE(o, "Mul", v, v);
    v = ln_tfl_node(o, max ? "MaxPool" : "AveragePool", 1, &v, n_attrs, attrs);
    ln_tfl_set_image(o, l2 ? LN_NODE(o, "Sqrt", v) : v, act);
}
