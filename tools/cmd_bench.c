/* SPDX-License-Identifier: Apache-2.0
 *
 * `linnet bench`: how long a model takes: load, first run (with planning), then runs for a given time; then some runs
 * more with a clock at each step, for the table per operator and the trace. Inputs are random unless they are given.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/bench.h"
#include "tools/macs.h"

enum { MAX_RUNS = 1000000, MIN_RUNS = 5, STEP_RUNS = 100 };

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

bool ln_bench_run(ln_bench *b)
{
    linnet_error error = {0};
    if (!linnet_session_run(b->session, &error))
        return true;
    ln_bad_error(b->cli->args[0], &error);
    return false;
}

/* Whole runs without a clock inside. */
static bool measure_runs(ln_bench *b)
{
    ln_run *run = b->session->current->run;
    ln_step_time *times = run->times;
    int room = 1024;
    b->runs = malloc((size_t)room * sizeof *b->runs);
    run->times = NULL;
    double begin = ln_now(), now = begin, shown = begin;
    bool good = b->runs != NULL;
    while (good && b->n_runs < MAX_RUNS && (b->n_runs < MIN_RUNS || now - begin < b->budget)) {
        if (b->n_runs == room) {
            room *= 2;
            double *more = realloc(b->runs, (size_t)room * sizeof *b->runs);
            good = more != NULL;
            b->runs = good ? more : b->runs;
        }
        double t = ln_now();
        good = good && ln_bench_run(b);
        now = ln_now();
        if (good)
            b->runs[b->n_runs++] = now - t;
        if (now - shown > 1) {
            ln_progress("%d runs, %.0f of %.0f s", b->n_runs, now - begin, b->budget);
            shown = now;
        }
    }
    ln_progress(NULL);
    run->times = times;
    if (good)
        qsort(b->runs, (size_t)b->n_runs, sizeof *b->runs, ascending);
    return good;
}

/* Of each step the median, which a run that was interrupted does not move. */
static bool measure_steps(ln_bench *b)
{
    const ln_run *run = b->session->current->run;
    size_t n = (size_t)run->plan->n_steps;
    b->steps = ln_arena_zalloc(b->arena, (n + 1) * sizeof *b->steps, 64);
    double *times = ln_arena_zalloc(b->arena, (n * STEP_RUNS + 1) * sizeof *times, 64);
    if (!b->steps || !times)
        return ln_bad("out of memory") == 0;
    size_t runs = 0;
    for (double begin = ln_now(); runs < STEP_RUNS && (runs < 2 || ln_now() - begin < b->budget / 2); runs++) {
        if (!ln_bench_run(b))
            return false;
        for (size_t i = 0; i < n; i++)
            times[i * STEP_RUNS + runs] = 1e-9 * (double)(run->times[i].end - run->times[i].begin);
    }
    for (size_t i = 0; i < n; i++) {
        qsort(times + i * STEP_RUNS, runs, sizeof *times, ascending);
        b->steps[i] = times[i * STEP_RUNS + runs / 2];
    }
    return true;
}

/* -- the table per operator ---------------------------------------------------------------------------------------- */

static int slowest(const void *a, const void *b)
{
    return ascending(&((const ln_op_time *)b)->seconds, &((const ln_op_time *)a)->seconds);
}

static bool sum_operators(ln_bench *b)
{
    const ln_plan *plan = b->session->current->plan;
    b->ops = ln_arena_zalloc(b->arena, ((size_t)plan->n_steps + 1) * sizeof *b->ops, 64);
    if (!b->ops)
        return ln_bad("out of memory") == 0;
    for (int32_t i = 0; i < plan->n_steps; i++) {
        const ln_node *node = &plan->graph->nodes[plan->steps[i].node];
        int k = 0;
        while (k < b->n_ops && strcmp(b->ops[k].type, node->type))
            k++;
        if (k == b->n_ops)
            b->ops[b->n_ops++].type = node->type;
        b->ops[k].steps++;
        b->ops[k].seconds += b->steps[i];
        b->ops[k].macs += ln_node_macs(plan->graph, node);
    }
    if (b->n_ops)
        qsort(b->ops, (size_t)b->n_ops, sizeof *b->ops, slowest);
    return true;
}

/* -- the command --------------------------------------------------------------------------------------------------- */

/* Multiply-adds of the model as its author wrote it: what passes save is not work done faster. */
static double count_macs(ln_bench *b)
{
    double macs = 0;
    linnet_session *s = NULL;
    char passes[512];
    const linnet_session_options options = {.disable_passes = ln_author_passes(passes, sizeof passes)};
    if (linnet_session_create(&s, b->model, &options, NULL))
        return 0;
    for (int32_t i = 0; i < b->model->graph->n_inputs; i++) {
        s->inputs[i] = b->session->inputs[i];
        s->set[i] = b->session->set[i];
    }
    if (!ln_session_prepare(s, NULL))
        macs = ln_graph_macs(s->current->plan->graph);
    linnet_session_free(s);
    return macs;
}

static bool measure(ln_bench *b)
{
    b->session = ln_open_session(b->cli, b->model, true);
    if (!b->session || !ln_feed(b->cli, b->arena, b->model, b->session, 0))
        return false;
    double begin = ln_now();
    if (!ln_bench_run(b))
        return false;
    b->first = ln_now() - begin;
    b->macs = count_macs(b);
    return measure_runs(b) && measure_steps(b) && sum_operators(b) && ln_bench_report(b);
}

static int run(const ln_cli *cli)
{
    ln_bench b = {.cli = cli, .budget = 3};
    if (!ln_cli_double(cli, "time", 0, 86400, &b.budget))
        return LN_EXIT_BAD;
    double begin = ln_now();
    b.model = ln_load(cli->args[0]);
    if (!b.model)
        return LN_EXIT_BAD;
    b.load = ln_now() - begin;
    ln_memory memory;
    ln_arena arena;
    ln_memory_init(&memory, NULL, 0);
    ln_arena_init(&arena, &memory);
    b.arena = &arena;
    bool good = measure(&b);
    free(b.runs);
    linnet_session_free(b.session);
    linnet_model_free(b.model);
    ln_arena_free(&arena);
    return good ? LN_EXIT_OK : LN_EXIT_BAD;
}

static const ln_option options[] = {
    LN_SESSION_THREADS,
    {"time", 0, false, "S", "seconds to measure for (3)"},
    {"steps", 0, false, NULL, "print a line for every step too"},
    {"json", 0, false, "FILE", "write the figures as JSON"},
    {"trace", 0, false, "FILE", "write Chrome trace events of one run"},
    LN_FEED_INPUT,
    LN_FEED_RANDOM,
    LN_FEED_DIM,
    LN_FEED_SHAPE,
    LN_FEED_PRESET,
    LN_SESSION_PASSES,
    {0},
};

const ln_command ln_cmd_bench = {
    .name = "bench",
    .usage = "MODEL [options]",
    .what = "Measure how long a model takes, and where.",
    .more = ln_feed_help,
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
