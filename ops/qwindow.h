/* SPDX-License-Identifier: Apache-2.0
 *
 * The geometry of a sliding window over up to three spatial dimensions, for the quantised convolutions and poolings.
 * Fewer dimensions are led by ones, so that the loops always have three.
 */
#ifndef LN_OPS_QWINDOW_H
#define LN_OPS_QWINDOW_H

#include "ops/convert.h"

enum { LN_QW_MAX = 3 };

/* The attributes as they stand in a node. */
typedef struct ln_qwindow_attrs {
    int64_t kernel_shape[LN_QW_MAX], strides[LN_QW_MAX], dilations[LN_QW_MAX], pads[2 * LN_QW_MAX];
    int32_t n_kernel_shape, n_strides, n_dilations, n_pads;
    int32_t auto_pad;
    int32_t unused;
    int64_t ceil_mode;
} ln_qwindow_attrs;

typedef struct ln_qwindow {
    int64_t in[LN_QW_MAX], out[LN_QW_MAX], kernel[LN_QW_MAX], stride[LN_QW_MAX], dilation[LN_QW_MAX];
    int64_t before[LN_QW_MAX], after[LN_QW_MAX]; /* padding */
    int64_t in_size, out_size, taps;             /* products */
} ln_qwindow;

#define LN_ATTRS_QWINDOW(S)                                                                                            \
    {.name = "kernel_shape",                                                                                           \
     .kind = LN_AT_INTS,                                                                                               \
     .max = LN_QW_MAX,                                                                                                 \
     .offset = offsetof(S, window.kernel_shape),                                                                       \
     .n_offset = offsetof(S, window.n_kernel_shape)},                                                                  \
        {.name = "strides",                                                                                            \
         .kind = LN_AT_INTS,                                                                                           \
         .max = LN_QW_MAX,                                                                                             \
         .offset = offsetof(S, window.strides),                                                                        \
         .n_offset = offsetof(S, window.n_strides)},                                                                   \
        {.name = "dilations",                                                                                          \
         .kind = LN_AT_INTS,                                                                                           \
         .max = LN_QW_MAX,                                                                                             \
         .offset = offsetof(S, window.dilations),                                                                      \
         .n_offset = offsetof(S, window.n_dilations)},                                                                 \
        {.name = "pads",                                                                                               \
         .kind = LN_AT_INTS,                                                                                           \
         .max = 2 * LN_QW_MAX,                                                                                         \
         .offset = offsetof(S, window.pads),                                                                           \
         .n_offset = offsetof(S, window.n_pads)},                                                                      \
    {                                                                                                                  \
        .name = "auto_pad", .kind = LN_AT_ENUM, .names = "NOTSET|SAME_UPPER|SAME_LOWER|VALID",                         \
        .offset = offsetof(S, window.auto_pad)                                                                         \
    }

/* The window over `rank` spatial dimensions; kernel: from the weights, or NULL: from the attribute. Dimensions of
 * `in` or `kernel` may be unknown: so are then those of out. Fails where the attributes make no sense. */
linnet_status ln_qwindow_of(ln_ctx *c, const ln_qwindow_attrs *attrs, int32_t rank, const int64_t *in,
                            const int64_t *kernel, ln_qwindow *w);

/* Offset of position `tap` for output pixel `pixel`, in input pixels, or -1 in the padding. */
static inline int64_t ln_qwindow_at(const ln_qwindow *w, int64_t pixel, int64_t tap)
{
    int64_t o[LN_QW_MAX], k[LN_QW_MAX], at = 0;
    for (int i = LN_QW_MAX - 1; i >= 0; i--) {
        o[i] = pixel % w->out[i];
        pixel /= w->out[i];
        k[i] = tap % w->kernel[i];
        tap /= w->kernel[i];
    }
    for (int i = 0; i < LN_QW_MAX; i++) {
        int64_t x = o[i] * w->stride[i] + k[i] * w->dilation[i] - w->before[i];
        if (x < 0 || x >= w->in[i])
            return -1;
        at = at * w->in[i] + x;
    }
    return at;
}

/* For pixels begin + i, i < count: rows[tap * tap_stride + i * pixel_stride] = base + offset * step, or `zero` in the
 * padding. */
void ln_qwindow_rows(const ln_qwindow *w, const uint8_t **rows, size_t tap_stride, size_t pixel_stride, int64_t begin,
                     int64_t count, const uint8_t *base, int64_t step, const uint8_t *zero);

/* The same as dense rows of taps * k bytes: k bytes at each position, zero in the padding. base has `step` bytes for
 * each input pixel, of which those from `first` on are taken. */
void ln_qwindow_copy(const ln_qwindow *w, uint8_t *to, int64_t begin, int64_t count, const uint8_t *base, int64_t step,
                     int64_t first, int64_t k, uint8_t zero);

#endif
