/* SPDX-License-Identifier: Apache-2.0
 *
 * ai.onnx Attention-23, -24, -25 over attention.h: 3-D and 4-D inputs, groups of heads, boolean and float masks, causal
 * and sliding windows, caches inside (past and present) and outside (nonpad_kv_seqlen). A query with no key to see
 * gives zeros.
 */
#include <math.h>

#include "ops/attention.h"

typedef struct attention_params {
    int64_t is_causal, q_num_heads, kv_num_heads, qk_matmul_output_mode, softmax_precision;
    int64_t left_window_size, right_window_size;
    float scale, softcap;
    ln_attention core;
    int64_t past;                                                 /* keys before the new ones */
    int64_t new_len;                                              /* keys of K */
    int64_t k_step[3], v_step[3];                                 /* of K and V as given */
    int64_t scratch_k, scratch_v, scratch_batch, scratch_workers; /* -1: not needed */
    int32_t in_mask, in_nonpad, has_past, unused;
    int32_t outputs[4];
} attention_params;

enum { Q, K, V, MASK, PAST_KEY, PAST_VALUE, NONPAD };
enum { Y, PRESENT_KEY, PRESENT_VALUE, QK };

LN_RUN(ln_attention_onnx)
{
    const attention_params *p = a->params;
    const ln_attention *t = &p->core;
    char *scratch = a->scratch;
    ln_attention_in in = {.q = a->in[Q],
                          .k = a->in[K],
                          .v = a->in[V],
                          .y = a->out[Y],
                          .mask = p->in_mask ? a->in[MASK] : NULL,
                          .qk = p->outputs[QK] ? a->out[QK] : NULL,
                          .scratch = scratch + p->scratch_workers};
    /* Keys and values go through `present` where there is a past or that output is wanted. */
    void *keys = p->outputs[PRESENT_KEY] ? a->out[PRESENT_KEY] : p->scratch_k >= 0 ? scratch + p->scratch_k : NULL;
    void *values = p->outputs[PRESENT_VALUE] ? a->out[PRESENT_VALUE]
                   : p->scratch_v >= 0       ? scratch + p->scratch_v
                                             : NULL;
    if (keys) {
        ln_attention_join(keys, p->has_past ? a->in[PAST_KEY] : NULL, a->in[K], p->k_step, t->batch, t->kv_heads,
                          p->past, p->new_len, t->total, t->head, linnet_type_size((linnet_type)t->type));
        in.k = keys;
    }
    if (values) {
        ln_attention_join(values, p->has_past ? a->in[PAST_VALUE] : NULL, a->in[V], p->v_step, t->batch, t->kv_heads,
                          p->past, p->new_len, t->total, t->v_head, linnet_type_size((linnet_type)t->v_type));
        in.v = values;
    }
    int64_t *offset = (int64_t *)(void *)(scratch + p->scratch_batch);
    const int64_t *nonpad = p->in_nonpad ? a->in[NONPAD] : NULL;
    for (int64_t b = 0; b < t->batch; b++) {
        offset[b] = nonpad && !p->has_past ? nonpad[b] - t->q_len : p->past;
        if (nonpad && (nonpad[b] < 0 || nonpad[b] > t->total))
            return ln_run_fail(a, "nonpad_kv_seqlen[%lld] is %lld, out of [0, %lld]", (long long)b,
                               (long long)nonpad[b], (long long)t->total);
    }
    in.offset = offset;
    in.stop = nonpad;
    ln_attention_run(a, t, &in);
    return LINNET_OK;
}

/* Heads, length and size of Q, K or V; unknown ones are negative. */
static linnet_status read_dims(ln_ctx *c, int32_t i, int64_t heads, int64_t dims[3])
{
    const ln_info *x = c->in[i];
    if (x->rank == 4) {
        dims[0] = x->dims[1];
        dims[1] = x->dims[2];
        dims[2] = x->dims[3];
        return LINNET_OK;
    }
    if (heads < 1)
        return ln_fail(c, LINNET_ERR_MODEL, "3-D inputs need q_num_heads and kv_num_heads");
    dims[0] = heads;
    dims[1] = x->dims[1];
    if (x->dims[2] >= 0 && x->dims[2] % heads != 0)
        return ln_fail(c, LINNET_ERR_MODEL, "%lld heads do not divide %lld", (long long)heads, (long long)x->dims[2]);
    dims[2] = x->dims[2] < 0 ? LN_UNKNOWN : x->dims[2] / heads;
    return LINNET_OK;
}

/* Everything but the plan's memory: dimensions into p->core. *known: ranks are. */
static linnet_status geometry(ln_ctx *c, bool *known)
{
    attention_params *p = c->params;
    const ln_info *q = c->in[Q], *k = c->in[K], *v = c->in[V], *pk = ln_in(c, PAST_KEY), *pv = ln_in(c, PAST_VALUE);
    linnet_type type = (linnet_type)q->type, v_type = (linnet_type)v->type;
    *known = false;
    if (type != LINNET_UNDEFINED) {
        LN_TRY(ln_check_type(c, K, LN_T(type), "K"));
        LN_TRY(ln_check_type(c, PAST_KEY, LN_T(type), "past_key"));
        LN_TRY(ln_check_type(c, MASK, LN_T(type) | LN_T(LINNET_BOOL), "attn_mask"));
    }
    LN_TRY(ln_check_type(c, V, LN_T_FLOATS, "V"));
    if (v_type != LINNET_UNDEFINED)
        LN_TRY(ln_check_type(c, PAST_VALUE, LN_T(v_type), "past_value"));
    LN_TRY(ln_check_type(c, NONPAD, LN_T(LINNET_INT64), "nonpad_kv_seqlen"));
    if (!pk != !pv)
        return ln_fail(c, LINNET_ERR_MODEL, "past_key and past_value go together");
    if (p->qk_matmul_output_mode < 0 || p->qk_matmul_output_mode > 3)
        return ln_fail(c, LINNET_ERR_MODEL, "qk_matmul_output_mode %lld", (long long)p->qk_matmul_output_mode);
    if (p->left_window_size < -1 || p->right_window_size < -1 || p->left_window_size > INT32_MAX ||
        p->right_window_size > INT32_MAX)
        return ln_fail(c, LINNET_ERR_MODEL, "a window of %lld, %lld", (long long)p->left_window_size,
                       (long long)p->right_window_size);
    if (p->softmax_precision && p->softmax_precision != LINNET_FLOAT32 && p->softmax_precision != LINNET_FLOAT16 &&
        p->softmax_precision != LINNET_BFLOAT16 && p->softmax_precision != LINNET_FLOAT64)
        return ln_fail(c, LINNET_ERR_MODEL, "softmax_precision %lld", (long long)p->softmax_precision);
    LN_TRY(ln_check_rank(c, Q, 3, 4, "Q"));
    LN_TRY(ln_check_rank(c, PAST_KEY, 4, 4, "past_key"));
    LN_TRY(ln_check_rank(c, PAST_VALUE, 4, 4, "past_value"));
    if (q->rank < 0 || k->rank < 0 || v->rank < 0 || (pk && pk->rank < 0))
        return LINNET_OK;
    LN_TRY(ln_check_rank(c, K, q->rank, q->rank, "K"));
    LN_TRY(ln_check_rank(c, V, q->rank, q->rank, "V"));
    int64_t dq[3], dk[3], dv[3];
    LN_TRY(read_dims(c, Q, p->q_num_heads, dq));
    LN_TRY(read_dims(c, K, p->kv_num_heads, dk));
    LN_TRY(read_dims(c, V, p->kv_num_heads, dv));
    LN_TRY(ln_check_dim(c, dk[2], dq[2], "head size of K"));
    LN_TRY(ln_check_dim(c, dv[0], dk[0], "number of heads of V"));
    LN_TRY(ln_check_dim(c, dv[1], dk[1], "length of V"));
    LN_TRY(ln_check_dim(c, k->dims[0], q->dims[0], "batch of K"));
    LN_TRY(ln_check_dim(c, v->dims[0], q->dims[0], "batch of V"));
    if (dq[0] >= 0 && dk[0] >= 0 && (dk[0] == 0 || dq[0] % dk[0] != 0))
        return ln_fail(c, LINNET_ERR_MODEL, "%lld query heads for %lld key heads", (long long)dq[0], (long long)dk[0]);
    int64_t past = 0;
    if (pk) {
        past = pk->dims[2];
        LN_TRY(ln_check_dim(c, pk->dims[0], q->dims[0], "batch of past_key"));
        LN_TRY(ln_check_dim(c, pk->dims[1], dk[0], "heads of past_key"));
        LN_TRY(ln_check_dim(c, pk->dims[3], dk[2], "head size of past_key"));
        if (pv->rank == 4) {
            LN_TRY(ln_check_dim(c, pv->dims[0], q->dims[0], "batch of past_value"));
            LN_TRY(ln_check_dim(c, pv->dims[1], dk[0], "heads of past_value"));
            LN_TRY(ln_check_dim(c, pv->dims[2], past, "length of past_value"));
            LN_TRY(ln_check_dim(c, pv->dims[3], dv[2], "head size of past_value"));
        }
    }
    *known = true;
    bool total_known = past >= 0 && dk[1] >= 0 && past <= INT64_MAX / 2 && dk[1] <= INT64_MAX / 2;
    p->past = past;
    p->new_len = dk[1];
    p->core = (ln_attention){.batch = q->dims[0],
                             .heads = dq[0],
                             .kv_heads = dk[0],
                             .q_len = dq[1],
                             .total = total_known ? past + dk[1] : LN_UNKNOWN,
                             .head = dq[2],
                             .v_head = dv[2],
                             .type = (int32_t)type,
                             .v_type = (int32_t)v_type,
                             .left = p->left_window_size,
                             .softcap = p->softcap,
                             .right = p->right_window_size,
                             .causal = p->is_causal != 0};
    return LINNET_OK;
}

static linnet_status attention_infer(ln_ctx *c)
{
    const attention_params *p = c->params;
    const ln_attention *t = &p->core;
    linnet_type type = (linnet_type)c->in[Q]->type, v_type = (linnet_type)c->in[V]->type;
    bool known;
    LN_TRY(geometry(c, &known));
    if (!known) {
        ln_set_unknown(c, Y, type);
        ln_set_unknown(c, PRESENT_KEY, type);
        ln_set_unknown(c, PRESENT_VALUE, v_type);
        return ln_set_unknown(c, QK, type);
    }
    if (c->in[Q]->rank == 3) {
        int64_t hidden = LN_UNKNOWN;
        if (t->v_head >= 0)
            LN_TRY(ln_mul_size(c, t->heads, t->v_head, &hidden));
        LN_TRY(ln_set_shape(c, Y, type, 3, (int64_t[]){t->batch, t->q_len, hidden}));
    } else {
        LN_TRY(ln_set_shape(c, Y, type, 4, (int64_t[]){t->batch, t->heads, t->q_len, t->v_head}));
    }
    LN_TRY(ln_set_shape(c, PRESENT_KEY, type, 4, (int64_t[]){t->batch, t->kv_heads, t->total, t->head}));
    LN_TRY(ln_set_shape(c, PRESENT_VALUE, v_type, 4, (int64_t[]){t->batch, t->kv_heads, t->total, t->v_head}));
    return ln_set_shape(c, QK, type, 4, (int64_t[]){t->batch, t->heads, t->q_len, t->total});
}

static int64_t room(size_t *scratch, size_t bytes)
{
    int64_t at = (int64_t)*scratch;
    *scratch += (bytes + 63) / 64 * 64;
    return at;
}

static linnet_status attention_plan(ln_ctx *c)
{
    attention_params *p = c->params;
    ln_attention *t = &p->core;
    const ln_info *mask = ln_in(c, MASK), *nonpad = ln_in(c, NONPAD);
    bool known;
    LN_TRY(geometry(c, &known));
    bool first = c->in[Q]->rank == 4;
    for (int32_t i = 0; i < 4; i++)
        p->outputs[i] = ln_has_out(c, i);
    p->has_past = ln_in(c, PAST_KEY) != NULL;
    p->in_mask = mask != NULL;
    p->in_nonpad = nonpad != NULL;
    t->scale = ln_attr_has(c, "scale") ? p->scale : t->head > 0 ? 1 / sqrtf((float)t->head) : 1;
    t->soft_type = p->softmax_precision ? (int32_t)p->softmax_precision : t->type;
    t->qk_mode = p->outputs[QK] ? (int32_t)p->qk_matmul_output_mode : -1;
    t->outside = -INFINITY;
    if (mask) {
        t->mask_kind = mask->type == LINNET_BOOL ? LN_ATTN_BOOL : LN_ATTN_ADD;
        t->mask_type = mask->type;
        LN_TRY(ln_attention_mask_steps(c, t, mask, t->mask_step, &t->mask_len));
        if (t->mask_len > t->total)
            return ln_fail(c, LINNET_ERR_MODEL, "attn_mask has %lld keys of %lld", (long long)t->mask_len,
                           (long long)t->total);
    }
    if (nonpad)
        LN_TRY(ln_check_dim(c, ln_info_count(nonpad), t->batch, "length of nonpad_kv_seqlen"));
    ln_attention_steps(t->q_step, first, t->heads, t->q_len, t->head);
    ln_attention_steps(t->y_step, first, t->heads, t->q_len, t->v_head);
    ln_attention_steps(p->k_step, first, t->kv_heads, p->new_len, t->head);
    ln_attention_steps(p->v_step, first, t->kv_heads, p->new_len, t->v_head);
    size_t scratch = 0, workers;
    size_t size = linnet_type_size((linnet_type)t->type), v_size = linnet_type_size((linnet_type)t->v_type);
    p->scratch_batch = room(&scratch, (size_t)t->batch * sizeof(int64_t));
    p->scratch_k = p->scratch_v = -1;
    int64_t keys, values;
    LN_TRY(ln_mul_size(c, t->batch * t->kv_heads * t->total, t->head, &keys));
    LN_TRY(ln_mul_size(c, t->batch * t->kv_heads * t->total, t->v_head, &values));
    if (p->has_past && !p->outputs[PRESENT_KEY])
        p->scratch_k = room(&scratch, (size_t)keys * size);
    if (p->has_past && !p->outputs[PRESENT_VALUE])
        p->scratch_v = room(&scratch, (size_t)values * v_size);
    bool joined_k = p->outputs[PRESENT_KEY] || p->scratch_k >= 0;
    bool joined_v = p->outputs[PRESENT_VALUE] || p->scratch_v >= 0;
    ln_attention_steps(t->k_step, joined_k || first, t->kv_heads, t->total, t->head);
    ln_attention_steps(t->v_step, joined_v || first, t->kv_heads, t->total, t->v_head);
    p->scratch_workers = (int64_t)scratch;
    LN_TRY(ln_attention_plan(c, t, &workers));
    ln_scratch(c, scratch + workers);
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {
    LN_ATTR_I(attention_params, is_causal, 0),          LN_ATTR_I(attention_params, q_num_heads, 0),
    LN_ATTR_I(attention_params, kv_num_heads, 0),       LN_ATTR_I(attention_params, qk_matmul_output_mode, 0),
    LN_ATTR_I(attention_params, softmax_precision, 0),  LN_ATTR_I(attention_params, left_window_size, -1),
    LN_ATTR_I(attention_params, right_window_size, -1), LN_ATTR_F(attention_params, scale, 0.0f),
    LN_ATTR_F(attention_params, softcap, 0.0f),         LN_ATTR_END,
};

LN_OP(Attention) = {
    .domain = "",
    .type = "Attention",
    .since = {23, 24, 25},
    .types = LN_T_FLOATS,
    .in = {3, 7},
    .out = {1, 4},
    .attrs = attrs,
    .params_size = sizeof(attention_params),
    .infer = attention_infer,
    .plan = attention_plan,
    LN_RUN_NAME(ln_attention_onnx),
};
