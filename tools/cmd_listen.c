/* SPDX-License-Identifier: Apache-2.0
 *
 * `linnet listen`: a sound file through a model of sounds, window by window: a table of time, label and score.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/audio.h"

enum { MOST_ROWS = 12 }; /* labels in the picture */

typedef struct listener {
    const ln_cli *cli;
    ln_arena *arena;
    linnet_model *model;
    linnet_session *session;
    ln_audio audio;
    linnet_value input; /* one window */
    int64_t length, hop, windows, classes, top;
    double least;  /* score */
    float *scores; /* [windows][classes] */
    const char **labels;
    int64_t n_labels;
} listener;

/* Labels are the lines of a file; of a table with commas the last column, its header line left out. */
static bool read_labels(listener *l)
{
    const char *path = ln_cli_text(l->cli, "labels", NULL);
    ln_bytes file;
    if (!path)
        return true;
    if (!ln_read_file(l->arena, path, &file))
        return false;
    char *text = (char *)file.data;
    bool table = ln_ends_with(path, ".csv");
    int64_t room = 1;
    for (const char *p = text; *p; p++)
        room += *p == '\n';
    l->labels = ln_arena_array(l->arena, room, sizeof *l->labels);
    if (!l->labels)
        return ln_bad("out of memory") == 0;
    for (bool header = table; *text;) {
        size_t n = strcspn(text, "\r\n");
        char *next = text + n + (text[n] != 0);
        text[n] = 0;
        if (table) {
            char *quote = n && text[n - 1] == '"' ? strchr(text, '"') : NULL, *comma = strrchr(text, ',');
            if (quote) {
                text[n - 1] = 0;
                text = quote + 1;
            } else if (comma) {
                text = comma + 1;
            }
        }
        if (n && !header)
            l->labels[l->n_labels++] = text;
        header = header && n == 0;
        text = next;
    }
    return true;
}

static const char *label_of(const listener *l, int64_t class, char *buf, size_t size)
{
    if (class < l->n_labels)
        return l->labels[class];
    snprintf(buf, size, "class %lld", (long long)class);
    return buf;
}

/* The input: the only one without a default, of samples; its last dimension is the window. */
static bool prepare(listener *l)
{
    const linnet_value_info *info = NULL;
    for (size_t i = 0; i < linnet_model_input_count(l->model); i++) {
        const linnet_value_info *in = linnet_model_input(l->model, i);
        if (in->has_default)
            continue;
        if (info)
            return ln_bad("%s: more than one input; a model of sounds has one", l->cli->args[0]) == 0;
        info = in;
    }
    if (!info || info->kind != LINNET_TENSOR || info->rank < 1 || info->rank > 3)
        return ln_bad("%s: no input of samples", l->cli->args[0]) == 0;
    const char *own = linnet_model_metadata(l->model, "sample_rate");
    double rate = own ? strtod(own, NULL) : 16000, seconds = 0, hop = 0;
    if (!ln_cli_double(l->cli, "rate", 100, 1e6, &rate) || !ln_cli_double(l->cli, "window", 0, 1e6, &seconds) ||
        !ln_cli_double(l->cli, "hop", 0, 1e6, &hop) || !ln_cli_int(l->cli, "top", 1, 1000, &l->top) ||
        !ln_cli_double(l->cli, "min", -1e30, 1e30, &l->least))
        return false;
    if (!ln_audio_read(l->arena, l->cli->args[1], rate, &l->audio))
        return false;
    if (l->audio.n == 0)
        return ln_bad("%s: no samples", l->cli->args[1]) == 0;
    int64_t dims[LINNET_MAX_RANK], rest = 1;
    int32_t axis = -1;
    for (int32_t i = 0; i < info->rank; i++) {
        dims[i] = info->dims[i] < 0 ? 1 : info->dims[i];
        rest *= dims[i];
        if (info->dims[i] > 1 || (info->dims[i] < 0 && (axis < 0 || info->dims[axis] < 0)))
            axis = i; /* the fixed one, else the last that is free */
    }
    if (axis < 0 || rest != dims[axis])
        return ln_bad("%s: input '%s' is no row of samples; `linnet info` shows it", l->cli->args[0], info->name) == 0;
    l->length = info->dims[axis];
    if (l->length < 0)
        l->length = seconds > 0 ? (int64_t)(seconds * rate) : l->audio.n;
    dims[axis] = l->length > 0 ? l->length : 1;
    l->length = dims[axis];
    l->hop = hop > 0 ? (int64_t)(hop * rate) : l->length;
    l->hop = l->hop > 0 ? l->hop : 1;
    l->windows = l->audio.n <= l->length ? 1 : 1 + (l->audio.n - l->length + l->hop - 1) / l->hop;
    if (!ln_value_new(l->arena, &l->input, info->type, info->rank, dims))
        return false;
    linnet_error error = {0};
    if (linnet_session_set_input(l->session, info->name, &l->input, &error))
        return ln_bad_error(l->cli->args[0], &error), false;
    return true;
}

/* The output of numbers with the most elements. */
static const linnet_value *find_scores(const listener *l)
{
    const linnet_value *found = NULL;
    for (size_t i = 0; i < linnet_model_output_count(l->model); i++) {
        const linnet_value *v = linnet_session_output(l->session, linnet_model_output(l->model, i)->name);
        bool labelled = v && l->n_labels && v->rank > 0 && v->dims[v->rank - 1] == l->n_labels;
        if (labelled && v->kind == LINNET_TENSOR)
            return v;
        if (v && v->kind == LINNET_TENSOR && v->rank > 0 && v->type != LINNET_STRING &&
            (!found || linnet_value_count(v) > linnet_value_count(found)))
            found = v;
    }
    return found;
}

/* One window; of several rows of scores the best counts. */
static bool hear(listener *l, int64_t window)
{
    static const double full[LINNET_TYPE_COUNT] = {[LINNET_INT16] = 32767, [LINNET_INT8] = 127, [LINNET_INT32] = 32767};
    double scale = full[l->input.type] > 0 ? full[l->input.type] : 1;
    int64_t first = ln_audio_window(&l->audio, window, l->hop, l->length);
    for (int64_t i = 0; i < l->length; i++) {
        int64_t at = first + i;
        double x = at < l->audio.n ? (double)l->audio.samples[at] : 0;
        if (l->input.type == LINNET_FLOAT32)
            ((float *)l->input.data)[i] = (float)x;
        else if (!ln_element_set(&l->input, i, x * scale))
            return ln_bad("%s: the input is of no type of numbers", l->cli->args[0]) == 0;
    }
    linnet_error error = {0};
    if (linnet_session_run(l->session, &error))
        return ln_bad_error(l->cli->args[0], &error), false;
    const linnet_value *v = find_scores(l);
    int64_t classes = v ? v->dims[v->rank - 1] : 0;
    if (classes < 1 || (l->scores && classes != l->classes))
        return ln_bad("%s: no output of scores", l->cli->args[0]) == 0;
    l->classes = classes;
    if (!l->scores)
        l->scores = ln_arena_array(l->arena, classes * l->windows, sizeof *l->scores);
    if (!l->scores)
        return ln_bad("out of memory") == 0;
    float *to = l->scores + window * classes;
    for (int64_t i = 0, n = linnet_value_count(v); i < n; i++) {
        float x = (float)ln_element(v, i);
        if (i < classes || x > to[i % classes])
            to[i % classes] = x;
    }
    return true;
}

/* The class with the next lower score than (score, class); -1: none above the least. */
static int64_t next_best(const float *scores, int64_t n, double least, float score, int64_t class)
{
    int64_t best = -1;
    for (int64_t i = 0; i < n; i++) {
        bool after = scores[i] < score || (scores[i] == score && i > class);
        if (after && (double)scores[i] >= least && (best < 0 || scores[i] > scores[best]))
            best = i;
    }
    return best;
}

static void time_text(double seconds, char *buf, size_t size)
{
    int64_t tenths = (int64_t)(seconds * 100 + 0.5);
    snprintf(buf, size, "%lld:%02lld.%02lld", (long long)(tenths / 6000), (long long)(tenths / 100 % 60),
             (long long)(tenths % 100));
}

static void table(const listener *l, FILE *csv)
{
    if (csv)
        fputs("start,end,label,score\n", csv);
    for (int64_t w = 0; w < l->windows; w++) {
        double start = (double)ln_audio_window(&l->audio, w, l->hop, l->length) / l->audio.rate;
        double end = start + (double)l->length / l->audio.rate;
        const float *scores = l->scores + w * l->classes;
        float score = INFINITY;
        int64_t class = -1;
        for (int64_t k = 0; k < l->top; k++) {
            class = next_best(scores, l->classes, l->least, score, class);
            if (class < 0)
                break;
            score = scores[class];
            char from[32] = "", buf[32];
            const char *label = label_of(l, class, buf, sizeof buf);
            if (k == 0)
                time_text(start, from, sizeof from);
            printf("%9s  %8.4f  %s\n", from, (double)score, label);
            if (csv) {
                fprintf(csv, "%.3f,%.3f,\"", start, end);
                for (const char *p = label; *p; p++)
                    fprintf(csv, *p == '"' ? "\"\"" : "%c", *p);
                fprintf(csv, "\",%.6g\n", (double)score);
            }
        }
    }
}

/* The best score of each class anywhere; NULL: said that there is no memory. */
static float *best_scores(const listener *l)
{
    float *best = ln_arena_array(l->arena, l->classes, sizeof *best);
    if (!best)
        ln_bad("out of memory");
    for (int64_t c = 0; best && c < l->classes; c++) {
        best[c] = -INFINITY;
        for (int64_t w = 0; w < l->windows; w++)
            best[c] = l->scores[w * l->classes + c] > best[c] ? l->scores[w * l->classes + c] : best[c];
    }
    return best;
}

static bool whole(const listener *l)
{
    float *best = best_scores(l), score = INFINITY;
    if (!best)
        return false;
    int64_t class = -1;
    for (int64_t k = 0; k < l->top; k++) {
        class = next_best(best, l->classes, -INFINITY, score, class);
        if (class < 0)
            break;
        char buf[32];
        score = best[class];
        printf("%9s  %8.4f  %s\n", k ? "" : "whole", (double)score, label_of(l, class, buf, sizeof buf));
    }
    return true;
}

static int by_score(const void *a, const void *b)
{
    const float *x = *(const float *const *)a, *y = *(const float *const *)b;
    return x[0] < y[0] ? 1 : x[0] > y[0] ? -1 : (x > y) - (x < y);
}

/* The labels with the highest scores anywhere. */
static bool picture(const listener *l, const char *path)
{
    float *best = best_scores(l);
    const float **order = ln_arena_array(l->arena, l->classes, sizeof *order);
    ln_heard heard[MOST_ROWS];
    int n = 0;
    if (!best || !order)
        return best && ln_bad("out of memory") == 0;
    for (int64_t c = 0; c < l->classes; c++)
        order[c] = best + c;
    qsort(order, (size_t)l->classes, sizeof *order, by_score);
    for (; n < MOST_ROWS && n < l->classes; n++) {
        int64_t class = order[n] - best;
        char *name = ln_arena_alloc(l->arena, 128, 1);
        float *scores = ln_arena_array(l->arena, l->windows, sizeof *scores);
        if (!name || !scores)
            return ln_bad("out of memory") == 0;
        char buf[32];
        snprintf(name, 128, "%s", label_of(l, class, buf, sizeof buf));
        for (int64_t w = 0; w < l->windows; w++)
            scores[w] = l->scores[w * l->classes + class];
        heard[n] = (ln_heard){name, scores};
    }
    return ln_audio_png(l->arena, path, &l->audio, heard, n, l->windows, l->hop, l->length);
}

static bool listen(listener *l)
{
    if (!read_labels(l) || !prepare(l))
        return false;
    for (int64_t w = 0; w < l->windows; w++) {
        if (!hear(l, w))
            return false;
        if (w % 16 == 15)
            ln_progress("%s: %lld of %lld", l->cli->args[1], (long long)w + 1, (long long)l->windows);
    }
    ln_progress(NULL);
    const char *path = ln_cli_text(l->cli, "csv", NULL), *png = ln_cli_text(l->cli, "png", NULL);
    FILE *csv = path ? fopen(path, "w") : NULL;
    if (path && !csv)
        return ln_bad("%s: cannot be written", path) == 0;
    table(l, csv);
    if (csv && (ferror(csv) | fclose(csv)))
        return ln_bad("%s: cannot be written", path) == 0;
    return (l->windows == 1 || whole(l)) && (!png || picture(l, png));
}

static int run(const ln_cli *cli)
{
    listener l = {.cli = cli, .top = 3, .least = 0.1};
    ln_memory memory;
    ln_arena arena;
    ln_memory_init(&memory, NULL, 0);
    ln_arena_init(&arena, &memory);
    l.arena = &arena;
    l.model = ln_load(cli->args[0]);
    l.session = l.model ? ln_open_session(cli, l.model, false) : NULL;
    bool ok = l.session && listen(&l);
    linnet_session_free(l.session);
    linnet_model_free(l.model);
    ln_arena_free(&arena);
    return ok ? LN_EXIT_OK : LN_EXIT_BAD;
}

static const ln_option options[] = {
    {"labels", 'l', false, "FILE", "a label on each line, or a .csv with labels in the last column"},
    {"top", 'n', false, "N", "labels for a window (3)"},
    {"min", 0, false, "SCORE", "leave lower scores out (0.1)"},
    {"hop", 0, false, "S", "seconds from window to window (the window's length)"},
    {"window", 0, false, "S", "seconds of a window, where the model does not fix it (the whole file)"},
    {"rate", 0, false, "HZ", "samples a second that the model wants (its metadata sample_rate, or 16000)"},
    {"csv", 0, false, "FILE", "write the table as start,end,label,score"},
    {"png", 0, false, "FILE", "draw the spectrogram with the detections under it"},
    LN_SESSION_THREADS,
    LN_SESSION_PASSES,
    {0},
};

const ln_command ln_cmd_listen = {
    .name = "listen",
    .usage = "MODEL FILE [options]",
    .what = "Say what is heard in a sound file, and when.",
    .more =
        "The file is anything that libsndfile reads (WAV, FLAC, OGG), at any rate; channels are averaged. The last "
        "window\n"
        "ends with the sound; a sound shorter than a window is filled up with silence. Of several rows of scores in a\n"
        "window the best counts, and in the lines for the whole file the best of all windows.\n",
    .options = options,
    .min_args = 2,
    .max_args = 2,
    .run = run,
};
