/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs what `linnet compile` wrote. Offsets become pointers when a step's turn comes, in room that the arena has for
 * the widest step, so nothing of a plan but the arena is in RAM.
 */
#include "engine/linnet_compiled.h"

#include <string.h>

#include "engine/op.h"
#include "kernels/kernels.h"

static void *place(const linnet_compiled *m, char *arena, uint32_t operand)
{
    if (operand == LINNET_NOWHERE)
        return NULL;
    if (operand & LINNET_IN_WEIGHTS)
        return (char *)(uintptr_t)m->weights + (operand & LINNET_OFFSET_MASK);
    return arena + operand;
}

linnet_status linnet_compiled_run(const linnet_compiled *m, void *arena)
{
    char *block = arena;
    void **pointers = (void **)(void *)(block + m->pointers);
    const uint32_t *operand = m->operands;
    for (uint32_t s = 0; s < m->n_steps; s++) {
        const linnet_step *step = &m->steps[s];
        uint32_t n = (uint32_t)step->n_in + step->n_out;
        for (uint32_t i = 0; i < n; i++)
            pointers[i] = place(m, block, *operand++);
        ln_args a = {.params = (const char *)m->params + step->params,
                     .packed = place(m, block, step->packed),
                     .scratch = block + step->scratch,
                     .in = (const void *const *)pointers,
                     .out = pointers + step->n_in};
        linnet_status status = step->run(&a);
        if (status != LINNET_OK)
            return status;
    }
    return LINNET_OK;
}

void linnet_compiled_keep(const linnet_compiled *m, void *arena)
{
    for (uint32_t i = 0; i < m->n_states; i++) {
        const linnet_state *state = &m->states[i];
        memmove(place(m, arena, state->input), place(m, arena, state->output), state->bytes);
    }
}

static void reset(void *state, const void *initial, size_t bytes)
{
    if (initial)
        memcpy(state, initial, bytes);
    else
        memset(state, 0, bytes);
}

void linnet_compiled_reset(const linnet_compiled *m, void *arena)
{
    for (uint32_t i = 0; i < m->n_states; i++)
        reset(place(m, arena, m->states[i].input), place(m, arena, m->states[i].initial), m->states[i].bytes);
}

#ifndef LN_FIRMWARE
linnet_status linnet_compiled_tier(const char *name, uint32_t vlen)
{
#ifdef LN_TIER
    (void)name, (void)vlen; /* there is one */
    return LINNET_OK;
#else
    ln_tier tier = ln_tier_named(name);
    const ln_kernel_table *table = ln_tier_table_of(tier, vlen);
    if (!table)
        return LINNET_ERR_UNSUPPORTED;
    ln_dispatch_to(table, tier);
    return LINNET_OK;
#endif
}
#endif
