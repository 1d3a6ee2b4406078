/* SPDX-License-Identifier: Apache-2.0
 *
 * com.microsoft MatMulNBits: A times the transpose of B, whose N rows are quantised in blocks along K to 2, 4 or 8
 * bits, each block with a scale and perhaps a zero point (packed like B, or of the type of A; half the range where
 * there is none). B stays packed: a row is widened to float32 when its turn comes, once for all rows of A. ONNX
 * Runtime docs/ContribOperators.md.
 */
#include <string.h>

#include "kernels/kernels.h"
#include "ops/convert.h"

typedef struct nbits_params {
    int64_t K, N, bits, block_size, accuracy_level, weight_prepacked; /* attributes */
    int64_t m, blocks, zero_bytes;
    int32_t type, zero_type; /* zero_type: UNDEFINED, UINT8 (packed) or that of A */
    int32_t has_bias, unused;
    int64_t scratch_a, scratch_worker, worker_bytes;
} nbits_params;

enum { A, B, SCALES, ZEROS, GROUPS, BIAS };
enum { COLUMNS = 8 }; /* rows of B that are widened before A meets them */

typedef struct job {
    const nbits_params *p;
    const ln_args *a;
    const float *x;
} job;

/* Row n of B in float32. */
static void widen(const job *j, float *to, int64_t n)
{
    const nbits_params *p = j->p;
    const uint8_t *b = (const uint8_t *)j->a->in[B] + n * p->blocks * (p->block_size * p->bits / 8);
    int64_t bits = p->bits, per_byte = 8 / bits, mask = (1 << bits) - 1;
    for (int64_t k = 0, block = 0; k < p->K; block++) {
        float scale, zero = (float)(1 << (bits - 1));
        ln_to_f32(&scale, j->a->in[SCALES], p->type, n * p->blocks + block, 1);
        if (p->zero_type == LINNET_UINT8) {
            uint8_t z = ((const uint8_t *)j->a->in[ZEROS])[n * p->zero_bytes + block / per_byte];
            zero = (float)(z >> (block % per_byte * bits) & mask);
        } else if (p->zero_type != LINNET_UNDEFINED) {
            ln_to_f32(&zero, j->a->in[ZEROS], p->zero_type, n * p->blocks + block, 1);
        }
        int64_t end = k + p->block_size < p->K ? k + p->block_size : p->K;
        if (bits == 4)
            for (; k < end; k++)
                to[k] = ((float)(b[k >> 1] >> (k & 1) * 4 & 15) - zero) * scale;
        else
            for (; k < end; k++)
                to[k] = ((float)(b[k / per_byte] >> (k % per_byte * bits) & mask) - zero) * scale;
    }
}

static void columns(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    const nbits_params *p = j->p;
    float *w = (float *)(void *)((char *)j->a->scratch + p->scratch_worker + worker * p->worker_bytes);
    for (int64_t t = begin; t < end; t++) {
        int64_t n0 = t * COLUMNS, n = p->N - n0 < COLUMNS ? p->N - n0 : COLUMNS;
        float bias[COLUMNS] = {0}, y[COLUMNS];
        for (int64_t i = 0; i < n; i++)
            widen(j, w + i * p->K, n0 + i);
        if (p->has_bias)
            ln_to_f32(bias, j->a->in[BIAS], p->type, n0, n);
        for (int64_t r = 0; r < p->m; r++) {
            LN_K(gemv_t_f32)(y, j->x + r * p->K, w, (size_t)p->K, (size_t)p->K, (size_t)n);
            for (int64_t i = 0; i < n; i++)
                y[i] += bias[i];
            ln_from_f32(j->a->out[0], p->type, r * p->N + n0, y, n, 0);
        }
    }
}

LN_RUN(ln_matmulnbits)
{
    const nbits_params *p = a->params;
    job j = {p, a, a->in[A]};
    if (p->type != LINNET_FLOAT32) {
        float *x = (float *)(void *)((char *)a->scratch + p->scratch_a);
        ln_to_f32(x, a->in[A], p->type, 0, p->m * p->K);
        j.x = x;
    }
    if (p->m > 0)
        ln_parallel(a, (p->N + COLUMNS - 1) / COLUMNS, (double)COLUMNS * (double)p->K * (1 + 0.1 * (double)p->m),
                    columns, &j);
    return LINNET_OK;
}

static linnet_status nbits_infer(ln_ctx *c)
{
    const nbits_params *p = c->params;
    const ln_info *a = c->in[A];
    linnet_type type = (linnet_type)a->type;
    if (p->bits != 2 && p->bits != 4 && p->bits != 8)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "%lld bits", (long long)p->bits);
    if (p->K < 1 || p->N < 1 || p->K > INT32_MAX || p->N > INT32_MAX || p->block_size < 16 ||
        p->block_size > INT32_MAX || (p->block_size & (p->block_size - 1)) != 0)
        return ln_fail(c, LINNET_ERR_MODEL, "K %lld, N %lld, block_size %lld", (long long)p->K, (long long)p->N,
                       (long long)p->block_size);
    if (p->weight_prepacked)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "weight_prepacked %lld", (long long)p->weight_prepacked);
    if (ln_in(c, GROUPS))
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "input g_idx");
    LN_TRY(ln_check_type(c, B, LN_T(LINNET_UINT8), "B"));
    if (type != LINNET_UNDEFINED) {
        LN_TRY(ln_check_type(c, SCALES, LN_T(type), "scales"));
        LN_TRY(ln_check_type(c, ZEROS, LN_T(type) | LN_T(LINNET_UINT8), "zero_points"));
        LN_TRY(ln_check_type(c, BIAS, LN_T(type), "bias"));
    }
    if (a->rank < 0)
        return ln_set_unknown(c, 0, type);
    if (a->rank == 0)
        return ln_fail(c, LINNET_ERR_MODEL, "A is a scalar");
    LN_TRY(ln_check_dim(c, a->dims[a->rank - 1], p->K, "last dimension of A"));
    int64_t dims[LN_MAX_RANK];
    memcpy(dims, a->dims, sizeof dims);
    dims[a->rank - 1] = p->N;
    return ln_set_shape(c, 0, type, a->rank, dims);
}

static linnet_status nbits_plan(ln_ctx *c)
{
    nbits_params *p = c->params;
    const ln_info *zeros = ln_in(c, ZEROS), *bias = ln_in(c, BIAS);
    p->type = c->in[A]->type;
    p->blocks = (p->K + p->block_size - 1) / p->block_size;
    p->m = ln_info_count(c->in[A]) / p->K;
    p->zero_type = zeros ? zeros->type : LINNET_UNDEFINED;
    p->zero_bytes = (p->blocks * p->bits + 7) / 8;
    p->has_bias = bias != NULL;
    int64_t n;
    LN_TRY(ln_mul_size(c, p->N * p->blocks, p->block_size * p->bits / 8, &n));
    LN_TRY(ln_check_dim(c, ln_info_count(c->in[B]), n, "number of bytes of B"));
    LN_TRY(ln_check_dim(c, ln_info_count(c->in[SCALES]), p->N * p->blocks, "number of scales"));
    if (zeros)
        LN_TRY(ln_check_dim(c, ln_info_count(zeros), p->N * (zeros->type == LINNET_UINT8 ? p->zero_bytes : p->blocks),
                            "number of zero points"));
    if (bias)
        LN_TRY(ln_check_dim(c, ln_info_count(bias), p->N, "length of the bias"));
    size_t scratch = 0;
    p->scratch_a = 0;
    if (p->type != LINNET_FLOAT32)
        scratch += ((size_t)(p->m * p->K) * sizeof(float) + 63) / 64 * 64;
    p->scratch_worker = (int64_t)scratch;
    p->worker_bytes = (COLUMNS * p->K * (int64_t)sizeof(float) + 63) / 64 * 64;
    ln_scratch(c, scratch + (size_t)(p->worker_bytes * c->threads));
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {
    LN_ATTR_I_REQ(nbits_params, K),
    LN_ATTR_I_REQ(nbits_params, N),
    LN_ATTR_I(nbits_params, bits, 4),
    LN_ATTR_I_REQ(nbits_params, block_size),
    LN_ATTR_I(nbits_params, accuracy_level, 0),
    LN_ATTR_I(nbits_params, weight_prepacked, 0),
    LN_ATTR_END,
};

LN_OP(MatMulNBits) = {
    .domain = "com.microsoft",
    .type = "MatMulNBits",
    .since = {1},
    .types = LN_T(LINNET_FLOAT32) | LN_T(LINNET_FLOAT16) | LN_T(LINNET_BFLOAT16),
    .in = {3, 6},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(nbits_params),
    .infer = nbits_infer,
    .plan = nbits_plan,
    LN_RUN_NAME(ln_matmulnbits),
};
