/* SPDX-License-Identifier: Apache-2.0
 *
 * Parameters of an Einsum, which its operator files share: einsum.c parses and plans, einsum_any.c runs by loops.
 */
#ifndef LN_OPS_EINSUM_H
#define LN_OPS_EINSUM_H

#include "ops/product.h"

#define LN_EINSUM_INPUTS 8
#define LN_EINSUM_LABELS 16

typedef struct ln_einsum {
    ln_product product; /* first, for its run functions; not used by the loops */
    /* After plan the first n_out labels are those of the result, in order; up to n_shared those summed over several
     * operands; the rest, each summed over one operand alone, are listed in own. */
    int32_t n_in, n_labels, n_out, n_shared;
    int32_t n_own[LN_EINSUM_INPUTS], own[LN_EINSUM_INPUTS][LN_EINSUM_LABELS];
    int64_t total;                                         /* elements of the result */
    int64_t dims[LN_EINSUM_LABELS], out[LN_EINSUM_LABELS]; /* sizes, strides in the result */
    int64_t strides[LN_EINSUM_INPUTS][LN_EINSUM_LABELS];   /* 0: not there, or broadcast */
    int32_t used[LN_EINSUM_INPUTS][LN_EINSUM_LABELS];
    int32_t code[LN_EINSUM_LABELS]; /* while parsing: the letter */
} ln_einsum;

linnet_status ln_einsum_plan_any(ln_ctx *c);

#endif
