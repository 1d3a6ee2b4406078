/* SPDX-License-Identifier: Apache-2.0
 *
 * com.microsoft Attention and QAttention: the projection of the input to Q, K and V by merged weights (of float32, or
 * quantised), then attention over attention.h, reading the three where the projection left them. Masks: raw ones of
 * int32 (0 adds mask_filter_value), or the end (and start) of each sequence. ONNX Runtime docs/ContribOperators.md.
 */
#include <math.h>
#include <string.h>

#include "kernels/gemm.h"
#include "ops/attention.h"
#include "ops/qproduct.h"

typedef struct msattention_params {
    int64_t num_heads, unidirectional, do_rotary, past_present_share_buffer, rotary_embedding_dim; /* attributes */
    int64_t qkv_hidden_sizes[3];
    int32_t n_qkv_hidden_sizes;
    float scale, mask_filter_value;
    ln_attention core;
    ln_qproduct product;         /* quantised projection */
    int64_t rows, inputs, width; /* of the projection */
    int64_t past;
    int64_t qkv_step[3];
    int64_t k_at, v_at; /* columns of K and V */
    int64_t scratch_qkv, scratch_present, scratch_batch, scratch_workers, scratch_gemm, gemm_bytes, scratch_weights;
    int64_t scratch_scale, scales;
    int32_t quantised, packed, in_bias, in_mask, in_past, in_bias2, has_present, mask_bounds; /* inputs: -1 absent */
    int32_t in_x_zero, in_w_zero;
} msattention_params;

static const void *given(const ln_args *a, int32_t i)
{
    return i < 0 ? NULL : a->in[i];
}

typedef struct projection {
    ln_gemm_f32_job job;
    char *scratch;
    int64_t bytes;
} projection;

static void tiles(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const projection *j = arg;
    ln_gemm_f32_run(&j->job, j->scratch + worker * j->bytes, (size_t)begin, (size_t)end);
}

static void pack(const msattention_params *p, float *to, const float *w, const float *bias)
{
    const ln_gemm_f32_desc *d = LN_D(gemm_f32);
    ln_gemm_f32_b b = {.b = w,
                       .n_stride = 1,
                       .k_stride = (size_t)p->width,
                       .bias = bias,
                       .bias_stride = 1,
                       .scale = 1,
                       .bias_scale = 1};
    ln_gemm_f32_pack(d, to, (size_t)p->width, 1, (size_t)p->inputs, &b, 0, ((size_t)p->width + d->nr - 1) / d->nr);
}

static void project(const ln_args *a, const msattention_params *p, float *qkv)
{
    char *scratch = a->scratch;
    if (p->quantised) {
        float *scale = (float *)(void *)(scratch + p->scratch_scale);
        for (int64_t i = 0; i < p->width; i++)
            scale[i] = *(const float *)a->in[3] * ((const float *)a->in[4])[p->scales > 1 ? i : 0];
        ln_qproduct_in in = {.a = a->in[0],
                             .b = a->in[1],
                             .packed = a->packed,
                             .b_zero = given(a, p->in_w_zero),
                             .a_zero = ln_zero_of(given(a, p->in_x_zero), p->product.a_signed, 0),
                             .out = LN_QGEMM_F32,
                             .scale = scale,
                             .fbias = given(a, p->in_bias),
                             .c = qkv};
        ln_qproduct_run(a, &p->product, &in);
        return;
    }
    const float *weights = a->packed;
    if (!p->packed) {
        float *to = (float *)(void *)(scratch + p->scratch_weights);
        pack(p, to, a->in[1], given(a, p->in_bias));
        weights = to;
    }
    projection j = {.scratch = scratch + p->scratch_gemm, .bytes = p->gemm_bytes};
    j.job = (ln_gemm_f32_job){.d = LN_D(gemm_f32),
                              .m = (size_t)p->rows,
                              .n = (size_t)p->width,
                              .taps = 1,
                              .k = (size_t)p->inputs,
                              .a = a->in[0],
                              .a_row = (size_t)p->inputs,
                              .a_col = 1,
                              .b = weights,
                              .c = qkv,
                              .ldc = (size_t)p->width};
    ln_gemm_f32_prepare(&j.job, 2);
    ln_parallel(a, (int64_t)j.job.tiles, ln_gemm_f32_cost(&j.job), tiles, &j);
}

LN_RUN(ln_msattention)
{
    const msattention_params *p = a->params;
    const ln_attention *t = &p->core;
    char *scratch = a->scratch;
    float *qkv = (float *)(void *)(scratch + p->scratch_qkv);
    project(a, p, qkv);
    ln_attention_in in = {.q = qkv,
                          .k = qkv + p->k_at,
                          .v = qkv + p->v_at,
                          .y = a->out[0],
                          .bias = given(a, p->in_bias2),
                          .scratch = scratch + p->scratch_workers};
    int64_t *offset = (int64_t *)(void *)(scratch + p->scratch_batch), *stop = offset + t->batch,
            *start = stop + t->batch;
    const int32_t *mask = given(a, p->in_mask);
    for (int64_t b = 0; b < t->batch; b++) {
        offset[b] = p->past;
        if (p->mask_bounds) {
            stop[b] = mask[b];
            start[b] = p->mask_bounds > 1 ? mask[t->batch + b] : 0;
        }
    }
    in.offset = offset;
    if (p->mask_bounds) {
        in.stop = stop;
        in.start = p->mask_bounds > 1 ? start : NULL;
    } else {
        in.mask = mask;
    }
    if (p->in_past >= 0 || p->has_present) {
        float *present = p->has_present ? a->out[1] : (float *)(void *)(scratch + p->scratch_present);
        const float *past = given(a, p->in_past);
        int64_t half = t->batch * t->heads * t->total * t->head;
        int64_t past_half = t->batch * t->heads * p->past * t->head;
        ln_attention_join(present, past, in.k, p->qkv_step, t->batch, t->heads, p->past, t->total - p->past, t->total,
                          t->head, sizeof(float));
        ln_attention_join(present + half, past ? past + past_half : NULL, in.v, p->qkv_step, t->batch, t->heads,
                          p->past, t->total - p->past, t->total, t->head, sizeof(float));
        in.k = present;
        in.v = present + half;
    }
    ln_attention_run(a, t, &in);
    return LINNET_OK;
}

/* Dimensions into p; *known: all that are needed. */
static linnet_status geometry(ln_ctx *c, int32_t quantised, bool *known)
{
    msattention_params *p = c->params;
    const ln_info *x = c->in[0], *w = c->in[1];
    int32_t i_past = quantised ? 8 : 4;
    const ln_info *past = ln_in(c, i_past);
    *known = false;
    p->quantised = quantised;
    if (p->num_heads < 1 || p->num_heads > INT32_MAX)
        return ln_fail(c, LINNET_ERR_MODEL, "num_heads %lld", (long long)p->num_heads);
    if (p->do_rotary || p->past_present_share_buffer)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "do_rotary %lld, past_present_share_buffer %lld",
                       (long long)p->do_rotary, (long long)p->past_present_share_buffer);
    LN_TRY(ln_check_type(c, 1, quantised ? LN_T_8 : LN_T(LINNET_FLOAT32), "weights"));
    LN_TRY(ln_check_type(c, 2, LN_T(LINNET_FLOAT32), "bias"));
    LN_TRY(ln_check_type(c, i_past, LN_T(LINNET_FLOAT32), "past"));
    LN_TRY(ln_check_type(c, quantised ? 5 : 3, LN_T(LINNET_INT32), "mask_index"));
    if (quantised) {
        LN_TRY(ln_check_type(c, 3, LN_T(LINNET_FLOAT32), "input_scale"));
        LN_TRY(ln_check_type(c, 4, LN_T(LINNET_FLOAT32), "weight_scale"));
        LN_TRY(ln_check_type(c, 6, LN_T_8, "input_zero_point"));
        LN_TRY(ln_check_type(c, 7, LN_T_8, "weight_zero_point"));
    } else {
        LN_TRY(ln_check_type(c, 5, LN_T(LINNET_FLOAT32), "attention_bias"));
        if (ln_in(c, 6))
            return ln_fail(c, LINNET_ERR_UNSUPPORTED, "past_sequence_length");
    }
    LN_TRY(ln_check_rank(c, 0, 3, 3, "input"));
    LN_TRY(ln_check_rank(c, 1, 2, 2, "weights"));
    LN_TRY(ln_check_rank(c, i_past, 5, 5, "past"));
    if (x->rank < 0 || w->rank < 0 || x->dims[2] < 0 || w->dims[1] < 0 || (past && past->rank < 0))
        return LINNET_OK;
    LN_TRY(ln_check_dim(c, w->dims[0], x->dims[2], "rows of the weights"));
    int64_t q = w->dims[1] / 3, v = q, N = p->num_heads;
    if (p->n_qkv_hidden_sizes > 0) {
        if (p->n_qkv_hidden_sizes != 3 || p->qkv_hidden_sizes[0] != p->qkv_hidden_sizes[1] ||
            p->qkv_hidden_sizes[0] < 0 || p->qkv_hidden_sizes[2] < 0 || p->qkv_hidden_sizes[0] > INT32_MAX ||
            p->qkv_hidden_sizes[2] > INT32_MAX)
            return ln_fail(c, LINNET_ERR_MODEL, "qkv_hidden_sizes make no sense");
        q = p->qkv_hidden_sizes[0];
        v = p->qkv_hidden_sizes[2];
    }
    LN_TRY(ln_check_dim(c, w->dims[1], 2 * q + v, "columns of the weights"));
    if (q % N != 0 || v % N != 0)
        return ln_fail(c, LINNET_ERR_MODEL, "%lld heads do not divide %lld and %lld", (long long)N, (long long)q,
                       (long long)v);
    if (past) {
        LN_TRY(ln_check_dim(c, past->dims[0], 2, "dimension 0 of past"));
        LN_TRY(ln_check_dim(c, past->dims[1], x->dims[0], "batch of past"));
        LN_TRY(ln_check_dim(c, past->dims[2], N, "heads of past"));
        LN_TRY(ln_check_dim(c, past->dims[4], q / N, "head size of past"));
    }
    if ((past || ln_has_out(c, 1)) && q != v)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "past or present with V of another size");
    p->past = past ? past->dims[3] : 0;
    p->width = w->dims[1];
    p->inputs = x->dims[2];
    p->k_at = q;
    p->v_at = 2 * q;
    int64_t S = x->dims[1], total = p->past >= 0 && S >= 0 && S < INT64_MAX - p->past ? S + p->past : LN_UNKNOWN;
    p->core = (ln_attention){.batch = x->dims[0],
                             .heads = N,
                             .kv_heads = N,
                             .q_len = S,
                             .total = total,
                             .head = q / N,
                             .v_head = v / N,
                             .type = LINNET_FLOAT32,
                             .v_type = LINNET_FLOAT32,
                             .soft_type = LINNET_FLOAT32,
                             .left = -1,
                             .right = -1,
                             .qk_mode = -1,
                             .causal = p->unidirectional != 0};
    *known = true;
    return LINNET_OK;
}

static linnet_status infer(ln_ctx *c, int32_t quantised)
{
    const msattention_params *p = c->params;
    bool known;
    LN_TRY(geometry(c, quantised, &known));
    if (!known) {
        ln_set_unknown(c, 1, LINNET_FLOAT32);
        return ln_set_unknown(c, 0, LINNET_FLOAT32);
    }
    const ln_attention *t = &p->core;
    LN_TRY(ln_set_shape(c, 1, LINNET_FLOAT32, 5, (int64_t[]){2, t->batch, t->heads, t->total, t->head}));
    return ln_set_shape(c, 0, LINNET_FLOAT32, 3, (int64_t[]){t->batch, t->q_len, t->heads * t->v_head});
}

static linnet_status plan_mask(ln_ctx *c, msattention_params *p, const ln_info *mask)
{
    ln_attention *t = &p->core;
    t->outside = t->mask_value = p->mask_filter_value;
    if (!mask)
        return LINNET_OK;
    if (mask->rank == 1 && (mask->dims[0] == t->batch || mask->dims[0] == 2 * t->batch)) {
        p->mask_bounds = mask->dims[0] == t->batch ? 1 : 2;
        return LINNET_OK;
    }
    if (mask->rank == 2 && mask->dims[1] == 1 && t->total != 1) { /* stands for no mask */
        p->in_mask = -1;
        return LINNET_OK;
    }
    t->mask_kind = LN_ATTN_RAW;
    t->mask_type = LINNET_INT32;
    if ((mask->rank != 2 && mask->rank != 3) || mask->dims[0] != t->batch || mask->dims[mask->rank - 1] != t->total ||
        (mask->rank == 3 && mask->dims[1] != t->q_len))
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "a mask of rank %d and this shape", mask->rank);
    t->mask_len = t->total;
    t->mask_step[0] = mask->rank == 2 ? t->total : t->q_len * t->total;
    t->mask_step[2] = mask->rank == 2 ? 0 : t->total;
    return LINNET_OK;
}

static int64_t room(size_t *scratch, size_t bytes)
{
    int64_t at = (int64_t)*scratch;
    *scratch += (bytes + 63) / 64 * 64;
    return at;
}

static linnet_status plan_projection(ln_ctx *c, msattention_params *p, size_t *scratch)
{
    const ln_info *w = c->in[1], *bias = ln_in(c, 2);
    if (p->quantised) {
        size_t packed;
        p->scales = ln_info_count(c->in[4]);
        if (p->scales != 1)
            LN_TRY(ln_check_dim(c, p->scales, p->width, "length of weight_scale"));
        LN_TRY(ln_qproduct_plan(c, &p->product, 0, 1, p->in_w_zero, &packed, scratch));
        p->scratch_scale = room(scratch, (size_t)p->width * sizeof(float));
        if (!p->product.packed)
            return LINNET_OK;
        void *to = ln_pack(c, packed);
        if (!to)
            return ln_no_memory(c);
        ln_qproduct_pack(&p->product, to, w->data, p->in_w_zero < 0 ? NULL : c->in[p->in_w_zero]->data, NULL);
        ln_drop_input(c, 1);
        return LINNET_OK;
    }
    size_t elements = ln_gemm_f32_packed(LN_D(gemm_f32), (size_t)p->width, 1, (size_t)p->inputs);
    if (elements > SIZE_MAX / 64)
        return ln_fail(c, LINNET_ERR_MEMORY, "the weights are too large");
    p->packed = w->data && (!bias || bias->data);
    p->gemm_bytes =
        (int64_t)((ln_gemm_f32_scratch(LN_D(gemm_f32), SIZE_MAX, SIZE_MAX, 1, (size_t)p->inputs) + 63) / 64 * 64);
    p->scratch_gemm = room(scratch, (size_t)(p->gemm_bytes * c->threads));
    if (!p->packed) {
        p->scratch_weights = room(scratch, elements * sizeof(float));
        return LINNET_OK;
    }
    float *to = ln_pack(c, elements * sizeof(float));
    if (!to)
        return ln_no_memory(c);
    pack(p, to, w->data, bias ? bias->data : NULL);
    ln_drop_input(c, 1);
    return LINNET_OK;
}

static linnet_status plan(ln_ctx *c, int32_t quantised)
{
    msattention_params *p = c->params;
    ln_attention *t = &p->core;
    bool known;
    LN_TRY(geometry(c, quantised, &known));
    int32_t i_mask = quantised ? 5 : 3, i_past = quantised ? 8 : 4;
    const ln_info *bias = ln_in(c, 2), *extra = quantised ? NULL : ln_in(c, 5);
    p->in_bias = bias ? 2 : -1;
    p->in_mask = ln_in(c, i_mask) ? i_mask : -1;
    p->in_past = ln_in(c, i_past) ? i_past : -1;
    p->in_bias2 = extra ? 5 : -1;
    p->in_x_zero = quantised && ln_in(c, 6) ? 6 : -1;
    p->in_w_zero = quantised && ln_in(c, 7) ? 7 : -1;
    p->has_present = ln_has_out(c, 1);
    if (bias)
        LN_TRY(ln_check_dim(c, ln_info_count(bias), p->width, "length of the bias"));
    t->scale = p->scale > 0 ? p->scale : t->head > 0 ? 1 / sqrtf((float)t->head) : 1;
    LN_TRY(plan_mask(c, p, ln_in(c, i_mask)));
    if (extra) {
        int64_t last;
        t->bias_type = LINNET_FLOAT32;
        LN_TRY(ln_attention_mask_steps(c, t, extra, t->bias_step, &last));
        LN_TRY(ln_check_dim(c, last, t->total, "last dimension of attention_bias"));
    }
    p->qkv_step[0] = t->q_len * p->width;
    p->qkv_step[2] = p->width;
    p->qkv_step[1] = t->head;
    memcpy(t->q_step, p->qkv_step, sizeof t->q_step);
    memcpy(t->k_step, p->qkv_step, sizeof t->k_step);
    memcpy(t->v_step, p->qkv_step, sizeof t->v_step);
    t->v_step[1] = t->v_head;
    if (p->in_past >= 0 || p->has_present) {
        ln_attention_steps(t->k_step, true, t->heads, t->total, t->head);
        ln_attention_steps(t->v_step, true, t->heads, t->total, t->head);
    }
    ln_attention_steps(t->y_step, false, t->heads, t->q_len, t->v_head);
    size_t scratch = 0, workers;
    int64_t n;
    LN_TRY(ln_mul_size(c, t->batch, t->q_len, &p->rows));
    LN_TRY(ln_mul_size(c, p->rows, p->width, &n));
    LN_TRY(plan_projection(c, p, &scratch));
    p->scratch_qkv = room(&scratch, (size_t)n * sizeof(float));
    p->scratch_batch = room(&scratch, (size_t)t->batch * 3 * sizeof(int64_t));
    LN_TRY(ln_mul_size(c, t->batch * t->total, t->heads * t->head * 2, &n));
    p->scratch_present = room(&scratch, p->in_past >= 0 && !p->has_present ? (size_t)n * sizeof(float) : 0);
    p->scratch_workers = (int64_t)scratch;
    LN_TRY(ln_attention_plan(c, t, &workers));
    ln_scratch(c, scratch + workers);
    return LINNET_OK;
}

static linnet_status float_infer(ln_ctx *c)
{
    return infer(c, 0);
}

static linnet_status float_plan(ln_ctx *c)
{
    return plan(c, 0);
}

static linnet_status quantised_infer(ln_ctx *c)
{
    return infer(c, 1);
}

static linnet_status quantised_plan(ln_ctx *c)
{
    return plan(c, 1);
}

static const ln_attr_spec attrs[] = {
    LN_ATTR_I_REQ(msattention_params, num_heads),
    LN_ATTR_I(msattention_params, unidirectional, 0),
    LN_ATTR_I(msattention_params, do_rotary, 0),
    LN_ATTR_I(msattention_params, past_present_share_buffer, 0),
    LN_ATTR_I(msattention_params, rotary_embedding_dim, 0),
    LN_ATTR_INTS(msattention_params, qkv_hidden_sizes),
    LN_ATTR_F(msattention_params, scale, 0.0f),
    LN_ATTR_F(msattention_params, mask_filter_value, -10000.0f),
    LN_ATTR_END,
};

LN_OP(MsAttention) = {
    .domain = "com.microsoft",
    .type = "Attention",
    .since = {1},
    .types = LN_T(LINNET_FLOAT32),
    .in = {2, 7},
    .out = {1, 2},
    .attrs = attrs,
    .params_size = sizeof(msattention_params),
    .infer = float_infer,
    .plan = float_plan,
    LN_RUN_NAME(ln_msattention),
};

LN_OP(QAttention) = {
    .domain = "com.microsoft",
    .type = "QAttention",
    .since = {1},
    .types = LN_T_8,
    .in = {5, 9},
    .out = {1, 2},
    .attrs = attrs,
    .params_size = sizeof(msattention_params),
    .infer = quantised_infer,
    .plan = quantised_plan,
    LN_RUN_NAME(ln_msattention),
};
