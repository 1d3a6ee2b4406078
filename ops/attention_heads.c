/* SPDX-License-Identifier: Apache-2.0
 *
 * Attention-1 of ai.linnet, which a pass makes of the products, the scale, the mask and the softmax that exporters
 * write: softmax(scale Q K^T + mask) V for every head, over attention.h. float32.
 *
 * Q, K, V have rank 4: [batch, heads, length, size], or [batch, length, heads, size] where q_last, k_last, v_last say
 * so; of rank 3 the batch is missing. The output is like Q, with y_last. The mask broadcasts to [heads, length, keys].
 * A query that is masked from all keys gives NaN, as a softmax does.
 */
#include "ops/attention.h"

typedef struct heads_params {
    float scale;
    int64_t q_last, k_last, v_last, y_last;
    ln_attention core;
    int32_t mask, unused;
} heads_params;

LN_RUN(ln_attention_heads)
{
    const heads_params *p = a->params;
    ln_attention_in in = {.q = a->in[0],
                          .k = a->in[1],
                          .v = a->in[2],
                          .mask = p->mask ? a->in[3] : NULL,
                          .y = a->out[0],
                          .scratch = a->scratch};
    ln_attention_run(a, &p->core, &in);
    return LINNET_OK;
}

/* Batch, heads, length, size of input i. */
static void read_dims(const ln_info *x, bool last, int64_t dims[4])
{
    int32_t r = x->rank;
    dims[0] = r == 4 ? x->dims[0] : 1;
    dims[1] = x->dims[last ? r - 2 : r - 3];
    dims[2] = x->dims[last ? r - 3 : r - 2];
    dims[3] = x->dims[r - 1];
}

static linnet_status heads_infer(ln_ctx *c)
{
    heads_params *p = c->params;
    const ln_info *q = c->in[0];
    int64_t dq[4], dk[4], dv[4], dims[4];
    for (int32_t i = 0; i < c->n_in; i++)
        LN_TRY(ln_check_type(c, i, LN_T(LINNET_FLOAT32), i == 3 ? "the mask" : "an input"));
    LN_TRY(ln_check_rank(c, 0, 3, 4, "Q"));
    if (q->rank < 0 || c->in[1]->rank < 0 || c->in[2]->rank < 0)
        return ln_set_unknown(c, 0, LINNET_FLOAT32);
    LN_TRY(ln_check_rank(c, 1, q->rank, q->rank, "K"));
    LN_TRY(ln_check_rank(c, 2, q->rank, q->rank, "V"));
    read_dims(q, p->q_last != 0, dq);
    read_dims(c->in[1], p->k_last != 0, dk);
    read_dims(c->in[2], p->v_last != 0, dv);
    for (int32_t i = 0; i < 2; i++) {
        LN_TRY(ln_check_dim(c, dk[i], dq[i], "batch or heads of K"));
        LN_TRY(ln_check_dim(c, dv[i], dq[i], "batch or heads of V"));
    }
    LN_TRY(ln_check_dim(c, dk[3], dq[3], "head size of K"));
    LN_TRY(ln_check_dim(c, dv[2], dk[2], "length of V"));
    p->core = (ln_attention){.batch = dq[0],
                             .heads = dq[1],
                             .kv_heads = dq[1],
                             .q_len = dq[2],
                             .total = dk[2],
                             .head = dq[3],
                             .v_head = dv[3],
                             .scale = p->scale,
                             .left = -1,
                             .right = -1,
                             .type = LINNET_FLOAT32,
                             .v_type = LINNET_FLOAT32,
                             .soft_type = LINNET_FLOAT32,
                             .qk_mode = -1,
                             .nan_rows = 1};
    dims[0] = dq[0];
    dims[1] = p->y_last ? dq[2] : dq[1];
    dims[2] = p->y_last ? dq[1] : dq[2];
    dims[3] = dv[3];
    return ln_set_shape(c, 0, LINNET_FLOAT32, q->rank, q->rank == 4 ? dims : dims + 1);
}

static linnet_status heads_plan(ln_ctx *c)
{
    heads_params *p = c->params;
    ln_attention *t = &p->core;
    const ln_info *mask = ln_in(c, 3);
    LN_TRY(heads_infer(c));
    p->mask = mask != NULL;
    if (mask) {
        t->mask_kind = LN_ATTN_ADD;
        t->mask_type = LINNET_FLOAT32;
        LN_TRY(ln_attention_mask_steps(c, t, mask, t->mask_step, &t->mask_len));
        LN_TRY(ln_check_dim(c, t->mask_len, t->total, "keys of the mask"));
    }
    ln_attention_steps(t->q_step, !p->q_last, t->heads, t->q_len, t->head);
    ln_attention_steps(t->k_step, !p->k_last, t->heads, t->total, t->head);
    ln_attention_steps(t->v_step, !p->v_last, t->heads, t->total, t->v_head);
    ln_attention_steps(t->y_step, !p->y_last, t->heads, t->q_len, t->v_head);
    size_t scratch;
    LN_TRY(ln_attention_plan(c, t, &scratch));
    ln_scratch(c, scratch);
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_F(heads_params, scale, 1.0f), LN_ATTR_I(heads_params, q_last, 0),
                                     LN_ATTR_I(heads_params, k_last, 0),   LN_ATTR_I(heads_params, v_last, 0),
                                     LN_ATTR_I(heads_params, y_last, 0),   LN_ATTR_END};

LN_OP(LinnetAttention) = {
    .domain = "ai.linnet",
    .type = "Attention",
    .since = {1},
    .types = LN_T(LINNET_FLOAT32),
    .in = {3, 4},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(heads_params),
    .infer = heads_infer,
    .plan = heads_plan,
    LN_RUN_NAME(ln_attention_heads),
};
