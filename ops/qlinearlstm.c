/* SPDX-License-Identifier: Apache-2.0
 *
 * ai.linnet QLinearLSTM: an LSTM of bytes, which the pass `quantize` makes of one between DequantizeLinear and
 * QuantizeLinear. Inputs 0 to 7 are LSTM's, X, W, R and the states in integers, B and P in float32; then scale and
 * zero point of X, W, R, of h (Y, Y_h, initial_h) and of the cell (Y_c, initial_c; 8 or 16 bits). All but X,
 * sequence_lens and the states are constants. W and R have one scale, one for a direction, or one for each of the
 * 4 * hidden columns. The functions are sigmoid and tanh. docs/ARCHITECTURE.md, "The integer LSTM", has the arithmetic.
 */
#include <math.h>
#include <string.h>

#include "kernels/qgemm.h"
#include "ops/qlinearlstm.h"
#include "ops/qproduct.h"

enum { X, W, R, B, H = 5, C, P, SCALE_X, ZERO_X, SCALE_W, ZERO_W, SCALE_R, ZERO_R, SCALE_H, ZERO_H, SCALE_C, ZERO_C };

static const uint32_t cells = LN_T_8 | LN_T(LINNET_INT16) | LN_T(LINNET_UINT16);

static linnet_type type_of(const ln_ctx *c, int32_t i, linnet_type other)
{
    return ln_in(c, i) ? (linnet_type)ln_in(c, i)->type : other;
}

static linnet_status infer(ln_ctx *c)
{
    static const struct {
        int32_t in, like; /* like: an input of its type */
        const char *name;
    } bytes[] = {{W, -1, "W"},
                 {R, -1, "R"},
                 {ZERO_X, X, "the zero point of X"},
                 {ZERO_W, W, "that of W"},
                 {ZERO_R, R, "that of R"},
                 {ZERO_H, -1, "that of h"},
                 {H, ZERO_H, "initial_h"}};
    static const int32_t floats[] = {B, P, SCALE_X, SCALE_W, SCALE_R, SCALE_H, SCALE_C};
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) {
        linnet_type like = bytes[i].like < 0 ? LINNET_UNDEFINED : type_of(c, bytes[i].like, LINNET_UNDEFINED);
        LN_TRY(ln_check_type(c, bytes[i].in, like == LINNET_UNDEFINED ? LN_T_8 : LN_T(like), bytes[i].name));
    }
    for (size_t i = 0; i < sizeof floats / sizeof *floats; i++)
        LN_TRY(ln_check_type(c, floats[i], LN_T(LINNET_FLOAT32), "B, P or a scale"));
    for (int32_t i = SCALE_X; i <= ZERO_H; i++)
        if (!ln_in(c, i))
            return ln_fail(c, LINNET_ERR_MODEL, "input %d is missing", i);
    if ((ln_in(c, C) || (c->n_out > 2 && c->out[2])) && (!ln_in(c, SCALE_C) || !ln_in(c, ZERO_C)))
        return ln_fail(c, LINNET_ERR_MODEL, "the scale or the zero point of the cell is missing");
    LN_TRY(ln_check_type(c, ZERO_C, cells, "the zero point of the cell"));
    linnet_type h = type_of(c, ZERO_H, LINNET_UNDEFINED), cell = type_of(c, ZERO_C, h);
    if (cell != LINNET_UNDEFINED)
        LN_TRY(ln_check_type(c, C, LN_T(cell), "initial_c"));
    LN_TRY(ln_rnn_shapes(c, LN_LSTM, false, h, cell));
    const ln_rnn_params *r = c->params;
    for (int32_t i = 0; i < 3 * r->directions; i++)
        if (r->act[i].kind != (i % 3 ? LN_RNN_TANH : LN_RNN_SIGMOID))
            return ln_fail(c, LINNET_ERR_UNSUPPORTED, "activations other than Sigmoid, Tanh, Tanh");
    return LINNET_OK;
}

/* -- constants ----------------------------------------------------------------------------------------------------- */

static linnet_status constants(ln_ctx *c)
{
    for (int32_t i = W; i <= ZERO_C; i++) {
        if ((i > B && i < P) || !ln_in(c, i))
            continue;
        if (!c->in[i]->data)
            return ln_fail(c, LINNET_ERR_UNSUPPORTED, "input %d is not constant", i);
        bool one = i >= SCALE_X && i != SCALE_W && i != SCALE_R && i != ZERO_W && i != ZERO_R;
        if (one && ln_info_count(c->in[i]) != 1)
            return ln_fail(c, LINNET_ERR_MODEL, "input %d has %lld elements, not one", i,
                           (long long)ln_info_count(c->in[i]));
    }
    return LINNET_OK;
}

/* real = mul / 2^shift; too small ones are 0. */
static linnet_status factor(ln_ctx *c, double real, ln_qlstm_factor *f)
{
    int exponent;
    double m = frexp(real, &exponent);
    if (!(real >= 0) || real >= 0x1p30)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "a scale is %g times what it may be", real / 0x1p30);
    int64_t mul = (int64_t)nearbyint(m * 0x1p31);
    if (mul == INT64_C(1) << 31) {
        mul >>= 1;
        exponent++;
    }
    int shift = 31 - exponent;
    *f = shift > 62 || shift < 1 ? (ln_qlstm_factor){0, 1} : (ln_qlstm_factor){(int32_t)mul, shift};
    return LINNET_OK;
}

/* Elements of a scale or zero point by direction and column: their distances. */
static linnet_status steps(ln_ctx *c, int32_t i, const ln_rnn_params *r, int64_t *step, int64_t *direction)
{
    int64_t n = ln_info_count(c->in[i]), columns = 4 * r->hidden, d = r->directions;
    if (n != 1 && n != d && n != columns && n != d * columns)
        return ln_fail(c, LINNET_ERR_MODEL, "input %d has %lld elements for %lld directions of %lld columns", i,
                       (long long)n, (long long)d, (long long)columns);
    bool each = n == columns || n == d * columns;
    *step = each;
    *direction = n == d * columns ? columns : n == d && !each ? 1 : 0;
    return LINNET_OK;
}

/* Weights i of all directions. */
static bool pack_weights(const ln_ctx *c, int32_t i, const ln_rnn_params *r, int64_t depth, int32_t zero,
                         int64_t zero_step, int64_t zero_direction, char *to, int64_t bytes)
{
    size_t n = 4 * (size_t)r->hidden, k = (size_t)depth;
    bool sums = false;
    for (int64_t d = 0; d < r->directions; d++) {
        ln_qgemm_b b = {.b = (const uint8_t *)c->in[i]->data + (size_t)d * n * k,
                        .segments = 1,
                        .k = k,
                        .n = n,
                        .stride_k = 1,
                        .stride_n = k,
                        .is_signed = c->in[i]->type == LINNET_INT8,
                        .zero = (const uint8_t *)c->in[zero]->data + d * zero_direction,
                        .zero_stride = (size_t)zero_step};
        sums |= ln_qgemm_pack(to + d * bytes, LN_D(qgemm), &b);
    }
    return sums;
}

/* Factors from sums of scale x * scale i to fixed point. */
static linnet_status pack_factors(ln_ctx *c, int32_t i, float x, ln_qlstm_factor *to)
{
    const float *scale = c->in[i]->data;
    for (int64_t k = 0; k < ln_info_count(c->in[i]); k++)
        LN_TRY(factor(c, (double)x * (double)scale[k] * (1 << LN_QLSTM_SUM_BITS), to + k));
    return LINNET_OK;
}

/* With 16 bits behind the point, of at most 2^13. */
static int32_t fixed(double x)
{
    const double most = (1 << 29) - 1, y = nearbyint(x * (1 << LN_QLSTM_SUM_BITS));
    return y > most ? (int32_t)most : y > -most ? (int32_t)y : (int32_t)-most;
}

/* -- plan ---------------------------------------------------------------------------------------------------------- */

static size_t aligned(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static int32_t zero_of(const ln_ctx *c, int32_t i)
{
    const ln_info *z = c->in[i];
    switch (z->type) {
    case LINNET_INT16:
        return *(const int16_t *)z->data;
    case LINNET_UINT16:
        return *(const uint16_t *)z->data;
    default:
        return ln_zero_of(z->data, z->type == LINNET_INT8, 0);
    }
}

static float scale_of(const ln_ctx *c, int32_t i)
{
    return *(const float *)c->in[i]->data;
}

/* Scales, zero points and the clip, as the run wants them. */
static linnet_status numbers(ln_ctx *c, ln_qlstm_params *p)
{
    p->x_flip = c->in[X]->type == LINNET_INT8 ? 0x80 : 0;
    p->x_zero = zero_of(c, ZERO_X) + (p->x_flip ? 128 : 0);
    p->h_flip = c->in[ZERO_H]->type == LINNET_INT8 ? 0x80 : 0;
    p->h_zero = zero_of(c, ZERO_H);
    p->c_in = p->c_out = (ln_qlstm_factor){0, 1};
    p->clip_sum = p->clip_cell = INT32_MAX;
    if (p->rnn.clip > 0 && p->rnn.clip < 0x1p10f) {
        p->clip_sum = fixed((double)p->rnn.clip);
        p->clip_cell = p->clip_sum * (1 << (LN_QLSTM_CELL_BITS - LN_QLSTM_SUM_BITS));
    }
    LN_TRY(factor(c, 0x1p-31 / (double)scale_of(c, SCALE_H), &p->h_out));
    if (!ln_in(c, ZERO_C))
        return LINNET_OK;
    p->c_type = c->in[ZERO_C]->type;
    p->c_zero = zero_of(c, ZERO_C);
    LN_TRY(factor(c, (double)scale_of(c, SCALE_C) * (1 << LN_QLSTM_CELL_BITS), &p->c_in));
    return factor(c, 1 / ((double)scale_of(c, SCALE_C) * (1 << LN_QLSTM_CELL_BITS)), &p->c_out);
}

static linnet_status plan(ln_ctx *c)
{
    ln_qlstm_params *p = c->params;
    ln_rnn_params *r = &p->rnn;
    int64_t wz_step, wz_direction, rz_step, rz_direction;
    LN_TRY(infer(c));
    LN_TRY(ln_rnn_prepare(c, r, LN_LSTM));
    LN_TRY(constants(c));
    LN_TRY(numbers(c, p));
    LN_TRY(steps(c, SCALE_W, r, &p->w_step, &p->w_direction));
    LN_TRY(steps(c, SCALE_R, r, &p->r_step, &p->r_direction));
    LN_TRY(steps(c, ZERO_W, r, &wz_step, &wz_direction));
    LN_TRY(steps(c, ZERO_R, r, &rz_step, &rz_direction));
    r->outputs = c->n_out;
    const ln_qgemm_tile *tile = LN_D(qgemm);
    size_t d = (size_t)r->directions, n = 4 * (size_t)r->hidden, row = n * sizeof(int32_t), at;
    p->w_bytes = (int64_t)ln_qgemm_packed_bytes(tile, 1, (size_t)r->inputs, n);
    p->r_bytes = (int64_t)ln_qgemm_packed_bytes(tile, 1, (size_t)r->hidden, n);
    at = d * (size_t)(p->w_bytes + p->r_bytes);
    p->at_w = (int64_t)at;
    at += (size_t)ln_info_count(c->in[SCALE_W]) * sizeof(ln_qlstm_factor);
    p->at_r = (int64_t)at;
    at += (size_t)ln_info_count(c->in[SCALE_R]) * sizeof(ln_qlstm_factor);
    p->at_bias = (int64_t)at;
    at += d * row;
    p->at_peephole = r->in_p < 0 ? -1 : (int64_t)at;
    at += r->in_p < 0 ? 0 : d * 3 * (size_t)r->hidden * sizeof(int32_t);
    char *to = ln_pack(c, at);
    if (!to)
        return ln_no_memory(c);
    p->sums_w = pack_weights(c, W, r, r->inputs, ZERO_W, wz_step, wz_direction, to, p->w_bytes);
    p->sums_r =
        pack_weights(c, R, r, r->hidden, ZERO_R, rz_step, rz_direction, to + d * (size_t)p->w_bytes, p->r_bytes);
    LN_TRY(pack_factors(c, SCALE_W, scale_of(c, SCALE_X), (ln_qlstm_factor *)(void *)(to + p->at_w)));
    LN_TRY(pack_factors(c, SCALE_R, scale_of(c, SCALE_H), (ln_qlstm_factor *)(void *)(to + p->at_r)));
    int32_t *bias = (int32_t *)(void *)(to + p->at_bias), *peephole = (int32_t *)(void *)(to + p->at_peephole);
    const float *b = r->in_bias < 0 ? NULL : c->in[B]->data, *peep = r->in_p < 0 ? NULL : c->in[P]->data;
    for (size_t i = 0; b && i < d * n; i++)
        bias[i] = fixed((double)b[i / n * 2 * n + i % n] + (double)b[i / n * 2 * n + n + i % n]);
    for (size_t i = 0; peep && i < d * 3 * (size_t)r->hidden; i++)
        peephole[i] = fixed((double)peep[i]);
    for (int32_t i = W; i <= ZERO_C; i++)
        if (ln_in(c, i) && (i <= B || i >= P))
            ln_drop_input(c, i);
    /* All steps' input products at once, but no more than the kernels gain by. */
    int64_t rows = c->frugal ? tile->mr : 64, per = r->batch > 0 ? rows / r->batch : 1;
    p->block = per < 1 ? 1 : per < r->times ? per : r->times;
    size_t batch = (size_t)r->batch;
    p->at_h = (int64_t)(batch * (size_t)r->hidden * sizeof(int32_t));
    p->at_sums_r = (int64_t)aligned((size_t)p->at_h + batch * (size_t)r->hidden);
    p->at_sums_x = (int64_t)aligned((size_t)p->at_sums_r + batch * row);
    p->scratch_bytes = (int64_t)aligned((size_t)p->at_sums_x + (size_t)p->block * batch * row);
    ln_scratch(c, d * (size_t)p->scratch_bytes);
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {
    LN_RNN_ATTRS,
    LN_ATTR_I(ln_rnn_params, layout, 0),
    LN_ATTR_I(ln_rnn_params, input_forget, 0),
    LN_ATTR_ANY("output_sequence"),
    LN_ATTR_END,
};

LN_OP(QLinearLSTM) = {
    .domain = "ai.linnet",
    .type = "QLinearLSTM",
    .since = {1},
    .types = LN_T_8,
    .in = {3, 18},
    .out = {0, 3},
    .attrs = attrs,
    .params_size = sizeof(ln_qlstm_params),
    .infer = infer,
    .plan = plan,
    LN_RUN_NAME(ln_qlinearlstm),
};
