/* SPDX-License-Identifier: Apache-2.0
 *
 * Reductions over axes, running sums, and the places of the largest elements.
 */
#include "tools/tflite/operators.h"

#include <math.h>

/* Reduces a value over the axes of input 1, with the row's operator or `type`. */
static int32_t reduce(ln_tfl_op *o, const char *type, int32_t x)
{
    bool none = ln_tfl_count(ln_tfl_in(o, 1)) == 0;
    ln_attr attrs[2] = {ln_tfl_attr_int("keepdims", ln_tfl_option(o, 0, 1, 0) ? 1 : 0),
                        ln_tfl_attr_int("noop_with_empty_axes", 1)};
    int32_t axes = ln_tfl_int64(o, 1);
    if (ln_tfl_in(o, 1)->rank == 0)
        axes = ln_tfl_reshape(o, axes, 1, (int64_t[]){1});
    return ln_tfl_node(o, type, LN_INS(x, axes), 1 + none, attrs);
}

void ln_tfl_reduce(ln_tfl_op *o)
{
    ln_tfl_set_real(o, 0, reduce(o, o->row->onnx, ln_tfl_real(o, 0)));
}

/* Elements of a MEAN's input for each of its output; 0: not known. */
static double mean_of(ln_tfl_op *o, const int64_t *axes, int32_t n_axes)
{
    const ln_tfl_tensor *x = ln_tfl_in(o, 0);
    bool seen[LINNET_MAX_RANK] = {false};
    double n = 1;
    for (int32_t i = 0; i < n_axes; i++) {
        int64_t axis = axes[i] < 0 ? axes[i] + x->rank : axes[i];
        if (axis < 0 || axis >= x->rank || x->dims[axis] < 1)
            return 0;
        n *= seen[axis] ? 1 : (double)x->dims[axis];
        seen[axis] = true;
    }
    return n;
}

static bool in_steps(const ln_tfl_tensor *t)
{
    return t->scales.n == 1 && !t->blocks &&
           (t->type == LINNET_INT8 || t->type == LINNET_UINT8 || t->type == LINNET_INT16);
}

/* TensorFlow Lite's own kernels round the mean of n integers twice: the sum times the ratio of the scales, m 2^e with m
 * in [0.5, 1), over n to a grid of 2^(e - floor(log2 n)) steps, and that to a whole step, halves away from zero. Where
 * n is small that is not the mean: on a grid of halves every other result is a half, and goes away from zero. The
 * published results of such networks have it; so this does the same where the grid is of halves or quarters. True:
 * done. */
static bool mean_on_grid(ln_tfl_op *o, double n)
{
    const ln_tfl_tensor *x = ln_tfl_in(o, 0), *y = ln_tfl_out(o, 0);
    const linnet_type f = LINNET_FLOAT32;
    int e, log2n;
    if (!in_steps(x) || !in_steps(y) || n <= 1)
        return false;
    double ratio = (double)ln_tfl_scale(o, x, 0) / (double)ln_tfl_scale(o, y, 0);
    (void)frexp(ratio, &e);
    (void)frexp(n, &log2n);
    int grid = e - (log2n - 1);
    if (grid != -1 && grid != -2)
        return false;
    int32_t v = reduce(o, "ReduceSum", ln_tfl_to_steps(o, x, ln_tfl_stored(o, 0)));
    v = LN_NODE(o, "Mul", v, ln_tfl_scalar(o, f, ldexp(ratio / n, -grid)));
    v = LN_NODE(o, "Floor", LN_NODE(o, "Add", v, ln_tfl_scalar(o, f, 0.5)));
    /* A little more than the grid, so that QuantizeLinear, which rounds halves to even, sees no halves. */
    v = LN_NODE(o, "Mul", v, ln_tfl_scalar(o, f, ldexp(1 + 0x1p-18, grid)));
    ln_tfl_set_stored(o, 0, ln_tfl_from_steps(o, y, v));
    return true;
}

/* MEAN over the two spatial dimensions of an image is global pooling, which is quicker on integers. */
void ln_tfl_mean(ln_tfl_op *o)
{
    const ln_tfl_tensor *x = ln_tfl_in(o, 0);
    int64_t axes[LINNET_MAX_RANK];
    int32_t n = ln_tfl_ints(o, 1, axes, LINNET_MAX_RANK);
    if (mean_on_grid(o, mean_of(o, axes, n)))
        return;
    for (int32_t i = 0; i < n; i++)
        axes[i] += axes[i] < 0 ? x->rank : 0;
    bool spatial = x->rank == 4 && n == 2 && ((axes[0] == 1 && axes[1] == 2) || (axes[0] == 2 && axes[1] == 1));
    if (!spatial || ln_tfl_real_type(x) != LINNET_FLOAT32) {
        ln_tfl_reduce(o);
        return;
    }
    const ln_tfl_tensor *y = ln_tfl_out(o, 0);
    int32_t v = ln_tfl_quantise(o, y, LN_NODE(o, "GlobalAveragePool", ln_tfl_image(o, 0)));
    if (ln_tfl_option(o, 0, 1, 0))
        v = ln_tfl_channels_last(o, v, 4);
    else
        v = LN_NODE(o, "Squeeze", v, ln_tfl_const_ints(o, 2, (int64_t[]){2, 3}));
    ln_tfl_set_stored(o, 0, v);
}

/* ANY and ALL: the largest and the smallest of 0 and 1. */
void ln_tfl_reduce_bool(ln_tfl_op *o)
{
    int32_t x = ln_tfl_cast(o, ln_tfl_stored(o, 0), LINNET_INT32);
    ln_tfl_set_stored(o, 0, ln_tfl_cast(o, reduce(o, o->row->onnx, x), LINNET_BOOL));
}

void ln_tfl_cumsum(ln_tfl_op *o)
{
    ln_attr attrs[2] = {ln_tfl_attr_int("exclusive", ln_tfl_option(o, 0, 1, 0) ? 1 : 0),
                        ln_tfl_attr_int("reverse", ln_tfl_option(o, 1, 1, 0) ? 1 : 0)};
    int64_t axis;
    if (ln_tfl_need_ints(o, 1, &axis, 1) == 1)
        ln_tfl_set_real(o, 0, ln_tfl_node(o, "CumSum", LN_INS(ln_tfl_real(o, 0), ln_tfl_const_int(o, axis)), 2, attrs));
}

void ln_tfl_arg(ln_tfl_op *o)
{
    const ln_tfl_tensor *y = ln_tfl_out(o, 0);
    int64_t axis;
    if (ln_tfl_need_ints(o, 1, &axis, 1) != 1)
        return;
    int32_t v = ln_tfl_node(o, o->row->onnx, LN_INS(ln_tfl_real(o, 0)),
                            LN_ATTRS(ln_tfl_attr_int("axis", axis), ln_tfl_attr_int("keepdims", 0)));
    ln_tfl_set_stored(o, 0, y->type == LINNET_INT64 ? v : ln_tfl_cast(o, v, y->type));
}

void ln_tfl_top_k(ln_tfl_op *o)
{
    int32_t out[2], in[2] = {ln_tfl_real(o, 0), ln_tfl_int64(o, 1)};
    const ln_tfl_tensor *where = ln_tfl_out(o, 1);
    in[1] = ln_tfl_reshape(o, in[1], 1, (int64_t[]){1});
    ln_tfl_nodes(o, "TopK", 2, in, LN_NO_ATTRS, 2, out);
    ln_tfl_set_real(o, 0, out[0]);
    ln_tfl_set_stored(o, 1, where->type == LINNET_INT64 ? out[1] : ln_tfl_cast(o, out[1], where->type));
}
