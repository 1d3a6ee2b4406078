/* SPDX-License-Identifier: Apache-2.0
 *
 * STFT-17: frames of a signal times a window, each transformed. Frames are read where they lie in the signal.
 *
 * A signal without its last axis (rank 2) is taken as real. Of a complex signal, onesided gives the first half of the
 * bins, as the reference implementation does.
 */
#include "ops/fourier.h"

typedef struct stft_params {
    int64_t onesided;
    ln_fourier f;
} stft_params;

LN_RUN(ln_stft)
{
    const stft_params *p = a->params;
    ln_fourier_run(a, &p->f, a->out[0], a->in[0], p->f.window ? a->in[2] : NULL);
    return LINNET_OK;
}

/* Step and length of frames; LN_UNKNOWN where an input is not constant. */
static linnet_status frames(ln_ctx *c, int64_t *step, int64_t *length)
{
    const ln_info *window = c->n_in > 2 ? c->in[2] : NULL;
    *length = LN_UNKNOWN;
    int32_t count = ln_const_ints(c, 1, step, 1);
    if (count == -1)
        *step = LN_UNKNOWN;
    else if (count != 1)
        return ln_fail(c, LINNET_ERR_MODEL, "frame_step is no integer scalar");
    else if (*step < 1)
        return ln_fail(c, LINNET_ERR_MODEL, "frame_step is %lld", (long long)*step);
    if (window && window->rank >= 0 && window->rank != 1)
        return ln_fail(c, LINNET_ERR_MODEL, "the window has rank %d, must have 1", window->rank);
    if (window && window->type != LINNET_UNDEFINED && c->in[0]->type != LINNET_UNDEFINED &&
        window->type != c->in[0]->type)
        return ln_fail(c, LINNET_ERR_MODEL, "the window is of type %s, the signal of %s",
                       linnet_type_name((linnet_type)window->type), linnet_type_name((linnet_type)c->in[0]->type));
    if (c->n_in > 3 && c->in[3]) {
        count = ln_const_ints(c, 3, length, 1);
        if (count == -1) {
            *length = LN_UNKNOWN;
            return LINNET_OK;
        }
        if (count != 1)
            return ln_fail(c, LINNET_ERR_MODEL, "frame_length is no integer scalar");
        if (window && window->rank == 1 && window->dims[0] >= 0 && window->dims[0] != *length)
            return ln_fail(c, LINNET_ERR_MODEL, "the window has %lld elements, frame_length is %lld",
                           (long long)window->dims[0], (long long)*length);
    } else if (window) {
        if (window->rank != 1 || window->dims[0] < 0)
            return LINNET_OK;
        *length = window->dims[0];
    } else {
        if (c->in[0]->dims[1] < 0)
            return LINNET_OK;
        *length = c->in[0]->dims[1];
    }
    return ln_fourier_length(c, *length);
}

static linnet_status stft_infer(ln_ctx *c)
{
    const stft_params *p = c->params;
    const ln_info *x = c->in[0];
    if (p->onesided != 0 && p->onesided != 1)
        return ln_fail(c, LINNET_ERR_MODEL, "onesided is %lld, must be 0 or 1", (long long)p->onesided);
    if (!c->in[1])
        return ln_fail(c, LINNET_ERR_MODEL, "input frame_step is missing");
    int64_t dims[4] = {LN_UNKNOWN, LN_UNKNOWN, LN_UNKNOWN, 2};
    if (x->rank < 0)
        return ln_set_shape(c, 0, x->type, 4, dims);
    if (x->rank != 2 && x->rank != 3)
        return ln_fail(c, LINNET_ERR_MODEL, "the signal has rank %d, must have 3", x->rank);
    if (x->rank == 3 && x->dims[2] >= 0 && x->dims[2] != 1 && x->dims[2] != 2)
        return ln_fail(c, LINNET_ERR_MODEL,
                       "the last dimension of the signal is %lld; 1 (real) or 2 (complex) is needed",
                       (long long)x->dims[2]);
    int64_t step, length;
    linnet_status s = frames(c, &step, &length);
    if (s != LINNET_OK)
        return s;
    dims[0] = x->dims[0];
    if (length > 0)
        dims[2] = p->onesided ? length / 2 + 1 : length;
    if (length > 0 && step > 0 && x->dims[1] >= 0)
        dims[1] = x->dims[1] < length ? 0 : (x->dims[1] - length) / step + 1;
    return ln_set_shape(c, 0, x->type, 4, dims);
}

static linnet_status stft_plan(ln_ctx *c)
{
    stft_params *p = c->params;
    const ln_info *x = c->in[0], *y = c->out[0];
    int64_t step, n;
    linnet_status s = frames(c, &step, &n);
    if (s != LINNET_OK)
        return s;
    if (step < 0 || n < 0)
        return LN_NEED_DATA;
    int64_t parts = x->rank == 3 ? x->dims[2] : 1;
    ln_fourier *f = &p->f;
    *f = (ln_fourier){
        .outer = x->dims[0],
        .count = y->dims[1],
        .type = x->type,
        .n = (int32_t)n,
        .in_len = (int32_t)n,
        .out_len = (int32_t)y->dims[2],
        .in_real = parts == 1,
        .in_total = ln_info_count(x),
        .out_total = ln_info_count(y),
        .in_outer = x->dims[1] * parts,
        .in_batch = step * parts,
        .in_stride = parts,
        .out_outer = y->dims[1] * y->dims[2] * 2,
        .out_batch = y->dims[2] * 2,
        .out_stride = 2,
        .window = c->n_in > 2 && c->in[2] ? n : 0,
    };
    return ln_fourier_plan(c, f, parts == 1 ? LN_FFT_REAL : LN_FFT_COMPLEX, false, 1, 0, NULL);
}

static const ln_attr_spec attrs[] = {LN_ATTR_I(stft_params, onesided, 1), LN_ATTR_END};

LN_OP(STFT) = {
    .domain = "",
    .type = "STFT",
    .since = {17},
    .types = LN_T_FLOATS,
    .in = {2, 4},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(stft_params),
    .infer = stft_infer,
    .plan = stft_plan,
    LN_RUN_NAME(ln_stft),
};
