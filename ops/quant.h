/* SPDX-License-Identifier: Apache-2.0
 *
 * Which scale belongs to which element (QuantizeLinear, "granularity"): a tensor is cut into segments, contiguous runs
 * of elements with either one scale for all or a contiguous run of scales of their own.
 */
#ifndef LN_OPS_QUANT_H
#define LN_OPS_QUANT_H

#include "ops/convert.h"

typedef struct ln_quant_grid {
    int64_t segments;
    int64_t n;      /* elements of a segment */
    int64_t dim;    /* segments of one outer index, or elements along the blocked axis */
    int64_t block;  /* blocked: elements (vector: rows) that share a scale; 0 elsewhere */
    int64_t blocks; /* blocked: scales along the axis */
    int32_t vector; /* a scale per element of the segment */
    int32_t per_axis;
} ln_quant_grid;

/* The grid of x and its scale. Both shapes are known. Fails where they do not fit. */
linnet_status ln_quant_grid_of(ln_ctx *c, const ln_info *x, const ln_info *scale, int64_t axis, int64_t block,
                               ln_quant_grid *g);

/* First element, elements and first scale of a segment. */
void ln_quant_segment(const ln_quant_grid *g, int64_t segment, int64_t *at, int64_t *n, int64_t *scale);

/* What is done with n elements from `at` on, whose scales begin at `scale`. */
typedef void ln_quant_fn(const void *arg, int64_t at, int64_t n, int64_t scale);

/* Calls fn for the whole tensor, cost nanoseconds an element, by as many threads as pay. */
void ln_quant_run(const ln_args *a, const ln_quant_grid *g, double cost, ln_quant_fn *fn, const void *arg);

/* For infer: checks what is known of the shapes of x (input 0), scale (1) and zero point (2). */
linnet_status ln_quant_check(ln_ctx *c, int64_t axis, int64_t block);

/* DynamicQuantizeLinear of x, on one thread. */
void ln_dynamic_quantize(uint8_t *y, float *scale, uint8_t *zero, const float *x, int64_t n);
/* The least and the greatest of x and 0; NaN where there is one. */
void ln_dynamic_range(const float *x, int64_t n, float *low, float *high);
/* The scale and zero point for a range that holds 0; scale 0 for an empty one. */
void ln_dynamic_scale(float *scale, uint8_t *zero, float low, float high);

#endif
