/* SPDX-License-Identifier: Apache-2.0
 *
 * The shared harness of the kernel checks: buffers between guard pages, inputs by pattern from a printed seed, the
 * loop over tiers, counting. A check program is
 *
 *     static void all(ln_tier tier, const ln_kernel_table *t) { ... check_ok(cond, "relu n=%zu", n); ... }
 *     int main(int argc, char **argv) { check_start(argc, argv); check_tiers(all); return check_finish(); }
 *
 * Its last line is "N passed, N failed, N skipped". CHECK_SEED in the environment repeats a run.
 */
#ifndef LN_TESTS_CHECK_H
#define LN_TESTS_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/kernels.h"

void check_start(int argc, char **argv);
int check_finish(void); /* prints the counts; the exit status */

/* Counts; a failure prints the text (the first 20 of a program). Returns ok. */
bool check_ok(bool ok, const char *format, ...) __attribute__((format(printf, 2, 3)));
void check_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Runs fn for every tier compiled in; one that this machine lacks is a skip. The scalar tier comes first. */
void check_tiers(void (*fn)(ln_tier tier, const ln_kernel_table *table));

/* `bytes` between two inaccessible pages. at_end: the last byte touches the page behind, so reading past the end
 * traps (the start is then aligned only as bytes is); else the first byte touches the page before. */
void *check_guard(size_t bytes, bool at_end);
void check_guard_free(void *block);

/* Random numbers, from the seed. */
uint64_t check_random(void);
size_t check_below(size_t n); /* [0, n) */
float check_uniform(float lo, float hi);

typedef enum check_pattern {
    CHECK_NORMAL, /* uniform in [-1, 1] */
    CHECK_WIDE,   /* any sign and exponent, finite */
    CHECK_ZERO,   /* +0 and -0 */
    CHECK_DENORMAL,
    CHECK_HUGE,    /* near the largest */
    CHECK_SPECIAL, /* normal with NaN, +-Inf, +-0 and denormals among it */
    CHECK_PATTERNS
} check_pattern;
void check_fill_f32(float *x, size_t n, check_pattern pattern);
void check_fill_bytes(void *x, size_t bytes);

bool check_same_f32(float a, float b); /* same bits, or both NaN */
/* Steps between neighbouring floats from a to b; both NaN: 0; one NaN: UINT32_MAX. +0 and -0 are one step apart. */
uint32_t check_ulp_f32(float a, float b);

#endif
