/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine's side of an operator's context, and the execution of one node with all its inputs at hand: what folding
 * does before a run and late steps do within one.
 */
#ifndef LN_ENGINE_EXEC_H
#define LN_ENGINE_EXEC_H

#include "engine/graph.h"

struct ln_pool;
struct ln_builder;
struct ln_body_state;

/* Memory that is written again while values made before still live; late values must not point into it. */
typedef struct ln_block {
    const char *start;
    size_t size;
    const struct ln_block *outer;
} ln_block;

/* The environment of nodes that are executed one at a time. */
typedef struct ln_exec {
    ln_memory *memory;
    ln_arena *heap; /* values that late steps make; the owner's to reset and free */
    const ln_block *blocks;
    struct ln_pool *pool;
    int32_t threads;
    linnet_error *error;
    struct ln_body_state *bodies; /* plans of subgraphs, made when first run */
    const char *disable_passes;
    bool views; /* inputs live as long as the heap: outputs may point into them */
    int32_t depth;
    uint64_t *steps_left; /* of the whole run; NULL: no limit */
} ln_exec;

void ln_exec_init(ln_exec *x, ln_memory *memory, ln_arena *heap);
void ln_exec_free(ln_exec *x);

/* in: n_in pointers, NULL where absent. out: n_out values to fill; where out[i].data is not NULL on entry its shape
 * and type are given and the result goes there. */
linnet_status ln_exec_node(ln_exec *x, ln_graph *g, int32_t node, const linnet_value *const *in, linnet_value *out);

/* An info as a value and back. */
void ln_info_of(const linnet_value *v, ln_info *info);
linnet_value ln_value_of(const ln_info *info, void *data);
/* A value of that type and shape. */
bool ln_value_is(const linnet_value *v, linnet_type type, int32_t rank, const int64_t *dims);

/* A copy of the value in the arena, items and strings included. */
linnet_status ln_value_copy(ln_arena *a, linnet_value *to, const linnet_value *from);

struct ln_ctx_private {
    ln_graph *g;
    int32_t node;
    ln_arena *arena;      /* parameters */
    ln_arena *pack_arena; /* packed constants; ln_ctx_open sets it to the same */
    ln_arena *data_arena; /* data that infer sets */
    ln_arena *temporary;  /* for the call */
    int32_t depth;        /* of inference in bodies by operators */
    linnet_error *error;
    /* plan */
    struct ln_builder *builder; /* NULL: a single node is executed */
    size_t scratch;
    void *packed;
    size_t packed_bytes;
    bool packed_before; /* by another step */
    bool *dropped;      /* per input */
    int32_t *in_place;  /* per output: input, or -1 */
    /* single node */
    ln_exec *exec;
    const linnet_value *const *late_in;
    linnet_value *late_out;
    bool *late_fixed; /* per output: where and what it is was given */
    bool viewed;      /* every output is a view: nothing to run */
};

/* Allocates and fills a context for a node: infos, decoded parameters. Errors are reported. */
linnet_status ln_ctx_open(ln_ctx *c, struct ln_ctx_private *p, ln_graph *g, int32_t node, ln_arena *arena,
                          ln_arena *temporary, linnet_error *error);

/* Fails where an operator that takes but tensors (it has no late) is given another kind. */
linnet_status ln_check_kinds(ln_ctx *c);

/* ln_view of a single node. */
bool ln_exec_view(ln_ctx *c, int32_t out, int32_t in, size_t byte_offset);

/* The counts of inputs and outputs and the type of the first input are those of the operator; else fails. */
linnet_status ln_ctx_check(ln_ctx *c);

/* Fails with the node's name and operator. */
linnet_status ln_node_fail(const ln_graph *g, int32_t node, linnet_error *error, linnet_status status,
                           const char *format, ...) __attribute__((format(printf, 5, 6)));

#endif
