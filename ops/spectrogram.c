/* SPDX-License-Identifier: Apache-2.0
 *
 * Spectrogram-1 of ai.linnet, which a pass makes of STFT (or a window and DFT), magnitude, power or real part, a
 * filterbank and the logarithm: no complex number is written to memory. float32, float64.
 *
 * Inputs: signal; window (optional, [samples]); filterbank (optional, constant, [frame_length/2+1, bands]).
 * frame_step > 0: the signal is [batch, length] or [batch, length, 1], the output [batch, frames, bins or bands]; or
 * [length] and [frames, bins or bands]. frame_step 0: every row of the signal [..., length] (with trailing 1: [...,
 * length, 1], trailing_one 1) is a frame, and the output is [..., bins or bands]. A frame has `samples` (frame_length,
 * if 0), or less in shorter rows; zeros follow up to frame_length. power: ln_fft_power: 1 magnitudes, 2 their squares,
 * 3 real parts. log 1: ln(max(x, least) + add).
 */
#include <float.h>
#include <string.h>

#include "ops/fourier.h"

typedef struct spectrogram_params {
    int64_t frame_step, frame_length, power, log, trailing_one, samples; /* attributes */
    float least, add;
    ln_fourier f;
} spectrogram_params;

LN_RUN(ln_spectrogram)
{
    const spectrogram_params *p = a->params;
    ln_fourier_run(a, &p->f, a->out[0], a->in[0], p->f.window ? a->in[1] : NULL);
    return LINNET_OK;
}

static const ln_info *input(const ln_ctx *c, int32_t i)
{
    return c->n_in > i ? c->in[i] : NULL;
}

static linnet_status spectrogram_infer(ln_ctx *c)
{
    const spectrogram_params *p = c->params;
    const ln_info *x = c->in[0], *window = input(c, 1), *bank = input(c, 2);
    linnet_status s = ln_fourier_length(c, p->frame_length);
    if (s != LINNET_OK)
        return s;
    if (p->log && x->type == LINNET_FLOAT64)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "log of float64");
    int64_t samples = p->samples ? p->samples : p->frame_length;
    if (samples < 1 || samples > p->frame_length)
        return ln_fail(c, LINNET_ERR_MODEL, "frames of %lld samples for a transform of %lld", (long long)samples,
                       (long long)p->frame_length);
    if (p->frame_step < 0 || p->power < LN_FFT_MAGNITUDE || p->power > LN_FFT_REAL_PART)
        return ln_fail(c, LINNET_ERR_MODEL, "frame_step is %lld, power %lld", (long long)p->frame_step,
                       (long long)p->power);
    int64_t bins = p->frame_length / 2 + 1;
    if (window && ln_info_known(window) && (window->rank != 1 || window->dims[0] != samples))
        return ln_fail(c, LINNET_ERR_MODEL, "the window does not have %lld elements", (long long)samples);
    if (bank && (bank->rank != 2 || bank->dims[0] != bins || bank->dims[1] < 0 || bank->type != x->type))
        return ln_fail(c, LINNET_ERR_MODEL, "the filterbank is not %s with %lld rows",
                       linnet_type_name((linnet_type)x->type), (long long)bins);
    if (bank)
        bins = bank->dims[1];
    if (x->rank < 0)
        return ln_set_unknown(c, 0, x->type);
    int64_t dims[LN_MAX_RANK];
    int32_t rank = x->rank;
    bool one = p->frame_step ? rank == 3 : p->trailing_one != 0;
    if ((one && x->dims[rank - 1] >= 0 && x->dims[rank - 1] != 1) ||
        (p->frame_step ? rank < 1 || rank > 3 : rank < 1 + one))
        return ln_fail(c, LINNET_ERR_MODEL, "the signal has a shape that does not fit, rank %d", rank);
    for (int32_t i = 0; i < rank; i++)
        dims[i] = x->dims[i];
    if (!p->frame_step) {
        rank -= one;
        dims[rank - 1] = bins;
        return ln_set_shape(c, 0, x->type, rank, dims);
    }
    int32_t axis = rank == 1 ? 0 : 1;
    int64_t length = x->dims[axis];
    dims[axis] = length < 0 ? LN_UNKNOWN : length < samples ? 0 : (length - samples) / p->frame_step + 1;
    dims[axis + 1] = bins;
    return ln_set_shape(c, 0, x->type, axis + 2, dims);
}

static double element(const ln_info *x, int64_t i)
{
    return x->type == LINNET_FLOAT64 ? ((const double *)x->data)[i] : (double)((const float *)x->data)[i];
}

/* Where the weights of band m that are not 0 begin, and how many there are from the first to the last. */
static int64_t band(const ln_info *bank, int64_t m, int64_t *low)
{
    int64_t bins = bank->dims[0], bands = bank->dims[1], first = bins, last = -1;
    for (int64_t k = 0; k < bins; k++)
        if (element(bank, k * bands + m) != 0) {
            last = k;
            if (first == bins)
                first = k;
        }
    *low = last < 0 ? 0 : first;
    return last < 0 ? 0 : last - first + 1;
}

static linnet_status spectrogram_plan(ln_ctx *c)
{
    spectrogram_params *p = c->params;
    const ln_info *x = c->in[0], *y = c->out[0], *bank = input(c, 2);
    int64_t n = p->frame_length, samples = p->samples ? p->samples : n, bins = n / 2 + 1, count = y->dims[y->rank - 1],
            low, weights = 0;
    ln_fourier *f = &p->f;
    *f = (ln_fourier){.outer = 1,
                      .type = x->type,
                      .n = (int32_t)n,
                      .in_len = (int32_t)samples,
                      .out_len = (int32_t)bins,
                      .in_real = 1,
                      .in_total = ln_info_count(x),
                      .out_total = ln_info_count(y),
                      .in_stride = 1,
                      .out_batch = count,
                      .out_stride = 1,
                      .window = input(c, 1) ? samples : 0,
                      .power = (int32_t)p->power,
                      .log = p->log != 0,
                      .least = p->least,
                      .add = p->add};
    if (p->frame_step) {
        bool one = x->rank == 1;
        f->outer = one ? 1 : x->dims[0], f->count = y->dims[y->rank - 2];
        f->in_batch = p->frame_step, f->in_outer = x->dims[one ? 0 : 1], f->out_outer = f->count * count;
    } else {
        f->in_batch = x->dims[x->rank - 1 - (p->trailing_one != 0)];
        f->count = f->in_batch ? f->in_total / f->in_batch : 0;
        f->in_len = (int32_t)(f->in_batch < samples ? f->in_batch : samples);
    }
    if (!bank)
        return ln_fourier_plan(c, f, LN_FFT_REAL, false, 1, 0, NULL);
    if (!bank->data)
        return LN_NEED_DATA;
    for (int64_t m = 0; m < count; m++)
        weights += band(bank, m, &low);
    size_t head = (sizeof(ln_fft_bands) + (size_t)count * 3 * sizeof(int32_t) + 63) / 64 * 64;
    void *rest;
    linnet_status s = ln_fourier_plan(c, f, LN_FFT_REAL, false, 1,
                                      head + (size_t)weights * linnet_type_size((linnet_type)x->type), &rest);
    if (s != LINNET_OK)
        return s;
    ln_fft_bands *b = rest;
    b->count = (int32_t)count, b->weights = (uint32_t)head;
    int32_t at = 0;
    for (int64_t m = 0; m < count; m++) {
        int64_t many = band(bank, m, &low);
        b->range[3 * m] = (int32_t)low, b->range[3 * m + 1] = (int32_t)many, b->range[3 * m + 2] = at;
        for (int64_t k = 0; k < many; k++)
            ln_put_number((char *)rest + head, x->type, at++, element(bank, (low + k) * count + m));
    }
    ln_drop_input(c, 2);
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_I(spectrogram_params, frame_step, 0),
                                     LN_ATTR_I_REQ(spectrogram_params, frame_length),
                                     LN_ATTR_I(spectrogram_params, power, 2),
                                     LN_ATTR_I(spectrogram_params, log, 0),
                                     LN_ATTR_I(spectrogram_params, trailing_one, 0),
                                     LN_ATTR_I(spectrogram_params, samples, 0),
                                     LN_ATTR_F(spectrogram_params, least, -FLT_MAX),
                                     LN_ATTR_F(spectrogram_params, add, 0),
                                     LN_ATTR_END};

LN_OP(Spectrogram) = {
    .domain = "ai.linnet",
    .type = "Spectrogram",
    .since = {1},
    .types = LN_T(LINNET_FLOAT32) | LN_T(LINNET_FLOAT64),
    .in = {1, 3},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(spectrogram_params),
    .infer = spectrogram_infer,
    .plan = spectrogram_plan,
    LN_RUN_NAME(ln_spectrogram),
};
