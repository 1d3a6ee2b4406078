/* SPDX-License-Identifier: Apache-2.0 */
#define TIER wasm
#include "kernels/vselect.inc"
