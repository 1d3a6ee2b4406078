/* SPDX-License-Identifier: Apache-2.0
 *
 * A spectrogram written as several nodes becomes one (ops/spectrogram.c), so that no complex number is stored:
 *   STFT, or DFT of frames (with their window)             real input, one-sided; frames may be a Gather by constants
 *   -> the sum of squares of the parts, or its root        ReduceSumSquare, ReduceL2, ReduceSum of Mul or Pow, or Add
 * of the squares of both parts taken by Gather or Split; or the real part alone, by Gather
 *   -> Sqrt; MatMul by a constant filterbank; Max or Clip from below, Add of a constant, Log     one step after another
 */
#include <float.h>
#include <string.h>

#include "engine/spectral.h"

/* The one integer of a constant. */
static bool integer(const ln_graph *g, int32_t value, int64_t *i)
{
    const ln_info *info = ln_rw_info(g, value);
    if (!info->data || !ln_info_known(info) || ln_info_count(info) != 1)
        return false;
    if (info->type == LINNET_INT64)
        *i = *(const int64_t *)info->data;
    else if (info->type == LINNET_INT32)
        *i = *(const int32_t *)info->data;
    else
        return false;
    return true;
}

static bool scalar(const ln_graph *g, int32_t value, float *f)
{
    const ln_info *info = ln_rw_info(g, value);
    if (!info->data || !ln_info_known(info) || ln_info_count(info) != 1)
        return false;
    if (info->type == LINNET_FLOAT32)
        *f = *(const float *)info->data;
    else if (info->type == LINNET_FLOAT64)
        *f = (float)*(const double *)info->data;
    else
        return false;
    return true;
}

static bool is_float(const ln_info *info)
{
    return info->type == LINNET_FLOAT32 || info->type == LINNET_FLOAT64;
}

/* The axis of a reduction, Gather or Split is the last of `value`; from an attribute or the input `slot`. */
static bool last_axis(const ln_graph *g, const ln_node *n, const char *name, int32_t slot, int32_t value,
                      int64_t absent)
{
    int64_t axis = absent, rank = ln_rw_info(g, value)->rank;
    const ln_attr *a = ln_node_attr(n, name);
    if (a && a->kind == LN_ATTR_INTLIST) {
        if (a->n != 1)
            return false;
        axis = a->ints[0];
    } else if (a) {
        axis = a->i;
    } else if (slot > 0 && ln_rw_in(n, slot) >= 0 && !integer(g, ln_rw_in(n, slot), &axis)) {
        return false;
    }
    return rank > 0 && (axis == -1 || axis == rank - 1);
}

/* Part 0 or 1 of the last axis of *whole. */
static bool part_of(const ln_graph *g, int32_t value, int32_t *whole, int64_t *part)
{
    const ln_node *n = ln_rw_producer(g, value, "Gather");
    if (n) {
        *whole = n->in[0];
        return last_axis(g, n, "axis", -1, n->in[0], 0) && ln_rw_info(g, n->in[1])->rank == 0 &&
               integer(g, n->in[1], part);
    }
    n = ln_rw_producer(g, value, "Squeeze");
    if (!n || !last_axis(g, n, "axes", 1, n->in[0], 0))
        return false;
    const ln_node *split = ln_rw_producer(g, n->in[0], "Split");
    if (!split || split->n_out != 2 || !last_axis(g, split, "axis", -1, split->in[0], 0))
        return false;
    *whole = split->in[0];
    *part = split->out[1] == n->in[0];
    return true;
}

/* The complex value whose square (2), magnitude (1) or real part (3) node n computes; LN_NO_VALUE: none. */
static int32_t complex_of(const ln_graph *g, const ln_node *n, int64_t *power)
{
    *power = 2;
    if (ln_node_is(n, "Gather")) {
        int32_t whole;
        int64_t part;
        *power = 3;
        return part_of(g, n->out[0], &whole, &part) && part == 0 ? whole : LN_NO_VALUE;
    }
    if (ln_node_is(n, "Add")) {
        int32_t a = ln_spectral_squared(g, n->in[0]), b = ln_spectral_squared(g, n->in[1]), whole[2] = {-1, -1};
        int64_t part[2] = {-1, -1};
        if (a < 0 || b < 0 || !part_of(g, a, &whole[0], &part[0]) || !part_of(g, b, &whole[1], &part[1]))
            return LN_NO_VALUE;
        return whole[0] == whole[1] && part[0] != part[1] && part[0] >= 0 && part[1] >= 0 ? whole[0] : LN_NO_VALUE;
    }
    bool l2 = ln_node_is(n, "ReduceL2"), sum = ln_node_is(n, "ReduceSum");
    if ((!l2 && !sum && !ln_node_is(n, "ReduceSumSquare")) || ln_node_attr_int(n, "keepdims", 1) != 0 ||
        !last_axis(g, n, "axes", 1, n->in[0], 0))
        return LN_NO_VALUE;
    *power = l2 ? 1 : 2;
    return sum ? ln_spectral_squared(g, n->in[0]) : n->in[0];
}

static bool is_spectrogram(const ln_graph *g, int32_t value, const ln_node **n)
{
    *n = ln_spectral_node(g, value);
    return *n && ln_graph_only_user(g, value) >= 0;
}

/* -- the transform ------------------------------------------------------------------------------------------------ */

typedef struct frames {
    int64_t step, length, trailing_one;
    int32_t signal, window;
} frames;

static bool stft_frames(const ln_graph *g, const ln_node *n, frames *f)
{
    const ln_info *x = ln_rw_info(g, n->in[0]);
    int32_t window = ln_rw_in(n, 2), length = ln_rw_in(n, 3);
    if (!ln_info_known(x) || x->rank < 2 || (x->rank == 3 && x->dims[2] != 1) ||
        ln_node_attr_int(n, "onesided", 1) != 1 || !integer(g, n->in[1], &f->step) || f->step < 1)
        return false;
    *f = (frames){.step = f->step, .length = x->dims[1], .signal = n->in[0], .window = window};
    if (length >= 0)
        return integer(g, length, &f->length);
    if (window >= 0)
        f->length = ln_rw_info(g, window)->dims[0];
    return window < 0 || ln_info_known(ln_rw_info(g, window));
}

/* Frames of a length that lie in a signal of rank 2, one every *step, taken by Gather: a matrix of indices that grow by
 * 1 along a row and by the step from row to row, to the signal's end. Returns the signal; LN_NO_VALUE otherwise. */
static int32_t gathered(const ln_graph *g, int32_t value, int64_t length, int64_t *step)
{
    const ln_node *n = ln_rw_producer(g, value, "Gather");
    if (!n)
        return LN_NO_VALUE;
    const ln_info *x = ln_rw_info(g, n->in[0]), *k = ln_rw_info(g, n->in[1]);
    if (!ln_info_known(x) || x->rank != 2 || ln_node_attr_int(n, "axis", 0) != 1 || !k->data || k->rank != 2 ||
        (k->type != LINNET_INT64 && k->type != LINNET_INT32) || k->dims[0] < 2 || k->dims[1] != length || length < 1)
        return LN_NO_VALUE;
    int64_t count = k->dims[0];
#define AT(i) (k->type == LINNET_INT64 ? ((const int64_t *)k->data)[i] : ((const int32_t *)k->data)[i])
    *step = AT(length);
    if (*step < 1 || *step > x->dims[1] || length > x->dims[1] || (x->dims[1] - length) / *step + 1 != count)
        return LN_NO_VALUE;
    for (int64_t i = 0; i < count * length; i++)
        if (AT(i) != i / length * *step + i % length)
            return LN_NO_VALUE;
#undef AT
    return n->in[0];
}

static bool dft_frames(const ln_graph *g, const ln_node *n, frames *f)
{
    const ln_info *x = ln_rw_info(g, n->in[0]);
    if (!ln_info_known(x) || x->rank < 2 || x->dims[x->rank - 1] != 1 || ln_node_attr_int(n, "onesided", 0) != 1 ||
        ln_node_attr_int(n, "inverse", 0) != 0)
        return false;
    int64_t axis = n->version < 20 ? ln_node_attr_int(n, "axis", 1) : -2;
    if (n->version >= 20 && ln_rw_in(n, 2) >= 0 && !integer(g, ln_rw_in(n, 2), &axis))
        return false;
    if (axis != -2 && axis != x->rank - 2)
        return false;
    *f = (frames){.length = x->dims[x->rank - 2], .signal = n->in[0], .window = LN_NO_VALUE, .trailing_one = 1};
    if (ln_rw_in(n, 1) >= 0)
        return integer(g, ln_rw_in(n, 1), &f->length);
    /* The window: Mul by a constant along the axis, before the axis of the parts is added. */
    const ln_node *un = ln_rw_producer(g, n->in[0], "Unsqueeze");
    const ln_node *mul = un && ln_graph_only_user(g, n->in[0]) >= 0 ? ln_rw_producer(g, un->in[0], "Mul") : NULL;
    for (int32_t i = 0; mul && mul->n_attrs == 0 && i < 2; i++) {
        const ln_info *w = ln_rw_info(g, mul->in[1 - i]), *y = ln_rw_info(g, un->in[0]);
        if (!w->data || !is_float(w) || w->rank != 1 || w->dims[0] != f->length || y->rank != x->rank - 1 ||
            !ln_rw_same_shape(ln_rw_info(g, mul->in[i]), y) || y->dims[y->rank - 1] != f->length)
            continue;
        f->signal = mul->in[i], f->window = mul->in[1 - i], f->trailing_one = 0;
        break;
    }
    int32_t whole = gathered(g, f->trailing_one && un ? un->in[0] : f->signal, f->length, &f->step);
    if (whole >= 0)
        f->signal = whole, f->trailing_one = 0;
    else
        f->step = 0;
    return true;
}

static linnet_status transform(ln_graph *g, ln_pass_ctx *c, int32_t id)
{
    const ln_node *n = &g->nodes[id];
    int64_t power;
    int32_t value = complex_of(g, n, &power);
    const ln_node *stft = ln_rw_producer(g, value, "STFT"), *dft = ln_rw_producer(g, value, "DFT");
    const ln_node *source = stft ? stft : dft;
    if (value < 0 || !source || !is_float(ln_rw_info(g, value)))
        return LINNET_OK;
    /* Everything on the way may be used here only. */
    int32_t uses = 0;
    for (int32_t i = 0; i < n->n_in; i++)
        uses += ln_graph_only_user(g, n->in[i]) == id || ln_rw_info(g, n->in[i])->data;
    if (uses != n->n_in || g->values[value].outputs > 0 || g->values[value].n_uses > 2) {
        ln_pass_refuse(c, g, id, "the complex spectrum is used elsewhere too");
        return LINNET_OK;
    }
    frames f = {.step = 0};
    if (stft ? !stft_frames(g, stft, &f) : !dft_frames(g, dft, &f)) {
        ln_pass_refuse(c, g, id, "the transform is not a one-sided one of real frames of a constant length");
        return LINNET_OK;
    }
    ln_attr attrs[] = {ln_rw_int("frame_step", f.step), ln_rw_int("frame_length", f.length), ln_rw_int("power", power),
                       ln_rw_int("trailing_one", f.trailing_one)};
    int32_t in[2] = {f.signal, f.window}, old[2] = {ln_rw_id(g, source), id};
    return ln_rw_replace(g, c, old, 2, n->out[0], "ai.linnet", "Spectrogram", 1, f.window < 0 ? 1 : 2, in, 4, attrs);
}

/* -- what follows it ------------------------------------------------------------------------------------------------
 */

static linnet_status extend(ln_graph *g, ln_pass_ctx *c, const ln_node *spectrogram, int32_t id, int32_t bank,
                            const ln_attr *more, int32_t n_more)
{
    int32_t n_attrs, old[2] = {ln_rw_id(g, spectrogram), id};
    ln_attr *attrs = ln_rw_attrs(g, spectrogram, more, n_more, &n_attrs);
    if (!attrs)
        return ln_rw_no_memory(c);
    int32_t in[3] = {spectrogram->in[0], ln_rw_in(spectrogram, 1), bank >= 0 ? bank : ln_rw_in(spectrogram, 2)};
    int32_t n_in = in[2] >= 0 ? 3 : in[1] >= 0 ? 2 : 1;
    return ln_rw_replace(g, c, old, 2, g->nodes[id].out[0], "ai.linnet", "Spectrogram", 1, n_in, in, n_attrs, attrs);
}

/* max(x, least) or x + add with a constant: the other operand, LN_NO_VALUE otherwise. */
static int32_t floor_of(const ln_graph *g, int32_t value, float *least, float *add)
{
    const ln_node *n = ln_rw_producer(g, value, "Add");
    bool sum = n != NULL;
    if (ln_graph_only_user(g, value) < 0)
        return LN_NO_VALUE;
    if (!n)
        n = ln_rw_producer(g, value, "Max");
    if (n && n->n_in == 2 && n->n_attrs == 0) {
        for (int32_t i = 0; i < 2; i++)
            if (scalar(g, n->in[i], sum ? add : least) && ln_rw_info(g, n->in[i])->rank <= ln_rw_info(g, value)->rank)
                return n->in[1 - i];
        return LN_NO_VALUE;
    }
    n = ln_rw_producer(g, value, "Clip");
    if (n && n->version >= 11 && ln_rw_in(n, 2) < 0 && scalar(g, ln_rw_in(n, 1), least))
        return n->in[0];
    return LN_NO_VALUE;
}

static linnet_status follow(ln_graph *g, ln_pass_ctx *c, int32_t id)
{
    const ln_node *n = &g->nodes[id], *s;
    if (ln_node_is(n, "Log") && ln_rw_info(g, n->out[0])->type == LINNET_FLOAT32) {
        float least = -FLT_MAX, add = 0;
        int32_t x = n->in[0];
        for (int32_t i = 0; i < 2 && !is_spectrogram(g, x, &s); i++) { /* an Add may follow a Max, not precede it */
            float l = -FLT_MAX, a = 0;
            int32_t y = floor_of(g, x, &l, &a);
            if (y < 0 || (i == 1 && (a != 0 || least != -FLT_MAX)))
                return LINNET_OK;
            x = y, least = i == 0 || l != -FLT_MAX ? l : least, add = i == 0 ? a : add;
        }
        if (!is_spectrogram(g, x, &s) || ln_node_attr_int(s, "log", 0))
            return LINNET_OK;
        ln_attr more[] = {ln_rw_int("log", 1), ln_rw_float("least", least), ln_rw_float("add", add)};
        return extend(g, c, s, id, LN_NO_VALUE, more, 3);
    }
    if (!is_spectrogram(g, n->n_in > 0 ? n->in[0] : LN_NO_VALUE, &s) || ln_rw_in(s, 2) >= 0 ||
        ln_node_attr_int(s, "log", 0))
        return LINNET_OK;
    if (ln_node_is(n, "Sqrt") && ln_node_attr_int(s, "power", 2) == 2) {
        ln_attr magnitude = ln_rw_int("power", 1);
        return extend(g, c, s, id, LN_NO_VALUE, &magnitude, 1);
    }
    if (ln_spectral_squared(g, n->out[0]) == n->in[0] && ln_node_attr_int(s, "power", 2) == 1) {
        ln_attr power = ln_rw_int("power", 2);
        return extend(g, c, s, id, LN_NO_VALUE, &power, 1);
    }
    if (ln_node_is(n, "MatMul") && n->n_in == 2 && n->n_attrs == 0 && ln_rw_info(g, n->in[1])->data &&
        ln_rw_info(g, n->in[1])->rank == 2)
        return extend(g, c, s, id, n->in[1], NULL, 0);
    return LINNET_OK;
}

/* MatMul of a spectrogram that was rearranged, its bins being the last axis: the filterbank goes before that. */
static linnet_status bank_behind(ln_graph *g, ln_pass_ctx *c, int32_t id)
{
    const ln_node *n = &g->nodes[id];
    if (!ln_node_is(n, "MatMul") || n->n_in != 2 || n->n_attrs || !ln_rw_info(g, n->in[1])->data ||
        ln_rw_info(g, n->in[1])->rank != 2)
        return LINNET_OK;
    int32_t from[LN_MAX_RANK], rank = ln_rw_info(g, n->in[0])->rank, base = ln_spectral_trace(g, n->in[0], from);
    const ln_node *s = ln_spectral_node(g, base);
    ln_info info = *ln_rw_info(g, base);
    if (!s || base == n->in[0] || ln_rw_in(s, 2) >= 0 || ln_node_attr_int(s, "log", 0) || g->values[base].n_uses != 1 ||
        !ln_info_known(&info) || rank < 1 || from[rank - 1] != info.rank - 1)
        return LINNET_OK;
    int32_t x = ln_graph_value(g, ""), out = n->out[0], before = n->next;
    int32_t in[3] = {s->in[0], ln_rw_in(s, 1), n->in[1]}, n_attrs;
    ln_attr *attrs = ln_rw_attrs(g, s, NULL, 0, &n_attrs);
    if (x < 0 || !attrs)
        return ln_rw_no_memory(c);
    info.dims[info.rank - 1] = ln_rw_info(g, out)->dims[rank - 1];
    g->values[x].info = info;
    info = g->values[out].info;
    ln_graph_kill(g, id);
    if (ln_graph_insert_at(g, before, "ai.linnet", 1, "Spectrogram", "", 3, in, 1, &x, n_attrs, attrs) < 0)
        return ln_rw_no_memory(c);
    g->values[out].info = info;
    c->changes++;
    return ln_spectral_arrange(g, c, before, x, out, from);
}

linnet_status ln_pass_spectrogram(ln_graph *g, ln_pass_ctx *c)
{
    LN_FOR_NODES(g, id)
    {
        linnet_status st = transform(g, c, id);
        if (st == LINNET_OK && !g->nodes[id].dead)
            st = follow(g, c, id);
        if (st == LINNET_OK && !g->nodes[id].dead)
            st = bank_behind(g, c, id);
        if (st != LINNET_OK)
            return st;
    }
    return LINNET_OK;
}
