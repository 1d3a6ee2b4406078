/* SPDX-License-Identifier: Apache-2.0
 *
 * The sigmoid in integers: 2^16 (sigmoid(z) - 1/2) of z with 16 bits behind the point, from a table of 1/16 apart with
 * straight lines between, within 3.5 units; tanh is 2 sigmoid(2 z) - 1. The function is odd, so the table has z from 0
 * to 12, from where on the rounded value is 2^15, and that once more, so that every entry has a next one.
 */
#ifndef LN_KERNELS_QSIGMOID_H
#define LN_KERNELS_QSIGMOID_H

#include <stdint.h>

enum { LN_QSIGMOID_STEP_BITS = 12, LN_QSIGMOID_END = 12 << 16 };

extern const uint16_t ln_qsigmoid_table[194];

#endif
