/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolutions of float32 over images as the file has them, channels first, by pixels: the product of the weights, as
 * they lie, with panels of pixels (conv_points.c), or of what windows see (conv_windows.c).
 */
#ifndef LN_OPS_CONV_POINTS_H
#define LN_OPS_CONV_POINTS_H

#include "ops/conv.h"

typedef struct ln_points {
    const ln_args *a;
    const ln_conv *p;
    int64_t k;          /* of the product */
    const float **rows; /* of the weights */
    const float *bias;  /* each as often as a panel has columns; NULL: none */
    const float *r;     /* the residual, or NULL */
    int64_t pieces;     /* of an image, for tasks */
} ln_points;

/* Room in scratch, at at_in and at_packed, and what it is filled with. */
linnet_status ln_conv_points_reserve(ln_ctx *c, ln_conv *p, int64_t *total);
ln_points ln_conv_points_of(const ln_args *a);

/* Pixels of the output whose panels stay in the first cache, or the columns of one. */
int64_t ln_conv_points_columns(const ln_conv *p);

/* n pixels of all output channels, from element `at` of the output on. */
void ln_conv_points_multiply(const ln_points *s, int64_t at, const float *panels, int64_t n);

#endif
