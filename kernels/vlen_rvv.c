/* SPDX-License-Identifier: Apache-2.0
 *
 * Firmware's choice among the tiles of rvv, compiled once for each LN_VLEN. A compiled model asks ln_rvv_has_<VLEN> of
 * the VLEN that it was packed for; so a linker takes that object of the library and with it the tiles. Models that were
 * packed for different ones do not link together.
 */
#include "kernels/tiles.h"

#define TILES_(vlen)                                                                                                   \
    const ln_qgemm_tile ln_qgemm_rvv = LN_QGEMM_RVV(vlen, ln_qgemm_run_rvv##vlen);                                     \
    const ln_gemm_f32_desc ln_gemm_f32_rvv = LN_GEMM_F32_RVV(vlen, LN_RVV_F32_FEW, ln_gemm_f32_tile_rvv##vlen);        \
    int ln_rvv_has_##vlen(void);                                                                                       \
    int ln_rvv_has_##vlen(void)                                                                                        \
    {                                                                                                                  \
        size_t bytes;                                                                                                  \
        __asm__("csrr %0, vlenb" : "=r"(bytes));                                                                       \
        return bytes >= vlen / 8;                                                                                      \
    }
#define TILES(vlen) TILES_(vlen)
TILES(LN_VLEN)
