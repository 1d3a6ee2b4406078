/* SPDX-License-Identifier: Apache-2.0
 *
 * Weights of a file that a pass scales by factors per channel. They are not read for that: the plan that packs them
 * reads them part by part and scales the parts. A store of a plan, around the model's (store.h).
 */
#ifndef LN_ENGINE_SCALED_H
#define LN_ENGINE_SCALED_H

#include "engine/store.h"

/* NULL: no memory. Lives as long as the plan, whose memory that is; free it before the arena. */
ln_store *ln_scaled_new(ln_store *inner, ln_memory *memory, ln_arena *arena);

/* Where each factor goes: element i of the weights is of channel i / inner % n of its block of `block` elements, which
 * have the next n factors. */
typedef struct ln_factors {
    const float *factors;
    int64_t inner, n, block;
} ln_factors;

/* What stands for `bytes` of float32 at `data` scaled. The store is one of ln_scaled_new; NULL: not worth it, or no
 * memory. */
const void *ln_scaled_add(ln_store *store, const void *data, size_t bytes, const ln_factors *f);

/* to = from scaled, elements [first, first + count) of the weights; to may be from. */
void ln_scale(float *to, const float *from, const ln_factors *f, size_t first, size_t count);

#endif
