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

/* Depthwise convolution of planes, as tensors with channels first have them: of plane n, y[o][p] = clamp(bias[n] + sum
 * over i, j < k of x[o * stride + i - pad[0]][p * stride + j - pad[1]] w[n][i][j] + r[o][p]), x being 0 outside. */
typedef struct ln_dw_planes {
    size_t planes, in[2], out[2];
    size_t k, stride, pad[2]; /* 3 or 5; 1 or 2; below k */
    const float *x, *w;       /* all planes one after another; k * k each */
    const float *bias, *r;    /* NULL: 0; r like y */
    float *y;                 /* overlaps nothing */
    float lo, hi;             /* -inf, inf: no clamp */
} ln_dw_planes;

/* Whether the kernel takes these windows, and lines of so many outputs are long enough for it to be faster than
 * transposes and dwconv_f32; planes: what the tier has of it (dw_planes of gemm.h). */
static inline bool ln_dw_planes_pays(int planes, int64_t k, int64_t stride, int64_t out_w)
{
    if (planes == 0 || (k != 3 && k != 5) || (k == 5 && stride == 1 && planes < 2))
        return false;
    return (stride == 1 && out_w >= 10) || (stride == 2 && out_w >= 6);
}

/* Whether there is a kernel for a 1x1 convolution in planes (panels of gemm.h) from ci to co channels: its weights,
 * which all pixels meet some at a time, had better stay in the second cache. */
static inline bool ln_points_fit(const ln_gemm_f32_desc *d, int64_t ci, int64_t co)
{
    return d->panels && ci > 0 && co > 0 && ci <= 512 && co <= (128 << 10) / ci;
}

/* Vectors of 16 elements, where those of 8 take half of the time. */
static inline double ln_points_vectors(int64_t n)
{
    return 0.5 * (double)((n + 7) / 8);
}

/* What it has over one with channels last, in multiply-adds of a vector: there channels make the vectors, here pixels,
 * which are copied to panels (the 5); before it begins, biases are repeated. An element that is turned where layouts
 * meet costs LN_POINTS_TURN. */
#define LN_POINTS_TURN 0.58
static inline double ln_points_gain(int64_t ci, int64_t co, int64_t images, int64_t pixels)
{
    double last = (double)pixels * ln_points_vectors(co), planes = (double)(co + 5) * ln_points_vectors(pixels);
    return (double)images * (double)ci * (last - planes) - (double)(16 * co) - 1000;
}

/* One output line of a convolution of channels-last images that are padded already, so that every line of a window is
 * one piece: y[o][c] = clamp(bias[c] + sum over i < lines, j < k of rows[i][o * pitch + j] w[i][j][c]). Weights and
 * biases are packed as for the product (ln_gemm_f32_pack, panels of nr columns of the descriptor of the same tier). */
typedef struct ln_line_conv {
    const float *const *rows;
    size_t lines, k, pitch, out_w; /* lines may be 0: then y is the clamped bias */
    const float *b;                /* packed; perhaps more than these lines: */
    size_t panel, skip; /* elements of a panel in all, and of its weights those before the ones of the first line */
    size_t n, nr;       /* output channels, columns of a panel */
    float *y;
    size_t y_pixel; /* elements from pixel to pixel */
    float lo, hi;   /* -inf, inf: no clamp */
} ln_line_conv;

/* What lineconv_f32 does for a panel of at most eight columns, on tier avx512. */
void ln_lineconv_narrow_avx512(const ln_line_conv *l, const float *panel, float *y, size_t n);

#endif
