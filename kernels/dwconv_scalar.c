/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise convolution of a row in portable C, four channels at a time and then one. Contract: conv.h.
 */
#include <string.h>

#include "kernels/conv.h"

typedef float v4 __attribute__((vector_size(16)));

static inline v4 load(const float *x)
{
    v4 v;
    memcpy(&v, x, sizeof v);
    return v;
}

static float clamp(float x, float lo, float hi)
{
    x = x < lo ? lo : x;
    return x > hi ? hi : x;
}

static void four(const ln_dwconv_row *d, size_t c, size_t o)
{
    v4 s = d->bias ? load(d->bias + c) : (v4){0, 0, 0, 0};
    if (d->r)
        s += load(d->r + o * d->y_pixel + c);
    for (size_t i = 0; i < d->kh; i++) {
        if (!d->rows[i])
            continue;
        const float *w = d->w + i * d->kw * d->channels + c;
        size_t x = o * d->stride - d->pad;
        for (size_t j = 0; j < d->kw; j++, x += d->dilation, w += d->channels)
            if (x < d->in_w)
                s += load(d->rows[i] + x * d->x_pixel + c) * load(w);
    }
    float y[4];
    memcpy(y, &s, sizeof y);
    for (size_t v = 0; v < 4; v++)
        d->y[o * d->y_pixel + c + v] = clamp(y[v], d->lo, d->hi);
}

static void one(const ln_dwconv_row *d, size_t c, size_t o)
{
    float s = d->bias ? d->bias[c] : 0;
    if (d->r)
        s += d->r[o * d->y_pixel + c];
    for (size_t i = 0; i < d->kh; i++) {
        const float *w = d->w + i * d->kw * d->channels + c;
        size_t x = o * d->stride - d->pad;
        for (size_t j = 0; d->rows[i] && j < d->kw; j++, x += d->dilation, w += d->channels)
            if (x < d->in_w)
                s += d->rows[i][x * d->x_pixel + c] * *w;
    }
    d->y[o * d->y_pixel + c] = clamp(s, d->lo, d->hi);
}

void ln_dwconv_f32_scalar(const ln_dwconv_row *d, size_t begin, size_t end)
{
    for (size_t o = 0; o < d->out_w; o++) {
        size_t c = begin;
        for (; c + 4 <= end; c += 4)
            four(d, c, o);
        for (; c < end; c++)
            one(d, c, o);
    }
}
