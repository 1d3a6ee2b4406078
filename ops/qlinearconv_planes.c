/* SPDX-License-Identifier: Apache-2.0
 *
 * Quantised convolutions of few channels, first layers above all, over images as the file has them, channels first: a
 * pixel of the output is a lane of the kernel (kernels/qgemm.h), so neither the image nor the result is transposed. The
 * lines that a window sees are copied with padding on both sides, each once, into as many places in turn as it has
 * lines.
 */
#include <math.h>
#include <string.h>

#include "ops/qlinearconv.h"

static size_t lines_of(const ln_qconv *p)
{
    return (size_t)(p->channels * p->w.kernel[1]);
}

static size_t steps_of(const ln_qconv *p)
{
    return ln_qplanes_lines(lines_of(p), (size_t)p->w.kernel[2]) * ((size_t)(p->w.kernel[2] + 3) / 4);
}

/* Of weights; starts are behind them. */
static size_t weight_bytes(const ln_qconv *p)
{
    return ((size_t)(p->outputs + LN_QPLANES - 1) / LN_QPLANES * LN_QPLANES * 4 * steps_of(p) + 63) / 64 * 64;
}

size_t ln_qconv_planes_bytes(const ln_qconv *p)
{
    return weight_bytes(p) + ((size_t)(p->outputs + LN_QPLANES) * sizeof(int32_t) + 63) / 64 * 64;
}

/* Whether all weights are signed bytes as the kernel sees them, and scales such that sums times them fit into 32 bits.
 */
static bool values_fit(const ln_ctx *c, const ln_qconv *p)
{
    const ln_info *zero = p->in_w_zero < 0 ? NULL : c->in[p->in_w_zero];
    for (int64_t i = 0; i < (p->w_zeros > 1 ? p->outputs : 1); i++)
        if (ln_zero_of(zero ? zero->data : NULL, p->w_signed, i) != (p->w_signed ? 0 : 128))
            return false;
    if (p->integer)
        return true;
    const float *x = c->in[1]->data, *w = c->in[4]->data, *y = c->in[6]->data;
    for (int64_t i = 0; i < (p->w_scales > 1 ? p->outputs : 1); i++)
        if (!(fabsf(x[0] * w[i] / y[0]) < 1))
            return false;
    return true;
}

bool ln_qconv_is_planes(const ln_ctx *c, const ln_qconv *p)
{
    enum { MOST = 256 << 10 }; /* bytes of lines */
    const ln_qwindow *w = &p->w;
    const ln_info *zero = p->in_x_zero < 0 ? NULL : c->in[p->in_x_zero];
    if (!LN_D(qgemm)->planes || c->frugal || p->last || p->group > 1 || p->mode == LN_QCONV_DEPTHWISE || !p->packed ||
        !(p->constant_scales || p->integer) || (zero && !zero->data) || w->out_size == 0 || w->in[0] != 1 ||
        w->out[0] != 1 || w->kernel[0] != 1 || w->dilation[1] != 1 || w->dilation[2] != 1 ||
        !ln_qplanes_pays(p->channels, w->kernel[1], w->kernel[2], w->stride[2], w->out[2]))
        return false;
    /* w.in[2] and the padding bound the width */
    const int64_t width = (w->out[2] - 1) * w->stride[2] + w->kernel[2];
    return width <= MOST && width * p->channels <= MOST / (w->kernel[1] + 1) && values_fit(c, p);
}

void ln_qconv_plan_planes(ln_qconv *p, int64_t at)
{
    const int64_t width = (p->w.out[2] - 1) * p->w.stride[2] + p->w.kernel[2];
    const size_t lines = lines_of(p);
    p->mode = LN_QCONV_PLANES;
    p->by_lines = 1;
    p->transpose_in = p->transpose_out = 0;
    p->line_bytes = (width + LN_QPLANES_BEHIND + 63) / 64 * 64;
    p->scratch_worker = at;
    p->worker_copy = (int64_t)((lines * sizeof(void *) + 63) / 64 * 64);
    p->worker_lines = p->worker_copy + (int64_t)steps_of(p) * 64 * LN_QPLANES_VECTORS;
    p->worker_bytes = p->worker_lines + ((int64_t)lines + 1) * p->line_bytes;
}

void ln_qconv_pack_planes(const ln_qconv *p, void *to, const uint8_t *w, const int32_t *bias, int32_t x_zero)
{
    int8_t *weights = to;
    int32_t *start = (int32_t *)(void *)((char *)to + weight_bytes(p));
    const size_t wide = (size_t)p->w.kernel[2], lines = lines_of(p), steps = steps_of(p);
    const uint32_t zero = (uint32_t)(x_zero + (p->x_signed ? 128 : 0));
    memset(to, 0, ln_qconv_planes_bytes(p));
    for (size_t c = 0; c < (size_t)p->outputs; c++) {
        uint32_t sum = 0;
        for (size_t i = 0; i < lines * wide; i++) {
            const int32_t v = (int8_t)(w[c * lines * wide + i] ^ (p->w_signed ? 0 : 0x80));
            const size_t at = ln_qplanes_byte(lines, wide, i);
            weights[((c / LN_QPLANES * steps + at / 4) * LN_QPLANES + c % LN_QPLANES) * 4 + at % 4] = (int8_t)v;
            sum += (uint32_t)v;
        }
        start[c] = (int32_t)((bias ? (uint32_t)bias[c] : 0) - zero * sum);
    }
}

/* Copies line `from` of all planes to where it lies in turn. */
static void load(const ln_qconv_job *j, uint8_t *lines, int64_t from)
{
    const ln_qconv *p = j->p;
    const int64_t high = p->w.kernel[1], wide = p->w.in[2], room = p->line_bytes - LN_QPLANES_BEHIND - p->w.before[2];
    const int64_t n = wide < room ? wide : room;
    const uint8_t flip = p->x_signed ? 0x80 : 0;
    for (int64_t c = 0; c < p->channels && n > 0; c++) {
        const uint8_t *x = j->image + c * p->w.in_size + from * wide;
        uint8_t *to = lines + (c * high + from % high) * p->line_bytes + p->w.before[2];
        if (flip == 0)
            memcpy(to, x, (size_t)n);
        else
            for (int64_t i = 0; i < n; i++)
                to[i] = x[i] ^ flip;
    }
}

void ln_qconv_planes(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_qconv_job *j = arg;
    const ln_qconv *p = j->p;
    char *own = (char *)j->a->scratch + p->scratch_worker + worker * p->worker_bytes;
    const uint8_t **line = (const uint8_t **)(void *)own;
    uint8_t *lines = (uint8_t *)own + p->worker_lines, *padding = lines + (int64_t)lines_of(p) * p->line_bytes;
    const int64_t high = p->w.kernel[1];
    const ln_qplanes_args g = {.lines = lines_of(p),
                               .wide = (size_t)p->w.kernel[2],
                               .stride = (size_t)p->w.stride[2],
                               .width = (size_t)p->w.out[2],
                               .outputs = (size_t)p->outputs,
                               .y_stride = (size_t)p->w.out_size,
                               .w = (const int8_t *)j->weights,
                               .start = (const int32_t *)(const void *)(j->weights + weight_bytes(p)),
                               .scale = j->scales,
                               .out = p->integer ? LN_QGEMM_I32 : LN_QGEMM_8,
                               .y_zero = j->y_zero,
                               .lo = (float)((p->y_signed ? -128 : 0) - j->y_zero),
                               .room = own + p->worker_copy};
    memset(lines, (j->x_zero ^ (p->x_signed ? 0x80 : 0)) & 0xff, (size_t)((int64_t)(g.lines + 1) * p->line_bytes));
    for (int64_t y = begin, next = 0; y < end; y++) {
        for (int64_t k = 0; k < high; k++) {
            const int64_t from = y * p->w.stride[1] - p->w.before[1] + k;
            const bool outside = from < 0 || from >= p->w.in[1];
            if (!outside && from >= next) {
                load(j, lines, from);
                next = from + 1;
            }
            for (int64_t c = 0; c < p->channels; c++)
                line[c * high + k] = outside ? padding : lines + (c * high + from % high) * p->line_bytes;
        }
        LN_D(qgemm)->planes(j->y + (size_t)(y * p->w.out[2]) * (p->integer ? 4 : 1), line, &g);
    }
}
