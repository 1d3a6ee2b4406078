/* SPDX-License-Identifier: Apache-2.0
 *
 * Sliding windows: defaults, checks, output sizes; see spatial.h. ai.onnx Conv, MaxPool, AveragePool.
 */
#include "ops/spatial.h"

/* Bound on every attribute, so that sums and products of a few of them stay in int64. */
#define LIMIT (INT64_C(1) << 31)

static linnet_status fill(ln_ctx *c, const char *name, int64_t *values, int32_t count, int32_t want, int64_t def,
                          int64_t low)
{
    if (count > 0 && count != want)
        return ln_fail(c, LINNET_ERR_MODEL, "%s has %d elements, expected %d", name, count, want);
    for (int32_t i = 0; i < want; i++) {
        if (count <= 0)
            values[i] = def;
        if (values[i] < low || values[i] >= LIMIT)
            return ln_fail(c, LINNET_ERR_MODEL, "%s[%d] is %lld", name, i, (long long)values[i]);
    }
    return LINNET_OK;
}

linnet_status ln_window_resolve(ln_ctx *c, ln_window *w, int32_t n, const int64_t *kernel)
{
    if (n < 1)
        return ln_fail(c, LINNET_ERR_MODEL, "input of rank %d has no spatial dimension", n + 2);
    w->n = n;
    if (w->n_kernel_shape <= 0) {
        if (!kernel)
            return ln_fail(c, LINNET_ERR_MODEL, "attribute kernel_shape is missing");
        for (int32_t i = 0; i < n; i++)
            w->kernel_shape[i] = kernel[i] < 0 ? 1 : kernel[i];
        w->n_kernel_shape = n;
    }
    LN_TRY(fill(c, "kernel_shape", w->kernel_shape, w->n_kernel_shape, n, 1, 1));
    for (int32_t i = 0; kernel && i < n; i++)
        LN_TRY(ln_check_dim(c, kernel[i], w->kernel_shape[i], "the size of the weights"));
    LN_TRY(fill(c, "strides", w->strides, w->n_strides, n, 1, 1));
    LN_TRY(fill(c, "dilations", w->dilations, w->n_dilations, n, 1, 1));
    /* auto_pad replaces pads; exporters write both. */
    LN_TRY(fill(c, "pads", w->pads, w->auto_pad != LN_PAD_NOTSET ? 0 : w->n_pads, 2 * n, 0, 0));
    w->n_strides = w->n_dilations = n;
    w->n_pads = 2 * n;
    return LINNET_OK;
}

linnet_status ln_window_output(ln_ctx *c, ln_window *w, int32_t i, int64_t in, int64_t *out)
{
    int64_t span = ln_window_span(w, i), stride = w->strides[i];
    int64_t *before = &w->pads[i], *after = &w->pads[i + w->n];
    *out = LN_UNKNOWN;
    if (in < 0)
        return LINNET_OK;
    if (in > LIMIT * LIMIT / 4)
        return ln_fail(c, LINNET_ERR_MEMORY, "spatial dimension of %lld", (long long)in);
    if (w->auto_pad == LN_PAD_SAME_UPPER || w->auto_pad == LN_PAD_SAME_LOWER) {
        *out = (in + stride - 1) / stride;
        int64_t pad = (*out - 1) * stride + span - in;
        pad = pad > 0 ? pad : 0;
        *before = w->auto_pad == LN_PAD_SAME_UPPER ? pad / 2 : pad - pad / 2;
        *after = pad - *before;
        return LINNET_OK;
    }
    int64_t room = in + *before + *after - span;
    if (room < 0) {
        if (room + stride < 0 || (in > 0 && !w->ceil_mode))
            return ln_fail(c, LINNET_ERR_MODEL, "a window of %lld does not fit in %lld with pads %lld and %lld",
                           (long long)span, (long long)in, (long long)*before, (long long)*after);
        *out = 0;
        return LINNET_OK;
    }
    *out = room / stride + 1;
    /* Rounding up must not give a window that starts in the padding behind the input. */
    if (w->ceil_mode && room % stride && *out * stride < in + *before)
        ++*out;
    return LINNET_OK;
}
