/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs quantised convolutions. Inside, the image is channels-last: then a position of the window is a row of channels
 * that the product reads where it lies (kernels/qgemm.h), or that the depthwise kernel reads. An NCHW image is
 * transposed through scratch, its result while it is hot. Where a row would be shorter than what a kernel reads at
 * once, the window is copied into one row first, or lines of it are rows (qlinearconv_lines.c). Few channels in planes
 * stay there (qlinearconv_planes.c).
 */
#include <string.h>

#include "ops/qlinearconv.h"

/* Offsets of the parts of depthwise weights. */
static size_t bias_at(const ln_qconv *p)
{
    return ((size_t)(p->w.taps * p->channels * p->repeat) * sizeof(int16_t) + 63) / 64 * 64;
}

size_t ln_qconv_depthwise8_at(const ln_qconv *p)
{
    return bias_at(p) + ((size_t)(p->channels * p->repeat) * sizeof(int32_t) + 63) / 64 * 64;
}

static void pack_depthwise(const ln_qconv *p, char *to, const uint8_t *w, const void *w_zero, const int32_t *bias,
                           int32_t x_zero)
{
    int16_t *v = (int16_t *)(void *)to;
    int32_t *b = (int32_t *)(void *)(to + bias_at(p));
    const int64_t channels = p->channels * p->repeat;
    for (int64_t i = 0; i < channels; i++) {
        const int64_t c = i % p->channels;
        int32_t zero = ln_zero_of(w_zero, p->w_signed, p->w_zeros > 1 ? c : 0);
        uint32_t sum = 0;
        for (int64_t t = 0; t < p->w.taps; t++) {
            int32_t e = ln_zero_of(w, p->w_signed, c * p->w.taps + t) - zero;
            v[t * channels + i] = (int16_t)e;
            sum += (uint32_t)e;
        }
        uint32_t shift = (uint32_t)(x_zero + (p->x_signed ? 128 : 0));
        b[i] = (int32_t)((bias ? (uint32_t)bias[c] : 0) - shift * sum);
    }
    char *w8 = to + ln_qconv_depthwise8_at(p);
    *w8 = LN_D(qgemm)->depthwise8 && ln_qdepthwise_pack8((int8_t *)w8 + 64, v, (size_t)p->w.taps, (size_t)channels);
}

bool ln_qconv_pack(const ln_qconv *p, void *to, const void *w, const void *w_zero, const int32_t *bias, int32_t x_zero)
{
    if (p->mode == LN_QCONV_DEPTHWISE) {
        pack_depthwise(p, to, w, w_zero, bias, x_zero);
        return false;
    }
#ifndef LN_FIRMWARE
    if (p->mode == LN_QCONV_PLANES) {
        ln_qconv_pack_planes(p, to, w, bias, x_zero);
        return false;
    }
#endif
    bool sums = false;
    size_t taps = (size_t)p->w.taps, k = (size_t)p->group_channels, n = (size_t)p->group_outputs;
    for (int64_t g = 0; g < p->group; g++) {
        size_t first = (size_t)g * n;
        ln_qgemm_b b = {.b = (const uint8_t *)w + first * k * taps,
                        .segments = taps,
                        .k = k,
                        .n = n,
                        .stride_s = 1,
                        .stride_k = taps,
                        .stride_n = k * taps,
                        .is_signed = p->w_signed,
                        .bias = bias ? bias + first : NULL,
                        .zero = w_zero,
                        .zero_stride = p->w_zeros > 1};
        if (w_zero && p->w_zeros > 1)
            b.zero += first;
        b.joined = (size_t)p->joined;
        sums |= ln_qgemm_pack((char *)to + g * p->group_bytes, LN_D(qgemm), &b);
    }
    return sums;
}

void ln_qconv_scales(const ln_qconv *p, float *to, const float *x, const float *w, const float *y)
{
    for (int64_t i = 0; i < p->outputs * p->repeat; i++)
        to[i] = x[0] * w[p->w_scales > 1 ? i % p->outputs : 0] / y[0];
}

void ln_qconv_scatter(const ln_qconv_job *j, const char *tile, int64_t pixel, int64_t n)
{
    int64_t columns = j->p->outputs, out_size = j->p->w.out_size;
    bool wide = j->p->integer;
    char *y = j->y + (size_t)pixel * (wide ? 4 : 1);
    for (int64_t c = 0; c < columns; c++)
        for (int64_t i = 0; i < n; i++)
            if (wide)
                ((int32_t *)(void *)y)[c * out_size + i] = ((const int32_t *)(const void *)tile)[i * columns + c];
            else
                y[c * out_size + i] = tile[i * columns + c];
}

ln_qdepthwise_args ln_qconv_depthwise_args(const ln_qconv_job *j)
{
    const ln_qconv *p = j->p;
    const char *w8 = j->weights + ln_qconv_depthwise8_at(p);
    return (ln_qdepthwise_args){.taps = (size_t)p->w.taps,
                                .y_stride = (size_t)(p->outputs * p->repeat),
                                .w_stride = (size_t)(p->outputs * p->repeat),
                                .w = (const int16_t *)(const void *)j->weights,
                                .w8 = *w8 ? (const int8_t *)w8 + 64 : NULL,
                                .bias = (const int32_t *)(const void *)(j->weights + bias_at(p)),
                                .scale = j->scales,
                                .flip = p->x_signed ? 0x80 : 0,
                                .out = p->integer ? LN_QGEMM_I32 : LN_QGEMM_8,
                                .y_zero = j->y_zero,
                                .lo = (float)((p->y_signed ? -128 : 0) - j->y_zero),
                                .hi = (float)((p->y_signed ? 127 : 255) - j->y_zero)};
}

/* n pixels of the image x, of which w is the window. */
static void depthwise(const ln_qconv_job *j, const ln_qwindow *w, const uint8_t *x, const uint8_t **rows, char *c,
                      int64_t pixel, int64_t n)
{
    const ln_qconv *p = j->p;
    ln_qwindow_rows(w, rows, 1, (size_t)p->w.taps, pixel, n, x, p->channels, j->zero);
    ln_qdepthwise_args g = ln_qconv_depthwise_args(j);
    LN_K(qdepthwise)((uint8_t *)c, rows, (size_t)n, (size_t)p->channels, &g);
}

void ln_qconv_product(const ln_qconv_job *j, const uint8_t *const *rows, int64_t n, int64_t group, char *c)
{
    const ln_qconv *p = j->p;
    int32_t sums[LN_QCONV_PIXELS];
    const ln_qgemm_tile *tile = LN_D(qgemm);
    ln_qgemm_args g = {.k = (size_t)(p->joined * p->group_channels),
                       .segments = (size_t)(p->w.taps / p->joined),
                       .a_stride = (size_t)n,
                       .c_stride = (size_t)p->outputs,
                       .flip = p->x_signed ? 0x80 : 0,
                       .a_zero = j->x_zero + (p->x_signed ? 128 : 0),
                       .out = p->integer ? LN_QGEMM_I32 : LN_QGEMM_8,
                       .y_zero = j->y_zero,
                       .lo = (float)((p->y_signed ? -128 : 0) - j->y_zero),
                       .hi = (float)((p->y_signed ? 127 : 255) - j->y_zero),
                       .scale = j->scales ? j->scales + group * p->group_outputs : NULL};
    if (j->sums) {
        ln_qgemm_row_sums(sums, rows, (size_t)n, &g);
        g.row_sum = sums;
    }
#ifndef LN_FIRMWARE
    if (p->by_lines) /* copies, behind which can be read: whole groups, of which B is zero where K ends */
        g.k = (g.k + tile->kr - 1u) / tile->kr * tile->kr;
#endif
    ln_qgemm(c + (size_t)(group * p->group_outputs) * (p->integer ? 4 : 1), rows, j->weights + group * p->group_bytes,
             (size_t)n, (size_t)p->group_outputs, 0, ((size_t)p->group_outputs + tile->nr - 1) / tile->nr, tile, &g);
}

static void products(const ln_qconv_job *j, const uint8_t **rows, uint8_t *copy, char *c, int64_t pixel, int64_t n)
{
    const ln_qconv *p = j->p;
    int64_t taps = p->w.taps, k = p->group_channels;
    for (int64_t group = 0; group < p->group; group++) {
        if (p->mode == LN_QCONV_COPY) {
            ln_qwindow_copy(&p->w, copy, pixel, n, j->image, p->channels, group * k, k, j->zero[0]);
            for (int64_t i = 0; i < n; i++)
                rows[i] = copy + i * taps * k;
        } else {
            ln_qwindow_rows(&p->w, rows, (size_t)n, 1, pixel, n, j->image + group * k, p->channels, j->zero);
        }
        ln_qconv_product(j, rows, n, group, c);
    }
}

static void tasks(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_qconv_job *j = arg;
    const ln_qconv *p = j->p;
    char *own = (char *)j->a->scratch + p->scratch_worker + worker * p->worker_bytes;
    const uint8_t **rows = (const uint8_t **)(void *)own;
    size_t size = p->integer ? 4 : 1;
    for (int64_t t = begin; t < end; t++) {
        int64_t pixel = t * p->pixels, n = p->w.out_size - pixel < p->pixels ? p->w.out_size - pixel : p->pixels;
        char *c = p->transpose_out ? own + p->worker_tile : j->y + (size_t)(pixel * p->outputs) * size;
        if (p->mode == LN_QCONV_DEPTHWISE)
            depthwise(j, &p->w, j->image, rows, c, pixel, n);
        else
            products(j, rows, (uint8_t *)own + p->worker_copy, c, pixel, n);
        if (p->transpose_out)
            ln_qconv_scatter(j, c, pixel, n);
    }
}

/* Every line of the output takes the place of the input's, which is read from then on from a copy; the copies, of the
 * lines that a window spans, are an image of their own. */
static void depthwise_in_place(const ln_qconv_job *j)
{
    const ln_qconv *p = j->p;
    char *scratch = j->a->scratch;
    uint8_t *lines = (uint8_t *)scratch + p->scratch_lines;
    int64_t line = p->w.in[2] * p->channels, high = p->w.in[1], first = 0, end = 0;
    ln_qwindow w = p->w;
    w.out[1] = 1;
    for (int64_t y = 0; y < high; y++) {
        int64_t from = y - p->w.before[1] > 0 ? y - p->w.before[1] : 0;
        int64_t to = y - p->w.before[1] + p->w.kernel[1] < high ? y - p->w.before[1] + p->w.kernel[1] : high;
        if (from > first)
            memmove(lines, lines + (from - first) * line, (size_t)((end - from) * line));
        memcpy(lines + (end - from) * line, j->image + end * line, (size_t)((to - end) * line));
        first = from;
        end = to;
        w.in[1] = to - from;
        w.before[1] = p->w.before[1] - y + from;
        for (int64_t x = 0; x < p->w.out[2]; x += p->pixels) {
            int64_t n = p->w.out[2] - x < p->pixels ? p->w.out[2] - x : p->pixels;
            depthwise(j, &w, lines, (const uint8_t **)(void *)(scratch + p->scratch_worker),
                      j->y + y * line + x * p->channels, x, n);
        }
    }
}

typedef struct turn {
    uint8_t *to;
    const uint8_t *from;
    int64_t pixels, channels;
} turn;

/* Pixels [begin, end) of an image to channels-last, by blocks that stay in the cache. */
static void turn_pixels(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const turn *j = arg;
    (void)worker;
    for (int64_t c0 = 0; c0 < j->channels; c0 += 32)
        for (int64_t i = begin; i < end; i++)
            for (int64_t c = c0; c < j->channels && c < c0 + 32; c++)
                j->to[i * j->channels + c] = j->from[c * j->pixels + i];
}

/* packed: weights and scales are known to be; in_place: the output lies where the input does; by: a task, of which
 * there are `count` for an image. */
static inline __attribute__((always_inline)) linnet_status run(const ln_args *a, const bool packed, const bool in_place,
                                                               ln_task_fn *by, int64_t count)
{
    const ln_qconv *p = a->params;
    char *scratch = a->scratch;
    const uint8_t *x = a->in[0];
    ln_qconv_job j = {.p = p, .a = a, .weights = a->packed, .sums = p->sums != 0};
    j.x_zero = ln_zero_of(p->in_x_zero < 0 ? NULL : a->in[p->in_x_zero], p->x_signed, 0);
    if (!packed && !p->packed) {
        j.weights = scratch + p->scratch_weights;
        j.sums = ln_qconv_pack(p, scratch + p->scratch_weights, a->in[p->in_w],
                               p->in_w_zero < 0 ? NULL : a->in[p->in_w_zero], p->has_bias ? a->in[8] : NULL, j.x_zero);
    }
    if (!p->integer) {
        j.y_zero = ln_zero_of(a->in[7], p->y_signed, 0);
        j.scales = (const float *)(const void *)((const char *)a->packed + p->packed_scales);
        if (!packed && !p->constant_scales) {
            float *to = (float *)(void *)(scratch + p->scratch_scales);
            ln_qconv_scales(p, to, a->in[1], a->in[4], a->in[6]);
            j.scales = to;
        }
    }
    memset(scratch + p->scratch_zero, j.x_zero & 0xff, (size_t)p->channels);
    j.zero = (const uint8_t *)scratch + p->scratch_zero;
    size_t size = p->integer ? 4 : 1;
    double work = 0.02 * (double)p->w.out_size * (double)(p->w.taps * p->group_channels) * (double)p->outputs;
    for (int64_t b = 0; b < p->batch; b++) {
        j.image = x + b * p->channels * p->w.in_size;
        j.y = (char *)a->out[0] + (size_t)(b * p->outputs * p->w.out_size) * size;
        if (p->transpose_in) {
            uint8_t *image = (uint8_t *)scratch + p->scratch_image;
            turn t = {image, j.image, p->w.in_size, p->channels};
            ln_parallel(a, p->w.in_size, 0.5 * (double)p->channels, turn_pixels, &t);
            j.image = image;
        }
        if (in_place)
            depthwise_in_place(&j);
        else
            ln_parallel(a, count, work / (double)count, by, &j);
    }
    return LINNET_OK;
}

static int64_t blocks(const ln_qconv *p)
{
    return (p->w.out_size + p->pixels - 1) / p->pixels;
}

LN_RUN(ln_qlinearconv)
{
    const ln_qconv *p = a->params;
    if (p->by_lines)
        return run(a, false, false, ln_qconv_lines, p->w.out[1]);
    return run(a, false, false, tasks, blocks(p));
}

/* By themselves, so that firmware does not pack, nor has what it does not use. */
LN_RUN(ln_qlinearconv_packed)
{
    return run(a, true, false, tasks, blocks(a->params));
}

LN_RUN(ln_qlinearconv_lines)
{
    const ln_qconv *p = a->params;
    return run(a, true, false, ln_qconv_lines, p->w.out[1]);
}

LN_RUN(ln_qlinearconv_planes)
{
    const ln_qconv *p = a->params;
    return run(a, true, false, ln_qconv_planes, p->w.out[1]);
}

LN_RUN(ln_qlinearconv_in_place)
{
    if (a->in[0] == a->out[0])
        return run(a, true, true, tasks, 0);
    return run(a, true, false, tasks, blocks(a->params));
}
