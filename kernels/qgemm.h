/* SPDX-License-Identifier: Apache-2.0
 *
 * The integer matrix product: 8 bits times 8 bits in int32 (which wraps), and what follows it.
 *
 *   acc[m][n] = bias[n] + sum over s, k of (A[m][s][k] - a_zero) * (B[s][k][n] - b_zero[n])
 *
 * A is read through row pointers as it lies: `segments` pointers per row, each to k bytes, so a convolution needs no
 * im2col (a segment is a kernel position, its padding points at a row of zero points). B is packed in panels of nr
 * columns. In the micro-kernel A is unsigned and B signed: int8 A is flipped (^ 0x80, +128) as it is loaded, uint8 B
 * (-128) as it is packed, and the sums that this and the zero points add are taken off again at the end:
 *
 *   acc = bias + dot(A, B) - a_zero * colsum[n] - b_zero[n] * (rowsum[m] - K * a_zero)
 *
 * A panel: int32 bias[nr], colsum[nr], zero[nr]; then for each segment ceil(k / kr) groups of nr columns of kr bytes,
 * zero where k ends. The geometry (mr, nr, kr) is data, so that packing is one portable function for all tiers.
 */
#ifndef LN_KERNELS_QGEMM_H
#define LN_KERNELS_QGEMM_H

#include <stdbool.h>

#include "kernels/kernels.h"

enum { LN_QGEMM_I32, LN_QGEMM_8, LN_QGEMM_F32 };

/* What is the same for all tiles of a product. */
typedef struct ln_qgemm_args {
    size_t k, segments; /* bytes of a segment; pointers per row */
    size_t a_stride;    /* a[s * a_stride + i] is segment s of row i */
    size_t c_stride;    /* elements */
    uint32_t flip;      /* 0x80: A is int8; else 0 */
    int32_t a_zero;     /* with the 128 of flip */
    int32_t out;        /* LN_QGEMM_... */
    int32_t y_zero;     /* out 8: y = (round half to even of clamp(acc * scale, lo, hi)) + y_zero, low byte stored; */
    float lo, hi;       /* lo, hi are integers with lo + y_zero and hi + y_zero in the range of y */
    /* Per column of the whole product; for a tile the caller moves them along. NULL: 1, 0. */
    const float *scale; /* out 8, F32: times this; NULL is not allowed for out 8 */
    const float *fbias; /* out F32: plus this */
    /* Per row; NULL: none */
    const int32_t *row_sum; /* rowsum[m] - K * a_zero; needed where a b_zero is not 0 */
    const float *row_scale; /* the column's scale times this, rounded, then times acc */
} ln_qgemm_args;

/* c: m x n of int32, bytes or float; 0 < m <= mr, 0 < n <= nr. */
typedef void ln_qgemm_fn(void *c, const uint8_t *const *a, const void *panel, size_t m, size_t n,
                         const ln_qgemm_args *g);

typedef struct ln_qplanes_args ln_qplanes_args;
typedef void ln_qplanes_fn(void *y, const uint8_t *const *line, const ln_qplanes_args *g);

typedef struct ln_qgemm_tile {
    uint16_t mr, nr, kr;
    ln_qgemm_fn *run;
    uint16_t plus; /* to the A of so many bytes at the end of a group the kernel adds 1, for which the bias makes up */
    bool depthwise8;       /* the tier's depthwise kernel reads weights of ln_qdepthwise_pack8 */
    uint16_t lanes;        /* channels that its depthwise kernel takes at once, and wants to be given */
    uint16_t least_pixels; /* from so many of a line on, that fill them together, a copy of lines pays; 0: 4 */
    ln_qplanes_fn *planes; /* NULL: the tier has none */
} ln_qgemm_tile;

/* Else packings need no 64-byte alignment. */
static inline bool ln_qgemm_has_vectors(const ln_qgemm_tile *t)
{
    return t->nr * t->kr >= 16;
}

/* -- packing (portable) ------------------------------------------------------------------------------------------- */

/* Element (s, k, n) of B is b[s * stride_s + k * stride_k + n * stride_n]. */
typedef struct ln_qgemm_b {
    const uint8_t *b;
    size_t segments, k, n;
    size_t stride_s, stride_k, stride_n;
    bool is_signed;
    size_t joined;       /* so many segments, side by side in A, are packed as one of joined * k; 0: 1 */
    const int32_t *bias; /* NULL: 0 */
    const uint8_t *zero; /* of B's type; NULL: 0 */
    size_t zero_stride;  /* 0: one for all columns */
} ln_qgemm_b;

/* A multiple of 64; of 16 where the tile has no vectors. */
size_t ln_qgemm_panel_bytes(const ln_qgemm_tile *t, size_t segments, size_t k);
size_t ln_qgemm_packed_bytes(const ln_qgemm_tile *t, size_t segments, size_t k, size_t n);

/* Returns whether a zero point, as the kernel sees it, is not 0: then row sums are needed. */
bool ln_qgemm_pack(void *packed, const ln_qgemm_tile *t, const ln_qgemm_b *b);

/* -- driver (portable) -------------------------------------------------------------------------------------------- */

/* Rows [0, m) and panels [panel_begin, panel_end) of a product with n columns. `a` is as above with a_stride >= m; c is
 * that of row 0, column 0; per column and per row pointers of g likewise. */
void ln_qgemm(void *c, const uint8_t *const *a, const void *packed, size_t m, size_t n, size_t panel_begin,
              size_t panel_end, const ln_qgemm_tile *t, const ln_qgemm_args *g);

/* rowsum[i] - K * a_zero over all segments, i < m. */
void ln_qgemm_row_sums(int32_t *sums, const uint8_t *const *a, size_t m, const ln_qgemm_args *g);

/* All n columns of a product whose A is a matrix: m rows of k bytes, row_stride apart. The caller sets in g what does
 * not follow from that; with row_sums (what packing returned) those are taken here. */
void ln_qgemm_matrix(void *c, const uint8_t *a, size_t m, size_t row_stride, const void *packed, size_t n,
                     bool row_sums, const ln_qgemm_tile *t, const ln_qgemm_args *g);

/* -- depthwise ------------------------------------------------------------------------------------------------------
 */

/* y[p][c] for `pixels` output pixels with `channels` contiguous channels:
 * acc[c] = bias[c] + sum over taps t of (x[p * taps + t][c] ^ flip) * w[t][c], then out 8 or int32 as in the product.
 * The zero point of x is in the bias (padding points at a row of it, so it holds everywhere), that of w in w. Weights
 * may have more channels than a call does: then these are the first of them. */
typedef struct ln_qdepthwise_args {
    size_t taps;
    size_t y_stride;     /* elements */
    size_t w_stride;     /* elements from tap to tap of w, >= channels */
    const int16_t *w;    /* [taps][w_stride], zero point taken off */
    const int8_t *w8;    /* the same by ln_qdepthwise_pack8, or NULL */
    const int32_t *bias; /* [channels], with -x_zero * the sum of w */
    const float *scale;  /* [channels] */
    uint32_t flip;
    int32_t out; /* LN_QGEMM_I32 or LN_QGEMM_8 */
    int32_t y_zero;
    float lo, hi;
} ln_qdepthwise_args;

/* Weights for kernels that multiply four taps of a channel at once, where all of them fit into 8 bits (else false).
 * Blocks of 64 channels; in a block, for each four taps, four vectors of 64 bytes; lane i of vector j holds the taps of
 * channels 16 i + 4 j + 0..3, which is where interleaving the bytes of four rows puts them. Zero where taps or channels
 * end. */
size_t ln_qdepthwise_bytes8(size_t taps, size_t channels);
bool ln_qdepthwise_pack8(int8_t *to, const int16_t *w, size_t taps, size_t channels);

/* -- few channels of planes -----------------------------------------------------------------------------------------
 */

/* y[c][i] for `outputs` channels and `width` pixels i of a line:
 * acc = start[c] + sum over lines l and taps t of line[l][i * stride + t] * w[c][l][t], then as in the product. Bytes
 * of lines are unsigned, and 128 more of them than the last window has can be read; start has the bias and what zero
 * points add, for channels up to a multiple of LN_QPLANES. */
enum { LN_QPLANES = 4, LN_QPLANES_VECTORS = 4, LN_QPLANES_STRIDE = 4, LN_QPLANES_BEHIND = 128 };

/* Whether at most a quarter of taps and lanes are empty, and the vectors of windows stay in the first cache. */
static inline bool ln_qplanes_pays(int64_t channels, int64_t high, int64_t wide, int64_t stride, int64_t width)
{
    const int64_t groups = (wide + 3) / 4, vectors = (width + 15) / 16;
    return channels <= 8 && high <= 16 && wide <= 64 && channels * high * groups <= 128 && stride >= 1 &&
           stride <= LN_QPLANES_STRIDE && 3 * groups <= wide && 12 * vectors <= width;
}

/* Lines whose taps have vectors of their own, four in each; those of the others fill what is left of these. */
static inline size_t ln_qplanes_lines(size_t lines, size_t wide)
{
    const size_t all = (wide + 3) / 4 * 4;
    return (lines * wide + all - 1) / all;
}

/* Where tap i of a window is among the bytes of its vectors. */
static inline size_t ln_qplanes_byte(size_t lines, size_t wide, size_t i)
{
    const size_t all = (wide + 3) / 4 * 4, whole = ln_qplanes_lines(lines, wide) * wide, spare = all - wide;
    return i < whole ? i / wide * all + i % wide : (i - whole) / spare * all + wide + (i - whole) % spare;
}

struct ln_qplanes_args {
    size_t lines, wide, stride; /* wide: taps of a line; stride: 1 to LN_QPLANES_STRIDE */
    size_t width, outputs;
    size_t y_stride; /* elements from a channel to the next */
    const int8_t *w; /* [outputs / LN_QPLANES][vectors][LN_QPLANES][4]: ln_qplanes_byte() / 4 and % 4 */
    const int32_t *start;
    const float *scale; /* [outputs], below 1 */
    int32_t out;        /* LN_QGEMM_I32 or LN_QGEMM_8, all of whose values are allowed */
    int32_t y_zero;
    float lo;
    void *room; /* 64 LN_QPLANES_VECTORS bytes for every four taps, as aligned */
};

/* -- element-wise ----------------------------------------------------------------------------------------------------
 */

/* With va = (a ^ flip) - a_zero and vb likewise:
 * c = clamp((a_scale * va + b_scale * vb) / c_scale) rounded, + c_zero; or with multiply
 * c = clamp((float)(va * vb) * (a_scale * b_scale / c_scale)) rounded, + c_zero. */
typedef struct ln_qbinary_args {
    float a_scale, b_scale, c_scale;
    int32_t a_zero, b_zero, c_zero;
    uint32_t flip;
    int32_t multiply;
    int32_t a_step, b_step; /* 1, or 0: one element for all */
    float lo, hi;
} ln_qbinary_args;

/* -- pooling ---------------------------------------------------------------------------------------------------------
 */

/* y[c] = clamp(mean) rounded, + y_zero; the zero points x_zero are with the 128 of flip.
 *
 * in_float:  mean = sum / divisor / y_scale, where sum adds x_scale * (float)((x ^ flip) - x_zero) in the order of the
 * taps otherwise: mean = (float)(sum of (x ^ flip) - x_zero) * factor, the sum exact */
typedef struct ln_qmean_args {
    int32_t in_float;
    float x_scale, divisor, y_scale, factor;
    uint32_t flip;
    int32_t x_zero, y_zero;
    float lo, hi;
} ln_qmean_args;

#endif
