/* SPDX-License-Identifier: Apache-2.0
 *
 * What follows the integer sums, one element at a time: the meaning that every tier's epilogue has to match bit for
 * bit. See qgemm.h.
 */
#ifndef LN_KERNELS_QGEMM_EPILOGUE_H
#define LN_KERNELS_QGEMM_EPILOGUE_H

#include "kernels/qgemm.h"
#include "kernels/round.h"

static inline uint8_t ln_requantize(uint32_t acc, float scale, float lo, float hi, int32_t zero)
{
    float f = (float)(int32_t)acc * scale;
    f = f > lo ? f : lo;
    f = f < hi ? f : hi;
    return (uint8_t)(ln_round_small(f) + zero);
}

/* Row i, column j of a tile; dot is the plain sum. */
static inline void ln_qgemm_store(void *c, size_t i, size_t j, uint32_t dot, const int32_t *head, size_t nr,
                                  const ln_qgemm_args *g)
{
    uint32_t acc = dot + (uint32_t)head[j] - (uint32_t)g->a_zero * (uint32_t)head[nr + j];
    if (g->row_sum)
        acc -= (uint32_t)head[2 * nr + j] * (uint32_t)g->row_sum[i];
    size_t at = i * g->c_stride + j;
    if (g->out == LN_QGEMM_I32) {
        ((int32_t *)c)[at] = (int32_t)acc;
        return;
    }
    float scale = g->scale ? g->scale[j] : 1;
    if (g->row_scale)
        scale *= g->row_scale[i];
    if (g->out == LN_QGEMM_8) {
        ((uint8_t *)c)[at] = ln_requantize(acc, scale, g->lo, g->hi, g->y_zero);
        return;
    }
    float f = (float)(int32_t)acc * scale;
    ((float *)c)[at] = g->fbias ? f + g->fbias[j] : f;
}

#endif
