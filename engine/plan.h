/* SPDX-License-Identifier: Apache-2.0
 *
 * A plan: the graph for concrete input shapes as a list of steps, each with its function, parameters, packed constants
 * and the places of its operands. Immutable once made: threads may share it. A run (ln_run) is a plan with a block of
 * memory; each thread has its own.
 */
#ifndef LN_ENGINE_PLAN_H
#define LN_ENGINE_PLAN_H

#include "engine/exec.h"
#include "engine/store.h"

/* Where a value lies. */
enum {
    LN_AT_NOWHERE,  /* absent */
    LN_AT_CONSTANT, /* data */
    LN_AT_BLOCK,    /* offset in the block */
    LN_AT_INPUT,    /* offset in input `index` of the graph */
    LN_AT_LATE      /* entry `index` of the run's late values */
};

typedef struct ln_ref {
    int32_t where, index;
    uint64_t offset; /* bytes */
    const void *data;
} ln_ref;

typedef struct ln_step {
    const ln_op *op;
    ln_run_fn *run;
    const char *run_name;
    const void *params;
    const void *packed;
    size_t packed_bytes;
    int32_t n_in, n_out;
    const ln_ref *refs; /* inputs (all, captured ones too), then outputs */
    uint64_t scratch;   /* offset in the block */
    size_t scratch_bytes;
    int32_t node; /* in plan->graph */
    bool late;
} ln_step;

/* A stretch of the block and when it is in use: for `linnet info --memory`. */
typedef struct ln_region {
    uint64_t offset, bytes;
    int32_t first, last; /* steps, both included */
    int32_t value;       /* LN_NO_VALUE: scratch */
} ln_region;

typedef struct ln_plan {
    ln_memory *memory;
    ln_arena arena;
    ln_arena packed; /* packed constants */
    ln_graph *graph; /* optimised */
    ln_step *steps;
    int32_t n_steps;
    ln_region *regions;
    int32_t n_regions;
    uint64_t block_bytes;
    uint64_t live_bytes; /* the largest set that is live at once: no block can be smaller */
    uint64_t packed_bytes;
    int32_t n_inputs, n_outputs, n_late;
    const ln_info *inputs; /* as planned for */
    const ln_ref *outputs;
    const ln_ref *input_refs; /* LN_AT_INPUT, LN_AT_LATE (no tensor, or of unknown shape), LN_AT_NOWHERE: not used */
    ln_store *store;          /* around that of the options (scaled.h); may be NULL */
    int32_t threads;
    int32_t stripe_layers; /* layers that run in stripes, of so many rows of the last one */
    int64_t stripe_rows;
} ln_plan;

typedef struct ln_plan_options {
    const char *disable_passes;
    int32_t threads;
    /* For a plan that is compiled (0: as on this machine, for a run of a session). */
    bool inputs_in_block;    /* inputs lie in the block, too, until their last use */
    const bool *keep_inputs; /* per input: through the whole run, for a state; NULL: none */
    uint32_t align;          /* of regions in the block, a power of two; 0: 64 */
    uint32_t pointer_bytes;
    bool reorder;          /* nodes in the order of ln_graph_order */
    int32_t stripe_layers; /* as ln_graph_stripes has them; 0: none */
    int64_t stripe_rows;
    int32_t frugal; /* as ln_ctx has it */
    /* Called for a fusion that was refused; may be NULL. */
    void (*refused)(void *user, const char *pass, const char *node, const char *why);
    void *user;
    ln_store *store;      /* of the graph's constants; may be NULL */
    struct ln_pool *pool; /* for packing; may be NULL */
} ln_plan_options;

/* Gives a graph the shapes of its inputs (as below) and forgets what was inferred. Returns the types of the inputs, in
 * the graph's arena; NULL: no memory. */
const ln_info *ln_plan_inputs(ln_graph *g, const linnet_value *inputs);

/* inputs: one value for each input of the graph, in its order; kind, type and dims are read, no data. An input that has
 * data in the graph and kind LINNET_NONE here is the constant. */
linnet_status ln_plan_make(ln_plan **plan, const ln_graph *g, const linnet_value *inputs, ln_memory *memory,
                           const ln_plan_options *options, linnet_error *error);
void ln_plan_free(ln_plan *plan);

/* order.c: nodes in another order, in which less may be alive at once; a sorted graph stays sorted. False: it is the
 * same (or there was no memory). */
bool ln_graph_order(ln_graph *g, ln_memory *memory);

/* stripes.c: the first convolutions, poolings, maps and sums of two, so many rows of the last one's output at a time:
 * n_layers of them, or more where only then a single output leaves them. Returns how many they are: fewer than n_layers
 * where there are no more, 0 where there is nothing to divide; -1: no memory. */
int32_t ln_graph_stripes(ln_graph *g, int32_t n_layers, int64_t rows);

/* memplan.c: offsets for regions (sizes and times set) so that those that live at once do not overlap. Largest first,
 * into the smallest gap. Returns the bytes of the block. Offsets and sizes are rounded to align, a power of two. order:
 * scratch for 3 n ints. patient: tries more than one order for many regions, too, which takes a while. */
uint64_t ln_memplan(ln_region *regions, int32_t n, int32_t *order, uint32_t align, bool patient);
uint64_t ln_memplan_bound(const ln_region *regions, int32_t n, int32_t n_steps);

/* -- run ------------------------------------------------------------------------------------------------------------
 */

typedef struct ln_step_time {
    uint64_t begin, end; /* nanoseconds, CLOCK_MONOTONIC */
} ln_step_time;

typedef struct ln_run {
    const ln_plan *plan;
    ln_exec exec;
    ln_block block;
    char *memory;          /* plan->block_bytes */
    ln_args *args;         /* per step */
    const void **pointers; /* operands of all steps */
    linnet_value *inputs;  /* as set, n_inputs */
    linnet_value *outputs; /* after a run, n_outputs */
    linnet_value *late;
    struct ln_patch *patches; /* pointers that depend on an input */
    int32_t n_patches;
    ln_step_time *times; /* not NULL: filled by runs */
} ln_run;

linnet_status ln_run_make(ln_run **run, const ln_plan *plan, struct ln_pool *pool, linnet_error *error);
void ln_run_free(ln_run *run);
/* inputs: n_inputs values that fit the plan; outputs are in run->outputs after it. */
linnet_status ln_run_execute(ln_run *run, const linnet_value *inputs, linnet_error *error);

/* Value i of refs as it is in this run. */
linnet_value ln_run_value(const ln_run *run, const ln_ref *ref, const ln_info *info);

#endif
