/* SPDX-License-Identifier: Apache-2.0
 *
 * Weights are not held twice. What a reader can read again, it registers in a store; when a plan has packed a constant
 * and nothing else needs it, its memory goes back to the machine, and before another plan is made it is read again. A
 * store is shared by the sessions of a model: nothing is dropped while another plan is being made, or that a plan
 * reads where it lies. Constants that passes make for a plan need no store; their memory is merely given back.
 */
#ifndef LN_ENGINE_STORE_H
#define LN_ENGINE_STORE_H

#include "engine/graph.h"

/* Bytes of a constant from which on it is worth dropping. Fuzzers set less: their models are small. */
#ifndef LN_STORE_MIN
#define LN_STORE_MIN (64 << 10)
#endif

typedef struct ln_store ln_store;
struct ln_store {
    linnet_status (*begin)(ln_store *s, linnet_error *error); /* a plan is to be made: every constant is there after */
    void (*end)(ln_store *s);
    /* The plan that is being made does not need this part of a constant any more. */
    void (*drop)(ln_store *s, const void *data, size_t bytes);
    void (*keep)(ln_store *s, const void *data); /* the plan reads it where it lies: never dropped from now on */
    void (*free)(ln_store *s);
};

/* The constant was made for this graph, and node alone reads it: it may be changed in place. */
bool ln_owns_constant(const ln_graph *g, int32_t value, int32_t node);

/* While a plan is made on g: a constant of which node was the last user, or that has no user (LN_NO_NODE). */
void ln_release_constant(ln_graph *g, ln_store *store, int32_t value, int32_t node);
void ln_release_part(ln_graph *g, ln_store *store, int32_t value, int32_t node, size_t offset, size_t bytes);

#endif
