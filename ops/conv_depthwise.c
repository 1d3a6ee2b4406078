/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise convolution of float32 over channels-last images, an output line at a time; where threads would share a few
 * lines, parts of the channels of one. Where memory is worth more than
 * time, the output may lie where the input does: then each line of it is read from a copy, of which there are as many
 * as a window spans.
 */
#include <math.h>
#include <string.h>

#include "ops/conv.h"

typedef struct work {
    const ln_conv *p;
    const ln_conv_images *images;
    int64_t part, parts; /* channels of a task; and tasks of a line */
} work;

#define FEW_LINES 5 /* for each thread; the least channels of a part */
#define PART 32

static ln_dwconv_row line_of(const ln_conv *p, const ln_conv_images *images, const float **rows)
{
    size_t n = (size_t)p->out_channels;
    ln_dwconv_row d = {.channels = n,
                       .kh = (size_t)(p->kernel[0] * p->kernel[1]),
                       .kw = (size_t)p->kernel[2],
                       .in_w = (size_t)p->in[2],
                       .out_w = (size_t)p->out[2],
                       .stride = (size_t)p->stride[2],
                       .dilation = (size_t)p->dilation[2],
                       .pad = (size_t)p->pad[2],
                       .rows = rows,
                       .x_pixel = (size_t)images->x_pixel,
                       .y_pixel = (size_t)p->y_pixel,
                       .w = images->weights + n,
                       .bias = images->weights,
                       .lo = -INFINITY,
                       .hi = INFINITY};
    if (p->fused.act == LN_ACT_RELU)
        d.lo = 0;
    if (p->fused.act == LN_ACT_CLIP) {
        d.lo = p->fused.lo;
        d.hi = p->fused.hi;
    }
    return d;
}

/* Channels [begin, end) of a line. */
static void run_line(const ln_conv *p, const ln_dwconv_row *d, int64_t begin, int64_t end)
{
    LN_K(dwconv_f32)(d, (size_t)begin, (size_t)end);
    if (end - begin == p->out_channels)
        ln_conv_act(p, d->y, p->out[2]);
    else if (p->fused.act > LN_ACT_CLIP)
        for (int64_t i = 0; i < p->out[2]; i++)
            ln_act_f32(d->y + i * p->y_pixel + begin, (size_t)(end - begin), (ln_act)p->fused.act, p->fused.lo,
                       p->fused.hi);
}

/* Tasks [begin, end): output lines of all images, of each the parts of the channels. */
static void lines(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const work *w = arg;
    const ln_conv *p = w->p;
    const float **rows = (const float **)(void *)(w->images->workers + worker * p->worker);
    ln_dwconv_row d = line_of(p, w->images, rows);
    int64_t line = p->out[2] * p->y_pixel;
    for (int64_t t = begin; t < end; t++) {
        int64_t i = t / w->parts, first = t % w->parts * w->part;
        int64_t last = first + w->part < p->out_channels ? first + w->part : p->out_channels;
        int64_t oy = i % p->out[1], oz = i / p->out[1] % p->out[0], image = i / p->out[1] / p->out[0];
        for (int64_t a = 0; a < p->kernel[0]; a++)
            for (int64_t b = 0; b < p->kernel[1]; b++) {
                int64_t z = oz * p->stride[0] + a * p->dilation[0] - p->pad[0];
                int64_t y = oy * p->stride[1] + b * p->dilation[1] - p->pad[1];
                bool inside = z >= 0 && z < p->in[0] && y >= 0 && y < p->in[1];
                rows[a * p->kernel[1] + b] =
                    inside ? w->images->x + (image * p->in_pixels + (z * p->in[1] + y) * p->in[2]) * w->images->x_pixel
                           : NULL;
            }
        d.y = w->images->y + i * line;
        d.r = w->images->r ? w->images->r + i * line : NULL;
        run_line(p, &d, first, last);
    }
}

void ln_conv_depthwise_run(const ln_args *a, const ln_conv *p, const ln_conv_images *images)
{
    work w = {p, images, p->out_channels, 1};
    int64_t all = p->batch * p->out[0] * p->out[1];
    if (a->threads > 1 && all < FEW_LINES * a->threads) {
        w.part = (p->out_channels / (2 * a->threads) + PART) / PART * PART;
        w.parts = (p->out_channels + w.part - 1) / w.part;
    }
    double cost = (double)(p->out[2] * w.part) * (double)p->taps * 0.1;
    ln_parallel(a, all * w.parts, cost, lines, &w);
}

/* Input line y lies in copy y modulo their number. */
LN_RUN(ln_conv_f32_in_place)
{
    const ln_conv *p = a->params;
    char *scratch = a->scratch;
    if (a->in[0] != a->out[0])
        return ln_conv_f32(a);
    float *copies = (float *)(void *)(scratch + p->at_in), *image = a->out[0];
    const float **rows = (const float **)(void *)(scratch + p->at_workers);
    const ln_conv_images images = {.weights = a->packed, .x_pixel = p->in_channels};
    ln_dwconv_row d = line_of(p, &images, rows);
    int64_t line = p->in[2] * p->in_channels, copied = 0;
    for (int64_t y = 0; y < p->out[1]; y++) {
        for (int64_t k = 0; k < p->kernel[1]; k++) {
            int64_t from = y + k - p->pad[1];
            float *copy = copies + (from < 0 ? 0 : from % p->kernel[1]) * line;
            if (from == copied && from < p->in[1]) {
                memcpy(copy, image + from * line, (size_t)line * sizeof *copy);
                copied++;
            }
            rows[k] = from < 0 || from >= p->in[1] ? NULL : copy;
        }
        d.y = image + y * line;
        run_line(p, &d, 0, p->out_channels);
    }
    return LINNET_OK;
}

void ln_conv_depthwise_plan(ln_ctx *c, ln_conv *p)
{
    bool same = p->batch == 1 && p->in[0] == 1 && p->kernel[0] == 1 && !p->copy_in && !p->copy_out &&
                !p->fused.residual && p->in_channels == p->out_channels;
    for (int32_t d = 1; d < 3; d++)
        same = same && p->in[d] == p->out[d] && p->stride[d] == 1 && p->dilation[d] == 1 && p->pad[d] < p->kernel[d];
    p->in_place = c->frugal > 1 && same && c->in[1]->data && (!p->bias || c->in[2]->data);
    if (!p->in_place)
        return;
    LN_SET_RUN(c, ln_conv_f32_in_place);
    ln_in_place(c, 0, 0);
}
