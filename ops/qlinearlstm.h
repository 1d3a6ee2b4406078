/* SPDX-License-Identifier: Apache-2.0
 *
 * What plan and run of the integer LSTM share. docs/ARCHITECTURE.md, "The integer LSTM", has the arithmetic.
 */
#ifndef LN_OPS_QLINEARLSTM_H
#define LN_OPS_QLINEARLSTM_H

#include "ops/rnn.h"

/* Fixed point: the sums before a gate's function and the cell have so many bits behind the point. */
enum { LN_QLSTM_SUM_BITS = 16, LN_QLSTM_CELL_BITS = 20 };

/* x * mul / 2^shift, rounded: shift in [1, 62], mul 0 or in [2^30, 2^31). */
typedef struct ln_qlstm_factor {
    int32_t mul, shift;
} ln_qlstm_factor;

typedef struct ln_qlstm_params {
    ln_rnn_params rnn;
    int64_t w_bytes, r_bytes; /* packed, of a direction */
    /* Offsets of what else is packed: factors of the sums of either product, biases, peepholes. */
    int64_t at_w, at_r, at_bias, at_peephole;
    int64_t w_step, w_direction, r_step, r_direction;  /* from factor to factor of columns, of directions; 0: one */
    int64_t block;                                     /* steps whose input products are made at once */
    int64_t scratch_bytes, at_h, at_sums_r, at_sums_x; /* of a direction; offsets in it, the cell is first */
    ln_qlstm_factor h_out, c_in, c_out;
    int32_t x_zero, x_flip, h_zero, h_flip;
    int32_t c_zero, c_type;
    int32_t sums_w, sums_r; /* row sums are needed */
    int32_t clip_sum, clip_cell;
} ln_qlstm_params;

ln_run_fn ln_qlinearlstm;

#endif
