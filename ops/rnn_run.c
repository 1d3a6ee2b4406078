/* SPDX-License-Identifier: Apache-2.0
 *
 * RNN, GRU, LSTM: plan and run. float32 goes through the packed product of kernels/gemm.h, the two biases of a gate
 * added up in the packing; float16 and bfloat16 are widened first and rounded at the end; float64 goes through plain
 * loops over the weights where they lie. The directions of a bidirectional operator run side by side.
 */
#include <string.h>

#include "kernels/gemm.h"
#include "ops/rnn.h"

/* -- weights ------------------------------------------------------------------------------------------------------- */

static size_t aligned(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static size_t panels(int64_t n)
{
    size_t nr = LN_D(gemm_f32)->nr;
    return ((size_t)n + nr - 1) / nr;
}

/* Sizes of the packed parts of one direction; false: too large. */
static bool lay_out_parts(ln_rnn_params *p)
{
    const ln_gemm_f32_desc *d = LN_D(gemm_f32);
    size_t n = (size_t)(p->gates * p->hidden), first = (size_t)ln_rnn_columns(p);
    size_t w = ln_gemm_f32_packed(d, n, 1, (size_t)p->inputs), r = ln_gemm_f32_packed(d, first, 1, (size_t)p->hidden);
    size_t r2 = p->kind == LN_GRU ? ln_gemm_f32_packed(d, (size_t)p->hidden, 1, (size_t)p->hidden) : 0;
    if (w > SIZE_MAX / 64 || r > SIZE_MAX / 64 || r2 > SIZE_MAX / 64)
        return false;
    p->part_w = 0;
    p->part_r = (int64_t)aligned(w * sizeof(float));
    p->part_r2 = p->part_r + (int64_t)aligned(r * sizeof(float));
    p->part_bias = p->part_r2 + (int64_t)aligned(r2 * sizeof(float));
    p->part_bytes = p->part_bias + (int64_t)aligned(n * sizeof(float));
    return true;
}

static float *part(const ln_rnn_params *p, const char *weights, int64_t direction, int64_t offset)
{
    return (float *)(void *)((uintptr_t)weights + (uintptr_t)(direction * p->part_bytes + offset));
}

/* The biases of both products together, but for the hidden gate of a GRU with linear_before_reset: there the second
 * one is under the reset gate. */
static void pack_weights(const ln_rnn_params *p, char *to, const float *w, const float *r, const float *bias)
{
    const ln_gemm_f32_desc *g = LN_D(gemm_f32);
    int64_t n = p->gates * p->hidden, first = ln_rnn_columns(p), k = p->inputs, h = p->hidden;
    for (int64_t d = 0; d < p->directions; d++) {
        float *sum = part(p, to, d, p->part_bias);
        const float *b = bias ? bias + d * 2 * n : NULL;
        bool apart = p->kind == LN_GRU && p->linear_before_reset;
        for (int64_t i = 0; i < n; i++)
            sum[i] = !b ? 0 : apart && i >= 2 * h ? b[i] : b[i] + b[n + i];
        ln_gemm_f32_b from = {.b = w + d * n * k,
                              .n_stride = (size_t)k,
                              .k_stride = 1,
                              .bias = sum,
                              .bias_stride = 1,
                              .scale = 1,
                              .bias_scale = 1};
        ln_gemm_f32_pack(g, part(p, to, d, p->part_w), (size_t)n, 1, (size_t)k, &from, 0, panels(n));
        from.b = r + d * n * h;
        from.n_stride = (size_t)h;
        from.bias = NULL;
        ln_gemm_f32_pack(g, part(p, to, d, p->part_r), (size_t)first, 1, (size_t)h, &from, 0, panels(first));
        if (p->kind == LN_GRU) {
            from.b += first * h;
            from.bias = apart && b ? b + n + 2 * h : NULL;
            ln_gemm_f32_pack(g, part(p, to, d, p->part_r2), (size_t)h, 1, (size_t)h, &from, 0, panels(h));
        }
    }
}

/* -- float32 ------------------------------------------------------------------------------------------------------- */

typedef struct work {
    const ln_rnn_params *p;
    const char *weights;
    char *scratch;
    const float *x;
    ln_rnn_direction_f32 directions[2];
    ln_gemm_f32_job input; /* of direction 0 */
} work;

static char *worker_scratch(const work *w, int64_t worker)
{
    return w->scratch + w->p->scratch_worker + worker * w->p->worker_bytes;
}

static void input_tiles(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const work *w = arg;
    int64_t tiles = (int64_t)w->input.tiles;
    for (int64_t t = begin; t < end; t++) {
        ln_gemm_f32_job job = w->input;
        job.b = part(w->p, w->weights, t / tiles, w->p->part_w);
        job.c = w->directions[t / tiles].gates;
        ln_gemm_f32_run(&job, worker_scratch(w, worker), (size_t)(t % tiles), (size_t)(t % tiles) + 1);
    }
}

/* A direction uses the scratch of the worker of its number: there are at least as many. */
static void product(const void *user, int32_t direction, int32_t which, float *c, int64_t ldc, const float *x, bool add)
{
    const work *w = user;
    const ln_rnn_params *p = w->p;
    int64_t n = which == LN_RNN_R2 ? p->hidden : ln_rnn_columns(p);
    ln_gemm_f32_job job = {.d = LN_D(gemm_f32),
                           .m = (size_t)p->batch,
                           .n = (size_t)n,
                           .taps = 1,
                           .k = (size_t)p->hidden,
                           .a = x,
                           .a_row = (size_t)p->hidden,
                           .a_col = 1,
                           .b = part(p, w->weights, direction, which == LN_RNN_R2 ? p->part_r2 : p->part_r),
                           .c = c,
                           .ldc = (size_t)ldc,
                           .r = add ? c : NULL,
                           .ldr = (size_t)ldc};
    ln_gemm_f32_prepare(&job, 1);
    ln_gemm_f32_run(&job, worker_scratch(w, direction), 0, job.tiles);
}

static void run_directions(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const work *w = arg;
    (void)worker;
    for (int64_t d = begin; d < end; d++)
        ln_rnn_steps_f32(&w->directions[d]);
}

/* The tensors in float32; in: those of the node, or the widened ones. */
static void run_f32(const ln_args *a, const ln_rnn_params *p, const float *const in[8], float *const out[3])
{
    work w = {.p = p, .weights = a->packed, .scratch = a->scratch, .x = in[0]};
    if (!p->packed) {
        w.weights = w.scratch + p->scratch_weights;
        pack_weights(p, w.scratch + p->scratch_weights, in[1], in[2], in[3]);
    }
    int64_t n = p->gates * p->hidden, rows = p->times * p->batch;
    for (int32_t d = 0; d < p->directions; d++)
        w.directions[d] =
            (ln_rnn_direction_f32){.p = p,
                                   .direction = d,
                                   .h0 = in[5],
                                   .c0 = in[6],
                                   .peephole = in[7],
                                   .gates = (float *)(void *)(w.scratch + p->scratch_gates) + d * rows * n,
                                   .state = (float *)(void *)(w.scratch + p->scratch_state + d * p->state_bytes),
                                   .lens = p->in_lens < 0 ? NULL : a->in[p->in_lens],
                                   .y = out[0],
                                   .y_h = out[1],
                                   .y_c = out[2],
                                   .product = product,
                                   .user = &w};
    w.input = (ln_gemm_f32_job){.d = LN_D(gemm_f32),
                                .m = (size_t)rows,
                                .n = (size_t)n,
                                .taps = 1,
                                .k = (size_t)p->inputs,
                                .a = w.x,
                                .a_row = (size_t)p->inputs,
                                .a_col = 1,
                                .ldc = (size_t)n};
    ln_gemm_f32_prepare(&w.input, 2);
    ln_parallel(a, p->directions * (int64_t)w.input.tiles, ln_gemm_f32_cost(&w.input), input_tiles, &w);
    ln_parallel(a, p->directions, (double)(rows * n) * (double)(p->hidden + 20) * 0.05, run_directions, &w);
}

static const void *given(const ln_args *a, int32_t i)
{
    return i < 0 ? NULL : a->in[i];
}

LN_RUN(ln_rnn_f32)
{
    const ln_rnn_params *p = a->params;
    LN_TRY(ln_rnn_check_lens(a, p));
    const float *in[8] = {a->in[0], a->in[1],          a->in[2],          given(a, p->in_bias),
                          NULL,     given(a, p->in_h), given(a, p->in_c), given(a, p->in_p)};
    float *out[3] = {p->outputs > 0 ? a->out[0] : NULL, p->outputs > 1 ? a->out[1] : NULL,
                     p->outputs > 2 ? a->out[2] : NULL};
    run_f32(a, p, in, out);
    return LINNET_OK;
}

/* Elements of the tensors: inputs 0 to 7 (4 is none of ours), outputs 8 to 10. */
static void tensor_sizes(const ln_rnn_params *p, int64_t n[11])
{
    int64_t d = p->directions, h = p->hidden, g = p->gates * h, state = d * p->batch * h;
    int64_t sizes[11] = {p->times * p->batch * p->inputs,
                         p->packed ? 0 : d * g * p->inputs,
                         p->packed ? 0 : d * g * h,
                         p->packed ? 0 : d * 2 * g,
                         0,
                         state,
                         state,
                         d * 3 * h,
                         p->times * state,
                         state,
                         state};
    memcpy(n, sizes, sizeof sizes);
}

LN_RUN(ln_rnn_half)
{
    const ln_rnn_params *p = a->params;
    LN_TRY(ln_rnn_check_lens(a, p));
    const int32_t index[8] = {0, 1, 2, p->in_bias, -1, p->in_h, p->in_c, p->in_p};
    int64_t n[11];
    float *at = (float *)(void *)((char *)a->scratch + p->scratch_convert), *tensors[11] = {NULL};
    tensor_sizes(p, n);
    for (int i = 0; i < 11; i++) {
        const void *from = i < 8 && index[i] >= 0 ? a->in[index[i]] : NULL;
        if (i < 8 ? !from || n[i] == 0 : p->outputs <= i - 8 || !a->out[i - 8])
            continue;
        tensors[i] = at;
        at += n[i];
        if (i < 8)
            ln_to_f32(tensors[i], from, p->type, 0, n[i]);
    }
    run_f32(a, p, (const float *const *)tensors, tensors + 8);
    for (int i = 8; i < 11; i++)
        if (tensors[i])
            ln_from_f32(a->out[i - 8], p->type, 0, tensors[i], n[i], 0);
    return LINNET_OK;
}

/* -- float64 ------------------------------------------------------------------------------------------------------- */

typedef struct work_f64 {
    const ln_rnn_params *p;
    const double *x, *w, *r, *bias;
    ln_rnn_direction_f64 directions[2];
} work_f64;

static void product_f64(const void *user, int32_t direction, int32_t which, double *c, int64_t ldc, const double *x,
                        bool add)
{
    const work_f64 *w = user;
    const ln_rnn_params *p = w->p;
    int64_t h = p->hidden, all = p->gates * h, n = which == LN_RNN_R2 ? h : ln_rnn_columns(p);
    int64_t first = which == LN_RNN_R2 ? 2 * h : 0;
    const double *r = w->r + (direction * all + first) * h;
    const double *bias =
        which == LN_RNN_R2 && p->linear_before_reset && w->bias ? w->bias + direction * 2 * all + all + first : NULL;
    for (int64_t b = 0; b < p->batch; b++)
        for (int64_t j = 0; j < n; j++) {
            double sum = bias ? bias[j] : 0;
            for (int64_t k = 0; k < h; k++)
                sum += x[b * h + k] * r[j * h + k];
            c[b * ldc + j] = add ? c[b * ldc + j] + sum : sum;
        }
}

static void run_directions_f64(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const work_f64 *w = arg;
    const ln_rnn_params *p = w->p;
    int64_t n = p->gates * p->hidden, k = p->inputs;
    (void)worker;
    for (int64_t d = begin; d < end; d++) {
        const ln_rnn_direction_f64 *s = &w->directions[d];
        const double *bias = w->bias ? w->bias + d * 2 * n : NULL;
        for (int64_t row = 0; row < p->times * p->batch; row++)
            for (int64_t j = 0; j < n; j++) {
                bool apart = p->kind == LN_GRU && p->linear_before_reset && j >= 2 * p->hidden;
                double sum = !bias ? 0 : apart ? bias[j] : bias[j] + bias[n + j];
                for (int64_t i = 0; i < k; i++)
                    sum += w->x[row * k + i] * w->w[(d * n + j) * k + i];
                s->gates[row * n + j] = sum;
            }
        ln_rnn_steps_f64(s);
    }
}

LN_RUN(ln_rnn_f64)
{
    const ln_rnn_params *p = a->params;
    LN_TRY(ln_rnn_check_lens(a, p));
    char *scratch = a->scratch;
    work_f64 w = {p, a->in[0], a->in[1], a->in[2], given(a, p->in_bias), {{0}}};
    int64_t n = p->gates * p->hidden, rows = p->times * p->batch;
    for (int32_t d = 0; d < p->directions; d++)
        w.directions[d] =
            (ln_rnn_direction_f64){.p = p,
                                   .direction = d,
                                   .h0 = given(a, p->in_h),
                                   .c0 = given(a, p->in_c),
                                   .peephole = given(a, p->in_p),
                                   .gates = (double *)(void *)(scratch + p->scratch_gates) + d * rows * n,
                                   .state = (double *)(void *)(scratch + p->scratch_state + d * p->state_bytes),
                                   .lens = given(a, p->in_lens),
                                   .y = p->outputs > 0 ? a->out[0] : NULL,
                                   .y_h = p->outputs > 1 ? a->out[1] : NULL,
                                   .y_c = p->outputs > 2 ? a->out[2] : NULL,
                                   .product = product_f64,
                                   .user = &w};
    ln_parallel(a, p->directions, (double)(rows * n) * (double)(p->inputs + p->hidden), run_directions_f64, &w);
    return LINNET_OK;
}

/* -- plan ---------------------------------------------------------------------------------------------------------- */

static const void *data_of(const ln_ctx *c, int32_t i)
{
    return i < 0 ? NULL : c->in[i]->data;
}

/* Packs constant weights, widened first where they are half floats. */
static linnet_status pack(ln_ctx *c, ln_rnn_params *p)
{
    int64_t bytes;
    LN_TRY(ln_mul_size(c, p->part_bytes, p->directions, &bytes));
    bool wide = p->type == LINNET_FLOAT32;
    int64_t d = p->directions, n = p->gates * p->hidden;
    int64_t counts[3] = {d * n * p->inputs, d * n * p->hidden, p->in_bias < 0 ? 0 : d * 2 * n};
    size_t extra = wide ? 0 : (size_t)(counts[0] + counts[1] + counts[2]) * sizeof(float);
    char *to = ln_pack(c, (size_t)bytes + extra);
    if (!to)
        return ln_no_memory(c);
    const float *from[3] = {data_of(c, 1), data_of(c, 2), data_of(c, p->in_bias)};
    float *at = (float *)(void *)(to + bytes);
    for (int i = 0; i < 3 && !wide; i++) {
        if (!from[i])
            continue;
        ln_to_f32(at, from[i], p->type, 0, counts[i]);
        from[i] = at;
        at += counts[i];
    }
    pack_weights(p, to, from[0], from[1], from[2]);
    ln_drop_input(c, 1);
    ln_drop_input(c, 2);
    if (p->in_bias >= 0) {
        ln_drop_input(c, p->in_bias);
        p->in_bias = -1;
    }
    return LINNET_OK;
}

static linnet_status plan(ln_ctx *c, int32_t kind)
{
    ln_rnn_params *p = c->params;
    LN_TRY(ln_rnn_prepare(c, p, kind));
    p->outputs = c->n_out;
    size_t size = p->type == LINNET_FLOAT64 ? sizeof(double) : sizeof(float), at = 0;
    size_t rows = (size_t)(p->times * p->batch), n = (size_t)(p->gates * p->hidden);
    size_t d = (size_t)p->directions;
    p->scratch_gates = 0;
    at += aligned(d * rows * n * size);
    p->state_bytes = (int64_t)aligned(3 * (size_t)(p->batch * p->hidden) * size + 64);
    p->scratch_state = (int64_t)at;
    at += d * (size_t)p->state_bytes;
    if (p->type == LINNET_FLOAT64) {
        LN_SET_RUN(c, ln_rnn_f64);
        ln_scratch(c, at);
        return LINNET_OK;
    }
    if (!lay_out_parts(p))
        return ln_fail(c, LINNET_ERR_MEMORY, "the weights are too large");
    p->packed = c->in[1]->data && c->in[2]->data && (p->in_bias < 0 || c->in[p->in_bias]->data);
    p->scratch_weights = (int64_t)at;
    at += p->packed ? 0 : d * (size_t)p->part_bytes;
    size_t own = ln_gemm_f32_scratch(LN_D(gemm_f32), 1, (size_t)p->inputs);
    size_t steps = ln_gemm_f32_scratch(LN_D(gemm_f32), 1, (size_t)p->hidden);
    p->worker_bytes = (int64_t)aligned(own > steps ? own : steps);
    p->scratch_worker = (int64_t)at;
    at += (size_t)(c->threads > p->directions ? c->threads : p->directions) * (size_t)p->worker_bytes;
    LN_SET_RUN(c, ln_rnn_f32);
    if (p->type != LINNET_FLOAT32) {
        int64_t sizes[11];
        tensor_sizes(p, sizes);
        p->scratch_convert = (int64_t)at;
        for (int i = 0; i < 11; i++)
            at += (size_t)sizes[i] * sizeof(float);
        LN_SET_RUN(c, ln_rnn_half);
    }
    ln_scratch(c, at);
    return p->packed ? pack(c, p) : LINNET_OK;
}

/* -- descriptors --------------------------------------------------------------------------------------------------- */

static linnet_status rnn_infer(ln_ctx *c)
{
    return ln_rnn_infer(c, LN_RNN, false);
}

static linnet_status gru_infer(ln_ctx *c)
{
    return ln_rnn_infer(c, LN_GRU, false);
}

static linnet_status lstm_infer(ln_ctx *c)
{
    return ln_rnn_infer(c, LN_LSTM, false);
}

static linnet_status rnn_plan(ln_ctx *c)
{
    return plan(c, LN_RNN);
}

static linnet_status gru_plan(ln_ctx *c)
{
    return plan(c, LN_GRU);
}

static linnet_status lstm_plan(ln_ctx *c)
{
    return plan(c, LN_LSTM);
}

static const ln_attr_spec attrs[] = {
    LN_RNN_ATTRS,
    LN_ATTR_I(ln_rnn_params, layout, 0),
    LN_ATTR_I(ln_rnn_params, linear_before_reset, 0),
    LN_ATTR_I(ln_rnn_params, input_forget, 0),
    LN_ATTR_ANY("output_sequence"),
    LN_ATTR_END,
};

LN_OP(RNN) = {
    .domain = "",
    .type = "RNN",
    .since = {1, 7, 14, 22},
    .types = LN_T_FLOATS,
    .in = {3, 6},
    .out = {0, 2},
    .attrs = attrs,
    .params_size = sizeof(ln_rnn_params),
    .infer = rnn_infer,
    .plan = rnn_plan,
    LN_RUN_NAME(ln_rnn_f32),
};

LN_OP(GRU) = {
    .domain = "",
    .type = "GRU",
    .since = {1, 3, 7, 14, 22},
    .types = LN_T_FLOATS,
    .in = {3, 6},
    .out = {0, 2},
    .attrs = attrs,
    .params_size = sizeof(ln_rnn_params),
    .infer = gru_infer,
    .plan = gru_plan,
    LN_RUN_NAME(ln_rnn_f32),
};

LN_OP(LSTM) = {
    .domain = "",
    .type = "LSTM",
    .since = {1, 7, 14, 22},
    .types = LN_T_FLOATS,
    .in = {3, 8},
    .out = {0, 3},
    .attrs = attrs,
    .params_size = sizeof(ln_rnn_params),
    .infer = lstm_infer,
    .plan = lstm_plan,
    LN_RUN_NAME(ln_rnn_f32),
};
