/* SPDX-License-Identifier: Apache-2.0
 *
 * Multidirectional broadcasting (onnx/docs/Broadcasting.md): the dimensions of an output are collapsed as far as all
 * inputs allow, so that what is left is a walk over rows in which every input steps by one element or by none.
 * Same shapes become one row; a scalar, a row vector, a column or a channel vector two or three dimensions.
 */
#ifndef LN_OPS_BROADCAST_H
#define LN_OPS_BROADCAST_H

#include "ops/convert.h"

#define LN_BCAST_MAX 3 /* inputs */

typedef struct ln_bcast {
    int64_t count;                              /* elements of the output */
    int64_t dims[LN_MAX_RANK];                  /* collapsed; the row is the last */
    int64_t strides[LN_BCAST_MAX][LN_MAX_RANK]; /* in elements; of the row 0 or 1 */
    int32_t rank;                               /* at least 1 */
    int32_t n_in;
} ln_bcast;

/* Where a walk stands. */
typedef struct ln_walk {
    int64_t left; /* elements to the end of the row */
    int64_t offset[LN_BCAST_MAX];
    int64_t index[LN_MAX_RANK];
} ln_walk;

void ln_bcast_make(ln_bcast *b, const ln_info *out, int32_t n_in, const ln_info *const *in);
void ln_walk_start(ln_walk *w, const ln_bcast *b, int64_t element);
void ln_walk_next(ln_walk *w, const ln_bcast *b, int64_t n); /* n <= w->left elements on */

/* Step of input i within a row. */
static inline size_t ln_bcast_step(const ln_bcast *b, int32_t i)
{
    return (size_t)b->strides[i][b->rank - 1];
}

/* The types of inputs 1.. equal that of input 0, where they are known. */
linnet_status ln_check_same_types(ln_ctx *c);

/* Output 0: the inputs broadcast, element type type (UNDEFINED: that of input 0). */
linnet_status ln_bcast_infer(ln_ctx *c, linnet_type type);

/* The operators of opset 6 and before: attributes axis and broadcast, the second input lies in the dimensions of the
 * first from axis on (or at their end). Checks, and gives in *aligned the second input with its dimensions in place. */
linnet_status ln_bcast_old(ln_ctx *c, int64_t broadcast, ln_info *aligned);

#endif
