/* SPDX-License-Identifier: Apache-2.0
 *
 * `linnet classify`: images in, labels with probabilities out. The preprocessing is a preset with options over it; a
 * model may name its own in its metadata ("preset", and "labels" with commas between).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/model.h"
#include "tools/tool.h"

typedef struct labels {
    const char **names;
    int64_t n;
} labels;

typedef struct score {
    int64_t class;
    double value;
} score;

typedef struct classifier {
    const ln_cli *cli;
    ln_arena *arena; /* of the program */
    linnet_model *model;
    linnet_session *session;
    ln_preset preset;
    labels labels;
    int64_t top;
} classifier;

/* -- options ------------------------------------------------------------------------------------------------------- */

static bool three(const ln_cli *cli, const char *name, float *to)
{
    const char *text = ln_cli_text(cli, name, NULL);
    if (!text)
        return true;
    char *end = NULL;
    int n = 0;
    for (const char *p = text; n < 3; p = end + 1) {
        to[n++] = strtof(p, &end);
        if (end == p || *end != ',')
            break;
    }
    if (n == 1)
        to[1] = to[2] = to[0];
    if (!end || *end || end == text || n == 2)
        return ln_bad("classify: --%s is '%s', not one or three numbers with commas between", name, text) == 0;
    return true;
}

/* The index of an option's value in a list that ends with NULL; -1: absent; -2: said what is wrong. */
static int choice(const ln_cli *cli, const char *name, const char *const *values)
{
    const char *text = ln_cli_text(cli, name, NULL);
    if (!text)
        return -1;
    for (int i = 0; values[i]; i++)
        if (!strcmp(values[i], text))
            return i;
    ln_bad("classify: --%s is '%s'; it can be %s, %s%s%s", name, text, values[0], values[1], values[2] ? " or " : "",
           values[2] ? values[2] : "");
    return -2;
}

/* Without a preset, an input of bytes gets pixels as they are; signed ones from -128. */
static const char *default_preset(classifier *c, const linnet_value_info *input)
{
    const char *own = linnet_model_metadata(c->model, "preset");
    return own ? own : input->type == LINNET_UINT8 || input->type == LINNET_INT8 ? "raw" : "imagenet";
}

static bool read_preset(classifier *c, const linnet_value_info *input)
{
    static const char *const resizes[] = {"crop", "stretch", "pad", NULL}, *const layouts[] = {"nchw", "nhwc", NULL};
    const char *name = ln_cli_text(c->cli, "preset", default_preset(c, input));
    const ln_preset *preset = ln_preset_find(name);
    if (!preset)
        return ln_bad("classify: there is no preset '%s'; there are raw, imagenet and mobilenet", name) == 0;
    c->preset = *preset;
    for (int i = 0; i < 3 && input->type == LINNET_INT8 && !strcmp(name, "raw"); i++)
        c->preset.mean[i] = 128;
    double scale = (double)preset->scale;
    int resize = choice(c->cli, "resize", resizes), layout = choice(c->cli, "layout", layouts);
    if (resize == -2 || layout == -2 || !three(c->cli, "mean", c->preset.mean) ||
        !three(c->cli, "std", c->preset.std) || !ln_cli_double(c->cli, "scale", -1e6, 1e6, &scale))
        return false;
    c->preset.scale = (float)scale;
    c->preset.bgr = ln_cli_flag(c->cli, "bgr");
    if (resize >= 0)
        c->preset.resize = (ln_resize)resize;
    if (layout >= 0)
        c->preset.layout = layout ? 'L' : 'C';
    for (int i = 0; i < 3; i++)
        if (c->preset.std[i] == 0)
            return ln_bad("classify: --std must not be 0") == 0;
    return true;
}

/* Labels are lines of a file, or the model's own with commas between. */
static bool read_labels(classifier *c)
{
    const char *path = ln_cli_text(c->cli, "labels", NULL), *own = linnet_model_metadata(c->model, "labels");
    const char *ends = path ? "\r\n" : ",";
    ln_bytes file;
    char *text;
    if (path) {
        if (!ln_read_file(c->arena, path, &file))
            return false;
        text = (char *)file.data;
    } else {
        text = own ? ln_arena_strndup(c->arena, own, strlen(own)) : NULL;
    }
    if (!text)
        return true;
    int64_t room = 1;
    for (const char *p = text; *p; p++)
        room += strchr(ends, *p) != NULL;
    c->labels.names = ln_arena_array(c->arena, room, sizeof *c->labels.names);
    if (!c->labels.names)
        return ln_bad("out of memory") == 0;
    while (*text) {
        size_t n = strcspn(text, ends);
        bool more = text[n] != 0;
        bool pair = text[n] == '\r' && text[n + 1] == '\n';
        text[n] = 0;
        c->labels.names[c->labels.n++] = text;
        text += n + more + pair;
    }
    return true;
}

/* -- scores -------------------------------------------------------------------------------------------------------- */

static int best_first(const void *a, const void *b)
{
    const score *x = a, *y = b;
    return x->value != y->value ? (x->value < y->value ? 1 : -1) : (x->class > y->class) - (x->class < y->class);
}

/* Values that are no distribution yet go through a softmax. step: how far apart two values are at least. */
static void to_probabilities(score *s, int64_t n, double step)
{
    double sum = 0, most = -INFINITY;
    bool distribution = true;
    for (int64_t i = 0; i < n; i++) {
        sum += s[i].value;
        most = fmax(most, s[i].value);
        distribution = distribution && s[i].value >= 0;
    }
    if (distribution && fabs(sum - 1) < 0.02 + step * (double)n / 2)
        return;
    sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += s[i].value = exp(s[i].value - most);
    for (int64_t i = 0; i < n; i++)
        s[i].value /= sum;
}

/* A list of labels may begin with a class "background" that the model has not. */
static const char *label_of(const classifier *c, int64_t class, int64_t classes, char *buf, size_t size)
{
    int64_t i = class + (c->labels.n == classes + 1 && !strcmp(c->labels.names[0], "background"));
    if (i < c->labels.n)
        return c->labels.names[i];
    snprintf(buf, size, "class %lld", (long long)class);
    return buf;
}

static bool float_type(linnet_type t)
{
    return t == LINNET_FLOAT32 || t == LINNET_FLOAT64 || t == LINNET_FLOAT16 || t == LINNET_BFLOAT16;
}

/* Integers that a QuantizeLinear made: its scale and zero point. False: they are no such. */
static bool quantised_by(const classifier *c, const char *output, double *scale, double *zero)
{
    const ln_graph *g = c->model->graph;
    const ln_node *n = NULL;
    for (int32_t i = 0; i < g->n_outputs; i++)
        if (!strcmp(g->values[g->outputs[i]].name, output) && g->values[g->outputs[i]].producer >= 0)
            n = &g->nodes[g->values[g->outputs[i]].producer];
    if (!n || !ln_node_is(n, "QuantizeLinear") || n->n_in < 3 || n->in[2] < 0)
        return false;
    const ln_info *s = &g->values[n->in[1]].info, *z = &g->values[n->in[2]].info;
    if (!s->data || s->type != LINNET_FLOAT32 || s->rank || !z->data || z->rank)
        return false;
    linnet_value v = {.kind = LINNET_TENSOR, .type = (linnet_type)z->type, .data = (void *)(uintptr_t)z->data};
    *scale = (double)*(const float *)s->data;
    *zero = ln_element(&v, 0);
    return true;
}

/* The scores: the output of floats (or of maps of them, as ZipMap makes), or of quantised ones, with the most elements;
 * NULL: none. keys gets the labels of a map, scale and zero what integers mean. */
static const linnet_value *find_scores(const classifier *c, const linnet_value **keys, double *scale, double *zero)
{
    const linnet_value *found = NULL;
    *keys = NULL;
    *scale = 1, *zero = 0;
    for (size_t i = 0; i < linnet_model_output_count(c->model); i++) {
        double step = 0, origin = 0;
        const linnet_value *v = linnet_session_output(c->session, linnet_model_output(c->model, i)->name);
        const linnet_value *key = NULL;
        if (v && v->kind == LINNET_SEQUENCE && v->n_items)
            v = &v->items[0];
        if (v && v->kind == LINNET_MAP && v->n_items) {
            key = &v->items[0];
            v = &v->items[1];
        }
        bool integers = v && !float_type(v->type) && !key &&
                        quantised_by(c, linnet_model_output(c->model, i)->name, &step, &origin);
        if (!v || v->kind != LINNET_TENSOR || !(float_type(v->type) || integers) ||
            (found && linnet_value_count(v) <= linnet_value_count(found)))
            continue;
        found = v;
        *scale = integers ? step : 1, *zero = origin;
        *keys = key;
    }
    return found;
}

static bool print_top(const classifier *c, const char *image)
{
    double scale, zero;
    const linnet_value *keys, *v = find_scores(c, &keys, &scale, &zero);
    int64_t n = v ? linnet_value_count(v) : 0;
    score *s = n > 0 ? malloc((size_t)n * sizeof *s) : NULL;
    if (!s)
        return ln_bad("%s: no output of the model holds scores", c->cli->args[0]) == 0;
    for (int64_t i = 0; i < n; i++)
        s[i] = (score){i, (ln_element(v, i) - zero) * scale};
    to_probabilities(s, n, float_type(v->type) ? 0 : scale);
    qsort(s, (size_t)n, sizeof *s, best_first);
    printf("%s\n", image);
    for (int64_t i = 0; i < n && i < c->top; i++) {
        char buf[32];
        if (keys && keys->type == LINNET_STRING) {
            const linnet_string *k = (const linnet_string *)keys->data + s[i].class;
            printf("  %7.4f  %.*s\n", s[i].value, (int)k->size, k->size ? k->data : "");
            continue;
        }
        int64_t class = keys ? (int64_t)ln_element(keys, s[i].class) : s[i].class;
        printf("  %7.4f  %s\n", s[i].value, label_of(c, class, n, buf, sizeof buf));
    }
    free(s);
    return true;
}

/* -- the command --------------------------------------------------------------------------------------------------- */

static const linnet_value_info *image_input(const linnet_model *m)
{
    const linnet_value_info *found = NULL;
    for (size_t i = 0; i < linnet_model_input_count(m); i++) {
        const linnet_value_info *info = linnet_model_input(m, i);
        if (info->has_default)
            continue;
        if (found)
            return NULL;
        found = info;
    }
    return found;
}

static bool classify_one(const classifier *c, const linnet_value_info *input, const char *path)
{
    ln_memory memory;
    ln_arena arena;
    ln_image image;
    linnet_value v;
    linnet_error error = {0};
    ln_memory_init(&memory, NULL, 0);
    ln_arena_init(&arena, &memory);
    bool good = ln_image_read(&arena, path, &image) && ln_image_tensor(&arena, &image, path, &c->preset, input, &v);
    if (good &&
        (linnet_session_set_input(c->session, input->name, &v, &error) || linnet_session_run(c->session, &error)))
        good = ln_bad_error(c->cli->args[0], &error) == 0;
    good = good && print_top(c, path);
    ln_arena_free(&arena);
    return good;
}

static bool classify(classifier *c)
{
    const linnet_value_info *input = image_input(c->model);
    if (!input)
        return ln_bad("%s: the model has not one input for an image", c->cli->args[0]) == 0;
    c->session = read_preset(c, input) && read_labels(c) ? ln_open_session(c->cli, c->model, false) : NULL;
    for (int i = 1; c->session && i < c->cli->n_args; i++)
        if (!classify_one(c, input, c->cli->args[i]))
            return false;
    return c->session != NULL;
}

static int run(const ln_cli *cli)
{
    ln_memory memory;
    ln_arena arena;
    ln_memory_init(&memory, NULL, 0);
    ln_arena_init(&arena, &memory);
    classifier c = {.cli = cli, .arena = &arena, .top = 5};
    bool good = ln_cli_int(cli, "top", 1, 1000000, &c.top) && (c.model = ln_load(cli->args[0])) && classify(&c);
    linnet_session_free(c.session);
    linnet_model_free(c.model);
    ln_arena_free(&arena);
    return good ? LN_EXIT_OK : LN_EXIT_BAD;
}

static const ln_option options[] = {
    {"labels", 'l', false, "FILE", "names of the classes, one a line"},
    {"top", 'n', false, "N", "how many classes to print (5)"},
    {"preset", 'p', false, "NAME", "preprocessing: imagenet, mobilenet or raw (the model's, imagenet, raw for bytes)"},
    {"resize", 0, false, "HOW", "crop (fill, centre), stretch or pad"},
    {"scale", 0, false, "X", "pixels of 0 to 255 are multiplied by this first"},
    {"mean", 0, false, "R,G,B", "then this is subtracted"},
    {"std", 0, false, "R,G,B", "then it is divided by this"},
    {"bgr", 0, false, NULL, "channels in the order blue, green, red"},
    {"layout", 0, false, "L", "nchw or nhwc (by the input's shape)"},
    LN_SESSION_THREADS,
    LN_SESSION_PASSES,
    {0},
};

static void more(FILE *file)
{
    fputs("Images are PNG, JPEG or BMP. Presets:\n", file);
    for (const ln_preset *p = ln_presets; p->name; p++)
        fprintf(file, "  %-12s %s\n", p->name, p->what);
}

const ln_command ln_cmd_classify = {
    .name = "classify",
    .usage = "MODEL IMAGE... [--labels FILE] [--top N] [options]",
    .what = "Name what is in an image.",
    .print_more = more,
    .options = options,
    .min_args = 2,
    .max_args = 1 << 20,
    .run = run,
};
