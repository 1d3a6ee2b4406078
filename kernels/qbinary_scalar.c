/* SPDX-License-Identifier: Apache-2.0
 *
 * Quantised addition, multiplication and pooling, scalar: the meaning for every tier.
 */
#include "kernels/qgemm.h"
#include "kernels/round.h"

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
        c[i] = (uint8_t)(ln_round_small(f) + g->c_zero);
    }
}

void ln_qpool_max8_scalar(uint8_t *y, const uint8_t *const *rows, size_t taps, size_t n, uint32_t flip)
{
    for (size_t c = 0; c < n; c++) {
        uint32_t max = 0;
        for (size_t t = 0; t < taps; t++)
            max = (rows[t][c] ^ flip) > max ? rows[t][c] ^ flip : max;
        y[c] = (uint8_t)(max ^ flip);
    }
}

void ln_qpool_mean8_scalar(uint8_t *y, const uint8_t *const *rows, size_t taps, size_t n, const ln_qmean_args *g)
{
    for (size_t c = 0; c < n; c++) {
        float f = 0;
        if (g->in_float) {
            for (size_t t = 0; t < taps; t++)
                f += g->x_scale * (float)((int32_t)(rows[t][c] ^ g->flip) - g->x_zero);
            f = f / g->divisor / g->y_scale;
        } else {
            int32_t sum = 0;
            for (size_t t = 0; t < taps; t++)
                sum += (int32_t)(rows[t][c] ^ g->flip) - g->x_zero;
            f = (float)sum * g->factor;
        }
        f = f > g->lo ? f : g->lo;
        f = f < g->hi ? f : g->hi;
        y[c] = (uint8_t)(ln_round_small(f) + g->y_zero);
    }
}
