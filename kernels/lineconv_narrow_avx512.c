/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines of a convolution to at most eight channels, tier avx512: 256-bit vectors, of which some processors do twice as
 * many in a cycle, over panels of that tier.
 */
#include "kernels/simd_avx2.h"
#define LINE_PIXELS 14
#define LINE_EVEN
#define LINE_COLUMNS 32
#define LINE_NARROW ln_lineconv_narrow_avx512
#include "kernels/lineconv.inc"
