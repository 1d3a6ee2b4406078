/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/simd_avx512.h"
#define POOL_PAIR
#include "kernels/pool.inc"
#include "kernels/pool_plane.inc"
