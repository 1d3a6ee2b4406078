/* SPDX-License-Identifier: Apache-2.0
 *
 * Channels last: a convolution of floats (or a quantised one) gets its input by way of two transposes that cancel, one
 * to channels-last and one back. The transpose pass then sinks the second through the convolution, which so becomes
 * channels-last, and on until it meets the first of the next convolution, or the end.
 */
#include "engine/sink.h"

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
    LN_FOR_NODES(g, id)
    {
        if (!wants_channels_last(g, &g->nodes[id]))
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
