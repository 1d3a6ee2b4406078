/* SPDX-License-Identifier: Apache-2.0
 *
 * `linnet info`: what a model is: its interface, operators, parameters, what of it is unsupported, and with known
 * shapes its multiply-adds and memory. Also the graph after any pass, as text or for Graphviz.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/macs.h"
#include "tools/planned.h"

/* -- operators ----------------------------------------------------------------------------------------------------- */

typedef struct op_count {
    const char *domain, *type;
    int count;
} op_count;

typedef struct census {
    ln_arena *arena;
    op_count *ops;
    int n_ops, room, nodes, bodies, missing;
    double parameters, parameter_bytes;
} census;

static bool count_op(census *c, const ln_node *n)
{
    for (int i = 0; i < c->n_ops; i++)
        if (!strcmp(c->ops[i].type, n->type) && !strcmp(c->ops[i].domain, n->domain)) {
            c->ops[i].count++;
            return true;
        }
    if (c->n_ops == c->room) {
        int room = c->room ? 2 * c->room : 64;
        op_count *ops = ln_arena_array(c->arena, room, sizeof *ops);
        if (!ops)
            return false;
        if (c->n_ops)
            memcpy(ops, c->ops, (size_t)c->n_ops * sizeof *ops);
        c->ops = ops;
        c->room = room;
    }
    c->ops[c->n_ops++] = (op_count){n->domain, n->type, 1};
    return true;
}

static bool take_census(census *c, const ln_graph *g)
{
    bool good = true;
    LN_FOR_NODES(g, i)
    {
        const ln_node *n = &g->nodes[i];
        c->nodes++;
        c->missing += !n->op;
        good = good && count_op(c, n);
        for (int32_t k = 0; k < n->n_attrs && good; k++)
            if (n->attrs[k].kind == LN_ATTR_GRAPH) {
                c->bodies++;
                good = take_census(c, n->attrs[k].graph);
            }
    }
    for (int32_t i = 0; i < g->n_values; i++) {
        const ln_value *v = &g->values[i];
        if (!v->info.data || v->producer >= 0 || (!v->n_uses && !v->outputs))
            continue;
        c->parameters += (double)ln_info_count(&v->info);
        c->parameter_bytes += (double)ln_info_bytes(&v->info);
    }
    return good;
}

static int by_count(const void *a, const void *b)
{
    const op_count *x = a, *y = b;
    return x->count != y->count ? y->count - x->count : strcmp(x->type, y->type);
}

static void print_missing(const ln_graph *g)
{
    LN_FOR_NODES(g, i)
    {
        const ln_node *n = &g->nodes[i];
        if (!n->op)
            printf("  %s%s%s '%s' (version %d)\n", n->domain, *n->domain ? "." : "", n->type, ln_node_label(g, n),
                   n->version);
        for (int32_t k = 0; k < n->n_attrs; k++)
            if (n->attrs[k].kind == LN_ATTR_GRAPH)
                print_missing(n->attrs[k].graph);
    }
}

static void print_interface(const linnet_model *m)
{
    char text[256];
    size_t n_in = linnet_model_input_count(m), n_out = linnet_model_output_count(m);
    puts("inputs:");
    for (size_t i = 0; i < n_in; i++) {
        const linnet_value_info *info = linnet_model_input(m, i);
        if (!info->has_default)
            printf("  %s: %s\n", info->name, ln_declared_text(info, text, sizeof text));
    }
    puts("outputs:");
    for (size_t i = 0; i < n_out; i++) {
        const linnet_value_info *info = linnet_model_output(m, i);
        printf("  %s: %s\n", info->name, ln_declared_text(info, text, sizeof text));
    }
}

static void print_header(const char *path, const linnet_model *m)
{
    const char *producer = linnet_model_metadata(m, "producer");
    printf("%s: IR %lld, opset", path, (long long)m->ir_version);
    for (int32_t i = 0; i < m->graph->n_opsets; i++) {
        const ln_opset *o = &m->graph->opsets[i];
        printf("%s %s%s%lld", i ? "," : "", o->domain, *o->domain ? " " : "", (long long)o->version);
    }
    if (producer && *producer)
        printf("; made by %s", producer);
    putchar('\n');
}

static bool print_static(const char *path, const linnet_model *m, census *c)
{
    char a[32], b[32];
    if (!take_census(c, m->graph))
        return ln_bad("out of memory") == 0;
    if (c->n_ops)
        qsort(c->ops, (size_t)c->n_ops, sizeof *c->ops, by_count);
    print_header(path, m);
    print_interface(m);
    printf("operators: %d nodes", c->nodes);
    if (c->bodies)
        printf(", %d bodies", c->bodies);
    putchar('\n');
    for (int i = 0; i < c->n_ops; i++)
        printf("  %5d %s%s%s\n", c->ops[i].count, c->ops[i].domain, *c->ops[i].domain ? "." : "", c->ops[i].type);
    printf("parameters: %s, %s\n", ln_count_text(c->parameters, a, sizeof a),
           ln_bytes_text(c->parameter_bytes, b, sizeof b));
    if (c->missing) {
        printf("unsupported: %d nodes\n", c->missing);
        print_missing(m->graph);
    } else {
        puts("unsupported: none");
    }
    return true;
}

/* -- planned ------------------------------------------------------------------------------------------------------- */

static bool plannable(const ln_cli *cli, const linnet_model *m)
{
    for (size_t i = 0; i < linnet_model_input_count(m); i++) {
        const linnet_value_info *info = linnet_model_input(m, i);
        if (!info->has_default && (info->kind != LINNET_TENSOR || (info->rank < 0 && !ln_cli_flag(cli, "shape"))))
            return false;
    }
    return true;
}

static void print_planned(const linnet_session *s, double macs, bool memory)
{
    char a[32], b[32], c[32], text[256];
    const ln_plan *plan = s->current->plan;
    int late = 0;
    for (int32_t i = 0; i < plan->n_steps; i++)
        late += plan->steps[i].late;
    printf("for");
    for (int32_t i = 0; i < plan->n_inputs; i++) {
        const ln_graph *g = s->model->graph;
        if (plan->inputs[i].kind == LINNET_TENSOR)
            printf(" %s %s", g->values[g->inputs[i]].name, ln_info_text(g, &plan->inputs[i], text, sizeof text));
    }
    printf(":\n  multiply-adds: %s\n  steps: %d", ln_count_text(macs, a, sizeof a), plan->n_steps);
    if (late)
        printf(", %d of them late", late);
    printf("\n  run memory: %s, packed weights: %s, the fullest step: %s\n",
           ln_bytes_text((double)plan->block_bytes, a, sizeof a),
           ln_bytes_text((double)plan->packed_bytes, b, sizeof b),
           ln_bytes_text((double)plan->live_bytes, c, sizeof c));
    if (memory)
        ln_print_memory(stdout, plan);
}

/* The plan for zeros of the shapes at hand. NULL: *code says how bad that is. */
static linnet_session *prepare(const ln_cli *cli, ln_arena *arena, linnet_model *m, const char *disable, int *code)
{
    linnet_error error = {0};
    linnet_session *s = NULL;
    linnet_session_options options = {.disable_passes = disable};
    if (linnet_session_create(&s, m, &options, &error)) {
        *code = ln_bad_error(cli->args[0], &error);
        return NULL;
    }
    if (!ln_feed(cli, arena, m, s, 0)) {
        *code = LN_EXIT_BAD;
    } else if (ln_session_prepare(s, &error)) {
        char text[sizeof error];
        printf("cannot be planned: %s\n", linnet_error_message(&error, text, sizeof text));
    } else {
        return s;
    }
    linnet_session_free(s);
    return NULL;
}

static int show_planned(const ln_cli *cli, ln_arena *arena, linnet_model *m)
{
    int code = LN_EXIT_OK;
    char passes[512];
    double macs = 0;
    linnet_session *plain = prepare(cli, arena, m, ln_author_passes(passes, sizeof passes), &code);
    if (!plain)
        return code;
    macs = ln_graph_macs(plain->current->plan->graph);
    linnet_session_free(plain);
    linnet_session *s = prepare(cli, arena, m, ln_cli_text(cli, "disable-passes", NULL), &code);
    if (s)
        print_planned(s, macs, ln_cli_flag(cli, "memory"));
    linnet_session_free(s);
    return code;
}

/* -- graph --------------------------------------------------------------------------------------------------------- */

static void say_refused(void *user, const char *pass, const char *node, const char *why)
{
    (void)user;
    printf("# %s: not at '%s': %s\n", pass, node, why);
}

static void say_found(void *user, const char *pass, const char *node, const char *what)
{
    (void)user;
    printf("# %s: at '%s': %s\n", pass, node, what);
}

static bool pass_known(const char *name)
{
    for (int32_t i = 0; i < ln_passes_count; i++)
        if (!strcmp(ln_passes[i].name, name))
            return true;
    return !strcmp(name, "import") || !strcmp(name, "infer") || !strcmp(name, "all");
}

/* The graph gets the shapes at hand, so that passes which need them run too; false: they are not known. */
static bool give_shapes(const ln_cli *cli, ln_arena *arena, linnet_model *m, ln_graph *g)
{
    linnet_session *s = NULL;
    bool given = plannable(cli, m) && !linnet_session_create(&s, m, NULL, NULL) && ln_feed(cli, arena, m, s, 0) &&
                 ln_plan_inputs(g, s->inputs);
    linnet_session_free(s);
    return given;
}

/* --after and --dot: the graph at a stage. */
static int show_graph(const ln_cli *cli, ln_arena *arena, linnet_model *m)
{
    const char *after = ln_cli_text(cli, "after", "import");
    linnet_error error = {0};
    linnet_status status = LINNET_OK;
    if (!pass_known(after))
        return ln_bad("info: there is no pass '%s'; `linnet info --help` lists them", after);
    ln_graph *g = ln_graph_clone(m->graph, arena);
    if (!g)
        return ln_bad("out of memory");
    ln_optimize_options options = {.disable = ln_cli_text(cli, "disable-passes", NULL),
                                   .allow_missing = true,
                                   .stop_after = strcmp(after, "all") ? after : NULL,
                                   .found = ln_cli_flag(cli, "why") ? say_found : NULL,
                                   .refused = ln_cli_flag(cli, "why") ? say_refused : NULL};
    if (strcmp(after, "infer") && strcmp(after, "import"))
        options.final = options.stripes = give_shapes(cli, arena, m, g);
    if (!strcmp(after, "infer"))
        status = ln_infer_graph(g, &m->memory, true, &error);
    else if (strcmp(after, "import"))
        status = ln_optimize(g, &m->memory, &options, &error);
    if (status)
        return ln_bad_error(cli->args[0], &error);
    (ln_cli_flag(cli, "dot") ? ln_print_dot : ln_print_graph)(stdout, g);
    return LN_EXIT_OK;
}

static int info(const ln_cli *cli, ln_arena *arena, linnet_model *m)
{
    if (ln_cli_flag(cli, "after") || ln_cli_flag(cli, "dot"))
        return show_graph(cli, arena, m);
    census c = {.arena = arena};
    if (!print_static(cli->args[0], m, &c))
        return LN_EXIT_BAD;
    if (c.missing || !plannable(cli, m)) {
        if (!c.missing)
            puts("multiply-adds and memory: the inputs' shapes are not known (--shape)");
        return LN_EXIT_OK;
    }
    return show_planned(cli, arena, m);
}

static int run(const ln_cli *cli)
{
    linnet_model *model = ln_load(cli->args[0]);
    if (!model)
        return LN_EXIT_BAD;
    ln_arena arena;
    ln_arena_init(&arena, &model->memory);
    int code = info(cli, &arena, model);
    ln_arena_free(&arena);
    linnet_model_free(model);
    return code;
}

static const ln_option options[] = {
    {"memory", 'm', false, NULL, "draw the block of run memory over time"},
    {"after", 0, false, "PASS", "print the graph after a pass; also import, infer, all"},
    {"dot", 0, false, NULL, "print the graph (as imported, or --after) for Graphviz"},
    {"why", 0, false, NULL, "with --after: say what passes recognised, and why they did not do what nearly fitted"},
    LN_FEED_DIM,
    LN_FEED_SHAPE,
    LN_SESSION_PASSES,
    {0},
};

static void more(FILE *file)
{
    fputs("Dimensions that are not fixed count as 1. The passes:\n", file);
    ln_print_passes(file);
}

const ln_command ln_cmd_info = {
    .name = "info",
    .usage = "MODEL [options]",
    .what = "Show what is in a model.",
    .print_more = more,
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
