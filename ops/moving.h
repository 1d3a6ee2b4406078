/* SPDX-License-Identifier: Apache-2.0
 *
 * What the operators that only move data share: plans of one strided copy, views, parallel copies.
 */
#ifndef LN_OPS_MOVING_H
#define LN_OPS_MOVING_H

#include "kernels/move.h"
#include "ops/convert.h"

/* Runs the ln_move at the head of the parameters: input 0 to output 0. */
linnet_status ln_moving(const ln_args *a);

/* Plans m, which is at the head of c->params, from input 0 to output 0: a view where it is one run, else a copy. */
linnet_status ln_plan_move(ln_ctx *c, ln_move *m);

/* Output 0 is input 0 with other dimensions. c->params begins with an ln_move. */
linnet_status ln_plan_reshaped(ln_ctx *c);

/* Does m, on several threads where it is large. */
void ln_move_parallel(const ln_args *a, const ln_move *m, void *y, const void *x);
void ln_copy_parallel(const ln_args *a, void *y, const void *x, int64_t bytes);

/* Fails unless inputs i and k have the same element type, as far as is known. */
linnet_status ln_check_same_type(ln_ctx *c, int32_t i, int32_t k);

/* Like ln_const_ints of at most LN_MAX_RANK values, but with tensors of the wrong kind or size reported by name:
 * *n = -1 where the input is absent or not constant. */
linnet_status ln_read_ints(ln_ctx *c, int32_t i, const char *name, int64_t *values, int32_t *n);

/* Makes axes of a tensor of that rank non-negative; fails where one is out of range or twice there. */
linnet_status ln_check_axes(ln_ctx *c, int32_t n, int64_t *axes, int32_t rank);

/* Dimensions [from, to) multiplied; a symbol or LN_UNKNOWN where they are not all known. */
int64_t ln_dims_product(const int64_t *dims, int32_t from, int32_t to);

/* Element i of a constant int32 or int64 tensor. */
static inline int64_t ln_index_at(const void *indices, int32_t is64, int64_t i)
{
    return is64 ? ((const int64_t *)indices)[i] : ((const int32_t *)indices)[i];
}

#endif
