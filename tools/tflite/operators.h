/* SPDX-License-Identifier: Apache-2.0
 *
 * The conversions of operators, which operators.def and the table of custom operators name, and what they share.
 */
#ifndef LN_TOOLS_TFLITE_OPERATORS_H
#define LN_TOOLS_TFLITE_OPERATORS_H

#include "tools/tflite/build.h"

/* The row of a custom operator; NULL: unknown. */
const ln_tfl_row *ln_tfl_custom_row(const char *name);

/* -- variable.c ------------------------------------------------------------------------------------------------------
 */

/* What the model keeps; the values of the variables in the outermost graph, none yet. NULL: failed. */
int32_t *ln_tfl_find_variables(ln_tfl *c);
void ln_tfl_variable_inputs(ln_tfl_scope *scope);
void ln_tfl_variable_outputs(ln_tfl_scope *scope);
int32_t ln_tfl_variable_of(const ln_tfl *c, int32_t subgraph, int32_t tensor, int32_t node);

/* -- conv.c: images --------------------------------------------------------------------------------------------------
 */

enum { LN_TFL_SPATIAL = 3 };

typedef struct ln_tfl_window {
    int32_t n; /* spatial dimensions */
    int64_t padding, size[LN_TFL_SPATIAL], stride[LN_TFL_SPATIAL], dilation[LN_TFL_SPATIAL];
} ln_tfl_window;

void ln_tfl_same_padding(int64_t in, int64_t window, int64_t stride, int64_t dilation, int64_t *before, int64_t *after);
/* Input i as stored with its dimensions permuted, at once where it is constant. */
int32_t ln_tfl_permuted(ln_tfl_op *o, uint32_t i, int32_t rank, const int64_t *perm);
/* A bias as numbers: integers are in units of the scales of x and w. Absent: LN_NO_VALUE. */
int32_t ln_tfl_bias(ln_tfl_op *o, uint32_t i, const ln_tfl_tensor *x, const ln_tfl_tensor *w);
int32_t ln_tfl_image(ln_tfl_op *o, uint32_t i);                  /* input i, channels first, as numbers */
void ln_tfl_set_image(ln_tfl_op *o, int32_t value, int64_t act); /* output 0 of such numbers */

/* x with a value, of the shape of tensor t, put at indices: slice.c. */
int32_t ln_tfl_updated(ln_tfl_op *o, int32_t x, const ln_tfl_tensor *t, int32_t value, int32_t from);
/* v, of the shape of tensor x, with scalars `with` between its elements, which come to be `apart`: slice.c. */
int32_t ln_tfl_dilated(ln_tfl_op *o, int32_t v, const ln_tfl_tensor *x, const int64_t *apart, int32_t with);
/* The ONNX operator of two tensors that a subgraph of one operator is, for reductions: stablehlo.c. NULL: failed. */
const char *ln_tfl_body(ln_tfl_op *o, int64_t subgraph);

/* -- the conversions -------------------------------------------------------------------------------------------------
 */

#define OP(code, name, min_in, min_out, convert, onnx) void convert(ln_tfl_op *o);
#define NO(code, name)
#include "tools/tflite/operators.def"
#undef OP
#undef NO
void ln_tfl_flex_rfft(ln_tfl_op *o);
void ln_tfl_detection(ln_tfl_op *o);

#endif
