/* SPDX-License-Identifier: Apache-2.0
 *
 * Dead code: nodes whose outputs are neither used nor outputs of the graph, from the end backwards, so that one sweep
 * takes whole chains; and outputs of the like that an operator makes only if it is asked.
 */
#include "engine/passes.h"

static bool is_used(const ln_graph *g, int32_t value)
{
    return value >= 0 && (g->values[value].n_uses > 0 || g->values[value].outputs > 0);
}

/* All outputs but the first may be left out. */
static bool has_optional_outputs(const ln_node *n)
{
    return ln_node_is(n, "Dropout") || ln_node_is(n, "MaxPool") || ln_node_is(n, "LayerNormalization");
}

linnet_status ln_pass_dead(ln_graph *g, ln_pass_ctx *c)
{
    for (int32_t id = g->last, prev; id >= 0; id = prev) {
        const ln_node *n = &g->nodes[id];
        prev = n->prev;
        bool used = false;
        for (int32_t i = 0; i < n->n_out; i++)
            used |= is_used(g, n->out[i]);
        for (int32_t i = 1; i < n->n_out && has_optional_outputs(n); i++)
            if (n->out[i] >= 0 && !is_used(g, n->out[i])) {
                ln_graph_drop_output(g, id, i);
                c->changes++;
            }
        if (!used) {
            ln_graph_kill(g, id);
            c->changes++;
        }
    }
    return LINNET_OK;
}
