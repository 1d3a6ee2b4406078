/* SPDX-License-Identifier: Apache-2.0 */
#define TIER neon
#include "kernels/vselect.inc"
