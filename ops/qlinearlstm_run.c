/* SPDX-License-Identifier: Apache-2.0
 *
 * The integer LSTM's run: nothing in it is a float. See qlinearlstm.h.
 */
#include <string.h>

#include "kernels/qgemm.h"
#include "kernels/qsigmoid.h"
#include "ops/qlinearlstm.h"

static int32_t clamp(int64_t x, int32_t most)
{
    return x > most ? most : x < -most ? -most : (int32_t)x;
}

static int64_t scaled(int64_t x, const ln_qlstm_factor *f)
{
    return (x * f->mul + (INT64_C(1) << (f->shift - 1))) >> f->shift;
}

/* -- types of the cell --------------------------------------------------------------------------------------------- */

static int32_t cell_read(const void *c, int32_t type, int64_t i)
{
    switch (type) {
    case LINNET_INT8:
        return ((const int8_t *)c)[i];
    case LINNET_UINT8:
        return ((const uint8_t *)c)[i];
    case LINNET_INT16:
        return ((const int16_t *)c)[i];
    default:
        return ((const uint16_t *)c)[i];
    }
}

static int32_t limited(int64_t x, int32_t low, int32_t high)
{
    return x < low ? low : x > high ? high : (int32_t)x;
}

static void cell_write(void *c, int32_t type, int64_t i, int64_t x)
{
    switch (type) {
    case LINNET_INT8:
        ((int8_t *)c)[i] = (int8_t)limited(x, INT8_MIN, INT8_MAX);
        break;
    case LINNET_UINT8:
        ((uint8_t *)c)[i] = (uint8_t)limited(x, 0, UINT8_MAX);
        break;
    case LINNET_INT16:
        ((int16_t *)c)[i] = (int16_t)limited(x, INT16_MIN, INT16_MAX);
        break;
    default:
        ((uint16_t *)c)[i] = (uint16_t)limited(x, 0, UINT16_MAX);
    }
}

/* -- a direction --------------------------------------------------------------------------------------------------- */

typedef struct direction {
    const ln_qlstm_params *p;
    const ln_args *a;
    int64_t d;
    const ln_qlstm_factor *w, *r;
    const int32_t *bias, *peephole;
    const int32_t *lens;
    int32_t *cell, *sums_r, *sums_x;
    uint8_t *h;
} direction;

/* Rows [0, m) of k bytes, `stride` apart, times the packed weights. */
static void multiply(int32_t *sums, const uint8_t *x, int64_t m, int64_t k, int64_t stride, int64_t n,
                     const char *packed, int32_t zero, int32_t flip, bool row_sums)
{
    ln_qgemm_args g = {
        .k = (size_t)k, .c_stride = (size_t)n, .flip = (uint32_t)flip, .a_zero = zero, .out = LN_QGEMM_I32};
    ln_qgemm_matrix(sums, x, (size_t)m, (size_t)stride, packed, (size_t)n, row_sums, LN_D(qgemm), &g);
}

enum { GATE_I, GATE_O, GATE_F, GATE_C };

/* The sum of gate g of cell j before its function, without a peephole: x, r are those of a row. */
static int32_t sum_of(const direction *s, const int32_t *x, const int32_t *r, int64_t j)
{
    const int32_t most = (1 << 29) - 1;
    const ln_qlstm_params *p = s->p;
    return clamp(scaled(x[j], s->w + j * p->w_step), most) + clamp(scaled(r[j], s->r + j * p->r_step), most) +
           s->bias[j];
}

static int32_t peep(const direction *s, int32_t sum, int32_t which, int64_t j, int32_t cell)
{
    if (!s->peephole)
        return sum;
    int64_t more = (int64_t)cell * s->peephole[which * s->p->rnn.hidden + j];
    return sum + clamp(more >> LN_QLSTM_CELL_BITS, (1 << 29) - 1);
}

/* A step of one row: x, z are its sums, cell and h its state; z becomes what the functions are taken of, and they. A
 * sigmoid s is 2^15 + z then, with 16 bits behind the point; a hyperbolic tangent, of half the argument, z with 15. */
static void step(const direction *s, const int32_t *x, int32_t *z, int32_t *cell, uint8_t *h)
{
    const ln_qlstm_params *p = s->p;
    const int64_t n = p->rnn.hidden;
    const int32_t low = p->h_flip ? INT8_MIN : 0, clip = p->clip_sum, half = 1 << 15;
    int32_t *i = z + GATE_I * n, *o = z + GATE_O * n, *f = z + GATE_F * n, *g = z + GATE_C * n;
    for (int64_t j = 0; j < 4 * n; j++)
        z[j] = sum_of(s, x, z, j);
    for (int64_t j = 0; j < n; j++) {
        i[j] = clamp(peep(s, i[j], 0, j, cell[j]), clip);
        f[j] = clamp(peep(s, f[j], 2, j, cell[j]), clip);
        g[j] = 2 * clamp(clamp(g[j], clip), LN_QSIGMOID_END);
    }
    LN_K(qsigmoid)(i, i, (size_t)n);
    LN_K(qsigmoid)(f, f, (size_t)(2 * n));
    for (int64_t j = 0; j < n; j++) {
        int32_t in = half + i[j], keep = p->rnn.input_forget ? (1 << 16) - in : half + f[j];
        int64_t next = (int64_t)keep * cell[j] + (int64_t)in * g[j] * (1 << (LN_QLSTM_CELL_BITS - 15));
        int32_t c = cell[j] = clamp((next + half) >> 16, INT32_MAX);
        o[j] = clamp(peep(s, o[j], 1, j, c), clip);
        c = clamp(c, p->clip_cell) >> (LN_QLSTM_CELL_BITS - LN_QLSTM_SUM_BITS);
        g[j] = 2 * clamp(c, LN_QSIGMOID_END);
    }
    LN_K(qsigmoid)(o, o, (size_t)n);
    LN_K(qsigmoid)(g, g, (size_t)n);
    for (int64_t j = 0; j < n; j++)
        h[j] = (uint8_t)limited(scaled((int64_t)(half + o[j]) * g[j], &p->h_out) + p->h_zero, low, low + 255);
}

/* Where direction d of batch b is in initial_h, initial_c, Y_h, Y_c. */
static int64_t state_at(const direction *s, int64_t b)
{
    const ln_rnn_params *r = &s->p->rnn;
    return (r->layout ? b * r->directions + s->d : s->d * r->batch + b) * r->hidden;
}

static void begin(const direction *s)
{
    const ln_qlstm_params *p = s->p;
    const ln_rnn_params *r = &p->rnn;
    size_t n = (size_t)r->hidden;
    for (int64_t b = 0; b < r->batch; b++) {
        int32_t *cell = s->cell + b * r->hidden;
        if (r->in_h >= 0)
            memcpy(s->h + b * r->hidden, (const uint8_t *)s->a->in[r->in_h] + state_at(s, b), n);
        else
            memset(s->h + b * r->hidden, p->h_zero, n);
        for (int64_t j = 0; j < r->hidden; j++) {
            cell[j] = 0;
            if (r->in_c >= 0) {
                int32_t q = cell_read(s->a->in[r->in_c], p->c_type, state_at(s, b) + j) - p->c_zero;
                cell[j] = clamp(scaled(q, &p->c_in), INT32_MAX);
            }
        }
    }
}

static void end(const direction *s)
{
    const ln_qlstm_params *p = s->p;
    const ln_rnn_params *r = &p->rnn;
    for (int64_t b = 0; b < r->batch; b++) {
        if (r->outputs > 1 && s->a->out[1])
            memcpy((uint8_t *)s->a->out[1] + state_at(s, b), s->h + b * r->hidden, (size_t)r->hidden);
        if (r->outputs > 2 && s->a->out[2])
            for (int64_t j = 0; j < r->hidden; j++)
                cell_write(s->a->out[2], p->c_type, state_at(s, b) + j,
                           scaled(s->cell[b * r->hidden + j], &p->c_out) + p->c_zero);
    }
}

/* The input's sums of `count` steps from time t on. */
static void input_sums(const direction *s, int64_t t, int64_t count)
{
    const ln_qlstm_params *p = s->p;
    const ln_rnn_params *r = &p->rnn;
    const char *packed = (const char *)s->a->packed + s->d * p->w_bytes;
    const uint8_t *x = s->a->in[0];
    int64_t n = 4 * r->hidden, k = r->inputs;
    if (!r->layout) {
        multiply(s->sums_x, x + t * r->batch * k, count * r->batch, k, k, n, packed, p->x_zero, p->x_flip, p->sums_w);
        return;
    }
    for (int64_t i = 0; i < count; i++)
        multiply(s->sums_x + i * r->batch * n, x + (t + i) * k, r->batch, k, r->times * k, n, packed, p->x_zero,
                 p->x_flip, p->sums_w);
}

static void run_direction(const direction *s)
{
    const ln_qlstm_params *p = s->p;
    const ln_rnn_params *r = &p->rnn;
    const char *recurrent = (const char *)s->a->packed + r->directions * p->w_bytes + s->d * p->r_bytes;
    bool reverse = r->direction == LN_RNN_REVERSE || s->d == 1;
    uint8_t *y = r->outputs > 0 ? s->a->out[0] : NULL;
    int64_t n = 4 * r->hidden, first = 0, last = 0;
    begin(s);
    for (int64_t k = 0; k < r->times; k++) {
        int64_t t = reverse ? r->times - 1 - k : k;
        if (k == last) {
            last = k + p->block < r->times ? k + p->block : r->times;
            first = reverse ? r->times - last : k;
            input_sums(s, first, last - k);
        }
        multiply(s->sums_r, s->h, r->batch, r->hidden, r->hidden, n, recurrent, p->h_zero + (p->h_flip ? 128 : 0),
                 p->h_flip, p->sums_r);
        for (int64_t b = 0; b < r->batch; b++) {
            uint8_t *h = s->h + b * r->hidden;
            bool over = s->lens && t >= s->lens[b];
            if (!over)
                step(s, s->sums_x + ((t - first) * r->batch + b) * n, s->sums_r + b * n, s->cell + b * r->hidden, h);
            if (!y)
                continue;
            uint8_t *to = y + (r->layout ? (b * r->times + t) * r->directions + s->d
                                         : (t * r->directions + s->d) * r->batch + b) *
                                  r->hidden;
            if (over)
                memset(to, p->h_zero, (size_t)r->hidden);
            else
                memcpy(to, h, (size_t)r->hidden);
        }
    }
    end(s);
}

static void run_directions(void *arg, int32_t worker, int64_t begin_, int64_t end_)
{
    const ln_args *a = arg;
    const ln_qlstm_params *p = a->params;
    const char *packed = a->packed;
    (void)worker;
    for (int64_t d = begin_; d < end_; d++) {
        uintptr_t scratch = (uintptr_t)a->scratch + (uintptr_t)(d * p->scratch_bytes);
        direction s = {.p = p,
                       .a = a,
                       .d = d,
                       .w = (const ln_qlstm_factor *)(const void *)(packed + p->at_w) + d * p->w_direction,
                       .r = (const ln_qlstm_factor *)(const void *)(packed + p->at_r) + d * p->r_direction,
                       .bias = (const int32_t *)(const void *)(packed + p->at_bias) + d * 4 * p->rnn.hidden,
                       .lens = p->rnn.in_lens < 0 ? NULL : a->in[p->rnn.in_lens],
                       .cell = (int32_t *)scratch,
                       .h = (uint8_t *)(scratch + (uintptr_t)p->at_h),
                       .sums_r = (int32_t *)(scratch + (uintptr_t)p->at_sums_r),
                       .sums_x = (int32_t *)(scratch + (uintptr_t)p->at_sums_x)};
        if (p->at_peephole >= 0)
            s.peephole = (const int32_t *)(const void *)(packed + p->at_peephole) + d * 3 * p->rnn.hidden;
        run_direction(&s);
    }
}

LN_RUN(ln_qlinearlstm)
{
    const ln_qlstm_params *p = a->params;
    const ln_rnn_params *r = &p->rnn;
    LN_TRY(ln_rnn_check_lens(a, r));
    double products = 4 * (double)r->hidden * (double)(r->times * r->batch) * (double)(r->inputs + r->hidden);
    ln_parallel(a, r->directions, products * 0.02, run_directions, (void *)(uintptr_t)a);
    return LINNET_OK;
}
