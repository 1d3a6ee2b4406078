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

#include "kernels/fft.h"

/* y[i] = f(x[i]), i < n. y == x is allowed. */
typedef void ln_VUNARY_F32(float *y, const float *x, size_t n);

/* y[i] = saturate(round(x[i] / scale) + zero) in [low, low + 255], as a byte: low is 0 for uint8, -128 for int8. Half
 * to even; NaN gives low. */
typedef void ln_VQUANTIZE8(uint8_t *y, const float *x, size_t n, float scale, int32_t zero, int32_t low);

/* y[i] = ((x[i] ^ flip) - zero) * scale: flip is 0 for uint8; int8 goes with flip 0x80 and zero + 128. */
typedef void ln_VDEQUANTIZE8(float *y, const uint8_t *x, size_t n, float scale, int32_t zero, uint32_t flip);

/* Runs a plan of the type (kernels/fft.h). scratch: ln_fft_scratch(plan) bytes, aligned to 64. In place is not allowed. */
typedef void ln_FFT(const ln_fft_plan *plan, const ln_fft_job *job, void *scratch);

#endif
