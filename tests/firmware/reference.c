/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs a model in a session on the host and writes what a compiled one has to give, as a header for image.c: inputs and
 * outputs as bytes, with the accessors of the compiled model. Dimensions that neither the model nor
 * an argument fixes are 1, as `linnet compile` takes them. With REFERENCE_FLOATS=close, for kernels that sum in another
 * order, outputs of float32 are compared by the formula of `linnet conformance`.
 *
 * usage: reference MODEL NAME FILE.h RUNS [STATE_IN=STATE_OUT | dim:NAME=SIZE]...
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/compile.h"

static linnet_error error;

static void bad(const char *what)
{
    char text[700];
    fprintf(stderr, "reference: %s: %s\n", what, linnet_error_message(&error, text, sizeof text));
    exit(1);
}

/* SplitMix64. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Floats in [-1, 1), bytes over their range, wider integers 0 or 1. */
static void fill(linnet_value *v, uint64_t *random)
{
    int64_t n = linnet_value_count(v);
    for (int64_t i = 0; i < n; i++) {
        uint64_t r = next_random(random);
        double x = (double)(r >> 11) * 0x1p-52 - 1;
        if (v->type == LINNET_UINT8 || v->type == LINNET_INT8)
            x = (double)(int)(r & 255) - (v->type == LINNET_INT8 ? 128 : 0);
        else if (v->type != LINNET_FLOAT32 && v->type != LINNET_FLOAT64 && v->type != LINNET_FLOAT16)
            x = (double)(r & 1);
        if (!ln_element_set(v, i, x))
            bad("an input of this type cannot be made");
    }
}

static size_t bytes_of(const linnet_value *v)
{
    return (size_t)linnet_value_count(v) * linnet_type_size(v->type);
}

static void write_bytes(FILE *f, const char *kind, int run, size_t at, const linnet_value *v)
{
    const uint8_t *data = v->data;
    size_t n = bytes_of(v);
    fprintf(f, "static const uint8_t %s_%d_%zu[] = {", kind, run, at);
    for (size_t i = 0; i < n; i++)
        fprintf(f, "%s%d,", i % 24 ? "" : "\n    ", data[i]);
    fputs("\n};\n", f);
}

/* The input that an output is fed to, by the arguments from first on; NULL: none. */
static const char *state_of(const char *output, int argc, char **argv, int first)
{
    static char name[256];
    for (int i = first; i < argc; i++) {
        const char *cut = strchr(argv[i], '=');
        if (cut && !strcmp(cut + 1, output)) {
            snprintf(name, sizeof name, "%.*s", (int)(cut - argv[i]), argv[i]);
            return name;
        }
    }
    return NULL;
}

static int64_t dim_of(const char *name, int argc, char **argv, int first)
{
    for (int i = first; name && i < argc; i++)
        if (!strncmp(argv[i], "dim:", 4) && !strncmp(argv[i] + 4, name, strlen(name)) &&
            argv[i][4 + strlen(name)] == '=')
            return atoll(argv[i] + 5 + strlen(name));
    return 1;
}

static bool is_state(const char *input, int argc, char **argv, int first)
{
    for (int i = first; i < argc; i++)
        if (!strncmp(argv[i], input, strlen(input)) && argv[i][strlen(input)] == '=')
            return true;
    return false;
}

/* The output NAME_next of an input with a default; NULL: none. */
static const linnet_value_info *declared_state(const linnet_model *model, const char *name)
{
    for (size_t i = 0; i < linnet_model_output_count(model); i++) {
        const linnet_value_info *info = linnet_model_output(model, i);
        if (!strncmp(info->name, name, strlen(name)) && !strcmp(info->name + strlen(name), "_next"))
            return info;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    linnet_model *model;
    linnet_session *session;
    linnet_session_options options = {.threads = 1, .disable_passes = getenv("REFERENCE_DISABLE")};
    if (argc < 5 || !(model = ln_load(argv[1])) || linnet_session_create(&session, model, &options, &error))
        bad(argc > 1 ? argv[1] : "usage");
    FILE *f = fopen(argv[3], "w");
    const char *name = argv[2];
    int runs = atoi(argv[4]);
    uint64_t random = 1;
    size_t n_in = linnet_model_input_count(model), n_out = linnet_model_output_count(model);
    if (!f || runs < 1)
        bad(argv[3]);
    fprintf(f, "#include \"%s.h\"\n#define RUNS %d\n", name, runs);
    linnet_value *in = calloc(n_in + 1, sizeof *in);
    for (size_t i = 0; i < n_in; i++) {
        const linnet_value_info *info = linnet_model_input(model, i);
        in[i] = (linnet_value){.kind = LINNET_TENSOR, .type = info->type, .rank = info->rank};
        for (int d = 0; d < info->rank; d++)
            in[i].dims[d] = info->dims[d] < 0 ? dim_of(info->dim_names[d], argc, argv, 5) : info->dims[d];
        in[i].data = calloc(bytes_of(&in[i]) + 1, 1);
    }
    for (int r = 0; r < runs; r++) {
        for (size_t i = 0; i < n_in; i++) {
            const linnet_value_info *info = linnet_model_input(model, i);
            if (info->has_default && !r)
                continue; /* a state that the model declares, as it is at first */
            if (info->has_default && !declared_state(model, info->name))
                continue;
            if (!info->has_default && !is_state(info->name, argc, argv, 5)) {
                fill(&in[i], &random);
                write_bytes(f, "input", r, i, &in[i]);
            }
            if (linnet_session_set_input(session, info->name, &in[i], &error))
                bad(info->name);
        }
        if (linnet_session_run(session, &error))
            bad(argv[1]);
        for (size_t i = 0; i < n_out; i++) {
            const linnet_value *v = linnet_session_output(session, linnet_model_output(model, i)->name);
            write_bytes(f, "output", r, i, v);
        }
        for (size_t i = 0; i < n_out; i++) {
            const char *output = linnet_model_output(model, i)->name, *to = state_of(output, argc, argv, 5);
            for (size_t k = 0; k < n_in; k++)
                if (declared_state(model, linnet_model_input(model, k)->name) == linnet_model_output(model, i))
                    to = linnet_model_input(model, k)->name;
            const linnet_value *v = linnet_session_output(session, output);
            for (size_t k = 0; to && k < n_in; k++)
                if (!strcmp(linnet_model_input(model, k)->name, to))
                    memcpy(in[k].data, v->data, bytes_of(v));
        }
    }
    const char *floats = getenv("REFERENCE_FLOATS");
    bool by_formula = floats && !strcmp(floats, "close");
    for (int r = 0; r < runs; r++) {
        char accessor[128];
        fprintf(f, "static void feed_%d(void)\n{\n", r);
        for (size_t i = 0; i < n_in; i++) {
            const linnet_value_info *info = linnet_model_input(model, i);
            if (info->has_default || is_state(info->name, argc, argv, 5))
                continue;
            ln_c_name(accessor, 52, info->name, false);
            fprintf(f, "    memcpy(%s_input_%s(), input_%d_%zu, sizeof input_%d_%zu);\n", name, accessor, r, i, r, i);
        }
        fprintf(f, "}\nstatic int compare_%d(void)\n{\n    int wrong = 0;\n", r);
        for (size_t i = 0; i < n_out; i++) {
            ln_c_name(accessor, 52, linnet_model_output(model, i)->name, false);
            bool number = linnet_session_output(session, linnet_model_output(model, i)->name)->type == LINNET_FLOAT32;
            fprintf(f, "    wrong |= %s(%s_output_%s(), output_%d_%zu, sizeof output_%d_%zu);\n",
                    number && by_formula ? "far" : "other", name, accessor, r, i, r, i);
        }
        fputs("    return wrong;\n}\n", f);
    }
    fprintf(f, "static void (*const feed[])(void) = {");
    for (int r = 0; r < runs; r++)
        fprintf(f, "feed_%d, ", r);
    fprintf(f, "};\nstatic int (*const compare[])(void) = {");
    for (int r = 0; r < runs; r++)
        fprintf(f, "compare_%d, ", r);
    char upper[128];
    ln_c_name(upper, sizeof upper, name, true);
    fprintf(f, "};\n#define MODEL_INIT %s_init\n#define MODEL_RUN %s_run\n#define ARENA_BYTES %s_ARENA_BYTES\n", name,
            name, upper);
    fprintf(f, "#define ARENA_ALIGN %s_ARENA_ALIGN\n", upper);
    return fclose(f) ? 1 : 0;
}
