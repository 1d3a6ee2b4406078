/* SPDX-License-Identifier: Apache-2.0
 *
 * HannWindow, HammingWindow, BlackmanWindow (17): computed in double from exact angles, rounded once; integer types
 * truncate. A symmetric window of one element is 1 (the formula divides 0 by 0 there).
 */
#include "ops/fourier.h"

typedef struct window_params {
    int64_t output_datatype, periodic; /* attributes */
    int64_t n;
} window_params;

#define TYPES (LN_T_FLOATS | LN_T_INTS)

/* Writes f(cos, sin of pi i/period) for every i. */
typedef double shape_fn(double cos1, double sin1);

static void fill(const ln_args *a, shape_fn *f)
{
    const window_params *p = a->params;
    int64_t period = p->periodic ? p->n : p->n - 1;
    for (int64_t i = 0; i < p->n; i++) {
        double c = 0, s = 1;
        if (period > 0)
            ln_fft_trig(i, 2 * period, &c, &s);
        ln_put_number(a->out[0], (int32_t)p->output_datatype, i, f(c, s));
    }
}

static double hann(double c, double s)
{
    (void)c;
    return s * s;
}

static double hamming(double c, double s)
{
    return 25.0 / 46.0 - 21.0 / 46.0 * (c * c - s * s);
}

static double blackman(double c, double s)
{
    double c2 = c * c - s * s, c4 = 2 * c2 * c2 - 1;
    return 0.42 - 0.5 * c2 + 0.08 * c4;
}

LN_RUN(ln_hann_window)
{
    fill(a, hann);
    return LINNET_OK;
}

LN_RUN(ln_hamming_window)
{
    fill(a, hamming);
    return LINNET_OK;
}

LN_RUN(ln_blackman_window)
{
    fill(a, blackman);
    return LINNET_OK;
}

static linnet_status window_infer(ln_ctx *c)
{
    const window_params *p = c->params;
    int64_t type = p->output_datatype, n = LN_UNKNOWN;
    if (type < 1 || type >= LINNET_TYPE_COUNT || !(LN_T(type) & TYPES))
        return ln_fail(c, LINNET_ERR_MODEL, "output_datatype %lld is no number type", (long long)type);
    if (p->periodic != 0 && p->periodic != 1)
        return ln_fail(c, LINNET_ERR_MODEL, "periodic is %lld, must be 0 or 1", (long long)p->periodic);
    int32_t count = ln_const_ints(c, 0, &n, 1);
    if (count == -1)
        n = LN_UNKNOWN;
    else if (count != 1)
        return ln_fail(c, LINNET_ERR_MODEL, "size is no integer scalar");
    else if (n < 0 || n > INT32_MAX)
        return ln_fail(c, LINNET_ERR_MODEL, "size is %lld", (long long)n);
    return ln_set_shape(c, 0, (linnet_type)type, 1, &n);
}

static linnet_status window_plan(ln_ctx *c)
{
    window_params *p = c->params;
    p->n = c->out[0]->dims[0];
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_I(window_params, output_datatype, LINNET_FLOAT32),
                                     LN_ATTR_I(window_params, periodic, 1), LN_ATTR_END};

LN_OP(HannWindow) = {
    .domain = "",
    .type = "HannWindow",
    .since = {17},
    .types = LN_T(LINNET_INT32) | LN_T(LINNET_INT64),
    .in = {1, 1},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(window_params),
    .infer = window_infer,
    .plan = window_plan,
    LN_RUN_NAME(ln_hann_window),
};

LN_OP(HammingWindow) = {
    .domain = "",
    .type = "HammingWindow",
    .since = {17},
    .types = LN_T(LINNET_INT32) | LN_T(LINNET_INT64),
    .in = {1, 1},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(window_params),
    .infer = window_infer,
    .plan = window_plan,
    LN_RUN_NAME(ln_hamming_window),
};

LN_OP(BlackmanWindow) = {
    .domain = "",
    .type = "BlackmanWindow",
    .since = {17},
    .types = LN_T(LINNET_INT32) | LN_T(LINNET_INT64),
    .in = {1, 1},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(window_params),
    .infer = window_infer,
    .plan = window_plan,
    LN_RUN_NAME(ln_blackman_window),
};
