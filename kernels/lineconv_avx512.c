/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/simd_avx512.h"
#define LINE_PIXELS 14
#define LINE_FETCH
#include "kernels/lineconv.inc"
