/* SPDX-License-Identifier: Apache-2.0
 *
 * Multiply-adds of nodes and graphs whose shapes are known; nodes of other shapes count as none.
 */
#ifndef LN_TOOLS_MACS_H
#define LN_TOOLS_MACS_H

#include "engine/graph.h"

double ln_node_macs(const ln_graph *g, const ln_node *n);
double ln_graph_macs(const ln_graph *g);

#endif
