/* SPDX-License-Identifier: Apache-2.0 */
#define TIER avx2
#include "kernels/vselect.inc"
