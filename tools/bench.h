/* SPDX-License-Identifier: Apache-2.0
 *
 * What `linnet bench` measured, and the reports over it.
 */
#ifndef LN_TOOLS_BENCH_H
#define LN_TOOLS_BENCH_H

#include "tools/planned.h"

typedef struct ln_op_time {
    const char *type;
    int steps;
    double seconds, macs; /* of one run */
} ln_op_time;

typedef struct ln_bench {
    const ln_cli *cli;
    ln_arena *arena;
    linnet_model *model;
    linnet_session *session;
    double load, first, budget;
    double *runs; /* sorted after measuring */
    int n_runs;
    double macs;
    double *steps; /* mean seconds of each step */
    ln_op_time *ops;
    int n_ops;
} ln_bench;

/* One run more. False: said what is wrong. */
bool ln_bench_run(ln_bench *b);

/* The tables, and the files of --json and --trace. False: said what is wrong. */
bool ln_bench_report(ln_bench *b);

#endif
