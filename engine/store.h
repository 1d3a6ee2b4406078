/* SPDX-License-Identifier: Apache-2.0
 *
 * Weights are not held twice. What a reader can read when it is wanted, it registers in a store, and weights that only
 * convolutions and products take are not read until then: a plan that packs them gets them in a buffer that the next
 * ones use again. When a plan has packed a constant that was read and nothing else needs it, its memory goes back to
 * the machine. A store is shared by the sessions of a model: nothing is dropped while another plan is being made, or
 * that a plan reads where it lies. Constants that passes make for a plan need no store; their memory is merely given
 * back.
 */
#ifndef LN_ENGINE_STORE_H
#define LN_ENGINE_STORE_H

#include "engine/graph.h"

/* Bytes of a constant from which on it is worth dropping. Fuzzers and the sanitizers' tests set less: their models are
 * small. */
#ifndef LN_STORE_MIN
#define LN_STORE_MIN (16 << 10)
#endif

typedef struct ln_store ln_store;
struct ln_store {
    void (*begin)(ln_store *s); /* a plan is being made */
    void (*end)(ln_store *s);
    linnet_status (*complete)(ln_store *s, linnet_error *error);               /* every constant is there after */
    linnet_status (*need)(ln_store *s, const void *data, linnet_error *error); /* this one is, if it is of the store */
    size_t (*missing)(ln_store *s, const void *data); /* bytes of a constant of the store that is not there; else 0 */
    /* A part of one that is missing; by several threads at a time. */
    linnet_status (*read)(ln_store *s, const void *data, size_t offset, size_t bytes, void *to, linnet_error *error);
    /* The plan that is being made does not need this part of a constant any more. */
    void (*drop)(ln_store *s, const void *data, size_t bytes);
    /* The plan reads it where it lies: it is there, and never dropped from now on. */
    linnet_status (*keep)(ln_store *s, const void *data, linnet_error *error);
    /* Where it lies in the file, byte by byte, for a plan that reads a little of it. NULL: it is to be kept. */
    const void *(*place)(ln_store *s, const void *data);
    void (*free)(ln_store *s);
};

/* The constant was made for this graph, and node alone reads it: it may be changed in place. */
bool ln_owns_constant(const ln_graph *g, int32_t value, int32_t node);

/* While a plan is made on g: a constant of which node was the last user, or that has no user (LN_NO_NODE). */
void ln_release_constant(ln_graph *g, ln_store *store, int32_t value, int32_t node);
void ln_release_part(ln_graph *g, ln_store *store, int32_t value, int32_t node, size_t offset, size_t bytes);

#endif
