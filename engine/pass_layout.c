/* SPDX-License-Identifier: Apache-2.0
 *
 * Channels last: a convolution of floats (or a quantised one) gets its input by way of two transposes that cancel, one
 * to channels-last and one back. The transpose pass then sinks the second through the convolution, which so becomes
 * channels-last, and on until it meets the first of the next convolution, or the end.
 *
 * A depthwise or 1x1 convolution, or a quantised one of few channels, for which there is a kernel that reads planes
 * stays as it is where all that a transpose could reach from it has neither a convolution of another kind nor a
 * transpose: two transposes would be more than the convolution, or much of it. So does a first layer that is the only
 * convolution there, which turns its output line by line.
 */
#include "engine/sink.h"
#include "kernels/conv.h"
#include "kernels/kernels.h"
#include "kernels/qgemm.h"

enum { FEW_CHANNELS = 15 };

static bool wants_channels_last(const ln_graph *g, const ln_node *n)
{
    const ln_info *x = n->n_in > 0 ? ln_rw_info(g, n->in[0]) : NULL;
    bool conv = ln_node_is(n, "Conv") || ln_node_is(n, "ConvTranspose"), integer = ln_node_is(n, "QLinearConv");
    if (!x || (!conv && !integer) || ln_node_attr(n, LN_NAME_CHANNELS_LAST) || !ln_info_known(x) || x->rank < 3)
        return false;
    return integer || x->type == LINNET_FLOAT32;
}

/* A first layer: a Conv of few channels copies its input anyway and can turn it as it does. Where a Transpose makes the
 * input, it is better cancelled. */
static bool turns_input(const ln_graph *g, const ln_node *n)
{
    const ln_info *x = ln_rw_info(g, n->in[0]), *w = ln_rw_info(g, ln_rw_in(n, 1));
    const ln_attr *dilations = ln_node_attr(n, "dilations");
    return ln_node_is(n, "Conv") && !ln_rw_producer(g, n->in[0], "Transpose") && ln_info_known(w) &&
           w->rank == x->rank && x->dims[1] <= FEW_CHANNELS && w->dims[w->rank - 1] > 1 &&
           ln_node_attr_int(n, "group", 1) == 1 && (!dilations || dilations->ints[dilations->n - 1] == 1) &&
           !ln_node_attr(n, LN_NAME_RESIDUAL);
}

/* -- what stays channels-first ------------------------------------------------------------------------------------ */

/* The number that all elements of the attribute are, 1 where it is absent; 0: they differ. */
static int64_t all_are(const ln_node *n, const char *name)
{
    const ln_attr *a = ln_node_attr(n, name);
    for (int64_t i = 1; a && i < a->n; i++)
        if (a->ints[i] != a->ints[0])
            return 0;
    return a && a->n ? a->ints[0] : 1;
}

/* What ops/qlinearconv_planes.c takes. */
static bool has_quantised_planes(const ln_graph *g, const ln_node *n)
{
    const ln_info *x = ln_rw_info(g, n->in[0]), *w = ln_rw_info(g, ln_rw_in(n, 3)), *y = ln_rw_info(g, n->out[0]);
    return LN_D(qgemm)->planes && ln_node_is(n, "QLinearConv") && ln_info_known(x) && ln_info_known(w) &&
           ln_info_known(y) && x->rank == 4 && w->rank == 4 && y->rank == 4 && ln_node_attr_int(n, "group", 1) == 1 &&
           all_are(n, "dilations") == 1 &&
           ln_qplanes_pays(x->dims[1], w->dims[2], w->dims[3], all_are(n, "strides"), y->dims[3]);
}

/* What ops/conv_planes.c takes, or the former. */
static bool has_planes_kernel(const ln_graph *g, const ln_node *n)
{
    if (has_quantised_planes(g, n))
        return true;
    const ln_info *x = ln_rw_info(g, n->in[0]), *w = ln_rw_info(g, ln_rw_in(n, 1)), *y = ln_rw_info(g, n->out[0]);
    return ln_node_is(n, "Conv") && ln_info_known(w) && ln_info_known(y) && x->rank == 4 && w->rank == 4 &&
           w->dims[1] == 1 && w->dims[2] == w->dims[3] && x->dims[1] > 1 &&
           ln_node_attr_int(n, "group", 1) == x->dims[1] && all_are(n, "dilations") == 1 &&
           ln_dw_planes_pays(LN_D(gemm_f32)->dw_planes, w->dims[2], all_are(n, "strides"), y->dims[3]);
}

/* What ops/conv_points.c takes; *pixels are those of an image. */
static bool has_points_kernel(const ln_graph *g, const ln_node *n, int64_t *pixels)
{
    const ln_info *x = ln_rw_info(g, n->in[0]), *w = ln_rw_info(g, ln_rw_in(n, 1)), *y = ln_rw_info(g, n->out[0]);
    if (!ln_node_is(n, "Conv") || !ln_info_known(x) || !ln_info_known(w) || !ln_info_known(y) ||
        w->type != LINNET_FLOAT32 || w->rank != x->rank || y->rank != x->rank || x->rank < 3 ||
        w->dims[1] != x->dims[1] || all_are(n, "strides") != 1)
        return false;
    *pixels = 1;
    for (int32_t i = 2; i < x->rank; i++) {
        if (w->dims[i] != 1 || y->dims[i] != x->dims[i])
            return false;
        *pixels *= x->dims[i];
    }
    return x->dims[0] * *pixels > 0 && ln_points_fit(LN_D(gemm_f32), x->dims[1], w->dims[0]);
}

static bool is_conv(const ln_node *n)
{
    return ln_node_is(n, "Conv") || ln_node_is(n, "ConvTranspose") || ln_node_is(n, "QLinearConv");
}

/* A first layer of float32, which by itself goes by pixels (ops/conv_windows.c), or turns its output line by line
 * (ops/conv_lines.c). */
static bool is_first(const ln_graph *g, const ln_node *n)
{
    return LN_D(gemm_f32)->panels && wants_channels_last(g, n) && turns_input(g, n);
}

static bool stays(const ln_graph *g, const ln_node *n)
{
    int64_t pixels;
    return has_planes_kernel(g, n) || has_points_kernel(g, n, &pixels);
}

/* Values that share a layout have one root, the first of them. */
static int32_t root_of(int32_t *up, int32_t value)
{
    while (up[value] != value)
        value = up[value] = up[up[value]];
    return value;
}

static void join(const ln_graph *g, int32_t *up, int32_t with, const int32_t *values, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        if (values[i] < 0 || g->values[values[i]].info.data)
            continue;
        int32_t a = root_of(up, with), b = root_of(up, values[i]);
        up[a > b ? a : b] = a > b ? b : a;
    }
}

/* What it saves that 1x1 convolutions stay as they are, those that share a layout together: turning what comes into the
 * graph and goes out of it is saved, too. Where that is less than nothing, they are turned. */
static linnet_status turn_points(const ln_graph *g, int32_t *up, bool *turned)
{
    double *gain = ln_arena_array(g->arena, g->n_values + 1, sizeof *gain);
    bool *points = ln_arena_array(g->arena, g->n_values + 1, sizeof *points);
    if (!gain || !points)
        return LINNET_ERR_MEMORY;
    for (int32_t v = 0; v < g->n_values; v++) {
        gain[v] = 0;
        points[v] = false;
    }
    LN_FOR_NODES(g, id)
    {
        const ln_node *n = &g->nodes[id];
        int64_t pixels;
        if (n->n_in == 0 || n->in[0] < 0 || !has_points_kernel(g, n, &pixels))
            continue;
        int32_t root = root_of(up, n->in[0]);
        points[root] = true;
        const ln_info *x = ln_rw_info(g, n->in[0]), *y = ln_rw_info(g, n->out[0]);
        gain[root] += ln_points_gain(x->dims[1], y->dims[1], x->dims[0], pixels);
    }
    for (int32_t i = 0; i < g->n_inputs + g->n_outputs; i++) {
        int32_t v = i < g->n_inputs ? g->inputs[i] : g->outputs[i - g->n_inputs];
        const ln_info *x = ln_rw_info(g, v);
        if (x && !x->data && ln_info_known(x) && x->rank >= 3)
            gain[root_of(up, v)] += LN_POINTS_TURN * (double)ln_info_count(x);
    }
    for (int32_t v = 0; v < g->n_values; v++)
        turned[v] = turned[v] || (points[v] && gain[v] < 0);
    return LINNET_OK;
}

/* Whether the layout of a value is worth a change; NULL: no memory. */
static bool *turned_values(const ln_graph *g, int32_t **up)
{
    bool *turned = ln_arena_array(g->arena, g->n_values + 1, sizeof *turned);
    *up = ln_arena_array(g->arena, g->n_values + 1, sizeof **up);
    int32_t *convs = ln_arena_array(g->arena, g->n_values + 1, sizeof *convs);
    if (!turned || !*up || !convs)
        return NULL;
    for (int32_t v = 0; v < g->n_values; v++) {
        (*up)[v] = v;
        turned[v] = false;
        convs[v] = 0;
    }
    LN_FOR_NODES(g, id)
    {
        const ln_node *n = &g->nodes[id];
        if (!ln_sink_may(n) || n->n_in == 0 || n->in[0] < 0)
            continue;
        join(g, *up, n->in[0], n->in, n->n_in);
        join(g, *up, n->in[0], n->out, n->n_out);
    }
    LN_FOR_NODES(g, id)
    {
        const ln_node *n = &g->nodes[id];
        if (n->n_in > 0 && n->in[0] >= 0 && is_conv(n))
            convs[root_of(*up, n->in[0])]++;
    }
    LN_FOR_NODES(g, id)
    {
        const ln_node *n = &g->nodes[id];
        if (n->n_in == 0 || n->in[0] < 0 || (!ln_node_is(n, "Transpose") && (!is_conv(n) || stays(g, n))))
            continue;
        if (convs[root_of(*up, n->in[0])] == 1 && is_first(g, n))
            continue;
        turned[root_of(*up, n->in[0])] = true;
        turned[root_of(*up, n->out[0])] = true;
    }
    return turn_points(g, *up, turned) == LINNET_OK ? turned : NULL;
}

/* -- what is turned ----------------------------------------------------------------------------------------------- */

/* The Conv with a channels-last output, and a Transpose behind it. */
static linnet_status turn_output(ln_graph *g, ln_pass_ctx *c, int32_t id, const int64_t *last, const int64_t *first,
                                 int32_t rank)
{
    const ln_node n = g->nodes[id];
    ln_attr more[1] = {ln_rw_int(LN_NAME_CHANNELS_LAST, 2)}, *perm = ln_perm_attr(g, first, rank);
    int32_t n_attrs, out = n.out[0], before = n.next, made = ln_graph_value(g, "");
    ln_attr *attrs = ln_rw_attrs(g, &n, more, 1, &n_attrs);
    if (made < 0 || !perm || !attrs)
        return ln_rw_no_memory(c);
    ln_info info = g->values[out].info;
    g->values[made].info = info;
    for (int32_t i = 0; i < rank; i++)
        g->values[made].info.dims[i] = info.dims[last[i]];
    ln_graph_kill(g, id);
    if (ln_graph_insert_at(g, before, "", n.version, "Conv", n.name, n.n_in, n.in, 1, &made, n_attrs, attrs) < 0 ||
        ln_graph_insert_at(g, before, "", LN_PASS_OPSET, "Transpose", "", 1, &made, 1, &out, 1, perm) < 0)
        return ln_rw_no_memory(c);
    g->values[out].info = info;
    c->changes++;
    return LINNET_OK;
}

/* A Transpose of value before node; LN_NO_VALUE: no memory. */
static int32_t transposed(ln_graph *g, int32_t node, int32_t value, const int64_t *perm, int32_t rank)
{
    ln_info info = g->values[value].info;
    ln_attr *a = ln_perm_attr(g, perm, rank);
    int32_t out = ln_graph_value(g, "");
    if (!a || out < 0 || ln_graph_insert_at(g, node, "", LN_PASS_OPSET, "Transpose", "", 1, &value, 1, &out, 1, a) < 0)
        return LN_NO_VALUE;
    g->values[out].info = info;
    g->values[out].info.data = NULL;
    for (int32_t i = 0; i < rank; i++)
        g->values[out].info.dims[i] = info.dims[perm[i]];
    return out;
}

linnet_status ln_pass_layout(ln_graph *g, ln_pass_ctx *c)
{
    int32_t *up;
    const bool *turned = turned_values(g, &up);
    if (!turned)
        return ln_rw_no_memory(c);
    LN_FOR_NODES(g, id)
    {
        const ln_node *n = &g->nodes[id];
        if (!wants_channels_last(g, n) || ((stays(g, n) || is_first(g, n)) && !turned[root_of(up, n->in[0])]))
            continue;
        int32_t rank = ln_rw_info(g, g->nodes[id].in[0])->rank;
        int64_t last[LN_MAX_RANK], first[LN_MAX_RANK];
        for (int32_t i = 0; i < rank; i++) {
            last[i] = i == 0 ? 0 : i == rank - 1 ? 1 : i + 1;
            first[i] = i == 0 ? 0 : i == 1 ? rank - 1 : i - 1;
        }
        if (turns_input(g, &g->nodes[id])) {
            linnet_status st = turn_output(g, c, id, last, first, rank);
            if (st != LINNET_OK)
                return st;
            continue;
        }
        int32_t back = transposed(g, id, g->nodes[id].in[0], last, rank);
        back = back < 0 ? back : transposed(g, id, back, first, rank);
        if (back < 0)
            return ln_rw_no_memory(c);
        ln_graph_set_input(g, id, 0, back);
        linnet_status st = ln_sink(g, c, id, first, rank);
        if (st != LINNET_OK)
            return st;
    }
    return LINNET_OK;
}
