/* SPDX-License-Identifier: Apache-2.0
 *
 * An order of the nodes that keeps little alive: of the nodes whose inputs are there, the next is the one that adds
 * least to what lives (its outputs less the inputs that it is the last to use); of equals, the one that came first. It
 * is a guess, since storage that operators share is not counted: whoever asks plans both orders and takes the better.
 */
#include "engine/plan.h"

typedef struct state {
    const ln_graph *g;
    int32_t *left;    /* per value: uses that are to come */
    int32_t *missing; /* per node: inputs that are to come, counted by slot */
} state;

static int64_t bytes_of(const ln_graph *g, int32_t value)
{
    const ln_value *v = &g->values[value];
    return v->info.data ? 0 : (int64_t)ln_info_bytes(&v->info);
}

/* What lives after the node more than before it. */
static int64_t growth(const state *s, int32_t id)
{
    const ln_node *n = &s->g->nodes[id];
    int64_t sum = 0;
    for (int32_t i = 0; i < n->n_out; i++)
        if (n->out[i] >= 0 && (s->left[n->out[i]] || s->g->values[n->out[i]].outputs))
            sum += bytes_of(s->g, n->out[i]);
    for (int32_t i = 0; i < n->n_in; i++) {
        int32_t value = n->in[i], here = 0;
        bool before = false;
        for (int32_t k = 0; value >= 0 && k < n->n_in; k++) {
            here += n->in[k] == value;
            before |= n->in[k] == value && k < i;
        }
        if (value >= 0 && !before && s->left[value] == here && !s->g->values[value].outputs)
            sum -= bytes_of(s->g, value);
    }
    return sum;
}

static void done(const state *s, int32_t id)
{
    const ln_node *n = &s->g->nodes[id];
    for (int32_t i = 0; i < n->n_in; i++)
        if (n->in[i] >= 0)
            s->left[n->in[i]]--;
    for (int32_t i = 0; i < n->n_out; i++)
        if (n->out[i] >= 0)
            for (ln_use u = s->g->values[n->out[i]].first_use; u.node >= 0; u = s->g->nodes[u.node].next_use[u.slot])
                s->missing[u.node]--;
}

/* The nodes as they stand, into order; counts what is to come. */
static int32_t begin(const state *s, int32_t *order)
{
    int32_t n_order = 0;
    LN_FOR_NODES(s->g, id)
    {
        const ln_node *n = &s->g->nodes[id];
        order[n_order++] = id;
        for (int32_t i = 0; i < n->n_in; i++)
            if (n->in[i] >= 0) {
                s->left[n->in[i]]++;
                s->missing[id] += s->g->values[n->in[i]].producer >= 0;
            }
    }
    return n_order;
}

bool ln_graph_order(ln_graph *g, ln_memory *memory)
{
    ln_arena temporary;
    ln_arena_init(&temporary, memory);
    state s = {.g = g,
               .left = ln_arena_array(&temporary, (int64_t)g->n_values + 1, sizeof *s.left),
               .missing = ln_arena_array(&temporary, (int64_t)g->n_nodes + 1, sizeof *s.missing)};
    int32_t *order = ln_arena_array(&temporary, (int64_t)g->n_nodes + 1, sizeof *order), n, at = LN_NO_NODE;
    bool changed = false;
    if (!s.left || !s.missing || !order) {
        ln_arena_free(&temporary);
        return false;
    }
    n = begin(&s, order);
    for (int32_t i = 0; i < n; i++) {
        int32_t best = -1;
        int64_t least = INT64_MAX;
        for (int32_t k = i; k < n; k++) {
            int64_t more = s.missing[order[k]] ? INT64_MAX : growth(&s, order[k]);
            if (more < least) {
                least = more;
                best = k;
            }
        }
        if (best < 0) /* none is ready: the graph was not sorted, and stays as it is from here */
            best = i;
        int32_t id = order[best];
        changed |= best != i;
        for (int32_t k = best; k > i; k--) /* the others keep their order */
            order[k] = order[k - 1];
        order[i] = id;
        done(&s, id);
        g->nodes[id].prev = at;
        g->nodes[id].next = LN_NO_NODE;
        if (at >= 0)
            g->nodes[at].next = id;
        else
            g->first = id;
        g->last = at = id;
    }
    ln_arena_free(&temporary);
    return changed;
}
