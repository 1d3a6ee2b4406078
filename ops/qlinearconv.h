/* SPDX-License-Identifier: Apache-2.0
 *
 * Parameters of QLinearConv and ConvInteger: qlinearconv.c infers and plans, qlinearconv_run.c packs weights and runs,
 * qlinearconv_lines.c runs by lines, qlinearconv_planes.c images with channels first.
 */
#ifndef LN_OPS_QLINEARCONV_H
#define LN_OPS_QLINEARCONV_H

#include "ops/qproduct.h"
#include "ops/qwindow.h"

enum { LN_QCONV_PIXELS = 48, LN_QCONV_FEW_PIXELS = 8 }; /* of a task; of one that takes little scratch */
/* A position of the window is a row of channels where it lies; the window is copied into one; so is every line of it
 * where it lies in a padded line. Planes: pixels are lanes, not channels. */
enum { LN_QCONV_ROWS, LN_QCONV_COPY, LN_QCONV_LINES, LN_QCONV_DEPTHWISE, LN_QCONV_PLANES };
enum { LN_QCONV_HIGH = 16 }; /* lines of a window at most, by lines */

typedef struct ln_qconv {
    ln_qwindow_attrs window;
    int64_t group, channels_last, ms_channels_last;
    ln_qwindow w;
    int64_t batch, channels, group_channels, outputs, group_outputs;
    int64_t group_bytes;                   /* packed weights of a group */
    int64_t packed_scales, scratch_scales; /* offsets */
    int64_t scratch_weights, scratch_image, scratch_zero, scratch_worker, worker_bytes, worker_copy, worker_tile;
    int32_t x_signed, w_signed, y_signed, integer; /* integer: ConvInteger */
    int32_t mode, last, transpose_in, transpose_out;
    int32_t packed, constant_scales, constant_x_zero; /* weights; scales; depthwise takes x's zero point in */
    int32_t sums, w_scales, w_zeros, has_bias;
    int32_t in_w, in_x_zero, in_w_zero; /* inputs; -1: absent */
    int32_t pixels, in_place;           /* of a task; the output may lie where the input does */
    int64_t scratch_lines;              /* copies of lines, where depthwise is in place */
    int64_t joined;                     /* positions of the window that are one segment of the product */
    int32_t by_lines, repeat;           /* depthwise: neighbours that are channels of one pixel */
    int64_t worker_lines, line_bytes;   /* padded lines, as many as the window has and one of padding */
} ln_qconv;

/* One run. */
typedef struct ln_qconv_job {
    const ln_qconv *p;
    const ln_args *a;
    const uint8_t *image; /* of this batch, channels-last */
    const uint8_t *zero;  /* a row of x's zero point */
    const char *weights;
    const float *scales;
    char *y; /* of this batch */
    int32_t x_zero, y_zero;
    bool sums;
} ln_qconv_job;

/* The product of n rows, which have taps / joined segments n apart, and the weights of a group, to c. */
void ln_qconv_product(const ln_qconv_job *j, const uint8_t *const *rows, int64_t n, int64_t group, char *c);
ln_qdepthwise_args ln_qconv_depthwise_args(const ln_qconv_job *j);
/* Rows [0, n) of a tile of n pixels to where output pixel `pixel` is in an NCHW image. */
void ln_qconv_scatter(const ln_qconv_job *j, const char *tile, int64_t pixel, int64_t n);
/* An ln_parallel function: lines of the output, with a job. */
void ln_qconv_lines(void *arg, int32_t worker, int64_t begin, int64_t end);

/* Likewise, of an image with channels first. Whether such is done, once all else is known; scratch of workers is from
 * `at` on; packing. */
void ln_qconv_planes(void *arg, int32_t worker, int64_t begin, int64_t end);
bool ln_qconv_is_planes(const ln_ctx *c, const ln_qconv *p);
void ln_qconv_plan_planes(ln_qconv *p, int64_t at);
size_t ln_qconv_planes_bytes(const ln_qconv *p);
void ln_qconv_pack_planes(const ln_qconv *p, void *to, const uint8_t *w, const int32_t *bias, int32_t x_zero);

/* Packs the weights of all groups; returns whether row sums are needed. */
bool ln_qconv_pack(const ln_qconv *p, void *to, const void *w, const void *w_zero, const int32_t *bias, int32_t x_zero);
/* Depthwise: where in the packed weights those in 8 bits are, and before them whether they fit. */
size_t ln_qconv_depthwise8_at(const ln_qconv *p);
void ln_qconv_scales(const ln_qconv *p, float *to, const float *x, const float *w, const float *y);

/* ln_qlinearconv runs everything, the others what is packed and has constant scales. */
linnet_status ln_qlinearconv(const ln_args *a);
linnet_status ln_qlinearconv_packed(const ln_args *a);
linnet_status ln_qlinearconv_lines(const ln_args *a);
linnet_status ln_qlinearconv_planes(const ln_args *a);
linnet_status ln_qlinearconv_in_place(const ln_args *a);

#endif
