/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/simd_avx512.h"
#include "kernels/winograd.inc"
#include "kernels/winograd_weights.inc"
