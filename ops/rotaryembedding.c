/* SPDX-License-Identifier: Apache-2.0
 *
 * RotaryEmbedding-23, and com.microsoft's: pairs of elements of a head rotated by the angle of their position, of which
 * the caches hold cosine and sine. float16 and bfloat16 round after each operation, as the specification's expansion.
 */
#include "ops/convert.h"

typedef struct rotary_params {
    int64_t num_heads, rotary_embedding_dim, interleaved, is_packed_batching; /* attributes */
    float scale;
    int32_t type;
    int64_t batch, heads, length, head, half; /* half: pairs that turn */
    int64_t step[3];                          /* batch, head, position */
    int64_t positions;                        /* elements of position_ids; 0: none */
    int64_t cache_rows;
    int32_t microsoft, unused;
} rotary_params;

typedef struct job {
    const rotary_params *p;
    const ln_args *a;
    const void *cos, *sin;
    const int64_t *ids;
} job;

/* Pairs of one head at one position, in chunks. */
static void turn(const job *j, int64_t at, int64_t row)
{
    enum { CHUNK = 64 };
    const rotary_params *p = j->p;
    int t = p->type;
    float c[CHUNK], s[CHUNK], x[CHUNK], y[CHUNK], pair[2 * CHUNK];
    const void *in = j->a->in[0];
    void *out = j->a->out[0];
    for (int64_t i = 0; i < p->half; i += CHUNK) {
        int64_t n = p->half - i < CHUNK ? p->half - i : CHUNK;
        ln_to_f32(c, j->cos, t, row * p->half + i, n);
        ln_to_f32(s, j->sin, t, row * p->half + i, n);
        if (p->interleaved) {
            ln_to_f32(pair, in, t, at + 2 * i, 2 * n);
            for (int64_t k = 0; k < n; k++) {
                x[k] = pair[2 * k];
                y[k] = pair[2 * k + 1];
            }
        } else {
            ln_to_f32(x, in, t, at + i, n);
            ln_to_f32(y, in, t, at + p->half + i, n);
        }
        for (int64_t k = 0; k < n; k++) {
            float real = ln_round_to(c[k] * x[k], t) - ln_round_to(s[k] * y[k], t);
            float imaginary = ln_round_to(s[k] * x[k], t) + ln_round_to(c[k] * y[k], t);
            x[k] = pair[2 * k] = real;
            y[k] = pair[2 * k + 1] = imaginary;
        }
        if (p->interleaved) {
            ln_from_f32(out, t, at + 2 * i, pair, 2 * n, 0);
        } else {
            ln_from_f32(out, t, at + i, x, n, 0);
            ln_from_f32(out, t, at + p->half + i, y, n, 0);
        }
    }
    for (int64_t i = 2 * p->half; i < p->head; i += CHUNK) {
        int64_t n = p->head - i < CHUNK ? p->head - i : CHUNK;
        ln_to_f32(x, in, t, at + i, n);
        ln_from_f32(out, t, at + i, x, n, 0);
    }
}

static void rows(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    const rotary_params *p = j->p;
    (void)worker;
    for (int64_t r = begin; r < end; r++) {
        int64_t b = r / p->length, s = r % p->length;
        int64_t row = p->positions == 0 ? r : p->positions == 1 && p->microsoft ? j->ids[0] + s : j->ids[r];
        for (int64_t h = 0; h < p->heads; h++)
            turn(j, b * p->step[0] + h * p->step[1] + s * p->step[2], row);
    }
}

LN_RUN(ln_rotaryembedding)
{
    const rotary_params *p = a->params;
    job j = {p, a, a->in[p->microsoft ? 2 : 1], a->in[p->microsoft ? 3 : 2],
             p->positions ? a->in[p->microsoft ? 1 : 3] : NULL};
    int64_t last = p->positions == 1 && p->microsoft ? p->length - 1 : 0;
    for (int64_t i = 0; i < p->positions && p->length > 0; i++)
        if (j.ids[i] < 0 || j.ids[i] > INT32_MAX || j.ids[i] + last >= p->cache_rows)
            return ln_run_fail(a, "position %lld is out of the cache's [0, %lld)", (long long)j.ids[i],
                               (long long)p->cache_rows);
    ln_parallel(a, p->batch * p->length, (double)(p->heads * p->head), rows, &j);
    return LINNET_OK;
}

static linnet_status check(ln_ctx *c, int32_t microsoft)
{
    rotary_params *p = c->params;
    int32_t i_cos = microsoft ? 2 : 1, i_ids = microsoft ? 1 : 3;
    const ln_info *x = c->in[0];
    p->microsoft = microsoft;
    if (x->type != LINNET_UNDEFINED) {
        LN_TRY(ln_check_type(c, i_cos, LN_T(x->type), "cos_cache"));
        LN_TRY(ln_check_type(c, i_cos + 1, LN_T(x->type), "sin_cache"));
    }
    LN_TRY(ln_check_type(c, i_ids, LN_T(LINNET_INT64), "position_ids"));
    LN_TRY(ln_check_rank(c, 0, 3, 4, "X"));
    if (p->num_heads < 0 || p->num_heads > INT32_MAX || p->rotary_embedding_dim < 0 || p->rotary_embedding_dim % 2)
        return ln_fail(c, LINNET_ERR_MODEL, "num_heads %lld, rotary_embedding_dim %lld", (long long)p->num_heads,
                       (long long)p->rotary_embedding_dim);
    if (!microsoft && x->rank == 3 && p->num_heads == 0)
        return ln_fail(c, LINNET_ERR_MODEL, "a 3-D input needs num_heads");
    if (p->is_packed_batching)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "is_packed_batching");
    if (microsoft && p->scale != 1.0f)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "scale %g", (double)p->scale);
    return ln_infer_same(c);
}

static linnet_status plan(ln_ctx *c, int32_t microsoft)
{
    rotary_params *p = c->params;
    LN_TRY(check(c, microsoft));
    int32_t i_cos = microsoft ? 2 : 1, i_ids = microsoft ? 1 : 3;
    const ln_info *x = c->in[0], *cos = c->in[i_cos], *sin = c->in[i_cos + 1], *ids = ln_in(c, i_ids);
    bool first = x->rank == 4;
    if (cos->rank < 2 || cos->rank > 3)
        return ln_fail(c, LINNET_ERR_MODEL, "cos_cache has rank %d", cos->rank);
    int64_t width = cos->dims[cos->rank - 1];
    p->type = x->type;
    p->batch = x->dims[0];
    p->length = x->dims[first ? 2 : 1];
    if (first) {
        p->heads = x->dims[1];
        p->head = x->dims[3];
    } else {
        /* Without num_heads ONNX Runtime takes the head size from the width of the cache. */
        p->heads = p->num_heads > 0 ? p->num_heads : width > 0 ? x->dims[2] / (2 * width) : 0;
        if (p->heads < 1 || x->dims[2] % p->heads != 0)
            return ln_fail(c, LINNET_ERR_MODEL, "%lld heads do not divide %lld", (long long)p->heads,
                           (long long)x->dims[2]);
        p->head = x->dims[2] / p->heads;
    }
    p->half = (p->rotary_embedding_dim > 0 ? p->rotary_embedding_dim : p->head) / 2;
    if (2 * p->half > p->head)
        return ln_fail(c, LINNET_ERR_MODEL, "rotary_embedding_dim %lld of heads of %lld",
                       (long long)p->rotary_embedding_dim, (long long)p->head);
    LN_TRY(ln_check_dim(c, width, p->half, "width of cos_cache"));
    LN_TRY(ln_check_dim(c, sin->rank, cos->rank, "rank of sin_cache"));
    for (int32_t i = 0; i < cos->rank; i++)
        LN_TRY(ln_check_dim(c, sin->dims[i], cos->dims[i], "a dimension of sin_cache"));
    p->cache_rows = 1;
    for (int32_t i = 0; i < cos->rank - 1; i++)
        p->cache_rows *= cos->dims[i];
    p->positions = ids ? ln_info_count(ids) : 0;
    if (ids && !(microsoft && p->positions == 1))
        LN_TRY(ln_check_dim(c, p->positions, p->batch * p->length, "number of position_ids"));
    if (!ids)
        LN_TRY(ln_check_dim(c, p->cache_rows, p->batch * p->length, "rows of cos_cache"));
    p->step[0] = p->heads * p->length * p->head;
    p->step[1] = first ? p->length * p->head : p->head;
    p->step[2] = first ? p->head : p->heads * p->head;
    return LINNET_OK;
}

static linnet_status onnx_infer(ln_ctx *c)
{
    return check(c, 0);
}

static linnet_status onnx_plan(ln_ctx *c)
{
    return plan(c, 0);
}

static linnet_status microsoft_infer(ln_ctx *c)
{
    return check(c, 1);
}

static linnet_status microsoft_plan(ln_ctx *c)
{
    return plan(c, 1);
}

#define TYPES (LN_T(LINNET_FLOAT32) | LN_T(LINNET_FLOAT16) | LN_T(LINNET_BFLOAT16))

static const ln_attr_spec attrs[] = {LN_ATTR_I(rotary_params, num_heads, 0),
                                     LN_ATTR_I(rotary_params, rotary_embedding_dim, 0),
                                     LN_ATTR_I(rotary_params, interleaved, 0), LN_ATTR_END};
static const ln_attr_spec microsoft_attrs[] = {
    LN_ATTR_I(rotary_params, num_heads, 0),   LN_ATTR_I(rotary_params, rotary_embedding_dim, 0),
    LN_ATTR_I(rotary_params, interleaved, 0), LN_ATTR_I(rotary_params, is_packed_batching, 0),
    LN_ATTR_F(rotary_params, scale, 1.0f),    LN_ATTR_END};

LN_OP(RotaryEmbedding) = {
    .domain = "",
    .type = "RotaryEmbedding",
    .since = {23},
    .types = TYPES,
    .in = {3, 4},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(rotary_params),
    .infer = onnx_infer,
    .plan = onnx_plan,
    LN_RUN_NAME(ln_rotaryembedding),
};

LN_OP(MsRotaryEmbedding) = {
    .domain = "com.microsoft",
    .type = "RotaryEmbedding",
    .since = {1},
    .types = TYPES,
    .in = {4, 4},
    .out = {1, 1},
    .attrs = microsoft_attrs,
    .params_size = sizeof(rotary_params),
    .infer = microsoft_infer,
    .plan = microsoft_plan,
    LN_RUN_NAME(ln_rotaryembedding),
};
