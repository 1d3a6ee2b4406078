/* SPDX-License-Identifier: Apache-2.0
 *
 * LinearAttention-27: the recurrence over a state S of d_k x d_v per head of keys, step by step in float32,
 *   S = exp(g) S;  v = beta (v - S^T k);  S += k v^T;  o = scale q^T S
 * with the decay g and the delta correction where update_rule has them.
 */
#include <math.h>
#include <string.h>

#include "kernels/kernels.h"
#include "ops/convert.h"

typedef struct linear_params {
    int64_t q_num_heads, kv_num_heads, chunk_size;
    float scale;
    int32_t update_rule;
    int64_t batch, length, d_k, d_v, decay_width, beta_width;
    int32_t type, state_type, has_past, has_state;
    int64_t worker_bytes;
} linear_params;

enum { QUERY, KEY, VALUE, PAST, DECAY, BETA };
enum { LINEAR, GATED, DELTA, GATED_DELTA };

typedef struct job {
    const linear_params *p;
    const ln_args *a;
} job;

static void one_head(const job *j, float *state, int64_t b, int64_t h)
{
    const linear_params *p = j->p;
    const ln_args *a = j->a;
    int64_t H = p->kv_num_heads, dk = p->d_k, dv = p->d_v, each = p->q_num_heads / H;
    float *q = state + dk * dv, *k = q + dk, *v = k + dk, *o = v + dv, *g = o + dv;
    bool gated = p->update_rule == GATED || p->update_rule == GATED_DELTA, delta = p->update_rule >= DELTA;
    if (p->has_past)
        ln_to_f32(state, a->in[PAST], p->state_type, (b * H + h) * dk * dv, dk * dv);
    else
        memset(state, 0, (size_t)(dk * dv) * sizeof *state);
    for (int64_t t = 0; t < p->length; t++) {
        int64_t row = b * p->length + t;
        ln_to_f32(k, a->in[KEY], p->type, (row * H + h) * dk, dk);
        ln_to_f32(v, a->in[VALUE], p->type, (row * H + h) * dv, dv);
        if (gated) {
            bool single = p->decay_width == H;
            ln_to_f32(g, a->in[DECAY], p->type, single ? row * H + h : (row * H + h) * dk, single ? 1 : dk);
            for (int64_t i = 0; i < dk; i++) {
                float f = expf(g[single ? 0 : i]);
                for (int64_t m = 0; m < dv; m++)
                    state[i * dv + m] *= f;
            }
        }
        if (delta) {
            float beta;
            ln_to_f32(&beta, a->in[BETA], p->type, p->beta_width == 1 ? row : row * H + h, 1);
            LN_K(gemv_f32)(o, k, state, (size_t)dv, (size_t)dk, (size_t)dv);
            for (int64_t m = 0; m < dv; m++)
                v[m] = beta * (v[m] - o[m]);
        }
        for (int64_t i = 0; i < dk; i++)
            for (int64_t m = 0; m < dv; m++)
                state[i * dv + m] += k[i] * v[m];
        for (int64_t r = h * each; r < (h + 1) * each; r++) {
            ln_to_f32(q, a->in[QUERY], p->type, (row * p->q_num_heads + r) * dk, dk);
            LN_K(gemv_f32)(o, q, state, (size_t)dv, (size_t)dk, (size_t)dv);
            for (int64_t m = 0; m < dv; m++)
                o[m] *= p->scale;
            ln_from_f32(a->out[0], p->type, (row * p->q_num_heads + r) * dv, o, dv, 0);
        }
    }
    if (p->has_state)
        ln_from_f32(a->out[1], p->state_type, (b * H + h) * dk * dv, state, dk * dv, 0);
}

static void heads(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    float *state = (float *)(void *)((char *)j->a->scratch + worker * j->p->worker_bytes);
    for (int64_t i = begin; i < end; i++)
        one_head(j, state, i / j->p->kv_num_heads, i % j->p->kv_num_heads);
}

LN_RUN(ln_linearattention)
{
    const linear_params *p = a->params;
    job j = {p, a};
    ln_parallel(a, p->batch * p->kv_num_heads, (double)p->length * (double)(p->d_k * p->d_v), heads, &j);
    return LINNET_OK;
}

static linnet_status linear_infer(ln_ctx *c)
{
    linear_params *p = c->params;
    const ln_info *q = c->in[QUERY], *k = c->in[KEY], *v = c->in[VALUE], *past = ln_in(c, PAST);
    linnet_type type = (linnet_type)q->type, state_type = past ? (linnet_type)past->type : type;
    static const char *const names[] = {"query", "key", "value", "past_state", "decay", "beta"};
    bool gated = p->update_rule == GATED || p->update_rule == GATED_DELTA, delta = p->update_rule >= DELTA;
    for (int32_t i = 1; i < 6; i++)
        if (i == PAST)
            LN_TRY(ln_check_type(c, i, LN_T(LINNET_FLOAT32) | LN_T(LINNET_FLOAT16) | LN_T(LINNET_BFLOAT16), names[i]));
        else if (type != LINNET_UNDEFINED)
            LN_TRY(ln_check_type(c, i, LN_T(type), names[i]));
    if (p->q_num_heads < 1 || p->kv_num_heads < 1 || p->q_num_heads > INT32_MAX ||
        p->q_num_heads % p->kv_num_heads != 0)
        return ln_fail(c, LINNET_ERR_MODEL, "q_num_heads %lld, kv_num_heads %lld", (long long)p->q_num_heads,
                       (long long)p->kv_num_heads);
    if (gated != (ln_in(c, DECAY) != NULL) || delta != (ln_in(c, BETA) != NULL))
        return ln_fail(c, LINNET_ERR_MODEL, "the inputs decay and beta do not go with update_rule");
    for (int32_t i = 0; i < 6; i++)
        LN_TRY(ln_check_rank(c, i, i == PAST ? 4 : 3, i == PAST ? 4 : 3, names[i]));
    if (q->rank < 0 || k->rank < 0 || v->rank < 0) {
        ln_set_unknown(c, 1, state_type);
        return ln_set_unknown(c, 0, type);
    }
    int64_t H = p->kv_num_heads, dk = LN_UNKNOWN, dv = LN_UNKNOWN, out = LN_UNKNOWN;
    if (q->dims[2] >= 0) {
        if (q->dims[2] % p->q_num_heads != 0)
            return ln_fail(c, LINNET_ERR_MODEL, "%lld heads do not divide %lld", (long long)p->q_num_heads,
                           (long long)q->dims[2]);
        dk = q->dims[2] / p->q_num_heads;
        LN_TRY(ln_check_dim(c, k->dims[2], H * dk, "width of key"));
    }
    if (v->dims[2] >= 0) {
        if (v->dims[2] % H != 0)
            return ln_fail(c, LINNET_ERR_MODEL, "%lld heads do not divide %lld", (long long)H, (long long)v->dims[2]);
        dv = v->dims[2] / H;
        LN_TRY(ln_mul_size(c, dv, p->q_num_heads, &out));
    }
    for (int32_t i = 1; i < 6; i++) {
        const ln_info *x = ln_in(c, i);
        if (!x || x->rank < 0)
            continue;
        LN_TRY(ln_check_dim(c, x->dims[0], q->dims[0], "a batch"));
        if (i != PAST)
            LN_TRY(ln_check_dim(c, x->dims[1], q->dims[1], "a length"));
    }
    if (past && past->rank == 4) {
        LN_TRY(ln_check_dim(c, past->dims[1], H, "heads of past_state"));
        LN_TRY(ln_check_dim(c, past->dims[2], dk, "d_k of past_state"));
        LN_TRY(ln_check_dim(c, past->dims[3], dv, "d_v of past_state"));
    }
    LN_TRY(ln_set_shape(c, 1, state_type, 4, (int64_t[]){q->dims[0], H, dk, dv}));
    return ln_set_shape(c, 0, type, 3, (int64_t[]){q->dims[0], q->dims[1], out});
}

static linnet_status linear_plan(ln_ctx *c)
{
    linear_params *p = c->params;
    const ln_info *q = c->in[QUERY], *v = c->in[VALUE], *decay = ln_in(c, DECAY), *beta = ln_in(c, BETA);
    p->batch = q->dims[0];
    p->length = q->dims[1];
    p->d_k = q->dims[2] / p->q_num_heads;
    p->d_v = v->dims[2] / p->kv_num_heads;
    p->type = q->type;
    p->has_past = ln_in(c, PAST) != NULL;
    p->has_state = ln_has_out(c, 1);
    p->state_type = p->has_past ? c->in[PAST]->type : q->type;
    p->decay_width = decay ? decay->dims[2] : 0;
    p->beta_width = beta ? beta->dims[2] : 0;
    if (decay && p->decay_width != p->kv_num_heads && p->decay_width != p->kv_num_heads * p->d_k)
        return ln_fail(c, LINNET_ERR_MODEL, "decay of width %lld", (long long)p->decay_width);
    if (beta && p->beta_width != p->kv_num_heads && p->beta_width != 1)
        return ln_fail(c, LINNET_ERR_MODEL, "beta of width %lld", (long long)p->beta_width);
    if (p->scale == 0)
        p->scale = p->d_k > 0 ? 1 / sqrtf((float)p->d_k) : 1;
    int64_t n, bytes;
    LN_TRY(ln_mul_size(c, p->d_k + 4, p->d_v + 4, &n));
    p->worker_bytes = (n * (int64_t)sizeof(float) + 63) / 64 * 64;
    LN_TRY(ln_mul_size(c, p->worker_bytes, c->threads, &bytes));
    ln_scratch(c, (size_t)bytes);
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {
    LN_ATTR_I_REQ(linear_params, q_num_heads),
    LN_ATTR_I_REQ(linear_params, kv_num_heads),
    LN_ATTR_I(linear_params, chunk_size, 64),
    LN_ATTR_F(linear_params, scale, 0.0f),
    LN_ATTR_E(linear_params, update_rule, "linear|gated|delta|gated_delta", GATED_DELTA),
    LN_ATTR_END,
};

LN_OP(LinearAttention) = {
    .domain = "",
    .type = "LinearAttention",
    .since = {27},
    .types = LN_T(LINNET_FLOAT32) | LN_T(LINNET_FLOAT16) | LN_T(LINNET_BFLOAT16),
    .in = {3, 6},
    .out = {1, 2},
    .attrs = attrs,
    .params_size = sizeof(linear_params),
    .infer = linear_infer,
    .plan = linear_plan,
    LN_RUN_NAME(ln_linearattention),
};
