/* SPDX-License-Identifier: Apache-2.0
 *
 * The first layers of an image network a few rows at a time (a stripe), so that what is between them is never there as
 * a whole. The graph itself says so: for each stripe, every layer makes the rows that are new, a Concat puts them
 * behind those of the stripe before that the next layer's window still needs, and the stripes of the last layer are
 * joined. No row is computed twice, and each as it would be otherwise, so results are the same bit for bit. In memory,
 * rows of an image that is channels-last lie together: their Slices are views, and the last Concat moves nothing.
 */
#include <string.h>

#include "engine/plan.h"
#include "engine/rewrite.h"

enum { MOST = 24 }; /* layers of a chain */

typedef struct layer {
    int32_t node, in_axis, out_axis; /* axes of the rows */
    int64_t in_rows, out_rows;
    bool window;
    int64_t extent, stride, pads[4]; /* extent: rows that a window spans; pads: top, left, bottom, right */
    int32_t value;                   /* what it has made for the stripe */
    int64_t from, to;                /* its rows */
} layer;

static bool known(const ln_graph *g, int32_t value)
{
    const ln_info *info = ln_rw_info(g, value);
    return info->kind == LINNET_TENSOR && ln_info_known(info) && info->rank == 4 && info->dims[0] == 1 && !info->data;
}

static bool one_of(const ln_node *n, const char *const *names)
{
    for (; *names; names++)
        if (!strcmp(n->type, *names))
            return true;
    return false;
}

/* Element for element, with constants beside the image that have one element. */
static bool is_map(const ln_graph *g, const ln_node *n)
{
    static const char *const names[] = {"Relu", "Clip",           "LeakyRelu",        "Sigmoid",
                                        "Tanh", "HardSigmoid",    "HardSwish",        "Elu",
                                        "Cast", "QuantizeLinear", "DequantizeLinear", NULL};
    for (int32_t i = 1; i < n->n_in; i++) {
        const ln_info *info = ln_rw_info(g, n->in[i]);
        if (n->in[i] >= 0 && (!info->data || ln_info_count(info) != 1))
            return false;
    }
    return !n->domain[0] && one_of(n, names);
}

static int64_t int_at(const ln_attr *a, int32_t i, int64_t absent)
{
    return a && a->n > i ? a->ints[i] : absent;
}

/* A convolution or pooling over two dimensions, with its pads as numbers. False: another node. */
static bool read_window(const ln_graph *g, const ln_node *n, layer *l)
{
    static const char *const names[] = {"Conv",        "QLinearConv", "MaxPool", "AveragePool", "QLinearAveragePool",
                                        "NhwcMaxPool", NULL};
    const ln_info *x = ln_rw_info(g, n->in[0]), *y = ln_rw_info(g, n->out[0]);
    if (!one_of(n, names) || n->n_out != 1 || ln_node_attr(n, LN_NAME_RESIDUAL) || ln_node_attr_int(n, "ceil_mode", 0))
        return false;
    int64_t last = ln_node_attr_int(n, LN_NAME_CHANNELS_LAST, 0);
    if (!last && n->domain[0] && (ln_node_attr_int(n, "channels_last", 0) || !strcmp(n->type, "NhwcMaxPool")))
        last = 1;
    l->window = true;
    l->in_axis = last == 1 ? 1 : 2;
    l->out_axis = last ? 1 : 2;
    const ln_attr *kernel = ln_node_attr(n, "kernel_shape"), *strides = ln_node_attr(n, "strides"),
                  *dilations = ln_node_attr(n, "dilations"), *pads = ln_node_attr(n, "pads"),
                  *auto_pad = ln_node_attr(n, "auto_pad");
    const ln_info *w = ln_rw_info(g, ln_rw_in(n, !strcmp(n->type, "Conv") ? 1 : 3));
    bool conv = !strcmp(n->type, "Conv") || !strcmp(n->type, "QLinearConv");
    if (conv && (w->rank != 4 || !ln_info_known(w)))
        return false;
    if (!conv && (!kernel || kernel->n != 2))
        return false;
    bool upper = auto_pad && auto_pad->s.size == 10 && !memcmp(auto_pad->s.data, "SAME_UPPER", 10);
    bool lower = auto_pad && auto_pad->s.size == 10 && !memcmp(auto_pad->s.data, "SAME_LOWER", 10);
    for (int32_t d = 0; d < 2; d++) {
        int64_t k = conv ? w->dims[2 + d] : kernel->ints[d], stride = int_at(strides, d, 1);
        int64_t extent = (k - 1) * int_at(dilations, d, 1) + 1;
        int64_t in = x->dims[l->in_axis + d], out = y->dims[l->out_axis + d];
        int64_t need = (out - 1) * stride + extent - in;
        need = need > 0 ? need : 0;
        if (upper || lower) {
            l->pads[d] = upper ? need / 2 : need - need / 2;
            l->pads[2 + d] = need - l->pads[d];
        } else {
            bool valid = auto_pad && auto_pad->s.size == 5;
            l->pads[d] = valid ? 0 : int_at(pads, d, 0);
            l->pads[2 + d] = valid ? 0 : int_at(pads, 2 + d, 0);
        }
        if (d == 0) {
            l->extent = extent;
            l->stride = stride;
        }
    }
    return l->extent >= 1 && l->stride >= 1 && l->pads[0] >= 0 && l->pads[0] < l->extent;
}

/* The node as a layer, where it can be one. axis: of its input's rows, LN_NO_VALUE: any. */
static bool read_layer(const ln_graph *g, int32_t id, int32_t axis, layer *l)
{
    const ln_node *n = &g->nodes[id];
    *l = (layer){.node = id, .in_axis = axis, .out_axis = axis, .extent = 1, .stride = 1};
    for (int32_t i = 1; i < n->n_in; i++)
        if (n->in[i] >= 0 && g->values[n->in[i]].producer >= 0)
            return false;
    if (n->n_in < 1 || n->n_out < 1 || !known(g, n->in[0]) || !known(g, n->out[0]))
        return false;
    if (!read_window(g, n, l)) {
        if (axis < 0 || !is_map(g, n))
            return false;
    } else if (axis >= 0 && l->in_axis != axis) {
        return false;
    }
    l->in_rows = g->values[n->in[0]].info.dims[l->in_axis];
    l->out_rows = g->values[n->out[0]].info.dims[l->out_axis];
    return true;
}

/* The chain from the first convolution or pooling on. Returns its length. */
static int32_t find_chain(const ln_graph *g, layer *layers)
{
    int32_t n = 0;
    LN_FOR_NODES(g, id)
    {
        if (!read_layer(g, id, LN_NO_VALUE, &layers[0]))
            continue;
        for (n = 1; n < MOST; n++) {
            int32_t next = ln_graph_only_user(g, g->nodes[layers[n - 1].node].out[0]);
            if (next < 0 || g->nodes[next].in[0] != g->nodes[layers[n - 1].node].out[0] ||
                !read_layer(g, next, layers[n - 1].out_axis, &layers[n]))
                break;
        }
        break;
    }
    return n;
}

/* -- making the stripes -----------------------------------------------------------------------------------------------
 */

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

/* The layer for rows [from, to) of its output, from rows [at, ...) of its input, which are in value. */
static int32_t make_rows(ln_graph *g, int32_t before, const layer *l, int32_t value, int64_t at, int64_t from,
                         int64_t to)
{
    const ln_node n = g->nodes[l->node];
    int64_t top = from * l->stride - l->pads[0], bottom = (to - 1) * l->stride + l->extent - l->pads[0];
    int64_t first = top < 0 ? 0 : top, last = bottom > l->in_rows ? l->in_rows : bottom;
    int32_t n_attrs, in[16], out = value_like(g, n.out[0], l->out_axis, to - from);
    int32_t part = slice(g, before, value, l->in_axis, first - at, last - at);
    int64_t *pads = ln_arena_array(g->arena, 4, sizeof *pads);
    if (part < 0 || out < 0 || !pads || n.n_in > 16)
        return LN_NO_VALUE;
    pads[0] = first - top;
    pads[1] = l->pads[1];
    pads[2] = bottom - last;
    pads[3] = l->pads[3];
    ln_attr more[] = {{.name = "pads", .kind = LN_ATTR_INTLIST, .n = 4, .ints = pads},
                      {.name = "auto_pad", .kind = LN_ATTR_STRING, .s = {"NOTSET", 6}}};
    const ln_attr *attrs = l->window ? ln_rw_attrs(g, &n, more, 2, &n_attrs) : n.attrs;
    if (!attrs)
        return LN_NO_VALUE;
    memcpy(in, n.in, (size_t)n.n_in * sizeof *in);
    in[0] = part;
    if (ln_graph_insert_at(g, before, n.domain, n.version, n.type, n.name, n.n_in, in, 1, &out,
                           l->window ? n_attrs : n.n_attrs, attrs) < 0)
        return LN_NO_VALUE;
    return out;
}

/* Rows of the input of layer l that rows [0, to) of its output need. */
static int64_t needed(const layer *l, int64_t to)
{
    int64_t bottom = (to - 1) * l->stride + l->extent - l->pads[0];
    return bottom > l->in_rows ? l->in_rows : bottom < 0 ? 0 : bottom;
}

/* One stripe: rows up to `to` of the last layer. input: of the first. */
static bool make_stripe(ln_graph *g, int32_t before, layer *layers, int32_t n, int32_t input, int64_t to)
{
    int64_t ends[MOST];
    ends[n - 1] = to;
    for (int32_t i = n - 1; i > 0; i--)
        ends[i - 1] = needed(&layers[i], ends[i]);
    for (int32_t i = 0; i < n; i++) {
        layer *l = &layers[i];
        int64_t old = l->to, keep = old;
        if (i + 1 < n) { /* what the next layer's next row begins with */
            const layer *next = &layers[i + 1];
            int64_t top = next->to * next->stride - next->pads[0];
            keep = top < 0 ? 0 : top < old ? top : old;
        }
        int32_t made = LN_NO_VALUE, kept = LN_NO_VALUE;
        if (ends[i] > old && (made = make_rows(g, before, l, i ? layers[i - 1].value : input,
                                               i ? layers[i - 1].from : 0, old, ends[i])) < 0)
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
    layer layers[MOST];
    int32_t n = find_chain(g, layers);
    if (n > n_layers)
        n = n_layers;
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
