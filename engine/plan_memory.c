/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory of a plan whose steps are known: lifetimes of values over steps, wishes to work in place, which are granted
 * where an input dies with the step, places in the block (ln_memplan), and the references of steps to them. Lifetimes
 * and places are those of roots.
 */
#include "engine/builder.h"

enum { MANY = 600 }; /* regions for which even who compiles would wait long */

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
    bool patient = b->options->stripe_layers > 0 || (b->options->inputs_in_block && n < MANY);
    plan->block_bytes = ln_memplan(regions, n, order, b->options->align ? b->options->align : 64, patient);
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
        for (int32_t i = 0; b->store && i < n->n_in && st == LINNET_OK; i++) {
            if (refs[i].where != LN_AT_CONSTANT)
                continue;
            bool bytes = i == 0 && n->op->flags & LN_OP_BYTES && !plan->steps[s].late;
            const void *place = bytes ? b->store->place(b->store, refs[i].data) : NULL;
            if (place)
                refs[i].data = place;
            else
                st = b->store->keep(b->store, refs[i].data, b->error);
        }
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

linnet_status ln_builder_place(struct ln_builder *b)
{
    lifetimes(b);
    linnet_status st = assign(b);
    return st == LINNET_OK ? resolve(b) : st;
}
