/* SPDX-License-Identifier: Apache-2.0
 *
 * Plan and run of a batch of matrix products in float32, float16 and bfloat16; see product.h. The plain loops for other
 * types are in product_any.c.
 *
 * B is packed at plan time where it is constant. Else it is packed in scratch, by all threads together or, where there
 * are enough products in the batch, by each thread for its own; products with few rows read it where it lies. Which
 * way is taken depends on shapes and the number of threads, the result on shapes alone.
 */
#include "ops/product.h"

#include <string.h>

#include "kernels/gemm.h"
#include "ops/product_any.h"

enum { PACKED, SHARED, OWN, DIRECT };
enum { C_NONE, C_HEAD, C_ROWS, C_FILL }; /* C: in the heads of the panels; as a residual; written into Y first */

#define STRIP_BYTES (16 << 20) /* of a constant that are packed before they are let go */
#define DIRECT_M 4             /* rows up to which packing B costs more than it saves */
#define DIRECT_CHUNK 256       /* columns of a task */
#define CONVERT_CHUNK 16384    /* elements of a task */

int64_t ln_product_offset(const ln_product *p, const int64_t *strides, int64_t i)
{
    int64_t at = 0;
    for (int32_t d = p->n_batch; d-- > 0; i /= p->batch[d])
        at += i % p->batch[d] * strides[d];
    return at;
}

void ln_product_dense(ln_product *p)
{
    int64_t stride = p->m * p->n;
    p->y_row = p->n;
    for (int32_t d = p->n_batch; d-- > 0; stride *= p->batch[d])
        p->y_batch[d] = stride;
}

static size_t panels_of(const ln_product *p, const ln_gemm_f32_desc *d)
{
    return ((size_t)p->n + d->nr - 1) / d->nr;
}

static ln_gemm_f32_b b_of(const ln_product *p, const float *b, const float *bias)
{
    return (ln_gemm_f32_b){.b = b,
                           .n_stride = (size_t)p->b_col,
                           .k_stride = (size_t)p->b_row,
                           .scale = p->alpha,
                           .bias = bias,
                           .bias_stride = (size_t)p->c_col,
                           .bias_scale = p->beta};
}

/* -- run ---------------------------------------------------------------------------------------------------------- */

typedef struct work {
    const ln_product *p;
    ln_gemm_f32_job job; /* of the first product */
    const float *a, *b, *c, *r;
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
    job.a = w->a + ln_product_offset(p, p->a_batch, batch);
    job.c = w->y + ln_product_offset(p, p->y_batch, batch);
    if (p->c_mode == C_FILL)
        job.r = job.c;
    else if (p->c_mode == C_ROWS)
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
        if (job.widen)
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
            ln_gemm_f32_b b = b_of(p, w->b + at, p->c_mode == C_HEAD ? w->c : NULL);
            ln_gemm_f32_pack(job.d, packed, (size_t)p->n, 1, (size_t)p->k, &b, 0, panels_of(p, job.d));
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
    if (p->mode == DIRECT) {
        int64_t chunk = direct_chunk(p), chunks = (p->n + chunk - 1) / chunk;
        ln_parallel(a, p->batches * chunks, (double)(p->m * p->k) * (double)chunk * 0.05, direct_chunks, w);
        return;
    }
    if (p->c_mode == C_FILL)
        ln_parallel(a, p->batches * p->m, (double)p->n * 0.5, fill_rows, w);
    bool half = p->mode == PACKED && p->type != LINNET_FLOAT32;
    w->job = (ln_gemm_f32_job){.d = LN_D(gemm_f32),
                               .m = (size_t)p->m,
                               .n = (size_t)p->n,
                               .taps = 1,
                               .k = (size_t)p->k,
                               .a_row = (size_t)p->a_row,
                               .a_col = (size_t)p->a_col,
                               .b = half ? NULL : a->packed,
                               .half = half ? a->packed : NULL,
                               .widen = half ? widen_of(p) : NULL,
                               .bfloat16 = p->type == LINNET_BFLOAT16,
                               .ldc = (size_t)p->y_row,
                               .act = (ln_act)p->fused.act,
                               .lo = p->fused.lo,
                               .hi = p->fused.hi};
    w->job.ldr = p->c_mode == C_ROWS ? (size_t)p->c_row : (size_t)p->n;
    ln_gemm_f32_prepare(&w->job, p->mode == OWN ? 1 : (size_t)p->threads);
    if (p->mode == PACKED) {
        ln_parallel(a, p->batches * (int64_t)w->job.tiles, ln_gemm_f32_cost(&w->job), packed_tiles, w);
    } else if (p->mode == OWN) {
        double cost = ln_gemm_f32_cost(&w->job) * (double)w->job.tiles + (double)p->b_packed;
        ln_parallel(a, p->batches, cost, own_products, w);
    } else {
        w->shared = a->scratch;
        w->workers = (char *)a->scratch + p->b_packed * (int64_t)sizeof(float);
        int64_t have = -1;
        for (int64_t i = 0; i < p->batches; i++) {
            int64_t at = ln_product_offset(p, p->b_batch, i);
            shared_task t = {.w = w, .job = job_of(w, i), .b = b_of(p, w->b + at, p->c_mode == C_HEAD ? w->c : NULL)};
            if (at != have)
                ln_parallel(a, (int64_t)panels_of(p, t.job.d), (double)p->k * t.job.d->nr, pack_panels, &t);
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
              .c = p->c_mode != C_NONE ? a->in[p->c_in] : NULL,
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
              .a = widened(a, 0, p->a_in),
              .b = p->mode != PACKED ? widened(a, 1, p->b_in) : NULL,
              .c = p->c_mode != C_NONE ? widened(a, 2, p->c_in) : NULL,
              .y = (float *)(void *)((char *)a->scratch + p->wide_at[3]),
              .workers = a->scratch};
    if (p->mode == PACKED && p->alpha != 1) /* else it goes into B as that is packed */
        LN_K(mul_f32)((float *)(uintptr_t)w.a, w.a, &p->alpha, (size_t)p->wide_n[0], 1, 0);
    run_product(a, &w);
    ln_VCONVERT *narrow = p->type == LINNET_FLOAT16 ? LN_K(f32_to_f16) : LN_K(f32_to_bf16);
    convert(a, (convert_task){narrow, a->out[0], (const char *)w.y, p->wide_n[3], sizeof(uint16_t), sizeof(float)});
    return LINNET_OK;
}

/* -- plan --------------------------------------------------------------------------------------------------------- */

/* Where every product of the batch has the same B and A's rows go on from one matrix to the next, it is one product. */
static void fold_batch(ln_product *p)
{
    int64_t a = p->m * p->a_row, y = p->m * p->y_row;
    for (int32_t d = p->n_batch; d-- > 0; a *= p->batch[d], y *= p->batch[d])
        if (p->batch[d] != 1 && (p->b_batch[d] != 0 || p->a_batch[d] != a || p->y_batch[d] != y))
            return;
    if (p->c_in >= 0 && p->c_row != 0 && p->batches != 1)
        return;
    p->m *= p->batches;
    p->batches = 1;
    p->n_batch = 0;
}

/* Y' = B' A': a column of results that lies in one piece is a row. */
static void transpose(ln_product *p)
{
    ln_product q = *p;
    p->m = q.n;
    p->n = q.m;
    p->a_in = q.b_in;
    p->b_in = q.a_in;
    p->a_row = q.b_col;
    p->a_col = q.b_row;
    p->b_row = q.a_col;
    p->b_col = q.a_row;
    p->y_row = p->n;
    memcpy(p->a_batch, q.b_batch, sizeof q.b_batch);
    memcpy(p->b_batch, q.a_batch, sizeof q.a_batch);
}

/* True where the matrices of B lie one after another, in the order of those dimensions of the batch that it has. */
static bool dense_b(const ln_product *p, const ln_info *b, int64_t *count)
{
    int64_t stride = p->k * p->n;
    *count = 1;
    for (int32_t d = p->n_batch; d-- > 0;)
        if (p->b_batch[d] && p->batch[d] != 1) {
            if (p->b_batch[d] != stride)
                return false;
            stride *= p->batch[d];
            *count *= p->batch[d];
        }
    return ln_info_count(b) == *count * p->k * p->n;
}

static void choose_c_mode(ln_product *p, bool head)
{
    p->c_mode = C_NONE;
    if (p->c_in < 0 || p->beta == 0)
        return;
    if (head && p->c_row == 0)
        p->c_mode = C_HEAD;
    else if (p->c_col == 1 && p->beta == 1 && p->r_in < 0 && (p->c_row == 0 || p->batches == 1))
        p->c_mode = C_ROWS;
    else
        p->c_mode = C_FILL;
}

/* Columns of B that lie in one piece each are let go strip by strip, so that a large B is not there twice. */
static void pack_strips(ln_ctx *c, const ln_product *p, float *packed, const ln_gemm_f32_b *b)
{
    const ln_gemm_f32_desc *d = LN_D(gemm_f32);
    size_t panels = panels_of(p, d), panel = d->nr * (size_t)p->k * sizeof(float);
    size_t step = STRIP_BYTES / (panel + 1) + 1;
    for (size_t begin = 0, end; begin < panels; begin = end) {
        end = panels - begin < step ? panels : begin + step;
        ln_gemm_f32_pack(d, packed, (size_t)p->n, 1, (size_t)p->k, b, begin, end);
        if (end < panels)
            ln_input_packed(c, p->b_in, begin * panel, (end - begin) * panel);
    }
}

static linnet_status pack_constant(ln_ctx *c, ln_product *p, int64_t count)
{
    const ln_gemm_f32_desc *d = LN_D(gemm_f32);
    const ln_info *bias = p->c_mode == C_HEAD ? c->in[p->c_in] : NULL;
    const float *from = c->in[p->b_in]->data;
    bool half = p->type != LINNET_FLOAT32;
    int64_t bytes;
    LN_TRY(ln_mul_size(c, p->b_packed * (int64_t)(half ? sizeof(uint16_t) : sizeof(float)), count, &bytes));
    float *packed = ln_pack(c, (size_t)bytes);
    if (!packed)
        return ln_no_memory(c);
    for (int64_t i = 0; half && i < count; i++)
        ln_gemm_f32_pack_half(d, (uint16_t *)(void *)packed + i * p->b_packed, (size_t)p->n, (size_t)p->k,
                              (const uint16_t *)(const void *)from + i * p->k * p->n, (size_t)p->b_col,
                              (size_t)p->b_row);
    if (half) {
        ln_drop_input(c, p->b_in);
        return LINNET_OK;
    }
    for (int64_t i = 0; i < count; i++) {
        ln_gemm_f32_b b = b_of(p, from + i * p->k * p->n, bias ? bias->data : NULL);
        if (count == 1 && p->b_row == 1 && p->b_col == p->k)
            pack_strips(c, p, packed, &b);
        else
            ln_gemm_f32_pack(d, packed + i * p->b_packed, (size_t)p->n, 1, (size_t)p->k, &b, 0, panels_of(p, d));
    }
    ln_drop_input(c, p->b_in);
    if (bias)
        ln_drop_input(c, p->c_in);
    return LINNET_OK;
}

/* Where the operands of 16 bits lie as float32: behind the `used` bytes of scratch. */
static linnet_status plan_wide(ln_ctx *c, ln_product *p, int64_t used)
{
    const int32_t inputs[3] = {p->a_in, p->mode == PACKED ? -1 : p->b_in, p->c_mode != C_NONE ? p->c_in : -1};
    for (int32_t i = 0; i < 4; i++) {
        int64_t bytes;
        p->wide_n[i] = i == 3 ? ln_info_count(c->out[0]) : inputs[i] >= 0 ? ln_info_count(c->in[inputs[i]]) : 0;
        p->wide_at[i] = used;
        LN_TRY(ln_mul_size(c, p->wide_n[i], sizeof(float), &bytes));
        if (bytes > INT64_MAX / 8)
            return ln_no_memory(c);
        used += (bytes + 63) / 64 * 64;
    }
    ln_scratch(c, (size_t)used);
    return LINNET_OK;
}

static linnet_status plan_packed(ln_ctx *c, ln_product *p)
{
    const ln_gemm_f32_desc *d = LN_D(gemm_f32);
    bool half_types = p->type != LINNET_FLOAT32;
    if (half_types)
        LN_SET_RUN(c, ln_product_half);
    else
        LN_SET_RUN(c, ln_product_f32);
    fold_batch(p);
    bool plain = p->c_in < 0 && p->r_in < 0 && p->alpha == 1;
    if (p->n == 1 && p->m > 1 && p->y_row == 1 && plain)
        transpose(p);
    int64_t count;
    const ln_info *b = c->in[p->b_in];
    bool constant = b->data && dense_b(p, b, &count);
    if (constant)
        p->mode = PACKED;
    else if (plain && p->m <= DIRECT_M && (p->a_col == 1 || p->k <= 1) && (p->b_col == 1 || p->b_row == 1))
        p->mode = DIRECT;
    else
        p->mode = p->batches > 1 && p->batches >= c->threads ? OWN : SHARED;
    bool half = constant && half_types; /* packed as it is, with no place for C */
    choose_c_mode(p, p->mode != DIRECT && !half && (!constant || (p->c_in >= 0 && c->in[p->c_in]->data)));
    p->threads = c->threads;
    if (p->mode == DIRECT)
        return half_types ? plan_wide(c, p, 0) : LINNET_OK;

    size_t packed = half ? ln_gemm_f32_packed_half(d, (size_t)p->n, (size_t)p->k)
                         : ln_gemm_f32_packed(d, (size_t)p->n, 1, (size_t)p->k);
    if (packed > SIZE_MAX / sizeof(float) - 64)
        return ln_fail(c, LINNET_ERR_MEMORY, "a matrix of %lld x %lld is too large", (long long)p->k, (long long)p->n);
    p->b_packed = (int64_t)(packed + 15) / 16 * 16;
    p->worker = (int64_t)(ln_gemm_f32_scratch(d, 1, (size_t)p->k) + (half ? ln_gemm_f32_scratch_half(d) : 0));
    if (p->mode == OWN)
        p->worker += p->b_packed * (int64_t)sizeof(float);
    int64_t bytes;
    LN_TRY(ln_mul_size(c, p->worker, c->threads, &bytes));
    bytes += p->mode == SHARED ? p->b_packed * (int64_t)sizeof(float) : 0;
    if (half_types)
        LN_TRY(plan_wide(c, p, (bytes + 63) / 64 * 64));
    else
        ln_scratch(c, (size_t)bytes);
    return constant ? pack_constant(c, p, count) : LINNET_OK;
}

linnet_status ln_product_plan(ln_ctx *c, ln_product *p)
{
    LN_TRY(ln_fused_check(c, &p->fused, p->type));
    bool packed = p->type == LINNET_FLOAT32 || p->type == LINNET_FLOAT16 || p->type == LINNET_BFLOAT16;
    return packed ? plan_packed(c, p) : ln_product_plan_any(c, p);
}
