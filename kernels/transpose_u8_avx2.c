/* SPDX-License-Identifier: Apache-2.0
 *
 * Transpose of a matrix of bytes, tier avx2.
 */
#define LN_ISA avx2
#include "kernels/transpose_u8.inc"
