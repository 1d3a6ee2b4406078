/* SPDX-License-Identifier: Apache-2.0
 *
 * `linnet kernels --assert MODEL`: is what was picked for each step of a model's plan the fastest that there is? The
 * candidates are whole plans of the same model: one for each tier that this machine has, and the running tier's without
 * what is chosen by an estimate of its cost (Winograd). They run by turns; of each step the least time counts, which
 * what else the machine does cannot lower. Where a pick lags, all are measured for longer before it counts, in sessions
 * made anew: the same code takes up to a fifth longer where its memory happens to lie badly.
 *
 * Where memory lies, and what the steps before leave in the caches, is another thing in each session. A step that is
 * planned alike for two tiers, as a Concat or a Slice is, can be run by the kernels of either on the same memory after
 * the same steps: when it seems to lag, this is what counts.
 */
#include <string.h>

#include "kernels/kernels.h"
#include "tools/kernels.h"
#include "tools/planned.h"

enum { MAX_CANDIDATES = LN_TIER_COUNT + 1, MIN_ROUNDS = 5, SAME_ROUNDS = 100, TRIES = 4 };

#define LAG 1.05 /* what a pick may take, times the best */
#define NEVER 1e9
#define UNNOTICED 2e-7 /* seconds by which it always may: what a clock at each step can tell */

typedef struct candidate {
    char name[32];
    const ln_kernel_table *table;
    ln_tier tier;
    const char *disabled; /* passes, besides those that the user disables */
    linnet_session *session;
    double *best; /* least seconds of each step */
    double *same; /* the same by its kernels in the session of the first, where the step is planned alike */
} candidate;

typedef struct contest {
    const ln_cli *cli;
    linnet_model *model;
    ln_arena *arena;
    candidate candidates[MAX_CANDIDATES]; /* the first is what runs */
    int n;
    double budget;
} contest;

static const ln_plan *plan_of(const candidate *k)
{
    return k->session->current->plan;
}

static bool run_once(contest *c, candidate *k)
{
    linnet_error error = {0};
    ln_dispatch_to(k->table, k->tier);
    if (!linnet_session_run(k->session, &error))
        return true;
    ln_bad_error(c->cli->args[0], &error);
    return false;
}

/* A session, its inputs, and its first run, which makes the plan for the table. */
static bool open_session(contest *c, candidate *k)
{
    const char *disabled = ln_cli_text(c->cli, "disable-passes", NULL);
    char passes[1024];
    int64_t threads = 0;
    linnet_error error = {0};
    if (!ln_cli_int(c->cli, "threads", 1, 1024, &threads))
        return false;
    snprintf(passes, sizeof passes, "%s%s%s", disabled ? disabled : "", disabled && k->disabled ? "," : "",
             k->disabled ? k->disabled : "");
    const linnet_session_options options = {
        .threads = (int32_t)threads, .profile = true, .disable_passes = *passes ? passes : NULL};
    if (linnet_session_create(&k->session, c->model, &options, &error)) {
        ln_bad_error(c->cli->args[0], &error);
        return false;
    }
    ln_dispatch_to(k->table, k->tier);
    return ln_feed(c->cli, c->arena, c->model, k->session, 0) && run_once(c, k);
}

static bool add(contest *c, const char *name, ln_tier tier, const char *also_disabled)
{
    candidate *k = &c->candidates[c->n++];
    snprintf(k->name, sizeof k->name, "%s", name);
    k->tier = tier;
    k->table = ln_tier_table(tier);
    k->disabled = also_disabled;
    if (!open_session(c, k))
        return false;
    size_t steps = (size_t)plan_of(k)->n_steps;
    k->best = ln_arena_zalloc(c->arena, (steps + 1) * sizeof *k->best, 64);
    k->same = ln_arena_zalloc(c->arena, (steps + 1) * sizeof *k->same, 64);
    for (size_t i = 0; k->best && k->same && i < steps; i++)
        k->best[i] = k->same[i] = NEVER;
    return (k->best && k->same) || ln_bad("out of memory") == 0;
}

/* The new sessions are made while the old ones have their memory. */
static bool open_again(contest *c)
{
    linnet_session *old[MAX_CANDIDATES];
    bool good = true;
    for (int i = 0; i < c->n; i++) {
        old[i] = c->candidates[i].session;
        c->candidates[i].session = NULL;
        good = good && open_session(c, &c->candidates[i]);
    }
    for (int i = 0; i < c->n; i++)
        linnet_session_free(old[i]);
    return good;
}

static void keep_least(double *least, const ln_step_time *took)
{
    double seconds = 1e-9 * (double)(took->end - took->begin);
    *least = seconds < *least ? seconds : *least;
}

static bool measure(contest *c)
{
    double begin = ln_now();
    for (int round = 0; round < MIN_ROUNDS || ln_now() - begin < c->budget; round++)
        for (int i = 0; i < c->n; i++) {
            candidate *k = &c->candidates[i];
            if (!run_once(c, k))
                return false;
            const ln_step_time *times = k->session->current->run->times;
            for (int32_t s = 0; s < plan_of(k)->n_steps; s++)
                keep_least(&k->best[s], &times[s]);
        }
    return true;
}

static const ln_node *node_of(const ln_plan *plan, int32_t step)
{
    return &plan->graph->nodes[plan->steps[step].node];
}

static const char *name_of(const ln_plan *plan, int32_t step)
{
    const ln_node *node = node_of(plan, step);
    return node->n_out && node->out[0] != LN_NO_VALUE ? plan->graph->values[node->out[0]].name : "";
}

static bool same_step(const ln_plan *a, int32_t i, const ln_plan *b, int32_t k)
{
    return !strcmp(node_of(a, i)->type, node_of(b, k)->type) && !strcmp(name_of(a, i), name_of(b, k));
}

/* The step of b that does what step i of a does; -1: none is known to. */
static int32_t counterpart(const ln_plan *a, int32_t i, const ln_plan *b)
{
    if (a->n_steps == b->n_steps && same_step(a, i, b, i))
        return i;
    for (int32_t k = 0; k < b->n_steps && *name_of(a, i); k++)
        if (same_step(a, i, b, k))
            return k;
    return -1;
}

/* The same code, in another session: no other candidate for this step. */
static bool same_pick(const candidate *a, int32_t i, const candidate *b, int32_t k)
{
    const ln_step *x = &plan_of(a)->steps[i], *y = &plan_of(b)->steps[k];
    return a->table == b->table && x->run == y->run && x->scratch_bytes == y->scratch_bytes &&
           x->packed_bytes == y->packed_bytes;
}

/* What the one table's plan made of the step, the other's made, too. */
static bool same_plan(const ln_step *x, const ln_step *y)
{
    return !x->late && !y->late && x->run == y->run && x->scratch_bytes == y->scratch_bytes &&
           x->packed_bytes == y->packed_bytes && (!x->packed_bytes || !memcmp(x->packed, y->packed, x->packed_bytes)) &&
           !memcmp(x->params, y->params, x->op->params_size);
}

/* The step of candidate i > 0 that is another one for this step of the first; -1: there is none. */
static int32_t rival(const contest *c, int i, int32_t step)
{
    const candidate *first = &c->candidates[0], *k = &c->candidates[i];
    int32_t at = counterpart(plan_of(first), step, plan_of(k));
    return at >= 0 && same_pick(first, step, k, at) ? -1 : at;
}

static bool behind(double mine, double best)
{
    return mine > LAG * best && mine - best > UNNOTICED;
}

/* Whether the step lags behind candidate i > 0, whose seconds are in *best. */
static bool lags_behind(const contest *c, int32_t step, int i, double *best)
{
    const candidate *first = &c->candidates[0], *k = &c->candidates[i];
    int32_t at = rival(c, i, step);
    *best = at >= 0 ? k->best[at] : NEVER;
    return at >= 0 && behind(first->best[step], *best) &&
           (k->same[step] >= NEVER || behind(first->same[step], k->same[step]));
}

/* The first steps of the first candidate, the next one by the kernels of k. */
static bool run_to(contest *c, const candidate *k, int32_t step, ln_step_time *took)
{
    linnet_session *session = c->candidates[0].session;
    ln_run *r = session->current->run;
    uint64_t left = (uint64_t)step, *limit = r->exec.steps_left;
    linnet_error error = {0};
    ln_dispatch_to(c->candidates[0].table, c->candidates[0].tier);
    r->exec.steps_left = &left;
    bool good = linnet_session_run(session, &error) != LINNET_OK; /* as it stops there */
    r->exec.steps_left = limit;
    ln_dispatch_to(k->table, k->tier);
    r->args[step].error = &error;
    ln_pool_run_begins(session->pool);
    took->begin = (uint64_t)(1e9 * ln_now());
    good = good && plan_of(&c->candidates[0])->steps[step].run(&r->args[step]) == LINNET_OK;
    took->end = (uint64_t)(1e9 * ln_now());
    ln_pool_run_ends(session->pool);
    return good || ln_bad_error(c->cli->args[0], &error) == 0;
}

/* The steps that lag behind one that is planned alike, by turns on the same memory. */
static bool measure_same(contest *c)
{
    const candidate *first = &c->candidates[0];
    for (int32_t s = 0; s < plan_of(first)->n_steps; s++)
        for (int i = 1; i < c->n; i++) {
            double best;
            const candidate *k = &c->candidates[i];
            if (!lags_behind(c, s, i, &best) ||
                !same_plan(&plan_of(first)->steps[s], &plan_of(k)->steps[rival(c, i, s)]))
                continue;
            for (int round = 0; round < MIN_ROUNDS || (round < SAME_ROUNDS && lags_behind(c, s, i, &best)); round++) {
                ln_step_time mine, its;
                if (!run_to(c, first, s, &mine) || !run_to(c, k, s, &its))
                    return false;
                keep_least(&first->same[s], &mine);
                keep_least(&k->same[s], &its);
            }
        }
    return true;
}

/* Steps whose pick lags; printed if asked. */
static int count_lagging(const contest *c, bool print)
{
    const candidate *first = &c->candidates[0];
    int lagging = 0;
    for (int32_t s = 0; s < plan_of(first)->n_steps; s++) {
        const char *name = first->name;
        double mine = first->best[s], best = mine;
        bool lags = false;
        for (int i = 1; i < c->n; i++) {
            double seconds;
            bool by_this = lags_behind(c, s, i, &seconds);
            if (seconds < best && by_this >= lags) {
                best = seconds;
                name = c->candidates[i].name;
            }
            lags = lags || by_this;
        }
        lagging += lags;
        if (print)
            printf("%5d %-28.28s %-28.28s %11.2f %11.2f  %-20s%s\n", (int)s, node_of(plan_of(first), s)->type,
                   name_of(plan_of(first), s), 1e6 * mine, 1e6 * best, name,
                   lags                 ? " lags"
                   : behind(mine, best) ? " not on the same memory"
                                        : "");
    }
    return lagging;
}

static int judge(contest *c)
{
    int lagging = 1;
    for (int i = 0; i < TRIES && lagging; i++) {
        if ((i > 0 && !open_again(c)) || !measure(c) || !measure_same(c))
            return LN_EXIT_BAD;
        lagging = count_lagging(c, false);
    }
    printf("%5s %-28s %-28s %11s %11s  %s\n", "step", "operator", "output", "picked us", "best us", "best");
    count_lagging(c, true);
    printf("%d of %d steps lag the best of %d candidates by over %.0f %%\n", lagging,
           (int)plan_of(&c->candidates[0])->n_steps, c->n, 100 * (LAG - 1));
    return lagging ? LN_EXIT_NEGATIVE : LN_EXIT_OK;
}

int ln_kernels_assert(const ln_cli *cli)
{
    contest c = {.cli = cli, .budget = 2};
    if (!ln_cli_double(cli, "time", 0, 86400, &c.budget))
        return LN_EXIT_BAD;
    c.model = ln_load(cli->args[0]);
    if (!c.model)
        return LN_EXIT_BAD;
    ln_memory memory;
    ln_arena arena;
    ln_memory_init(&memory, NULL, 0);
    ln_arena_init(&arena, &memory);
    c.arena = &arena;
    ln_dispatch_init();
    ln_tier running = ln_tier_running();
    bool good = add(&c, ln_tier_name(running), running, NULL);
    for (int t = 0; good && t <= (int)running; t++)
        if (t != (int)running && ln_tier_available((ln_tier)t))
            good = add(&c, ln_tier_name((ln_tier)t), (ln_tier)t, NULL);
    if (good) {
        char name[32];
        snprintf(name, sizeof name, "%s, no Winograd", ln_tier_name(running));
        good = add(&c, name, running, "winograd");
    }
    int code = good ? judge(&c) : LN_EXIT_BAD;
    for (int i = 0; i < c.n; i++)
        linnet_session_free(c.candidates[i].session);
    ln_dispatch_init();
    linnet_model_free(c.model);
    ln_arena_free(&arena);
    return code;
}
