/* SPDX-License-Identifier: Apache-2.0
 *
 * Parameters and run of Resize.
 */
#ifndef LN_OPS_RESIZE_RUN_H
#define LN_OPS_RESIZE_RUN_H

#include "ops/resize.h"

/* An axis from the first to the last that is resized. index, weight, outside: bytes in a->packed. */
typedef struct ln_resize_axis {
    int64_t in, out;
    int64_t index, weight, outside; /* outside -1: nothing is */
    int32_t taps;                   /* 0: output and input are the same along this axis */
    int32_t pad;
} ln_resize_axis;

typedef struct ln_resize_params {
    ln_move move; /* nothing to resize */
    int32_t mode, coordinates, nearest, policy;
    int64_t antialias, exclude_outside, channels_last;
    float cubic_coeff_a, extrapolation_value;
    int64_t axes[LN_MAX_RANK];
    int32_t n_axes, type; /* type: of the parts of a complex number */
    ln_resize_axis axis[LN_MAX_RANK];
    int64_t outer, inner;         /* elements before and after these axes */
    int64_t rows;                 /* output rows (along the last axis) of one outer index */
    int64_t size;                 /* bytes of an element */
    int32_t n, wide, parts;       /* axes; wide: computed in float64; parts: of a number */
    int32_t slots;                /* rows that are kept resized along the last axis */
    int32_t single;               /* there are too many to keep: one at a time */
    int64_t source, slot, worker; /* bytes in scratch: of a source row, of a slot, of all of a worker */
    uint8_t fill[16];             /* extrapolation_value as an element */
} ln_resize_params;

linnet_status ln_resize(const ln_args *a);

/* Plans the run: how is by dimension of the tensor, of which [first, last] are or lie between those resized;
 * coordinates -1: this one is not. */
linnet_status ln_resize_prepare(ln_ctx *c, ln_resize_params *p, const ln_resize_how *how, int32_t first, int32_t last);

#endif
