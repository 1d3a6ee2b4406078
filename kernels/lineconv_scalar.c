/* SPDX-License-Identifier: Apache-2.0
 *
 * A line of a convolution of few channels in portable C, for panels of any width. Contract: conv.h.
 */
#include "kernels/conv.h"

static float clamp(float x, float lo, float hi)
{
    x = x < lo ? lo : x;
    return x > hi ? hi : x;
}

void ln_lineconv_f32_scalar(const ln_line_conv *l)
{
    for (size_t o = 0; o < l->out_w; o++)
        for (size_t c = 0; c < l->n; c++) {
            const float *panel = l->b + c / l->nr * l->panel + c % l->nr, *w = panel + l->nr + l->skip;
            float s = *panel;
            for (size_t i = 0; i < l->lines; i++)
                for (size_t j = 0; j < l->k; j++, w += l->nr)
                    s += l->rows[i][o * l->pitch + j] * *w;
            l->y[o * l->y_pixel + c] = clamp(s, l->lo, l->hi);
        }
}
