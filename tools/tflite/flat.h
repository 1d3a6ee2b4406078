/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading a flatbuffer that nobody has checked: every access is bounded by the bytes that are there. What lies outside
 * reads as absent and marks the buffer as broken, which the reader asks once, at the end of a stage.
 *
 * Specification: https://flatbuffers.dev/internals/
 */
#ifndef LN_TOOLS_TFLITE_FLAT_H
#define LN_TOOLS_TFLITE_FLAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ln_flat {
    const uint8_t *data;
    size_t size;
    bool broken;
} ln_flat;

/* A table at an offset (0: absent), with the part of its vtable that was checked. */
typedef struct ln_flat_table {
    uint32_t at, vtable;
    uint16_t vtable_bytes, bytes;
} ln_flat_table;

/* n items from an offset; they lie in the buffer. Absent: n is 0. */
typedef struct ln_flat_vector {
    uint32_t at, n;
} ln_flat_vector;

ln_flat_table ln_flat_root(ln_flat *f);
bool ln_flat_has(const ln_flat *f, const ln_flat_table *t, int slot);
ln_flat_table ln_flat_sub(ln_flat *f, const ln_flat_table *t, int slot);
ln_flat_vector ln_flat_list(ln_flat *f, const ln_flat_table *t, int slot, size_t item_bytes);
ln_flat_table ln_flat_item(ln_flat *f, ln_flat_vector v, uint32_t i);      /* of a vector of tables */
ln_flat_vector ln_flat_text(ln_flat *f, const ln_flat_table *t, int slot); /* bytes, without the terminator */

/* Scalars of a table, with their defaults. */
int64_t ln_flat_int(ln_flat *f, const ln_flat_table *t, int slot, int bytes, int64_t absent); /* 1, 2, 4, 8; signed */
float ln_flat_float(ln_flat *f, const ln_flat_table *t, int slot, float absent);

/* Items of a vector of numbers, whose size was given when it was read. */
int64_t ln_flat_at(const ln_flat *f, ln_flat_vector v, uint32_t i, int bytes);
float ln_flat_float_at(const ln_flat *f, ln_flat_vector v, uint32_t i);

#endif
