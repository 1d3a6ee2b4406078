/* SPDX-License-Identifier: Apache-2.0
 *
 * Sorted tables from keys to indices, searched by halving. Numbers of every type are keys by an int64 image that keeps
 * equality (all NaN are one key, -0 is 0); strings are keys by their bytes, which stay where they are.
 */
#ifndef LN_OPS_KEYTABLE_H
#define LN_OPS_KEYTABLE_H

#include "ops/convert.h"

typedef struct ln_int_key {
    int64_t key, index;
} ln_int_key;

typedef struct ln_string_key {
    linnet_string key;
    int64_t index;
} ln_string_key;

/* Sort the table and drop keys that come again: the one of the highest index stays. Return the entries left. */
int64_t ln_int_keys_sort(ln_int_key *table, int64_t n);
int64_t ln_string_keys_sort(ln_string_key *table, int64_t n);

/* The index of a key, -1: not there. */
int64_t ln_int_keys_find(const ln_int_key *table, int64_t n, int64_t key);
int64_t ln_string_keys_find(const ln_string_key *table, int64_t n, linnet_string key);

int ln_string_compare(linnet_string a, linnet_string b);

/* The image of element i of a numeric tensor (floats and integers of up to 64 bits). */
int64_t ln_int_key_of(const void *data, int type, int64_t i);
int64_t ln_int_key_of_real(double x);

#endif
