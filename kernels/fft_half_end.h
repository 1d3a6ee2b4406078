/* SPDX-License-Identifier: Apache-2.0
 *
 * Takes away the names of the half vectors, keeping HALF, their number of elements.
 */
enum { HALF = VL };
#define FFT_HAS_HALF
#undef T
#undef V
#undef VL
#undef LD
#undef ST
#undef LDN
#undef STN
#undef SET1
#undef ADD
#undef SUB
#undef MUL
#undef F
#undef BUTTERFLY
#undef LDC
#undef STC
#undef OUT
#undef OUT0
