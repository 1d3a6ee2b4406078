/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of `linnet compile` share: machines, the collected constants of a plan, and the writer of C.
 */
#ifndef LN_TOOLS_COMPILE_H
#define LN_TOOLS_COMPILE_H

#include "engine/plan.h"
#include "kernels/kernels.h"
#include "tools/tool.h"

/* -- compile_target.c: what a plan has to know of the machine that will run it ------------------------------------ */

typedef struct ln_machine {
    const char *name;
    const char *tier; /* NULL: the one that runs here */
    uint32_t pointer_bytes, align;
    const char *what;
} ln_machine;

extern const ln_machine ln_machines[]; /* ends with a NULL name */
const ln_machine *ln_machine_find(const char *name);

/* The kernels to plan with for a tier: those of this machine's where they are for the tier; else the scalar ones with
 * the tier's tiles. bare: the machine has no system, and its products are cut for little memory. NULL: no such tier (or
 * not on this machine, where only it knows them). */
const ln_kernel_table *ln_compile_kernels(const char *tier, bool bare);

/* -- compile_data.c: constants in one piece -------------------------------------------------------------------------
 */

typedef struct ln_blob {
    ln_arena *arena;
    uint8_t *data;
    size_t size, room;
} ln_blob;

typedef struct ln_blob_part {
    const void *from;
    size_t size;
    uint32_t offset;
} ln_blob_part;

/* How a compiled model looks: everything that the writer prints. */
typedef struct ln_compiled {
    const ln_plan *plan;
    const ln_graph *model; /* as loaded: has the names of inputs and outputs */
    const ln_machine *machine;
    const char *tier, *name, *source;
    ln_blob weights, params;
    uint32_t *operands; /* as linnet_compiled.h has them */
    uint32_t *step_params, *step_packed;
    int32_t n_operands;
    uint32_t *inputs, *outputs; /* operands of the graph's; inputs: LN_NOWHERE for what is not fed */
    int32_t n_states;
    const int32_t *state_in, *state_out; /* indices of inputs and outputs */
    const void *const *state_data;       /* what it is at first; NULL: zeros */
    uint32_t *state_initial;             /* the same as an operand */
    uint32_t pointers, arena_bytes, state_bytes;
    enum { LN_WEIGHTS_FLASH, LN_WEIGHTS_RAM, LN_WEIGHTS_FILE } where;
} ln_compiled;

/* Collects the constants and turns references into operands. False: said what is wrong. */
bool ln_compile_collect(ln_arena *arena, ln_compiled *c);
/* Bytes of the steps and their operands on the machine. */
size_t ln_compile_table_bytes(const ln_compiled *c);

/* -- compile_write.c -------------------------------------------------------------------------------------------------
 */

/* Writes DIR/NAME.c and DIR/NAME.h (and NAME.bin). False: said what is wrong. */
bool ln_compile_write(ln_arena *arena, const ln_compiled *c, const char *dir);

/* A name as a C identifier without its first character's concern: letters, digits and underscores. */
void ln_c_name(char *to, size_t size, const char *from, bool upper);

#endif
