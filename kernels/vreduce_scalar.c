/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/simd_scalar.h"
#include "kernels/vreduce.inc"
#include "kernels/layernorm.inc"
