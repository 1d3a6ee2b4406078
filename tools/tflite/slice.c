/* SPDX-License-Identifier: Apache-2.0
 *
 * Parts of tensors, and tensors with a border. Offsets that the file gives are written as constants; computed ones go
 * through the same rules as nodes. Elements are moved as they are stored.
 */
#include "tools/tflite/operators.h"

enum { MOST = LINNET_MAX_RANK };

/* -- SLICE -----------------------------------------------------------------------------------------------------------
 */

/* A size of -1 reaches to the end. */
void ln_tfl_slice_op(ln_tfl_op *o)
{
    const ln_tfl_tensor *x = ln_tfl_in(o, 0);
    int64_t begin[MOST], size[MOST], axes[MOST];
    int32_t n = ln_tfl_ints(o, 1, begin, MOST), n_size = ln_tfl_ints(o, 2, size, MOST), from, to;
    for (int32_t i = 0; i < x->rank; i++)
        axes[i] = i;
    if (n == x->rank && n_size == n) {
        for (int32_t i = 0; i < n; i++)
            if (size[i] < 0 || __builtin_add_overflow(begin[i], size[i], &size[i]))
                size[i] = INT64_MAX;
        from = ln_tfl_const_ints(o, n, begin);
        to = ln_tfl_const_ints(o, n, size);
    } else {
        from = ln_tfl_int64(o, 1);
        int32_t by = ln_tfl_int64(o, 2);
        to = LN_NODE(o, "Where", LN_NODE(o, "Less", by, ln_tfl_const_int(o, 0)), ln_tfl_const_int(o, INT64_MAX),
                     LN_NODE(o, "Add", from, by));
    }
    ln_tfl_set_stored(o, 0, LN_NODE(o, "Slice", ln_tfl_stored(o, 0), from, to, ln_tfl_const_ints(o, x->rank, axes)));
}

/* -- STRIDED_SLICE ---------------------------------------------------------------------------------------------------
 */

typedef struct strided {
    int64_t axis[MOST], stride[MOST], added[MOST], removed[MOST]; /* axes of the input; of the result: new, and gone */
    int32_t spec[MOST]; /* which entry of begin, end and strides an axis comes from */
    bool from_start[MOST], to_end[MOST], one[MOST];
    int32_t n, n_added, n_removed;
} strided;

/* What the masks say of each entry. removed[] counts axes before anything is removed or added, added[] at the end. */
static bool read_masks(ln_tfl_op *o, const ln_tfl_tensor *x, const int64_t *stride, int32_t n_spec, strided *s)
{
    int64_t begin_mask = ln_tfl_option(o, 0, 4, 0), end_mask = ln_tfl_option(o, 1, 4, 0);
    int64_t ellipsis = ln_tfl_option(o, 2, 4, 0), new_axis = ln_tfl_option(o, 3, 4, 0);
    int64_t shrink = ln_tfl_option(o, 4, 4, 0);
    int32_t axis = 0, result = 0, n_new = 0;
    for (int32_t i = 0; i < n_spec; i++)
        n_new += (new_axis >> i & 1) && !(ellipsis >> i & 1);
    for (int32_t i = 0; i < n_spec; i++) {
        if (ellipsis >> i & 1) {
            int32_t covered = x->rank - (n_spec - 1 - n_new);
            if (covered < 0 || (ellipsis & (ellipsis - 1)))
                break;
            axis += covered;
            result += covered;
        } else if (new_axis >> i & 1) {
            if (s->n_added == MOST)
                break;
            s->added[s->n_added++] = result++;
        } else {
            if (axis >= x->rank || s->n == MOST || stride[i] == 0)
                break;
            bool one = shrink >> i & 1;
            s->spec[s->n] = i;
            s->axis[s->n] = axis;
            s->stride[s->n] = one ? 1 : stride[i];
            s->from_start[s->n] = !one && (begin_mask >> i & 1);
            s->to_end[s->n] = !one && (end_mask >> i & 1);
            s->one[s->n] = one;
            if (one)
                s->removed[s->n_removed++] = axis;
            else
                result++;
            s->n++;
            axis++;
        }
        if (i == n_spec - 1)
            return true;
    }
    if (n_spec)
        ln_tfl_fail(o, LINNET_ERR_MODEL, "a slice of %d entries and these masks does not fit %d dimensions", n_spec,
                    x->rank);
    return n_spec == 0;
}

/* Bounds that the file gives, as ONNX wants them. */
static void constant_bounds(const strided *s, const int64_t *begin, const int64_t *end, bool relative, int64_t *from,
                            int64_t *to)
{
    for (int32_t i = 0; i < s->n; i++) {
        int64_t b = begin[s->spec[i]], e = end[s->spec[i]];
        if (relative && __builtin_add_overflow(b, e, &e))
            e = INT64_MAX;
        from[i] = s->from_start[i] ? (s->stride[i] > 0 ? 0 : INT64_MAX) : b;
        to[i] = s->to_end[i] ? (s->stride[i] > 0 ? INT64_MAX : INT64_MIN) : e;
        if (s->one[i])
            to[i] = b == -1 || b == INT64_MAX ? INT64_MAX : b + 1;
    }
}

/* The same for bounds that are computed: one chosen among them and constants. */
static void computed_bounds(ln_tfl_op *o, const strided *s, bool relative, int32_t *from, int32_t *to)
{
    int64_t index[MOST], first[MOST], last[MOST], ones[MOST];
    uint8_t starts[MOST], ends[MOST], single[MOST];
    for (int32_t i = 0; i < s->n; i++) {
        index[i] = s->spec[i];
        first[i] = s->stride[i] > 0 ? 0 : INT64_MAX;
        last[i] = s->stride[i] > 0 ? INT64_MAX : INT64_MIN;
        starts[i] = s->from_start[i], ends[i] = s->to_end[i], single[i] = s->one[i], ones[i] = 1;
    }
    const int64_t n = s->n;
    int32_t pick = ln_tfl_const_ints(o, n, index), one = ln_tfl_const_ints(o, n, ones);
    int32_t begin = LN_NODE(o, "Gather", ln_tfl_int64(o, 1), pick),
            end = LN_NODE(o, "Gather", ln_tfl_int64(o, 2), pick);
    if (relative)
        end = LN_NODE(o, "Add", begin, end);
    int32_t next = LN_NODE(o, "Add", begin, one);
    next = LN_NODE(o, "Where", LN_NODE(o, "Equal", next, ln_tfl_const_int(o, 0)), ln_tfl_const_int(o, INT64_MAX), next);
    end = LN_NODE(o, "Where", ln_tfl_constant(o, LINNET_BOOL, 1, &n, single), next, end);
    *from = LN_NODE(o, "Where", ln_tfl_constant(o, LINNET_BOOL, 1, &n, starts), ln_tfl_const_ints(o, n, first), begin);
    *to = LN_NODE(o, "Where", ln_tfl_constant(o, LINNET_BOOL, 1, &n, ends), ln_tfl_const_ints(o, n, last), end);
}

void ln_tfl_strided_slice(ln_tfl_op *o)
{
    const ln_tfl_tensor *x = ln_tfl_in(o, 0);
    int64_t begin[MOST], end[MOST], stride[MOST], bounds[2][MOST];
    int32_t n_begin = ln_tfl_ints(o, 1, begin, MOST), n_end = ln_tfl_ints(o, 2, end, MOST), from, to;
    int32_t n = ln_tfl_need_ints(o, 3, stride, MOST);
    bool relative = ln_tfl_option(o, 5, 1, 0) != 0;
    strided s = {0};
    if (n < 0 || !read_masks(o, x, stride, n, &s))
        return;
    int32_t v = ln_tfl_stored(o, 0);
    if (s.n && n_begin == n && n_end == n) {
        constant_bounds(&s, begin, end, relative, bounds[0], bounds[1]);
        from = ln_tfl_const_ints(o, s.n, bounds[0]);
        to = ln_tfl_const_ints(o, s.n, bounds[1]);
    } else if (s.n) {
        computed_bounds(o, &s, relative, &from, &to);
    }
    if (s.n)
        v = LN_NODE(o, "Slice", v, from, to, ln_tfl_const_ints(o, s.n, s.axis), ln_tfl_const_ints(o, s.n, s.stride));
    if (s.n_removed)
        v = LN_NODE(o, "Squeeze", v, ln_tfl_const_ints(o, s.n_removed, s.removed));
    if (s.n_added)
        v = LN_NODE(o, "Unsqueeze", v, ln_tfl_const_ints(o, s.n_added, s.added));
    ln_tfl_set_stored(o, 0, v);
}

/* -- borders ---------------------------------------------------------------------------------------------------------
 */

/* [[before, after], ...] -> [before..., after...] */
static int32_t pads(ln_tfl_op *o)
{
    const ln_tfl_tensor *x = ln_tfl_in(o, 0);
    int64_t pairs[2 * MOST], flat[2 * MOST];
    int32_t n = ln_tfl_ints(o, 1, pairs, 2 * MOST);
    if (n < 0)
        return ln_tfl_reshape(o, ln_tfl_transpose(o, ln_tfl_int64(o, 1), 2, (int64_t[]){1, 0}), 1, (int64_t[]){-1});
    if (n != 2 * x->rank) {
        ln_tfl_fail(o, LINNET_ERR_MODEL, "%d paddings for %d dimensions", n, x->rank);
        return LN_NO_VALUE;
    }
    for (int32_t i = 0; i < x->rank; i++)
        flat[i] = pairs[2 * i], flat[x->rank + i] = pairs[2 * i + 1];
    return ln_tfl_const_ints(o, n, flat);
}

void ln_tfl_pad(ln_tfl_op *o)
{
    const ln_tfl_tensor *x = ln_tfl_in(o, 0);
    int32_t with = LN_NO_VALUE;
    if (ln_tfl_has(o, 2))
        with = ln_tfl_reshape(o, ln_tfl_stored(o, 2), 0, NULL);
    else if (ln_tfl_quantised(x))
        with = ln_tfl_scalar(o, x->type, (double)ln_tfl_zero(o, x, 0));
    ln_tfl_set_stored(o, 0, LN_NODE(o, "Pad", ln_tfl_stored(o, 0), pads(o), with));
}

/* SYMMETRIC repeats the edge itself, which ONNX's modes do not: there the elements are gathered axis by axis. */
void ln_tfl_mirror_pad(ln_tfl_op *o)
{
    const ln_tfl_tensor *x = ln_tfl_in(o, 0);
    int64_t pairs[2 * MOST];
    int32_t v = ln_tfl_stored(o, 0);
    if (!ln_tfl_option(o, 0, 1, 0)) {
        ln_attr mode = ln_tfl_attr_text("mode", "reflect");
        ln_tfl_set_stored(o, 0, ln_tfl_node(o, "Pad", LN_INS(v, pads(o)), 1, &mode));
        return;
    }
    int32_t n = ln_tfl_need_ints(o, 1, pairs, 2 * MOST);
    if (ln_tfl_ok(o) && n != 2 * x->rank)
        ln_tfl_fail(o, LINNET_ERR_MODEL, "%d paddings for %d dimensions", n, x->rank);
    for (int32_t i = 0; i < x->rank && ln_tfl_ok(o); i++) {
        int64_t before = pairs[2 * i], after = pairs[2 * i + 1], size = x->dims[i];
        if (before < 0 || after < 0 || before > size || after > size)
            ln_tfl_fail(o, LINNET_ERR_MODEL, "a border of %lld and %lld on an open size, or on %lld", (long long)before,
                        (long long)after, (long long)size);
        if (!ln_tfl_ok(o) || (!before && !after))
            continue;
        int64_t *index = ln_arena_array(o->c->arena, before + size + after, sizeof *index);
        if (!index) {
            ln_tfl_no_memory(o);
            return;
        }
        for (int64_t k = 0; k < before + size + after; k++) {
            int64_t at = k - before;
            index[k] = at < 0 ? -1 - at : at < size ? at : 2 * size - 1 - at;
        }
        ln_attr axis = ln_tfl_attr_int("axis", i);
        v = ln_tfl_node(o, "Gather", LN_INS(v, ln_tfl_const_ints(o, before + size + after, index)), 1, &axis);
    }
    ln_tfl_set_stored(o, 0, v);
}

void ln_tfl_reverse(ln_tfl_op *o)
{
    int64_t axes[MOST], from[MOST], to[MOST], step[MOST];
    int32_t n = ln_tfl_need_ints(o, 1, axes, MOST);
    for (int32_t i = 0; i < n; i++)
        from[i] = INT64_MAX, to[i] = INT64_MIN, step[i] = -1;
    if (n > 0)
        ln_tfl_set_stored(o, 0,
                          LN_NODE(o, "Slice", ln_tfl_stored(o, 0), ln_tfl_const_ints(o, n, from),
                                  ln_tfl_const_ints(o, n, to), ln_tfl_const_ints(o, n, axes),
                                  ln_tfl_const_ints(o, n, step)));
    else
        ln_tfl_set_stored(o, 0, ln_tfl_stored(o, 0));
}

/* x with `value`, of the shape of tensor t, put at the indices `from`. */
int32_t ln_tfl_updated(ln_tfl_op *o, int32_t x, const ln_tfl_tensor *t, int32_t value, int32_t from)
{
    enum { LARGEST = 1 << 24 };
    int64_t n = ln_tfl_count(t), rank = t->rank, dims[MOST + 1];
    int64_t *grid = n >= 0 && n <= LARGEST ? ln_arena_array(o->c->arena, n * rank, sizeof *grid) : NULL;
    if (!grid) {
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "an update of an open or too large size");
        return LN_NO_VALUE;
    }
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = rank, rest = i; k-- > 0;)
            grid[i * rank + k] = rest % t->dims[k], rest /= t->dims[k];
    for (int64_t k = 0; k < rank; k++)
        dims[k] = t->dims[k];
    dims[rank] = rank;
    int32_t where = LN_NODE(o, "Add", ln_tfl_constant(o, LINNET_INT64, (int32_t)rank + 1, dims, grid), from);
    return LN_NODE(o, "ScatterND", x, where, value);
}

/* The update's place is moved back where it would reach over the end. */
void ln_tfl_dynamic_update_slice(ln_tfl_op *o)
{
    const ln_tfl_tensor *update = ln_tfl_in(o, 1);
    if (ln_tfl_count(update) < 0 || update->rank < 1 || update->rank >= MOST || ln_tfl_in(o, 0)->rank != update->rank) {
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "an update of an open size, or of other dimensions");
        return;
    }
    int32_t x = ln_tfl_stored(o, 0), zero = ln_tfl_const_int(o, 0);
    int32_t room = LN_NODE(o, "Sub", LN_NODE(o, "Shape", x), ln_tfl_const_ints(o, update->rank, update->dims));
    int32_t from = LN_NODE(o, "Max", LN_NODE(o, "Min", ln_tfl_int64(o, 2), room), zero);
    ln_tfl_set_stored(o, 0, ln_tfl_updated(o, x, update, ln_tfl_stored(o, 1), from));
}

/* Each axis is cut into ones, which are padded and joined again. */
int32_t ln_tfl_dilated(ln_tfl_op *o, int32_t v, const ln_tfl_tensor *x, const int64_t *apart, int32_t with)
{
    int64_t dims[MOST];
    int32_t n = x->rank;
    if (n >= MOST || ln_tfl_count(x) < 0)
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "dilation of %d dimensions, or of an open size", n);
    for (int32_t i = 0; i < n && ln_tfl_ok(o); i++)
        dims[i] = x->dims[i];
    for (int32_t i = 0; i < n && ln_tfl_ok(o); i++) {
        int64_t pads[2 * MOST] = {0};
        if (apart[i] < 1 || apart[i] > INT16_MAX || dims[i] < 1 || dims[i] > INT32_MAX)
            ln_tfl_fail(o, LINNET_ERR_MODEL, "elements %lld apart, of %lld", (long long)apart[i], (long long)dims[i]);
        if (!ln_tfl_ok(o) || apart[i] == 1)
            continue;
        pads[n + 1 + i + 1] = apart[i] - 1;
        v = LN_NODE(o, "Pad", ln_tfl_unsqueeze(o, v, i + 1), ln_tfl_const_ints(o, 2 * (n + 1), pads), with);
        dims[i] *= apart[i];
        v = ln_tfl_slice(o, ln_tfl_reshape(o, v, n, dims), i, 0, dims[i] - apart[i] + 1);
        dims[i] += 1 - apart[i];
    }
    return v;
}

/* Inputs: x, how far apart its elements come to be, what is between. */
void ln_tfl_dilate(ln_tfl_op *o)
{
    const ln_tfl_tensor *x = ln_tfl_in(o, 0);
    int64_t apart[MOST];
    int32_t n = ln_tfl_need_ints(o, 1, apart, MOST);
    if (ln_tfl_ok(o) && n != x->rank)
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "%d dilations of %d dimensions", n, x->rank);
    if (ln_tfl_ok(o))
        ln_tfl_set_stored(
            o, 0, ln_tfl_dilated(o, ln_tfl_stored(o, 0), x, apart, ln_tfl_reshape(o, ln_tfl_stored(o, 2), 0, NULL)));
}
