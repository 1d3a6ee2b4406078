/* SPDX-License-Identifier: Apache-2.0
 *
 * Regular expressions in RE2's syntax (https://github.com/google/re2/wiki/Syntax), matched in time linear in the text:
 * the pattern becomes a program for an automaton of which all states run side by side (Thompson 1968, Pike).
 *
 * Strings are UTF-8; bytes that are none match nothing. Flags i, m, s, U and (?P<name>) are there, groups capture
 * nothing. Left out, and refused by name: Unicode classes (\p{..}) and \C.
 */
#ifndef LN_OPS_REGEX_H
#define LN_OPS_REGEX_H

#include "ops/convert.h"

/* One instruction; targets are indices. */
typedef struct ln_regex_inst {
    int32_t op;
    int32_t x, y; /* CHAR: first and last code point; CLASS: first range and count; SPLIT: two targets, x first */
} ln_regex_inst;

typedef struct ln_regex_range {
    uint32_t first, last;
} ln_regex_range;

/* A program, its arrays in temporary memory after compiling. */
typedef struct ln_regex {
    ln_regex_inst *code;
    ln_regex_range *ranges;
    int32_t n_code, n_ranges;
} ln_regex;

linnet_status ln_regex_compile(ln_ctx *c, linnet_string pattern, ln_regex *re);

/* Bytes of working memory for a match. */
size_t ln_regex_scratch(const ln_regex *re);
/* Whether the pattern matches the whole of text. */
bool ln_regex_full(const ln_regex *re, linnet_string text, void *scratch);
/* The end of the longest match at byte `start` of text, -1: no match there. */
int64_t ln_regex_at(const ln_regex *re, linnet_string text, int64_t start, void *scratch);

#endif
