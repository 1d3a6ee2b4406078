/* SPDX-License-Identifier: Apache-2.0 */
#define TIER avx512
#include "kernels/vselect.inc"
