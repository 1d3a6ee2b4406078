/* SPDX-License-Identifier: Apache-2.0
 *
 * What recurrent layers share.
 */
#ifndef LN_TFLITE_RECURRENT_H
#define LN_TFLITE_RECURRENT_H

#include "tools/tflite/operators.h"

/* Input i, a state, and what becomes of it. */
int32_t ln_tfl_read_state(ln_tfl_op *o, uint32_t i);
void ln_tfl_write_state(ln_tfl_op *o, uint32_t i, int32_t value);

int32_t ln_tfl_product(ln_tfl_op *o, int32_t x, int32_t weights); /* x times the weights' transpose */
int32_t ln_tfl_add_if(ln_tfl_op *o, int32_t a, int32_t b);        /* a where there is no b */

int32_t ln_tfl_time_first(ln_tfl_op *o, int32_t x, bool already); /* [batch, time, ..] <-> [time, batch, ..] */
bool ln_tfl_three_dimensions(ln_tfl_op *o);
void ln_tfl_both_directions(ln_tfl_op *o, int32_t forward, int32_t backward, bool merge, bool major);

#endif
