/* SPDX-License-Identifier: Apache-2.0
 *
 * Channels last: a convolution of floats (or a quantised one) gets its input by way of two transposes that cancel, one
 * to channels-last and one back. The transpose pass then sinks the second through the convolution, which so becomes
 * channels-last, and on until it meets the first of the next convolution, or the end.
 */
#include "engine/sink.h"

static bool wants_channels_last(const ln_graph *g, const ln_node *n)
{
    const ln_info *x = n->n_in > 0 ? ln_rw_info(g, n->in[0]) : NULL;
    bool conv = ln_node_is(n, "Conv") || ln_node_is(n, "ConvTranspose"), integer = ln_node_is(n, "QLinearConv");
    if (!x || (!conv && !integer) || ln_node_attr(n, LN_NAME_CHANNELS_LAST) || !ln_info_known(x) || x->rank < 3)
        return false;
    return integer || x->type == LINNET_FLOAT32;
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
