/* SPDX-License-Identifier: Apache-2.0
 *
 * What passes share: matching constants and shapes, and putting a node in the place of others. A replacement is made of
 * the three mutations of the graph: the matched nodes are killed, the new node takes over the output value of the last,
 * so that names of outputs stay.
 */
#ifndef LN_ENGINE_REWRITE_H
#define LN_ENGINE_REWRITE_H

#include "engine/passes.h"

/* The info of a value; of LN_NO_VALUE: an unknown one. */
const ln_info *ln_rw_info(const ln_graph *g, int32_t value);
bool ln_rw_same_shape(const ln_info *a, const ln_info *b);                         /* both known and equal */
const ln_node *ln_rw_producer(const ln_graph *g, int32_t value, const char *type); /* NULL: not that ai.onnx operator */
/* A float32 constant; NULL otherwise. The first reads it (ln_graph_data), the second does not. */
const float *ln_rw_floats(const ln_graph *g, int32_t value);
bool ln_rw_has_floats(const ln_graph *g, int32_t value);

/* Value id of input or output i of a node, LN_NO_VALUE where it has none. */
int32_t ln_rw_in(const ln_node *n, int32_t i);
int32_t ln_rw_out(const ln_node *n, int32_t i);
int32_t ln_rw_id(const ln_graph *g, const ln_node *n);

/* True: every element of the constant is `value`. */
bool ln_rw_is(const ln_graph *g, int32_t value, float scalar);

/* A new float32 constant with room for its elements (zeroed) at *data; LN_NO_VALUE: no memory. */
int32_t ln_rw_new_floats(ln_graph *g, int32_t rank, const int64_t *dims, float **data);
int32_t ln_rw_new_ints(ln_graph *g, int32_t n, const int64_t *values); /* 1-D int64 */

/* The attributes of a node and more after them; one of the same name is replaced. NULL: no memory. */
ln_attr *ln_rw_attrs(ln_graph *g, const ln_node *n, const ln_attr *more, int32_t n_more, int32_t *n_attrs);
ln_attr ln_rw_int(const char *name, int64_t i);
ln_attr ln_rw_float(const char *name, float f);

/* Kills `old` (n_old nodes, the last of which makes `out`) and puts a new node before where the last one was. version
 * and operator are those of `like` if it is not NULL, else LN_PASS_OPSET (ai.onnx) or 1. Counts a change. */
linnet_status ln_rw_replace(ln_graph *g, ln_pass_ctx *c, const int32_t *old, int32_t n_old, int32_t out,
                            const char *domain, const char *type, int64_t opset, int32_t n_in, const int32_t *in,
                            int32_t n_attrs, const ln_attr *attrs);
linnet_status ln_rw_no_memory(ln_pass_ctx *c);

/* Replaces the output of a node by another value and kills the node when it may: graphs that are written keep what
 * names an output. Counts a change. */
bool ln_rw_bypass(ln_graph *g, ln_pass_ctx *c, int32_t node, int32_t by);

#endif
