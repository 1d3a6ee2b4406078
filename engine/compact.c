/* SPDX-License-Identifier: Apache-2.0
 *
 * What is left of a graph when passes are through with it, moved together: dead nodes and values that nobody names go,
 * and with them their pages. Of a graph that computes its shapes, folding leaves a fifth.
 */
#include <string.h>

#include "engine/graph.h"

enum { GONE = -1, STAYS = 0 };

typedef struct maps {
    int32_t *values, *nodes; /* new ids; GONE */
} maps;

static void note(const maps *m, const int32_t *values, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        if (values[i] >= 0)
            m->values[values[i]] = STAYS;
}

static int32_t number(int32_t *map, int32_t n)
{
    int32_t next = 0;
    for (int32_t i = 0; i < n; i++)
        if (map[i] != GONE)
            map[i] = next++;
    return next;
}

static int32_t renamed(const int32_t *map, int32_t id)
{
    return id < 0 ? id : map[id];
}

static void rename_all(const maps *m, int32_t *values, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        values[i] = renamed(m->values, values[i]);
}

static void move_nodes(ln_graph *g, const maps *m)
{
    for (int32_t i = 0; i < g->n_nodes; i++) {
        if (m->nodes[i] == GONE)
            continue;
        ln_node *n = &g->nodes[m->nodes[i]];
        *n = g->nodes[i];
        n->prev = renamed(m->nodes, n->prev);
        n->next = renamed(m->nodes, n->next);
        rename_all(m, n->in, n->n_in);
        rename_all(m, n->out, n->n_out);
        for (int32_t k = 0; k < n->n_in; k++)
            n->next_use[k].node = renamed(m->nodes, n->next_use[k].node);
    }
}

static void move_values(ln_graph *g, const maps *m)
{
    for (int32_t i = 0; i < g->n_values; i++) {
        if (m->values[i] == GONE)
            continue;
        ln_value *v = &g->values[m->values[i]];
        *v = g->values[i];
        v->producer = renamed(m->nodes, v->producer);
        v->first_use.node = renamed(m->nodes, v->first_use.node);
    }
}

/* The room behind what is left stays the array's; its pages come again when it grows. */
static void give_back(ln_graph *g, const void *items, int32_t n, int32_t before, size_t size)
{
    if (n < before)
        ln_arena_discard(g->arena, (const char *)items + (size_t)n * size, (size_t)(before - n) * size);
}

bool ln_graph_compact(ln_graph *g)
{
    ln_arena temporary;
    ln_arena_init(&temporary, g->arena->memory);
    maps m = {ln_arena_array(&temporary, (int64_t)g->n_values + 1, sizeof *m.values),
              ln_arena_array(&temporary, (int64_t)g->n_nodes + 1, sizeof *m.nodes)};
    bool ok = m.values && m.nodes;
    if (ok) {
        memset(m.values, GONE, (size_t)g->n_values * sizeof *m.values);
        memset(m.nodes, GONE, (size_t)g->n_nodes * sizeof *m.nodes);
        note(&m, g->inputs, g->n_inputs);
        note(&m, g->outputs, g->n_outputs);
        LN_FOR_NODES(g, id)
        {
            m.nodes[id] = STAYS;
            note(&m, g->nodes[id].in, g->nodes[id].n_in);
            note(&m, g->nodes[id].out, g->nodes[id].n_out);
        }
        int32_t n_values = number(m.values, g->n_values), n_nodes = number(m.nodes, g->n_nodes);
        move_values(g, &m);
        move_nodes(g, &m);
        rename_all(&m, g->inputs, g->n_inputs);
        rename_all(&m, g->outputs, g->n_outputs);
        g->first = renamed(m.nodes, g->first);
        g->last = renamed(m.nodes, g->last);
        give_back(g, g->values, n_values, g->n_values, sizeof *g->values);
        give_back(g, g->nodes, n_nodes, g->n_nodes, sizeof *g->nodes);
        g->n_values = n_values;
        g->n_nodes = n_nodes;
    }
    ln_arena_free(&temporary);
    return ok;
}
