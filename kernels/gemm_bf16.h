/* SPDX-License-Identifier: Apache-2.0
 *
 * Products of two bfloat16 operands with sums in float32, for processors that multiply pairs of them (AVX512-BF16): a
 * job of gemm.h with `pairs`. K goes in pairs: B is packed in panels of nr columns with the two elements of a pair side
 * by side, and rows of A are copied, block by block, so that pairs lie so, too; float32 that are bfloat16 by their
 * values are narrowed on the way. A K that is odd has a zero behind it.
 *
 * A sum is rounded to nearest even after each product, which itself is exact; denormal elements, products and sums
 * count as zero (Intel SDM, VDPBF16PS). So results are not those of the multiply-adds of float32, but as near.
 */
#ifndef LN_KERNELS_GEMM_BF16_H
#define LN_KERNELS_GEMM_BF16_H

#include "kernels/gemm.h"

/* One call of the micro-kernel: c[0..m)[0..n) = clamp(bias + r + sum over 2 * pairs of a b). */
typedef struct ln_gemm_bf16_tile {
    size_t m, n, pairs;
    const uint16_t *const *a; /* m rows */
    const uint16_t *b;        /* pairs rows of 2 * nr */
    const float *bias;        /* nr elements, or NULL: 0 */
    const float *r;           /* added; may be c; NULL: nothing */
    size_t ldr;
    float *c;
    size_t ldc;
    bool clamp, far; /* far: c is likely to lie beyond the second cache */
    float lo, hi;
} ln_gemm_bf16_tile;

typedef void ln_gemm_bf16_fn(const ln_gemm_bf16_tile *t);
ln_gemm_bf16_fn ln_gemm_bf16_tile_avx512bf16;

/* y[i] = x[i], i < n, which are bfloat16 by their values. */
typedef void ln_gemm_bf16_narrow_fn(uint16_t *y, const float *x, size_t n);
ln_gemm_bf16_narrow_fn ln_gemm_bf16_narrow_avx512bf16;

/* Whether there is a micro-kernel for tiles of d that may be planned: LINNET_CPU forbids it where it names any tier,
 * and plans for other machines have none. */
bool ln_gemm_bf16_there(const ln_gemm_f32_desc *d);

/* Elements of packed B (SIZE_MAX when that is more than a size_t of bytes holds), and packing; see
 * ln_gemm_f32_pack_half. */
size_t ln_gemm_bf16_packed(const ln_gemm_f32_desc *d, size_t n, size_t taps, size_t k);
void ln_gemm_bf16_pack(const ln_gemm_f32_desc *d, uint16_t *packed, size_t n, size_t taps, size_t k, const uint16_t *b,
                       size_t n_stride, size_t tap_stride, size_t k_stride);

/* Bytes of scratch that each worker needs for a job of at most m rows. */
size_t ln_gemm_bf16_scratch(const ln_gemm_f32_desc *d, size_t m, size_t taps, size_t k);

/* For gemm_block.c and gemm_f32.c: the depth of blocks, and one of them, rows [m0, m0 + m) by columns [n0, n0 + n). */
size_t ln_gemm_bf16_depth(const ln_gemm_f32_desc *d);
void ln_gemm_bf16_block(const ln_gemm_f32_job *job, char *scratch, size_t m0, size_t m, size_t n0, size_t n);

#endif
