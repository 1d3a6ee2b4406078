/* SPDX-License-Identifier: Apache-2.0
 *
 * A .tflite file as structures: everything that can be checked without knowing operators has been.
 */
#ifndef LN_TOOLS_TFLITE_DECODE_H
#define LN_TOOLS_TFLITE_DECODE_H

#include "engine/model.h"
#include "tools/tflite/flat.h"
#include "tools/tflite/schema.h"

typedef struct ln_tfl_tensor {
    const char *name;
    int32_t file_type; /* TensorType */
    linnet_type type;  /* UNDEFINED: a resource or a variant; complex numbers: the type of their parts */
    bool complex, variable, sparse;
    int32_t rank;
    int64_t dims[LINNET_MAX_RANK]; /* -1: not fixed */
    const uint8_t *data;           /* in the file, as the file packs it; NULL: no constant */
    size_t bytes;
    ln_flat_vector scales, zeros; /* floats, int64; no scales: not quantised */
    int32_t axis;                 /* of more than one scale */
    bool blocks;                  /* a kind of quantisation beyond one scale or one per index of an axis */
    ln_flat_table table;
} ln_tfl_tensor;

typedef struct ln_tfl_operator {
    int32_t code;                                  /* BuiltinOperator */
    const char *custom;                            /* name of a custom operator; "" otherwise */
    ln_flat_vector inputs, outputs, intermediates; /* int32 */
    ln_flat_table options, options2;
    const uint8_t *custom_data;
    size_t custom_bytes;
} ln_tfl_operator;

typedef struct ln_tfl_subgraph {
    const char *name;
    ln_tfl_tensor *tensors;
    ln_tfl_operator *operators;
    int32_t n_tensors, n_operators;
    ln_flat_vector inputs, outputs; /* int32, checked to be tensors */
} ln_tfl_subgraph;

typedef struct ln_tfl_file {
    ln_flat flat;
    ln_tfl_subgraph *subgraphs;
    int32_t n_subgraphs;
    const char *description;
} ln_tfl_file;

/* The file's bytes must stay as long as the structures, which lie in the arena. */
linnet_status ln_tfl_decode(ln_tfl_file *file, const uint8_t *bytes, size_t size, ln_arena *arena, linnet_error *error);

/* The first characters of a text of the file. NULL: no memory. */
const char *ln_tfl_text(ln_flat *f, ln_flat_vector text, ln_arena *arena);

/* ONNX's type of a TensorType; *complex: of its parts. UNDEFINED: there is none. */
linnet_type ln_tfl_type(int32_t file_type, bool *complex);

#endif
