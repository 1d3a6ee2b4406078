/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of `linnet conformance`: finding tests, running one, comparing values, and reporting.
 */
#ifndef LN_TOOLS_CONFORMANCE_H
#define LN_TOOLS_CONFORMANCE_H

#include "tools/tool.h"

typedef enum ln_verdict { LN_PASS, LN_FAIL, LN_UNSUPPORTED, LN_SKIP, LN_VERDICTS, LN_PENDING = LN_VERDICTS } ln_verdict;

extern const char *const ln_verdict_names[LN_VERDICTS];

typedef struct ln_test {
    const char *name, *path; /* of the folder; path as given on the command line and below */
    const char *model;       /* file */
    const char *expected;    /* the one output of a "real" test, else NULL: test_data_set_N in the folder */
    double rtol, atol;
    ln_verdict verdict;
    const char *reason; /* "" for a test that passed, unless hashes are asked for */
    double seconds;
} ln_test;

typedef struct ln_tests {
    ln_arena *arena;
    ln_test *items;
    int n, room;
} ln_tests;

/* Adds the tests below a folder, in the order of their names. False: said what is wrong. */
bool ln_tests_find(ln_tests *tests, const char *folder);

typedef struct ln_test_options {
    linnet_session_options session;
    bool save; /* outputs become files; what is expected may be absent */
    bool hash; /* the reason of a pass is a hash of all outputs: equal bits, equal hash */
} ln_test_options;

/* Runs one in this process. reason gets a text unless it passed. */
ln_verdict ln_test_run(const ln_test *test, const ln_test_options *options, char *reason, size_t size);

/* numpy.allclose with NaN equal to NaN; type and shape exactly. False: why says what differs. */
bool ln_value_close(const linnet_value *got, const linnet_value *want, double rtol, double atol, char *why,
                    size_t size);

/* Reports to files. False: said what is wrong. */
bool ln_tests_json(const ln_tests *tests, const char *path);
bool ln_tests_junit(const ln_tests *tests, const char *path);
/* Compares with a file of expected verdicts other than pass; the number of differences, which are printed; -1: said
 * what is wrong. */
int ln_tests_expect(const ln_tests *tests, const char *path);

#endif
