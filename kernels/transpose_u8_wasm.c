/* SPDX-License-Identifier: Apache-2.0
 *
 * Transpose of a matrix of bytes, tier wasm.
 */
#define LN_ISA wasm
#include "kernels/transpose_u8.inc"
