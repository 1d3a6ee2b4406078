/* SPDX-License-Identifier: Apache-2.0
 *
 * UTF-8 and simple case mapping for the string operators. No locale is asked: the same model gives the same strings
 * everywhere. Mappings to several code points (sharp s to SS) and those that depend on their neighbours are left out.
 */
#ifndef LN_OPS_UNICODE_H
#define LN_OPS_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The code point at s (size > 0 bytes are there), -1 where the bytes are no UTF-8. *used: bytes of it, 1 after -1. */
int32_t ln_utf8_decode(const char *s, size_t size, size_t *used);
/* Writes at most 4 bytes, returns how many. */
size_t ln_utf8_encode(char *s, uint32_t c);

uint32_t ln_to_upper(uint32_t c);
uint32_t ln_to_lower(uint32_t c);

/* All pairs of code points of which one is the other's upper or lower case: start with range = at = 0. False: no more.
 */
bool ln_case_pair(int32_t *range, uint32_t *at, uint32_t *c, uint32_t *other);

#endif
