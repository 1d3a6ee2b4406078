/* SPDX-License-Identifier: Apache-2.0
 *
 * `linnet compile`: a plan as C, to be linked with liblinnet-core.a of the machine that runs it. The plan is made as
 * for a session with one thread, but inputs lie in the arena, too, and what only pays with much memory (Winograd) is
 * not done for a microcontroller.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/compile.h"
#include "tools/planned.h"

static int32_t find_value(const ln_graph *g, const int32_t *ids, int32_t n, const char *name, size_t size)
{
    for (int32_t i = 0; i < n; i++)
        if (strlen(g->values[ids[i]].name) == size && !memcmp(g->values[ids[i]].name, name, size))
            return i;
    return -1;
}

/* The states of a compiled model, while they are found. */
typedef struct states {
    int32_t *in, *out;
    const void **data;
    bool *keep; /* per input of the graph */
} states;

static void add_state(ln_compiled *c, states *s, int32_t in, int32_t out, const void *data)
{
    s->keep[in] = true;
    s->in[c->n_states] = in;
    s->out[c->n_states] = out;
    s->data[c->n_states++] = data;
}

/* --state INPUT=OUTPUT, each; names may contain '=', so every cut is tried. */
static bool parse_states(const ln_cli *cli, const ln_graph *g, ln_compiled *c, states *s)
{
    const char *item;
    for (int k = 0; (item = ln_cli_item(cli, "state", k)); k++) {
        int32_t i = -1, o = -1;
        for (const char *cut = strchr(item, '='); cut && (i < 0 || o < 0); cut = strchr(cut + 1, '=')) {
            i = find_value(g, g->inputs, g->n_inputs, item, (size_t)(cut - item));
            o = find_value(g, g->outputs, g->n_outputs, cut + 1, strlen(cut + 1));
        }
        if (i < 0 || o < 0)
            return ln_bad("--state %s: not INPUT=OUTPUT of this model; `linnet info` lists them", item) == 0;
        if (s->keep[i])
            return ln_bad("--state %s: that input has a state already", item) == 0;
        add_state(c, s, i, o, g->values[g->inputs[i]].info.data);
    }
    return true;
}

/* What the model declares: an input with a default, and the output of its name with "_next" behind (docs/TFLITE.md). */
static void declared_states(const ln_graph *g, ln_compiled *c, states *s)
{
    char next[512];
    for (int32_t i = 0; i < g->n_inputs; i++) {
        const ln_value *v = &g->values[g->inputs[i]];
        int n = snprintf(next, sizeof next, "%s_next", v->name);
        int32_t o = find_value(g, g->outputs, g->n_outputs, next, (size_t)n);
        if (v->info.data && !s->keep[i] && o >= 0 && (size_t)n < sizeof next)
            add_state(c, s, i, o, v->info.data);
    }
}

/* Finds the states and makes them inputs of the plan. False: said what is wrong. */
static bool find_states(const ln_cli *cli, ln_arena *arena, const ln_graph *g, ln_compiled *c, states *s,
                        linnet_value *inputs)
{
    int64_t n = (int64_t)g->n_inputs + 1;
    *s = (states){.in = ln_arena_array(arena, n, sizeof *s->in),
                  .out = ln_arena_array(arena, n, sizeof *s->out),
                  .data = ln_arena_array(arena, n, sizeof *s->data),
                  .keep = ln_arena_array(arena, n, sizeof *s->keep)};
    if (!s->in || !s->out || !s->data || !s->keep)
        return ln_bad("out of memory") == 0;
    if (!parse_states(cli, g, c, s))
        return false;
    declared_states(g, c, s);
    for (int32_t i = 0; i < c->n_states; i++)
        if (inputs[s->in[i]].kind == LINNET_NONE)
            inputs[s->in[i]] = ln_value_of(&g->values[g->inputs[s->in[i]]].info, NULL);
    c->state_in = s->in;
    c->state_out = s->out;
    c->state_data = s->data;
    return true;
}

/* A state's output has the type and shape of its input. */
static bool check_states(const ln_compiled *c)
{
    char a[256], b[256];
    const ln_graph *g = c->plan->graph;
    for (int32_t i = 0; i < c->n_states; i++) {
        const ln_value *in = &g->values[g->inputs[c->state_in[i]]], *out = &g->values[g->outputs[c->state_out[i]]];
        bool same = in->info.type == out->info.type && in->info.rank == out->info.rank;
        for (int32_t d = 0; d < in->info.rank && same; d++)
            same = in->info.dims[d] == out->info.dims[d];
        if (!same)
            return ln_bad("--state: input '%s' is %s, output '%s' is %s", in->name,
                          ln_info_text(g, &in->info, a, sizeof a), out->name,
                          ln_info_text(g, &out->info, b, sizeof b)) == 0;
    }
    return true;
}

/* A compiled model has no step that is planned while it runs. */
static bool check_steps(const ln_plan *plan)
{
    bool good = true;
    for (int32_t s = 0; s < plan->n_steps; s++) {
        const ln_node *n = &plan->graph->nodes[plan->steps[s].node];
        if (!plan->steps[s].late)
            continue;
        ln_bad("compile: %s '%s' can only be planned when its inputs are known%s", n->type,
               ln_node_label(plan->graph, n),
               good ? "; fix dimensions with --input-dim or --shape, or make what it depends on constant" : "");
        good = false;
    }
    return good;
}

static int emit(const ln_cli *cli, ln_arena *arena, ln_compiled *c)
{
    ln_budget budget;
    const char *dir = ln_cli_text(cli, "output", NULL);
    if (!ln_compile_budget(ln_cli_text(cli, "budget", NULL), &budget) || !check_steps(c->plan) || !check_states(c) ||
        !ln_compile_collect(arena, c) || !ln_compile_measure(arena, ln_cli_text(cli, "library", NULL), c))
        return LN_EXIT_BAD;
    ln_compile_print_sizes(c);
    if (ln_cli_flag(cli, "memory"))
        ln_print_memory(stdout, c->plan);
    int code = ln_compile_check(c, &budget);
    if (code != LN_EXIT_OK)
        return code;
    if (mkdir(dir, 0777) && errno != EEXIST)
        return ln_bad("%s: cannot be made: %s", dir, strerror(errno));
    return ln_compile_write(arena, c, dir) ? LN_EXIT_OK : LN_EXIT_BAD;
}

/* The plan for the machine; inputs are those of a session that was fed anything. */
static int plan_and_emit(const ln_cli *cli, ln_arena *arena, const linnet_session *session, ln_compiled *c)
{
    const ln_graph *g = session->model->graph;
    const ln_kernel_table *kernels = ln_compile_kernels(c->machine, c->tier, c->vlen);
    bool bare = c->machine->tier != NULL;
    linnet_value *inputs = ln_arena_array(arena, (int64_t)g->n_inputs + 1, sizeof *inputs);
    states s;
    if (!kernels)
        return ln_bad(
            "--tier %s: not for %s; `linnet kernels` lists the tiers of this machine, `linnet compile --help` "
            "those of targets",
            c->tier, c->machine->name);
    if (!inputs)
        return ln_bad("out of memory");
    memcpy(inputs, session->inputs, (size_t)g->n_inputs * sizeof *inputs);
    if (!find_states(cli, arena, g, c, &s, inputs))
        return LN_EXIT_BAD;
    char disable[512];
    snprintf(disable, sizeof disable, "%s%s%s", ln_cli_text(cli, "disable-passes", ""),
             ln_cli_flag(cli, "disable-passes") && bare ? "," : "", bare ? "winograd" : "");
    ln_plan_options options = {.disable_passes = disable,
                               .threads = 1,
                               .inputs_in_block = true,
                               .keep_inputs = s.keep,
                               .align = c->machine->align,
                               .pointer_bytes = c->machine->pointer_bytes};
    linnet_error error = {0};
    ln_plan *plan;
    if (ln_model_complete(session->model, &error))
        return ln_bad_error(cli->args[0], &error);
    ln_dispatch_to(kernels, ln_tier_named(c->tier));
    bool small = bare && c->machine->pointer_bytes == 4;
    if (ln_compile_plan(&plan, g, inputs, session->memory, &options, small, ln_cli_flag(cli, "rows"), &error))
        return ln_bad_error(cli->args[0], &error);
    c->plan = plan;
    c->model = g;
    int code = emit(cli, arena, c);
    ln_plan_free(plan);
    return code;
}

/* From "kws" in "models/kws.onnx", unless --name says otherwise; a C identifier. */
static const char *name_of(const ln_cli *cli, char *name, size_t size)
{
    const char *path = cli->args[0], *slash = strrchr(path, '/');
    snprintf(name, size, "m");
    ln_c_name(name, size, ln_cli_text(cli, "name", slash ? slash + 1 : path), false);
    if (!ln_cli_flag(cli, "name") && strrchr(slash ? slash + 1 : path, '.'))
        name[strrchr(slash ? slash + 1 : path, '.') - (slash ? slash + 1 : path)] = 0;
    if (name[0] >= '0' && name[0] <= '9') {
        memmove(name + 1, name, strlen(name) < size - 1 ? strlen(name) + 1 : size - 1);
        name[0] = 'm';
        name[size - 1] = 0;
    }
    return name;
}

static bool choose(const ln_cli *cli, ln_compiled *c)
{
    const char *target = ln_cli_text(cli, "target", "host"), *where = ln_cli_text(cli, "weights", "flash");
    const ln_machine *m = ln_machine_find(target);
    static ln_machine chosen;
    if (!m) {
        ln_bad("--target %s: not known; `linnet compile --help` lists the targets", target);
        return false;
    }
    chosen = *m;
    int64_t align = chosen.align;
    if (!ln_cli_int(cli, "arena-align", 8, 4096, &align))
        return false;
    if (align & (align - 1))
        return ln_bad("--arena-align: %" PRId64 " is not a power of two", align) == 0;
    chosen.align = (uint32_t)align;
    c->machine = &chosen;
    c->where = !strcmp(where, "flash")  ? LN_WEIGHTS_FLASH
               : !strcmp(where, "ram")  ? LN_WEIGHTS_RAM
               : !strcmp(where, "file") ? LN_WEIGHTS_FILE
                                        : -1u;
    if (c->where == -1u)
        return ln_bad("--weights %s: flash, ram or file", where) == 0;
    return true;
}

static bool choose_vlen(const ln_cli *cli, ln_compiled *c)
{
    ln_tier tier = ln_tier_named(c->tier);
    int64_t n = c->machine->tier ? 128 : (int64_t)ln_tier_vlen(tier);
    bool asked = ln_cli_flag(cli, "vlen");
    if (asked && tier != LN_TIER_RVV)
        return ln_bad("--vlen: only tier rvv has registers of several lengths, not %s", c->tier) == 0;
    if (!ln_cli_int(cli, "vlen", 128, 1024, &n))
        return false;
    if (asked && n & (n - 1))
        return ln_bad("--vlen: 128, 256, 512 or 1024") == 0;
    c->vlen = tier == LN_TIER_RVV ? (uint32_t)n : 0;
    return true;
}

static int run(const ln_cli *cli)
{
    char name[64];
    ln_compiled c = {.source = strrchr(cli->args[0], '/') ? strrchr(cli->args[0], '/') + 1 : cli->args[0]};
    if (!ln_cli_flag(cli, "output"))
        return ln_bad("compile: --output DIR is missing");
    c.name = name_of(cli, name, sizeof name);
    if (!choose(cli, &c))
        return LN_EXIT_BAD;
    linnet_model *model = ln_load(cli->args[0]);
    if (!model)
        return LN_EXIT_BAD;
    linnet_session *session = ln_open_session(cli, model, false);
    int code = LN_EXIT_BAD;
    if (session) {
        ln_arena arena;
        ln_arena_init(&arena, session->memory);
        c.tier = ln_cli_text(cli, "tier", c.machine->tier ? c.machine->tier : ln_tier_name(ln_tier_running()));
        if (choose_vlen(cli, &c) && ln_feed(cli, &arena, model, session, 0))
            code = plan_and_emit(cli, &arena, session, &c);
        ln_arena_free(&arena);
        linnet_session_free(session);
    }
    linnet_model_free(model);
    return code;
}

static void print_machines(FILE *file)
{
    fputs("Targets:\n", file);
    for (const ln_machine *m = ln_machines; m->name; m++)
        fprintf(file, "  %-14s %s (kernels: %s)\n", m->name, m->what, m->tier ? m->tier : "the best");
    fputs("A dimension that neither the model nor --input-dim or --shape fixes is 1. Exit code 1: over the budget.\n",
          file);
}

static const ln_option options[] = {
    {"output", 'o', false, "DIR", "the folder for NAME.c and NAME.h"},
    {"target", 'T', false, "T", "the machine that will run it (host)"},
    {"name", 'n', false, "NAME", "the first part of every name (that of the file)"},
    {"tier", 0, false, "TIER", "kernels other than the target's usual ones"},
    {"input-dim", 'd', true, "NAME=N", "the size of a named dimension"},
    LN_FEED_SHAPE,
    {"state", 0, true, "IN=OUT", "output OUT of a run is input IN of the next; zeros at first"},
    {"weights", 0, false, "WHERE", "flash (const), ram (copied by the start-up code) or file (NAME.bin)"},
    {"vlen", 0, false, "N", "tier rvv: registers have N bits or more: 128 (the default), 256, 512, 1024"},
    {"arena-align", 0, false, "N", "alignment of the arena and of what lies in it, in bytes"},
    {"budget", 0, false, "LIST", "fail when it needs more, e.g. flash=256K,ram=64K; says what is largest"},
    {"rows", 0, false, NULL, "run the first layers a few rows at a time, where that takes less RAM"},
    {"library", 0, false, "FILE",
     "liblinnet-core.a of the target, to count code (where a build or installation has it)"},
    {"memory", 'm', false, NULL, "draw the arena over the steps"},
    LN_SESSION_PASSES,
    {0},
};

const ln_command ln_cmd_compile = {
    .name = "compile",
    .usage = "MODEL -o DIR [--target T] [options]",
    .what = "Write a model as C, to be linked into a program or firmware.",
    .print_more = print_machines,
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
