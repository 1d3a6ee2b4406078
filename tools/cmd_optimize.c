/* SPDX-License-Identifier: Apache-2.0
 *
 * `linnet optimize`: the passes that need no final shapes, and the graph written as an .onnx file again.
 */
#include <string.h>

#include "engine/passes.h"
#include "onnx/onnx.h"
#include "tools/tool.h"

static void say_refused(void *user, const char *pass, const char *node, const char *why)
{
    (void)user;
    printf("%s: not at '%s': %s\n", pass, node, why);
}

static int count_nodes(const ln_graph *g)
{
    int n = 0;
    LN_FOR_NODES(g, i)
    n++;
    return n;
}

static int optimise(const ln_cli *cli, linnet_model *model, ln_graph *g)
{
    const char *path = ln_cli_text(cli, "output", NULL);
    ln_optimize_options options = {.disable = ln_cli_text(cli, "disable-passes", NULL),
                                   .allow_missing = true,
                                   .refused = ln_cli_flag(cli, "why") ? say_refused : NULL};
    linnet_error error = {0};
    if (ln_optimize(g, &model->memory, &options, &error))
        return ln_bad_error(cli->args[0], &error);
    if (ln_onnx_write(g, model, path, &error))
        return ln_bad_error(path, &error);
    printf("%s: %d nodes, from %d\n", path, count_nodes(g), count_nodes(model->graph));
    return LN_EXIT_OK;
}

static int run(const ln_cli *cli)
{
    if (!ln_cli_flag(cli, "output"))
        return ln_bad("optimize: --output FILE is missing");
    linnet_model *model = ln_load(cli->args[0]);
    if (!model)
        return LN_EXIT_BAD;
    ln_arena arena;
    ln_arena_init(&arena, &model->memory);
    ln_graph *g = ln_graph_clone(model->graph, &arena);
    int code = g ? optimise(cli, model, g) : ln_bad("out of memory");
    ln_arena_free(&arena);
    linnet_model_free(model);
    return code;
}

static const ln_option options[] = {
    {"output", 'o', false, "FILE", "where the model goes"},
    {"why", 0, false, NULL, "say of every rewriting that nearly fitted why it was not done"},
    LN_SESSION_PASSES,
    {0},
};

const ln_command ln_cmd_optimize = {
    .name = "optimize",
    .usage = "MODEL -o FILE [options]",
    .what = "Write a model after constant folding and the graph passes.",
    .more =
        "Only passes whose result is standard ONNX for every input shape are done; `linnet info --help` lists them.\n",
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
