/* SPDX-License-Identifier: Apache-2.0
 *
 * Makes a plan: copies the graph, gives it the input shapes, optimises it, lets every operator plan its step, and
 * assigns memory. Values that share storage (views, parts of a concatenation) form a set around a root; lifetimes and
 * places are those of roots.
 *
 *   1. each node in order: op->plan; views and placements are granted at once, wishes for in-place are noted
 *   2. lifetimes of roots over steps; then in-place wishes are granted where the input dies with the step
 *   3. regions for roots and scratch, ln_memplan, references
 */
#include "engine/plan.h"

#include <string.h>

#include "engine/builder.h"
#include "engine/passes.h"

enum { STAGE_MAX = 16 << 20 };

/* -- what operators ask for in plan ------------------------------------------------------------------------------- */

void ln_scratch(ln_ctx *c, size_t bytes)
{
    c->p->scratch += (bytes + 63) & ~(size_t)63;
}

void *ln_pack(ln_ctx *c, size_t bytes)
{
    c->p->packed = ln_arena_zalloc(c->p->pack_arena, bytes, 64);
    c->p->packed_bytes = bytes;
    return c->p->packed;
}

void ln_drop_input(ln_ctx *c, int32_t in)
{
    c->p->dropped[in] = true;
}

void ln_input_packed(ln_ctx *c, int32_t in, size_t offset, size_t bytes)
{
    struct ln_builder *b = c->p->builder;
    if (b && !c->late)
        ln_release_part(b->g, b->store, c->p->g->nodes[c->p->node].in[in], c->p->node, offset, bytes);
}

void ln_in_place(ln_ctx *c, int32_t out, int32_t in)
{
    c->p->in_place[out] = in;
}

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

/* What a step packs and lets go need not lie in the graph: the first input of the store that was not read yet is read
 * to a buffer that the next steps use again. What stays in use is read to its place when references are resolved. */
static linnet_status stage_inputs(struct ln_builder *b, ln_ctx *c)
{
    ln_info *staged = NULL;
    for (int32_t i = 0; b->store && i < c->n_in; i++) {
        const ln_info *info = c->in[i];
        size_t bytes = info && info->data ? b->store->missing(b->store, info->data) : 0;
        linnet_status st = LINNET_OK;
        if (!bytes)
            continue;
        if (staged || bytes > STAGE_MAX) {
            st = b->store->need(b->store, info->data, b->error);
        } else {
            if (bytes > b->stage_bytes) {
                ln_memory_free(b->plan->memory, b->stage, b->stage_bytes);
                b->stage_bytes = bytes;
                b->stage = ln_memory_alloc(b->plan->memory, bytes);
            }
            staged = ln_arena_dup(c->p->temporary, info, sizeof *info, 16);
            if (!b->stage || !staged) {
                b->stage_bytes = b->stage ? b->stage_bytes : 0;
                return ln_no_memory(c);
            }
            st = b->store->copy(b->store, info->data, b->stage, b->error);
            staged->data = b->stage;
            ((const ln_info **)(uintptr_t)c->in)[i] = staged;
        }
        if (st != LINNET_OK)
            return st;
    }
    return LINNET_OK;
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
        st = stage_inputs(b, &c);
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
            plan->packed_bytes += p.packed_bytes;
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

/* -- memory ----------------------------------------------------------------------------------------------------------
 */

static void touch(struct ln_builder *b, int32_t value, int32_t step)
{
    if (value < 0 || !ln_in_block(b, value))
        return;
    ln_spot *r = &b->places[b->places[value].root];
    if (r->first < 0)
        r->first = step;
    if (step > r->last)
        r->last = step;
}

/* True: another operand of the step lies in the storage of input i, too. */
static bool shared(const struct ln_builder *b, const ln_step *s, int32_t i, int32_t o)
{
    const ln_node *n = &b->g->nodes[s->node];
    int32_t root = b->places[n->in[i]].root;
    for (int32_t k = 0; k < s->n_in; k++)
        if (s->refs[k].where != LN_AT_NOWHERE && n->in[k] != n->in[i] && b->places[n->in[k]].root == root)
            return true;
    for (int32_t k = 0; k < o; k++)
        if (n->out[k] >= 0 && b->places[n->out[k]].root == root)
            return true;
    return false;
}

/* Lets an output take the storage of an input that dies with the step. */
static void grant_in_place(struct ln_builder *b, int32_t step)
{
    const ln_step *s = &b->plan->steps[step];
    const ln_node *n = &b->g->nodes[s->node];
    for (int32_t o = 0; o < s->n_out && !s->late; o++) {
        int32_t i = b->in_place[step][o];
        if (i < 0 || n->in[i] < 0 || n->out[o] < 0 || s->refs[i].where == LN_AT_NOWHERE)
            continue;
        int32_t from = n->in[i], to = n->out[o];
        if (!ln_in_block(b, from) || !ln_in_block(b, to) || b->places[from].pitch || b->places[to].root != to ||
            b->places[to].first != step)
            continue;
        ln_spot *r = &b->places[b->places[from].root];
        size_t bytes = ln_info_bytes(&b->g->values[from].info);
        if (r->last != step || shared(b, s, i, o) || bytes != ln_info_bytes(&b->g->values[to].info))
            continue;
        r->last = b->places[to].last;
        /* Whoever lies in `to` (views, placed parts) moves along. */
        int32_t root = b->places[from].root;
        uint64_t offset = b->places[from].offset;
        for (int32_t v = 0; v < b->g->n_values; v++)
            if (b->places[v].root == to) {
                b->places[v].root = root;
                b->places[v].offset += offset;
            }
    }
}

static void lifetimes(struct ln_builder *b)
{
    ln_plan *plan = b->plan;
    for (int32_t i = 0; i < b->g->n_inputs && b->options->inputs_in_block; i++) {
        touch(b, b->g->inputs[i], 0);
        if (b->options->keep_inputs && b->options->keep_inputs[i])
            touch(b, b->g->inputs[i], plan->n_steps);
    }
    for (int32_t s = 0; s < plan->n_steps; s++) {
        const ln_node *n = &b->g->nodes[plan->steps[s].node];
        for (int32_t i = 0; i < n->n_in; i++)
            if (plan->steps[s].refs[i].where != LN_AT_NOWHERE)
                touch(b, n->in[i], s);
        for (int32_t i = 0; i < n->n_out; i++)
            touch(b, n->out[i], s);
    }
    for (int32_t i = 0; i < b->g->n_outputs; i++)
        touch(b, b->g->outputs[i], plan->n_steps);
    for (int32_t s = 0; s < plan->n_steps; s++)
        grant_in_place(b, s);
}

static linnet_status assign(struct ln_builder *b)
{
    ln_plan *plan = b->plan;
    int32_t n = 0;
    for (int32_t v = 0; v < b->g->n_values; v++)
        n += b->places[v].root == v && b->places[v].last >= 0;
    ln_region *regions = ln_arena_array(&plan->arena, n + plan->n_steps + 1, sizeof *regions);
    int32_t *order = ln_arena_array(&plan->arena, 3 * (int64_t)(n + plan->n_steps) + 1, sizeof *order);
    if (!regions || !order)
        return ln_error_set(b->error, LINNET_ERR_MEMORY, "", "", "out of memory while planning");
    n = 0;
    for (int32_t v = 0; v < b->g->n_values; v++) {
        ln_spot *p = &b->places[v];
        if (p->root != v || p->last < 0)
            continue;
        regions[n] =
            (ln_region){.bytes = ln_info_bytes(&b->g->values[v].info), .first = p->first, .last = p->last, .value = v};
        p->region = n++;
    }
    for (int32_t s = 0; s < plan->n_steps; s++)
        if (plan->steps[s].scratch_bytes)
            regions[n++] =
                (ln_region){.bytes = plan->steps[s].scratch_bytes, .first = s, .last = s, .value = LN_NO_VALUE};
    plan->block_bytes = ln_memplan(regions, n, order, b->options->align ? b->options->align : 64);
    if (plan->block_bytes > PTRDIFF_MAX)
        return ln_error_set(b->error, LINNET_ERR_MEMORY, "", "",
                            "a run needs %llu bytes, more than this machine can address",
                            (unsigned long long)plan->block_bytes);
    plan->live_bytes = ln_memplan_bound(regions, n, plan->n_steps);
    plan->regions = regions;
    plan->n_regions = n;
    for (int32_t i = 0; i < n; i++)
        if (regions[i].value == LN_NO_VALUE)
            plan->steps[regions[i].first].scratch = regions[i].offset;
    return LINNET_OK;
}

static ln_ref reference(struct ln_builder *b, int32_t value)
{
    if (value < 0)
        return (ln_ref){.where = LN_AT_NOWHERE};
    const ln_value *v = &b->g->values[value];
    ln_spot *p = &b->places[value];
    if (v->info.data && !v->input)
        return (ln_ref){.where = LN_AT_CONSTANT, .data = v->info.data};
    if (!ln_is_static(b, value)) {
        if (p->late < 0)
            p->late = b->plan->n_late++;
        return (ln_ref){.where = LN_AT_LATE, .index = p->late};
    }
    if (p->input >= 0)
        return (ln_ref){.where = LN_AT_INPUT, .index = p->input, .offset = p->offset};
    int32_t region = b->places[p->root].region;
    return (ln_ref){.where = LN_AT_BLOCK,
                    .index = value,
                    .offset = p->offset + (region >= 0 ? b->plan->regions[region].offset : 0)};
}

static linnet_status resolve(struct ln_builder *b)
{
    ln_plan *plan = b->plan;
    for (int32_t s = 0; s < plan->n_steps; s++) {
        const ln_node *n = &b->g->nodes[plan->steps[s].node];
        ln_ref *refs = (ln_ref *)(uintptr_t)plan->steps[s].refs;
        for (int32_t i = 0; i < n->n_in; i++)
            if (refs[i].where != LN_AT_NOWHERE)
                refs[i] = reference(b, n->in[i]);
        for (int32_t i = 0; i < n->n_out; i++)
            refs[n->n_in + i] = reference(b, n->out[i]);
        linnet_status st = LINNET_OK;
        for (int32_t i = 0; b->store && i < n->n_in && st == LINNET_OK; i++)
            if (refs[i].where == LN_AT_CONSTANT)
                st = b->store->keep(b->store, refs[i].data, b->error);
        if (st != LINNET_OK)
            return st;
    }
    ln_ref *in = ln_arena_array(&plan->arena, plan->n_inputs + 1, sizeof *in);
    ln_ref *out = ln_arena_array(&plan->arena, plan->n_outputs + 1, sizeof *out);
    if (!in || !out)
        return ln_error_set(b->error, LINNET_ERR_MEMORY, "", "", "out of memory while planning");
    for (int32_t i = 0; i < plan->n_inputs; i++)
        in[i] = reference(b, b->g->inputs[i]);
    for (int32_t i = 0; i < plan->n_outputs; i++)
        out[i] = reference(b, b->g->outputs[i]);
    linnet_status st = LINNET_OK;
    for (int32_t i = 0; b->store && i < plan->n_outputs && st == LINNET_OK; i++)
        if (out[i].where == LN_AT_CONSTANT)
            st = b->store->keep(b->store, out[i].data, b->error);
    plan->input_refs = in;
    plan->outputs = out;
    return st;
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

static linnet_status build(ln_plan *plan, const linnet_value *inputs, const ln_plan_options *o, linnet_error *error)
{
    ln_graph *g = plan->graph;
    linnet_status st;
    plan->inputs = ln_plan_inputs(g, inputs);
    if (!plan->inputs)
        return ln_error_set(error, LINNET_ERR_MEMORY, "", "", "out of memory while planning");
    plan->n_inputs = g->n_inputs;
    plan->n_outputs = g->n_outputs;
    ln_optimize_options oo = {.disable = o->disable_passes,
                              .final = true,
                              .refused = o->refused,
                              .user = o->user,
                              .release = true,
                              .store = o->store};
    if ((st = ln_optimize(g, plan->memory, &oo, error)) != LINNET_OK)
        return st;
    plan->stripe_rows = o->stripe_rows;
    if (o->stripe_layers && (plan->stripe_layers = ln_graph_stripes(g, o->stripe_layers, o->stripe_rows)) < 0)
        return ln_error_set(error, LINNET_ERR_MEMORY, "", "", "out of memory while planning");
    if (o->reorder)
        ln_graph_order(g, plan->memory);
    int32_t n_nodes = 0;
    LN_FOR_NODES(g, id) n_nodes++;
    struct ln_builder b = {.plan = plan, .options = o, .g = g, .store = o->store, .error = error};
    ln_arena temporary;
    ln_arena_init(&temporary, plan->memory);
    b.arena = &temporary;
    b.places = ln_arena_array(&temporary, (int64_t)g->n_values + 1, sizeof *b.places);
    b.in_place = ln_arena_array(&temporary, (int64_t)n_nodes + 1, sizeof *b.in_place);
    plan->steps = ln_arena_array(&plan->arena, (int64_t)n_nodes + 1, sizeof *plan->steps);
    if (!b.places || !b.in_place || !plan->steps)
        st = ln_error_set(error, LINNET_ERR_MEMORY, "", "", "out of memory while planning");
    if (st == LINNET_OK)
        st = plan_nodes(&b);
    if (st == LINNET_OK && b.exhausted)
        st = ln_error_set(error, LINNET_ERR_MEMORY, "", "", "out of memory while planning");
    if (st == LINNET_OK) {
        ln_rows_grant(&b);
        lifetimes(&b);
        st = assign(&b);
    }
    if (st == LINNET_OK)
        st = resolve(&b);
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
    plan->packed.large = true;
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
    ln_arena_free(&plan->packed);
    ln_arena_free(&plan->arena);
    ln_memory_free(memory, plan, sizeof *plan);
}
