/* SPDX-License-Identifier: Apache-2.0
 *
 * RNN, GRU, LSTM of float32 through the packed product of kernels/gemm.h, the two biases of a gate added up in the
 * packing; float16 and bfloat16 are widened first and rounded at the end. The directions of a bidirectional operator
 * run side by side. Steps of one row with the usual activations have kernels of their own: see rnn_fused.c.
 */
#include <string.h>

#include "ops/rnn_run.h"

/* -- weights ------------------------------------------------------------------------------------------------------- */

static size_t panels(int64_t n)
{
    size_t nr = LN_D(gemm_f32)->nr;
    return ((size_t)n + nr - 1) / nr;
}

bool ln_rnn_lay_out_parts(ln_rnn_params *p)
{
    const ln_gemm_f32_desc *d = LN_D(gemm_f32);
    size_t n = (size_t)(p->gates * p->hidden), first = (size_t)ln_rnn_columns(p);
    size_t w = ln_gemm_f32_packed(d, n, 1, (size_t)p->inputs), r = ln_gemm_f32_packed(d, first, 1, (size_t)p->hidden);
    size_t r2 = p->kind == LN_GRU ? ln_gemm_f32_packed(d, (size_t)p->hidden, 1, (size_t)p->hidden) : 0;
    if (p->fused) {
        r = ln_rnn_panels(d->nr, first / (size_t)p->hidden, (size_t)p->hidden);
        r2 = p->kind == LN_GRU ? ln_rnn_panels(2u * d->nr, 1, (size_t)p->hidden) : 0;
    }
    if (w > SIZE_MAX / 64 || r > SIZE_MAX / 64 || r2 > SIZE_MAX / 64)
        return false;
    p->part_w = 0;
    p->part_r = (int64_t)ln_rnn_aligned(w * sizeof(float));
    p->part_r2 = p->part_r + (int64_t)ln_rnn_aligned(r * sizeof(float));
    p->part_bias = p->part_r2 + (int64_t)ln_rnn_aligned(r2 * sizeof(float));
    p->part_bias2 = p->part_bias + (int64_t)ln_rnn_aligned(n * sizeof(float));
    p->part_bytes = p->part_bias2 + (int64_t)ln_rnn_aligned((p->fused ? (size_t)p->hidden : 0) * sizeof(float));
    return true;
}

float *ln_rnn_part(const ln_rnn_params *p, const char *weights, int64_t direction, int64_t offset)
{
    return (float *)(void *)((uintptr_t)weights + (uintptr_t)(direction * p->part_bytes + offset));
}

void ln_rnn_pack_weights(const ln_rnn_params *p, char *to, const float *w, const float *r, const float *bias)
{
    const ln_gemm_f32_desc *g = LN_D(gemm_f32);
    int64_t n = p->gates * p->hidden, first = ln_rnn_columns(p), k = p->inputs, h = p->hidden;
    for (int64_t d = 0; d < p->directions; d++) {
        float *sum = ln_rnn_part(p, to, d, p->part_bias);
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
        ln_gemm_f32_pack(g, ln_rnn_part(p, to, d, p->part_w), (size_t)n, 1, (size_t)k, &from, 0, panels(n));
        if (p->fused) {
            ln_rnn_pack_fused(p, to, d, r + d * n * h, apart && b ? b + n + 2 * h : NULL);
            continue;
        }
        from.b = r + d * n * h;
        from.n_stride = (size_t)h;
        from.bias = NULL;
        ln_gemm_f32_pack(g, ln_rnn_part(p, to, d, p->part_r), (size_t)first, 1, (size_t)h, &from, 0, panels(first));
        if (p->kind == LN_GRU) {
            from.b += first * h;
            from.bias = apart && b ? b + n + 2 * h : NULL;
            ln_gemm_f32_pack(g, ln_rnn_part(p, to, d, p->part_r2), (size_t)h, 1, (size_t)h, &from, 0, panels(h));
        }
    }
}

/* -- float32 ------------------------------------------------------------------------------------------------------- */

/* Weights that a third cache keeps from one step to the next. */
static bool stay_cached(const ln_rnn_params *p)
{
    return p->part_bytes * p->directions <= 16 << 20;
}

static char *worker_scratch(const ln_rnn_work *w, int64_t worker)
{
    return w->scratch + w->p->scratch_worker + worker * w->p->worker_bytes;
}

static void input_tiles(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_rnn_work *w = arg;
    int64_t tiles = (int64_t)w->input.tiles;
    while (begin < end) {
        int64_t direction = begin / tiles, first = begin % tiles;
        int64_t last = end - begin < tiles - first ? first + end - begin : tiles;
        ln_gemm_f32_job job = w->input;
        job.b = ln_rnn_part(w->p, w->weights, direction, w->p->part_w);
        job.c = w->directions[direction].gates;
        ln_gemm_f32_run(&job, worker_scratch(w, worker), (size_t)first, (size_t)last);
        begin += last - first;
    }
}

/* A direction uses the scratch of the worker of its number: there are at least as many. */
static void product(const void *user, int32_t direction, int32_t which, float *c, int64_t ldc, const float *x, bool add)
{
    const ln_rnn_work *w = user;
    const ln_rnn_params *p = w->p;
    int64_t n = which == LN_RNN_R2 ? p->hidden : ln_rnn_columns(p);
    ln_gemm_f32_job job = {.d = LN_D(gemm_f32),
                           .m = (size_t)p->batch,
                           .n = (size_t)n,
                           .taps = 1,
                           .cached = stay_cached(p),
                           .k = (size_t)p->hidden,
                           .a = x,
                           .a_row = (size_t)p->hidden,
                           .a_col = 1,
                           .b = ln_rnn_part(p, w->weights, direction, which == LN_RNN_R2 ? p->part_r2 : p->part_r),
                           .c = c,
                           .ldc = (size_t)ldc,
                           .r = add ? c : NULL,
                           .ldr = (size_t)ldc};
    ln_gemm_f32_prepare(&job, 1);
    ln_gemm_f32_run(&job, worker_scratch(w, direction), 0, job.tiles);
}

static void run_directions(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_rnn_work *w = arg;
    (void)worker;
    for (int64_t d = begin; d < end; d++)
        ln_rnn_steps_f32(&w->directions[d]);
}

void ln_rnn_run_f32(const ln_args *a, const ln_rnn_params *p, const float *const in[8], float *const out[3],
                    ln_task_fn *steps)
{
    ln_rnn_work w = {.p = p, .weights = a->packed, .scratch = a->scratch, .x = in[0]};
    if (!p->packed) {
        w.weights = w.scratch + p->scratch_weights;
        ln_rnn_pack_weights(p, w.scratch + p->scratch_weights, in[1], in[2], in[3]);
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
                                .cached = stay_cached(p),
                                .k = (size_t)p->inputs,
                                .a = w.x,
                                .a_row = (size_t)p->inputs,
                                .a_col = 1,
                                .ldc = (size_t)n};
    ln_gemm_f32_prepare(&w.input, 2);
    ln_parallel(a, p->directions * (int64_t)w.input.tiles, ln_gemm_f32_cost(&w.input), input_tiles, &w);
    ln_parallel(a, p->directions, (double)(rows * n) * (double)(p->hidden + 20) * 0.05, steps, &w);
}

linnet_status ln_rnn_run_node(const ln_args *a, ln_task_fn *steps)
{
    const ln_rnn_params *p = a->params;
    LN_TRY(ln_rnn_check_lens(a, p));
    const float *in[8] = {a->in[0],
                          a->in[1],
                          a->in[2],
                          ln_rnn_given(a, p->in_bias),
                          NULL,
                          ln_rnn_given(a, p->in_h),
                          ln_rnn_given(a, p->in_c),
                          ln_rnn_given(a, p->in_p)};
    float *out[3] = {p->outputs > 0 ? a->out[0] : NULL, p->outputs > 1 ? a->out[1] : NULL,
                     p->outputs > 2 ? a->out[2] : NULL};
    ln_rnn_run_f32(a, p, in, out, steps);
    return LINNET_OK;
}

LN_RUN(ln_rnn_f32)
{
    return ln_rnn_run_node(a, run_directions);
}

void ln_rnn_tensor_sizes(const ln_rnn_params *p, int64_t n[11])
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
    ln_rnn_tensor_sizes(p, n);
    for (int i = 0; i < 11; i++) {
        const void *from = i < 8 && index[i] >= 0 ? a->in[index[i]] : NULL;
        if (i < 8 ? !from || n[i] == 0 : p->outputs <= i - 8 || !a->out[i - 8])
            continue;
        tensors[i] = at;
        at += n[i];
        if (i < 8)
            ln_to_f32(tensors[i], from, p->type, 0, n[i]);
    }
    ln_rnn_run_f32(a, p, (const float *const *)tensors, tensors + 8, run_directions);
    for (int i = 8; i < 11; i++)
        if (tensors[i])
            ln_from_f32(a->out[i - 8], p->type, 0, tensors[i], n[i], 0);
    return LINNET_OK;
}
