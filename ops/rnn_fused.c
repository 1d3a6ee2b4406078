/* SPDX-License-Identifier: Apache-2.0
 *
 * LSTM and GRU of float32 one row at a time, as audio and text have them, with the activations that are usual: a step
 * is one kernel (lstm_step_f32, gru_step_f32) that reads the packed weights once, from wherever they lie, and applies
 * the gates to sums that are still in registers. The state goes from one row of Y to the next.
 */
#include <string.h>

#include "ops/rnn_run.h"

bool ln_rnn_can_fuse(const ln_rnn_params *p)
{
    if (p->type != LINNET_FLOAT32 || p->kind == LN_RNN || p->batch != 1 || p->hidden < 1 || p->clip > 0 ||
        p->in_p >= 0 || p->input_forget || p->hidden >= INT32_MAX / 64 / LN_D(gemm_f32)->nr)
        return false;
    int32_t each = p->kind == LN_LSTM ? 3 : 2;
    for (int32_t i = 0; i < each * p->directions; i++)
        if (p->act[i / each * 3 + i % each].kind != (i % each ? LN_RNN_TANH : LN_RNN_SIGMOID))
            return false;
    return true;
}

/* -- weights ------------------------------------------------------------------------------------------------------- */

size_t ln_rnn_panels(size_t width, size_t gates, size_t n)
{
    return (n + width - 1) / width * width * gates * n;
}

/* Panels of `width` units, of each the rows of `gates` parts of r. */
static void pack_panels(float *to, const float *r, size_t gates, size_t n, size_t width)
{
    for (size_t u = 0; u < n; u += width, to += gates * width * n)
        for (size_t g = 0; g < gates; g++) {
            size_t count = n - u < width ? n - u : width;
            LN_K(transpose_f32)(to + g * width, gates * width, r + (g * n + u) * n, n, count, n);
            for (size_t k = 0; k < n && count < width; k++)
                memset(to + k * gates * width + g * width + count, 0, (width - count) * sizeof *to);
        }
}

void ln_rnn_pack_fused(const ln_rnn_params *p, char *to, int64_t direction, const float *r, const float *bias)
{
    size_t n = (size_t)p->hidden, width = LN_D(gemm_f32)->nr, first = p->kind == LN_LSTM ? 4 : 2;
    pack_panels(ln_rnn_part(p, to, direction, p->part_r), r, first, n, width);
    if (p->kind == LN_LSTM)
        return;
    pack_panels(ln_rnn_part(p, to, direction, p->part_r2), r + 2 * n * n, 1, n, 2 * width);
    float *copy = ln_rnn_part(p, to, direction, p->part_bias2);
    for (size_t i = 0; i < n; i++)
        copy[i] = bias ? bias[i] : 0;
}

/* -- run ----------------------------------------------------------------------------------------------------------- */

/* A state's row of the direction, from a tensor or zeros. */
static void load(float *state, const float *from, int64_t direction, size_t n)
{
    if (from)
        memcpy(state, from + (size_t)direction * n, n * sizeof *state);
    else
        memset(state, 0, n * sizeof *state);
}

static inline __attribute__((always_inline)) void steps(const ln_rnn_work *w, int64_t direction, int32_t kind)
{
    const ln_rnn_params *p = w->p;
    const ln_rnn_direction_f32 *s = &w->directions[direction];
    size_t n = (size_t)p->hidden, width = LN_D(gemm_f32)->nr;
    const float *r = ln_rnn_part(p, w->weights, direction, p->part_r);
    const float *r2 = ln_rnn_part(p, w->weights, direction, p->part_r2);
    const float *bias = p->linear_before_reset ? ln_rnn_part(p, w->weights, direction, p->part_bias2) : NULL;
    /* Where there is no Y, h is in the first and the last of these by turns. */
    float *state = s->state, *c = state + n, *other = c + n, *h = state;
    bool reverse = p->direction == LN_RNN_REVERSE || direction == 1;
    load(h, s->h0, direction, n);
    load(c, s->c0, direction, n);
    for (int64_t k = 0; k < p->times; k++) {
        int64_t t = reverse ? p->times - 1 - k : k;
        float *gates = s->gates + t * p->gates * p->hidden, *y = h == state ? other : state;
        if (s->y)
            y = s->y + (t * p->directions + direction) * p->hidden;
        if (s->lens && t >= s->lens[0]) {
            if (s->y)
                memset(y, 0, n * sizeof *y);
            continue;
        }
        if (kind == LN_LSTM)
            LN_K(lstm_step_f32)(y, c, gates, h, r, n, width, k & 1);
        else
            LN_K(gru_step_f32)(y, gates, c, h, r, r2, bias, n, width, k & 1);
        h = y;
    }
    if (s->y_h)
        memcpy(s->y_h + (size_t)direction * n, h, n * sizeof *h);
    if (s->y_c && kind == LN_LSTM)
        memcpy(s->y_c + (size_t)direction * n, c, n * sizeof *c);
}

static void lstm_directions(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    (void)worker;
    for (int64_t d = begin; d < end; d++)
        steps(arg, d, LN_LSTM);
}

static void gru_directions(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    (void)worker;
    for (int64_t d = begin; d < end; d++)
        steps(arg, d, LN_GRU);
}

LN_RUN(ln_lstm_fused)
{
    return ln_rnn_run_node(a, lstm_directions);
}

LN_RUN(ln_gru_fused)
{
    return ln_rnn_run_node(a, gru_directions);
}
