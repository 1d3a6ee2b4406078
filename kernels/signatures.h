/* SPDX-License-Identifier: Apache-2.0
 *
 * The signatures of kernels: every kernel of a signature has this contract. Sizes are in elements, strides in elements
 * unless a name ends in _bytes. Unless said otherwise buffers need only the alignment of their elements, do not
 * overlap, any size may be 0, and no byte outside the given extents is read or written.
 */
#ifndef LN_KERNELS_SIGNATURES_H
#define LN_KERNELS_SIGNATURES_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/fft.h"

/* y[j] = sum over i < k of a[i] b[i * ldb + j], j < n: the rows of b are ldb apart. */
typedef void ln_VGEMV_F32(float *y, const float *a, const float *b, size_t ldb, size_t k, size_t n);
/* y[j] = sum over i < k of a[i] b[j * ldb + i], j < n. */
typedef void ln_VGEMV_T_F32(float *y, const float *a, const float *b, size_t ldb, size_t k, size_t n);

/* A step of an LSTM of n units, s = gates + h R of each gate: c = sigmoid(s_f) c + sigmoid(s_i) tanh(s_c), y =
 * sigmoid(s_o) tanh(c). gates: i, o, f, c, n elements each, which may be written over. r: R in panels of `width` units,
 * the columns of a panel of gemm_f32; for each of the n elements of h a row of them, gate after gate, zeros behind the
 * last unit. With `back` panels are read from the last to the first. */
typedef void ln_LSTM_STEP_F32(float *y, float *c, float *gates, const float *h, const float *r, size_t n, size_t width,
                              int back);
/* A step of a GRU of n units: z = sigmoid(gates_z + h R_z), r = sigmoid(gates_r + h R_r), x = tanh(gates_h + (r h) R_h)
 * or, with a bias, tanh(gates_h + r (h R_h + bias)); y = (1 - z) x + z h. gates: z, r, h, n elements each; z is written
 * over. reset: scratch of n. r: R_z and R_r in panels as above, r2: R_h in panels of twice as many units. */
typedef void ln_GRU_STEP_F32(float *y, float *gates, float *reset, const float *h, const float *r, const float *r2,
                             const float *bias, size_t n, size_t width, int back);

/* y[j * ldy + i] = x[i * ldx + j], i < rows, j < cols. */
typedef void ln_TRANSPOSE_F32(float *y, size_t ldy, const float *x, size_t ldx, size_t rows, size_t cols);
typedef void ln_TRANSPOSE_U8(uint8_t *y, size_t ldy, const uint8_t *x, size_t ldx, size_t rows, size_t cols);

/* y[2 i] = a[i], y[2 i + 1] = b[i], i < n; a and b may be the same. */
typedef void ln_ZIP_U32(uint32_t *y, const uint32_t *a, const uint32_t *b, size_t n);
/* a[i] = x[2 i], b[i] = x[2 i + 1], i < n. b may be NULL; x[2 n - 1] is then not read. */
typedef void ln_UNZIP_U32(uint32_t *a, uint32_t *b, const uint32_t *x, size_t n);
/* y[i] = x[index[i]], i < n; indices in [0, n_x). */
typedef void ln_GATHER_U32(uint32_t *y, const uint32_t *x, size_t n_x, const int32_t *index, size_t n);

/* y[i] = the sigmoid in integers (qsigmoid.h) of x[i], i < n; y may be x. x is above INT32_MIN. */
typedef void ln_VUNARY_I32(int32_t *y, const int32_t *x, size_t n);

/* y[c] = the maximum of x[r][c] over r < rows, NaN if one of them is; -inf for no rows. c < n. */
typedef void ln_VPOOL_MAX_F32(float *y, const float *const *x, size_t rows, size_t n);
/* y[c] = scale * the sum of x[r][c] over r < rows, in order. c < n. */
typedef void ln_VPOOL_SUM_F32(float *y, const float *const *x, size_t rows, size_t n, float scale);

/* Pools of a plane: see kernels/pool.h. */
struct ln_pool_plane;
typedef void ln_POOL_PLANE_F32(const struct ln_pool_plane *g);

/* y[i] = x[i] * (bias + scale * the sum of x[j]^2 over i - before <= j < i - before + size)^-0.75; beyond the n
 * elements x is 0. 0 <= before < size. squares: n + size - 1 elements of scratch. y == x is allowed. */
typedef void ln_VLRN_F32(float *y, const float *x, size_t n, float *squares, size_t before, size_t size, float scale,
                         float bias);

/* Winograd (kernels/winograd.h): the 36 (along a line: 6) transformed values of a tile, v[i * pitch + c], of as many
 * input pixels, row-major, each a row of n channels. */
typedef void ln_WINOGRAD_IN(float *v, size_t pitch, const float *const *x, size_t n);
/* The 16 (4) output pixels of a tile, of its 36 (6) products m[i * pitch + c]: y[p][c] = clamp(transformed + bias[c] +
 * r[p][c]). y[p] NULL: not stored. r NULL: nothing; else it has a pointer where y has one. */
typedef void ln_WINOGRAD_OUT(float *const *y, const float *m, size_t pitch, const float *bias, const float *const *r,
                             float lo, float hi, size_t n);
/* The 36 (6) transformed weights of n <= LN_WINOGRAD_LANES outputs for one channel, of w[o * step + 0 .. 8 (2)]:
 * to[point * plane + o]. */
typedef void ln_WINOGRAD_WEIGHTS(float *to, size_t plane, const float *w, size_t step, size_t n);

/* Depthwise convolution of one output row: see kernels/conv.h. */
struct ln_line_conv;
typedef void ln_LINECONV_F32(const struct ln_line_conv *l);

struct ln_dw_planes;
typedef void ln_DWPLANES_F32(const struct ln_dw_planes *d);

struct ln_dwconv_row;
typedef void ln_DWCONV_F32(const struct ln_dwconv_row *d, size_t begin, size_t end);

/* y[i] = f(x[i]), i < n. y == x is allowed. */
typedef void ln_VUNARY_F32(float *y, const float *x, size_t n);

/* The same with parameters; which, stands beside the kernel's row. p does not overlap y. */
typedef void ln_VUNARY_P_F32(float *y, const float *x, size_t n, const float *p);

/* y[i] = f(a[i * a_step], b[i * b_step]), i < n; a step is 0 or 1. y == a and y == b are allowed. */
typedef void ln_VBINARY_F32(float *y, const float *a, const float *b, size_t n, size_t a_step, size_t b_step);

/* One number from x[i], i < n, in an order that depends on n alone. p: sum_square sums (x - p)^2, sum_exp e^(x - p) for
 * x - p <= 88; the others ignore it. Of no elements: 0, product 1, greatest -infinity, least infinity. A NaN gives a
 * NaN. */
typedef float ln_VREDUCE_F32(const float *x, size_t n, float p);

/* y[i] = test[i] ? a[i * a_step] : b[i * b_step], i < n, elements of the kernel's width in bits; a step is 0 or 1. y ==
 * a and y == b are allowed. */
typedef void ln_VWHERE(void *y, const uint8_t *test, const void *a, const void *b, size_t n, size_t a_step,
                       size_t b_step);

/* y[i] = a[i * a_step] op b[i * b_step], 0 or 1, i < n; a step is 0 or 1. */
typedef void ln_VCOMPARE_F32(uint8_t *y, const float *a, const float *b, size_t n, size_t a_step, size_t b_step);

/* y[i] = x[i] in another element type, i < n; the types are in the kernel's name. y == x is allowed where they have the
 * same size. */
typedef void ln_VCONVERT(void *y, const void *x, size_t n);

/* The first or last i < n with x[i] == value (a NaN equals any NaN); n: there is none. */
typedef size_t ln_VFIND_F32(const float *x, size_t n, float value);

/* A number that at least k of the elements reach (are not below; not above), as great (as small) as is found at little
 * cost: the k-th best of a few of them. -infinity (infinity) where none is found. Elements are no NaN, or do not count.
 */
typedef float ln_VREACH_F32(const float *x, size_t n, size_t k);

/* at[0..] = the indices i < n, in order, of the elements that are not below (above) limit, a NaN among them; returns
 * how many. at has room for n; n < 2^32. */
typedef size_t ln_VSIFT_F32(uint32_t *at, const float *x, size_t n, float limit);

/* y[i] = sum over r < rows of weight[r] * x[r][i], i < n, added to y where add is not 0. rows >= 1. */
typedef void ln_BLEND_F32(float *y, const float *const *x, const float *weight, size_t rows, size_t n, int add);

/* y[i] = sum over t < taps of weight[t * n + i] * x[index[t * n + i]], i < n; taps >= 1, indices in [0, n_x). */
typedef void ln_RESIZE_ROW_F32(float *y, const float *x, size_t n_x, const int32_t *index, const float *weight,
                               size_t taps, size_t n);

/* y[i] += f(x[i] - p[i]); p may be NULL for zeros. */
typedef void ln_VCOLUMNS_F32(float *y, const float *x, const float *p, size_t n);

/* Each of `rows` rows of n elements, ld apart, becomes e^(s - max) over its sum. n > 0. */
typedef void ln_VSOFTMAX_ROWS(float *s, size_t ld, size_t rows, size_t n);

/* y[i] = (x[i] - mean) * scale * a[i] + b[i]; a, b may be NULL: 1, 0. y == x is allowed. */
typedef void ln_VNORMALIZE_F32(float *y, const float *x, size_t n, float mean, float scale, const float *a,
                               const float *b);

/* y[i] = (x[i] - mean) * inverse * a[j] + b[j] in `rows` rows of n elements, one after the other, j the place in the
 * row; inverse is 1 / sqrt(variance + epsilon). With rms the mean is 0. a, b may be NULL: 1, 0. mean, inverse: room for
 * `rows`, what each row has. y == x is allowed. n > 0. */
typedef void ln_VLAYERNORM_F32(float *y, const float *x, size_t rows, size_t n, float epsilon, int rms, const float *a,
                               const float *b, float *mean, float *inverse);

/* y[i] = saturate(round(x[i] / scale) + zero) in [low, low + 255], as a byte: low is 0 for uint8, -128 for int8. Half
 * to even; NaN gives low. */
typedef void ln_VQUANTIZE8(uint8_t *y, const float *x, size_t n, float scale, int32_t zero, int32_t low);

/* y[i] = ((x[i] ^ flip) - zero) * scale: flip is 0 for uint8; int8 goes with flip 0x80 and zero + 128. */
typedef void ln_VDEQUANTIZE8(float *y, const uint8_t *x, size_t n, float scale, int32_t zero, uint32_t flip);

/* Runs a plan of the type (kernels/fft.h). scratch: ln_fft_scratch(plan) bytes, aligned to 64. In place is not allowed.
 */
typedef void ln_FFT(const ln_fft_plan *plan, const ln_fft_job *job, void *scratch);
/* sums[i] = the sum of the k bytes of row a[i], each ^ flip as unsigned, i < m. */
typedef void ln_QROWSUM(int32_t *sums, const uint8_t *const *a, size_t m, size_t k, uint32_t flip);

/* Depthwise convolution of one output pixel row: see kernels/qgemm.h. */
struct ln_qdepthwise_args;
typedef void ln_QDEPTHWISE(uint8_t *y, const uint8_t *const *x, size_t pixels, size_t channels,
                           const struct ln_qdepthwise_args *g);

/* Quantised addition and multiplication: see kernels/qgemm.h. */
struct ln_qbinary_args;
typedef void ln_QBINARY8(uint8_t *c, const uint8_t *a, const uint8_t *b, size_t n, const struct ln_qbinary_args *g);

/* y[c] = the greatest of rows[t][c], t < taps, c < n; taps > 0. flip: 0x80 for int8. */
typedef void ln_QPOOL_MAX8(uint8_t *y, const uint8_t *const *rows, size_t taps, size_t n, uint32_t flip);
/* Their quantised mean: see kernels/qgemm.h. */
struct ln_qmean_args;
typedef void ln_QPOOL_MEAN8(uint8_t *y, const uint8_t *const *rows, size_t taps, size_t n,
                            const struct ln_qmean_args *g);

#endif
