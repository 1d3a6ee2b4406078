/* SPDX-License-Identifier: Apache-2.0
 *
 * The sliding window that convolutions and pools share: attributes, their defaults, and the sizes that follow.
 */
#ifndef LN_OPS_SPATIAL_H
#define LN_OPS_SPATIAL_H

#include "ops/convert.h"

#define LN_WINDOW_MAX (LN_MAX_RANK - 2)

enum { LN_PAD_NOTSET, LN_PAD_VALID, LN_PAD_SAME_UPPER, LN_PAD_SAME_LOWER };

/* First decoded from the attributes (a count below 1: absent), then completed by ln_window_resolve. */
typedef struct ln_window {
    int64_t kernel_shape[LN_WINDOW_MAX], strides[LN_WINDOW_MAX], dilations[LN_WINDOW_MAX], pads[2 * LN_WINDOW_MAX];
    int32_t n_kernel_shape, n_strides, n_dilations, n_pads;
    int64_t ceil_mode;
    int32_t auto_pad;
    int32_t n; /* spatial dimensions */
} ln_window;

#define LN_ATTR_WINDOW_INTS(S, w, field)                                                                               \
    {                                                                                                                  \
        .name = #field, .kind = LN_AT_INTS, .offset = offsetof(S, w.field), .n_offset = offsetof(S, w.n_##field),      \
        .max = sizeof(((S *)0)->w.field) / sizeof(int64_t)                                                             \
    }
/* Rows for the attribute table of S, whose field w is an ln_window. */
#define LN_ATTRS_WINDOW(S, w)                                                                                          \
    LN_ATTR_WINDOW_INTS(S, w, kernel_shape), LN_ATTR_WINDOW_INTS(S, w, strides), LN_ATTR_WINDOW_INTS(S, w, pads),      \
    {                                                                                                                  \
        .name = "auto_pad", .kind = LN_AT_ENUM, .offset = offsetof(S, w.auto_pad),                                     \
        .names = "NOTSET|VALID|SAME_UPPER|SAME_LOWER"                                                                  \
    }
#define LN_ATTR_DILATIONS(S, w) LN_ATTR_WINDOW_INTS(S, w, dilations)
#define LN_ATTR_CEIL_MODE(S, w)                                                                                        \
    {                                                                                                                  \
        .name = "ceil_mode", .kind = LN_AT_INT, .offset = offsetof(S, w.ceil_mode)                                     \
    }

/* Fills in defaults and checks ranges for n spatial dimensions. kernel: sizes taken where kernel_shape is absent
 * (negative ones: not known yet), which it must agree with; NULL: kernel_shape is required. */
linnet_status ln_window_resolve(ln_ctx *c, ln_window *w, int32_t n, const int64_t *kernel);

/* Output size of spatial dimension i; negative where the input's is. Sets the pads that auto_pad asks for. */
linnet_status ln_window_output(ln_ctx *c, ln_window *w, int32_t i, int64_t in, int64_t *out);

/* Elements that the window spans. */
static inline int64_t ln_window_span(const ln_window *w, int32_t i)
{
    return (w->kernel_shape[i] - 1) * w->dilations[i] + 1;
}

/* Where the channels are, and the first spatial dimension, of a tensor in either layout. */
static inline int32_t ln_channel_axis(const ln_info *x, bool last)
{
    return last ? x->rank - 1 : 1;
}

static inline const int64_t *ln_spatial(const ln_info *x, bool last)
{
    return x->dims + (last ? 1 : 2);
}

#endif
