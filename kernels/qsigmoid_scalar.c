/* SPDX-License-Identifier: Apache-2.0
 *
 * The sigmoid in integers, tier scalar: without branches, which would be taken at random.
 */
#include "kernels/kernels.h"
#include "kernels/qsigmoid.h"

void ln_qsigmoid_scalar(int32_t *y, const int32_t *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int32_t sign = x[i] >> 31, a = (int32_t)(((uint32_t)x[i] ^ (uint32_t)sign) - (uint32_t)sign);
        a = a < LN_QSIGMOID_END ? a : LN_QSIGMOID_END;
        const uint16_t *entry = ln_qsigmoid_table + (a >> LN_QSIGMOID_STEP_BITS);
        int32_t part = a & ((1 << LN_QSIGMOID_STEP_BITS) - 1);
        int32_t more = ((entry[1] - entry[0]) * part + (1 << (LN_QSIGMOID_STEP_BITS - 1))) >> LN_QSIGMOID_STEP_BITS;
        y[i] = ((entry[0] + more) ^ sign) - sign;
    }
}
