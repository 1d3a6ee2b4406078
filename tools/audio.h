/* SPDX-License-Identifier: Apache-2.0
 *
 * Sound for `linnet listen`: files as mono samples at a wanted rate, and the picture of a spectrogram.
 */
#ifndef LN_TOOLS_AUDIO_H
#define LN_TOOLS_AUDIO_H

#include "tools/tool.h"

typedef struct ln_audio {
    float *samples;
    int64_t n;
    double rate;
} ln_audio;

/* A WAV, FLAC, OGG, ... file, its channels averaged, at `rate` samples a second. False: said what is wrong. */
bool ln_audio_read(ln_arena *arena, const char *path, double rate, ln_audio *audio);

/* What was heard of a label: its score in every window. */
typedef struct ln_heard {
    const char *label;
    const float *scores; /* one for each window */
} ln_heard;

/* The first sample of window w: one every `hop`, and the last ends where the sound does. */
static inline int64_t ln_audio_window(const ln_audio *audio, int64_t w, int64_t hop, int64_t length)
{
    int64_t last = audio->n > length ? audio->n - length : 0;
    return w * hop < last ? w * hop : last;
}

/* Writes the spectrogram with a row of scores for every label under it. False: said what is wrong. */
bool ln_audio_png(ln_arena *arena, const char *path, const ln_audio *audio, const ln_heard *heard, int n_heard,
                  int64_t windows, int64_t hop, int64_t length);

#endif
