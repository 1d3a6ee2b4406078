/* SPDX-License-Identifier: Apache-2.0
 *
 * The first layers of an image network a few rows at a time (a stripe), so that what is between them is never there as
 * a whole. The graph itself says so: for each stripe, every layer makes the rows that are new, a Concat puts them
 * behind those of the stripe before that the next layer's window still needs, and the stripes of the last layer are
 * joined; where layers branch and meet again, both branches go on so. No row is computed twice, and each as it would be
 * otherwise, so results are the same bit for bit, but for Winograd's tiles, which begin at a stripe. In memory, rows of
 * an image that is channels-last lie together: their Slices are views, and the last Concat moves nothing.
 */
#include "engine/stripes.h"

#include <string.h>

/* A value like another, with so many rows. */
static int32_t value_like(ln_graph *g, int32_t like, int32_t axis, int64_t rows)
{
    int32_t v = ln_graph_value(g, "");
    if (v >= 0) {
        g->values[v].info = g->values[like].info;
        g->values[v].info.dims[axis] = rows;
    }
    return v;
}

/* Rows [from, to) of a value. */
static int32_t slice(ln_graph *g, int32_t before, int32_t value, int32_t axis, int64_t from, int64_t to)
{
    if (from == 0 && to == g->values[value].info.dims[axis])
        return value;
    int64_t along = axis;
    int32_t in[] = {value, ln_rw_new_ints(g, 1, &from), ln_rw_new_ints(g, 1, &to), ln_rw_new_ints(g, 1, &along)};
    int32_t out = value_like(g, value, axis, to - from);
    if (in[1] < 0 || in[2] < 0 || in[3] < 0 || out < 0 ||
        ln_graph_insert_at(g, before, "", LN_PASS_OPSET, "Slice", "", 4, in, 1, &out, 0, NULL) < 0)
        return LN_NO_VALUE;
    return out;
}

static bool join(ln_graph *g, int32_t before, const char *name, int32_t n, const int32_t *in, int32_t out, int32_t axis)
{
    ln_attr along = ln_rw_int("axis", axis);
    return ln_graph_insert_at(g, before, "", LN_PASS_OPSET, "Concat", name, n, in, 1, &out, 1, &along) >= 0;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The first row of a source that row `row` of the output needs, and the row behind those that rows [0, to) need; above
 * and below the image where there is padding. */
static int64_t top(const ln_stripe_source *s, int64_t row)
{
    return row * s->stride - s->pad;
}

static int64_t bottom(const ln_stripe_source *s, int64_t to)
{
    return (to - 1) * s->stride + s->extent - s->pad;
}

/* Layer l for rows [from, to) of its output. input: of the first. */
static int32_t make_rows(ln_graph *g, int32_t before, const ln_stripe_layer *layers, const ln_stripe_layer *l,
                         int32_t input, int64_t from, int64_t to)
{
    const ln_node n = g->nodes[l->node];
    int32_t n_attrs, in[LN_STRIPE_INPUTS], out = value_like(g, n.out[0], l->out_axis, to - from);
    int64_t *pads = ln_arena_array(g->arena, 4, sizeof *pads);
    if (out < 0 || !pads)
        return LN_NO_VALUE;
    memcpy(in, n.in, (size_t)n.n_in * sizeof *in);
    memcpy(pads, l->pads, sizeof l->pads);
    for (int32_t i = 0; i < l->n_in; i++) {
        const ln_stripe_source *s = &l->in[i];
        int64_t first = most(top(s, from), 0), last = least(bottom(s, to), s->rows);
        int32_t value = s->layer < 0 ? input : layers[s->layer].value;
        int64_t at = s->layer < 0 ? 0 : layers[s->layer].from;
        if ((in[s->slot] = slice(g, before, value, i ? l->out_axis : l->in_axis, first - at, last - at)) < 0)
            return LN_NO_VALUE;
        if (i == 0) {
            pads[0] = first - top(s, from);
            pads[2] = bottom(s, to) - last;
        }
    }
    ln_attr more[] = {{.name = "pads", .kind = LN_ATTR_INTLIST, .n = 4, .ints = pads},
                      {.name = "auto_pad", .kind = LN_ATTR_STRING, .s = {"NOTSET", 6}}};
    const ln_attr *attrs = l->window ? ln_rw_attrs(g, &n, more, 2, &n_attrs) : n.attrs;
    if (!attrs && l->window)
        return LN_NO_VALUE;
    if (ln_graph_insert_at(g, before, n.domain, n.version, n.type, n.name, n.n_in, in, 1, &out,
                           l->window ? n_attrs : n.n_attrs, attrs) < 0)
        return LN_NO_VALUE;
    return out;
}

/* How far each layer has to come for rows [0, to) of the last one. */
static void set_ends(const ln_stripe_layer *layers, int32_t n, int64_t to, int64_t *ends)
{
    for (int32_t i = 0; i < n; i++)
        ends[i] = layers[i].to;
    ends[n - 1] = to;
    for (int32_t i = n; i-- > 0;)
        for (int32_t k = 0; k < layers[i].n_in; k++) {
            const ln_stripe_source *s = &layers[i].in[k];
            if (s->layer >= 0)
                ends[s->layer] = most(ends[s->layer], least(bottom(s, ends[i]), s->rows));
        }
}

/* The first row of layer i's output that is needed yet, by the next rows of those that take it. */
static int64_t kept_from(const ln_stripe_layer *layers, int32_t n, int32_t i)
{
    int64_t keep = layers[i].to;
    for (int32_t k = i + 1; k < n; k++)
        for (int32_t s = 0; s < layers[k].n_in; s++)
            if (layers[k].in[s].layer == i)
                keep = least(keep, most(top(&layers[k].in[s], layers[k].to), 0));
    return keep;
}

/* One stripe: rows up to `to` of the last layer. input: of the first. */
static bool make_stripe(ln_graph *g, int32_t before, ln_stripe_layer *layers, int32_t n, int32_t input, int64_t to)
{
    int64_t ends[LN_STRIPE_MOST];
    set_ends(layers, n, to, ends);
    for (int32_t i = 0; i < n; i++) {
        ln_stripe_layer *l = &layers[i];
        int64_t old = l->to, keep = kept_from(layers, n, i);
        int32_t made = LN_NO_VALUE, kept = LN_NO_VALUE;
        if (ends[i] > old && (made = make_rows(g, before, layers, l, input, old, ends[i])) < 0)
            return false;
        if (keep < old && (kept = slice(g, before, l->value, l->out_axis, keep - l->from, old - l->from)) < 0)
            return false;
        l->value = made >= 0 ? made : kept;
        if (made >= 0 && kept >= 0) {
            int32_t both[] = {kept, made};
            l->value = value_like(g, made, l->out_axis, ends[i] - keep);
            if (l->value < 0 || !join(g, before, "", 2, both, l->value, l->out_axis))
                return false;
        }
        l->from = keep;
        l->to = ends[i];
    }
    return true;
}

int32_t ln_graph_stripes(ln_graph *g, int32_t n_layers, int64_t rows)
{
    ln_stripe_layer layers[LN_STRIPE_MOST];
    int32_t n = ln_stripe_layers(g, layers, n_layers);
    int64_t high = n ? layers[n - 1].out_rows : 0, n_stripes = n ? (high + rows - 1) / rows : 0;
    if (n_stripes < 2)
        return 0;
    const ln_node last = g->nodes[layers[n - 1].node];
    int32_t input = g->nodes[layers[0].node].in[0], out = last.out[0], axis = layers[n - 1].out_axis;
    ln_info info = g->values[out].info;
    int32_t *parts = ln_arena_array(g->arena, n_stripes, sizeof *parts), n_parts = 0;
    if (!parts)
        return -1;
    for (int64_t to = rows; n_parts < n_stripes; to += rows) {
        if (!make_stripe(g, layers[0].node, layers, n, input, to < high ? to : high))
            return -1;
        parts[n_parts++] = layers[n - 1].value;
    }
    for (int32_t i = n; i-- > 0;)
        ln_graph_kill(g, layers[i].node);
    if (!join(g, last.next, "", n_parts, parts, out, axis))
        return -1;
    g->values[out].info = info;
    return n;
}
