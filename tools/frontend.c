/* SPDX-License-Identifier: Apache-2.0
 *
 * The graph of an audio front end, in standard ONNX (opset 22).
 *
 * librosa: Pad (centred frames) -> STFT -> power -> MatMul by the filterbank -> decibels -> cosine transform.
 * Kaldi's fbank: frames by Gather, so that their mean can be taken off and the preemphasis applied in each.
 */
#include <math.h>
#include <string.h>

#include "tools/frontend.h"

/* Building stops quietly when there is no memory; the end looks at `failed`. */
typedef struct build {
    ln_graph *g;
    bool failed;
} build;

static int32_t constant(build *b, linnet_type type, int32_t rank, const int64_t *dims, const void *data)
{
    size_t n = linnet_type_size(type);
    for (int32_t i = 0; i < rank; i++)
        n *= (size_t)dims[i];
    const void *copy = ln_arena_dup(b->g->arena, data, n, 64);
    int32_t id = copy ? ln_graph_constant(b->g, "", type, rank, dims, copy) : -1;
    b->failed |= id < 0;
    return id;
}

/* A table in the type of the computation. */
static int32_t table(build *b, bool in_double, int32_t rank, const int64_t *dims, const float *data)
{
    int64_t n = 1;
    for (int32_t i = 0; i < rank; i++)
        n *= dims[i];
    double *wide = in_double ? ln_arena_array(b->g->arena, n, sizeof *wide) : NULL;
    if (!wide)
        return constant(b, LINNET_FLOAT32, rank, dims, data);
    for (int64_t i = 0; i < n; i++)
        wide[i] = (double)data[i];
    return constant(b, LINNET_FLOAT64, rank, dims, wide);
}

static int32_t number(build *b, double x)
{
    float f = (float)x;
    return constant(b, LINNET_FLOAT32, 0, NULL, &f);
}

static int32_t integer(build *b, int64_t i)
{
    return constant(b, LINNET_INT64, 0, NULL, &i);
}

static int32_t integers(build *b, int64_t n, const int64_t *i)
{
    return constant(b, LINNET_INT64, 1, &n, i);
}

static int32_t node(build *b, const char *type, int32_t n_in, const int32_t *in, int32_t n_attrs, const ln_attr *attrs)
{
    int32_t out = ln_graph_value(b->g, "");
    b->failed |= out < 0;
    for (int32_t i = 0; i < n_in; i++)
        b->failed |= in[i] < LN_NO_VALUE;
    if (b->failed)
        return LN_NO_VALUE;
    b->failed |= ln_graph_insert(b->g, LN_NO_NODE, "", type, "", n_in, in, 1, &out, n_attrs, attrs) < 0;
    return out;
}

#define NODE(b, type, ...)                                                                                             \
    node(b, type, (int32_t)(sizeof((int32_t[]){__VA_ARGS__}) / sizeof(int32_t)), (int32_t[]){__VA_ARGS__}, 0, NULL)

static ln_attr attr_int(const char *name, int64_t i)
{
    return (ln_attr){.name = name, .kind = LN_ATTR_INT, .i = i};
}

static int32_t transpose(build *b, int32_t x)
{
    static const int64_t perm[] = {0, 2, 1};
    ln_attr a = {.name = "perm", .kind = LN_ATTR_INTLIST, .n = 3, .ints = perm};
    return node(b, "Transpose", 1, &x, 1, &a);
}

static int32_t unsqueeze(build *b, int32_t x, int64_t axis)
{
    return NODE(b, "Unsqueeze", x, integers(b, 1, &axis));
}

/* The sum of squares of the parts, [.., 2] -> [..]. */
static int32_t squares(build *b, int32_t x)
{
    int64_t last = -1;
    int32_t in[2] = {x, integers(b, 1, &last)};
    ln_attr keep = attr_int("keepdims", 0);
    return node(b, "ReduceSumSquare", 2, in, 1, &keep);
}

static int32_t matrix(build *b, bool in_double, int64_t rows, int64_t columns, const ln_frontend *f,
                      void (*fill)(const ln_frontend *f, float *to))
{
    float *data = ln_arena_array(b->g->arena, rows * columns, sizeof *data);
    if (!data) {
        b->failed = true;
        return LN_NO_VALUE;
    }
    fill(f, data);
    return table(b, in_double, 2, (int64_t[]){rows, columns}, data);
}

static int32_t cast(build *b, int32_t x, linnet_type type)
{
    ln_attr to = attr_int("to", type);
    return node(b, "Cast", 1, &x, 1, &to);
}

/* The window of win_length, with zeros around up to `n`. */
static int32_t window(build *b, const ln_frontend *f, int64_t n, bool symmetric)
{
    double *w = ln_arena_array(b->g->arena, f->win_length, sizeof *w);
    double *wide = ln_arena_array(b->g->arena, n, sizeof *wide);
    float *narrow = ln_arena_array(b->g->arena, n, sizeof *narrow);
    if (!w || !wide || !narrow) {
        b->failed = true;
        return LN_NO_VALUE;
    }
    ln_frontend_window(f->window, f->win_length, symmetric, w);
    for (int64_t i = 0, left = (n - f->win_length) / 2; i < n; i++) {
        wide[i] = i >= left && i < left + f->win_length ? w[i - left] : 0;
        narrow[i] = (float)wide[i];
    }
    return f->in_double ? constant(b, LINNET_FLOAT64, 1, &n, wide) : constant(b, LINNET_FLOAT32, 1, &n, narrow);
}

/* -- librosa ------------------------------------------------------------------------------------------------------- */

static int32_t decibels(build *b, const ln_frontend *f, int32_t x)
{
    if (!strcmp(f->log, "none"))
        return x;
    x = NODE(b, "Log", NODE(b, "Max", x, number(b, f->amin)));
    if (!strcmp(f->log, "ln"))
        return x;
    /* Decibels of a power (a magnitude counts twice), of ref. */
    double factor = (f->power == 1 ? 20 : 10) / log(10), ref = f->ref > f->amin ? f->ref : f->amin;
    x = NODE(b, "Mul", x, number(b, factor));
    if (ref != 1)
        x = NODE(b, "Sub", x, number(b, factor * log(ref)));
    if (f->top_db >= 0) {
        int32_t top = NODE(b, "ReduceMax", x, integers(b, 2, (int64_t[]){1, 2}));
        x = NODE(b, "Max", x, NODE(b, "Sub", top, number(b, f->top_db)));
    }
    return x;
}

static int32_t librosa(build *b, const ln_frontend *f, int32_t x)
{
    int64_t bins = f->n_fft / 2 + 1;
    if (f->in_double)
        x = cast(b, x, LINNET_FLOAT64);
    if (f->pad) {
        int32_t in[2] = {x, integers(b, 4, (int64_t[]){0, f->n_fft / 2, 0, f->n_fft / 2})};
        ln_attr mode = {.name = "mode", .kind = LN_ATTR_STRING, .s = {f->pad, strlen(f->pad)}};
        x = node(b, "Pad", 2, in, 1, &mode);
    }
    x = NODE(b, "STFT", unsqueeze(b, x, -1), integer(b, f->hop), window(b, f, f->n_fft, false), integer(b, f->n_fft));
    x = squares(b, x);
    if (f->power == 1)
        x = NODE(b, "Sqrt", x);
    else if (f->power != 2)
        x = NODE(b, "Pow", x, number(b, f->power / 2)); /* the exponent's type is free */
    if (f->kind != LN_FRONT_SPECTROGRAM)
        x = NODE(b, "MatMul", x, matrix(b, f->in_double, bins, f->n_mels, f, ln_frontend_mel));
    if (f->in_double)
        x = cast(b, x, LINNET_FLOAT32);
    x = decibels(b, f, x);
    if (f->kind == LN_FRONT_MFCC)
        x = NODE(b, "MatMul", x, matrix(b, false, f->n_mels, f->n_mfcc, f, ln_frontend_dct));
    return f->frames_first ? x : transpose(b, x);
}

/* -- Kaldi -----------------------------------------------------------------------------------------------------------
 */

/* [batch, samples] -> [batch, frames, win_length] */
static int32_t cut(build *b, const ln_frontend *f, int32_t x)
{
    int64_t win = f->win_length, zero = 0;
    ln_attr start = attr_int("start", 1), axis = attr_int("axis", 1);
    int32_t samples = NODE(b, "Squeeze", node(b, "Shape", 1, &x, 1, &start), integers(b, 1, &zero));
    int32_t steps = NODE(b, "Div", NODE(b, "Sub", samples, integer(b, win)), integer(b, f->hop));
    int32_t frames = NODE(b, "Add", steps, integer(b, 1));
    int32_t starts = NODE(b, "Mul", NODE(b, "Range", integer(b, 0), frames, integer(b, 1)), integer(b, f->hop));
    int64_t *offsets = ln_arena_array(b->g->arena, win, sizeof *offsets);
    if (!offsets) {
        b->failed = true;
        return LN_NO_VALUE;
    }
    for (int64_t i = 0; i < win; i++)
        offsets[i] = i;
    int32_t in[2] = {x, NODE(b, "Add", unsqueeze(b, starts, 1), integers(b, win, offsets))};
    return node(b, "Gather", 2, in, 1, &axis);
}

static int32_t kaldi(build *b, const ln_frontend *f, int32_t x)
{
    int64_t last = -1, zero = 0, one = 1;
    ln_attr axis = attr_int("axis", -1), onesided = attr_int("onesided", 1);
    x = cut(b, f, f->in_double ? cast(b, x, LINNET_FLOAT64) : x);
    x = NODE(b, "Sub", x, NODE(b, "ReduceMean", x, integers(b, 1, &last)));
    if (f->preemphasis != 0) { /* x[i] - c x[i-1], the first of a frame being its own predecessor */
        int32_t axes = integers(b, 1, &last), from = integers(b, 1, &zero);
        int32_t before[2] = {NODE(b, "Slice", x, from, integers(b, 1, &one), axes),
                             NODE(b, "Slice", x, from, integers(b, 1, &last), axes)};
        int32_t shifted = node(b, "Concat", 2, before, 1, &axis);
        x = NODE(b, "Sub", x,
                 NODE(b, "Mul", shifted, table(b, f->in_double, 0, NULL, &(float){(float)f->preemphasis})));
    }
    x = NODE(b, "Mul", x, window(b, f, f->win_length, true));
    int32_t in[2] = {unsqueeze(b, x, -1), integer(b, f->n_fft)};
    x = squares(b, node(b, "DFT", 2, in, 1, &onesided));
    if (f->power == 1)
        x = NODE(b, "Sqrt", x);
    x = NODE(b, "MatMul", x, matrix(b, f->in_double, f->n_fft / 2 + 1, f->n_mels, f, ln_frontend_kaldi));
    if (f->in_double)
        x = cast(b, x, LINNET_FLOAT32);
    if (strcmp(f->log, "none") != 0)
        x = NODE(b, "Log", NODE(b, "Max", x, number(b, f->amin)));
    return f->frames_first ? x : transpose(b, x);
}

/* -- for the model behind it ----------------------------------------------------------------------------------------
 */

static int32_t fit(build *b, const ln_frontend *f, int32_t x)
{
    if (f->frames > 0) {
        int64_t axis = f->frames_first ? 1 : 2, zero = 0;
        x = NODE(b, "Slice", x, integers(b, 1, &zero), integers(b, 1, &f->frames), integers(b, 1, &axis));
    }
    if (f->minmax) {
        int32_t axes = integers(b, 2, (int64_t[]){1, 2});
        int32_t least = NODE(b, "ReduceMin", x, axes), most = NODE(b, "ReduceMax", x, axes);
        int32_t range = NODE(b, "Add", NODE(b, "Sub", most, least), number(b, 1e-10));
        x = NODE(b, "Div", NODE(b, "Sub", x, least), range);
    }
    return f->channel > 0 ? unsqueeze(b, x, f->channel) : x;
}

ln_graph *ln_frontend_graph(const ln_frontend *f, ln_arena *arena)
{
    static const ln_opset opsets[] = {{"", LN_PASS_OPSET}};
    static const char *const outputs[] = {"spectrogram", "mel", "mfcc", "fbank"};
    build b = {.g = ln_graph_new(arena)};
    if (!b.g)
        return NULL;
    b.g->opsets = opsets, b.g->n_opsets = 1, b.g->name = "frontend";
    int32_t x = ln_graph_value(b.g, "audio");
    if (x < 0 || !ln_graph_add_input(b.g, x))
        return NULL;
    int64_t batch = ln_graph_symbol(b.g, "batch"),
            samples = f->samples > 0 ? f->samples : ln_graph_symbol(b.g, "samples");
    b.g->values[x].input = true;
    b.g->values[x].info = (ln_info){.kind = LINNET_TENSOR, .type = LINNET_FLOAT32, .rank = 2, .dims = {batch, samples}};
    int32_t y = f->kind == LN_FRONT_FBANK ? kaldi(&b, f, x) : librosa(&b, f, x);
    y = fit(&b, f, y);
    if (b.failed || y < 0)
        return NULL;
    b.g->values[y].name = outputs[f->kind];
    return ln_graph_set_outputs(b.g, &y, 1) ? b.g : NULL;
}
