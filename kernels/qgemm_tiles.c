/* SPDX-License-Identifier: Apache-2.0
 *
 * The stand-ins of qgemm_tiles.h: one loop for all tiles.
 */
#include "kernels/qgemm_tiles.h"

#include "kernels/qgemm_epilogue.h"

static void product(void *c, const uint8_t *const *a, const void *panel, size_t m, size_t n, const ln_qgemm_args *g,
                    size_t nr, size_t kr)
{
    const int32_t *head = panel;
    size_t rounded = (g->k + kr - 1) / kr * kr;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            const int8_t *b = (const int8_t *)(head + 3 * nr) + j * kr;
            uint32_t acc = 0;
            for (size_t s = 0; s < g->segments; s++, b += rounded * nr)
                for (size_t k = 0; k < g->k; k++)
                    acc += (uint32_t)((int32_t)(a[s * g->a_stride + i][k] ^ g->flip) * b[k / kr * kr * nr + k % kr]);
            ln_qgemm_store(c, i, j, acc, head, nr, g);
        }
}

static void run_armdsp(void *c, const uint8_t *const *a, const void *panel, size_t m, size_t n, const ln_qgemm_args *g)
{
    product(c, a, panel, m, n, g, LN_ARMDSP_NR, LN_ARMDSP_KR);
}

static void run_mve(void *c, const uint8_t *const *a, const void *panel, size_t m, size_t n, const ln_qgemm_args *g)
{
    product(c, a, panel, m, n, g, LN_MVE_NR, LN_MVE_KR);
}

const ln_qgemm_tile ln_qgemm_as_armdsp = {LN_ARMDSP_MR, LN_ARMDSP_NR, LN_ARMDSP_KR, run_armdsp, 0};
const ln_qgemm_tile ln_qgemm_as_mve = {LN_MVE_MR, LN_MVE_NR, LN_MVE_KR, run_mve, 0};
