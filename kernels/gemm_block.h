/* SPDX-License-Identifier: Apache-2.0
 *
 * What choosing the blocks of the float32 product (gemm_block.c) and running them (gemm_f32.c) have in common.
 */
#ifndef LN_KERNELS_GEMM_BLOCK_H
#define LN_KERNELS_GEMM_BLOCK_H

#include <stdint.h>

#include "kernels/gemm_bf16.h"

#define SHORT_TAP 16 /* elements below which taps are copied together */

/* Tiers of firmware have slivers of one height, and no pairs. */
#ifdef LN_FIRMWARE
#define MR(job) ((size_t)(job)->d->mr)
#define PAIRS(job) false
#else
#define MR(job) ((job)->mr)
#define PAIRS(job) ((job)->pairs)
#endif

/* The micro-kernel that widens B as it loads it, or NULL. */
static inline ln_gemm_f32_fn *widening_tile(const ln_gemm_f32_job *job)
{
    if (!job->widen || job->m > LN_GEMM_FEW_ROWS)
        return NULL;
    return job->bfloat16 ? job->d->tile_bf16 : job->d->tile_f16;
}

static inline size_t ceil_div(size_t a, size_t b)
{
    return a / b + (a % b != 0);
}

static inline size_t min(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* From row to row of a copied block of A: rows that do not fight for the same sets of a cache. */
static inline size_t copied_pitch(size_t block)
{
    size_t ld = (block + 15) / 16 * 16;
    return ld % 512 == 0 ? ld + 16 : ld;
}

/* Pointers to the rows of mc rows, and the copy of their block of K. */
static inline size_t scratch_of(size_t mc, size_t taps, size_t block, bool copy)
{
    size_t pointers = mc * ((taps ? taps : 1) + 1) * sizeof(float *);
    return (pointers + 63) / 64 * 64 + (copy ? mc * copied_pitch(block) * sizeof(float) : 0);
}

#endif
