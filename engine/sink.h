/* SPDX-License-Identifier: Apache-2.0
 *
 * Sinking a transpose through a node: U(Transpose(x)) = Transpose(U'(x)).
 */
#ifndef LN_ENGINE_SINK_H
#define LN_ENGINE_SINK_H

#include "engine/rewrite.h"

/* The permutation of a Transpose: y.dims[i] = x.dims[perm[i]]. False: n is none, or its rank is not known. */
bool ln_transpose_perm(const ln_graph *g, const ln_node *n, int64_t *perm, int32_t *rank);
ln_attr *ln_perm_attr(ln_graph *g, const int64_t *perm, int32_t rank); /* NULL: no memory */

/* Rewrites node U, one of whose inputs is a Transpose with perm, if there is a U'; else does nothing. */
linnet_status ln_sink(ln_graph *g, ln_pass_ctx *c, int32_t node, const int64_t *perm, int32_t rank);

/* Whether there may be a U'. */
bool ln_sink_may(const ln_node *n);

#endif
