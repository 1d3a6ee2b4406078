/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading the options of custom operators: a FlexBuffer map of numbers, bounds-checked like flat.h.
 *
 * Specification: https://flatbuffers.dev/flexbuffers/
 */
#ifndef LN_TOOLS_TFLITE_FLEX_H
#define LN_TOOLS_TFLITE_FLEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The number of a key, truncated to an integer. False: absent, no number, or the bytes are damaged. */
bool ln_flex_int(const uint8_t *data, size_t size, const char *key, int64_t *value);
bool ln_flex_float(const uint8_t *data, size_t size, const char *key, double *value);

#endif
