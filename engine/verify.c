/* SPDX-License-Identifier: Apache-2.0
 *
 * The invariants of a graph, checked: after import by tests, after each pass in debug builds. Says what is wrong as
 * a static text; a debugger shows where.
 */
#include "engine/graph.h"

static bool is_value(const ln_graph *g, int32_t value)
{
    return value >= 0 && value < g->n_values;
}

static const char *check_use_list(const ln_graph *g, int32_t value)
{
    int32_t n = 0;
    for (ln_use use = g->values[value].first_use; use.node >= 0; use = g->nodes[use.node].next_use[use.slot]) {
        if (use.node >= g->n_nodes || g->nodes[use.node].dead)
            return "a use names a dead node";
        if (use.slot < 0 || use.slot >= g->nodes[use.node].n_in || g->nodes[use.node].in[use.slot] != value)
            return "a use names an input that is another value";
        if (++n > g->values[value].n_uses)
            return "a value has more uses than it counts";
    }
    return n == g->values[value].n_uses ? NULL : "a value has fewer uses than it counts";
}

static const char *check_values(const ln_graph *g, int32_t *listed)
{
    for (int32_t i = 0; i < g->n_inputs; i++) {
        if (!is_value(g, g->inputs[i]))
            return "an input of the graph is no value";
        /* An initializer that nobody feeds is a constant in a plan. */
        if (!g->values[g->inputs[i]].input && !g->values[g->inputs[i]].info.data)
            return "an input of the graph is not marked as one";
    }
    for (int32_t i = 0; i < g->n_outputs; i++) {
        if (!is_value(g, g->outputs[i]))
            return "an output of the graph is no value";
        listed[g->outputs[i]]++;
    }
    for (int32_t v = 0; v < g->n_values; v++) {
        const ln_value *value = &g->values[v];
        const char *wrong = check_use_list(g, v);
        if (wrong)
            return wrong;
        if (!value->name)
            return "a value has no name";
        if (listed[v] != value->outputs)
            return "a value is an output of the graph more or less often than it counts";
        if (value->producer >= g->n_nodes || (value->producer >= 0 && g->nodes[value->producer].dead))
            return "the producer of a value is dead";
        if (value->input && value->producer >= 0)
            return "an input of the graph has a producer";
        if (value->producer < 0 && !value->input && !value->info.data && (value->n_uses || value->outputs))
            return "a value is used, but nothing makes it";
        if (value->info.rank > LN_MAX_RANK)
            return "a value has too high a rank";
    }
    return NULL;
}

static const char *check_node(const ln_graph *g, int32_t id, const uint8_t *seen)
{
    const ln_node *n = &g->nodes[id];
    if (n->n_formal > n->n_in)
        return "a node has more formal inputs than inputs";
    for (int32_t i = 0; i < n->n_in; i++) {
        if (n->in[i] != LN_NO_VALUE && !is_value(g, n->in[i]))
            return "an input of a node is no value";
        int32_t producer = n->in[i] >= 0 ? g->values[n->in[i]].producer : LN_NO_NODE;
        if (producer >= 0 && !seen[producer] && !g->values[n->in[i]].info.data)
            return "a node comes before one that makes its input";
    }
    for (int32_t i = 0; i < n->n_out; i++)
        if (n->out[i] != LN_NO_VALUE && (!is_value(g, n->out[i]) || g->values[n->out[i]].producer != id))
            return "an output of a node has another producer";
    for (int32_t i = 0; i < n->n_attrs; i++)
        if (n->attrs[i].kind == LN_ATTR_GRAPH) {
            const ln_graph *body = n->attrs[i].graph;
            const char *wrong = ln_graph_verify(body);
            if (wrong)
                return wrong;
            if (body->n_inputs - body->n_formal != n->n_in - n->n_formal)
                return "a body does not have the inputs that its node captures";
        }
    return NULL;
}

static const char *check_nodes(const ln_graph *g, uint8_t *seen)
{
    int32_t alive = 0, last = LN_NO_NODE;
    LN_FOR_NODES(g, id)
    {
        if (id >= g->n_nodes || seen[id])
            return "the order of nodes is no list";
        if (g->nodes[id].dead)
            return "a dead node is in the order";
        if (g->nodes[id].prev != last)
            return "the order of nodes is not the same backwards";
        const char *wrong = check_node(g, id, seen);
        if (wrong)
            return wrong;
        seen[id] = 1;
        last = id;
        alive++;
    }
    if (g->last != last)
        return "the last node is not the last";
    for (int32_t id = 0; id < g->n_nodes; id++)
        alive -= !g->nodes[id].dead;
    return alive == 0 ? NULL : "a node that is alive is not in the order";
}

const char ln_verify_no_memory[] = "out of memory";

const char *ln_graph_verify(const ln_graph *g)
{
    ln_arena temporary;
    ln_arena_init(&temporary, g->arena->memory);
    int32_t *listed = ln_arena_array(&temporary, g->n_values, sizeof *listed);
    uint8_t *seen = ln_arena_array(&temporary, g->n_nodes, 1);
    const char *wrong = ln_verify_no_memory;
    if (listed && seen) {
        wrong = check_values(g, listed);
        if (!wrong)
            wrong = check_nodes(g, seen);
    }
    ln_arena_free(&temporary);
    return wrong;
}
