/* SPDX-License-Identifier: Apache-2.0
 *
 * com.microsoft GroupQueryAttention over attention.h: causal attention with groups of heads, a cache whose length
 * differs from batch to batch (seqlens_k), rotary embedding on the way in, local windows, sinks. Caches of full length
 * and of the type of the query; the present is as long as past and total_sequence_length want it. ONNX Runtime
 * docs/ContribOperators.md.
 */
#include <math.h>
#include <string.h>

#include "ops/attention.h"

typedef struct gqa_params {
    int64_t num_heads, kv_num_heads, do_rotary, rotary_interleaved, local_window_size, smooth_softmax; /* attributes */
    int64_t causal, sliding_window_cache, kv_cache_bit_width, qk_output;
    float scale, softcap, qk_norm_epsilon;
    int32_t k_quant_type, v_quant_type;
    ln_attention core;
    int64_t past_room, room; /* positions of the past's and the present's buffer */
    int64_t q_step[3], k_step[3], v_step[3], k_at, v_at;
    int64_t half, cache_rows; /* rotary */
    int64_t scratch_q, scratch_k, scratch_v, scratch_batch, scratch_workers;
    int32_t packed, has_past, has_ids, in_extra;
    int32_t outputs[3], has_sink;
} gqa_params;

enum { QUERY, KEY, VALUE, PAST_KEY, PAST_VALUE, SEQLENS, TOTAL, COS, SIN, IDS, EXTRA, SINK };

/* n elements of a head at position `row`, turned, to y. */
static void turn(const ln_args *a, const gqa_params *p, void *to, int64_t y, const void *from, int64_t x, int64_t row)
{
    int t = p->core.type;
    for (int64_t i = 0; i < p->core.head; i++) {
        float v, w, c, s;
        ln_to_f32(&v, from, t, x + i, 1);
        if (i < 2 * p->half) {
            int64_t pair = p->rotary_interleaved ? i / 2 : i % p->half;
            bool second = p->rotary_interleaved ? i % 2 : i >= p->half;
            int64_t other = p->rotary_interleaved ? i ^ 1 : second ? i - p->half : i + p->half;
            ln_to_f32(&w, from, t, x + other, 1);
            ln_to_f32(&c, a->in[COS], t, row * p->half + pair, 1);
            ln_to_f32(&s, a->in[SIN], t, row * p->half + pair, 1);
            v = second ? v * c + w * s : v * c - w * s;
        }
        ln_from_f32(to, t, y + i, &v, 1, 0);
    }
}

LN_RUN(ln_groupqueryattention)
{
    const gqa_params *p = a->params;
    const ln_attention *t = &p->core;
    char *scratch = a->scratch;
    size_t size = linnet_type_size((linnet_type)t->type), one = (size_t)t->head * size;
    const char *q = a->in[QUERY], *k = p->packed ? q : a->in[KEY], *v = p->packed ? q : a->in[VALUE];
    char *keys = p->outputs[1] ? a->out[1] : scratch + p->scratch_k;
    char *values = p->outputs[2] ? a->out[2] : scratch + p->scratch_v;
    const int32_t *lens = a->in[SEQLENS];
    int64_t total = *(const int32_t *)a->in[TOTAL], S = t->q_len, G = t->kv_heads;
    int64_t *offset = (int64_t *)(void *)(scratch + p->scratch_batch), *stop = offset + t->batch;
    const int64_t *ids = p->has_ids ? a->in[IDS] : NULL;
    memset(keys, 0, (size_t)(t->batch * G * p->room) * one);
    memset(values, 0, (size_t)(t->batch * G * p->room) * one);
    for (int64_t b = 0; b < t->batch; b++) {
        /* A prompt starts its cache anew; else what is there precedes the new positions. */
        int64_t past = total == S ? 0 : (int64_t)lens[b] + 1 - S;
        if (past < 0 || past > p->past_room || past + S > p->room || lens[b] < 0 || lens[b] >= p->room)
            return ln_run_fail(a, "seqlens_k[%lld] is %d for %lld new positions and a cache of %lld", (long long)b,
                               lens[b], (long long)S, (long long)p->past_room);
        offset[b] = past;
        stop[b] = (int64_t)lens[b] + 1;
        for (int64_t g = 0; g < G; g++) {
            char *kt = keys + (size_t)((b * G + g) * p->room) * one,
                 *vt = values + (size_t)((b * G + g) * p->room) * one;
            if (p->has_past && past) {
                size_t at = (size_t)((b * G + g) * p->past_room) * one;
                memcpy(kt, (const char *)a->in[PAST_KEY] + at, (size_t)past * one);
                memcpy(vt, (const char *)a->in[PAST_VALUE] + at, (size_t)past * one);
            }
            for (int64_t s = 0; s < S; s++) {
                int64_t at = p->k_at + b * p->k_step[0] + g * p->k_step[1] + s * p->k_step[2];
                int64_t row = ids ? ids[b * S + s] : past + s;
                if (p->do_rotary && (row < 0 || row >= p->cache_rows))
                    return ln_run_fail(a, "position %lld is out of the rotary cache's [0, %lld)", (long long)row,
                                       (long long)p->cache_rows);
                if (p->do_rotary)
                    turn(a, p, kt, (past + s) * t->head, k, at, row);
                else
                    memcpy(kt + (size_t)(past + s) * one, k + (size_t)at * size, one);
                at = p->v_at + b * p->v_step[0] + g * p->v_step[1] + s * p->v_step[2];
                memcpy(vt + (size_t)(past + s) * one, v + (size_t)at * size, one);
            }
        }
        for (int64_t r = 0; p->do_rotary && r < S * t->heads; r++) {
            int64_t s = r / t->heads, h = r % t->heads;
            turn(a, p, scratch + p->scratch_q, (b * S * t->heads + r) * t->head, q,
                 b * p->q_step[0] + h * p->q_step[1] + s * p->q_step[2], ids ? ids[b * S + s] : past + s);
        }
    }
    ln_attention_in in = {.q = p->do_rotary ? scratch + p->scratch_q : q,
                          .k = keys,
                          .v = values,
                          .y = a->out[0],
                          .bias = p->in_extra < 0 ? NULL : a->in[EXTRA],
                          .sink = p->has_sink ? a->in[SINK] : NULL,
                          .offset = offset,
                          .stop = p->causal ? NULL : stop,
                          .scratch = scratch + p->scratch_workers};
    ln_attention_run(a, t, &in);
    return LINNET_OK;
}

/* Dimensions into p; *known: all but those that depend on total_sequence_length. */
static linnet_status geometry(ln_ctx *c, bool *known)
{
    static const char *const names[] = {"query", "key", "value", "past_key", "past_value"};
    gqa_params *p = c->params;
    const ln_info *q = c->in[QUERY], *k = ln_in(c, KEY), *v = ln_in(c, VALUE), *past = ln_in(c, PAST_KEY);
    int64_t N = p->num_heads, G = p->kv_num_heads;
    *known = false;
    if (N < 1 || G < 1 || N > 65536 || N % G != 0)
        return ln_fail(c, LINNET_ERR_MODEL, "num_heads %lld, kv_num_heads %lld", (long long)N, (long long)G);
    if (p->sliding_window_cache || p->k_quant_type || p->v_quant_type || p->qk_output || ln_has_out(c, 3))
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "sliding_window_cache, a quantised cache or output_qk");
    for (int32_t i = SINK + 1; i < c->n_in; i++)
        if (c->in[i])
            return ln_fail(c, LINNET_ERR_UNSUPPORTED, "input %d", i);
    for (int32_t i = 0; i < 5 && q->type != LINNET_UNDEFINED; i++)
        LN_TRY(ln_check_type(c, i, LN_T(q->type), names[i]));
    if (q->type != LINNET_UNDEFINED)
        LN_TRY(ln_check_type(c, SINK, LN_T(q->type), "head_sink"));
    if (ln_in(c, SINK) && ln_info_known(c->in[SINK]))
        LN_TRY(ln_check_dim(c, ln_info_count(c->in[SINK]), N, "number of sinks"));
    LN_TRY(ln_check_type(c, SEQLENS, LN_T(LINNET_INT32), "seqlens_k"));
    LN_TRY(ln_check_type(c, TOTAL, LN_T(LINNET_INT32), "total_sequence_length"));
    LN_TRY(ln_check_type(c, IDS, LN_T(LINNET_INT64), "position_ids"));
    if (!ln_in(c, SEQLENS) || !ln_in(c, TOTAL) || !ln_maybe_scalar(c->in[TOTAL]) || !k != !v ||
        (past && !ln_in(c, PAST_VALUE)))
        return ln_fail(c, LINNET_ERR_MODEL, "the inputs are not complete");
    if (p->do_rotary && (!ln_in(c, COS) || !ln_in(c, SIN)))
        return ln_fail(c, LINNET_ERR_MODEL, "do_rotary needs cos_cache and sin_cache");
    LN_TRY(ln_check_rank(c, QUERY, 3, 3, "query"));
    LN_TRY(ln_check_rank(c, KEY, 3, 3, "key"));
    LN_TRY(ln_check_rank(c, VALUE, 3, 3, "value"));
    LN_TRY(ln_check_rank(c, PAST_KEY, 4, 4, "past_key"));
    LN_TRY(ln_check_rank(c, PAST_VALUE, 4, 4, "past_value"));
    LN_TRY(ln_check_rank(c, SEQLENS, 1, 2, "seqlens_k"));
    if (!ln_info_known(q) || (k && !ln_info_known(k)) || (v && !ln_info_known(v)))
        return LINNET_OK;
    p->packed = !k;
    int64_t columns = k ? N : N + 2 * G, S = q->dims[1];
    if (q->dims[2] % columns != 0)
        return ln_fail(c, LINNET_ERR_MODEL, "%lld heads do not divide %lld", (long long)columns, (long long)q->dims[2]);
    int64_t D = q->dims[2] / columns;
    p->q_step[0] = S * q->dims[2];
    p->q_step[1] = D;
    p->q_step[2] = q->dims[2];
    if (k) {
        LN_TRY(ln_check_dim(c, k->dims[2], G * D, "width of key"));
        LN_TRY(ln_check_dim(c, v->dims[2], G * D, "width of value"));
        for (int32_t d = 0; d < 2; d++) {
            LN_TRY(ln_check_dim(c, k->dims[d], q->dims[d], "a dimension of key"));
            LN_TRY(ln_check_dim(c, v->dims[d], q->dims[d], "a dimension of value"));
        }
        ln_attention_steps(p->k_step, false, G, S, D);
        ln_attention_steps(p->v_step, false, G, S, D);
        p->k_at = p->v_at = 0;
    } else {
        memcpy(p->k_step, p->q_step, sizeof p->k_step);
        memcpy(p->v_step, p->q_step, sizeof p->v_step);
        p->k_at = N * D;
        p->v_at = (N + G) * D;
    }
    LN_TRY(ln_check_dim(c, ln_info_count(c->in[SEQLENS]), q->dims[0], "length of seqlens_k"));
    if (past && past->rank == 4) {
        for (int i = PAST_KEY; i <= PAST_VALUE; i++) {
            const ln_info *x = c->in[i];
            if (x->rank < 0)
                continue;
            LN_TRY(ln_check_dim(c, x->dims[0], q->dims[0], "batch of the past"));
            LN_TRY(ln_check_dim(c, x->dims[1], G, "heads of the past"));
            LN_TRY(ln_check_dim(c, x->dims[2], past->dims[2], "length of the past"));
            LN_TRY(ln_check_dim(c, x->dims[3], D, "head size of the past"));
        }
    }
    p->past_room = past ? past->rank == 4 ? past->dims[2] : LN_UNKNOWN : 0;
    int64_t total;
    p->room = LN_UNKNOWN;
    if (ln_in(c, TOTAL)->data && c->in[TOTAL]->type == LINNET_INT32 && p->past_room >= 0) {
        total = *(const int32_t *)c->in[TOTAL]->data;
        if (total < 0)
            return ln_fail(c, LINNET_ERR_MODEL, "total_sequence_length is %lld", (long long)total);
        p->room = total > p->past_room ? total : p->past_room;
    }
    p->core = (ln_attention){.batch = q->dims[0],
                             .heads = N,
                             .kv_heads = G,
                             .q_len = S,
                             .total = p->room,
                             .head = D,
                             .v_head = D,
                             .type = q->type,
                             .v_type = q->type,
                             .soft_type = LINNET_FLOAT32,
                             .qk_mode = -1,
                             .causal = p->causal != 0,
                             .right = -1,
                             .softcap = p->softcap,
                             .left = p->local_window_size > 0 ? p->local_window_size - 1 : -1, /* with itself */
                             .smooth = p->smooth_softmax > 0 || ln_in(c, SINK),
                             .outside = -INFINITY};
    *known = true;
    return LINNET_OK;
}

static linnet_status gqa_infer(ln_ctx *c)
{
    const gqa_params *p = c->params;
    linnet_type type = (linnet_type)c->in[QUERY]->type;
    bool known;
    LN_TRY(geometry(c, &known));
    if (!known) {
        ln_set_unknown(c, 1, type);
        ln_set_unknown(c, 2, type);
        return ln_set_unknown(c, 0, type);
    }
    const ln_attention *t = &p->core;
    for (int32_t i = 1; i < 3; i++)
        LN_TRY(ln_set_shape(c, i, type, 4, (int64_t[]){t->batch, t->kv_heads, p->room, t->head}));
    return ln_set_shape(c, 0, type, 3, (int64_t[]){t->batch, t->q_len, t->heads * t->head});
}

static int64_t room(size_t *scratch, int64_t elements, size_t size)
{
    int64_t at = (int64_t)*scratch;
    *scratch += ((size_t)elements * size + 63) / 64 * 64;
    return at;
}

static linnet_status gqa_plan(ln_ctx *c)
{
    gqa_params *p = c->params;
    ln_attention *t = &p->core;
    bool known;
    LN_TRY(geometry(c, &known));
    if (p->room < 0)
        return LN_NEED_DATA;
    const ln_info *extra = ln_in(c, EXTRA);
    p->has_past = ln_in(c, PAST_KEY) != NULL;
    p->has_ids = p->do_rotary && ln_in(c, IDS);
    p->has_sink = ln_in(c, SINK) != NULL;
    p->in_extra = extra ? EXTRA : -1;
    for (int32_t i = 0; i < 3; i++)
        p->outputs[i] = ln_has_out(c, i);
    t->scale = p->scale > 0 ? p->scale : t->head > 0 ? 1 / sqrtf((float)t->head) : 1;
    if (p->do_rotary) {
        const ln_info *cos = c->in[COS], *sin = c->in[SIN];
        if (cos->rank != 2 || sin->rank != 2 || cos->type != t->type || sin->type != t->type ||
            cos->dims[0] != sin->dims[0] || cos->dims[1] != sin->dims[1] || 2 * cos->dims[1] > t->head)
            return ln_fail(c, LINNET_ERR_MODEL, "cos_cache and sin_cache do not fit heads of %lld", (long long)t->head);
        p->half = cos->dims[1];
        p->cache_rows = cos->dims[0];
    }
    if (p->has_ids)
        LN_TRY(ln_check_dim(c, ln_info_count(c->in[IDS]), t->batch * t->q_len, "number of position_ids"));
    if (extra) {
        int64_t last;
        t->bias_type = extra->type;
        if (extra->type != t->type)
            return ln_fail(c, LINNET_ERR_MODEL, "attention_bias has another type than query");
        LN_TRY(ln_attention_mask_steps(c, t, extra, t->bias_step, &last));
        LN_TRY(ln_check_dim(c, last, t->total, "last dimension of attention_bias"));
    }
    memcpy(t->q_step, p->q_step, sizeof t->q_step);
    if (p->do_rotary)
        ln_attention_steps(t->q_step, false, t->heads, t->q_len, t->head);
    ln_attention_steps(t->k_step, true, t->kv_heads, t->total, t->head);
    ln_attention_steps(t->v_step, true, t->kv_heads, t->total, t->head);
    ln_attention_steps(t->y_step, false, t->heads, t->q_len, t->head);
    size_t scratch = 0, workers, size = linnet_type_size((linnet_type)t->type);
    int64_t nq, nk;
    LN_TRY(ln_mul_size(c, t->batch * t->heads * t->q_len, t->head, &nq));
    LN_TRY(ln_mul_size(c, t->batch * t->kv_heads, t->total, &nk));
    LN_TRY(ln_mul_size(c, nk, t->head, &nk));
    p->scratch_q = room(&scratch, p->do_rotary ? nq : 0, size);
    p->scratch_k = room(&scratch, p->outputs[1] ? 0 : nk, size);
    p->scratch_v = room(&scratch, p->outputs[2] ? 0 : nk, size);
    p->scratch_batch = room(&scratch, 2 * t->batch, sizeof(int64_t));
    p->scratch_workers = (int64_t)scratch;
    LN_TRY(ln_attention_plan(c, t, &workers));
    ln_scratch(c, scratch + workers);
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {
    LN_ATTR_I_REQ(gqa_params, num_heads),
    LN_ATTR_I_REQ(gqa_params, kv_num_heads),
    LN_ATTR_I(gqa_params, do_rotary, 0),
    LN_ATTR_I(gqa_params, rotary_interleaved, 0),
    LN_ATTR_I(gqa_params, local_window_size, -1),
    LN_ATTR_I(gqa_params, smooth_softmax, -1),
    LN_ATTR_I(gqa_params, causal, 1),
    LN_ATTR_I(gqa_params, sliding_window_cache, 0),
    LN_ATTR_I(gqa_params, kv_cache_bit_width, 0),
    LN_ATTR_I(gqa_params, qk_output, 0),
    LN_ATTR_F(gqa_params, scale, 0.0f),
    LN_ATTR_F(gqa_params, softcap, 0.0f),
    LN_ATTR_F(gqa_params, qk_norm_epsilon, 1e-6f),
    LN_ATTR_E(gqa_params, k_quant_type, "NONE|PER_TENSOR|PER_CHANNEL", 0),
    LN_ATTR_E(gqa_params, v_quant_type, "NONE|PER_TENSOR|PER_CHANNEL", 0),
    LN_ATTR_END,
};

LN_OP(GroupQueryAttention) = {
    .domain = "com.microsoft",
    .type = "GroupQueryAttention",
    .since = {1},
    .types = LN_T(LINNET_FLOAT32) | LN_T(LINNET_FLOAT16) | LN_T(LINNET_BFLOAT16),
    .in = {1, 16},
    .out = {1, 4},
    .attrs = attrs,
    .params_size = sizeof(gqa_params),
    .infer = gqa_infer,
    .plan = gqa_plan,
    LN_RUN_NAME(ln_groupqueryattention),
};
