/* SPDX-License-Identifier: Apache-2.0
 *
 * `linnet bench`: how long a model takes: load, first run (with planning), then runs for a given time; then some runs
 * more with a clock at each step, for the table per operator and the trace. Inputs are random unless they are given.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "kernels/kernels.h"
#include "tools/macs.h"
#include "tools/planned.h"

enum { MAX_RUNS = 1000000, MIN_RUNS = 5, STEP_RUNS = 100 };

typedef struct op_time {
    const char *type;
    int steps;
    double seconds, macs; /* of one run */
} op_time;

typedef struct bench {
    const ln_cli *cli;
    ln_arena *arena;
    linnet_model *model;
    linnet_session *session;
    double load, first, budget;
    double *runs; /* sorted after measuring */
    int n_runs;
    double macs;
    double *steps; /* mean seconds of each step */
    op_time *ops;
    int n_ops;
} bench;

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(const bench *b, double q)
{
    double at = q * (b->n_runs - 1);
    int i = (int)at;
    double rest = at - i;
    return i + 1 < b->n_runs ? b->runs[i] * (1 - rest) + b->runs[i + 1] * rest : b->runs[i];
}

static bool run_once(bench *b)
{
    linnet_error error = {0};
    if (!linnet_session_run(b->session, &error))
        return true;
    ln_bad_error(b->cli->args[0], &error);
    return false;
}

/* Whole runs without a clock inside. */
static bool measure_runs(bench *b)
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
        good = good && run_once(b);
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

static bool measure_steps(bench *b)
{
    const ln_run *run = b->session->current->run;
    int32_t n = run->plan->n_steps;
    b->steps = ln_arena_zalloc(b->arena, ((size_t)n + 1) * sizeof *b->steps, 64);
    if (!b->steps)
        return ln_bad("out of memory") == 0;
    int runs = 0;
    for (double begin = ln_now(); runs < STEP_RUNS && (runs < 2 || ln_now() - begin < b->budget / 2); runs++) {
        if (!run_once(b))
            return false;
        for (int32_t i = 0; i < n; i++)
            b->steps[i] += 1e-9 * (double)(run->times[i].end - run->times[i].begin);
    }
    for (int32_t i = 0; i < n; i++)
        b->steps[i] /= runs;
    return true;
}

/* -- the table per operator ---------------------------------------------------------------------------------------- */

static int slowest(const void *a, const void *b)
{
    return ascending(&((const op_time *)b)->seconds, &((const op_time *)a)->seconds);
}

static bool sum_operators(bench *b)
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

static void print_rate(double macs, double seconds)
{
    if (macs > 0 && seconds > 0)
        printf(" %10.2f", 2e-9 * macs / seconds);
    putchar('\n');
}

static void print_operators(const bench *b)
{
    double sum = 0;
    for (int i = 0; i < b->n_ops; i++)
        sum += b->ops[i].seconds;
    printf("\n%-28s %6s %10s %7s %10s\n", "operator", "steps", "ms", "share", "GFLOP/s");
    for (int i = 0; i < b->n_ops; i++) {
        const op_time *o = &b->ops[i];
        printf("%-28s %6d %10.4f %6.1f%%", o->type, o->steps, 1e3 * o->seconds, sum > 0 ? 100 * o->seconds / sum : 0);
        print_rate(o->macs, o->seconds);
    }
}

static void print_steps(const bench *b)
{
    const ln_plan *plan = b->session->current->plan;
    char text[256];
    printf("\n%5s %10s %10s  %s\n", "step", "ms", "GFLOP/s", "operator");
    for (int32_t i = 0; i < plan->n_steps; i++) {
        const ln_step *step = &plan->steps[i];
        const ln_node *node = &plan->graph->nodes[step->node];
        double macs = ln_node_macs(plan->graph, node);
        printf("%5d %10.4f ", i, 1e3 * b->steps[i]);
        if (macs > 0 && b->steps[i] > 0)
            printf("%10.2f", 2e-9 * macs / b->steps[i]);
        else
            printf("%10s", "");
        printf("  %s '%s'%s", node->type, ln_node_label(plan->graph, node), step->late ? " (late)" : "");
        if (node->n_out && node->out[0] >= 0)
            printf(" %s", ln_info_text(plan->graph, &plan->graph->values[node->out[0]].info, text, sizeof text));
        printf(" %s\n", step->run_name ? step->run_name : "");
    }
}

/* -- results ------------------------------------------------------------------------------------------------------- */

static double peak_bytes(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) ? 0 : 1024.0 * (double)usage.ru_maxrss;
}

static void print_summary(const bench *b)
{
    const ln_plan *plan = b->session->current->plan;
    char x[32], y[32], z[32];
    double median = quantile(b, 0.5);
    printf("%s: %d threads, kernels for %s\n", b->cli->args[0], plan->threads, ln_tier_name(ln_tier_running()));
    printf("  load       %10.3f ms\n  first run  %10.3f ms, with planning\n", 1e3 * b->load, 1e3 * b->first);
    printf("  median     %10.4f ms of %d runs, p10 %.4f, p90 %.4f\n", 1e3 * median, b->n_runs, 1e3 * quantile(b, 0.1),
           1e3 * quantile(b, 0.9));
    if (b->macs > 0)
        printf("  speed      %10.2f GFLOP/s (%s multiply-adds a run)\n", 2e-9 * b->macs / median,
               ln_count_text(b->macs, x, sizeof x));
    printf("  memory     %10s of the process at most; a run %s, packed weights %s\n",
           ln_bytes_text(peak_bytes(), x, sizeof x), ln_bytes_text((double)plan->block_bytes, y, sizeof y),
           ln_bytes_text((double)plan->packed_bytes, z, sizeof z));
}

static void json_operators(const bench *b, ln_json *j)
{
    ln_json_open(j, "operators", '[');
    for (int i = 0; i < b->n_ops; i++) {
        ln_json_open(j, NULL, '{');
        ln_json_text(j, "operator", b->ops[i].type);
        ln_json_int(j, "steps", b->ops[i].steps);
        ln_json_number(j, "seconds", b->ops[i].seconds);
        ln_json_number(j, "multiply_adds", b->ops[i].macs);
        ln_json_close(j, '}');
    }
    ln_json_close(j, ']');
}

static bool write_json(const bench *b, const char *path)
{
    const ln_plan *plan = b->session->current->plan;
    ln_json j = {.file = fopen(path, "w")};
    if (!j.file)
        return ln_bad("%s: %s", path, strerror(errno)) == 0;
    ln_json_open(&j, NULL, '{');
    ln_json_text(&j, "linnet", LINNET_VERSION);
    ln_json_text(&j, "model", b->cli->args[0]);
    ln_json_int(&j, "threads", plan->threads);
    ln_json_text(&j, "tier", ln_tier_name(ln_tier_running()));
    ln_json_number(&j, "load_seconds", b->load);
    ln_json_number(&j, "first_run_seconds", b->first);
    ln_json_int(&j, "runs", b->n_runs);
    ln_json_number(&j, "median_seconds", quantile(b, 0.5));
    ln_json_number(&j, "p10_seconds", quantile(b, 0.1));
    ln_json_number(&j, "p90_seconds", quantile(b, 0.9));
    ln_json_number(&j, "multiply_adds", b->macs);
    ln_json_number(&j, "gflops", 2e-9 * b->macs / quantile(b, 0.5));
    ln_json_number(&j, "peak_bytes", peak_bytes());
    ln_json_number(&j, "run_bytes", (double)plan->block_bytes);
    ln_json_number(&j, "packed_bytes", (double)plan->packed_bytes);
    json_operators(b, &j);
    ln_json_close(&j, '}');
    ln_json_end(&j);
    bool good = !ferror(j.file);
    if (fclose(j.file) || !good)
        return ln_bad("%s: %s", path, strerror(errno)) == 0;
    return true;
}

/* Chrome's trace events: chrome://tracing, Perfetto. Microseconds from the start of the last run. */
static bool write_trace(const bench *b, const char *path)
{
    const ln_run *run = b->session->current->run;
    const ln_plan *plan = run->plan;
    char text[256];
    ln_json j = {.file = fopen(path, "w")};
    if (!j.file)
        return ln_bad("%s: %s", path, strerror(errno)) == 0;
    ln_json_open(&j, NULL, '{');
    ln_json_text(&j, "displayTimeUnit", "ms");
    ln_json_open(&j, "traceEvents", '[');
    for (int32_t i = 0; i < plan->n_steps; i++) {
        const ln_node *node = &plan->graph->nodes[plan->steps[i].node];
        ln_json_open(&j, NULL, '{');
        ln_json_text(&j, "name", node->type);
        ln_json_text(&j, "cat", "step");
        ln_json_text(&j, "ph", "X");
        ln_json_number(&j, "ts", 1e-3 * (double)(run->times[i].begin - run->times[0].begin));
        ln_json_number(&j, "dur", 1e-3 * (double)(run->times[i].end - run->times[i].begin));
        ln_json_int(&j, "pid", 1);
        ln_json_int(&j, "tid", 0);
        ln_json_open(&j, "args", '{');
        ln_json_text(&j, "node", ln_node_label(plan->graph, node));
        ln_json_text(&j, "function", plan->steps[i].run_name);
        if (node->n_out && node->out[0] >= 0)
            ln_json_text(&j, "output",
                         ln_info_text(plan->graph, &plan->graph->values[node->out[0]].info, text, sizeof text));
        ln_json_close(&j, '}');
        ln_json_close(&j, '}');
    }
    ln_json_close(&j, ']');
    ln_json_close(&j, '}');
    ln_json_end(&j);
    bool good = !ferror(j.file);
    if (fclose(j.file) || !good)
        return ln_bad("%s: %s", path, strerror(errno)) == 0;
    return true;
}

/* -- the command --------------------------------------------------------------------------------------------------- */

/* Multiply-adds of the model as its author wrote it: what passes save is not work done faster. */
static double count_macs(bench *b)
{
    double macs = 0;
    linnet_session *s = NULL;
    const linnet_session_options options = {.disable_passes = "all"};
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

static bool report(bench *b)
{
    const char *json = ln_cli_text(b->cli, "json", NULL), *trace = ln_cli_text(b->cli, "trace", NULL);
    print_summary(b);
    print_operators(b);
    if (ln_cli_flag(b->cli, "steps"))
        print_steps(b);
    return (!json || write_json(b, json)) && (!trace || write_trace(b, trace));
}

static bool measure(bench *b)
{
    b->session = ln_open_session(b->cli, b->model, true);
    if (!b->session || !ln_feed(b->cli, b->arena, b->model, b->session, 0))
        return false;
    double begin = ln_now();
    if (!run_once(b))
        return false;
    b->first = ln_now() - begin;
    b->macs = count_macs(b);
    return measure_runs(b) && measure_steps(b) && sum_operators(b) && report(b);
}

static int run(const ln_cli *cli)
{
    bench b = {.cli = cli, .budget = 3};
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
