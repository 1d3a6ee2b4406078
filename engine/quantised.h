/* SPDX-License-Identifier: Apache-2.0
 *
 * Tensors in integers, as the pass `quantize` sees them: what is between a DequantizeLinear and a QuantizeLinear with
 * constant scales.
 */
#ifndef LN_ENGINE_QUANTISED_H
#define LN_ENGINE_QUANTISED_H

#include "engine/rewrite.h"

/* A tensor of 8 or 16 bits: value, and scale and zero point as values (constants). */
typedef struct ln_quantised {
    int32_t value, scale, zero;
    linnet_type type;
    int64_t axis; /* per-axis scales: the axis; -1: one scale */
} ln_quantised;

bool ln_is_byte(linnet_type type);

/* What `value` is the DequantizeLinear of; of a byte, or of 16 bits, too. per_axis: there may be a vector of scales. */
bool ln_dequantised(ln_graph *g, int32_t value, bool per_axis, ln_quantised *q);
bool ln_dequantised_integer(ln_graph *g, int32_t value, bool per_axis, ln_quantised *q);
/* A QuantizeLinear of one scale to 8 or 16 bits. */
bool ln_quantises(ln_graph *g, const ln_node *n, ln_quantised *q);

float ln_quantised_scale(const ln_graph *g, const ln_quantised *q, int64_t i);
int32_t ln_quantised_zero(const ln_graph *g, const ln_quantised *q);
bool ln_same_scale(const ln_graph *g, const ln_quantised *a, const ln_quantised *b);

/* A bias of n elements in units of the accumulator, scale x * scale w; LN_NO_VALUE with *ok false: not constant or too
 * large. */
int32_t ln_integer_bias(ln_graph *g, int32_t bias, const ln_quantised *x, const ln_quantised *w, int64_t n, bool *ok);

/* An LSTM of what is dequantised whose results are quantised: engine/quantised_lstm.c. */
linnet_status ln_quantised_lstm(ln_graph *g, ln_pass_ctx *c, int32_t node);

#endif
