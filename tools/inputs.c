/* SPDX-License-Identifier: Apache-2.0
 *
 * What `run` and `bench` share: opening a session, and giving it inputs from files or at random, with the shapes that
 * the command line fixes.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/tool.h"

const char ln_feed_help[] =
    "Inputs: NAME= may be left out when the model has one input, or for an .npz that has arrays of the inputs'\n"
    "names. A file without a known ending is taken for raw elements of the declared type. With --random, a\n"
    "dimension that neither the model nor --dim or --shape fixes is 1.\n";

linnet_session *ln_open_session(const ln_cli *cli, const linnet_model *model, bool profile)
{
    int64_t threads = 0;
    linnet_session *session = NULL;
    linnet_error error = {0};
    if (!ln_cli_int(cli, "threads", 1, 1024, &threads))
        return NULL;
    linnet_session_options options = {
        .threads = (int32_t)threads, .profile = profile, .disable_passes = ln_cli_text(cli, "disable-passes", NULL)};
    if (linnet_session_create(&session, model, &options, &error)) {
        ln_bad_error(cli->args[0], &error);
        return NULL;
    }
    return session;
}

/* The value of "NAME=VALUE" when the text is for that name; names may contain '='. */
static const char *value_for(const char *text, const char *name)
{
    size_t n = strlen(name);
    return ln_starts_with(text, name) && text[n] == '=' ? text + n + 1 : NULL;
}

/* The last setting of an option that is for that name; NULL: none. */
static const char *setting_for(const ln_cli *cli, const char *option, const char *name)
{
    const char *found = NULL, *item;
    for (int i = 0; (item = ln_cli_item(cli, option, i)); i++) {
        const char *value = value_for(item, name);
        found = value ? value : found;
    }
    return found;
}

/* A size at the start of text; *end is what follows it. */
static bool parse_size(const char *text, const char **end, int64_t *n)
{
    char *stop;
    errno = 0;
    *n = strtoll(text, &stop, 10);
    *end = stop;
    return stop != text && !errno && *n >= 0;
}

static bool parse_shape(const char *text, linnet_value_info *info)
{
    info->rank = 0;
    for (const char *p = text; *p; p += *p && p[1]) {
        if (info->rank == LINNET_MAX_RANK)
            return ln_bad("--shape: '%s' has more than %d dimensions", text, LINNET_MAX_RANK) == 0;
        if (!parse_size(p, &p, &info->dims[info->rank++]) || (*p && *p != 'x' && *p != ','))
            return ln_bad("--shape: '%s' is not a shape like 1x3x224x224", text) == 0;
    }
    return true;
}

/* What the command calls the option for a named dimension. */
static const char *dim_option(const ln_cli *cli)
{
    for (const ln_option *o = cli->command->options; o->name; o++)
        if (!strcmp(o->name, "input-dim"))
            return o->name;
    return "dim";
}

/* The declaration with --shape and --dim applied. */
static bool resolve(const ln_cli *cli, const linnet_value_info *declared, linnet_value_info *info)
{
    *info = *declared;
    const char *shape = setting_for(cli, "shape", info->name);
    if (shape)
        return parse_shape(shape, info);
    for (int32_t d = 0; d < info->rank; d++) {
        if (info->dims[d] >= 0 || !info->dim_names[d])
            continue;
        const char *end, *size = setting_for(cli, dim_option(cli), info->dim_names[d]);
        if (size && (!parse_size(size, &end, &info->dims[d]) || *end))
            return ln_bad("--%s: '%s' is not a size", dim_option(cli), size) == 0;
    }
    return true;
}

/* -- random -------------------------------------------------------------------------------------------------------- */

/* SplitMix64: seeded by any number, the same everywhere. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Floats in [0, 1), bytes over their range, wider integers 0 or 1 (they are often indices or lengths). */
static bool fill(ln_arena *arena, linnet_value *v, uint64_t seed)
{
    uint64_t state = seed;
    int64_t n = linnet_value_count(v);
    for (int64_t i = 0; i < n; i++) {
        uint64_t r = next_random(&state);
        double x = (double)(r >> 11) * 0x1p-53;
        if (v->type == LINNET_STRING) {
            char *text = ln_arena_strndup(arena, &"0123456789"[r % 10], 1);
            ((linnet_string *)v->data)[i] = (linnet_string){text, text ? 1 : 0};
            continue;
        }
        if (v->type == LINNET_UINT8)
            x = (double)(r & 255);
        else if (v->type == LINNET_INT8)
            x = (double)(r & 255) - 128;
        else if (v->type == LINNET_BOOL || (v->type >= LINNET_UINT16 && v->type <= LINNET_INT64) ||
                 v->type == LINNET_UINT32 || v->type == LINNET_UINT64)
            x = (double)(r & 1);
        if (!ln_element_set(v, i, x)) {
            ln_bad("random elements of type %s cannot be made", linnet_type_name(v->type));
            return false;
        }
    }
    return true;
}

static bool random_value(ln_arena *arena, const linnet_value_info *info, uint64_t seed, linnet_value *v)
{
    char text[256];
    int64_t dims[LINNET_MAX_RANK] = {0};
    if (info->kind != LINNET_TENSOR || info->rank < 0) {
        ln_bad("input '%s' is %s: it must be read from a file%s", info->name, ln_declared_text(info, text, sizeof text),
               info->kind == LINNET_TENSOR ? ", or its shape given by --shape" : "");
        return false;
    }
    for (int32_t d = 0; d < info->rank; d++)
        dims[d] = info->dims[d] < 0 ? 1 : info->dims[d];
    return ln_value_new(arena, v, info->type, info->rank, dims) && fill(arena, v, seed);
}

/* -- feeding ------------------------------------------------------------------------------------------------------- */

/* Every NAME= of an option is a name that the model has. */
static bool check_names(const ln_cli *cli, const char *option, const linnet_model *model)
{
    const char *item;
    bool is_dim = !strcmp(option, dim_option(cli));
    for (int i = 0; (item = ln_cli_item(cli, option, i)); i++) {
        bool known = !strcmp(option, "input") && !strchr(item, '=');
        for (size_t k = 0; k < linnet_model_input_count(model) && !known; k++) {
            const linnet_value_info *info = linnet_model_input(model, k);
            if (!is_dim)
                known = value_for(item, info->name) != NULL;
            for (int32_t d = 0; is_dim && d < info->rank && !known; d++)
                known = info->dim_names[d] && value_for(item, info->dim_names[d]);
        }
        if (known)
            continue;
        const char *first = linnet_model_input_count(model) ? linnet_model_input(model, 0)->name : "";
        if (is_dim)
            ln_bad("--%s %s: no input has a dimension of that name", option, item);
        else
            ln_bad("--%s %s: the model has no such input; `linnet info` lists them (the first is '%s')", option, item,
                   first);
        return false;
    }
    return true;
}

/* The file that the command line gives for an input; NULL: none. */
static const char *file_for(const ln_cli *cli, ln_arena *arena, const linnet_model *model, const char *name)
{
    const char *item, *found = setting_for(cli, "input", name);
    for (int i = 0; !found && (item = ln_cli_item(cli, "input", i)); i++) {
        ln_bytes file;
        if (strchr(item, '='))
            continue;
        if (!ln_ends_with(item, ".npz"))
            found = linnet_model_input(model, 0)->name == name ? item : NULL;
        else if (ln_read_file(arena, item, &file) && ln_npz_has(&file, name))
            found = item;
    }
    return found;
}

static bool feed_one(const ln_cli *cli, ln_arena *arena, const linnet_model *model, linnet_session *session, size_t i,
                     bool random, int64_t seed)
{
    const linnet_value_info *declared = linnet_model_input(model, i);
    linnet_value_info info;
    linnet_error error = {0};
    if (!resolve(cli, declared, &info))
        return false;
    const char *file = file_for(cli, arena, model, declared->name);
    linnet_value *v = ln_arena_zalloc(arena, sizeof *v, 16);
    if (!v)
        return ln_bad("out of memory") == 0;
    if (file) {
        if (!ln_value_read(arena, file, ln_cli_text(cli, "preset", "raw"), &info, v))
            return false;
    } else if (declared->has_default || (info.kind == LINNET_OPTIONAL && !random)) {
        return true;
    } else if (!random) {
        return ln_bad("input '%s' has no value; give --input %s=FILE or --random SEED", info.name, info.name) == 0;
    } else if (!random_value(arena, &info, (uint64_t)seed + i, v)) {
        return false;
    }
    if (!linnet_session_set_input(session, declared->name, v, &error))
        return true;
    ln_bad_error(file ? file : cli->args[0], &error);
    return false;
}

bool ln_feed(const ln_cli *cli, ln_arena *arena, const linnet_model *model, linnet_session *session, int64_t seed)
{
    bool random = seed >= 0 || ln_cli_flag(cli, "random");
    if (!ln_cli_int(cli, "random", 0, INT64_MAX, &seed) || !check_names(cli, "input", model) ||
        !check_names(cli, "shape", model) || !check_names(cli, dim_option(cli), model))
        return false;
    for (size_t i = 0; i < linnet_model_input_count(model); i++)
        if (!feed_one(cli, arena, model, session, i, random, seed))
            return false;
    return true;
}
