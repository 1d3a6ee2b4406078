/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of separable interpolation: one axis of a row by a table of taps, and blends of whole rows. Float32 goes by the
 * kernels resize_row_f32 and blend_f32 (signatures.h), float64 is plain C.
 */
#ifndef LN_KERNELS_RESIZE_H
#define LN_KERNELS_RESIZE_H

#include <stddef.h>
#include <stdint.h>

/* y[i * inner + c] = sum over t < taps of weight[t * n + i] * x[index[t * n + i] * inner + c], i < n, c < inner; x has
 * n_x * inner elements. */
void ln_resize_row_f32(float *y, const float *x, int64_t n_x, const int32_t *index, const float *weight, int32_t taps,
                       int64_t n, int64_t inner);
void ln_resize_row_f64(double *y, const double *x, int64_t n_x, const int32_t *index, const double *weight,
                       int32_t taps, int64_t n, int64_t inner);

/* y[i] = sum over r < rows of weight[r] * x[r][i], added to y where add is not 0. rows >= 1. */
void ln_blend_f32(float *y, const float *const *x, const float *weight, int32_t rows, int64_t n, int add);
void ln_blend_f64(double *y, const double *const *x, const double *weight, int32_t rows, int64_t n, int add);

/* y[i] = x[index[i]], i < n, of n_x elements of `size` bytes, aligned for elements of `align` bytes. */
void ln_gather_elements(void *y, const void *x, int64_t n_x, const int32_t *index, size_t size, size_t align,
                        int64_t n);

#endif
