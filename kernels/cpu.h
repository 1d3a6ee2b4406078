/* SPDX-License-Identifier: Apache-2.0
 *
 * Detection of instruction sets on hosts.
 */
#ifndef LN_KERNELS_CPU_H
#define LN_KERNELS_CPU_H

#include <stdbool.h>
#include <stdint.h>

#include "kernels/kernels.h"

/* 1 where the processor has it and the operating system saves its registers. */
typedef struct ln_cpu_x86 {
    int avx2;   /* with FMA and F16C */
    int avx512; /* F, BW, DQ, VL and VNNI */
    int avx_vnni;
    int avx512_bf16; /* with avx512 */
} ln_cpu_x86;

#if defined(__x86_64__)
ln_cpu_x86 ln_cpu_x86_features(void);

/* Products of bfloat16 (kernels/gemm_bf16.h); set by ln_dispatch_init, false where LINNET_CPU names a tier or
 * ln_dispatch_to was told one. */
extern bool ln_cpu_avx512_bf16;
#endif

/* 1 if this machine runs the code of a tier; asked only of tiers of its architecture. */
#ifndef LN_TIER
int ln_cpu_has(ln_tier tier);
#ifdef __riscv
size_t ln_cpu_rvv_bits(void); /* VLEN; asked only where there is V */

/* Conversions of half precision in vectors (Zvfhmin); set by ln_dispatch_init. Those that use them: */
extern bool ln_cpu_zvfhmin;
void ln_cpu_find_zvfhmin(void);
void ln_f16_to_f32_zvfhmin(float *y, const uint16_t *x, size_t n);
void ln_f32_to_f16_zvfhmin(uint16_t *y, const float *x, size_t n);
#endif
#endif

#endif
