/* SPDX-License-Identifier: Apache-2.0
 *
 * Run of a batch of matrix products in float32, float16 and bfloat16, in the way that product.c has planned; see
 * product.h. A task is some tiles of a product, a product of the batch, or a piece of the columns; each computes its
 * elements as any other cut would.
 */
#include "ops/product_run.h"

/* Firmware has no products of pairs. */
#ifdef LN_FIRMWARE
#define PAIRS(p) false
#else
#define PAIRS(p) ((p)->pairs)
#endif

#define DIRECT_CHUNK 256    /* columns of a task */
#define CONVERT_CHUNK 16384 /* elements of a task */

int64_t ln_product_offset(const ln_product *p, const int64_t *strides, int64_t i)
{
    int64_t at = 0;
    for (int32_t d = p->n_batch; d-- > 0; i /= p->batch[d])
        at += i % p->batch[d] * strides[d];
    return at;
}

size_t ln_product_panels(const ln_product *p, const ln_gemm_f32_desc *d)
{
    return ((size_t)p->n + d->nr - 1) / d->nr;
}

ln_gemm_f32_b ln_product_b(const ln_product *p, const float *b, const float *bias)
{
    return (ln_gemm_f32_b){.b = b,
                           .n_stride = (size_t)p->b_col,
                           .k_stride = (size_t)p->b_row,
                           .scale = p->alpha,
                           .bias = bias,
                           .bias_stride = (size_t)p->c_col,
                           .bias_scale = p->beta};
}

typedef struct work {
    const ln_product *p;
    ln_gemm_f32_job job; /* of the first product */
    const float *a, *b, *c, *r;
    const uint16_t *half_a; /* A of pairs */
    float *y;
    char *workers;
    float *shared; /* B that all threads pack */
} work;

static void fill_rows(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const work *w = arg;
    const ln_product *p = w->p;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        const float *c = w->c + i % p->m * p->c_row;
        float *y = w->y + i * p->n;
        for (int64_t j = 0; j < p->n; j++)
            y[j] = p->beta * c[j * p->c_col];
        for (int64_t j = 0; w->r && j < p->n; j++)
            y[j] += w->r[i * p->n + j];
    }
}

static ln_gemm_f32_job job_of(const work *w, int64_t batch)
{
    const ln_product *p = w->p;
    ln_gemm_f32_job job = w->job;
    if (!PAIRS(p))
        job.a = w->a + ln_product_offset(p, p->a_batch, batch);
    else
        job.half_a = w->half_a + ln_product_offset(p, p->a_batch, batch);
    job.c = w->y + ln_product_offset(p, p->y_batch, batch);
    if (p->c_mode == LN_PRODUCT_C_FILL)
        job.r = job.c;
    else if (p->c_mode == LN_PRODUCT_C_ROWS)
        job.r = w->c;
    else if (w->r)
        job.r = w->r + batch * p->m * p->n;
    return job;
}

static void packed_tiles(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const work *w = arg;
    const ln_product *p = w->p;
    int64_t tiles = (int64_t)w->job.tiles, one = p->k * p->n;
    while (begin < end) {
        int64_t batch = begin / tiles, first = begin % tiles;
        int64_t last = end - begin < tiles - first ? first + end - begin : tiles;
        ln_gemm_f32_job job = job_of(w, batch);
        int64_t at = one ? ln_product_offset(p, p->b_batch, batch) / one * p->b_packed : 0;
        if (job.widen || PAIRS(p))
            job.half += at;
        else
            job.b += at;
        ln_gemm_f32_run(&job, w->workers + worker * p->worker, (size_t)first, (size_t)last);
        begin += last - first;
    }
}

typedef struct shared_task {
    const work *w;
    ln_gemm_f32_job job;
    ln_gemm_f32_b b;
} shared_task;

static void pack_panels(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const shared_task *t = arg;
    const ln_product *p = t->w->p;
    (void)worker;
    ln_gemm_f32_pack(t->job.d, t->w->shared, (size_t)p->n, 1, (size_t)p->k, &t->b, (size_t)begin, (size_t)end);
}

static void shared_tiles(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const shared_task *t = arg;
    ln_gemm_f32_run(&t->job, t->w->workers + worker * t->w->p->worker, (size_t)begin, (size_t)end);
}

static void own_products(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const work *w = arg;
    const ln_product *p = w->p;
    float *packed = (float *)(void *)(w->workers + worker * p->worker);
    int64_t have = -1;
    for (int64_t i = begin; i < end; i++) {
        ln_gemm_f32_job job = job_of(w, i);
        int64_t at = ln_product_offset(p, p->b_batch, i);
        if (at != have) {
            ln_gemm_f32_b b = ln_product_b(p, w->b + at, p->c_mode == LN_PRODUCT_C_HEAD ? w->c : NULL);
            ln_gemm_f32_pack(job.d, packed, (size_t)p->n, 1, (size_t)p->k, &b, 0, ln_product_panels(p, job.d));
            have = at;
        }
        job.b = packed;
        ln_gemm_f32_run(&job, packed + p->b_packed, 0, job.tiles);
    }
}

/* Rows of B are read in long pieces where there are threads enough. */
static int64_t direct_chunk(const ln_product *p)
{
    int64_t part = (p->n / (p->threads > 1 ? 4 * p->threads : 1) + 63) / 64 * 64;
    return part < DIRECT_CHUNK ? DIRECT_CHUNK : part > 4096 ? 4096 : part;
}

static void direct_chunks(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const work *w = arg;
    const ln_product *p = w->p;
    int64_t chunk = direct_chunk(p), chunks = (p->n + chunk - 1) / chunk;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        int64_t batch = i / chunks, j = i % chunks * chunk, n = p->n - j < chunk ? p->n - j : chunk;
        const float *a = w->a + ln_product_offset(p, p->a_batch, batch);
        const float *b = w->b + ln_product_offset(p, p->b_batch, batch) + j * p->b_col;
        for (int64_t r = 0; r < p->m; r++, a += p->a_row) {
            float *y = w->y + ln_product_offset(p, p->y_batch, batch) + r * p->y_row + j;
            if (p->b_col == 1)
                LN_K(gemv_f32)(y, a, b, (size_t)p->b_row, (size_t)p->k, (size_t)n);
            else
                LN_K(gemv_t_f32)(y, a, b, (size_t)p->b_col, (size_t)p->k, (size_t)n);
            if (w->c) /* a row, of one product with one row */
                LN_K(add_f32)(y, y, w->c + j, (size_t)n, 1, 1);
            ln_act_f32(y, (size_t)n, (ln_act)p->fused.act, p->fused.lo, p->fused.hi);
        }
    }
}

static ln_VCONVERT *widen_of(const ln_product *p)
{
    return p->type == LINNET_FLOAT16 ? LN_K(f16_to_f32) : LN_K(bf16_to_f32);
}

/* The product of the float32 operands of w, and of B as packed. */
static void run_product(const ln_args *a, work *w)
{
    const ln_product *p = a->params;
    if (p->mode == LN_PRODUCT_DIRECT) {
        int64_t chunk = direct_chunk(p), chunks = (p->n + chunk - 1) / chunk;
        ln_parallel(a, p->batches * chunks, (double)(p->m * p->k) * (double)chunk * 0.05, direct_chunks, w);
        return;
    }
    if (p->c_mode == LN_PRODUCT_C_FILL)
        ln_parallel(a, p->batches * p->m, (double)p->n * 0.5, fill_rows, w);
    bool half = p->mode == LN_PRODUCT_PACKED && p->type != LINNET_FLOAT32;
    w->job = (ln_gemm_f32_job){.d = LN_D(gemm_f32),
                               .m = (size_t)p->m,
                               .n = (size_t)p->n,
                               .taps = 1,
                               .k = (size_t)p->k,
                               .a_row = (size_t)p->a_row,
                               .a_col = (size_t)p->a_col,
                               .b = half ? NULL : a->packed,
                               .half = half ? a->packed : NULL,
                               .widen = half && !PAIRS(p) ? widen_of(p) : NULL,
                               .pairs = PAIRS(p),
                               .bfloat16 = p->type == LINNET_BFLOAT16,
                               .ldc = (size_t)p->y_row,
                               .act = (ln_act)p->fused.act,
                               .lo = p->fused.lo,
                               .hi = p->fused.hi};
    w->job.ldr = p->c_mode == LN_PRODUCT_C_ROWS ? (size_t)p->c_row : (size_t)p->n;
    ln_gemm_f32_prepare(&w->job, p->mode == LN_PRODUCT_OWN ? 1 : (size_t)p->threads);
    if (p->mode == LN_PRODUCT_PACKED) {
        ln_parallel(a, p->batches * (int64_t)w->job.tiles, ln_gemm_f32_cost(&w->job), packed_tiles, w);
    } else if (p->mode == LN_PRODUCT_OWN) {
        double cost = ln_gemm_f32_cost(&w->job) * (double)w->job.tiles + (double)p->b_packed;
        ln_parallel(a, p->batches, cost, own_products, w);
    } else {
        w->shared = a->scratch;
        w->workers = (char *)a->scratch + p->b_packed * (int64_t)sizeof(float);
        int64_t have = -1;
        for (int64_t i = 0; i < p->batches; i++) {
            int64_t at = ln_product_offset(p, p->b_batch, i);
            shared_task t = {.w = w,
                             .job = job_of(w, i),
                             .b = ln_product_b(p, w->b + at, p->c_mode == LN_PRODUCT_C_HEAD ? w->c : NULL)};
            if (at != have)
                ln_parallel(a, (int64_t)ln_product_panels(p, t.job.d), (double)p->k * t.job.d->nr, pack_panels, &t);
            have = at;
            t.job.b = w->shared;
            ln_parallel(a, (int64_t)t.job.tiles, ln_gemm_f32_cost(&t.job), shared_tiles, &t);
        }
    }
}

LN_RUN(ln_product_f32)
{
    const ln_product *p = a->params;
    work w = {.p = p,
              .a = a->in[p->a_in],
              .b = a->in[p->b_in],
              .y = a->out[0],
              .workers = a->scratch,
              .c = p->c_mode != LN_PRODUCT_C_NONE ? a->in[p->c_in] : NULL,
              .r = p->r_in >= 0 ? a->in[p->r_in] : NULL};
    if (p->m && p->n && p->batches)
        run_product(a, &w);
    return LINNET_OK;
}

typedef struct convert_task {
    ln_VCONVERT *kernel;
    char *y;
    const char *x;
    int64_t n, y_size, x_size;
} convert_task;

static void convert_chunks(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const convert_task *t = arg;
    int64_t first = begin * CONVERT_CHUNK, last = end * CONVERT_CHUNK < t->n ? end * CONVERT_CHUNK : t->n;
    (void)worker;
    t->kernel(t->y + first * t->y_size, t->x + first * t->x_size, (size_t)(last - first));
}

static void convert(const ln_args *a, convert_task t)
{
    ln_parallel(a, (t.n + CONVERT_CHUNK - 1) / CONVERT_CHUNK, 0.1 * CONVERT_CHUNK, convert_chunks, &t);
}

/* Operand i as float32: A, B, C. */
static float *widened(const ln_args *a, int32_t i, int32_t input)
{
    const ln_product *p = a->params;
    float *to = (float *)(void *)((char *)a->scratch + p->wide_at[i]);
    convert(a, (convert_task){widen_of(p), (char *)to, a->in[input], p->wide_n[i], sizeof(float), sizeof(uint16_t)});
    return to;
}

LN_RUN(ln_product_half)
{
    const ln_product *p = a->params;
    if (p->m == 0 || p->n == 0 || p->batches == 0)
        return LINNET_OK;
    work w = {.p = p,
              .a = PAIRS(p) ? NULL : widened(a, 0, p->a_in),
              .half_a = a->in[p->a_in],
              .b = p->mode != LN_PRODUCT_PACKED ? widened(a, 1, p->b_in) : NULL,
              .c = p->c_mode != LN_PRODUCT_C_NONE ? widened(a, 2, p->c_in) : NULL,
              .y = (float *)(void *)((char *)a->scratch + p->wide_at[3]),
              .workers = a->scratch};
    if (p->mode == LN_PRODUCT_PACKED && p->alpha != 1) /* else it goes into B as that is packed */
        LN_K(mul_f32)((float *)(uintptr_t)w.a, w.a, &p->alpha, (size_t)p->wide_n[0], 1, 0);
    run_product(a, &w);
    ln_VCONVERT *narrow = p->type == LINNET_FLOAT16 ? LN_K(f32_to_f16) : LN_K(f32_to_bf16);
    convert(a, (convert_task){narrow, a->out[0], (const char *)w.y, p->wide_n[3], sizeof(uint16_t), sizeof(float)});
    return LINNET_OK;
}
