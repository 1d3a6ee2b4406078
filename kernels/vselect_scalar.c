/* SPDX-License-Identifier: Apache-2.0 */
#define TIER scalar
#include "kernels/vselect.inc"
