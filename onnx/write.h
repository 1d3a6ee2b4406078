/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the writer: values as messages, messages as files.
 */
#ifndef LN_ONNX_WRITE_H
#define LN_ONNX_WRITE_H

#include "engine/model.h"
#include "onnx.pb-c.h"

/* A tensor as a message: raw data where it lies, or packed in the arena. False: no memory. */
bool ln_write_tensor(ln_arena *arena, linnet_type type, int32_t rank, const int64_t *dims, const void *data,
                     const char *name, Onnx__TensorProto *to);

/* The whole message as a file, or no file. */
linnet_status ln_write_message(const ProtobufCMessage *message, const char *path, linnet_error *error);

/* A message of a type in the arena, initialised. NULL: no memory. */
void *ln_write_new(ln_arena *arena, const ProtobufCMessageDescriptor *type);

#endif
