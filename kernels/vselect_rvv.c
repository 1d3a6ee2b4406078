/* SPDX-License-Identifier: Apache-2.0 */
#define TIER rvv
#include "kernels/vselect.inc"
