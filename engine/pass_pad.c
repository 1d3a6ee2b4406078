/* SPDX-License-Identifier: Apache-2.0
 *
 * Pad with zeros before Conv goes into its pads; before AveragePool where that counts its padding, before MaxPool where
 * the padding value is below everything, or as low as the input gets and no window has padding alone.
 */
#include <math.h>
#include <string.h>

#include "engine/rewrite.h"

/* Pads as begin..., end... of the spatial axes, the first of which is `first`, of a constant-mode Pad of the value that
 * pads no others; false: it is another one. */
static bool read_pads(const ln_graph *g, const ln_node *pad, int32_t rank, int32_t first, int64_t *pads, float *value)
{
    const int64_t *all;
    const ln_attr *mode = ln_node_attr(pad, "mode");
    if (mode && !(mode->s.size == 8 && memcmp(mode->s.data, "constant", 8) == 0))
        return false;
    if (ln_rw_in(pad, 3) >= 0)
        return false;
    *value = 0;
    const ln_attr *a = ln_node_attr(pad, "pads"), *v = ln_node_attr(pad, "value");
    if (a) {
        if (a->n != 2 * rank || a->kind != LN_ATTR_INTLIST)
            return false;
        all = a->ints;
        *value = v ? v->f : 0;
    } else {
        const ln_info *p = ln_rw_info(g, ln_rw_in(pad, 1));
        if (!p->data || p->type != LINNET_INT64 || ln_info_count(p) != 2 * rank)
            return false;
        all = p->data;
        if (ln_rw_in(pad, 2) >= 0 && (!ln_rw_has_floats(g, pad->in[2]) || !ln_graph_scalar(g, pad->in[2], value)))
            return false;
    }
    int32_t spatial = rank - 2;
    for (int32_t i = 0; i < 2 * rank; i++) {
        int32_t axis = i % rank - first;
        bool inside = axis >= 0 && axis < spatial;
        if (all[i] < 0 || (!inside && all[i] != 0))
            return false;
        if (inside)
            pads[i / rank * spatial + axis] = all[i];
    }
    return true;
}

/* No element of the value is below `least` (0 or less), as its makers show. */
static bool at_least(const ln_graph *g, int32_t value, float least, int32_t depth)
{
    if (value < 0 || g->values[value].producer < 0 || least > 0 || depth > 8)
        return false;
    const ln_node *n = &g->nodes[g->values[value].producer];
    if (n->domain[0])
        return false;
    if (strcmp(n->type, "Relu") == 0 || strcmp(n->type, "Sigmoid") == 0 || strcmp(n->type, "Softmax") == 0)
        return true;
    if (strcmp(n->type, "Concat") == 0) {
        for (int32_t i = 0; i < n->n_in; i++)
            if (!at_least(g, n->in[i], least, depth + 1))
                return false;
        return true;
    }
    return strcmp(n->type, "Transpose") == 0 && at_least(g, n->in[0], least, depth + 1);
}

/* Every window of the pool meets the input where pads are smaller than windows. */
static bool all_meet(const ln_node *n, const int64_t *pads, int32_t spatial)
{
    const ln_attr *window = ln_node_attr(n, "kernel_shape"), *own = ln_node_attr(n, "pads");
    if (!window || window->n != spatial || ln_node_attr(n, "dilations"))
        return false;
    for (int32_t i = 0; i < 2 * spatial; i++)
        if (pads[i] + (own ? own->ints[i] : 0) >= window->ints[i % spatial])
            return false;
    return true;
}

static bool may_take(const ln_graph *g, const ln_node *n, const ln_node *pad, const int64_t *pads, int32_t spatial,
                     float value)
{
    const ln_attr *auto_pad = ln_node_attr(n, "auto_pad");
    if (auto_pad && !(auto_pad->s.size == 6 && memcmp(auto_pad->s.data, "NOTSET", 6) == 0))
        return false;
    if (ln_node_is(n, "Conv"))
        return value == 0;
    if (ln_node_attr_int(n, "ceil_mode", 0))
        return false;
    if (ln_node_is(n, "MaxPool"))
        return ln_rw_out(n, 1) < 0 &&
               (value == -INFINITY || (value <= 0 && all_meet(n, pads, spatial) && at_least(g, pad->in[0], value, 0)));
    if (!ln_node_is(n, "AveragePool") || value != 0)
        return false;
    const ln_attr *own = ln_node_attr(n, "pads");
    for (int64_t i = 0; own && i < own->n; i++)
        if (own->ints[i] && !ln_node_attr_int(n, "count_include_pad", 0))
            return false;
    return n->version >= 7;
}

linnet_status ln_pass_pad(ln_graph *g, ln_pass_ctx *c)
{
    LN_FOR_NODES(g, id)
    {
        const ln_node *n = &g->nodes[id];
        const ln_node *pad = n->n_in > 0 ? ln_rw_producer(g, n->in[0], "Pad") : NULL;
        int32_t rank = n->n_in > 0 ? ln_rw_info(g, n->in[0])->rank : -1;
        int64_t pads[2 * LN_MAX_RANK];
        float value;
        bool taker = ln_node_is(n, "Conv") || ln_node_is(n, "MaxPool") || ln_node_is(n, "AveragePool");
        if (!pad || !taker || rank < 3 || ln_rw_info(g, n->in[0])->type != LINNET_FLOAT32)
            continue;
        int32_t spatial = rank - 2, first = ln_node_attr_int(n, LN_NAME_CHANNELS_LAST, 0) == 1 ? 1 : 2;
        if (!read_pads(g, pad, rank, first, pads, &value) || !may_take(g, n, pad, pads, spatial, value)) {
            ln_pass_refuse(c, g, id, "its Pad is not constant, or pads what this operator cannot");
            continue;
        }
        const ln_attr *own = ln_node_attr(n, "pads");
        int64_t *sum = ln_arena_array(g->arena, 2 * spatial, sizeof *sum);
        if (!sum)
            return ln_rw_no_memory(c);
        for (int32_t i = 0; i < 2 * spatial; i++)
            sum[i] = pads[i] + (own ? own->ints[i] : 0);
        ln_attr more[2] = {{.name = "pads", .kind = LN_ATTR_INTLIST, .n = 2 * spatial, .ints = sum},
                           ln_rw_int("count_include_pad", 1)};
        int32_t n_attrs, old[2] = {ln_rw_id(g, pad), id}, in[4];
        int32_t n_in = n->n_in > 4 ? 4 : n->n_in;
        ln_attr *attrs = ln_rw_attrs(g, n, more, ln_node_is(n, "AveragePool") ? 2 : 1, &n_attrs);
        if (!attrs)
            return ln_rw_no_memory(c);
        memcpy(in, n->in, (size_t)n_in * sizeof *in);
        in[0] = pad->in[0];
        linnet_status st = ln_rw_replace(g, c, old, 2, n->out[0], "", n->type, n->version, n_in, in, n_attrs, attrs);
        if (st != LINNET_OK)
            return st;
    }
    return LINNET_OK;
}
