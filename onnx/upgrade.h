/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a node may be written under a newer opset version than it was made for.
 */
#ifndef LN_ONNX_UPGRADE_H
#define LN_ONNX_UPGRADE_H

#include "engine/graph.h"

enum { LN_UPGRADE_MOVES = 8 };

/* How an attribute of the node becomes an input. */
typedef struct ln_move {
    const ln_attr *attr;
    int32_t slot;
} ln_move;

/* True: the node means the same at `opset` as at its own version, once the moves are done. */
bool ln_upgrade(const ln_graph *g, const ln_node *n, int64_t opset, ln_move moves[LN_UPGRADE_MOVES], int32_t *n_moves);

#endif
