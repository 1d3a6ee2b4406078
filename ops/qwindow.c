/* SPDX-License-Identifier: Apache-2.0
 *
 * Sliding windows: see qwindow.h. Specification: Conv (auto_pad), AveragePool (ceil_mode).
 */
#include <string.h>

#include "ops/qwindow.h"

static linnet_status check_counts(ln_ctx *c, const ln_qwindow_attrs *a, int32_t rank)
{
    static const char *const names[] = {"kernel_shape", "strides", "dilations", "pads"};
    const int32_t counts[] = {a->n_kernel_shape, a->n_strides, a->n_dilations, a->n_pads};
    if (rank < 1 || rank > LN_QW_MAX)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "%d spatial dimensions, 1 to %d are supported", rank, LN_QW_MAX);
    for (int i = 0; i < 4; i++)
        if (counts[i] > 0 && counts[i] != (i == 3 ? 2 * rank : rank))
            return ln_fail(c, LINNET_ERR_MODEL, "%s has %d elements for %d spatial dimensions", names[i], counts[i],
                           rank);
    for (int32_t i = 0; i < rank; i++) {
        if (a->n_strides > 0 && (a->strides[i] < 1 || a->strides[i] > INT32_MAX))
            return ln_fail(c, LINNET_ERR_MODEL, "stride %lld", (long long)a->strides[i]);
        if (a->n_dilations > 0 && (a->dilations[i] < 1 || a->dilations[i] > INT32_MAX))
            return ln_fail(c, LINNET_ERR_MODEL, "dilation %lld", (long long)a->dilations[i]);
    }
    for (int32_t i = 0; i < a->n_pads; i++)
        if (a->pads[i] < 0 || a->pads[i] > INT32_MAX)
            return ln_fail(c, LINNET_ERR_UNSUPPORTED, "padding %lld", (long long)a->pads[i]);
    return LINNET_OK;
}

linnet_status ln_qwindow_of(ln_ctx *c, const ln_qwindow_attrs *a, int32_t rank, const int64_t *in,
                            const int64_t *kernel, ln_qwindow *w)
{
    LN_TRY(check_counts(c, a, rank));
    if (!kernel && a->n_kernel_shape != rank)
        return ln_fail(c, LINNET_ERR_MODEL, "kernel_shape is missing");
    *w = (ln_qwindow){.in_size = 1, .out_size = 1, .taps = 1};
    bool known = true;
    for (int32_t d = 0; d < LN_QW_MAX; d++) {
        int32_t i = d - (LN_QW_MAX - rank);
        if (i < 0) {
            w->in[d] = w->out[d] = w->kernel[d] = w->stride[d] = w->dilation[d] = 1;
            continue;
        }
        int64_t k = a->n_kernel_shape > 0 ? a->kernel_shape[i] : kernel[i];
        if (kernel)
            LN_TRY(ln_check_dim(c, kernel[i], k, "a dimension of the weights"));
        if (k == 0 || k > INT32_MAX || (k < 0 && a->n_kernel_shape > 0))
            return ln_fail(c, LINNET_ERR_MODEL, "a kernel of size %lld", (long long)k);
        w->in[d] = in[i];
        w->kernel[d] = k;
        w->stride[d] = a->n_strides > 0 ? a->strides[i] : 1;
        w->dilation[d] = a->n_dilations > 0 ? a->dilations[i] : 1;
        w->out[d] = LN_UNKNOWN;
        if (in[i] < 0 || k < 0) {
            known = false;
            continue;
        }
        int64_t extent = (k - 1) * w->dilation[d] + 1, s = w->stride[d];
        if (a->auto_pad == 1 || a->auto_pad == 2) {
            int64_t out = (in[i] + s - 1) / s, total = (out - 1) * s + extent - in[i];
            if (total < 0)
                total = 0;
            w->before[d] = a->auto_pad == 1 ? total / 2 : total - total / 2;
            w->after[d] = total - w->before[d];
            w->out[d] = out;
        } else {
            if (a->auto_pad == 0 && a->n_pads > 0) {
                w->before[d] = a->pads[i];
                w->after[d] = a->pads[rank + i];
            }
            int64_t room = in[i] + w->before[d] + w->after[d] - extent;
            if (room < 0)
                return ln_fail(c, LINNET_ERR_MODEL, "a window of %lld does not fit in %lld elements", (long long)extent,
                               (long long)(room + extent));
            w->out[d] = room / s + 1;
            if (a->ceil_mode && room % s != 0 && w->out[d] * s < in[i] + w->before[d])
                w->out[d]++;
        }
        LN_TRY(ln_mul_size(c, w->in_size, w->in[d], &w->in_size));
        LN_TRY(ln_mul_size(c, w->out_size, w->out[d], &w->out_size));
        LN_TRY(ln_mul_size(c, w->taps, k, &w->taps));
    }
    if (!known)
        w->in_size = w->out_size = w->taps = LN_UNKNOWN;
    return LINNET_OK;
}

/* The pixels of a line of the output that see position k of their window inside of the image. */
typedef struct seen {
    int64_t first, last; /* behind the last */
} seen;

static seen seen_of(const ln_qwindow *w, int64_t k)
{
    const int64_t x = k * w->dilation[2] - w->before[2], s = w->stride[2], wide = w->out[2];
    int64_t first = x < 0 ? s - 1 - x : 0, last = x >= w->in[2] ? 0 : w->in[2] - 1 - x + s;
    if (s > 1) { /* 64-bit division is a long call on small machines */
        first /= s;
        last /= s;
    }
    first = first < wide ? first : wide;
    last = last < wide ? last : wide;
    return (seen){first, last > first ? last : first};
}

/* Pointers [begin, end), `apart` elements from one to the next, of which those from first to last point at base + at
 * and on, `next` from each to the next. */
static void row_of(const uint8_t **to, size_t apart, int64_t begin, seen s, int64_t end, const uint8_t *base,
                   int64_t at, int64_t next, const uint8_t *zero)
{
    int64_t i = begin, last = s.last < end ? s.last : end;
    for (; i < s.first && i < end; i++, to += apart)
        *to = zero;
    for (; i + 3 < last; i += 4, to += 4 * apart) {
        const uint8_t *from = base + at + i * next;
        to[0] = from;
        to[apart] = from + next;
        to[2 * apart] = from + 2 * next;
        to[3 * apart] = from + 3 * next;
    }
    for (; i < last; i++, to += apart)
        *to = base + at + i * next;
    for (; i < end; i++, to += apart)
        *to = zero;
}

void ln_qwindow_rows(const ln_qwindow *w, const uint8_t **rows, size_t tap_stride, size_t pixel_stride, int64_t begin,
                     int64_t count, const uint8_t *base, int64_t step, const uint8_t *zero)
{
    enum { FEW = 8 };
    seen few[FEW];
    if (w->taps == 1 && w->in_size == w->out_size && w->before[0] + w->before[1] + w->before[2] == 0) {
        row_of(rows, pixel_stride, 0, (seen){0, count}, count, base, begin * step, step, zero); /* 1x1 */
        return;
    }
    int64_t o2 = begin % w->out[2], o1 = begin / w->out[2] % w->out[1], o0 = begin / w->out[2] / w->out[1];
    const int64_t width = w->in[2], next = w->stride[2] * step, wide = w->kernel[2], apart = w->dilation[2] * step;
    for (int64_t k = 0; k < wide && k < FEW; k++)
        few[k] = seen_of(w, k);
    while (count > 0) { /* the pixels of a line of the output */
        const int64_t end = w->out[2] - o2 < count ? w->out[2] : o2 + count;
        int64_t x0 = o0 * w->stride[0] - w->before[0];
        const uint8_t **tap = rows;
        for (int64_t k0 = 0; k0 < w->kernel[0]; k0++, x0 += w->dilation[0]) {
            int64_t x1 = o1 * w->stride[1] - w->before[1];
            for (int64_t k1 = 0; k1 < w->kernel[1]; k1++, x1 += w->dilation[1]) {
                const bool inside = x0 >= 0 && x0 < w->in[0] && x1 >= 0 && x1 < w->in[1];
                int64_t at = (inside ? (x0 * w->in[1] + x1) * width * step : 0) - w->before[2] * step;
                for (int64_t k2 = 0; k2 < wide; k2++, at += apart, tap += tap_stride)
                    row_of(tap, pixel_stride, o2, inside ? k2 < FEW ? few[k2] : seen_of(w, k2) : (seen){end, end}, end,
                           base, at, next, zero);
            }
        }
        rows += (size_t)(end - o2) * pixel_stride;
        count -= end - o2;
        o2 = 0;
        if (++o1 == w->out[1]) {
            o1 = 0;
            o0++;
        }
    }
}

static inline bool inside(const ln_qwindow *w, int d, int64_t x)
{
    return x >= 0 && x + (w->kernel[d] - 1) * w->dilation[d] < w->in[d];
}

/* Whether 16 bytes are copied by a few instructions wherever they lie; else that is a call. */
#if defined(__x86_64__) || defined(__aarch64__) || defined(__wasm__) || defined(__ARM_FEATURE_UNALIGNED)
enum { ANYWHERE = 1 };
#else
enum { ANYWHERE = 0 };
#endif

/* memcpy for short runs: 16 bytes at a time where neither side ends within them. */
static inline void copy_run(uint8_t *to, const uint8_t *from, int64_t n, const uint8_t *from_end, const uint8_t *to_end)
{
    int64_t i = 0;
    while (ANYWHERE && i < n && from_end - from - i >= 16 && to_end - to - i >= 16) {
        memcpy(to + i, from + i, 16);
        i += 16;
    }
    for (; i + 4 <= n; i += 4) { /* loads first: to a compiler a store may change what is read next */
        uint8_t a = from[i], b = from[i + 1], c = from[i + 2], d = from[i + 3];
        to[i] = a, to[i + 1] = b, to[i + 2] = c, to[i + 3] = d;
    }
    for (; i < n; i++)
        to[i] = from[i];
}

/* One window at x0, x1, x2, of which parts are in the padding, or whose positions are not side by side. */
static void copy_window(const ln_qwindow *w, uint8_t *to, int64_t x0, int64_t x1, int64_t x2, const uint8_t *base,
                        int64_t step, int64_t k, uint8_t zero)
{
    for (int64_t k0 = 0; k0 < w->kernel[0]; k0++)
        for (int64_t k1 = 0; k1 < w->kernel[1]; k1++) {
            int64_t y0 = x0 + k0 * w->dilation[0], y1 = x1 + k1 * w->dilation[1], x = x2;
            bool there = y0 >= 0 && y0 < w->in[0] && y1 >= 0 && y1 < w->in[1];
            for (int64_t k2 = 0; k2 < w->kernel[2]; k2++, x += w->dilation[2], to += k)
                if (there && x >= 0 && x < w->in[2])
                    for (int64_t e = 0; e < k; e++)
                        to[e] = base[((y0 * w->in[1] + y1) * w->in[2] + x) * step + e];
                else
                    memset(to, zero, (size_t)k);
        }
}

void ln_qwindow_copy(const ln_qwindow *window, uint8_t *to, int64_t begin, int64_t count, const uint8_t *base,
                     int64_t step, int64_t first, int64_t k, uint8_t zero)
{
    const ln_qwindow own = *window, *w = &own; /* bytes that are written could be those of *window */
    int64_t o2 = begin % w->out[2], o1 = begin / w->out[2] % w->out[1], o0 = begin / w->out[2] / w->out[1];
    const int64_t n = w->kernel[2] * k, line = w->in[2] * step;
    const uint8_t *from_end = base + w->in_size * step, *to_end = to + count * w->taps * k;
    const bool dense = w->dilation[2] == 1 && step == k;
    const int64_t next_plane = w->dilation[0] * w->in[1] * line, next_line = w->dilation[1] * line;
    const int64_t span = (w->kernel[0] - 1) * next_plane + (w->kernel[1] - 1) * next_line + 16; /* read of a window */
    for (int64_t i = 0; i < count; i++) {
        int64_t x0 = o0 * w->stride[0] - w->before[0], x1 = o1 * w->stride[1] - w->before[1];
        int64_t x2 = o2 * w->stride[2] - w->before[2];
        if (dense && inside(w, 0, x0) && inside(w, 1, x1) && inside(w, 2, x2)) {
            const uint8_t *from = base + (x0 * w->in[1] + x1) * line + x2 * step + first;
            const bool room = ANYWHERE && n <= 16 && from_end - from >= span && to_end - to >= w->taps * k + 16;
            for (int64_t k0 = 0; k0 < w->kernel[0]; k0++)
                for (int64_t k1 = 0, at = k0 * next_plane; k1 < w->kernel[1]; k1++, at += next_line, to += n)
                    if (room)
                        memcpy(to, from + at, 16);
                    else
                        copy_run(to, from + at, n, from_end, to_end);
        } else {
            copy_window(w, to, x0, x1, x2, base + first, step, k, zero);
            to += w->taps * k;
        }
        if (++o2 == w->out[2]) {
            o2 = 0;
            if (++o1 == w->out[1]) {
                o1 = 0;
                o0++;
            }
        }
    }
}
