/* SPDX-License-Identifier: Apache-2.0
 *
 * Windows over any dimensions: reductions (a dimension at a time, the elements of its windows one after another), and
 * StableHLO's convolution, whose dimensions lie in any order.
 */
#include <string.h>

#include "tools/tflite/operators.h"

enum { MOST = LINNET_MAX_RANK, LONGEST = 1024 };

typedef struct windows {
    int64_t size[MOST], stride[MOST], apart[MOST]; /* apart: between the elements of a window */
} windows;

/* What each window of v comes to, reduced by an operator of two tensors. dims: v's, and then the result's. */
static int32_t reduce_windows(ln_tfl_op *o, int32_t v, const char *with, int32_t rank, int64_t *dims, const windows *w)
{
    for (int32_t i = 0; i < rank && ln_tfl_ok(o); i++) {
        int64_t size = w->size[i], stride = w->stride[i], apart = w->apart[i];
        if (size < 1 || size > LONGEST || stride < 1 || stride > INT32_MAX || apart < 1 || apart > INT32_MAX ||
            dims[i] > INT32_MAX || (size - 1) * apart >= dims[i]) {
            ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "windows of %lld, every %lld, of %lld elements", (long long)size,
                        (long long)stride, (long long)dims[i]);
            return LN_NO_VALUE;
        }
        int64_t n = (dims[i] - (size - 1) * apart - 1) / stride + 1;
        int32_t sum = LN_NO_VALUE, axis = ln_tfl_const_ints(o, 1, &(int64_t){i});
        for (int64_t k = 0; k < size && (size > 1 || stride > 1); k++) {
            int64_t from = k * apart, to = from + (n - 1) * stride + 1;
            int32_t part = LN_NODE(o, "Slice", v, ln_tfl_const_ints(o, 1, &from), ln_tfl_const_ints(o, 1, &to), axis,
                                   ln_tfl_const_ints(o, 1, &stride));
            sum = k ? LN_NODE(o, with, sum, part) : part;
        }
        v = sum < 0 ? v : sum;
        dims[i] = n;
    }
    return v;
}

static bool sizes_of(ln_tfl_op *o, const ln_tfl_tensor *x, int64_t *dims)
{
    if (ln_tfl_count(x) < 0)
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "an operand of an open size");
    for (int32_t i = 0; i < x->rank; i++)
        dims[i] = x->dims[i];
    return ln_tfl_ok(o);
}

/* Inputs: operand, start, sizes, strides, distances. */
void ln_tfl_reduce_window(ln_tfl_op *o)
{
    static const char *const names[] = {NULL, "Add", "Mul", "Min", "Max", "And", "Or"};
    const ln_tfl_tensor *x = ln_tfl_in(o, 0);
    int64_t kind = ln_tfl_option(o, 0, 4, 0), dims[MOST];
    windows w;
    bool fits = ln_tfl_need_ints(o, 2, w.size, MOST) == x->rank && ln_tfl_need_ints(o, 3, w.stride, MOST) == x->rank &&
                ln_tfl_need_ints(o, 4, w.apart, MOST) == x->rank;
    if (!fits || kind < 1 || kind > 6) {
        ln_tfl_fail(o, LINNET_ERR_MODEL, "windows that do not fit the operand, or reduction %lld", (long long)kind);
        return;
    }
    if (!sizes_of(o, x, dims))
        return;
    int32_t v = reduce_windows(o, ln_tfl_stored(o, 0), names[kind], x->rank, dims, &w);
    ln_tfl_set_stored(o, 0, LN_NODE(o, names[kind], v, ln_tfl_stored(o, 1)));
}

/* A list of options of n integers, all `absent` where there is none. */
static bool list(ln_tfl_op *o, int slot, int32_t n, int64_t *values, int64_t absent)
{
    int32_t found = ln_tfl_option_ints(o, slot, 8, values, 2 * MOST);
    for (int32_t i = 0; i < n && found == 0; i++)
        values[i] = absent;
    if (found && found != n)
        ln_tfl_fail(o, LINNET_ERR_MODEL, "a list of %d, not %d", found, n);
    return ln_tfl_ok(o);
}

/* Borders before and after each dimension, in turn, as ONNX has them. dims: without, then with them. */
static bool borders(ln_tfl_op *o, int32_t n, const int64_t *turns, int64_t *pads, int64_t *dims)
{
    for (int32_t i = 0; i < n; i++) {
        int64_t before = turns[2 * i], after = turns[2 * i + 1];
        if (before < INT16_MIN || before > INT16_MAX || after < INT16_MIN || after > INT16_MAX || dims[i] > INT32_MAX ||
            dims[i] + before + after < 1) {
            ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "borders of %lld and %lld", (long long)before, (long long)after);
            return false;
        }
        pads[i] = before, pads[n + i] = after;
        dims[i] += before + after;
    }
    return true;
}

/* One tensor and its start, which is also what lies between the elements and on the borders. */
void ln_tfl_hlo_reduce_window(ln_tfl_op *o)
{
    const ln_tfl_tensor *x = ln_tfl_in(o, 0);
    int64_t spread[2 * MOST], turns[2 * MOST], pads[2 * MOST], dims[MOST];
    int64_t size[2 * MOST], stride[2 * MOST], apart[2 * MOST];
    const char *with = ln_tfl_body(o, ln_tfl_option(o, 5, 4, -1));
    int32_t n = x->rank;
    windows w;
    if (!with || o->node->inputs.n != 2) {
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "several tensors");
        return;
    }
    if (!sizes_of(o, x, dims) || !list(o, 0, n, size, 1) || !list(o, 1, n, stride, 1) || !list(o, 2, n, spread, 1) ||
        !list(o, 3, n, apart, 1) || !list(o, 4, 2 * n, turns, 0))
        return;
    bool bare = true, logical = !strcmp(with, "And") || !strcmp(with, "Or");
    for (int32_t i = 0; i < n; i++) {
        w.size[i] = size[i], w.stride[i] = stride[i], w.apart[i] = apart[i];
        bare = bare && spread[i] == 1 && turns[2 * i] == 0 && turns[2 * i + 1] == 0;
    }
    if (logical && x->type != LINNET_BOOL)
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "bits of integers");
    int32_t start = ln_tfl_reshape(o, ln_tfl_stored(o, 1), 0, NULL), v = ln_tfl_stored(o, 0);
    if (!bare) {
        v = ln_tfl_dilated(o, v, x, spread, start);
        for (int32_t i = 0; i < n && ln_tfl_ok(o); i++)
            dims[i] = (dims[i] - 1) * spread[i] + 1;
        if (!ln_tfl_ok(o) || !borders(o, n, turns, pads, dims))
            return;
        v = LN_NODE(o, "Pad", v, ln_tfl_const_ints(o, 2 * n, pads), start);
    }
    v = reduce_windows(o, v, with, n, dims, &w);
    ln_tfl_set_stored(o, 0, LN_NODE(o, with, v, start));
}

/* -- convolution -----------------------------------------------------------------------------------------------------
 */

/* Where the batch (or output features), the features and the `n` spatial dimensions are: from there to their order in
 * ONNX. */
static bool order(ln_tfl_op *o, int slot_first, int slot_second, int slot_list, int32_t n, int64_t *perm)
{
    int64_t at[2 * MOST];
    bool seen[MOST] = {false};
    if (!list(o, slot_list, n, at, -1))
        return false;
    perm[0] = ln_tfl_option(o, slot_first, 8, 0), perm[1] = ln_tfl_option(o, slot_second, 8, 0);
    memcpy(perm + 2, at, (size_t)n * sizeof *at);
    for (int32_t i = 0; i < n + 2; i++) {
        if (perm[i] < 0 || perm[i] >= n + 2 || seen[perm[i]]) {
            ln_tfl_fail(o, LINNET_ERR_MODEL, "a dimension twice, or none");
            return false;
        }
        seen[perm[i]] = true;
    }
    return true;
}

void ln_tfl_hlo_convolution(ln_tfl_op *o)
{
    const ln_tfl_tensor *x = ln_tfl_in(o, 0), *w = ln_tfl_in(o, 1);
    int64_t stride[2 * MOST], turns[2 * MOST], spread[2 * MOST], apart[2 * MOST], pads[2 * MOST] = {0}, dims[MOST];
    int64_t sides[2 * MOST], in[MOST], kernel[MOST], out[MOST], back[MOST], between[MOST], ends[MOST], steps[MOST],
        axes[MOST];
    int32_t n = x->rank - 2, n_back = 0;
    ln_flat_vector flips =
        ln_flat_list(&o->c->file.flat, o->node->options.at ? &o->node->options : &o->node->options2, 4, 1);
    if (n < 1 || n > 3 || w->rank != x->rank || ln_tfl_real_type(x) != LINNET_FLOAT32 ||
        ln_tfl_option(o, 15, 8, 1) != 1 || ln_tfl_count(x) < 0) {
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "%d spatial dimensions, integers, groups of the batch, or an open size",
                    n);
        return;
    }
    if (!order(o, 5, 6, 7, n, in) || !order(o, 9, 8, 10, n, kernel) || !order(o, 11, 12, 13, n, out) ||
        !list(o, 0, n, stride, 1) || !list(o, 1, 2 * n, turns, 0) || !list(o, 2, n, spread, 1) ||
        !list(o, 3, n, apart, 1))
        return;
    int32_t v = ln_tfl_real(o, 0), k = ln_tfl_transpose(o, ln_tfl_real(o, 1), w->rank, kernel);
    for (int32_t i = 0; i < x->rank; i++)
        between[i] = 1, back[out[i]] = i;
    for (int32_t i = 0; i < n; i++)
        between[in[2 + i]] = spread[i];
    v = ln_tfl_dilated(o, v, x, between, ln_tfl_scalar(o, LINNET_FLOAT32, 0));
    v = ln_tfl_transpose(o, v, x->rank, in);
    for (int32_t i = 0; i < n && ln_tfl_ok(o); i++)
        dims[i] = (x->dims[in[2 + i]] - 1) * spread[i] + 1;
    if (!ln_tfl_ok(o) || !borders(o, n, turns, sides, dims))
        return;
    for (int32_t i = 0; i < n; i++) /* by Pad, as Conv has none below 0 */
        pads[2 + i] = sides[i], pads[n + 4 + i] = sides[n + i];
    v = LN_NODE(o, "Pad", v, ln_tfl_const_ints(o, 2 * (n + 2), pads), ln_tfl_scalar(o, LINNET_FLOAT32, 0));
    for (uint32_t i = 0; i < flips.n && i < (uint32_t)n; i++)
        if (ln_flat_at(&o->c->file.flat, flips, i, 1)) {
            axes[n_back] = 2 + (int32_t)i, between[n_back] = -1, ends[n_back] = INT64_MIN, steps[n_back++] = -1;
        }
    if (n_back)
        k = LN_NODE(o, "Slice", k, ln_tfl_const_ints(o, n_back, between), ln_tfl_const_ints(o, n_back, ends),
                    ln_tfl_const_ints(o, n_back, axes), ln_tfl_const_ints(o, n_back, steps));
    v = ln_tfl_node(o, "Conv", LN_INS(v, k),
                    LN_ATTRS(ln_tfl_attr_ints(o, "strides", n, stride), ln_tfl_attr_ints(o, "dilations", n, apart),
                             ln_tfl_attr_int("group", ln_tfl_option(o, 14, 8, 1))));
    ln_tfl_set_real(o, 0, ln_tfl_transpose(o, v, x->rank, back));
}
