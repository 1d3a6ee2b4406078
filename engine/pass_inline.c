/* SPDX-License-Identifier: Apache-2.0
 *
 * An If whose condition is constant: the nodes of the branch that is taken go in its place. Values that the branch took
 * from outside are those values again.
 */
#include "engine/rewrite.h"

static const ln_graph *taken_branch(const ln_graph *g, const ln_node *n)
{
    const ln_info *cond = ln_rw_info(g, n->in[0]);
    if (!cond->data || cond->type != LINNET_BOOL || ln_info_count(cond) != 1)
        return NULL;
    const ln_attr *a = ln_node_attr(n, *(const uint8_t *)cond->data ? "then_branch" : "else_branch");
    if (!a || a->kind != LN_ATTR_GRAPH || a->graph->n_outputs != n->n_out ||
        a->graph->n_inputs != n->n_in - n->n_formal)
        return NULL;
    return a->graph;
}

/* Copies the branch before node `at`; map: values of the branch -> values of g. */
static bool copy_nodes(ln_graph *g, int32_t at, const ln_graph *b, int32_t *map)
{
    for (int32_t v = 0; v < b->n_values; v++)
        if (map[v] < 0) {
            map[v] = ln_graph_value(g, b->values[v].name);
            if (map[v] < 0)
                return false;
            g->values[map[v]].info = b->values[v].info;
        }
    LN_FOR_NODES(b, id)
    {
        const ln_node *n = &b->nodes[id];
        int32_t *ids = ln_arena_array(g->arena, (int64_t)n->n_in + n->n_out + 1, sizeof *ids);
        if (!ids)
            return false;
        for (int32_t i = 0; i < n->n_in; i++)
            ids[i] = n->in[i] < 0 ? LN_NO_VALUE : map[n->in[i]];
        for (int32_t i = 0; i < n->n_out; i++)
            ids[n->n_in + i] = n->out[i] < 0 ? LN_NO_VALUE : map[n->out[i]];
        int32_t made = ln_graph_insert_at(g, at, n->domain, n->version, n->type, n->name, n->n_in, ids, n->n_out,
                                          ids + n->n_in, n->n_attrs, n->attrs);
        if (made < 0)
            return false;
        g->nodes[made].n_formal = n->n_formal;
    }
    return true;
}

static linnet_status inline_branch(ln_graph *g, ln_pass_ctx *c, int32_t node, const ln_graph *shared)
{
    const ln_graph *b = ln_graph_clone(shared, g->arena); /* bodies inside it may be changed later */
    int32_t *map = b ? ln_arena_array(g->arena, (int64_t)b->n_values + 1, sizeof *map) : NULL;
    if (!map)
        return ln_rw_no_memory(c);
    for (int32_t v = 0; v < b->n_values; v++)
        map[v] = LN_NO_VALUE;
    for (int32_t i = 0; i < b->n_inputs; i++)
        map[b->inputs[i]] = g->nodes[node].in[g->nodes[node].n_formal + i];
    if (!copy_nodes(g, node, b, map))
        return ln_rw_no_memory(c);
    for (int32_t i = 0; i < b->n_outputs; i++)
        if (g->nodes[node].out[i] >= 0)
            ln_graph_replace_uses(g, g->nodes[node].out[i], map[b->outputs[i]]);
    ln_graph_kill(g, node);
    c->changes++;
    return LINNET_OK;
}

linnet_status ln_pass_inline(ln_graph *g, ln_pass_ctx *c)
{
    LN_FOR_NODES(g, id)
    {
        const ln_node *n = &g->nodes[id];
        const ln_graph *b = ln_node_is(n, "If") ? taken_branch(g, n) : NULL;
        bool named = false;
        for (int32_t i = 0; b && i < n->n_out; i++)
            named |= n->out[i] >= 0 && g->values[n->out[i]].outputs > 0;
        if (!b || (named && !c->final))
            continue;
        linnet_status st = inline_branch(g, c, id, b);
        if (st != LINNET_OK)
            return st;
    }
    return LINNET_OK;
}
