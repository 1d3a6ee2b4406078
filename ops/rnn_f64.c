/* SPDX-License-Identifier: Apache-2.0
 *
 * RNN, GRU, LSTM of float64: plain loops over the weights where they lie. The directions of a bidirectional operator
 * run side by side.
 */
#include "ops/rnn_run.h"

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
    work_f64 w = {p, a->in[0], a->in[1], a->in[2], ln_rnn_given(a, p->in_bias), {{0}}};
    int64_t n = p->gates * p->hidden, rows = p->times * p->batch;
    for (int32_t d = 0; d < p->directions; d++)
        w.directions[d] =
            (ln_rnn_direction_f64){.p = p,
                                   .direction = d,
                                   .h0 = ln_rnn_given(a, p->in_h),
                                   .c0 = ln_rnn_given(a, p->in_c),
                                   .peephole = ln_rnn_given(a, p->in_p),
                                   .gates = (double *)(void *)(scratch + p->scratch_gates) + d * rows * n,
                                   .state = (double *)(void *)(scratch + p->scratch_state + d * p->state_bytes),
                                   .lens = ln_rnn_given(a, p->in_lens),
                                   .y = p->outputs > 0 ? a->out[0] : NULL,
                                   .y_h = p->outputs > 1 ? a->out[1] : NULL,
                                   .y_c = p->outputs > 2 ? a->out[2] : NULL,
                                   .product = product_f64,
                                   .user = &w};
    ln_parallel(a, p->directions, (double)(rows * n) * (double)(p->inputs + p->hidden), run_directions_f64, &w);
    return LINNET_OK;
}
