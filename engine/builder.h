/* SPDX-License-Identifier: Apache-2.0
 *
 * Between the files of planning: what is known of each value while its place is found, and what operators asked for.
 */
#ifndef LN_ENGINE_BUILDER_H
#define LN_ENGINE_BUILDER_H

#include "engine/exec.h"
#include "engine/model.h"
#include "engine/plan.h"

/* A step that can take a value in rows, with the pitch that it has. */
typedef struct ln_row_user {
    struct ln_row_user *next;
    int32_t node, slot; /* of an input; -1: it makes the value */
    int64_t *pitch;
} ln_row_user;

/* A wish: value part at `offset` elements in the rows of value whole. */
typedef struct ln_row_wish {
    struct ln_row_wish *next; /* the one before */
    int32_t node, part, whole;
    int64_t offset;
    int64_t *bytes;
} ln_row_wish;

/* What a step has packed of a constant (and others) that steps to come may share. */
typedef struct ln_shared_pack {
    struct ln_shared_pack *next;
    int32_t node;
    uint64_t key;
    size_t bytes;
    void *packed;
} ln_shared_pack;

/* Planning state of a value. */
typedef struct ln_spot {
    int32_t root;        /* value whose storage this lies in */
    uint64_t offset;     /* in the root */
    int64_t pitch;       /* elements from row to row; 0: dense */
    int32_t first, last; /* root: steps; -1: never made */
    int32_t region;      /* root: -1 none */
    int32_t late;        /* entry of the late values, -1: none */
    int32_t input;       /* graph input, -1: none */
    ln_row_user *rows;
    ln_shared_pack *packs; /* of which this is the first constant */
} ln_spot;

struct ln_builder {
    ln_plan *plan;
    const ln_plan_options *options;
    ln_graph *g;
    ln_spot *places;     /* by value */
    int32_t **in_place;  /* by step: wishes per output */
    ln_store *store;     /* may be NULL */
    ln_arena *arena;     /* until the plan is made */
    ln_row_wish *wishes; /* newest first */
    bool exhausted;      /* no memory for a wish */
    void *stage;         /* where constants that are not read yet come to be packed */
    size_t stage_bytes;
    linnet_error *error;
};

static inline bool ln_is_static(const struct ln_builder *b, int32_t value)
{
    return ln_info_known(&b->g->values[value].info);
}

static inline bool ln_in_block(const struct ln_builder *b, int32_t value)
{
    return ln_is_static(b, value) && !b->g->values[value].info.data && b->places[value].input < 0;
}

/* place.c: of the steps that are late or have failed, what they said of rows is void; then wishes are granted. */
void ln_rows_forget(struct ln_builder *b, int32_t node);
void ln_rows_grant(struct ln_builder *b);

/* plan_pack.c: constants that a node's plan reads are there. */
linnet_status ln_builder_stage(struct ln_builder *b, ln_ctx *c);

/* plan_memory.c: places for all values of the steps. */
linnet_status ln_builder_place(struct ln_builder *b);

#endif
