/* SPDX-License-Identifier: Apache-2.0
 *
 * Subgraphs that late functions run: bodies of If, Loop, Scan, SequenceMap. Each is planned for the shapes that it is
 * called with, and its recent plans are kept where it is called.
 */
#include "engine/exec.h"

#include <string.h>

#include "engine/model.h"
#include "engine/plan.h"

enum { BODY_PLANS = 4, MAX_DEPTH = 32 };

/* What a body keeps between its runs: plans for its recent shapes, two heaps that take turns. */
typedef struct ln_body_state {
    struct ln_body_state *next;
    const ln_graph *graph;
    ln_plan *plans[BODY_PLANS];
    ln_run *runs[BODY_PLANS];
    uint64_t used[BODY_PLANS], clock;
    ln_arena heaps[2];
    int32_t turn;
} ln_body_state;

void ln_exec_free(ln_exec *x)
{
    for (ln_body_state *b = x->bodies, *next; b; b = next) {
        next = b->next;
        for (int32_t i = 0; i < BODY_PLANS; i++) {
            ln_run_free(b->runs[i]);
            ln_plan_free(b->plans[i]);
        }
        ln_arena_free(&b->heaps[0]);
        ln_arena_free(&b->heaps[1]);
        ln_memory_free(x->memory, b, sizeof *b);
    }
    x->bodies = NULL;
}

static const ln_attr *body_attr(const ln_ctx *c, int32_t body)
{
    const ln_node *n = &c->p->g->nodes[c->p->node];
    return body >= 0 && body < n->n_attrs ? &n->attrs[body] : NULL;
}

int32_t ln_body_find(const ln_ctx *c, const char *attribute)
{
    const ln_node *n = &c->p->g->nodes[c->p->node];
    for (int32_t i = 0; i < n->n_attrs; i++)
        if (n->attrs[i].kind == LN_ATTR_GRAPH && strcmp(n->attrs[i].name, attribute) == 0)
            return i;
    return -1;
}

int32_t ln_body_inputs(const ln_ctx *c, int32_t body)
{
    return body_attr(c, body)->graph->n_formal;
}

int32_t ln_body_outputs(const ln_ctx *c, int32_t body)
{
    return body_attr(c, body)->graph->n_outputs;
}

const ln_info *ln_body_output_info(const ln_ctx *c, int32_t body, int32_t out)
{
    const ln_graph *g = body_attr(c, body)->graph;
    return &g->values[g->outputs[out]].info;
}

const ln_info *ln_body_input_info(const ln_ctx *c, int32_t body, int32_t in)
{
    const ln_graph *g = body_attr(c, body)->graph;
    return &g->values[g->inputs[in]].info;
}

bool ln_body_passes(const ln_ctx *c, int32_t body, int32_t in, int32_t out)
{
    const ln_graph *g = body_attr(c, body)->graph;
    int32_t v = g->outputs[out];
    while (v >= 0 && g->values[v].producer >= 0) {
        const ln_node *n = &g->nodes[g->values[v].producer];
        if (!ln_node_is(n, "Identity") || n->n_in < 1)
            break;
        v = n->in[0];
    }
    return v == g->inputs[in];
}

static ln_body_state *body_state(ln_exec *x, const ln_graph *graph)
{
    for (ln_body_state *b = x->bodies; b; b = b->next)
        if (b->graph == graph)
            return b;
    ln_body_state *b = ln_memory_alloc(x->memory, sizeof *b);
    if (!b)
        return NULL;
    *b = (ln_body_state){.next = x->bodies, .graph = graph};
    ln_arena_init(&b->heaps[0], x->memory);
    ln_arena_init(&b->heaps[1], x->memory);
    x->bodies = b;
    return b;
}

static bool fits(const ln_plan *plan, const linnet_value *in)
{
    for (int32_t i = 0; i < plan->n_inputs; i++) {
        const ln_info *p = &plan->inputs[i];
        if (p->kind != (uint8_t)in[i].kind)
            return false;
        if (p->kind == LINNET_TENSOR && !ln_value_is(&in[i], (linnet_type)p->type, p->rank, p->dims))
            return false;
    }
    return true;
}

/* The run for these inputs: a recent one, or a new one in the place of the oldest. */
static linnet_status body_run(ln_ctx *c, ln_body_state *b, const linnet_value *in, ln_run **run)
{
    ln_exec *x = c->p->exec;
    int32_t oldest = 0;
    for (int32_t i = 0; i < BODY_PLANS; i++) {
        if (b->runs[i] && fits(b->plans[i], in)) {
            b->used[i] = ++b->clock;
            *run = b->runs[i];
            return LINNET_OK;
        }
        if (b->used[i] < b->used[oldest])
            oldest = i;
    }
    ln_run_free(b->runs[oldest]);
    ln_plan_free(b->plans[oldest]);
    b->runs[oldest] = NULL;
    b->plans[oldest] = NULL;
    ln_store *store = c->p->g->store;
    ln_plan_options o = {.disable_passes = x->disable_passes, .threads = x->threads, .store = store, .pool = x->pool};
    if (store)
        store->begin(store);
    linnet_status st = ln_plan_make(&b->plans[oldest], b->graph, in, x->memory, &o, c->p->error);
    if (store)
        store->end(store);
    if (st == LINNET_OK)
        st = ln_run_make(&b->runs[oldest], b->plans[oldest], x->pool, c->p->error);
    if (st != LINNET_OK)
        return st;
    b->used[oldest] = ++b->clock;
    *run = b->runs[oldest];
    (*run)->block.outer = x->blocks;
    (*run)->exec.depth = x->depth + 1;
    (*run)->exec.disable_passes = x->disable_passes;
    (*run)->exec.steps_left = x->steps_left;
    return LINNET_OK;
}

linnet_status ln_body_run(ln_ctx *c, int32_t body, const linnet_value *in, linnet_value *out, bool keep_values)
{
    ln_exec *x = c->p->exec;
    const ln_node *n = &c->p->g->nodes[c->p->node];
    const ln_graph *g = body_attr(c, body)->graph;
    if (x->depth >= MAX_DEPTH)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "subgraphs nested deeper than %d", MAX_DEPTH);
    if (g->n_inputs - g->n_formal != n->n_in - n->n_formal)
        return ln_fail(c, LINNET_ERR_MODEL, "body %s takes %d values from outside, the node gives %d",
                       n->attrs[body].name, g->n_inputs - g->n_formal, n->n_in - n->n_formal);
    ln_body_state *b = body_state(x, g);
    if (!b)
        return ln_no_memory(c);
    ln_arena *heap = keep_values ? x->heap : &b->heaps[b->turn ^= 1];
    if (!keep_values)
        ln_arena_reset(heap);
    linnet_value *all = ln_arena_array(heap, g->n_inputs + 1, sizeof *all);
    if (!all)
        return ln_no_memory(c);
    for (int32_t i = 0; i < g->n_inputs; i++) {
        const linnet_value *v = i < g->n_formal ? &in[i] : c->p->late_in[n->n_formal + i - g->n_formal];
        if (v)
            all[i] = *v;
    }
    ln_run *run = NULL;
    linnet_status st = body_run(c, b, all, &run);
    if (st == LINNET_OK)
        st = ln_run_execute(run, all, c->p->error);
    for (int32_t i = 0; i < g->n_outputs && st == LINNET_OK; i++)
        if ((st = ln_value_copy(heap, &out[i], &run->outputs[i])) != LINNET_OK)
            return ln_no_memory(c);
    return st;
}
