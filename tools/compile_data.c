/* SPDX-License-Identifier: Apache-2.0
 *
 * The constants of a plan in two pieces, weights and parameters, each constant once; and the operands as 32-bit numbers
 * (engine/linnet_compiled.h). Parameters have fixed-width fields and no pointers, so their bytes are the same on every
 * little-endian machine.
 */
#include <string.h>

#include "engine/linnet_compiled.h"
#include "tools/compile.h"

/* Appends bytes, or finds them where the same are already; *offset is a multiple of align. */
static bool put(ln_blob *b, const void *bytes, size_t size, size_t align, uint32_t *offset)
{
    for (size_t at = 0; size && at + size <= b->size; at += align)
        if (memcmp(b->data + at, bytes, size) == 0) {
            *offset = (uint32_t)at;
            return true;
        }
    size_t at = (b->size + align - 1) / align * align;
    if (at + size >= LINNET_IN_WEIGHTS)
        return ln_bad("compile: the weights take more than a gigabyte") == 0;
    if (at + size > b->room) {
        size_t room = 2 * (at + size) + 4096;
        uint8_t *data = ln_arena_zalloc(b->arena, room, 64);
        if (!data)
            return ln_bad("out of memory") == 0;
        if (b->size)
            memcpy(data, b->data, b->size);
        b->data = data;
        b->room = room;
    }
    if (size)
        memcpy(b->data + at, bytes, size);
    b->size = at + size;
    *offset = (uint32_t)at;
    return true;
}

static bool operand_of(ln_compiled *c, const ln_ref *ref, int32_t value, uint32_t *operand)
{
    const ln_graph *g = c->plan->graph;
    switch (ref->where) {
    case LN_AT_NOWHERE:
        *operand = LINNET_NOWHERE;
        return true;
    case LN_AT_BLOCK:
        *operand = (uint32_t)ref->offset;
        return true;
    case LN_AT_CONSTANT: {
        const ln_info *info = &g->values[value].info;
        if (info->type == LINNET_STRING)
            return ln_bad("compile: '%s' is a tensor of strings, which a compiled model cannot hold",
                          g->values[value].name) == 0;
        bool good = put(&c->weights, ref->data, ln_info_bytes(info), c->machine->align, operand);
        *operand |= LINNET_IN_WEIGHTS;
        return good;
    }
    default:
        return ln_bad("compile: '%s' has no place before the run", g->values[value].name) == 0;
    }
}

static bool collect_step(ln_compiled *c, int32_t s, int32_t *at)
{
    const ln_step *step = &c->plan->steps[s];
    const ln_node *n = &c->plan->graph->nodes[step->node];
    if (!put(&c->params, step->params, step->op->params_size, 8, &c->step_params[s]))
        return false;
    c->step_packed[s] = LINNET_NOWHERE;
    if (step->packed) {
        if (!put(&c->weights, step->packed, step->packed_bytes, c->machine->align, &c->step_packed[s]))
            return false;
        c->step_packed[s] |= LINNET_IN_WEIGHTS;
    }
    for (int32_t i = 0; i < step->n_in + step->n_out; i++)
        if (!operand_of(c, &step->refs[i], i < step->n_in ? n->in[i] : n->out[i - step->n_in], &c->operands[(*at)++]))
            return false;
    return true;
}

static bool collect_ends(ln_compiled *c)
{
    const ln_plan *plan = c->plan;
    const ln_graph *g = plan->graph;
    for (int32_t i = 0; i < plan->n_inputs; i++) {
        c->inputs[i] = LINNET_NOWHERE;
        if (plan->inputs[i].kind == LINNET_TENSOR && !operand_of(c, &plan->input_refs[i], g->inputs[i], &c->inputs[i]))
            return false;
    }
    for (int32_t i = 0; i < plan->n_outputs; i++)
        if (!operand_of(c, &plan->outputs[i], g->outputs[i], &c->outputs[i]))
            return false;
    /* A state's output that lies in a state's input would be lost when that one is updated. */
    for (int32_t i = 0; i < c->n_states; i++)
        for (int32_t k = 0; k < c->n_states; k++) {
            uint32_t from = c->outputs[c->state_out[i]], to = c->inputs[c->state_in[k]];
            size_t bytes = ln_info_bytes(&plan->inputs[c->state_in[k]]);
            if (k != i && from >= to && from < to + bytes)
                return ln_bad("compile: output '%s' is the old state '%s'; give it a Copy of its own",
                              g->values[g->outputs[c->state_out[i]]].name,
                              g->values[g->inputs[c->state_in[k]]].name) == 0;
        }
    return true;
}

size_t ln_compile_table_bytes(const ln_compiled *c)
{
    size_t step = 2 * (size_t)c->machine->pointer_bytes + 16; /* padded to the pointer on 64-bit machines */
    if (c->machine->pointer_bytes == 4)
        step = 20;
    else
        step = 24;
    return (size_t)c->plan->n_steps * step + (size_t)c->n_operands * 4;
}

bool ln_compile_collect(ln_arena *arena, ln_compiled *c)
{
    const ln_plan *plan = c->plan;
    int32_t widest = 1, at = 0;
    for (int32_t s = 0; s < plan->n_steps; s++) {
        int32_t n = plan->steps[s].n_in + plan->steps[s].n_out;
        c->n_operands += n;
        widest = n > widest ? n : widest;
    }
    c->weights.arena = c->params.arena = arena;
    c->operands = ln_arena_array(arena, c->n_operands + 1, sizeof *c->operands);
    c->step_params = ln_arena_array(arena, plan->n_steps + 1, sizeof *c->step_params);
    c->step_packed = ln_arena_array(arena, plan->n_steps + 1, sizeof *c->step_packed);
    c->inputs = ln_arena_array(arena, plan->n_inputs + 1, sizeof *c->inputs);
    c->outputs = ln_arena_array(arena, plan->n_outputs + 1, sizeof *c->outputs);
    if (!c->operands || !c->step_params || !c->step_packed || !c->inputs || !c->outputs)
        return ln_bad("out of memory") == 0;
    if (plan->block_bytes + (uint64_t)widest * 8 + 64 >= LINNET_IN_WEIGHTS || widest > UINT16_MAX)
        return ln_bad("compile: a run takes more than a gigabyte") == 0;
    for (int32_t s = 0; s < plan->n_steps; s++)
        if (!collect_step(c, s, &at))
            return false;
    if (!collect_ends(c))
        return false;
    c->state_initial = ln_arena_array(arena, c->n_states + 1, sizeof *c->state_initial);
    if (!c->state_initial)
        return ln_bad("out of memory") == 0;
    for (int32_t i = 0; i < c->n_states; i++) {
        size_t bytes = ln_info_bytes(&plan->inputs[c->state_in[i]]);
        c->state_initial[i] = LINNET_NOWHERE;
        if (!c->state_data[i])
            continue;
        if (!put(&c->weights, c->state_data[i], bytes, c->machine->align, &c->state_initial[i]))
            return false;
        c->state_initial[i] |= LINNET_IN_WEIGHTS;
    }
    for (int32_t i = 0; i < c->n_states; i++)
        c->state_bytes += (uint32_t)ln_info_bytes(&plan->inputs[c->state_in[i]]);
    uint32_t align = c->machine->align;
    c->pointers = (uint32_t)plan->block_bytes;
    c->arena_bytes = (c->pointers + (uint32_t)widest * c->machine->pointer_bytes + align - 1) / align * align;
    return true;
}
