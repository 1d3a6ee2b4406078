/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolution of channels-last images over the product of gemm.h: where the rows of the virtual im2col matrix start.
 * Spatial dimensions are three, depth, height, width; fewer have leading ones.
 */
#ifndef LN_KERNELS_CONV_H
#define LN_KERNELS_CONV_H

#include "kernels/gemm.h"

typedef struct ln_conv_shape {
    size_t in[3], out[3], kernel[3], stride[3], dilation[3];
    size_t pad[3];       /* before the first element; what lies behind the last one follows from out */
    size_t pixel, image; /* elements from pixel to pixel, from image to image of the batch */
} ln_conv_shape;

/* The argument of ln_conv_rows: x is channel 0 (of the group) of pixel 0, zero a row of zeros as long as a tap. */
typedef struct ln_conv_source {
    const ln_conv_shape *shape;
    const float *x, *zero;
} ln_conv_source;

/* An ln_gemm_rows_fn: output pixels are rows of the product, in order of image, depth, height, width; positions of
 * the kernel are taps. */
void ln_conv_rows(const void *arg, size_t begin, size_t count, const float **rows, size_t stride);

/* One output row of a depthwise convolution, channels-last: y[o][c] = clamp(bias[c] + r[o][c] + sum over i < kh,
 * j < kw of rows[i][o * stride + j * dilation - pad][c] w[i][j][c]). A call of ln_DWCONV_F32 does some of its channels.
 */
typedef struct ln_dwconv_row {
    size_t channels, kh, kw;
    size_t in_w, out_w, stride, dilation, pad;
    const float *const *rows; /* kh starts of input rows; NULL: a row of padding */
    size_t x_pixel, y_pixel;  /* elements from pixel to pixel; r like y */
    const float *w;           /* kh * kw rows of channels elements */
    const float *bias;        /* NULL: 0 */
    const float *r;           /* NULL: 0; may be y */
    float *y;
    float lo, hi; /* -inf, inf: no clamp */
} ln_dwconv_row;

/* One output line of a convolution of channels-last images that are padded already, so that every line of a window is
 * one piece: y[o][c] = clamp(bias[c] + sum over i < lines, j < k of rows[i][o * pitch + j] w[i][j][c]). Weights and
 * biases are packed as for the product (ln_gemm_f32_pack, panels of nr columns of the descriptor of the same tier). */
typedef struct ln_line_conv {
    const float *const *rows;
    size_t lines, k, pitch, out_w;
    const float *b; /* packed */
    size_t n, nr;   /* output channels, columns of a panel */
    float *y;
    size_t y_pixel; /* elements from pixel to pixel */
    float lo, hi;   /* -inf, inf: no clamp */
} ln_line_conv;

/* What lineconv_f32 does for a panel of at most eight columns, on tier avx512. */
void ln_lineconv_narrow_avx512(const ln_line_conv *l, const float *panel, float *y, size_t n);

#endif
