/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/simd_neon.h"
#define LINE_PIXELS 12
#include "kernels/lineconv.inc"
