/* SPDX-License-Identifier: Apache-2.0
 *
 * Audio front ends as graphs: what `linnet frontend` writes. Windows and filterbanks are computed in double.
 */
#ifndef LN_TOOLS_FRONTEND_H
#define LN_TOOLS_FRONTEND_H

#include "engine/graph.h"

typedef enum ln_frontend_kind { LN_FRONT_SPECTROGRAM, LN_FRONT_MEL, LN_FRONT_MFCC, LN_FRONT_FBANK } ln_frontend_kind;

typedef struct ln_frontend {
    ln_frontend_kind kind;
    int64_t samples; /* of a signal; -1: any number */
    int64_t frames;  /* kept of those that there are; -1: all */
    int64_t channel; /* where an axis of 1 is put in: 1 or 3; -1: nowhere */
    int64_t n_fft, hop, win_length, n_mels, n_mfcc, dct_type;
    const char *window; /* hann, hamming, blackman, povey, ones */
    const char *pad;    /* constant, reflect, edge; NULL: frames are not centred */
    const char *norm;   /* slaney, none */
    const char *log;    /* none, db, ln */
    double sr, fmin, fmax, power, amin, ref, top_db, lifter, preemphasis; /* top_db < 0: none */
    bool htk, frames_first, in_double; /* in_double: up to the filterbank; frames_first: [batch, frames, ...] instead of
                                          [batch, ..., frames] */
    bool minmax;                       /* at last to 0 .. 1 */
} ln_frontend;

/* Window of n elements: periodic, or symmetric (Kaldi). False: no such name. */
bool ln_frontend_window(const char *name, int64_t n, bool symmetric, double *w);

/* [n_fft/2 + 1, n_mels]: librosa.filters.mel (Slaney or HTK scale), or Kaldi's triangles on the mel scale. */
void ln_frontend_mel(const ln_frontend *f, float *bank);
void ln_frontend_kaldi(const ln_frontend *f, float *bank);

/* [n_mels, n_mfcc]: the orthonormal transform of type 1, 2 or 3, with librosa's lifter. */
void ln_frontend_dct(const ln_frontend *f, float *matrix);

/* The whole graph, input "audio" [batch, samples]; NULL: no memory. */
ln_graph *ln_frontend_graph(const ln_frontend *f, ln_arena *arena);

#endif
