/* SPDX-License-Identifier: Apache-2.0
 *
 * What the plan of RNN, GRU and LSTM and their runs share.
 */
#ifndef LN_OPS_RNN_RUN_H
#define LN_OPS_RNN_RUN_H

#include "ops/rnn.h"

ln_run_fn ln_rnn_f32, ln_rnn_half, ln_rnn_f64;

/* Sizes of the packed parts of one direction; false: too large. */
bool ln_rnn_lay_out_parts(ln_rnn_params *p);
/* The biases of both products together, but for the hidden gate of a GRU with linear_before_reset: there the second
 * one is under the reset gate. */
void ln_rnn_pack_weights(const ln_rnn_params *p, char *to, const float *w, const float *r, const float *bias);
/* Elements of the tensors: inputs 0 to 7 (4 is none of ours), outputs 8 to 10. */
void ln_rnn_tensor_sizes(const ln_rnn_params *p, int64_t n[11]);

static inline size_t ln_rnn_aligned(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static inline const void *ln_rnn_given(const ln_args *a, int32_t i)
{
    return i < 0 ? NULL : a->in[i];
}

#endif
