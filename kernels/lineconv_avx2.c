/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/simd_avx2.h"
#define LINE_PIXELS 6
#include "kernels/lineconv.inc"
