/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs a plan on a block of memory. Operands are resolved to pointers when the run is made; what depends on the
 * caller's inputs is patched at the start of each run. A static step is then one indirect call.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "engine/model.h"
#include "engine/plan.h"

/* pointers[at] = data of input + offset */
typedef struct ln_patch {
    int32_t at, input;
    uint64_t offset;
} ln_patch;

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static linnet_status no_memory(linnet_error *error)
{
    return ln_error_set(error, LINNET_ERR_MEMORY, "", "", "out of memory for a run");
}

/* The heap of a run lives in the run; the plan's arena is shared and read only. */
typedef struct run_memory {
    ln_run run;
    ln_arena arena; /* tables */
    ln_arena heap;  /* late values */
} run_memory;

static void resolve(ln_run *r, const ln_plan *plan)
{
    int32_t at = 0;
    for (int32_t s = 0; s < plan->n_steps; s++) {
        const ln_step *step = &plan->steps[s];
        r->args[s] = (ln_args){.params = step->params,
                               .packed = step->packed,
                               .scratch = r->memory + step->scratch,
                               .pool = r->exec.pool,
                               .threads = r->exec.threads,
                               .in = r->pointers + at,
                               .out = (void *const *)(uintptr_t)(r->pointers + at + step->n_in)};
        for (int32_t i = 0; i < step->n_in + step->n_out; i++, at++) {
            const ln_ref *ref = &step->refs[i];
            if (ref->where == LN_AT_CONSTANT)
                r->pointers[at] = ref->data;
            else if (ref->where == LN_AT_BLOCK)
                r->pointers[at] = r->memory + ref->offset;
            else if (ref->where == LN_AT_INPUT)
                r->patches[r->n_patches++] = (ln_patch){at, ref->index, ref->offset};
        }
    }
}

linnet_status ln_run_make(ln_run **made, const ln_plan *plan, struct ln_pool *pool, linnet_error *error)
{
    *made = NULL;
    run_memory *m = ln_memory_alloc(plan->memory, sizeof *m);
    if (!m)
        return no_memory(error);
    memset(m, 0, sizeof *m);
    ln_run *r = &m->run;
    r->plan = plan;
    ln_arena_init(&m->arena, plan->memory);
    ln_arena_init(&m->heap, plan->memory);
    ln_exec_init(&r->exec, plan->memory, &m->heap);
    r->exec.pool = pool;
    r->exec.threads = plan->threads;
    int64_t operands = 0, inputs = 0;
    for (int32_t s = 0; s < plan->n_steps; s++) {
        operands += plan->steps[s].n_in + plan->steps[s].n_out;
        for (int32_t i = 0; i < plan->steps[s].n_in + plan->steps[s].n_out; i++)
            inputs += plan->steps[s].refs[i].where == LN_AT_INPUT;
    }
    r->memory = ln_memory_alloc(plan->memory, (size_t)plan->block_bytes);
    r->args = ln_arena_array(&m->arena, plan->n_steps + 1, sizeof *r->args);
    r->pointers = ln_arena_array(&m->arena, operands + 1, sizeof *r->pointers);
    r->patches = ln_arena_array(&m->arena, inputs + 1, sizeof *r->patches);
    r->inputs = ln_arena_array(&m->arena, plan->n_inputs + 1, sizeof *r->inputs);
    r->outputs = ln_arena_array(&m->arena, plan->n_outputs + 1, sizeof *r->outputs);
    r->late = ln_arena_array(&m->arena, plan->n_late + 1, sizeof *r->late);
    if (!r->memory || !r->args || !r->pointers || !r->patches || !r->inputs || !r->outputs || !r->late) {
        ln_run_free(r);
        return no_memory(error);
    }
    r->block = (ln_block){.start = r->memory, .size = (size_t)plan->block_bytes};
    r->exec.blocks = &r->block;
    resolve(r, plan);
    *made = r;
    return LINNET_OK;
}

void ln_run_free(ln_run *r)
{
    if (!r)
        return;
    run_memory *m = (run_memory *)r;
    ln_memory *memory = r->plan->memory;
    ln_exec_free(&r->exec);
    ln_arena_free(&m->arena);
    ln_arena_free(&m->heap);
    ln_memory_free(memory, r->memory, (size_t)r->plan->block_bytes);
    ln_memory_free(memory, m, sizeof *m);
}

linnet_value ln_run_value(const ln_run *r, const ln_ref *ref, const ln_info *info)
{
    switch (ref->where) {
    case LN_AT_CONSTANT:
        return ln_value_of(info, (void *)(uintptr_t)ref->data);
    case LN_AT_BLOCK:
        return ln_value_of(info, r->memory + ref->offset);
    case LN_AT_INPUT:
        return ln_value_of(info, (char *)r->inputs[ref->index].data + ref->offset);
    case LN_AT_LATE:
        return r->late[ref->index];
    default:
        return (linnet_value){.kind = LINNET_NONE};
    }
}

static linnet_status run_late(ln_run *r, const ln_step *step, linnet_error *error)
{
    const ln_plan *plan = r->plan;
    ln_graph *g = plan->graph;
    const ln_node *n = &g->nodes[step->node];
    ln_arena temporary;
    ln_arena_init(&temporary, plan->memory);
    linnet_value *values = ln_arena_array(&temporary, (int64_t)step->n_in + step->n_out + 1, sizeof *values);
    const linnet_value **in = ln_arena_array(&temporary, (int64_t)step->n_in + 1, sizeof *in);
    linnet_status st = LINNET_ERR_MEMORY;
    if (values && in) {
        linnet_value *out = values + step->n_in;
        for (int32_t i = 0; i < step->n_in; i++)
            if (step->refs[i].where != LN_AT_NOWHERE) {
                values[i] = ln_run_value(r, &step->refs[i], &g->values[n->in[i]].info);
                in[i] = &values[i];
            }
        for (int32_t i = 0; i < step->n_out; i++)
            if (step->refs[step->n_in + i].where == LN_AT_BLOCK)
                out[i] = ln_run_value(r, &step->refs[step->n_in + i], &g->values[n->out[i]].info);
        r->exec.error = error;
        st = ln_exec_node(&r->exec, g, step->node, in, out);
        for (int32_t i = 0; i < step->n_out && st == LINNET_OK; i++) {
            const ln_ref *ref = &step->refs[step->n_in + i];
            if (ref->where == LN_AT_LATE)
                r->late[ref->index] = out[i];
        }
    } else {
        ln_error_set(error, st, "", "", "out of memory for a run");
    }
    ln_arena_free(&temporary);
    return st;
}

linnet_status ln_run_execute(ln_run *r, const linnet_value *inputs, linnet_error *error)
{
    const ln_plan *plan = r->plan;
    ln_arena_reset(r->exec.heap);
    for (int32_t i = 0; i < plan->n_inputs; i++) {
        r->inputs[i] = inputs[i];
        if (plan->input_refs[i].where == LN_AT_LATE)
            r->late[plan->input_refs[i].index] = inputs[i];
    }
    for (int32_t i = 0; i < r->n_patches; i++)
        r->pointers[r->patches[i].at] = (char *)inputs[r->patches[i].input].data + r->patches[i].offset;
    for (int32_t s = 0; s < plan->n_steps; s++) {
        const ln_step *step = &plan->steps[s];
        linnet_status st;
        if (r->exec.steps_left && (*r->exec.steps_left)-- == 0) {
            *r->exec.steps_left = 0;
            return ln_node_fail(plan->graph, step->node, error, LINNET_ERR_DATA,
                                "the run takes more steps than allowed");
        }
        if (r->times)
            r->times[s].begin = now();
        if (step->late) {
            st = run_late(r, step, error);
        } else {
            r->args[s].error = error;
            st = step->run(&r->args[s]);
            if (st != LINNET_OK && error) {
                char text[sizeof error->text];
                snprintf(text, sizeof text, "%s", error->text);
                ln_node_fail(plan->graph, step->node, error, st, "%s", text);
            }
        }
        if (st != LINNET_OK)
            return st;
        if (r->times)
            r->times[s].end = now();
    }
    for (int32_t i = 0; i < plan->n_outputs; i++)
        r->outputs[i] = ln_run_value(r, &plan->outputs[i], &plan->graph->values[plan->graph->outputs[i]].info);
    return LINNET_OK;
}
