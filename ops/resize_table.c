/* SPDX-License-Identifier: Apache-2.0
 *
 * See resize.h. Coordinates are computed in float64, as the reference does: which neighbour is the nearest must not
 * hang on a rounding error.
 */
#include <math.h>

#include "ops/resize.h"

enum { MAX_TAPS = 1 << 20 };

static double coordinate(const ln_resize_how *h, int64_t i)
{
    double x = (double)i, in = (double)h->in;
    switch (h->coordinates) {
    case LN_RESIZE_ALIGN_CORNERS:
        return h->length == 1 ? 0 : x * (in - 1) / (h->length - 1);
    case LN_RESIZE_ASYMMETRIC:
        return x / h->scale;
    case LN_RESIZE_TF_CROP:
        if (h->length <= 1)
            return 0.5 * (h->start + h->end) * (in - 1);
        /* Of a form that is exact at both ends, where a rounding error would be outside. */
        return ((h->length - 1 - x) * h->start + x * h->end) * (in - 1) / (h->length - 1);
    case LN_RESIZE_PYTORCH_HALF_PIXEL:
        return h->length <= 1 ? 0 : (x + 0.5) / h->scale - 0.5;
    case LN_RESIZE_HALF_PIXEL_SYMMETRIC:
        return in / 2 * (1 - (double)h->out / h->length) + (x + 0.5) / h->scale - 0.5;
    case LN_RESIZE_TF_HALF_PIXEL_NN:
        return (x + 0.5) / h->scale;
    default:
        return (x + 0.5) / h->scale - 0.5;
    }
}

/* The first tap, relative to the pixel on the left of the source. */
static double first_tap(const ln_resize_how *h)
{
    double radius = h->mode == LN_RESIZE_LINEAR ? 1 : 2;
    double scale = h->antialias && h->scale < 1 ? h->scale : 1;
    return floor(-radius / scale) + 1;
}

int32_t ln_resize_taps(const ln_resize_how *h)
{
    if (h->mode == LN_RESIZE_NEAREST)
        return 1;
    double taps = 2 - 2 * first_tap(h);
    return taps <= (double)MAX_TAPS ? (int32_t)taps : 0;
}

static double kernel(const ln_resize_how *h, double x)
{
    double a = h->cubic_a;
    x = fabs(x);
    if (h->mode == LN_RESIZE_LINEAR)
        return x < 1 ? 1 - x : 0;
    if (x <= 1)
        return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

static double nearest(const ln_resize_how *h, double x)
{
    double whole = rint(x);
    if (fabs(x - whole) < 1e-9) /* a whole number but for rounding */
        return whole;
    double low = floor(x), part = x - low;
    switch (h->nearest) {
    case LN_RESIZE_PREFER_FLOOR:
        return part <= 0.5 ? low : low + 1;
    case LN_RESIZE_PREFER_CEIL:
        return part < 0.5 ? low : low + 1;
    case LN_RESIZE_FLOOR:
        return low;
    default:
        return ceil(x);
    }
}

static int32_t clamped(double i, int64_t n)
{
    return !(i > 0) ? 0 : i >= (double)n ? (int32_t)(n - 1) : (int32_t)i;
}

/* The weights of one output index that add up to 1. */
static void weigh(const ln_resize_how *h, double x, int32_t taps, int32_t *index, double *weight)
{
    double scale = h->antialias && h->scale < 1 ? h->scale : 1, left = ceil(x) - 1, first = first_tap(h), sum = 0;
    int64_t n = h->out;
    for (int32_t t = 0; t < taps; t++) {
        double i = left + first + t, w = kernel(h, (i - x) * scale);
        if (h->exclude_outside && (i < 0 || i >= (double)h->in))
            w = 0;
        index[t * n] = clamped(i, h->in);
        weight[t * n] = w;
        sum += w;
    }
    if ((h->exclude_outside || h->antialias) && sum != 0)
        for (int32_t t = 0; t < taps; t++)
            weight[t * n] /= sum;
}

bool ln_resize_table(const ln_resize_how *h, int32_t taps, int32_t *index, double *weight, uint8_t *outside)
{
    bool any = false;
    for (int64_t i = 0; i < h->out; i++) {
        double x = coordinate(h, i);
        bool out = h->coordinates == LN_RESIZE_TF_CROP && !(x >= 0 && x <= (double)(h->in - 1));
        any = any || out;
        if (outside)
            outside[i] = out;
        if (!(x > -0x1p40 && x < 0x1p40))
            x = x > 0 ? 0x1p40 : -0x1p40;
        if (h->mode == LN_RESIZE_NEAREST) {
            index[i] = clamped(nearest(h, x), h->in);
            weight[i] = 1;
        } else {
            weigh(h, x, taps, index + i, weight + i);
        }
    }
    return any;
}
