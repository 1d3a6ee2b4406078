/* SPDX-License-Identifier: Apache-2.0
 *
 * Reductions over a set of axes: reading the axes (attribute or input), the shape of the result, and the input's
 * dimensions sorted into kept and reduced ones, each collapsed as far as it goes.
 */
#ifndef LN_OPS_AXES_H
#define LN_OPS_AXES_H

#include "ops/convert.h"

/* Bit d of *mask: dimension d is reduced. Fails on an axis out of range or named twice. */
linnet_status ln_axes_mask(ln_ctx *c, int32_t rank, int32_t n, const int64_t *axes, uint32_t *mask);

/* Output out: the shape of input 0 without the axes of mask, or with 1 in their place. */
linnet_status ln_axes_set_shape(ln_ctx *c, int32_t out, linnet_type type, uint32_t mask, bool keepdims);

typedef struct ln_axes {
    int64_t n_kept, n_reduced; /* elements: of the output; of the input for one of the output */
    int32_t kept, reduced;     /* collapsed dimensions of each kind, outer first */
    int64_t kept_dims[LN_MAX_RANK], kept_strides[LN_MAX_RANK];
    int64_t reduced_dims[LN_MAX_RANK], reduced_strides[LN_MAX_RANK];
} ln_axes;

void ln_axes_make(ln_axes *a, const ln_info *in, uint32_t mask);

/* The offset in the input of element i of the output, and of element i among those reduced for it. */
int64_t ln_axes_kept(const ln_axes *a, int64_t i);
int64_t ln_axes_reduced(const ln_axes *a, int64_t i);

#endif
