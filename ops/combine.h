/* SPDX-License-Identifier: Apache-2.0
 *
 * y[i] = y[i] op x[i] for runs of elements of any numeric type: the reductions of the Scatter operators.
 */
#ifndef LN_OPS_COMBINE_H
#define LN_OPS_COMBINE_H

#include "engine/op.h"

enum { LN_COMBINE_NONE, LN_COMBINE_ADD, LN_COMBINE_MUL, LN_COMBINE_MAX, LN_COMBINE_MIN };
#define LN_COMBINE_NAMES "none|add|mul|max|min"

/* Whether the element type has that operation. */
bool ln_combine_supported(int type, int32_t how);

/* n elements. NONE copies. Integers wrap; of a NaN and a number MAX and MIN give the NaN. bool: add is or, mul is and.
 */
void ln_combine(void *y, const void *x, int type, int32_t how, int64_t n);

#endif
