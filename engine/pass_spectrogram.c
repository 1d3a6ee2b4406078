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
    } else if (slot > 0 && ln_rw_in(n, slot) >= 0 && !ln_spectral_integer(g, ln_rw_in(n, slot), &axis)) {
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
               ln_spectral_integer(g, n->in[1], part);
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

/* The complex value behind a Reshape that leaves bins and parts alone. */
static int32_t unshaped(const ln_graph *g, int32_t value)
{
    const ln_node *n = ln_rw_producer(g, value, "Reshape");
    if (!n || ln_graph_only_user(g, n->in[0]) < 0)
        return value;
    const ln_info *x = ln_rw_info(g, n->in[0]), *y = ln_rw_info(g, value);
    bool same = ln_info_known(x) && ln_info_known(y) && x->rank > 1 && y->rank > 1 &&
                x->dims[x->rank - 1] == y->dims[y->rank - 1] && x->dims[x->rank - 2] == y->dims[y->rank - 2];
    return same ? n->in[0] : value;
}

static linnet_status transform(ln_graph *g, ln_pass_ctx *c, int32_t id)
{
    const ln_node *n = &g->nodes[id];
    int64_t power;
    int32_t value = complex_of(g, n, &power), shaped = value;
    value = value < 0 ? value : unshaped(g, value);
    const ln_node *stft = ln_rw_producer(g, value, "STFT"), *dft = ln_rw_producer(g, value, "DFT");
    const ln_node *source = stft ? stft : dft;
    if (value < 0 || !source || (stft && shaped != value) || !is_float(ln_rw_info(g, value)))
        return LINNET_OK;
    /* Everything on the way may be used here only. */
    int32_t uses = 0;
    for (int32_t i = 0; i < n->n_in; i++)
        uses += ln_graph_only_user(g, n->in[i]) == id || ln_rw_info(g, n->in[i])->data;
    if (uses != n->n_in || g->values[shaped].outputs > 0 || g->values[shaped].n_uses > 2 ||
        g->values[value].outputs > 0) {
        ln_pass_refuse(c, g, id, "the complex spectrum is used elsewhere too");
        return LINNET_OK;
    }
    ln_frames f;
    if (!ln_spectral_frames(g, source, ln_rw_info(g, n->out[0]), &f)) {
        ln_pass_refuse(c, g, id, "the transform is not a one-sided one of real frames of a constant length");
        return LINNET_OK;
    }
    if (f.rank > 0) {
        int32_t in[2] = {f.signal, ln_rw_new_ints(g, f.rank, f.shape)}, out = ln_graph_value(g, "");
        if (in[1] < 0 || out < 0)
            return ln_rw_no_memory(c);
        g->values[out].info = (ln_info){.kind = LINNET_TENSOR, .type = ln_rw_info(g, f.signal)->type, .rank = f.rank};
        for (int32_t i = 0; i < f.rank; i++)
            g->values[out].info.dims[i] = f.shape[i];
        if (ln_graph_insert_at(g, id, "", LN_PASS_OPSET, "Reshape", "", 2, in, 1, &out, 0, NULL) < 0)
            return ln_rw_no_memory(c);
        f.signal = out;
    }
    ln_attr attrs[] = {ln_rw_int("frame_step", f.step), ln_rw_int("frame_length", f.length), ln_rw_int("power", power),
                       ln_rw_int("trailing_one", f.trailing_one), ln_rw_int("samples", f.samples)};
    int32_t in[2] = {f.signal, f.window}, old[1] = {id};
    return ln_rw_replace(g, c, old, 1, g->nodes[id].out[0], "ai.linnet", "Spectrogram", 1, f.window < 0 ? 1 : 2, in, 5,
                         attrs);
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

/* A product with a bias that is one number, as the converters of TensorFlow write a filterbank before the logarithm:
 * the filterbank, and Add. */
static linnet_status gemm(ln_graph *g, ln_pass_ctx *c, const ln_node *s, int32_t id)
{
    const ln_node *n = &g->nodes[id];
    const ln_info *w = ln_rw_info(g, n->in[1]);
    const float *weights = ln_rw_floats(g, n->in[1]);
    float bias = 0;
    if (!weights || w->rank != 2 || ln_node_attr(n, "alpha") || ln_node_attr(n, "beta") ||
        ln_node_attr_int(n, "transA", 0) || ln_node_attr(n, LN_NAME_ACT) || n->n_in > 3 ||
        (ln_rw_in(n, 2) >= 0 && !ln_graph_scalar(g, n->in[2], &bias)))
        return LINNET_OK;
    bool turned = ln_node_attr_int(n, "transB", 0) != 0;
    int64_t bins = w->dims[turned], dims[2] = {bins, w->dims[!turned]};
    float *data, *number;
    int32_t bank = ln_rw_new_floats(g, 2, dims, &data), add = ln_rw_new_floats(g, 0, NULL, &number);
    int32_t x = ln_graph_value(g, ""), out = n->out[0], before = n->next, n_attrs;
    ln_attr *attrs = ln_rw_attrs(g, s, NULL, 0, &n_attrs);
    if (bank < 0 || add < 0 || x < 0 || !attrs)
        return ln_rw_no_memory(c);
    for (int64_t k = 0; k < bins; k++)
        for (int64_t m = 0; m < dims[1]; m++)
            data[k * dims[1] + m] = weights[turned ? m * bins + k : k * dims[1] + m];
    *number = bias;
    ln_info kept = g->values[out].info;
    int32_t in[3] = {s->in[0], ln_rw_in(s, 1), bank}, sum[2] = {x, add};
    g->values[x].info = kept;
    ln_graph_kill(g, id);
    if (ln_graph_insert_at(g, before, "ai.linnet", 1, "Spectrogram", "", 3, in, 1, &x, n_attrs, attrs) < 0 ||
        ln_graph_insert_at(g, before, "", LN_PASS_OPSET, "Add", "", 2, sum, 1, &out, 0, NULL) < 0)
        return ln_rw_no_memory(c);
    g->values[out].info = kept;
    c->changes++;
    return LINNET_OK;
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
    if (ln_node_is(n, "Gemm"))
        return gemm(g, c, s, id);
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
