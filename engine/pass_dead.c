/* SPDX-License-Identifier: Apache-2.0
 *
 * Dead code: nodes whose outputs are neither used nor outputs of the graph, from the end backwards, so that one sweep
 * takes whole chains.
 */
#include "engine/passes.h"

linnet_status ln_pass_dead(ln_graph *g, ln_pass_ctx *c)
{
    for (int32_t id = g->last, prev; id >= 0; id = prev) {
        const ln_node *n = &g->nodes[id];
        prev = n->prev;
        bool used = false;
        for (int32_t i = 0; i < n->n_out; i++)
            if (n->out[i] >= 0)
                used |= g->values[n->out[i]].n_uses > 0 || g->values[n->out[i]].outputs > 0;
        if (!used) {
            ln_graph_kill(g, id);
            c->changes++;
        }
    }
    return LINNET_OK;
}
