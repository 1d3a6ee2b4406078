/* SPDX-License-Identifier: Apache-2.0
 *
 * Inference, folding and the passes over a graph. One list, in order; each entry can be switched off by its name.
 */
#ifndef LN_ENGINE_PASSES_H
#define LN_ENGINE_PASSES_H

#include "engine/store.h"

typedef struct ln_pass_ctx {
    ln_memory *memory;
    linnet_error *error;
    int32_t changes;    /* a pass counts what it changed */
    int32_t round;      /* of the list, from 0 */
    bool final;         /* shapes are those of a plan: what depends on them may be done */
    bool allow_missing; /* nodes without an operator are passed over */
    /* Called for a fusion that matched in part and was refused; may be NULL. */
    void (*refused)(void *user, const char *pass, const char *node, const char *why);
    /* Called for what a pass recognised where its result does not say it; may be NULL. */
    void (*found)(void *user, const char *pass, const char *node, const char *what);
    void *user;
    const char *pass; /* the running pass */
    bool release;     /* constants without users may go (a plan is being made), ... */
    ln_store *store;  /* ... these by way of the store (scaled.h), if there is one */
} ln_pass_ctx;

typedef linnet_status ln_pass_fn(ln_graph *g, ln_pass_ctx *c);

typedef struct ln_pass {
    const char *name, *what; /* what: one line for `linnet info --help` and the docs */
    ln_pass_fn *run;
    bool final; /* only on graphs with the shapes of a plan; never for `linnet optimize` */
} ln_pass;

#define PASS(name, what, final) ln_pass_fn ln_pass_##name;
#include "engine/passes.def"
#undef PASS

extern const ln_pass ln_passes[];
extern const int32_t ln_passes_count;

typedef struct ln_optimize_options {
    const char *disable;    /* names with commas between, "all", or NULL */
    const char *stop_after; /* name of the last pass to run, or NULL */
    bool final;
    bool allow_missing; /* nodes without an operator are passed over */
    void (*refused)(void *user, const char *pass, const char *node, const char *why);
    void (*found)(void *user, const char *pass, const char *node, const char *what);
    void *user;
    bool release; /* as in ln_pass_ctx */
    bool stripes; /* the plan is for a session */
    ln_store *store;
} ln_optimize_options;

/* Infer, then the passes until nothing changes (bounded), inferring in between. */
linnet_status ln_optimize(ln_graph *g, ln_memory *memory, const ln_optimize_options *options, linnet_error *error);

/* Types and shapes of all values. A node whose operator is missing is an error naming it, unless allow_missing. */
linnet_status ln_infer_graph(ln_graph *g, ln_memory *memory, bool allow_missing, linnet_error *error);
linnet_status ln_infer_node(ln_graph *g, int32_t node, ln_memory *memory, linnet_error *error);

/* True: a constant float32 with every element equal (or one element); *value gets it. */
bool ln_graph_scalar(const ln_graph *g, int32_t value, float *scalar);
void ln_pass_refuse(ln_pass_ctx *c, const ln_graph *g, int32_t node, const char *why);
void ln_pass_found(ln_pass_ctx *c, const ln_graph *g, int32_t node, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
