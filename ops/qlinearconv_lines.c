/* SPDX-License-Identifier: Apache-2.0
 *
 * Quantised convolutions by lines of the output. The lines of the image that a window sees are copied with padding on
 * both sides, each once, into as many places in turn as the window has lines. So no window ends outside of them: a line
 * of it is one segment of the product's A (or a dense piece of the row that is copied where segments would be short),
 * and for depthwise convolutions of few channels some neighbouring pixels are the channels of one, which fill vectors;
 * their weights are repeated.
 */
#include <string.h>

#include "ops/qlinearconv.h"

/* Copies what line y of the output sees beyond the lines before `next`, and points at all of it; line y of the image
 * lies at y modulo the window's lines, behind them a line of padding. Returns the new next. */
static int64_t load(const ln_qconv_job *j, uint8_t *lines, const uint8_t **line, int64_t y, int64_t next)
{
    const ln_qconv *p = j->p;
    const int64_t high = p->w.kernel[1], bytes = p->line_bytes, row = p->w.in[2] * p->channels;
    const int64_t at = p->w.before[2] * p->channels, room = bytes - at, n = row < room ? row : room;
    for (int64_t k = 0; k < high; k++) {
        int64_t from = y * p->w.stride[1] - p->w.before[1] + k;
        uint8_t *to = lines + (from < 0 || from >= p->w.in[1] ? high : from % high) * bytes;
        line[k] = to;
        if (from < next || from >= p->w.in[1])
            continue;
        if (n > 0)
            memcpy(to + at, j->image + from * row, (size_t)n);
        next = from + 1;
    }
    return next;
}

/* n pixels of a line from x on: `repeat` at a time as one, what is left as a part of one. */
static void depthwise(const ln_qconv_job *j, const uint8_t *const *line, const uint8_t **rows, char *c, int64_t x,
                      int64_t n)
{
    const ln_qconv *p = j->p;
    const int64_t high = p->w.kernel[1], wide = p->w.kernel[2], channels = p->channels, next = p->repeat * channels;
    const int64_t whole = n / p->repeat, rest = n % p->repeat;
    const uint8_t **to = rows;
    for (int64_t i = 0, at = x * channels; i < whole + (rest > 0); i++, at += next)
        for (int64_t a = 0; a < high; a++) {
            const uint8_t *from = line[a] + at;
            for (int64_t b = 0; b < wide; b++, from += channels)
                *to++ = from;
        }
    const ln_qdepthwise_args g = ln_qconv_depthwise_args(j);
    if (whole)
        LN_K(qdepthwise)((uint8_t *)c, rows, (size_t)whole, (size_t)next, &g);
    if (rest)
        LN_K(qdepthwise)
    ((uint8_t *)c + (size_t)(whole * next) * (p->integer ? 4 : 1), rows + whole * high * wide, 1,
     (size_t)(rest * channels), &g);
}

/* The windows of n pixels from x on as dense rows, of lines that are few bytes: `high` is a constant after inlining
 * where it is 3. Up to 15 bytes are read behind a line and written behind a row, where the next is written after it. */
static inline __attribute__((always_inline)) void copy_short(const uint8_t *const *line, const int64_t high,
                                                             int64_t size, int64_t step, uint8_t *to, int64_t x,
                                                             int64_t n)
{
    const uint8_t *from[LN_QCONV_HIGH];
    for (int64_t a = 0; a < high; a++)
        from[a] = line[a];
    for (int64_t at = x * step, end = (x + n) * step; at < end; at += step)
        for (int64_t a = 0; a < high; a++, to += size)
            memcpy(to, from[a] + at, 16);
}

static void copy_windows(const ln_qconv *p, const uint8_t *const *line, uint8_t *to, int64_t x, int64_t n)
{
    const int64_t high = p->w.kernel[1], size = p->w.kernel[2] * p->channels, step = p->w.stride[2] * p->channels;
    if (size <= 16 && high == 3)
        copy_short(line, 3, size, step, to, x, n);
    else if (size <= 16)
        copy_short(line, high, size, step, to, x, n);
    else
        for (int64_t at = x * step; n > 0; n--, at += step)
            for (int64_t a = 0; a < high; a++, to += size)
                memcpy(to, line[a] + at, (size_t)size);
}

static void product(const ln_qconv_job *j, const uint8_t *const *line, const uint8_t **rows, uint8_t *copy, char *c,
                    int64_t x, int64_t n)
{
    const ln_qconv *p = j->p;
    const int64_t high = p->w.kernel[1], step = p->w.stride[2] * p->channels, window = p->w.taps * p->channels;
    if (p->mode == LN_QCONV_COPY) {
        copy_windows(p, line, copy, x, n);
        for (int64_t i = 0; i < n; i++)
            rows[i] = copy + i * window;
    } else {
        for (int64_t a = 0; a < high; a++) {
            const uint8_t *from = line[a] + x * step, **to = rows + a * n;
            for (int64_t i = 0; i < n; i++, from += step)
                to[i] = from;
        }
    }
    ln_qconv_product(j, rows, n, 0, c);
}

void ln_qconv_lines(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_qconv_job *j = arg;
    const ln_qconv *p = j->p;
    char *own = (char *)j->a->scratch + p->scratch_worker + worker * p->worker_bytes;
    const uint8_t **rows = (const uint8_t **)(void *)own, *line[LN_QCONV_HIGH];
    uint8_t *lines = (uint8_t *)own + p->worker_lines;
    const int64_t wide = p->w.out[2];
    const size_t size = p->integer ? 4 : 1;
    memset(lines, j->x_zero & 0xff, (size_t)((p->w.kernel[1] + 1) * p->line_bytes));
    for (int64_t y = begin, next = 0; y < end; y++) {
        next = load(j, lines, line, y, next);
        for (int64_t x = 0; x < wide; x += p->pixels) {
            int64_t n = wide - x < p->pixels ? wide - x : p->pixels, pixel = y * wide + x;
            char *c = p->transpose_out ? own + p->worker_tile : j->y + (size_t)(pixel * p->outputs) * size;
            if (p->mode == LN_QCONV_DEPTHWISE)
                depthwise(j, line, rows, c, x, n);
            else
                product(j, line, rows, (uint8_t *)own + p->worker_copy, c, x, n);
            if (p->transpose_out)
                ln_qconv_scatter(j, c, pixel, n);
        }
    }
}
