/* SPDX-License-Identifier: Apache-2.0
 *
 * Order of elements of any type: numbers by value with NaN above all (and equal to each other), false before true,
 * complex numbers by real and then imaginary part, strings by bytes.
 */
#ifndef LN_OPS_ORDER_H
#define LN_OPS_ORDER_H

#include "engine/op.h"

/* A number that sorts as the element does: real numeric types and bool only. */
typedef uint64_t ln_key_fn(const void *element);
ln_key_fn *ln_key_of(int type); /* NULL: no such type */

/* Below, equal, above: -1, 0, 1. Any type. */
int ln_order(const void *a, const void *b, int type);

/* Stable sort of n indices by less(context, i, k) (i before k); temp has room for n. */
typedef bool ln_less_fn(const void *context, int64_t i, int64_t k);
void ln_sort_indices(int64_t *indices, int64_t *temp, int64_t n, ln_less_fn *less, const void *context);

#endif
