/* SPDX-License-Identifier: Apache-2.0
 *
 * The signatures of kernels: every kernel of a signature has this contract. Sizes are in elements, strides in elements
 * unless a name ends in _bytes. Unless said otherwise buffers need only the alignment of their elements, do not
 * overlap, any size may be 0, and no byte outside the given extents is read or written.
 */
#ifndef LN_KERNELS_SIGNATURES_H
#define LN_KERNELS_SIGNATURES_H

#include <stddef.h>
#include <stdint.h>

/* y[i] = f(x[i]), i < n. y == x is allowed. */
typedef void ln_VUNARY_F32(float *y, const float *x, size_t n);

#endif
