/* SPDX-License-Identifier: Apache-2.0
 *
 * What onnx/ offers the tools beyond the loader of linnet.h: a graph written as an .onnx file, and single values read
 * and written as the .pb files in which ONNX keeps test inputs and outputs.
 */
#ifndef LN_ONNX_ONNX_H
#define LN_ONNX_ONNX_H

#include "engine/model.h"

/* Writes the graph; metadata and IR version of m, which may be NULL. The file appears whole or not at all. Nodes with
 * hidden attributes of Linnet's own passes, or whose versions no single opset gives, are an error. */
LINNET_CHECK linnet_status ln_onnx_write(const ln_graph *g, const linnet_model *m, const char *path,
                                         linnet_error *error);

/* Reads a TensorProto, SequenceProto, MapProto or OptionalProto, as out->kind says on entry (the bytes do not tell;
 * NONE: a tensor). An optional becomes what it holds, or LINNET_NONE. Everything lies in the arena. */
LINNET_CHECK linnet_status ln_onnx_read_tensor(const void *bytes, size_t size, linnet_value *out, ln_arena *arena,
                                               linnet_error *error);

/* Writes a value as the message of its kind (NONE: an empty OptionalProto). name may be NULL. */
LINNET_CHECK linnet_status ln_onnx_write_tensor(const linnet_value *value, const char *name, const char *path,
                                                linnet_error *error);

#endif
