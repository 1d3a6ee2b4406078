/* SPDX-License-Identifier: Apache-2.0
 *
 * Transpose of a matrix of bytes, tier neon.
 */
#define LN_ISA neon
#include "kernels/transpose_u8.inc"
