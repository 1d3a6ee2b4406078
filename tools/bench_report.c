/* SPDX-License-Identifier: Apache-2.0
 *
 * The reports of `linnet bench`: the summary and the tables as text, the figures as JSON, a run as a trace.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "kernels/kernels.h"
#include "tools/bench.h"
#include "tools/macs.h"

enum { LOGGED = 1 << 16 };

static double quantile(const ln_bench *b, double q)
{
    double at = q * (b->n_runs - 1);
    int i = (int)at;
    double rest = at - i;
    return i + 1 < b->n_runs ? b->runs[i] * (1 - rest) + b->runs[i + 1] * rest : b->runs[i];
}

static void print_rate(double macs, double seconds)
{
    if (macs > 0 && seconds > 0)
        printf(" %10.2f", 2e-9 * macs / seconds);
    putchar('\n');
}

static void print_operators(const ln_bench *b)
{
    double sum = 0;
    for (int i = 0; i < b->n_ops; i++)
        sum += b->ops[i].seconds;
    printf("\n%-28s %6s %10s %7s %10s\n", "operator", "steps", "ms", "share", "GFLOP/s");
    for (int i = 0; i < b->n_ops; i++) {
        const ln_op_time *o = &b->ops[i];
        printf("%-28s %6d %10.4f %6.1f%%", o->type, o->steps, 1e3 * o->seconds, sum > 0 ? 100 * o->seconds / sum : 0);
        print_rate(o->macs, o->seconds);
    }
}

static void print_steps(const ln_bench *b)
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

/* -- figures ------------------------------------------------------------------------------------------------------- */

/* The most memory that the process had resident. Not getrusage's maximum: that one comes along from the parent. */
static double peak_bytes(void)
{
    char line[256];
    double kilobytes = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "VmHWM: %lf", &kilobytes) == 1)
            break;
    if (f)
        fclose(f);
    return 1024.0 * kilobytes;
}

static void print_summary(const ln_bench *b)
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

static void json_operators(const ln_bench *b, ln_json *j)
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

static bool write_json(const ln_bench *b, const char *path)
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

/* One complete event of Chrome's trace format; nanoseconds. */
static void trace_event(ln_json *j, const ln_plan *plan, const ln_step *step, const char *kind, int thread,
                        uint64_t begin, uint64_t end)
{
    char text[256];
    const ln_node *node = &plan->graph->nodes[step->node];
    ln_json_open(j, NULL, '{');
    ln_json_text(j, "name", node->type);
    ln_json_text(j, "cat", kind);
    ln_json_text(j, "ph", "X");
    ln_json_number(j, "ts", 1e-3 * (double)begin);
    ln_json_number(j, "dur", 1e-3 * (double)(end - begin));
    ln_json_int(j, "pid", 1);
    ln_json_int(j, "tid", thread);
    ln_json_open(j, "args", '{');
    ln_json_text(j, "node", ln_node_label(plan->graph, node));
    ln_json_text(j, "function", step->run_name);
    if (node->n_out && node->out[0] >= 0)
        ln_json_text(j, "output",
                     ln_info_text(plan->graph, &plan->graph->values[node->out[0]].info, text, sizeof text));
    ln_json_close(j, '}');
    ln_json_close(j, '}');
}

/* A step is an event of thread 0; what the other threads did of it is an event each. */
static void trace_events(ln_json *j, const ln_run *run, const ln_task_log *log)
{
    const ln_plan *plan = run->plan;
    uint64_t start = plan->n_steps ? run->times[0].begin : 0;
    int32_t n = log->n < log->room ? log->n : log->room;
    for (int32_t i = 0; i < plan->n_steps; i++) {
        const ln_step_time *t = &run->times[i];
        trace_event(j, plan, &plan->steps[i], "step", 0, t->begin - start, t->end - start);
        for (int32_t k = 0; k < n; k++) {
            const ln_task_time *w = &log->items[k];
            if (w->worker > 0 && w->begin >= t->begin && w->begin < t->end)
                trace_event(j, plan, &plan->steps[i], "worker", w->worker, w->begin - start, w->end - start);
        }
    }
}

/* Chrome's trace events (chrome://tracing, Perfetto) of one more run. */
static bool write_trace(ln_bench *b, const char *path)
{
    const ln_run *run = b->session->current->run;
    ln_pool *pool = b->session->pool;
    ln_task_log log = {.room = LOGGED};
    log.items = ln_arena_alloc(b->arena, LOGGED * sizeof *log.items, 64);
    if (!log.items)
        return ln_bad("out of memory") == 0;
    if (pool)
        ln_pool_log(pool, &log);
    bool good = ln_bench_run(b);
    if (pool)
        ln_pool_log(pool, NULL);
    if (!good)
        return false;
    ln_json j = {.file = fopen(path, "w")};
    if (!j.file)
        return ln_bad("%s: %s", path, strerror(errno)) == 0;
    ln_json_open(&j, NULL, '{');
    ln_json_text(&j, "displayTimeUnit", "ms");
    ln_json_open(&j, "traceEvents", '[');
    trace_events(&j, run, &log);
    ln_json_close(&j, ']');
    ln_json_close(&j, '}');
    ln_json_end(&j);
    good = !ferror(j.file);
    if (fclose(j.file) || !good)
        return ln_bad("%s: %s", path, strerror(errno)) == 0;
    return true;
}

bool ln_bench_report(ln_bench *b)
{
    const char *json = ln_cli_text(b->cli, "json", NULL), *trace = ln_cli_text(b->cli, "trace", NULL);
    print_summary(b);
    print_operators(b);
    if (ln_cli_flag(b->cli, "steps"))
        print_steps(b);
    return (!json || write_json(b, json)) && (!trace || write_trace(b, trace));
}
