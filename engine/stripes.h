/* SPDX-License-Identifier: Apache-2.0
 *
 * The layers of a network that run in stripes, as rows see them.
 */
#ifndef LN_ENGINE_STRIPES_H
#define LN_ENGINE_STRIPES_H

#include "engine/plan.h"
#include "engine/rewrite.h"

enum { LN_STRIPE_MOST = 32, LN_STRIPE_INPUTS = 16 }; /* layers; inputs of a node */

/* An image that a layer takes: row r of the output needs rows r * stride - pad to that + extent. */
typedef struct ln_stripe_source {
    int32_t layer, slot; /* that makes it, -1: the first layer's input; input of the node */
    int64_t extent, stride, pad, rows;
} ln_stripe_source;

typedef struct ln_stripe_layer {
    int32_t node, in_axis, out_axis; /* axes of the rows; the second image's is out_axis */
    int32_t n_in;
    ln_stripe_source in[2];
    int64_t out_rows;
    bool window;
    int64_t pads[4];  /* top, left, bottom, right */
    int32_t value;    /* what it has made for the stripe */
    int64_t from, to; /* its rows */
} ln_stripe_layer;

/* The first layers, at least so many of them that nothing but the last one's output is used elsewhere. Returns how
 * many; fewer than `least` where there are no more, 0 where there are none. */
int32_t ln_stripe_layers(const ln_graph *g, ln_stripe_layer *layers, int32_t least);

#endif
