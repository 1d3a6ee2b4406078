/* SPDX-License-Identifier: Apache-2.0
 *
 * Attention: see attention.h. In float32 the two products go through the packed product of kernels/gemm.h, with keys
 * and values packed once for all queries that share them; few queries read them where they lie. float64 is plain loops.
 */
#include <math.h>
#include <string.h>

#include "kernels/gemm.h"
#include "ops/attention.h"

#define MOST_ROWS 16  /* of a sliver: no product has more */
#define K_BLOCK 480   /* keys, or elements of a head, of a block: 14 rows of them stay in the first cache */
#define DIRECT_ROWS 4 /* queries per head of keys up to which packing would cost more than it saves */

typedef struct job {
    const ln_attention *p;
    const ln_attention_in *in;
} job;

/* -- float32, float16, bfloat16 -------------------------------------------------------------------------------------
 */

#define REAL float
#define NAME(x) x##_f32
#define EXP expf
#define TANH tanhf
#define SQRT sqrtf
#define ROUNDS(type) ((type) == LINNET_FLOAT16 || (type) == LINNET_BFLOAT16)
#define ROUND(x, type) (ROUNDS(type) ? ln_round_to((x), (type)) : (x))
#define ROUND_RUN(x, n, type) ln_round_run((x), (n), (type))

static void load_f32(float *y, const void *x, int type, int64_t at, int64_t n)
{
    ln_to_f32(y, x, type, at, n);
}

static void store_f32(void *y, int type, int64_t at, const float *x, int64_t n)
{
    ln_from_f32(y, type, at, x, n, 0);
}

static void add_f32(float *s, const float *x, int64_t n)
{
    LN_K(add_f32)(s, s, x, (size_t)n, 1, 1);
}

static void softmax_f32(float *s, int64_t n)
{
    LN_K(softmax_f32)(s, s, (size_t)n);
}

static void softmax_rows_f32(float *s, int64_t ld, int64_t rows, int64_t n)
{
    LN_K(softmax_rows_f32)(s, (size_t)ld, (size_t)rows, (size_t)n);
}

/* The mask's row for query i, where it can be added as it lies and nothing else can. */
static const float *plain_mask_f32(const job *j, int64_t b, int64_t h, int64_t i)
{
    const ln_attention *p = j->p;
    if (p->mask_kind != LN_ATTN_ADD || p->mask_type != LINNET_FLOAT32 || p->type != LINNET_FLOAT32 ||
        p->soft_type != LINNET_FLOAT32 || p->mask_len < p->total || p->smooth || p->bias_type != LINNET_UNDEFINED ||
        p->causal || p->left >= 0 || p->right >= 0 || j->in->start || j->in->stop)
        return NULL;
    return (const float *)j->in->mask + b * p->mask_step[0] + h * p->mask_step[1] + i * p->mask_step[2];
}

static float greatest_f32(const float *s, int64_t n)
{
    return LN_K(greatest_f32)(s, (size_t)n, 0);
}

static float sum_f32(const float *s, int64_t n)
{
    return LN_K(sum_f32)(s, (size_t)n, 0);
}

static void shift_f32(float *s, float by, int64_t n)
{
    LN_K(sub_f32)(s, s, &by, (size_t)n, 1, 0);
}

static void scale_f32(float *s, float by, int64_t n)
{
    LN_K(mul_f32)(s, s, &by, (size_t)n, 1, 0);
}

static void divide_f32(float *s, float by, int64_t n)
{
    LN_K(div_f32)(s, s, &by, (size_t)n, 1, 0);
}

static void exponents_f32(float *s, int64_t n)
{
    LN_K(exp_f32)(s, s, (size_t)n);
}

typedef struct keys_f32 {
    const float *k, *v; /* where they lie, or packed */
    int64_t k_row, v_row;
} keys_f32;

static size_t panels(int64_t n)
{
    size_t nr = LN_D(gemm_f32)->nr;
    return ((size_t)n + nr - 1) / nr;
}

/* Keys or values of one head in float32: where they lie, or widened (and scaled, where half floats want it). */
static const float *widen(const void *x, int type, int64_t at, int64_t step, int64_t rows, int64_t n, float *to,
                          const float *scale, int64_t *row)
{
    if (type == LINNET_FLOAT32) {
        *row = step;
        return (const float *)x + at;
    }
    *row = n;
    for (int64_t i = 0; i < rows; i++) {
        ln_to_f32(to + i * n, x, type, at + i * step, n);
        if (scale) {
            LN_K(mul_f32)(to + i * n, to + i * n, scale, (size_t)n, 1, 0);
            ln_round_run(to + i * n, n, type);
        }
    }
    return to;
}

/* Queries are read where they lie, and what would scale them scales the packed keys. */
static bool in_place_f32(const ln_attention *p)
{
    return !p->direct && p->type == LINNET_FLOAT32;
}

static keys_f32 prepare_f32(const job *j, char *own, int64_t b, int64_t g, float scale)
{
    const ln_attention *p = j->p;
    const ln_gemm_f32_desc *d = LN_D(gemm_f32);
    keys_f32 r;
    r.k = widen(j->in->k, p->type, b * p->k_step[0] + g * p->k_step[1], p->k_step[2], p->total, p->head,
                (float *)(void *)(own + p->at_k), &scale, &r.k_row);
    r.v = widen(j->in->v, p->v_type, b * p->v_step[0] + g * p->v_step[1], p->v_step[2], p->total, p->v_head,
                (float *)(void *)(own + p->at_v), NULL, &r.v_row);
    if (p->direct)
        return r;
    float *k = (float *)(void *)(own + p->at_pack_k), *v = (float *)(void *)(own + p->at_pack_v);
    ln_gemm_f32_b from = {.b = r.k, .n_stride = (size_t)r.k_row, .k_stride = 1, .scale = in_place_f32(p) ? scale : 1};
    ln_gemm_f32_pack(d, k, (size_t)p->total, 1, (size_t)p->head, &from, 0, panels(p->total));
    from = (ln_gemm_f32_b){.b = r.v, .n_stride = 1, .k_stride = (size_t)r.v_row, .scale = 1};
    ln_gemm_f32_pack(d, v, (size_t)p->v_head, 1, (size_t)p->total, &from, 0, panels(p->v_head));
    r.k = k;
    r.v = v;
    return r;
}

/* m rows of a, one sliver of the product, times a packed b of n columns, of whose rows the first k count. A block of k
 * meets all panels before the next, so that the sliver's part stays in the first cache. */
static void multiply(float *c, int64_t ldc, const float *a, int64_t a_row, int64_t m, int64_t n, int64_t k,
                     int64_t rows, const float *b)
{
    const ln_gemm_f32_desc *d = LN_D(gemm_f32);
    const float *slivers[MOST_ROWS];
    for (int64_t i = 0; i < m; i++)
        slivers[i] = a + i * a_row;
    int64_t nr = d->nr, blocks = (k + K_BLOCK - 1) / K_BLOCK, block = blocks ? (k + blocks - 1) / blocks : 0, k0 = 0;
    do {
        ln_gemm_f32_tile t = {.m = (size_t)m,
                              .taps = 1,
                              .k = (size_t)(k - k0 < block ? k - k0 : block),
                              .a = slivers,
                              .a_offset = (size_t)k0,
                              .ldr = (size_t)ldc,
                              .ldc = (size_t)ldc};
        const float *panel = b + nr * (k0 + 1);
        for (int64_t j = 0; j < n; j += nr, panel += nr * (rows + 1)) {
            t.n = (size_t)(n - j < nr ? n - j : nr);
            t.b = panel;
            t.c = c + j;
            t.r = k0 ? t.c : NULL;
            d->tile(&t);
        }
        k0 += block;
    } while (k0 < k);
}

/* The scores of n queries with the first `end` keys. */
static void scores_f32(const job *j, const keys_f32 *keys, float *s, const float *q, int64_t q_row, int64_t n,
                       int64_t end)
{
    const ln_attention *p = j->p;
    if (!p->direct) {
        multiply(s, p->score_row, q, q_row, n, end, p->head, p->head, keys->k);
        return;
    }
    for (int64_t r = 0; r < n; r++)
        LN_K(gemv_t_f32)
    (s + r * p->score_row, q + r * q_row, keys->k, (size_t)keys->k_row, (size_t)p->head, (size_t)end);
}

static void values_f32(const job *j, char *own, const keys_f32 *keys, const float *s, int64_t n, int64_t at,
                       int64_t end)
{
    const ln_attention *p = j->p;
    bool wide = p->type == LINNET_FLOAT32;
    float *y = wide ? (float *)j->in->y + at : (float *)(void *)(own + p->at_y);
    int64_t row = wide ? p->y_step[2] : p->v_head;
    if (!p->direct)
        multiply(y, row, s, p->score_row, n, p->v_head, end, p->total, keys->v);
    else
        for (int64_t r = 0; r < n; r++)
            LN_K(gemv_f32)
    (y + r * row, s + r * p->score_row, keys->v, (size_t)keys->v_row, (size_t)end, (size_t)p->v_head);
    for (int64_t r = 0; r < n && !wide; r++)
        ln_from_f32(j->in->y, p->type, at + r * p->y_step[2], y + r * row, p->v_head, 0);
}

#include "ops/attention_core.inc"
#undef REAL
#undef NAME
#undef EXP
#undef TANH
#undef SQRT
#undef ROUNDS
#undef ROUND
#undef ROUND_RUN

/* -- float64 ------------------------------------------------------------------------------------------------------- */

#define REAL double
#define NAME(x) x##_f64
#define EXP exp
#define TANH tanh
#define SQRT sqrt
#define ROUNDS(type) ((void)(type), false)
#define ROUND(x, type) (x)
#define ROUND_RUN(x, n, type) ((void)(x), (void)(n), (void)(type))

static void load_f64(double *y, const void *x, int type, int64_t at, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (type == LINNET_FLOAT64) {
            y[i] = ((const double *)x)[at + i];
        } else {
            float f;
            ln_to_f32(&f, x, type, at + i, 1);
            y[i] = f;
        }
}

static void store_f64(void *y, int type, int64_t at, const double *x, int64_t n)
{
    (void)type;
    for (int64_t i = 0; i < n; i++)
        ((double *)y)[at + i] = x[i];
}

static void add_f64(double *s, const double *x, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        s[k] += x[k];
}

static double greatest_f64(const double *s, int64_t n)
{
    double max = -INFINITY;
    for (int64_t k = 0; k < n; k++)
        max = s[k] > max ? s[k] : max;
    return max;
}

static double sum_f64(const double *s, int64_t n)
{
    double sum = 0;
    for (int64_t k = 0; k < n; k++)
        sum += s[k];
    return sum;
}

static void shift_f64(double *s, double by, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        s[k] -= by;
}

static void scale_f64(double *s, double by, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        s[k] *= by;
}

static void divide_f64(double *s, double by, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        s[k] /= by;
}

static void exponents_f64(double *s, int64_t n)
{
    for (int64_t k = 0; k < n; k++)
        s[k] = exp(s[k]);
}

static void softmax_f64(double *s, int64_t n)
{
    shift_f64(s, greatest_f64(s, n), n);
    exponents_f64(s, n);
    divide_f64(s, sum_f64(s, n), n);
}

static void softmax_rows_f64(double *s, int64_t ld, int64_t rows, int64_t n)
{
    for (int64_t r = 0; r < rows; r++)
        softmax_f64(s + r * ld, n);
}

static const double *plain_mask_f64(const job *j, int64_t b, int64_t h, int64_t i)
{
    (void)j, (void)b, (void)h, (void)i;
    return NULL;
}

typedef struct keys_f64 {
    int64_t k, v; /* offsets */
} keys_f64;

static bool in_place_f64(const ln_attention *p)
{
    (void)p;
    return false;
}

static keys_f64 prepare_f64(const job *j, char *own, int64_t b, int64_t g, double scale)
{
    const ln_attention *p = j->p;
    (void)own;
    (void)scale;
    return (keys_f64){b * p->k_step[0] + g * p->k_step[1], b * p->v_step[0] + g * p->v_step[1]};
}

static void scores_f64(const job *j, const keys_f64 *keys, double *s, const double *q, int64_t q_row, int64_t n,
                       int64_t end)
{
    const ln_attention *p = j->p;
    const double *k = (const double *)j->in->k + keys->k;
    for (int64_t r = 0; r < n; r++)
        for (int64_t i = 0; i < end; i++) {
            double sum = 0;
            for (int64_t d = 0; d < p->head; d++)
                sum += q[r * q_row + d] * k[i * p->k_step[2] + d];
            s[r * p->score_row + i] = sum;
        }
}

static void values_f64(const job *j, char *own, const keys_f64 *keys, const double *s, int64_t n, int64_t at,
                       int64_t end)
{
    const ln_attention *p = j->p;
    double *sum = (double *)(void *)(own + p->at_y);
    for (int64_t r = 0; r < n; r++) {
        memset(sum, 0, (size_t)p->v_head * sizeof *sum);
        for (int64_t i = 0; i < end; i++)
            for (int64_t d = 0; d < p->v_head; d++) {
                double v;
                load_f64(&v, j->in->v, p->v_type, keys->v + i * p->v_step[2] + d, 1);
                sum[d] += s[r * p->score_row + i] * v;
            }
        store_f64(j->in->y, p->type, at + r * p->y_step[2], sum, p->v_head);
    }
}

#include "ops/attention_core.inc"

/* -- plan and run -------------------------------------------------------------------------------------------------- */

static int64_t part(int64_t *at, int64_t elements, size_t size)
{
    int64_t here = *at;
    *at += (elements * (int64_t)size + 63) / 64 * 64;
    return here;
}

linnet_status ln_attention_plan(ln_ctx *c, ln_attention *p, size_t *scratch_bytes)
{
    const ln_gemm_f32_desc *d = LN_D(gemm_f32);
    bool wide = p->type == LINNET_FLOAT64;
    size_t size = wide ? sizeof(double) : sizeof(float);
    int64_t n;
    LN_TRY(ln_mul_size(c, p->total, p->head + p->v_head + d->nr, &n));
    LN_TRY(ln_mul_size(c, n, 64, &n));
    p->direct = wide || p->q_len * (p->heads / (p->kv_heads ? p->kv_heads : 1)) <= DIRECT_ROWS;
    /* Slivers of the product, as alike as can be. Their rows of scores do not fight for the same sets of a cache. */
    int64_t most = d->mr < MOST_ROWS ? d->mr : MOST_ROWS, slivers = (p->q_len + most - 1) / most;
    p->rows = slivers ? (p->q_len + slivers - 1) / slivers : 0;
    p->score_row = (p->total + 15) / 16 * 16;
    if (p->score_row % 256 == 0)
        p->score_row += 16;
    int64_t at = 0, rows = p->rows;
    p->at_k = part(&at, p->type == LINNET_FLOAT32 || wide ? 0 : p->total * p->head, size);
    p->at_v = part(&at, p->v_type == LINNET_FLOAT32 || wide ? 0 : p->total * p->v_head, size);
    p->at_pack_k = p->at_pack_v = at;
    if (!p->direct) {
        p->at_pack_k = part(&at, (int64_t)ln_gemm_f32_packed(d, (size_t)p->total, 1, (size_t)p->head), size);
        p->at_pack_v = part(&at, (int64_t)ln_gemm_f32_packed(d, (size_t)p->v_head, 1, (size_t)p->total), size);
    }
    p->at_q = part(&at, rows * p->head, size);
    p->at_scores = part(&at, rows * p->score_row, size);
    p->at_bias = part(&at, p->total, size);
    p->at_y = part(&at, rows * p->v_head, size);
    p->worker_bytes = at;
    LN_TRY(ln_mul_size(c, at, c->threads, &n));
    *scratch_bytes = (size_t)n;
    return LINNET_OK;
}

void ln_attention_run(const ln_args *a, const ln_attention *p, const ln_attention_in *in)
{
    job j = {p, in};
    double cost = (double)(p->q_len * (p->heads / (p->kv_heads ? p->kv_heads : 1))) * (double)p->total *
                  (double)(p->head + p->v_head + 16) * 0.03;
    if (p->q_len > 0)
        ln_parallel(a, p->batch * p->kv_heads, cost, p->type == LINNET_FLOAT64 ? tasks_f64 : tasks_f32, &j);
}

void ln_attention_steps(int64_t step[3], bool heads_first, int64_t heads, int64_t length, int64_t size)
{
    step[0] = heads * length * size;
    step[1] = heads_first ? length * size : size;
    step[2] = heads_first ? size : heads * size;
}

linnet_status ln_attention_mask_steps(ln_ctx *c, const ln_attention *p, const ln_info *mask, int64_t step[3],
                                      int64_t *last)
{
    const int64_t want[3] = {p->batch, p->heads, p->q_len};
    int64_t next = 1;
    if (mask->rank < 1 || mask->rank > 4)
        return ln_fail(c, LINNET_ERR_MODEL, "a mask of rank %d", mask->rank);
    *last = mask->dims[mask->rank - 1];
    next = *last;
    for (int d = 2; d >= 0; d--) {
        int32_t own = d - (4 - mask->rank);
        int64_t n = own >= 0 ? mask->dims[own] : 1;
        if (n != 1 && n != want[d])
            return ln_fail(c, LINNET_ERR_MODEL, "a dimension of a mask is %lld, expected 1 or %lld", (long long)n,
                           (long long)want[d]);
        step[d] = n == 1 ? 0 : next;
        next *= n;
    }
    return LINNET_OK;
}

void ln_attention_join(void *to, const void *past, const void *from, const int64_t step[3], int64_t batch,
                       int64_t heads, int64_t past_len, int64_t length, int64_t room, int64_t size, size_t bytes)
{
    size_t one = (size_t)size * bytes;
    for (int64_t i = 0; i < batch * heads && one; i++) {
        char *at = (char *)to + (size_t)(i * room) * one;
        if (past && past_len)
            memcpy(at, (const char *)past + (size_t)(i * past_len) * one, (size_t)past_len * one);
        at += (size_t)past_len * one;
        const char *source = (const char *)from + (size_t)(i / heads * step[0] + i % heads * step[1]) * bytes;
        for (int64_t s = 0; s < length; s++)
            memcpy(at + (size_t)s * one, source + (size_t)(s * step[2]) * bytes, one);
    }
}
