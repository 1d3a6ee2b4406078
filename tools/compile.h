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

/* The kernels to plan with: for a target the scalar ones with the tiles of its tier (vlen: of rvv), cut for little
 * memory; for the host its own. NULL: no such tier (or not for targets, or not on this machine). */
const ln_kernel_table *ln_compile_kernels(const ln_machine *machine, const char *tier, uint32_t vlen);

/* -- compile_plan.c -------------------------------------------------------------------------------------------------
 */

/* The plan with the smallest block. base: what all have in common; small: memory is worth more than time; rows: the
 * first layers may run a few rows at a time. */
linnet_status ln_compile_plan(ln_plan **plan, const ln_graph *g, const linnet_value *inputs, ln_memory *memory,
                              const ln_plan_options *base, bool small, bool rows, linnet_error *error);

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

/* Code that a program links of an archive. */
enum { LN_CODE_LARGEST = 5, LN_CODE_MISSING = 32 };

typedef struct ln_code {
    uint64_t bytes, ram; /* of the library's sections that are linked; of it what may be written */
    const char *lacks;   /* a root that the library does not define, or NULL */
    int32_t n_missing;
    const char *missing[LN_CODE_MISSING]; /* what is expected of the compiler's own library */
    struct {
        uint64_t bytes;
        const char *name;
    } largest[LN_CODE_LARGEST];
} ln_code;

/* How a compiled model looks: everything that the writer prints. */
typedef struct ln_compiled {
    const ln_plan *plan;
    const ln_graph *model; /* as loaded: has the names of inputs and outputs */
    const ln_machine *machine;
    const char *tier, *name, *source;
    uint32_t vlen; /* of tier rvv; else 0 */
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
    bool has_code; /* code is counted */
    ln_code code;
    enum { LN_WEIGHTS_FLASH, LN_WEIGHTS_RAM, LN_WEIGHTS_FILE } where;
} ln_compiled;

/* Collects the constants and turns references into operands. False: said what is wrong. */
bool ln_compile_collect(ln_arena *arena, ln_compiled *c);
/* Bytes of the steps and their operands on the machine. */
size_t ln_compile_table_bytes(const ln_compiled *c);

/* -- compile_code.c: what is linked ----------------------------------------------------------------------------------
 */

/* Counts what a program that calls the roots links of an archive. False: said what is wrong. Names are in the arena. */
bool ln_code_measure(ln_arena *arena, const char *library, const char *const *roots, int32_t n_roots, ln_code *result);

/* -- compile_sizes.c ------------------------------------------------------------------------------------------------
 */

typedef struct ln_budget {
    double flash, ram; /* bytes; negative: any */
} ln_budget;

/* "flash=256K,ram=64K"; NULL: anything goes. False: said what is wrong. */
bool ln_compile_budget(const char *text, ln_budget *b);
/* Counts the code that the plan links of the library; library NULL: of the one of this build or installation, and none
 * where there is none. False: said what is wrong. */
bool ln_compile_measure(ln_arena *arena, const char *library, ln_compiled *c);
void ln_compile_print_sizes(const ln_compiled *c);
/* LN_EXIT_OK, or LN_EXIT_NEGATIVE when the model does not fit: said what is largest. */
int ln_compile_check(const ln_compiled *c, const ln_budget *b);

/* -- compile_write.c -------------------------------------------------------------------------------------------------
 */

/* Writes DIR/NAME.c and DIR/NAME.h (and NAME.bin). False: said what is wrong. */
bool ln_compile_write(ln_arena *arena, const ln_compiled *c, const char *dir);

/* A name as a C identifier without its first character's concern: letters, digits and underscores. */
void ln_c_name(char *to, size_t size, const char *from, bool upper);

#endif
