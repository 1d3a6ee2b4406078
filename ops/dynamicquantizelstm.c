/* SPDX-License-Identifier: Apache-2.0
 *
 * com.microsoft DynamicQuantizeLSTM: an LSTM whose weights are int8 or uint8 and whose inputs are quantised on the way,
 * X as a whole (up to the end of the longest sequence) and the hidden state at each step (of all batches together), as
 * DynamicQuantizeLinear does. ONNX Runtime docs/ContribOperators.md.
 */
#include <string.h>

#include "ops/qproduct.h"
#include "ops/quant.h"
#include "ops/rnn.h"

enum { W_SCALE = 8, W_ZERO, R_SCALE, R_ZERO };

typedef struct qlstm_params {
    ln_rnn_params rnn;
    int64_t w_bytes, r_bytes; /* packed, of a direction */
    int64_t scratch_x, scratch_bias, scratch_steps, step_bytes;
    int32_t w_scales, r_scales, w_zeros, r_zeros; /* for a direction: 1 or a column each */
    int32_t w_signed, r_signed, sums_w, sums_r;
} qlstm_params;

typedef struct work {
    const qlstm_params *p;
    const ln_args *a;
    char *scratch;
    const char *weights;
    ln_rnn_direction_f32 directions[2];
    uint8_t *x;
    float x_scale;
    uint8_t x_zero;
    bool sums[2];
} work;

static bool pack_part(const qlstm_params *p, char *to, const uint8_t *w, const uint8_t *zero, int64_t depth,
                      int32_t zeros, int32_t is_signed, int64_t bytes)
{
    int64_t n = 4 * p->rnn.hidden;
    bool sums = false;
    for (int64_t d = 0; d < p->rnn.directions; d++) {
        ln_qgemm_b b = {.b = w + d * depth * n,
                        .segments = 1,
                        .k = (size_t)depth,
                        .n = (size_t)n,
                        .stride_k = (size_t)n,
                        .stride_n = 1,
                        .is_signed = is_signed != 0,
                        .zero = zero + (zeros > 1 ? d * n : d),
                        .zero_stride = zeros > 1};
        sums |= ln_qgemm_pack(to + d * bytes, LN_D(qgemm), &b);
    }
    return sums;
}

/* Rows [0, m) of bytes times packed weights: c = product * scale (+ bias). */
static void multiply(const qlstm_params *p, float *c, const uint8_t *x, int64_t m, int64_t k, const char *packed,
                     bool sums, uint8_t zero, const float *scale, const float *bias)
{
    size_t n = 4 * (size_t)p->rnn.hidden;
    ln_qgemm_args g = {
        .k = (size_t)k, .c_stride = n, .a_zero = zero, .out = LN_QGEMM_F32, .scale = scale, .fbias = bias};
    ln_qgemm_matrix(c, x, (size_t)m, (size_t)k, packed, n, sums, LN_D(qgemm), &g);
}

static void scales_of(const qlstm_params *p, float *to, const float *scale, int32_t scales, int64_t direction, float x)
{
    int64_t n = 4 * p->rnn.hidden;
    for (int64_t i = 0; i < n; i++)
        to[i] = x * scale[scales > 1 ? direction * n + i : direction];
}

/* The state as it is quantised: rows whose sequence was over by the step before count as zeros. */
static const float *state_at(const work *w, int32_t direction, const float *gates, const float *h, float *copy)
{
    const ln_rnn_params *r = &w->p->rnn;
    const int32_t *lens = w->directions[direction].lens;
    if (!lens)
        return h;
    int64_t t = (gates - w->directions[direction].gates) / (4 * r->hidden * r->batch);
    for (int64_t b = 0; b < r->batch; b++)
        if (t <= lens[b])
            memcpy(copy + b * r->hidden, h + b * r->hidden, (size_t)r->hidden * sizeof *h);
        else
            memset(copy + b * r->hidden, 0, (size_t)r->hidden * sizeof *h);
    return copy;
}

/* A direction's room: column scales, a product (before it the state), the quantised state. */
static void product(const void *user, int32_t direction, int32_t part, float *c, int64_t ldc, const float *x, bool add)
{
    const work *w = user;
    const qlstm_params *p = w->p;
    int64_t n = 4 * p->rnn.hidden, B = p->rnn.batch;
    float *scale = (float *)(void *)(w->scratch + p->scratch_steps + direction * p->step_bytes), *y = scale + n;
    uint8_t *q = (uint8_t *)(y + B * n), zero;
    float x_scale;
    (void)part;
    (void)add;
    ln_dynamic_quantize(q, &x_scale, &zero, state_at(w, direction, c, x, y), B * p->rnn.hidden);
    scales_of(p, scale, w->a->in[R_SCALE], p->r_scales, direction, x_scale);
    const char *packed = w->weights + p->rnn.directions * p->w_bytes + direction * p->r_bytes;
    multiply(p, y, q, B, p->rnn.hidden, packed, w->sums[1], zero, scale, NULL);
    for (int64_t b = 0; b < B; b++)
        for (int64_t i = 0; i < n; i++)
            c[b * ldc + i] += y[b * n + i];
}

static void run_directions(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const work *w = arg;
    const qlstm_params *p = w->p;
    int64_t n = 4 * p->rnn.hidden, rows = p->rnn.times * p->rnn.batch;
    const float *bias = p->rnn.in_bias < 0 ? NULL : w->a->in[p->rnn.in_bias];
    (void)worker;
    for (int64_t d = begin; d < end; d++) {
        float *scale = (float *)(void *)(w->scratch + p->scratch_steps + d * p->step_bytes);
        float *sum = (float *)(void *)(w->scratch + p->scratch_bias) + d * n;
        for (int64_t i = 0; bias && i < n; i++)
            sum[i] = bias[d * 2 * n + i] + bias[d * 2 * n + n + i];
        scales_of(p, scale, w->a->in[W_SCALE], p->w_scales, d, w->x_scale);
        multiply(p, w->directions[d].gates, w->x, rows, p->rnn.inputs, w->weights + d * p->w_bytes, w->sums[0],
                 w->x_zero, scale, bias ? sum : NULL);
        ln_rnn_steps_f32(&w->directions[d]);
    }
}

static const void *given(const ln_args *a, int32_t i)
{
    return i < 0 ? NULL : a->in[i];
}

/* Rows of X up to the end of the longest sequence: those that its range is taken of. */
static int64_t rows_of(const int32_t *lens, const ln_rnn_params *r)
{
    int64_t most = lens ? 0 : r->times;
    for (int64_t b = 0; lens && b < r->batch; b++)
        most = lens[b] > most ? lens[b] : most;
    return most * r->batch;
}

LN_RUN(ln_dynamicquantizelstm)
{
    const qlstm_params *p = a->params;
    const ln_rnn_params *r = &p->rnn;
    LN_TRY(ln_rnn_check_lens(a, r));
    char *scratch = a->scratch;
    int64_t n = 4 * r->hidden, rows = r->times * r->batch;
    work w = {.p = p,
              .a = a,
              .scratch = scratch,
              .weights = a->packed,
              .x = (uint8_t *)scratch + p->scratch_x,
              .sums = {p->sums_w != 0, p->sums_r != 0}};
    if (!r->packed) {
        char *to = scratch + r->scratch_weights;
        w.sums[0] = pack_part(p, to, a->in[1], a->in[W_ZERO], r->inputs, p->w_zeros, p->w_signed, p->w_bytes);
        w.sums[1] = pack_part(p, to + r->directions * p->w_bytes, a->in[2], a->in[R_ZERO], r->hidden, p->r_zeros,
                              p->r_signed, p->r_bytes);
        w.weights = to;
    }
    int64_t real = rows_of(given(a, r->in_lens), r);
    memset(w.x + real * r->inputs, 0, (size_t)((rows - real) * r->inputs));
    ln_dynamic_quantize(w.x, &w.x_scale, &w.x_zero, a->in[0], real * r->inputs);
    for (int32_t d = 0; d < r->directions; d++)
        w.directions[d] =
            (ln_rnn_direction_f32){.p = r,
                                   .direction = d,
                                   .h0 = given(a, r->in_h),
                                   .c0 = given(a, r->in_c),
                                   .peephole = given(a, r->in_p),
                                   .gates = (float *)(void *)(scratch + r->scratch_gates) + d * rows * n,
                                   .state = (float *)(void *)(scratch + r->scratch_state + d * r->state_bytes),
                                   .lens = given(a, r->in_lens),
                                   .y = r->outputs > 0 ? a->out[0] : NULL,
                                   .y_h = r->outputs > 1 ? a->out[1] : NULL,
                                   .y_c = r->outputs > 2 ? a->out[2] : NULL,
                                   .product = product,
                                   .user = &w};
    ln_parallel(a, r->directions, (double)(rows * n) * (double)(r->hidden + r->inputs) * 0.02, run_directions, &w);
    return LINNET_OK;
}

static linnet_status count_of(ln_ctx *c, int32_t i, const qlstm_params *p, const char *name, int32_t *count)
{
    int64_t n = ln_info_count(c->in[i]), d = p->rnn.directions;
    if (n != d && n != d * 4 * p->rnn.hidden)
        return ln_fail(c, LINNET_ERR_MODEL, "%s has %lld elements, expected %lld or %lld", name, (long long)n,
                       (long long)d, (long long)(d * 4 * p->rnn.hidden));
    *count = n == d ? 1 : 2;
    return LINNET_OK;
}

static linnet_status qlstm_infer(ln_ctx *c)
{
    static const int32_t floats[] = {W_SCALE, R_SCALE}, bytes[] = {1, 2, W_ZERO, R_ZERO};
    for (int i = 0; i < 2; i++)
        LN_TRY(ln_check_type(c, floats[i], LN_T(LINNET_FLOAT32), "a scale"));
    for (int i = 0; i < 4; i++)
        LN_TRY(ln_check_type(c, bytes[i], LN_T_8, "W, R or a zero point"));
    for (int32_t i = W_SCALE; i <= R_ZERO; i++)
        if (!ln_in(c, i))
            return ln_fail(c, LINNET_ERR_MODEL, "input %d is missing", i);
    return ln_rnn_infer(c, LN_LSTM, true);
}

static size_t aligned(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static linnet_status qlstm_plan(ln_ctx *c)
{
    qlstm_params *p = c->params;
    ln_rnn_params *r = &p->rnn;
    const ln_info *w = c->in[1], *rr = c->in[2], *wz = c->in[W_ZERO], *rz = c->in[R_ZERO];
    LN_TRY(qlstm_infer(c));
    LN_TRY(ln_rnn_prepare(c, r, LN_LSTM));
    r->outputs = c->n_out;
    LN_TRY(count_of(c, W_SCALE, p, "W_scale", &p->w_scales));
    LN_TRY(count_of(c, R_SCALE, p, "R_scale", &p->r_scales));
    LN_TRY(count_of(c, W_ZERO, p, "W_zero_point", &p->w_zeros));
    LN_TRY(count_of(c, R_ZERO, p, "R_zero_point", &p->r_zeros));
    if (wz->type != w->type || rz->type != rr->type)
        return ln_fail(c, LINNET_ERR_MODEL, "a zero point has another type than its weights");
    p->w_signed = w->type == LINNET_INT8;
    p->r_signed = rr->type == LINNET_INT8;
    size_t d = (size_t)r->directions, n = 4 * (size_t)r->hidden, rows = (size_t)(r->times * r->batch);
    p->w_bytes = (int64_t)ln_qgemm_packed_bytes(LN_D(qgemm), 1, (size_t)r->inputs, n);
    p->r_bytes = (int64_t)ln_qgemm_packed_bytes(LN_D(qgemm), 1, (size_t)r->hidden, n);
    size_t weights = d * (size_t)(p->w_bytes + p->r_bytes), at = 0;
    r->packed = w->data && rr->data && wz->data && rz->data;
    r->scratch_gates = 0;
    at += aligned(d * rows * n * sizeof(float));
    r->state_bytes = (int64_t)aligned(3 * (size_t)(r->batch * r->hidden) * sizeof(float) + 64);
    r->scratch_state = (int64_t)at;
    at += d * (size_t)r->state_bytes;
    r->scratch_weights = (int64_t)at;
    at += r->packed ? 0 : weights;
    p->scratch_x = (int64_t)at;
    at += aligned(rows * (size_t)r->inputs);
    p->scratch_bias = (int64_t)at;
    at += aligned(d * n * sizeof(float));
    p->scratch_steps = (int64_t)at;
    p->step_bytes = (int64_t)aligned((n + (size_t)r->batch * n) * sizeof(float) + (size_t)(r->batch * r->hidden));
    at += d * (size_t)p->step_bytes;
    ln_scratch(c, at);
    if (!r->packed)
        return LINNET_OK;
    char *to = ln_pack(c, weights);
    if (!to)
        return ln_no_memory(c);
    p->sums_w = pack_part(p, to, w->data, wz->data, r->inputs, p->w_zeros, p->w_signed, p->w_bytes);
    p->sums_r =
        pack_part(p, to + d * (size_t)p->w_bytes, rr->data, rz->data, r->hidden, p->r_zeros, p->r_signed, p->r_bytes);
    ln_drop_input(c, 1);
    ln_drop_input(c, 2);
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_RNN_ATTRS, LN_ATTR_I(ln_rnn_params, input_forget, 0), LN_ATTR_END};

LN_OP(DynamicQuantizeLSTM) = {
    .domain = "com.microsoft",
    .type = "DynamicQuantizeLSTM",
    .since = {1},
    .types = LN_T(LINNET_FLOAT32),
    .in = {3, 12},
    .out = {0, 3},
    .attrs = attrs,
    .params_size = sizeof(qlstm_params),
    .infer = qlstm_infer,
    .plan = qlstm_plan,
    LN_RUN_NAME(ln_dynamicquantizelstm),
};
