/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/simd_wasm.h"
#define LINE_PIXELS 4
#include "kernels/lineconv.inc"
