/* SPDX-License-Identifier: Apache-2.0
 *
 * `linnet run`: one run of a model, inputs from files or at random, outputs to files or printed.
 */
#include <string.h>

#include "tools/tool.h"

/* The file of "NAME=FILE" for an output; without NAME= it is for the only one. */
static const char *file_for(const ln_cli *cli, const linnet_model *model, const char *name)
{
    const char *item;
    size_t n = strlen(name);
    for (int i = 0; (item = ln_cli_item(cli, "output", i)); i++) {
        if (ln_starts_with(item, name) && item[n] == '=')
            return item + n + 1;
        if (!strchr(item, '=') && linnet_model_output_count(model) == 1)
            return item;
    }
    return NULL;
}

static bool check_outputs(const ln_cli *cli, const linnet_model *model)
{
    const char *item;
    for (int i = 0; (item = ln_cli_item(cli, "output", i)); i++) {
        bool known = !strchr(item, '=') && linnet_model_output_count(model) == 1;
        for (size_t k = 0; k < linnet_model_output_count(model) && !known; k++) {
            const char *name = linnet_model_output(model, k)->name;
            known = ln_starts_with(item, name) && item[strlen(name)] == '=';
        }
        if (!known)
            return ln_bad("--output %s: the model has no such output; `linnet info` lists them", item) == 0;
    }
    return true;
}

static bool give_outputs(const ln_cli *cli, ln_arena *arena, const linnet_model *model, const linnet_session *session)
{
    int64_t values = 8;
    if (!ln_cli_int(cli, "values", 0, INT64_MAX, &values))
        return false;
    for (size_t i = 0; i < linnet_model_output_count(model); i++) {
        const char *name = linnet_model_output(model, i)->name;
        const linnet_value *v = linnet_session_output(session, name);
        const char *file = file_for(cli, model, name);
        if (!v)
            return ln_bad("output '%s' is missing", name) == 0;
        if (file && !ln_value_write(arena, file, name, v))
            return false;
        if (!ln_cli_flag(cli, "output"))
            ln_print_value(stdout, name, v, values);
    }
    return true;
}

static int run_session(const ln_cli *cli, ln_arena *arena, const linnet_model *model)
{
    linnet_error error = {0};
    linnet_session *session = check_outputs(cli, model) ? ln_open_session(cli, model, false) : NULL;
    if (!session)
        return LN_EXIT_BAD;
    int code = LN_EXIT_BAD;
    if (ln_feed(cli, arena, model, session, -1)) {
        if (linnet_session_run(session, &error))
            code = ln_bad_error(cli->args[0], &error);
        else if (give_outputs(cli, arena, model, session))
            code = LN_EXIT_OK;
    }
    linnet_session_free(session);
    return code;
}

static int run(const ln_cli *cli)
{
    linnet_model *model = ln_load(cli->args[0]);
    if (!model)
        return LN_EXIT_BAD;
    ln_memory memory;
    ln_arena arena;
    ln_memory_init(&memory, NULL, 0);
    ln_arena_init(&arena, &memory);
    int code = run_session(cli, &arena, model);
    linnet_model_free(model);
    ln_arena_free(&arena);
    return code;
}

static const ln_option options[] = {
    LN_FEED_INPUT,
    {"output", 'o', true, "NAME=FILE", "write an output: .npy, .pb or raw elements"},
    LN_FEED_RANDOM,
    LN_FEED_DIM,
    LN_FEED_SHAPE,
    LN_FEED_PRESET,
    {"values", 'n', false, "N", "how many values of an output to print (8)"},
    LN_SESSION_THREADS,
    LN_SESSION_PASSES,
    {0},
};

const ln_command ln_cmd_run = {
    .name = "run",
    .usage = "MODEL [--input NAME=FILE]... [--output NAME=FILE]... [options]",
    .what = "Run a model once.",
    .more = ln_feed_help,
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
