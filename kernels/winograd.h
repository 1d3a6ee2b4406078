/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolution 3 x 3 of stride 1 by Winograd's minimal filtering F(4 x 4, 3 x 3): 36 products for 16 outputs instead of
 * 144 (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015; points 0, 1, -1, 2, -2). Tiles of
 * 6 x 6 input pixels are transformed, each of the 36 positions is a matrix product over channels, and the results are
 * transformed back. Rounding differs from the direct sum: errors are some ten times as large.
 *
 * Windows of 3 along one dimension have F(4, 3), half of that in each respect: 6 products for 4 outputs instead of 12.
 * Dilated, an input is as many inputs that alternate.
 */
#ifndef LN_KERNELS_WINOGRAD_H
#define LN_KERNELS_WINOGRAD_H

#include "kernels/gemm.h"

#define LN_WINOGRAD_TILE 4    /* outputs in a direction */
#define LN_WINOGRAD_IN 6      /* inputs in a direction */
#define LN_WINOGRAD_POINTS 36 /* 3 x 3; LN_WINOGRAD_IN for 3 */
#define LN_WINOGRAD_LANES 8   /* outputs whose weights are transformed at a time */

/* Elements of the packed weights of one position, a multiple of 16. */
size_t ln_winograd_packed(const ln_gemm_f32_desc *d, size_t outputs, size_t channels);

/* Transforms weights w[output][channel][3][3] and packs them, position after position; the biases in the panels are 0.
 * The memory is zeroed before. Of panels [begin, end), w being the weights of the first. */
void ln_winograd_pack(const ln_gemm_f32_desc *d, float *packed, const float *w, size_t outputs, size_t channels,
                      size_t begin, size_t end);
/* The same of w[output][channel][3]. */
void ln_winograd_line_pack(const ln_gemm_f32_desc *d, float *packed, const float *w, size_t outputs, size_t channels,
                           size_t begin, size_t end);

#endif
