/* SPDX-License-Identifier: Apache-2.0
 *
 * From an image to an input: resize (bilinear with the filter widened when shrinking, as Pillow does it), crop or
 * padding, (pixel * scale - mean) / std per channel, channel order, layout by the model's shape.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/tool.h"

const ln_preset ln_presets[] = {
    {"raw", "stretched to the input, values 0 to 255 as they are", LN_RESIZE_STRETCH, 1, 1, {0}, {1, 1, 1}, false, 0},
    {"imagenet",
     "shorter side to 256/224, centre crop, ImageNet's mean and standard deviation",
     LN_RESIZE_CROP,
     256.0f / 224.0f,
     1 / 255.0f,
     {0.485f, 0.456f, 0.406f},
     {0.229f, 0.224f, 0.225f},
     false,
     0},
    {"mobilenet",
     "shorter side to 256/224, centre crop, values -1 to 1",
     LN_RESIZE_CROP,
     256.0f / 224.0f,
     1 / 127.5f,
     {1, 1, 1},
     {1, 1, 1},
     false,
     0},
    {0},
};

const ln_preset *ln_preset_find(const char *name)
{
    for (const ln_preset *p = ln_presets; p->name; p++)
        if (!strcmp(p->name, name))
            return p;
    return NULL;
}

/* One axis of a resize: of output i, the first source sample and `taps` weights. */
typedef struct axis {
    int32_t n_out, taps;
    int32_t *first;
    float *weight;
} axis;

/* Output 0..n_out covers the source from `from` to `from + length`. */
static bool make_axis(ln_arena *arena, int32_t n_in, double from, double length, int32_t n_out, axis *a)
{
    double step = length / n_out, support = step > 1 ? step : 1;
    *a = (axis){.n_out = n_out, .taps = (int32_t)ceil(support) * 2 + 1};
    a->first = ln_arena_array(arena, n_out, sizeof *a->first);
    a->weight = ln_arena_array(arena, (int64_t)n_out * a->taps, sizeof *a->weight);
    if (!a->first || !a->weight)
        return false;
    for (int32_t i = 0; i < n_out; i++) {
        double centre = from + (i + 0.5) * step, sum = 0;
        float *w = a->weight + (size_t)i * (size_t)a->taps;
        int32_t first = (int32_t)floor(centre - support + 0.5);
        first = first < 0 ? 0 : first >= n_in ? n_in - 1 : first;
        a->first[i] = first;
        for (int32_t k = 0; k < a->taps; k++) {
            double d = fabs((first + k + 0.5 - centre) / support);
            w[k] = first + k < n_in && d < 1 ? (float)(1 - d) : 0;
            sum += (double)w[k];
        }
        if (sum == 0)
            sum = w[0] = 1;
        for (int32_t k = 0; k < a->taps; k++)
            w[k] = (float)((double)w[k] / sum);
    }
    return true;
}

/* The source window (x, y, w, h) of the image as w_out x h_out pixels of floats. NULL: no memory. */
static float *resize(ln_arena *arena, const ln_image *im, const double window[4], int32_t w_out, int32_t h_out)
{
    axis ax, ay;
    int32_t c = im->channels;
    float *middle = ln_arena_array(arena, (int64_t)im->height * w_out * c, sizeof(float));
    float *out = ln_arena_array(arena, (int64_t)h_out * w_out * c, sizeof(float));
    if (!middle || !out || !make_axis(arena, im->width, window[0], window[2], w_out, &ax) ||
        !make_axis(arena, im->height, window[1], window[3], h_out, &ay))
        return NULL;
    for (int32_t y = 0; y < im->height; y++)
        for (int32_t x = 0; x < w_out; x++)
            for (int32_t k = 0; k < c; k++) {
                const float *w = ax.weight + (size_t)x * (size_t)ax.taps;
                float sum = 0;
                for (int32_t t = 0; t < ax.taps && ax.first[x] + t < im->width; t++)
                    sum +=
                        w[t] *
                        im->data[((size_t)y * (size_t)im->width + (size_t)(ax.first[x] + t)) * (size_t)c + (size_t)k];
                middle[((size_t)y * (size_t)w_out + (size_t)x) * (size_t)c + (size_t)k] = sum;
            }
    size_t row = (size_t)w_out * (size_t)c;
    for (int32_t y = 0; y < h_out; y++)
        for (size_t x = 0; x < row; x++) {
            const float *w = ay.weight + (size_t)y * (size_t)ay.taps;
            float sum = 0;
            for (int32_t t = 0; t < ay.taps && ay.first[y] + t < im->height; t++)
                sum += w[t] * middle[(size_t)(ay.first[y] + t) * row + x];
            out[(size_t)y * row + x] = sum;
        }
    return out;
}

/* Where height, width and channels are in the input's shape. */
typedef struct geometry {
    int32_t rank, h, w, c; /* dimensions; c -1: none */
    int64_t height, width, channels;
} geometry;

static bool may_be_channels(int64_t n)
{
    return n == 1 || n == 3;
}

/* Layout 0 guesses: channels are where 1 or 3 is declared, first place preferred. */
static bool input_geometry(const linnet_value_info *info, int32_t layout, const ln_image *im, geometry *g)
{
    int32_t r = info->rank;
    if (info->kind != LINNET_TENSOR || r < 2 || r > 4)
        return false;
    bool last = r >= 3 && (layout == 'L' ||
                           (layout == 0 && !may_be_channels(info->dims[r - 3]) && may_be_channels(info->dims[r - 1])));
    g->rank = r;
    g->h = last ? r - 3 : r - 2;
    g->w = g->h + 1;
    g->c = r < 3 ? -1 : last ? r - 1 : r - 3;
    g->height = info->dims[g->h] > 0 ? info->dims[g->h] : im->height;
    g->width = info->dims[g->w] > 0 ? info->dims[g->w] : im->width;
    g->channels = g->c < 0 ? 1 : info->dims[g->c] > 0 ? info->dims[g->c] : im->channels;
    return may_be_channels(g->channels) && (r < 4 || info->dims[0] <= 1) && g->height * g->width <= (1 << 28);
}

static void source_window(const ln_preset *p, const ln_image *im, const geometry *g, double window[4])
{
    window[0] = window[1] = 0;
    window[2] = im->width;
    window[3] = im->height;
    if (p->resize == LN_RESIZE_STRETCH)
        return;
    double sx = (double)im->width / (double)g->width, sy = (double)im->height / (double)g->height;
    /* source pixels per input pixel: the shorter side decides in a crop, the longer one when padding */
    double s = (p->resize == LN_RESIZE_CROP) == (sx < sy) ? sx : sy;
    if (p->resize == LN_RESIZE_CROP)
        s /= (double)p->shorter;
    window[2] = s * (double)g->width;
    window[3] = s * (double)g->height;
    if (p->resize == LN_RESIZE_CROP) {
        window[0] = (im->width - window[2]) / 2;
        window[1] = (im->height - window[3]) / 2;
    }
}

static float channel(const ln_image *im, const float *pixel, int64_t channels, int64_t c, bool bgr)
{
    if (channels == 1)
        return im->channels == 1 ? pixel[0] : 0.299f * pixel[0] + 0.587f * pixel[1] + 0.114f * pixel[2];
    return im->channels == 1 ? pixel[0] : pixel[bgr ? 2 - c : c];
}

bool ln_image_tensor(ln_arena *arena, const ln_image *im, const char *path, const ln_preset *p,
                     const linnet_value_info *info, linnet_value *v)
{
    geometry g;
    char text[256];
    if (!input_geometry(info, p->layout, im, &g)) {
        ln_bad("%s: input '%s' is %s, not one image of 1 or 3 channels", path, info->name,
               ln_declared_text(info, text, sizeof text));
        return false;
    }
    int64_t dims[4] = {1, 1, 1, 1};
    dims[g.h] = g.height;
    dims[g.w] = g.width;
    if (g.c >= 0)
        dims[g.c] = g.channels;
    double window[4];
    source_window(p, im, &g, window);
    if (!ln_value_new(arena, v, info->type, g.rank, dims))
        return false;
    float *pixels = resize(arena, im, window, (int32_t)g.width, (int32_t)g.height);
    if (!pixels) {
        ln_bad("%s: out of memory", path);
        return false;
    }
    int64_t area = g.height * g.width;
    for (int64_t i = 0; i < area; i++) {
        /* when padding, what lies outside the image is gray */
        bool outside = ((double)(i % g.width) + 0.5) * window[2] / (double)g.width + window[0] > im->width ||
                       ((double)(i / g.width) + 0.5) * window[3] / (double)g.height + window[1] > im->height;
        for (int64_t c = 0; c < g.channels; c++) {
            float x = outside ? 114 : channel(im, pixels + i * im->channels, g.channels, c, p->bgr);
            x = (x * p->scale - p->mean[c]) / p->std[c];
            if (!ln_element_set(v, g.c == g.rank - 1 ? i * g.channels + c : c * area + i, (double)x)) {
                ln_bad("%s: input '%s' is %s; an image cannot fill it", path, info->name,
                       ln_declared_text(info, text, sizeof text));
                return false;
            }
        }
    }
    return true;
}
