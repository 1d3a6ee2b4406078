/* SPDX-License-Identifier: Apache-2.0
 *
 * The float32 matrix product C = act(A B + bias + R), for products and convolutions alike.
 *
 * A is read through row pointers: K is `taps` pieces of k elements, and row i of tap t starts where a pointer says. A
 * dense matrix has one tap; a convolution has one per position of its window, with pointers into the channels-last
 * image, or to a row of zeros in the padding. B is packed in panels of nr columns, each headed by its nr biases. The
 * geometry is data in a descriptor: packing (gemm_pack.c), blocks (gemm_block.c) and loops (gemm_f32.c) are portable C.
 *
 * What may run in parallel are the tiles of C; K is never divided between threads and is blocked by its size alone,
 * so that a result does not depend on the number of threads.
 */
#ifndef LN_KERNELS_GEMM_H
#define LN_KERNELS_GEMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/act.h"
#include "kernels/kernels.h"

/* One call of a micro-kernel: c[0..m)[0..n) = clamp(bias + r + sum over taps and k of a b). */
typedef struct ln_gemm_f32_tile {
    size_t m, n;           /* 1..mr, 1..nr */
    size_t taps, k;        /* either may be 0 */
    const float *const *a; /* row i of tap t: a[t * a_stride + i] + a_offset */
    size_t a_stride, a_offset;
    const float *b;       /* taps * k rows of nr; 64-byte aligned where nr * 4 is a multiple of 64 */
    const uint16_t *half; /* B for the micro-kernels of 16 bits */
    const float *bias;    /* nr elements, or NULL: 0 */
    const float *r;       /* added; may be c; NULL: nothing */
    size_t ldr;
    float *c;
    size_t ldc;
    bool clamp, far;  /* far: c is likely to lie beyond the second cache */
    bool from_memory; /* b is likely to lie beyond all caches */
    float lo, hi;
    const float *next; /* to be fetched to the second cache, a line of 64 bytes in each step of k; NULL: nothing */
} ln_gemm_f32_tile;

typedef void ln_gemm_f32_fn(const ln_gemm_f32_tile *t);

typedef struct ln_gemm_f32_desc {
    uint16_t mr, nr;    /* the largest tile */
    uint16_t kc;        /* K of a block: mr x kc of A stay in the first cache */
    uint16_t kc_copied; /* the same where A is copied and B streams, so that C is met few times; 0: kc */
    uint16_t mc;        /* rows of a block */
    uint32_t nc_bytes;  /* bytes of B that a block keeps in the second cache */
    ln_gemm_f32_fn *tile;
    ln_gemm_f32_fn *tile_f16,
        *tile_bf16; /* for at most LN_GEMM_FEW_ROWS rows, with B of 16 bits; NULL: there is none */
    /* Packs n columns of k rows of B, from element `at` of each on, as panels without biases; NULL: there is none. */
    void (*panels)(float *to, const float *const *b, size_t at, size_t k, size_t n);
    bool fetches;  /* tile fetches next, so that B may stream */
    bool no_lines; /* lineconv_f32 is no faster than this where both can do it */
    int dw_planes; /* dwplanes_f32 is faster than turning planes for dwconv_f32 and back: 1; for all its windows: 2 */
} ln_gemm_f32_desc;

extern const ln_gemm_f32_desc ln_gemm_f32_small; /* the scalar one, as firmware has it (not there, but on a host) */

#define LN_GEMM_FEW_ROWS 6 /* rows up to which strides do no harm, and K need not be blocked */

/* -- packing ------------------------------------------------------------------------------------------------------ */

/* Elements of packed B; SIZE_MAX when that is more than a size_t of bytes holds. */
size_t ln_gemm_f32_packed(const ln_gemm_f32_desc *d, size_t n, size_t taps, size_t k);

/* Where the elements of B lie: column j, tap t, row i at b[j * n_stride + t * tap_stride + i * k_stride]. Taps in two
 * or three dimensions: the two inner sizes are in grid, and grid_stride has what replaces tap_stride. */
typedef struct ln_gemm_f32_b {
    const float *b;
    size_t n_stride, tap_stride, k_stride;
    size_t grid[2]; /* 0: taps are in one dimension */
    ptrdiff_t grid_stride[3];
    const float *bias; /* n elements, bias_stride apart (0: one for all); NULL: none */
    size_t bias_stride;
    float scale, bias_scale; /* B and bias are multiplied by these */
} ln_gemm_f32_b;

/* Packs panels [begin, end) of the n / nr, rounded up. */
void ln_gemm_f32_pack(const ln_gemm_f32_desc *d, float *packed, size_t n, size_t taps, size_t k, const ln_gemm_f32_b *b,
                      size_t begin, size_t end);

/* The same of rows [begin, end) of k of a B of one tap, in all panels; b->b is row `begin`. With the first row come the
 * biases. */
void ln_gemm_f32_pack_rows(const ln_gemm_f32_desc *d, float *packed, size_t n, size_t k, const ln_gemm_f32_b *b,
                           size_t begin, size_t end);

/* The same for a B in 16 bits, with no bias at the heads; k of all taps. */
size_t ln_gemm_f32_packed_half(const ln_gemm_f32_desc *d, size_t n, size_t k);
void ln_gemm_f32_pack_half(const ln_gemm_f32_desc *d, uint16_t *packed, size_t n, size_t taps, size_t k,
                           const uint16_t *b, size_t n_stride, size_t tap_stride, size_t k_stride);

/* -- the product -------------------------------------------------------------------------------------------------- */

/* Fills rows[t * stride + i] for rows begin + i, i < count, and all taps. */
typedef void ln_gemm_rows_fn(const void *arg, size_t begin, size_t count, const float **rows, size_t stride);

typedef struct ln_gemm_f32_job {
    const ln_gemm_f32_desc *d;
    size_t m, n, taps, k;
    const float *a; /* dense A, where rows is NULL (taps is 1): element (i, p) at a[i * a_row + p * a_col] */
    size_t a_row, a_col;
    ln_gemm_rows_fn *rows;
    const void *rows_arg;
    const float *zero; /* what rows has for taps outside of an image, which are left out then; NULL: there are none */
    size_t rows_pitch; /* elements between the starts of neighbouring rows; 0: varies. Only guides the copying of A */
    const float *b;    /* packed */
    /* Or packed in 16 bits by ln_gemm_f32_pack_half, and the kernel that makes float32 of them, a block at a time in
     * the worker's scratch: */
    const uint16_t *half;
    const float *half_bias; /* of whole panels, or NULL */
    ln_VCONVERT *widen;
    /* Or as pairs by ln_gemm_bf16_pack, without widen. A is bfloat16 by its values (an even k, or one tap; a_col is 1),
     * or by its type: then it is here. */
    bool pairs;
    const uint16_t *half_a;
    bool bfloat16; /* what half is, if not float16 */
    bool cached;   /* b is likely to be in a cache, so that few rows are best read in one stream */
    float *c;
    size_t ldc;
    const float *r; /* residual, or NULL; may be c */
    size_t ldr;
    ln_act act;
    float lo, hi;
    /* By ln_gemm_f32_prepare: */
    size_t mc, nc, kc, tap_block, step, unit, last_unit, line, lines, tiles, bands;
    bool copy, by_columns;
    size_t mr; /* rows of a sliver */
} ln_gemm_f32_job;

/* Chooses the blocks. d, m, n, taps, k, widen and the layout of A are set. */
void ln_gemm_f32_prepare(ln_gemm_f32_job *job, size_t threads);

/* Bytes of scratch that each worker needs for a job of at most m rows and n columns, whatever the blocks. n is SIZE_MAX
 * where it is not known, or A lies transposed. */
size_t ln_gemm_f32_scratch(const ln_gemm_f32_desc *d, size_t m, size_t n, size_t taps, size_t k);
/* What comes on top for a packed B of 16 bits, of n columns; k of all taps. */
size_t ln_gemm_f32_scratch_half(const ln_gemm_f32_desc *d, size_t n, size_t k);

/* Does tiles [begin, end) of job->tiles, best many at once, with a worker's scratch (64-byte aligned). */
void ln_gemm_f32_run(const ln_gemm_f32_job *job, void *scratch, size_t begin, size_t end);

/* Tile i of all those of `groups` jobs alike, the rows of a thread together: which group, which of its tiles, and how
 * many of that group follow one another from there. */
size_t ln_gemm_f32_group(const ln_gemm_f32_job *job, size_t groups, size_t i, size_t *tile, size_t *count);

/* Nanoseconds that a tile takes, roughly. */
double ln_gemm_f32_cost(const ln_gemm_f32_job *job);

#endif
