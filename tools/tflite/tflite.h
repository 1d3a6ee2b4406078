/* SPDX-License-Identifier: Apache-2.0
 *
 * TensorFlow Lite models: bytes -> a model whose graph is standard ONNX (opset 21), as if it had been loaded from an
 * .onnx file. docs/TFLITE.md says what becomes of what. The library itself loads ONNX alone; this belongs to the tools.
 */
#ifndef LN_TOOLS_TFLITE_TFLITE_H
#define LN_TOOLS_TFLITE_TFLITE_H

#include "engine/model.h"

/* Whether the bytes are a .tflite file, by the identifier in them. */
bool ln_is_tflite(const void *bytes, size_t size);

/* options may be NULL; its folder has no meaning here. The bytes are not needed after the call. */
LINNET_CHECK linnet_status ln_tflite_load(linnet_model **model, const void *bytes, size_t size,
                                          const linnet_load_options *options, linnet_error *error);

#endif
