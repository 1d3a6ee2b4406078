/* SPDX-License-Identifier: Apache-2.0
 *
 * com.microsoft MultiHeadAttention over attention.h: Q, K, V apart or packed (QKV, KV), with a bias of the input
 * projection, key padding masks of int32, an additive bias and caches. ONNX Runtime docs/ContribOperators.md.
 */
#include <math.h>
#include <string.h>

#include "ops/attention.h"

typedef struct mha_params {
    int64_t num_heads, unidirectional; /* attributes */
    float scale, mask_filter_value;
    ln_attention core;
    int64_t past, length;                    /* keys before, new keys */
    int64_t k_at, v_at;                      /* elements, where packed */
    int64_t q_step[3], k_step[3], v_step[3]; /* as given */
    int64_t scratch_q, scratch_k, scratch_v; /* -1: not needed */
    int64_t scratch_join_k, scratch_join_v, scratch_batch, scratch_workers;
    int32_t in_k, in_v, in_mask, in_extra, in_past, mask_bounds; /* inputs: -1 absent */
    int32_t outputs[3], biased;
} mha_params;

enum { QUERY, KEY, VALUE, BIAS, MASK, EXTRA, PAST_KEY, PAST_VALUE };

/* from + bias, as [batch][length][heads][size], in float32 and back in the type. */
static void add_bias(void *to, const void *from, const int64_t step[3], const void *bias, int64_t bias_at,
                     int64_t batch, int64_t length, int64_t heads, int64_t size, int type)
{
    enum { CHUNK = 128 };
    float x[CHUNK], b[CHUNK];
    for (int64_t r = 0; r < batch * length * heads; r++) {
        int64_t h = r % heads, s = r / heads % length, i = r / heads / length;
        for (int64_t d = 0; d < size; d += CHUNK) {
            int64_t n = size - d < CHUNK ? size - d : CHUNK;
            ln_to_f32(x, from, type, i * step[0] + h * step[1] + s * step[2] + d, n);
            ln_to_f32(b, bias, type, bias_at + h * size + d, n);
            for (int64_t k = 0; k < n; k++)
                x[k] += b[k];
            ln_from_f32(to, type, r * size + d, x, n, 0);
        }
    }
}

LN_RUN(ln_multiheadattention)
{
    const mha_params *p = a->params;
    const ln_attention *t = &p->core;
    char *scratch = a->scratch;
    size_t size = linnet_type_size((linnet_type)t->type);
    const char *q = a->in[QUERY], *k = a->in[p->in_k], *v = a->in[p->in_v];
    ln_attention_in in = {.q = q,
                          .k = k + (size_t)p->k_at * size,
                          .v = v + (size_t)p->v_at * size,
                          .y = a->out[0],
                          .bias = p->in_extra < 0 ? NULL : a->in[p->in_extra],
                          .scratch = scratch + p->scratch_workers};
    if (p->biased) {
        int64_t hidden = t->heads * t->head;
        add_bias(scratch + p->scratch_q, in.q, p->q_step, a->in[BIAS], 0, t->batch, t->q_len, t->heads, t->head,
                 t->type);
        in.q = scratch + p->scratch_q;
        add_bias(scratch + p->scratch_k, in.k, p->k_step, a->in[BIAS], hidden, t->batch, p->length, t->heads, t->head,
                 t->type);
        in.k = scratch + p->scratch_k;
        add_bias(scratch + p->scratch_v, in.v, p->v_step, a->in[BIAS], 2 * hidden, t->batch, p->length, t->heads,
                 t->v_head, t->type);
        in.v = scratch + p->scratch_v;
    }
    int64_t ks[3], vs[3];
    memcpy(ks, p->k_step, sizeof ks);
    memcpy(vs, p->v_step, sizeof vs);
    if (p->biased) {
        ln_attention_steps(ks, false, t->heads, p->length, t->head);
        ln_attention_steps(vs, false, t->heads, p->length, t->v_head);
    }
    void *keys = p->outputs[1] ? a->out[1] : p->scratch_join_k >= 0 ? scratch + p->scratch_join_k : NULL;
    void *values = p->outputs[2] ? a->out[2] : p->scratch_join_v >= 0 ? scratch + p->scratch_join_v : NULL;
    if (keys) {
        ln_attention_join(keys, p->in_past < 0 ? NULL : a->in[PAST_KEY], in.k, ks, t->batch, t->heads, p->past,
                          p->length, t->total, t->head, size);
        in.k = keys;
    }
    if (values) {
        ln_attention_join(values, p->in_past < 0 ? NULL : a->in[PAST_VALUE], in.v, vs, t->batch, t->heads, p->past,
                          p->length, t->total, t->v_head, size);
        in.v = values;
    }
    int64_t *offset = (int64_t *)(void *)(scratch + p->scratch_batch), *stop = offset + t->batch;
    const int32_t *mask = p->in_mask < 0 ? NULL : a->in[p->in_mask];
    for (int64_t b = 0; b < t->batch; b++) {
        offset[b] = t->total - t->q_len; /* the last query sees the last key */
        stop[b] = p->mask_bounds ? mask[b] : 0;
    }
    in.offset = offset;
    if (p->mask_bounds)
        in.stop = stop;
    else
        in.mask = mask;
    ln_attention_run(a, t, &in);
    return LINNET_OK;
}

/* Dimensions into p; *known: all that are needed. */
static linnet_status geometry(ln_ctx *c, bool *known)
{
    mha_params *p = c->params;
    const ln_info *q = c->in[QUERY], *k = ln_in(c, KEY), *v = ln_in(c, VALUE), *past = ln_in(c, PAST_KEY);
    int64_t N = p->num_heads;
    *known = false;
    if (N < 1 || N > INT32_MAX)
        return ln_fail(c, LINNET_ERR_MODEL, "num_heads %lld", (long long)N);
    static const char *const names[] = {"query",          "key",      "value",     "bias", "",
                                        "attention_bias", "past_key", "past_value"};
    for (int32_t i = 1; i < 8; i++)
        if (i == MASK)
            LN_TRY(ln_check_type(c, i, LN_T(LINNET_INT32), "key_padding_mask"));
        else if (q->type != LINNET_UNDEFINED)
            LN_TRY(ln_check_type(c, i, LN_T(q->type), names[i]));
    for (int32_t i = 8; i < c->n_in; i++)
        if (c->in[i])
            return ln_fail(c, LINNET_ERR_UNSUPPORTED, "input %d (a shared buffer)", i);
    if (ln_has_out(c, 3))
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "output qk");
    if (!past != !ln_in(c, PAST_VALUE))
        return ln_fail(c, LINNET_ERR_MODEL, "past_key and past_value go together");
    if (q->rank < 0 || (k && k->rank < 0) || (v && v->rank < 0) || (past && past->rank < 0))
        return LINNET_OK;
    LN_TRY(ln_check_rank(c, PAST_KEY, 4, 4, "past_key"));
    ln_attention t = {.batch = q->dims[0],
                      .heads = N,
                      .kv_heads = N,
                      .q_len = q->dims[1],
                      .type = q->type,
                      .v_type = q->type,
                      .soft_type = q->type,
                      .left = -1,
                      .right = -1,
                      .qk_mode = -1,
                      .causal = p->unidirectional != 0};
    for (int32_t i = 0; i < 3; i++) {
        const ln_info *x = ln_in(c, i);
        for (int32_t d = 0; x && d < x->rank; d++)
            if (x->dims[d] < 0)
                return LINNET_OK;
    }
    if (q->rank == 5) { /* [batch][length][heads][3][size] */
        LN_TRY(ln_check_dim(c, q->dims[2], N, "heads of query"));
        LN_TRY(ln_check_dim(c, q->dims[3], 3, "dimension 3 of query"));
        if (k || v)
            return ln_fail(c, LINNET_ERR_MODEL, "packed Q, K, V and a key or value");
        t.head = t.v_head = q->dims[4];
        p->length = t.q_len;
        p->in_k = p->in_v = QUERY;
        p->k_at = t.head;
        p->v_at = 2 * t.head;
        int64_t step[3] = {t.q_len * N * 3 * t.head, 3 * t.head, N * 3 * t.head};
        memcpy(t.q_step, step, sizeof step);
        memcpy(p->k_step, step, sizeof step);
        memcpy(p->v_step, step, sizeof step);
    } else {
        LN_TRY(ln_check_rank(c, QUERY, 3, 3, "query"));
        if (!k || q->dims[2] % N != 0)
            return ln_fail(c, LINNET_ERR_MODEL, "no key, or %lld heads do not divide %lld", (long long)N,
                           (long long)q->dims[2]);
        t.head = q->dims[2] / N;
        ln_attention_steps(t.q_step, false, N, t.q_len, t.head);
        p->in_k = KEY;
        p->in_v = VALUE;
        p->k_at = p->v_at = 0;
        LN_TRY(ln_check_dim(c, k->dims[0], t.batch, "batch of key"));
        if (k->rank == 5) { /* [batch][length][heads][2][size] */
            LN_TRY(ln_check_dim(c, k->dims[2], N, "heads of key"));
            LN_TRY(ln_check_dim(c, k->dims[3], 2, "dimension 3 of key"));
            LN_TRY(ln_check_dim(c, k->dims[4], t.head, "head size of key"));
            p->length = k->dims[1];
            p->in_v = KEY;
            p->v_at = t.head;
            t.v_head = t.head;
            int64_t step[3] = {p->length * N * 2 * t.head, 2 * t.head, N * 2 * t.head};
            memcpy(p->k_step, step, sizeof step);
            memcpy(p->v_step, step, sizeof step);
        } else {
            if (!v)
                return ln_fail(c, LINNET_ERR_MODEL, "no value");
            LN_TRY(ln_check_rank(c, KEY, 3, 4, "key"));
            LN_TRY(ln_check_rank(c, VALUE, k->rank, k->rank, "value"));
            bool first = k->rank == 4; /* [batch][heads][length][size] */
            p->length = k->dims[first ? 2 : 1];
            LN_TRY(ln_check_dim(c, v->dims[0], t.batch, "batch of value"));
            LN_TRY(ln_check_dim(c, v->dims[first ? 2 : 1], p->length, "length of value"));
            if (first) {
                LN_TRY(ln_check_dim(c, k->dims[1], N, "heads of key"));
                LN_TRY(ln_check_dim(c, v->dims[1], N, "heads of value"));
                LN_TRY(ln_check_dim(c, k->dims[3], t.head, "head size of key"));
                t.v_head = v->dims[3];
            } else {
                LN_TRY(ln_check_dim(c, k->dims[2], N * t.head, "width of key"));
                if (v->dims[2] % N != 0)
                    return ln_fail(c, LINNET_ERR_MODEL, "%lld heads do not divide %lld", (long long)N,
                                   (long long)v->dims[2]);
                t.v_head = v->dims[2] / N;
            }
            ln_attention_steps(p->k_step, first, N, p->length, t.head);
            ln_attention_steps(p->v_step, first, N, p->length, t.v_head);
        }
    }
    if (past) {
        const ln_info *pv = c->in[PAST_VALUE];
        LN_TRY(ln_check_dim(c, past->dims[0], t.batch, "batch of past_key"));
        LN_TRY(ln_check_dim(c, past->dims[1], N, "heads of past_key"));
        LN_TRY(ln_check_dim(c, past->dims[3], t.head, "head size of past_key"));
        LN_TRY(ln_check_rank(c, PAST_VALUE, 4, 4, "past_value"));
        if (pv->rank == 4) {
            LN_TRY(ln_check_dim(c, pv->dims[0], t.batch, "batch of past_value"));
            LN_TRY(ln_check_dim(c, pv->dims[1], N, "heads of past_value"));
            LN_TRY(ln_check_dim(c, pv->dims[2], past->dims[2], "length of past_value"));
            LN_TRY(ln_check_dim(c, pv->dims[3], t.v_head, "head size of past_value"));
        }
    }
    p->past = past ? past->dims[2] : 0;
    t.total = p->past < 0 || p->past > INT64_MAX - p->length ? LN_UNKNOWN : p->past + p->length;
    p->core = t;
    *known = true;
    return LINNET_OK;
}

static linnet_status mha_infer(ln_ctx *c)
{
    const mha_params *p = c->params;
    linnet_type type = (linnet_type)c->in[QUERY]->type;
    bool known;
    LN_TRY(geometry(c, &known));
    if (!known) {
        ln_set_unknown(c, 1, type);
        ln_set_unknown(c, 2, type);
        return ln_set_unknown(c, 0, type);
    }
    const ln_attention *t = &p->core;
    int64_t hidden;
    LN_TRY(ln_mul_size(c, t->heads, t->v_head, &hidden));
    LN_TRY(ln_set_shape(c, 1, type, 4, (int64_t[]){t->batch, t->heads, t->total, t->head}));
    LN_TRY(ln_set_shape(c, 2, type, 4, (int64_t[]){t->batch, t->heads, t->total, t->v_head}));
    return ln_set_shape(c, 0, type, 3, (int64_t[]){t->batch, t->q_len, hidden});
}

static linnet_status plan_mask(ln_ctx *c, mha_params *p, const ln_info *mask)
{
    ln_attention *t = &p->core;
    t->outside = t->mask_value = p->mask_filter_value;
    if (!mask)
        return LINNET_OK;
    /* Lengths of keys; in 3 batch + 2 numbers where queries and keys start follow, of which a padded batch has no need.
     */
    if (mask->rank == 1 && (mask->dims[0] == t->batch || mask->dims[0] == 3 * t->batch + 2)) {
        p->mask_bounds = 1;
        return LINNET_OK;
    }
    if ((mask->rank != 2 && mask->rank != 3) || mask->dims[0] != t->batch || mask->dims[mask->rank - 1] != t->total ||
        (mask->rank == 3 && mask->dims[1] != t->q_len))
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "a key_padding_mask of rank %d and this shape", mask->rank);
    t->mask_kind = LN_ATTN_RAW;
    t->mask_type = LINNET_INT32;
    t->mask_len = t->total;
    t->mask_step[0] = mask->rank == 2 ? t->total : t->q_len * t->total;
    t->mask_step[2] = mask->rank == 2 ? 0 : t->total;
    return LINNET_OK;
}

static int64_t room(size_t *scratch, bool needed, int64_t elements, size_t size)
{
    int64_t at = (int64_t)*scratch;
    if (!needed)
        return -1;
    *scratch += ((size_t)elements * size + 63) / 64 * 64;
    return at;
}

static linnet_status mha_plan(ln_ctx *c)
{
    mha_params *p = c->params;
    ln_attention *t = &p->core;
    const ln_info *bias = ln_in(c, BIAS), *extra = ln_in(c, EXTRA);
    bool known;
    LN_TRY(geometry(c, &known));
    p->biased = bias != NULL;
    p->in_mask = ln_in(c, MASK) ? MASK : -1;
    p->in_extra = extra ? EXTRA : -1;
    p->in_past = ln_in(c, PAST_KEY) ? PAST_KEY : -1;
    for (int32_t i = 0; i < 3; i++)
        p->outputs[i] = ln_has_out(c, i);
    t->scale = p->scale > 0 ? p->scale : t->head > 0 ? 1 / sqrtf((float)t->head) : 1;
    LN_TRY(plan_mask(c, p, ln_in(c, MASK)));
    if (extra) {
        int64_t last;
        t->bias_type = extra->type;
        LN_TRY(ln_attention_mask_steps(c, t, extra, t->bias_step, &last));
        LN_TRY(ln_check_dim(c, last, t->total, "last dimension of attention_bias"));
    }
    if (bias)
        LN_TRY(ln_check_dim(c, ln_info_count(bias), t->heads * (2 * t->head + t->v_head), "length of the bias"));
    size_t scratch = 0, workers, size = linnet_type_size((linnet_type)t->type);
    int64_t nq, nk, nv;
    LN_TRY(ln_mul_size(c, t->batch * t->heads * t->q_len, t->head, &nq));
    LN_TRY(ln_mul_size(c, t->batch * t->heads * t->total, t->head, &nk));
    LN_TRY(ln_mul_size(c, t->batch * t->heads * t->total, t->v_head, &nv));
    p->scratch_q = room(&scratch, p->biased, nq, size);
    p->scratch_k = room(&scratch, p->biased, nk, size);
    p->scratch_v = room(&scratch, p->biased, nv, size);
    p->scratch_join_k = room(&scratch, p->in_past >= 0 && !p->outputs[1], nk, size);
    p->scratch_join_v = room(&scratch, p->in_past >= 0 && !p->outputs[2], nv, size);
    p->scratch_batch = room(&scratch, true, 2 * t->batch, sizeof(int64_t));
    memcpy(t->k_step, p->k_step, sizeof t->k_step);
    memcpy(t->v_step, p->v_step, sizeof t->v_step);
    memcpy(p->q_step, t->q_step, sizeof p->q_step);
    if (p->biased) {
        ln_attention_steps(t->q_step, false, t->heads, t->q_len, t->head);
        ln_attention_steps(t->k_step, false, t->heads, p->length, t->head);
        ln_attention_steps(t->v_step, false, t->heads, p->length, t->v_head);
    }
    if (p->outputs[1] || p->scratch_join_k >= 0)
        ln_attention_steps(t->k_step, true, t->heads, t->total, t->head);
    if (p->outputs[2] || p->scratch_join_v >= 0)
        ln_attention_steps(t->v_step, true, t->heads, t->total, t->v_head);
    ln_attention_steps(t->y_step, false, t->heads, t->q_len, t->v_head);
    p->scratch_workers = (int64_t)scratch;
    LN_TRY(ln_attention_plan(c, t, &workers));
    ln_scratch(c, scratch + workers);
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_I_REQ(mha_params, num_heads), LN_ATTR_I(mha_params, unidirectional, 0),
                                     LN_ATTR_F(mha_params, scale, 0.0f),
                                     LN_ATTR_F(mha_params, mask_filter_value, -10000.0f), LN_ATTR_END};

LN_OP(MultiHeadAttention) = {
    .domain = "com.microsoft",
    .type = "MultiHeadAttention",
    .since = {1},
    .types = LN_T(LINNET_FLOAT32) | LN_T(LINNET_FLOAT16) | LN_T(LINNET_BFLOAT16),
    .in = {1, 10},
    .out = {1, 4},
    .attrs = attrs,
    .params_size = sizeof(mha_params),
    .infer = mha_infer,
    .plan = mha_plan,
    LN_RUN_NAME(ln_multiheadattention),
};
