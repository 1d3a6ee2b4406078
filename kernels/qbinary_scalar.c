/* SPDX-License-Identifier: Apache-2.0
 *
 * Quantised addition and multiplication, scalar: the meaning for every tier.
 */
#include <math.h>

#include "kernels/qgemm.h"

void ln_qbinary8_scalar(uint8_t *c, const uint8_t *a, const uint8_t *b, size_t n, const ln_qbinary_args *g)
{
    float factor = g->a_scale * g->b_scale / g->c_scale;
    for (size_t i = 0; i < n; i++) {
        int32_t va = (int32_t)(a[g->a_step ? i : 0] ^ g->flip) - g->a_zero;
        int32_t vb = (int32_t)(b[g->b_step ? i : 0] ^ g->flip) - g->b_zero;
        float f;
        if (g->multiply)
            f = (float)(va * vb) * factor;
        else
            f = (g->a_scale * (float)va + g->b_scale * (float)vb) / g->c_scale;
        f = f > g->lo ? f : g->lo;
        f = f < g->hi ? f : g->hi;
        c[i] = (uint8_t)((int32_t)rintf(f) + g->c_zero);
    }
}
