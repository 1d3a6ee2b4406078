/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the reader of .tflite files: the state of a conversion, and the words in which operators are written.
 *
 * A tensor of the file is a value of the graph in the type that the file stores (quantised ones as integers, complex
 * ones with a last dimension of 2). Arithmetic asks for the number that a tensor means (ln_tfl_real: behind a
 * DequantizeLinear) and gives back such a number (ln_tfl_set_real: through a QuantizeLinear); what only moves elements
 * works on what is stored. After a failure every word does nothing, and the end looks at the status.
 */
#ifndef LN_TOOLS_TFLITE_BUILD_H
#define LN_TOOLS_TFLITE_BUILD_H

#include "tools/tflite/decode.h"

enum { LN_TFL_OPSET = 21, LN_TFL_OPSET_NEWER = 26 };

/* A variable of the model (a resource, or a tensor that keeps its value from call to call). */
typedef struct ln_tfl_variable {
    const char *name;               /* of the resource, or of the tensor */
    int32_t subgraph, tensor, node; /* whose it is: a tensor's, an operator's (by its index), or -1 */
    int32_t initial;                /* the input of the model that it is; LN_NO_VALUE: none */
    ln_info info;                   /* type and shape; UNDEFINED: not known */
} ln_tfl_variable;

typedef struct ln_tfl {
    ln_tfl_file file;
    ln_arena *arena;
    ln_memory *memory;
    linnet_error *error;
    linnet_status status;
    ln_tfl_variable *variables;
    int32_t n_variables, depth;
    int64_t n_converted; /* operators so far, those of subgraphs as often as they are called */
    int64_t n_scanned;   /* operators, for tables */
    bool *seen;          /* subgraphs that CALL_ONCE has called */
} ln_tfl;

/* A subgraph on its way into a graph. */
typedef struct ln_tfl_scope {
    ln_tfl *c;
    ln_graph *g;
    const ln_tfl_subgraph *sub;
    int32_t *stored;    /* by tensor: its value, LN_NO_VALUE before it has one */
    int32_t *real;      /* the number that it means */
    int32_t *resource;  /* by tensor: the variable that a resource is, or -1 */
    int32_t *variables; /* by variable: its value now; shared by the scopes of one graph */
} ln_tfl_scope;

/* The operator that is being converted. */
typedef struct ln_tfl_op {
    ln_tfl *c;
    ln_tfl_scope *scope;
    const ln_tfl_operator *node;
    const struct ln_tfl_row *row;
} ln_tfl_op;

/* A row of operators.def. */
typedef struct ln_tfl_row {
    const char *name;
    void (*convert)(ln_tfl_op *o); /* NULL: there is no conversion */
    int16_t code, min_in, min_out;
    const char *onnx; /* the ONNX operator where it is the same one */
} ln_tfl_row;

/* -- convert.c -------------------------------------------------------------------------------------------------------
 */

void ln_tfl_fail(ln_tfl_op *o, linnet_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));
void ln_tfl_no_memory(ln_tfl_op *o);
bool ln_tfl_ok(const ln_tfl_op *o);

/* Operators of a subgraph into scope->g; stored[] of its inputs is set. */
void ln_tfl_convert(ln_tfl_scope *scope);
/* A scope for subgraph number `index` in graph g. False: failed. */
bool ln_tfl_open(ln_tfl *c, ln_tfl_scope *scope, ln_graph *g, int32_t index, int32_t *variables);

/* -- values: build.c, quant.c
 * -------------------------------------------------------------------------------------------------
 */

bool ln_tfl_has(const ln_tfl_op *o, uint32_t i);                /* input i is there */
const ln_tfl_tensor *ln_tfl_in(const ln_tfl_op *o, uint32_t i); /* an empty tensor where it is absent */
const ln_tfl_tensor *ln_tfl_out(const ln_tfl_op *o, uint32_t i);
int32_t ln_tfl_in_index(const ln_tfl_op *o, uint32_t i); /* the tensor's; -1: absent */
int32_t ln_tfl_out_index(const ln_tfl_op *o, uint32_t i);

int32_t ln_tfl_stored(ln_tfl_op *o, uint32_t i); /* input i as it is stored; absent: LN_NO_VALUE */
int32_t ln_tfl_real(ln_tfl_op *o, uint32_t i);   /* the number it means; absent: LN_NO_VALUE */
int32_t ln_tfl_int64(ln_tfl_op *o, uint32_t i);  /* integers as int64 */
void ln_tfl_set_stored(ln_tfl_op *o, uint32_t i, int32_t value);
void ln_tfl_set_real(ln_tfl_op *o, uint32_t i, int32_t value);
/* Where the value now of a variable tensor is kept, or (tensor -1) of the operator's own state. NULL: failed. */
int32_t *ln_tfl_state(ln_tfl_op *o, int32_t tensor);
int32_t ln_tfl_value_of(ln_tfl_op *o, int32_t tensor); /* by tensor index, as stored */
int32_t ln_tfl_real_of(ln_tfl_op *o, int32_t tensor);
void ln_tfl_bind(ln_tfl_scope *scope, int32_t tensor, int32_t value);

/* The value of a number of tensor t in its stored form, and the other way. */
int32_t ln_tfl_quantise(ln_tfl_op *o, const ln_tfl_tensor *t, int32_t value);
int32_t ln_tfl_dequantise(ln_tfl_op *o, const ln_tfl_tensor *t, int32_t value, int32_t axis);
bool ln_tfl_quantised(const ln_tfl_tensor *t);
/* The same for numbers in units of the scale of a tensor of 8 or 16 bits with one scale. */
int32_t ln_tfl_to_steps(ln_tfl_op *o, const ln_tfl_tensor *t, int32_t value);
int32_t ln_tfl_from_steps(ln_tfl_op *o, const ln_tfl_tensor *t, int32_t value);
/* Whether a product of x and w rounds x to 8 bits: x numbers, w integers. Then x, a value of tensor t, goes through
 * ln_tfl_rounded, by itself for each index of the dimensions before `first`. */
bool ln_tfl_hybrid(const ln_tfl_tensor *x, const ln_tfl_tensor *w);
int32_t ln_tfl_rounded(ln_tfl_op *o, int32_t x, const ln_tfl_tensor *t, int32_t first);
bool ln_tfl_same_scale(const ln_tfl_op *o, const ln_tfl_tensor *a, const ln_tfl_tensor *b);
float ln_tfl_scale(const ln_tfl_op *o, const ln_tfl_tensor *t, uint32_t i);
int64_t ln_tfl_zero(const ln_tfl_op *o, const ln_tfl_tensor *t, uint32_t i);
/* The type in which a tensor is computed with: float32 for quantised ones. */
linnet_type ln_tfl_real_type(const ln_tfl_tensor *t);

/* Elements of a constant input, unpacked; NULL: not constant. Type as the tensor's. */
const void *ln_tfl_data(ln_tfl_op *o, const ln_tfl_tensor *t);
const void *ln_tfl_dense(ln_tfl_op *o, const ln_tfl_tensor *t);   /* of a sparse one: sparse.c */
const void *ln_tfl_strings(ln_tfl_op *o, const ln_tfl_tensor *t); /* linnet_string: lookup.c */
/* Reads integers of a constant; the count, or -1: not constant, not integers, more than max. */
int32_t ln_tfl_ints(ln_tfl_op *o, uint32_t i, int64_t *values, int32_t max);
/* The same, and that they are not constant is an error. */
int32_t ln_tfl_need_ints(ln_tfl_op *o, uint32_t i, int64_t *values, int32_t max);
int64_t ln_tfl_count(const ln_tfl_tensor *t); /* elements; -1: not known */

/* Options: a slot of the operator's table. */
int64_t ln_tfl_option(ln_tfl_op *o, int slot, int bytes, int64_t absent);
float ln_tfl_option_float(ln_tfl_op *o, int slot);
int32_t ln_tfl_option_ints(ln_tfl_op *o, int slot, int bytes, int64_t *values, int32_t max); /* -1: too many */

/* -- nodes: nodes.c --------------------------------------------------------------------------------------------------
 */

#define LN_INS(...)                                                                                                    \
    (int32_t)(sizeof((int32_t[]){__VA_ARGS__}) / sizeof(int32_t)), (int32_t[])                                         \
    {                                                                                                                  \
        __VA_ARGS__                                                                                                    \
    }
#define LN_ATTRS(...)                                                                                                  \
    (int32_t)(sizeof((ln_attr[]){__VA_ARGS__}) / sizeof(ln_attr)), (ln_attr[])                                         \
    {                                                                                                                  \
        __VA_ARGS__                                                                                                    \
    }
#define LN_NO_ATTRS 0, NULL

/* A node of one output, which it returns. */
int32_t ln_tfl_node(ln_tfl_op *o, const char *type, int32_t n_in, const int32_t *in, int32_t n_attrs,
                    const ln_attr *attrs);
/* A node whose outputs are made here. Its id; LN_NO_NODE: failed. */
int32_t ln_tfl_nodes(ln_tfl_op *o, const char *type, int32_t n_in, const int32_t *in, int32_t n_attrs,
                     const ln_attr *attrs, int32_t n_out, int32_t *out);
#define LN_NODE(o, type, ...) ln_tfl_node(o, type, LN_INS(__VA_ARGS__), LN_NO_ATTRS)

ln_attr ln_tfl_attr_int(const char *name, int64_t i);
ln_attr ln_tfl_attr_float(const char *name, float f);
ln_attr ln_tfl_attr_text(const char *name, const char *text);
ln_attr ln_tfl_attr_ints(ln_tfl_op *o, const char *name, int32_t n, const int64_t *ints);

int32_t ln_tfl_constant(ln_tfl_op *o, linnet_type type, int32_t rank, const int64_t *dims, const void *data);
int32_t ln_tfl_const_ints(ln_tfl_op *o, int64_t n, const int64_t *ints); /* 1-D int64 */
int32_t ln_tfl_const_int(ln_tfl_op *o, int64_t i);                       /* scalar int64 */
int32_t ln_tfl_const_floats(ln_tfl_op *o, int32_t rank, const int64_t *dims, const float *data);
int32_t ln_tfl_scalar(ln_tfl_op *o, linnet_type type, double x); /* scalar of a type of numbers */

int32_t ln_tfl_cast(ln_tfl_op *o, int32_t value, linnet_type type);
int32_t ln_tfl_transpose(ln_tfl_op *o, int32_t value, int32_t rank, const int64_t *perm);
int32_t ln_tfl_channels_first(ln_tfl_op *o, int32_t value, int32_t rank); /* N, spatial, C -> N, C, spatial */
int32_t ln_tfl_channels_last(ln_tfl_op *o, int32_t value, int32_t rank);
int32_t ln_tfl_reshape(ln_tfl_op *o, int32_t value, int32_t rank, const int64_t *dims);
/* To the shape of a tensor, which may have one dimension that is not fixed. */
int32_t ln_tfl_reshape_as(ln_tfl_op *o, int32_t value, const ln_tfl_tensor *t);
int32_t ln_tfl_unsqueeze(ln_tfl_op *o, int32_t value, int64_t axis);
int32_t ln_tfl_squeeze(ln_tfl_op *o, int32_t value, int64_t axis);
int32_t ln_tfl_concat(ln_tfl_op *o, int64_t axis, int32_t n, const int32_t *values);
int32_t ln_tfl_slice(ln_tfl_op *o, int32_t value, int64_t axis, int64_t from, int64_t to); /* to INT64_MAX: the end */
int32_t ln_tfl_expand(ln_tfl_op *o, int32_t value, int32_t rank, const int64_t *dims);
/* The fused activation of an operator on numbers of a type. */
int32_t ln_tfl_activation(ln_tfl_op *o, int32_t value, int64_t act, linnet_type type);
int32_t ln_tfl_clip(ln_tfl_op *o, int32_t value, linnet_type type, double low, double high);
/* An axis of rank `rank`, made non-negative; -1: failed. */
int32_t ln_tfl_axis(ln_tfl_op *o, int64_t axis, int32_t rank);

#endif
