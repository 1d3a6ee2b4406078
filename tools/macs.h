/* SPDX-License-Identifier: Apache-2.0
 *
 * Multiply-adds of nodes and graphs whose shapes are known; nodes of other shapes count as none.
 */
#ifndef LN_TOOLS_MACS_H
#define LN_TOOLS_MACS_H

#include "engine/graph.h"

/* The names of all passes but folding, for disable_passes: with them off a plan's graph is as the model's author wrote
 * it. Returns buf. */
const char *ln_author_passes(char *buf, size_t size);

double ln_node_macs(const ln_graph *g, const ln_node *n);
double ln_graph_macs(const ln_graph *g);

#endif
