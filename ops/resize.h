/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables of Resize: for each output index of an axis, the input indices that it is made from (taps) and their
 * weights. Interpolation is separable, so that axes are independent of each other.
 */
#ifndef LN_OPS_RESIZE_H
#define LN_OPS_RESIZE_H

#include "ops/moving.h"

enum { LN_RESIZE_NEAREST, LN_RESIZE_LINEAR, LN_RESIZE_CUBIC };
enum {
    LN_RESIZE_HALF_PIXEL,
    LN_RESIZE_HALF_PIXEL_SYMMETRIC,
    LN_RESIZE_PYTORCH_HALF_PIXEL,
    LN_RESIZE_ALIGN_CORNERS,
    LN_RESIZE_ASYMMETRIC,
    LN_RESIZE_TF_CROP,
    LN_RESIZE_TF_HALF_PIXEL_NN
};
#define LN_RESIZE_COORDINATES                                                                                          \
    "half_pixel|half_pixel_symmetric|pytorch_half_pixel|align_corners|asymmetric|tf_crop_and_resize|"                  \
    "tf_half_pixel_for_nn"
enum { LN_RESIZE_PREFER_FLOOR, LN_RESIZE_PREFER_CEIL, LN_RESIZE_FLOOR, LN_RESIZE_CEIL };

/* What a table depends on. */
typedef struct ln_resize_how {
    int32_t mode, coordinates, nearest, antialias, exclude_outside;
    double cubic_a;
    double start, end; /* roi */
    double scale;
    double length; /* in * scale, before it is rounded to the size of the output */
    int64_t in, out;
} ln_resize_how;

/* Taps of an axis; 0: too many (of an antialiasing filter). */
int32_t ln_resize_taps(const ln_resize_how *how);

/* index[t * out + i], weight[t * out + i], t < taps; outside (NULL: not wanted) gets 1 where the source is outside the
 * input. True: there is such a place. */
bool ln_resize_table(const ln_resize_how *how, int32_t taps, int32_t *index, double *weight, uint8_t *outside);

#endif
