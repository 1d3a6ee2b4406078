/* SPDX-License-Identifier: Apache-2.0
 *
 * A session whose plan is made, for the commands that show plans and times; and drawings of plans.
 */
#ifndef LN_TOOLS_PLANNED_H
#define LN_TOOLS_PLANNED_H

#include "engine/passes.h"
#include "engine/session.h"
#include "tools/tool.h"

/* The list of the passes, for help texts. */
void ln_print_passes(FILE *file);

/* Nodes of a graph, one a line. */
void ln_print_graph(FILE *file, const ln_graph *g);
void ln_print_dot(FILE *file, const ln_graph *g);
/* The block of run memory over the steps. */
void ln_print_memory(FILE *file, const ln_plan *plan);

/* "float32[1,N,?]" */
const char *ln_info_text(const ln_graph *g, const ln_info *info, char *buf, size_t size);

#endif
