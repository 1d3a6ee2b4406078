/* SPDX-License-Identifier: Apache-2.0
 *
 * What the passes around spectra share (pass_fourier.c, pass_spectrogram.c).
 */
#ifndef LN_ENGINE_SPECTRAL_H
#define LN_ENGINE_SPECTRAL_H

#include "engine/rewrite.h"

/* x where value is x squared: Mul by itself, or Pow by 2; LN_NO_VALUE otherwise. */
int32_t ln_spectral_squared(const ln_graph *g, int32_t value);

/* Goes back from value over Transpose and Unsqueeze. Returns where that ends; axis i of value is axis from[i] there, or
 * -1 for one of size 1 that was put in. */
int32_t ln_spectral_trace(const ln_graph *g, int32_t value, int32_t *from);

/* The one integer of a constant. */
bool ln_spectral_integer(const ln_graph *g, int32_t value, int64_t *i);

/* What a transform is of. */
typedef struct ln_frames {
    int64_t step;           /* samples from frame to frame of a signal; 0: rows are frames */
    int64_t length;         /* of the transform */
    int64_t samples;        /* of a frame, zeros following up to the length */
    int64_t trailing_one;   /* rows: the last axis has size 1 */
    int32_t signal, window; /* window: [samples] or LN_NO_VALUE */
    int32_t rank;           /* > 0: the shape that the signal is to be given */
    int64_t shape[2];
} ln_frames;

/* The frames of an STFT or DFT node, if it is a one-sided one of real numbers, so that their spectra have the shape
 * `out`: of a signal, by STFT or where Gather cuts it, or rows, with their window. */
bool ln_spectral_frames(const ln_graph *g, const ln_node *n, const ln_info *out, ln_frames *f);

/* A Spectrogram of ai.linnet that makes the value; NULL: none. */
const ln_node *ln_spectral_node(const ln_graph *g, int32_t value);

/* Attribute lists for nodes that passes make; the integers are copied. NULL name: no memory. */
ln_attr ln_spectral_ints(ln_graph *g, const char *name, int32_t n, const int64_t *ints);

/* Makes `out`, which has no producer, from x of shape [batch, frames, bins] before node `before`: axis i of it is axis
 * from[i] of x, or a new one. */
linnet_status ln_spectral_arrange(ln_graph *g, ln_pass_ctx *c, int32_t before, int32_t x, int32_t out,
                                  const int32_t *from);

#endif
