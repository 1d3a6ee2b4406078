/* SPDX-License-Identifier: Apache-2.0
 *
 * Between the files of sinking: what is being made, and the rules. A rule fills in the inputs and attributes of U' and
 * says whether there is one; it changes nothing in the graph but adding values that nothing uses if it fails.
 */
#ifndef LN_ENGINE_SINK_RULES_H
#define LN_ENGINE_SINK_RULES_H

#include "engine/sink.h"

/* What is being made: U' with these inputs and attributes. */
typedef struct ln_sinking {
    ln_graph *g;
    ln_pass_ctx *c;
    int32_t node, rank;
    const int64_t *perm;
    int64_t inverse[LN_MAX_RANK];
    int32_t *in;
    ln_attr more[2];
    int32_t n_more;
    int32_t out_rank; /* reductions without keepdims have another */
    int64_t out_perm[LN_MAX_RANK];
    const char *domain, *type; /* of U' where it is another operator; NULL: as U */
    bool no_memory;
} ln_sinking;

static inline const ln_node *ln_sink_node(const ln_sinking *s)
{
    return &s->g->nodes[s->node];
}

/* True: value is the output of a Transpose with perm. */
bool ln_sink_same_perm(const ln_graph *g, int32_t value, const int64_t *perm, int32_t rank);
/* A value through a Transpose before the node; it has as many axes as the permutation. */
int32_t ln_sink_transposed(ln_sinking *s, int32_t value, const int64_t *perm);
/* A value through Transpose(inverse), so that transposing it by perm gives it back. */
int32_t ln_sink_untransposed(ln_sinking *s, int32_t value);
/* Input 0 is the Transpose, and U' takes what is above it. */
bool ln_sink_first_only(ln_sinking *s);
/* Attribute axis of U' for that of U. */
bool ln_sink_map_axis(ln_sinking *s, int64_t axis);

/* Operand by operand: sink_operand.c. axis: the default of the attribute. */
bool ln_sink_element(ln_sinking *s);
bool ln_sink_quant(ln_sinking *s, int64_t axis);
bool ln_sink_scalars(ln_sinking *s);
bool ln_sink_qbinary(ln_sinking *s);
bool ln_sink_qconcat(ln_sinking *s);
bool ln_sink_qpool(ln_sinking *s);
bool ln_sink_channels(ln_sinking *s);
/* By axes in attributes and inputs: sink_axes.c. */
bool ln_sink_axis(ln_sinking *s, int64_t axis);
bool ln_sink_reduce(ln_sinking *s);
bool ln_sink_pad(ln_sinking *s);
bool ln_sink_slice(ln_sinking *s);
bool ln_sink_resize(ln_sinking *s);
bool ln_sink_reshape(ln_sinking *s); /* sink_reshape.c */

#endif
