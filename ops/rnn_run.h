/* SPDX-License-Identifier: Apache-2.0
 *
 * What the plan of RNN, GRU and LSTM and their runs share.
 */
#ifndef LN_OPS_RNN_RUN_H
#define LN_OPS_RNN_RUN_H

#include "kernels/gemm.h"
#include "ops/rnn.h"

ln_run_fn ln_rnn_f32, ln_rnn_half, ln_rnn_f64, ln_lstm_fused, ln_gru_fused;

/* Sizes of the packed parts of one direction; false: too large. */
bool ln_rnn_lay_out_parts(ln_rnn_params *p);
/* The biases of both products together, but for the hidden gate of a GRU with linear_before_reset: there the second
 * one is under the reset gate. */
void ln_rnn_pack_weights(const ln_rnn_params *p, char *to, const float *w, const float *r, const float *bias);
float *ln_rnn_part(const ln_rnn_params *p, const char *weights, int64_t direction, int64_t offset);

/* A run of float32: the input product of all directions, then the steps of each. */
typedef struct ln_rnn_work {
    const ln_rnn_params *p;
    const char *weights;
    char *scratch;
    const float *x;
    ln_rnn_direction_f32 directions[2];
    ln_gemm_f32_job input; /* of direction 0 */
} ln_rnn_work;
/* The tensors in float32; in: those of the node, or the widened ones. steps: a work function over directions. */
void ln_rnn_run_f32(const ln_args *a, const ln_rnn_params *p, const float *const in[8], float *const out[3],
                    ln_task_fn *steps);
/* The same for the tensors of the node. */
linnet_status ln_rnn_run_node(const ln_args *a, ln_task_fn *steps);

/* Whether the steps of this node can be those kernels. Elements of a matrix of n rows in panels of `width` columns of
 * each of `gates`. R packed so, and the bias that is under the reset gate of a GRU. */
bool ln_rnn_can_fuse(const ln_rnn_params *p);
size_t ln_rnn_panels(size_t width, size_t gates, size_t n);
void ln_rnn_pack_fused(const ln_rnn_params *p, char *to, int64_t direction, const float *r, const float *bias);

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
