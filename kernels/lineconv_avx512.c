/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/simd_avx512.h"
#define LINE_PIXELS 14
#define LINE_EVEN
#define LINE_FETCH
#define LINE_EIGHT ln_lineconv_narrow_avx512
#include "kernels/lineconv.inc"
