/* SPDX-License-Identifier: Apache-2.0
 *
 * `linnet frontend`: writes the graph of a spectrogram, mel spectrogram, MFCC or Kaldi fbank front end.
 */
#include <string.h>

#include "engine/model.h"
#include "engine/passes.h"
#include "onnx/onnx.h"
#include "tools/frontend.h"
#include "tools/tool.h"

static const char *const kinds[] = {"spectrogram", "mel", "mfcc", "fbank", NULL};
static const char *const windows[] = {"hann", "hamming", "blackman", "povey", "ones", NULL};
static const char *const pads[] = {"constant", "reflect", "edge", NULL};
static const char *const norms[] = {"slaney", "none", NULL};
static const char *const logs[] = {"none", "db", "ln", NULL};
static const char *const precisions[] = {"single", "double", NULL};
static const char *const layouts[] = {"bins", "frames", NULL};
static const char *const channels[] = {"none", "first", "last", NULL};

/* The index of an option's value among names; -1: said that it is none. */
static int choice(const ln_cli *cli, const char *option, const char *absent, const char *const *names)
{
    const char *value = ln_cli_text(cli, option, absent);
    for (int i = 0; names[i]; i++)
        if (!strcmp(names[i], value))
            return i;
    ln_bad("frontend: --%s %s is unknown; `linnet frontend --help` lists what there is", option, value);
    return -1;
}

/* Numbers keep what they are where their option is absent. */
static bool numbers(const ln_cli *cli, ln_frontend *f)
{
    bool kaldi = f->kind == LN_FRONT_FBANK;
    f->sr = kaldi ? 16000 : 22050;
    if (!ln_cli_double(cli, "sr", 1, 1e7, &f->sr))
        return false;
    f->win_length = kaldi ? (int64_t)(f->sr * 0.025) : -1;
    f->hop = kaldi ? (int64_t)(f->sr * 0.01) : -1;
    f->n_fft = kaldi ? -1 : 2048;
    f->n_mels = kaldi ? 80 : 128, f->n_mfcc = 20, f->dct_type = 2, f->samples = f->frames = -1;
    f->fmin = kaldi ? 20 : 0, f->fmax = f->sr / 2, f->power = 2, f->ref = 1;
    f->amin = kaldi ? 1.1920928955078125e-07 : 1e-10, f->top_db = 80, f->preemphasis = 0.97;
    bool ok = ln_cli_int(cli, "n-fft", 1, 1 << 20, &f->n_fft) && ln_cli_int(cli, "win", 1, 1 << 20, &f->win_length) &&
              ln_cli_int(cli, "hop", 1, 1 << 24, &f->hop) && ln_cli_int(cli, "n-mels", 1, 1 << 14, &f->n_mels) &&
              ln_cli_int(cli, "n-mfcc", 1, 1 << 14, &f->n_mfcc) && ln_cli_int(cli, "dct", 1, 3, &f->dct_type) &&
              ln_cli_int(cli, "samples", 1, INT32_MAX, &f->samples) &&
              ln_cli_int(cli, "frames", 1, INT32_MAX, &f->frames) && ln_cli_double(cli, "fmin", 0, 1e7, &f->fmin) &&
              ln_cli_double(cli, "fmax", 0, 1e7, &f->fmax) && ln_cli_double(cli, "power", 1e-3, 100, &f->power) &&
              ln_cli_double(cli, "ref", 0, 1e30, &f->ref) && ln_cli_double(cli, "amin", 1e-37, 1e30, &f->amin) &&
              ln_cli_double(cli, "top-db", -1, 1e6, &f->top_db) && ln_cli_double(cli, "lifter", 0, 1e6, &f->lifter) &&
              ln_cli_double(cli, "preemphasis", 0, 1, &f->preemphasis);
    if (!ok)
        return false;
    if (kaldi && f->n_fft < 0)
        for (f->n_fft = 1; f->n_fft < f->win_length;)
            f->n_fft *= 2;
    if (f->win_length < 0)
        f->win_length = f->n_fft;
    if (f->hop < 0)
        f->hop = f->win_length / 4 > 0 ? f->win_length / 4 : 1;
    return true;
}

/* Frames of a signal of f->samples. */
static int64_t frames_of(const ln_frontend *f)
{
    int64_t length = f->kind == LN_FRONT_FBANK ? f->win_length : f->n_fft;
    int64_t samples = f->samples + (f->pad ? f->n_fft / 2 * 2 : 0);
    return samples < length ? 0 : (samples - length) / f->hop + 1;
}

static bool settings(const ln_cli *cli, ln_frontend *f)
{
    int kind = choice(cli, "kind", "mel", kinds);
    if (kind < 0)
        return false;
    f->kind = (ln_frontend_kind)kind;
    bool kaldi = f->kind == LN_FRONT_FBANK;
    int window = choice(cli, "window", kaldi ? "povey" : "hann", windows), pad = choice(cli, "pad", "constant", pads);
    int norm = choice(cli, "norm", "slaney", norms), layout = choice(cli, "layout", kaldi ? "frames" : "bins", layouts);
    int log = choice(cli, "log", f->kind == LN_FRONT_MFCC ? "db" : kaldi ? "ln" : "none", logs);
    int channel = choice(cli, "channel", "none", channels);
    int precision = choice(cli, "precision", kaldi ? "single" : "double", precisions);
    if (window < 0 || precision < 0 || channel < 0 || pad < 0 || norm < 0 || layout < 0 || log < 0 || !numbers(cli, f))
        return false;
    f->window = windows[window], f->norm = norms[norm], f->log = logs[log];
    f->pad = ln_cli_flag(cli, "no-center") || kaldi ? NULL : pads[pad];
    f->channel = channel == 0 ? -1 : channel == 1 ? 1 : 3, f->minmax = ln_cli_flag(cli, "minmax");
    f->htk = ln_cli_flag(cli, "htk"), f->frames_first = layout == 1, f->in_double = precision == 1;
    if (f->win_length > f->n_fft)
        return ln_bad("frontend: --win %lld is more than --n-fft %lld", (long long)f->win_length, (long long)f->n_fft),
               false;
    if (f->fmin >= f->fmax || f->fmax > f->sr / 2)
        return ln_bad("frontend: no bands between %g and %g Hz at %g samples a second", f->fmin, f->fmax, f->sr), false;
    if (f->samples > 0 && f->frames > frames_of(f))
        return ln_bad("frontend: %lld samples make %lld frames, not the %lld of --frames", (long long)f->samples,
                      (long long)frames_of(f), (long long)f->frames),
               false;
    if (f->kind == LN_FRONT_MFCC && (f->n_mfcc > f->n_mels || (f->dct_type == 1 && f->n_mels < 2)))
        return ln_bad("frontend: %lld coefficients of %lld bands", (long long)f->n_mfcc, (long long)f->n_mels), false;
    if (kaldi && f->power != 1 && f->power != 2)
        return ln_bad("frontend: fbank has --power 1 or 2"), false;
    return true;
}

/* The rate goes into the model's metadata, where `linnet listen` finds it. */
static linnet_status write(const ln_graph *g, const ln_frontend *f, const char *path, linnet_error *error)
{
    char rate[32];
    snprintf(rate, sizeof rate, "%.10g", f->sr);
    ln_property property = {"sample_rate", rate};
    linnet_model model = {.properties = &property, .n_properties = 1};
    ln_memory_init(&model.memory, NULL, 0);
    return ln_onnx_write(g, &model, path, error);
}

static int run(const ln_cli *cli)
{
    const char *path = ln_cli_text(cli, "output", NULL);
    ln_frontend f = {0};
    if (!path)
        return ln_bad("frontend: --output FILE is missing");
    if (!settings(cli, &f))
        return LN_EXIT_BAD;
    ln_memory memory;
    ln_arena arena;
    linnet_error error = {0};
    ln_memory_init(&memory, NULL, 0);
    ln_arena_init(&arena, &memory);
    ln_graph *g = ln_frontend_graph(&f, &arena);
    int code = LN_EXIT_OK;
    if (!g)
        code = ln_bad("out of memory");
    else if (ln_infer_graph(g, &memory, false, &error) || write(g, &f, path, &error))
        code = ln_bad_error(path, &error);
    else
        printf("%s: %s, input audio[batch, samples] at %g Hz\n", path, kinds[f.kind], f.sr);
    ln_arena_free(&arena);
    return code;
}

static const ln_option options[] = {
    {"output", 'o', false, "FILE", "where the model goes"},
    {"kind", 'k', false, "KIND", "spectrogram, mel, mfcc (as librosa) or fbank (as Kaldi) (mel)"},
    {"sr", 0, false, "HZ", "samples a second (22050; fbank 16000)"},
    {"n-fft", 0, false, "N", "length of the transform (2048; fbank: the window's, to a power of two)"},
    {"hop", 0, false, "N", "samples from frame to frame (a quarter of the window; fbank 10 ms)"},
    {"win", 0, false, "N", "length of the window, zeros around it (n-fft; fbank 25 ms)"},
    {"window", 0, false, "NAME", "hann, hamming, blackman, povey, ones (hann; fbank povey)"},
    {"no-center", 0, false, NULL, "frames begin at the first sample; nothing is padded"},
    {"pad", 0, false, "MODE", "constant, reflect or edge (constant)"},
    {"power", 0, false, "P", "exponent of the magnitude (2)"},
    {"n-mels", 0, false, "N", "bands (128; fbank 80)"},
    {"fmin", 0, false, "HZ", "lowest frequency (0; fbank 20)"},
    {"fmax", 0, false, "HZ", "highest frequency (half the rate)"},
    {"htk", 0, false, NULL, "the mel scale of HTK instead of Slaney's"},
    {"norm", 0, false, "NORM", "slaney (equal area) or none (peak 1) (slaney)"},
    {"log", 0, false, "LOG", "none, db or ln (none; mfcc db, fbank ln)"},
    {"ref", 0, false, "X", "what 0 dB is (1)"},
    {"amin", 0, false, "X", "least power before the logarithm (1e-10)"},
    {"top-db", 0, false, "DB", "range below the maximum; -1: no limit (80)"},
    {"n-mfcc", 0, false, "N", "coefficients (20)"},
    {"dct", 0, false, "TYPE", "1, 2 or 3, orthonormal (2)"},
    {"lifter", 0, false, "L", "liftering of the coefficients (0)"},
    {"preemphasis", 0, false, "C", "fbank: of each frame (0.97)"},
    {"layout", 0, false, "ORDER", "bins: [batch, bins, frames]; frames: [batch, frames, bins] (bins; fbank frames)"},
    {"precision", 0, false, "TYPE", "single or double, up to the filterbank (double, as librosa; fbank single)"},
    {"samples", 0, false, "N", "fix the length of the signal"},
    {"frames", 0, false, "N", "keep the first N frames"},
    {"minmax", 0, false, NULL, "scale what comes out of a signal to 0 .. 1"},
    {"channel", 0, false, "WHERE", "an axis of 1: first (behind the batch), last or none (none)"},
    {0},
};

const ln_command ln_cmd_frontend = {
    .name = "frontend",
    .usage = "-o FILE [options]",
    .what = "Write an audio front end (mel spectrogram, MFCC, fbank) as a model.",
    .more = "The names and defaults are those of librosa.stft, feature.melspectrogram, power_to_db and feature.mfcc, "
            "or of\n"
            "Kaldi's compute-fbank-feats without dither and energy. `linnet join` puts the result before a model.\n",
    .options = options,
    .min_args = 0,
    .max_args = 0,
    .run = run,
};
