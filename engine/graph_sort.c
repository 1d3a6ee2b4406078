/* SPDX-License-Identifier: Apache-2.0
 *
 * The order of nodes: each behind those whose values it takes (ONNX, "Graphs": topologically sorted).
 */
#include "engine/graph.h"

/* Depth first from each node in the present order, producers before users: what is in order stays as it is. */
bool ln_graph_sort(ln_graph *g, int32_t *node)
{
    enum { NEW, OPEN, DONE };
    ln_arena temporary;
    ln_arena_init(&temporary, g->arena->memory);
    uint8_t *state = ln_arena_array(&temporary, g->n_nodes, 1);
    int32_t *stack = ln_arena_array(&temporary, g->n_nodes, sizeof *stack);
    int32_t *slot = ln_arena_array(&temporary, g->n_nodes, sizeof *slot);
    int32_t *order = ln_arena_array(&temporary, g->n_nodes, sizeof *order);
    int32_t n_order = 0;
    bool ok = state && stack && slot && order;
    *node = LN_NO_NODE;
    for (int32_t root = g->first; ok && root >= 0; root = g->nodes[root].next) {
        if (state[root] != NEW)
            continue;
        int32_t depth = 0;
        stack[0] = root;
        state[root] = OPEN;
        while (ok && depth >= 0) {
            int32_t id = stack[depth];
            const ln_node *n = &g->nodes[id];
            if (slot[id] == n->n_in) {
                state[id] = DONE;
                order[n_order++] = id;
                depth--;
                continue;
            }
            int32_t value = n->in[slot[id]++];
            int32_t producer = value >= 0 ? g->values[value].producer : LN_NO_NODE;
            if (producer < 0 || state[producer] == DONE)
                continue;
            if (state[producer] == OPEN) {
                *node = producer;
                ok = false;
                break;
            }
            state[producer] = OPEN;
            stack[++depth] = producer;
        }
    }
    if (ok) {
        g->first = n_order ? order[0] : LN_NO_NODE;
        g->last = n_order ? order[n_order - 1] : LN_NO_NODE;
        for (int32_t i = 0; i < n_order; i++) {
            g->nodes[order[i]].prev = i ? order[i - 1] : LN_NO_NODE;
            g->nodes[order[i]].next = i + 1 < n_order ? order[i + 1] : LN_NO_NODE;
        }
    }
    ln_arena_free(&temporary);
    return ok;
}
