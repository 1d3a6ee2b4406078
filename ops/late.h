/* SPDX-License-Identifier: Apache-2.0
 *
 * What late operators share: giving results on with a check against what was inferred, merging what is known of two
 * values, strings that outlive the step, reading a position.
 */
#ifndef LN_OPS_LATE_H
#define LN_OPS_LATE_H

#include "ops/convert.h"

/* ln_late_pass, and fails where the value is not what infer said of the output. */
linnet_status ln_late_give(ln_ctx *c, int32_t out, const linnet_value *value);

/* What holds for both: to becomes the common part of to and from. Types that differ fail. */
linnet_status ln_info_merge(ln_ctx *c, ln_info *to, const ln_info *from, const char *what);

/* For infer: formal infos of a body whose inputs in.. are its outputs out.. of the iteration before (n of them), filled
 * with the initial values. Widens those until the body maps them to themselves; the body is inferred so. */
linnet_status ln_body_settle(ln_ctx *c, int32_t body, ln_info *formal, int32_t in, int32_t out, int32_t n);

/* Copies the bytes of n strings to memory that lives until the next run. */
linnet_status ln_late_strings(ln_ctx *c, linnet_string *strings, int64_t n);

/* Reads input in, an int32 or int64 scalar (or one element), whose data is at hand. */
linnet_status ln_late_int(ln_ctx *c, int32_t in, int64_t *value);

/* The bytes of a tensor's elements. */
size_t ln_value_bytes(const linnet_value *value);

/* Elements that are stacked one after the other while nobody knows how many there will be. */
typedef struct ln_stack {
    char *data;
    int64_t n, cap;
    size_t size; /* bytes of one */
    linnet_type type;
    int32_t rank;
    int64_t dims[LN_MAX_RANK];
} ln_stack;

/* Room for as many elements at once when the first comes; 0: grows as needed. */
void ln_stack_init(ln_stack *s, int64_t expected);
/* A tensor of the type and shape of the first one. index and what are for the message. */
linnet_status ln_stack_push(ln_ctx *c, ln_stack *s, const linnet_value *value, const char *what, int32_t index);

#endif
