/* SPDX-License-Identifier: Apache-2.0
 *
 * Makes a plan: copies the graph, gives it the input shapes, optimises it, lets every operator plan its step, and
 * assigns memory. Values that share storage (views, parts of a concatenation) form a set around a root; lifetimes and
 * places are those of roots.
 *
 *   1. each node in order: op->plan; views and placements are granted at once, wishes for in-place are noted
 *   2. lifetimes of roots over steps; then in-place wishes are granted where the input dies with the step
 *   3. regions for roots and scratch, ln_memplan, references (2 and 3 in plan_memory.c)
 */
#include "engine/plan.h"

#include <string.h>

#include "engine/builder.h"
#include "engine/passes.h"
#include "engine/scaled.h"

/* -- steps ----------------------------------------------------------------------------------------------------------
 */

static bool must_be_late(const struct ln_builder *b, const ln_node *n)
{
    for (int32_t i = 0; i < n->n_in; i++)
        if (n->in[i] >= 0 && !ln_is_static(b, n->in[i]))
            return true;
    for (int32_t i = 0; i < n->n_out; i++)
        if (n->out[i] >= 0 && !ln_is_static(b, n->out[i]))
            return true;
    return !n->op->plan;
}

/* Plans one node. No step is left (*made false) when its outputs are all views. */
static linnet_status plan_node(struct ln_builder *b, int32_t node, ln_step *s, bool *made)
{
    ln_plan *plan = b->plan;
    const ln_node *n = &b->g->nodes[node];
    ln_arena temporary;
    ln_arena_init(&temporary, plan->memory);
    ln_ctx c;
    struct ln_ctx_private p;
    linnet_status st = ln_ctx_open(&c, &p, b->g, node, &plan->arena, &temporary, b->error);
    *s = (ln_step){.op = n->op, .n_in = n->n_in, .n_out = n->n_out, .node = node, .late = must_be_late(b, n)};
    *made = true;
    if (st == LINNET_OK && !s->late) {
        for (int32_t i = 0; i < n->n_out; i++)
            if (c.out[i])
                *c.out[i] = b->g->values[n->out[i]].info;
        p.builder = b;
        c.threads = plan->threads;
        if (b->options->pointer_bytes)
            c.pointer_bytes = b->options->pointer_bytes;
        c.frugal = b->options->frugal;
        c.run = n->op->run;
        c.run_name = n->op->run_name;
        p.pack_arena = &plan->packed;
        st = ln_builder_stage(b, &c);
        if (st == LINNET_OK)
            st = n->op->plan(&c);
        if (st == LN_NEED_DATA) {
            ln_rows_forget(b, node);
            s->late = true;
            st = LINNET_OK;
        } else if (st == LINNET_OK) {
            s->run = c.run;
            s->run_name = c.run_name;
            s->params = c.params;
            s->packed = p.packed;
            s->packed_bytes = p.packed_bytes;
            s->scratch_bytes = p.scratch;
            plan->packed_bytes += p.packed_before ? 0 : p.packed_bytes;
            *made = c.run != NULL;
        }
    }
    if (st == LINNET_OK && *made) {
        ln_ref *refs = ln_arena_array(&plan->arena, s->n_in + s->n_out + 1, sizeof *refs);
        int32_t *wishes = ln_arena_array(&plan->arena, s->n_out + 1, sizeof *wishes);
        if (refs && wishes) {
            for (int32_t i = 0; i < s->n_in; i++) /* what is dropped lies nowhere; the others are marked for later */
                refs[i].where = n->in[i] < 0 || (!s->late && i < c.n_in && p.dropped[i]) ? LN_AT_NOWHERE : LN_AT_BLOCK;
            memcpy(wishes, p.in_place, (size_t)s->n_out * sizeof *wishes);
            s->refs = refs;
            b->in_place[plan->n_steps] = wishes;
        } else {
            st = ln_no_memory(&c);
        }
    }
    for (int32_t i = 0; st == LINNET_OK && !s->late && i < c.n_in; i++)
        if (p.dropped[i] && n->in[i] >= 0)
            ln_release_constant(b->g, b->store, n->in[i], node);
    ln_arena_free(&temporary);
    return st;
}

static linnet_status plan_nodes(struct ln_builder *b)
{
    ln_plan *plan = b->plan;
    for (int32_t v = 0; v < b->g->n_values; v++)
        b->places[v] = (ln_spot){.root = v, .first = -1, .last = -1, .region = -1, .late = -1, .input = -1};
    for (int32_t i = 0; i < b->g->n_inputs && !b->options->inputs_in_block; i++)
        b->places[b->g->inputs[i]].input = i;
    LN_FOR_NODES(b->g, id)
    {
        bool made;
        linnet_status st = plan_node(b, id, &plan->steps[plan->n_steps], &made);
        if (st != LINNET_OK)
            return st;
        plan->n_steps += made;
    }
    return LINNET_OK;
}

/* -- the whole
 * --------------------------------------------------------------------------------------------------------- */

/* Dimensions that were symbols have sizes now; what inference said of inner values is made anew. */
static void forget_infos(ln_graph *g)
{
    for (int32_t v = 0; v < g->n_values; v++)
        if (g->values[v].producer >= 0 && !g->values[v].info.data)
            g->values[v].info = (ln_info){.kind = LINNET_TENSOR, .rank = -1};
}

const ln_info *ln_plan_inputs(ln_graph *g, const linnet_value *inputs)
{
    ln_info *infos = ln_arena_array(g->arena, g->n_inputs + 1, sizeof *infos);
    for (int32_t i = 0; infos && i < g->n_inputs; i++) {
        ln_value *v = &g->values[g->inputs[i]];
        if (v->info.data && inputs[i].kind == LINNET_NONE) { /* not fed: a constant */
            v->input = false;
            infos[i] = v->info;
            infos[i].kind = LINNET_NONE;
            continue;
        }
        ln_info_of(&inputs[i], &infos[i]);
        infos[i].data = NULL;
        if (inputs[i].kind == LINNET_TENSOR)
            v->info = infos[i];
        else
            v->info.data = NULL;
        v->input = true;
    }
    if (infos)
        forget_infos(g);
    return infos;
}

/* Bytes of constants that steps may pack: how much lies in plan->packed, unless they pack otherwise. */
static size_t constant_bytes(const ln_graph *g)
{
    enum { TRANSFORMED = 4 }; /* Winograd's method keeps 36 values of 9 */
    size_t sum = 0;
    LN_FOR_NODES(g, id)
    for (int32_t i = 1; i < g->nodes[id].n_in; i++) {
        const ln_info *info = g->nodes[id].in[i] < 0 ? NULL : &g->values[g->nodes[id].in[i]].info;
        size_t bytes = info && info->data && info->kind == LINNET_TENSOR ? ln_info_bytes(info) : 0;
        if (ln_node_attr(&g->nodes[id], LN_NAME_WINOGRAD) && bytes < SIZE_MAX / TRANSFORMED)
            bytes *= TRANSFORMED;
        sum = bytes > SIZE_MAX - sum ? SIZE_MAX : sum + bytes;
    }
    return sum;
}

static linnet_status build(ln_plan *plan, const linnet_value *inputs, const ln_plan_options *o, linnet_error *error)
{
    ln_graph *g = plan->graph;
    linnet_status st;
    plan->inputs = ln_plan_inputs(g, inputs);
    if (!plan->inputs)
        return ln_error_set(error, LINNET_ERR_MEMORY, "", "", "out of memory while planning");
    plan->n_inputs = g->n_inputs;
    plan->n_outputs = g->n_outputs;
    if (o->store)
        g->store = plan->store = ln_scaled_new(o->store, plan->memory, &plan->arena);
    if (o->store && !plan->store)
        return ln_error_set(error, LINNET_ERR_MEMORY, "", "", "out of memory while planning");
    ln_optimize_options oo = {.disable = o->disable_passes,
                              .final = true,
                              .refused = o->refused,
                              .user = o->user,
                              .release = true,
                              .stripes = !o->inputs_in_block,
                              .store = plan->store};
    if ((st = ln_optimize(g, plan->memory, &oo, error)) != LINNET_OK)
        return st;
    if (!ln_graph_compact(g))
        return ln_error_set(error, LINNET_ERR_MEMORY, "", "", "out of memory while planning");
    plan->stripe_rows = o->stripe_rows;
    if (o->stripe_layers && (plan->stripe_layers = ln_graph_stripes(g, o->stripe_layers, o->stripe_rows)) < 0)
        return ln_error_set(error, LINNET_ERR_MEMORY, "", "", "out of memory while planning");
    if (o->reorder)
        ln_graph_order(g, plan->memory);
    int32_t n_nodes = 0;
    LN_FOR_NODES(g, id) n_nodes++;
    struct ln_builder b = {.plan = plan, .options = o, .g = g, .store = plan->store, .error = error};
    ln_arena temporary;
    ln_arena_init(&temporary, plan->memory);
    b.arena = &temporary;
    b.places = ln_arena_array(&temporary, (int64_t)g->n_values + 1, sizeof *b.places);
    b.in_place = ln_arena_array(&temporary, (int64_t)n_nodes + 1, sizeof *b.in_place);
    plan->steps = ln_arena_array(&plan->arena, (int64_t)n_nodes + 1, sizeof *plan->steps);
    if (!b.places || !b.in_place || !plan->steps)
        st = ln_error_set(error, LINNET_ERR_MEMORY, "", "", "out of memory while planning");
    plan->packed.coming = constant_bytes(g);
    if (st == LINNET_OK)
        st = plan_nodes(&b);
    if (st == LINNET_OK && b.exhausted)
        st = ln_error_set(error, LINNET_ERR_MEMORY, "", "", "out of memory while planning");
    if (st == LINNET_OK) {
        ln_rows_grant(&b);
        st = ln_builder_place(&b);
    }
    ln_memory_free(plan->memory, b.stage, b.stage_bytes);
    ln_arena_free(&temporary);
    return st;
}

linnet_status ln_plan_make(ln_plan **made, const ln_graph *g, const linnet_value *inputs, ln_memory *memory,
                           const ln_plan_options *options, linnet_error *error)
{
    *made = NULL;
    ln_plan *plan = ln_memory_alloc(memory, sizeof *plan);
    if (!plan)
        return ln_error_set(error, LINNET_ERR_MEMORY, "", "", "out of memory while planning");
    *plan = (ln_plan){.memory = memory, .threads = options->threads < 1 ? 1 : options->threads};
    ln_arena_init(&plan->arena, memory);
    ln_arena_init(&plan->packed, memory);
    linnet_status st = LINNET_ERR_MEMORY;
    plan->graph = ln_graph_clone(g, &plan->arena);
    if (plan->graph)
        st = build(plan, inputs, options, error);
    else
        ln_error_set(error, st, "", "", "out of memory while planning");
    if (st != LINNET_OK) {
        ln_plan_free(plan);
        return st;
    }
    ln_arena_trim(&plan->packed);
    ln_arena_trim(&plan->arena);
    *made = plan;
    return LINNET_OK;
}

void ln_plan_free(ln_plan *plan)
{
    if (!plan)
        return;
    ln_memory *memory = plan->memory;
    if (plan->store)
        plan->store->free(plan->store);
    ln_arena_free(&plan->packed);
    ln_arena_free(&plan->arena);
    ln_memory_free(memory, plan, sizeof *plan);
}
