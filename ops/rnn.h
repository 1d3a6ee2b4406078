/* SPDX-License-Identifier: Apache-2.0
 *
 * RNN, GRU and LSTM as one thing: an input product over all times at once, then a recurrence step by step. What the
 * three (and their quantised relative) share: parameters, the plan's offsets, the state of one direction.
 */
#ifndef LN_OPS_RNN_H
#define LN_OPS_RNN_H

#include "ops/convert.h"

enum { LN_RNN, LN_GRU, LN_LSTM }; /* kinds */
enum { LN_RNN_FORWARD, LN_RNN_REVERSE, LN_RNN_BIDIRECTIONAL };

enum {
    LN_RNN_SIGMOID,
    LN_RNN_TANH,
    LN_RNN_RELU,
    LN_RNN_AFFINE,
    LN_RNN_LEAKY,
    LN_RNN_THRESHOLDED,
    LN_RNN_SCALED_TANH,
    LN_RNN_HARD_SIGMOID,
    LN_RNN_ELU,
    LN_RNN_SOFTSIGN,
    LN_RNN_SOFTPLUS
};

typedef struct ln_rnn_act {
    int32_t kind;
    float alpha, beta;
} ln_rnn_act;

typedef struct ln_rnn_params {
    int64_t hidden_size, layout, linear_before_reset, input_forget; /* attributes */
    float clip;                                                     /* 0: none */
    int32_t direction;
    int32_t kind, gates, directions, type;
    int64_t times, batch, inputs, hidden;
    ln_rnn_act act[6];                          /* three (or fewer) for each direction */
    int32_t in_bias, in_lens, in_h, in_c, in_p; /* inputs, -1: absent */
    int32_t outputs;                            /* listed */
    int32_t packed;                             /* weights were packed by plan */
    int32_t fused;                              /* a step is one kernel, and R is packed for it */
    int32_t transposed;                         /* W, R are [inputs][gates], not [gates][inputs] */
    /* Offsets in bytes: in the packed memory (or in scratch from scratch_weights on) of one direction's parts; in the
     * scratch of a direction's buffers. */
    int64_t part_w, part_r, part_r2, part_bias, part_bias2, part_bytes;
    int64_t scratch_weights, scratch_gates, scratch_state, state_bytes, scratch_worker, worker_bytes, scratch_convert;
} ln_rnn_params;

/* Columns of the recurrence's first product, and of its second: a GRU needs the reset gate in between. */
static inline int64_t ln_rnn_columns(const ln_rnn_params *p)
{
    return (p->kind == LN_GRU ? 2 : p->gates) * p->hidden;
}

/* The products of a recurrence, by whatever arithmetic: c (rows of ldc) = (add ? c : 0) + x (dense rows) times part. */
enum { LN_RNN_R, LN_RNN_R2 };
typedef void ln_rnn_product_f32(const void *user, int32_t direction, int32_t part, float *c, int64_t ldc,
                                const float *x, bool add);
typedef void ln_rnn_product_f64(const void *user, int32_t direction, int32_t part, double *c, int64_t ldc,
                                const double *x, bool add);

/* One direction: the gates hold the input product with its biases, rows as X has them. y, y_h, y_c: the whole outputs
 * or NULL; h0, c0, peephole likewise. state: room for 3 * batch * hidden. */
#define LN_RNN_DIRECTION(real, suffix)                                                                                 \
    typedef struct ln_rnn_direction_##suffix {                                                                         \
        const ln_rnn_params *p;                                                                                        \
        int32_t direction;                                                                                             \
        real *gates, *state;                                                                                           \
        const real *h0, *c0, *peephole;                                                                                \
        const int32_t *lens;                                                                                           \
        real *y, *y_h, *y_c;                                                                                           \
        ln_rnn_product_##suffix *product;                                                                              \
        const void *user;                                                                                              \
    } ln_rnn_direction_##suffix;                                                                                       \
    void ln_rnn_steps_##suffix(const ln_rnn_direction_##suffix *s)

LN_RNN_DIRECTION(float, f32);
LN_RNN_DIRECTION(double, f64);

/* infer for all kinds; transposed: of DynamicQuantizeLSTM. */
linnet_status ln_rnn_infer(ln_ctx *c, int32_t kind, bool transposed);
/* The same but for the types of the inputs; type is that of Y and Y_h, cell that of Y_c. */
linnet_status ln_rnn_shapes(ln_ctx *c, int32_t kind, bool transposed, linnet_type type, linnet_type cell);
/* The part of a plan, after infer, that does not depend on the arithmetic. */
linnet_status ln_rnn_prepare(ln_ctx *c, ln_rnn_params *p, int32_t kind);
/* Fails where a sequence length is out of [0, times]. */
linnet_status ln_rnn_check_lens(const ln_args *a, const ln_rnn_params *p);

#define LN_RNN_ATTRS                                                                                                   \
    LN_ATTR_I(ln_rnn_params, hidden_size, 0), LN_ATTR_F(ln_rnn_params, clip, 0.0f),                                    \
        LN_ATTR_E(ln_rnn_params, direction, "forward|reverse|bidirectional", 0), LN_ATTR_ANY("activations"),           \
        LN_ATTR_ANY("activation_alpha"), LN_ATTR_ANY("activation_beta")

#endif
