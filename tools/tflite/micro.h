/* SPDX-License-Identifier: Apache-2.0
 *
 * The audio front end of TensorFlow Lite Micro: its operators, and the words in which they are written.
 */
#ifndef LN_TOOLS_TFLITE_MICRO_H
#define LN_TOOLS_TFLITE_MICRO_H

#include "tools/tflite/operators.h"

void ln_micro_window(ln_tfl_op *o);
void ln_micro_auto_scale(ln_tfl_op *o);
void ln_micro_rfft(ln_tfl_op *o);
void ln_micro_energy(ln_tfl_op *o);
void ln_micro_filter_bank(ln_tfl_op *o);
void ln_micro_square_root(ln_tfl_op *o);
void ln_micro_spectral_subtraction(ln_tfl_op *o);
void ln_micro_pcan(ln_tfl_op *o);
void ln_micro_log(ln_tfl_op *o);

int32_t ln_micro_number(ln_tfl_op *o, double x);
int32_t ln_micro_table(ln_tfl_op *o, int64_t n, const double *data); /* 1-D float64 */
int32_t ln_micro_shift(ln_tfl_op *o, int32_t x, int bits);           /* floor(x / 2^bits) */

/* The half spectrum of `length` (a power of two) integers of 16 bits in float64 -> pairs of them, flat. */
int32_t ln_micro_rfft_int16(ln_tfl_op *o, int32_t x, int64_t length);

#endif
