/* SPDX-License-Identifier: Apache-2.0
 *
 * How the tiers that firmware has cut their products into tiles. The host has to know it to pack weights for them, and
 * has stand-ins for their micro-kernels in portable C, so that it can run such packings, too.
 */
#ifndef LN_KERNELS_TILES_H
#define LN_KERNELS_TILES_H

#include "kernels/gemm.h"
#include "kernels/qgemm.h"

enum { LN_ARMDSP_MR = 2, LN_ARMDSP_NR = 2, LN_ARMDSP_KR = 4 };
enum { LN_MVE_MR = 1, LN_MVE_NR = 4, LN_MVE_KR = 16 };
enum { LN_NEON_MR = 48, LN_NEON_NR = 8, LN_NEON_KR = 16 };
enum { LN_NEON_F32_MR = 8, LN_NEON_F32_NR = 8, LN_NEON_F32_FEW = 16 };
enum { LN_WASM_MR = 48, LN_WASM_NR = 4, LN_WASM_KR = 8 };
enum { LN_WASM_F32_MR = 5, LN_WASM_F32_NR = 8, LN_WASM_F32_FEW = 20 };
enum { LN_RVV_MR = 12, LN_RVV_F32_MR = 7, LN_RVV_F32_FEW = 14 };

/* clang-format off */
#define LN_QGEMM(mr_, nr_, kr_, plus_, lanes_, run_) \
    {.mr = (mr_), .nr = (nr_), .kr = (kr_), .plus = (plus_), .lanes = (lanes_), .run = (run_)}
#define LN_QGEMM_ARMDSP(run_)    LN_QGEMM(LN_ARMDSP_MR, LN_ARMDSP_NR, LN_ARMDSP_KR, 0, 4, run_)
#define LN_QGEMM_MVE(run_)       LN_QGEMM(LN_MVE_MR, LN_MVE_NR, LN_MVE_KR, 0, 8, run_)
#define LN_QGEMM_NEON(run_)      LN_QGEMM(LN_NEON_MR, LN_NEON_NR, LN_NEON_KR, LN_NEON_KR / 2, 32, run_)
#define LN_QGEMM_WASM(run_)      LN_QGEMM(LN_WASM_MR, LN_WASM_NR, LN_WASM_KR, 0, 32, run_)
#define LN_QGEMM_RVV(vlen, run_) LN_QGEMM(LN_RVV_MR, (vlen) / 4, 1, 0, (vlen) / 4, run_)

/* A sliver of A takes 8 KB of a first cache of 32 KB, a block of B half of a second cache of 512 KB. Firmware has RAM
 * for few rows (mc_); results are the same, since K is cut alike. */
#define LN_GEMM_F32(mr_, nr_, mc_, tile_) \
    {.mr = (mr_), .nr = (nr_), .kc = 256, .mc = (mc_), .nc_bytes = 256 << 10, .tile = (tile_)}
#define LN_GEMM_F32_NEON(mc_, tile_)      LN_GEMM_F32(LN_NEON_F32_MR, LN_NEON_F32_NR, mc_, tile_)
#define LN_GEMM_F32_WASM(mc_, tile_)      LN_GEMM_F32(LN_WASM_F32_MR, LN_WASM_F32_NR, mc_, tile_)
#define LN_GEMM_F32_RVV(vlen, mc_, tile_) LN_GEMM_F32(LN_RVV_F32_MR, (vlen) / 8, mc_, tile_)

/* The columns of rvv fill a group of four registers (of integers eight) where registers have vlen bits. Where they have
 * more, the same tiles fill a part of the group. */
#define LN_RVV_EACH(f) f(128) f(256) f(512) f(1024)
/* clang-format on */

/* The stand-ins; of rvv for each VLEN in that order. */
extern const ln_qgemm_tile ln_qgemm_as_armdsp, ln_qgemm_as_mve, ln_qgemm_as_neon, ln_qgemm_as_wasm, ln_qgemm_as_rvv[4];
extern const ln_gemm_f32_desc ln_gemm_f32_as_neon, ln_gemm_f32_as_wasm, ln_gemm_f32_as_rvv[4];

/* The micro-kernels of rvv. */
#define LN_RVV_DECLARE(vlen)                                                                                           \
    ln_qgemm_fn ln_qgemm_run_rvv##vlen;                                                                                \
    ln_gemm_f32_fn ln_gemm_f32_tile_rvv##vlen;
LN_RVV_EACH(LN_RVV_DECLARE)
#undef LN_RVV_DECLARE

#endif
