/* SPDX-License-Identifier: Apache-2.0
 *
 * Plan of a batch of matrix products in float32, float16 and bfloat16; see product.h. The run is in product_run.c, the
 * plain loops for other types are in product_any.c.
 *
 * B is packed at plan time where it is constant. Else it is packed in scratch, by all threads together or, where there
 * are enough products in the batch, by each thread for its own; products with few rows read it where it lies. Which
 * way is taken depends on shapes and the number of threads, the result on shapes alone.
 */
#include <string.h>

#include "kernels/gemm_bf16.h"
#include "ops/product_any.h"
#include "ops/product_run.h"

#define STRIP_BYTES ((size_t)16 << 20) /* of a constant that are packed before they are let go */
#define PART_BYTES ((size_t)256 << 10) /* of a constant that a thread packs at a time */
#define DIRECT_M 4                     /* rows up to which packing B costs more than it saves */
#define WIDE_PANEL 32                  /* columns of a panel */
#define DIRECT_CONST (16 << 20)        /* bytes of a constant B from which on one row reads it where it lies */

void ln_product_dense(ln_product *p)
{
    int64_t stride = p->m * p->n;
    p->y_row = p->n;
    for (int32_t d = p->n_batch; d-- > 0; stride *= p->batch[d])
        p->y_batch[d] = stride;
}

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
    p->c_mode = LN_PRODUCT_C_NONE;
    if (p->c_in < 0 || p->beta == 0)
        return;
    if (head && p->c_row == 0)
        p->c_mode = LN_PRODUCT_C_HEAD;
    else if (p->c_col == 1 && p->beta == 1 && p->r_in < 0 && (p->c_row == 0 || p->batches == 1))
        p->c_mode = LN_PRODUCT_C_ROWS;
    else
        p->c_mode = LN_PRODUCT_C_FILL;
}

typedef struct packing {
    const ln_ctx *c;
    const ln_product *p;
    const float *bias;
    float *to;    /* of one matrix */
    size_t first; /* element of the constant that it begins with */
    size_t step;  /* columns or rows of an item */
    size_t begin; /* item that the tasks' item 0 is */
} packing;

/* Columns of B lie in one piece each: an item is some panels. */
static bool pack_columns(void *arg, void *buffer, int64_t begin, int64_t end)
{
    const packing *t = arg;
    const ln_product *p = t->p;
    const ln_gemm_f32_desc *d = LN_D(gemm_f32);
    size_t n = (size_t)p->n, k = (size_t)p->k;
    for (size_t i = (size_t)begin; i < (size_t)end; i++) {
        size_t j = (t->begin + i) * t->step, w = n - j < t->step ? n - j : t->step;
        const float *part =
            ln_input_part(t->c, p->b_in, (t->first + j * k) * sizeof(float), w * k * sizeof(float), buffer);
        if (!part)
            return false;
        ln_gemm_f32_b b = ln_product_b(p, part, t->bias ? t->bias + j * (size_t)p->c_col : NULL);
        ln_gemm_f32_pack(d, t->to + j * (k + 1), w, 1, k, &b, 0, (w + d->nr - 1) / d->nr);
    }
    return true;
}

/* Rows of B lie in one piece each: an item is some of them. */
static bool pack_rows(void *arg, void *buffer, int64_t begin, int64_t end)
{
    const packing *t = arg;
    const ln_product *p = t->p;
    size_t n = (size_t)p->n, k = (size_t)p->k;
    for (size_t i = (size_t)begin; i < (size_t)end; i++) {
        size_t row = (t->begin + i) * t->step, rows = k - row < t->step ? k - row : t->step;
        const float *part =
            ln_input_part(t->c, p->b_in, (t->first + row * n) * sizeof(float), rows * n * sizeof(float), buffer);
        if (!part)
            return false;
        ln_gemm_f32_b b = ln_product_b(p, part, t->bias);
        ln_gemm_f32_pack_rows(LN_D(gemm_f32), t->to, n, k, &b, row, row + rows);
    }
    return true;
}

/* One matrix of B. Where columns of a single one were in memory already, they are let go strip by strip, so that a
 * large B is not there twice. */
static linnet_status pack_matrix(ln_ctx *c, packing *t, bool single)
{
    const ln_product *p = t->p;
    const ln_gemm_f32_desc *d = LN_D(gemm_f32);
    size_t n = (size_t)p->n, k = (size_t)p->k;
    bool rows = p->b_col == 1 && p->b_row == p->n, columns = p->b_row == 1 && p->b_col == p->k;
    if ((!rows && !columns) || n == 0 || k == 0) { /* a product that no file writes so: it is in memory */
        ln_gemm_f32_b b = ln_product_b(p, (const float *)c->in[p->b_in]->data + t->first, t->bias);
        ln_gemm_f32_pack(d, t->to, n, 1, k, &b, 0, ln_product_panels(p, d));
        return LINNET_OK;
    }
    columns = columns && !rows;
    size_t unit = columns ? d->nr : 1, all = columns ? n : k, line = (columns ? k : n) * sizeof(float);
    t->step = (PART_BYTES / (unit * line) + 1) * unit;
    t->step = t->step < all ? t->step : all;
    size_t item = t->step * line, items = (all + t->step - 1) / t->step;
    size_t strip = columns && single ? STRIP_BYTES / item + 1 : items;
    for (size_t end; t->begin < items; t->begin = end) {
        end = items - t->begin < strip ? items : t->begin + strip;
        LN_TRY(ln_pack_parallel(c, p->b_in, item, (int64_t)(end - t->begin), 0.2 * (double)item,
                                columns ? pack_columns : pack_rows, t));
        if (end < items)
            ln_input_packed(c, p->b_in, t->begin * item, (end - t->begin) * item);
    }
    return LINNET_OK;
}

static linnet_status pack_constant(ln_ctx *c, ln_product *p, int64_t count)
{
    const ln_gemm_f32_desc *d = LN_D(gemm_f32);
    const ln_info *bias = p->c_mode == LN_PRODUCT_C_HEAD ? c->in[p->c_in] : NULL;
    bool half = p->type != LINNET_FLOAT32;
    int64_t bytes;
    LN_TRY(ln_mul_size(c, p->b_packed * (int64_t)(half ? sizeof(uint16_t) : sizeof(float)), count, &bytes));
    void *packed = ln_pack(c, (size_t)bytes);
    if (!packed)
        return ln_no_memory(c);
    for (int64_t i = 0; p->pairs && i < count; i++)
        ln_gemm_bf16_pack(d, (uint16_t *)packed + i * p->b_packed, (size_t)p->n, 1, (size_t)p->k,
                          (const uint16_t *)c->in[p->b_in]->data + i * p->k * p->n, (size_t)p->b_col, 0,
                          (size_t)p->b_row);
    for (int64_t i = 0; half && !p->pairs && i < count; i++)
        ln_gemm_f32_pack_half(d, (uint16_t *)packed + i * p->b_packed, (size_t)p->n, 1, (size_t)p->k,
                              (const uint16_t *)c->in[p->b_in]->data + i * p->k * p->n, (size_t)p->b_col, 0,
                              (size_t)p->b_row);
    for (int64_t i = 0; !half && i < count; i++) {
        packing t = {.c = c,
                     .p = p,
                     .bias = bias ? bias->data : NULL,
                     .to = (float *)packed + i * p->b_packed,
                     .first = (size_t)(i * p->k * p->n)};
        LN_TRY(pack_matrix(c, &t, count == 1));
    }
    ln_drop_input(c, p->b_in);
    if (bias && !half)
        ln_drop_input(c, p->c_in);
    return LINNET_OK;
}

/* Where the operands of 16 bits lie as float32: behind the `used` bytes of scratch. */
static linnet_status plan_wide(ln_ctx *c, ln_product *p, int64_t used)
{
    const int32_t inputs[3] = {p->pairs ? -1 : p->a_in, p->mode == LN_PRODUCT_PACKED ? -1 : p->b_in,
                               p->c_mode != LN_PRODUCT_C_NONE ? p->c_in : -1};
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

/* One row times a constant that no cache holds takes as long as reading that: packing it would take twice the memory
 * for a while, and time before the first result. So does one row times a few columns, with which a wide panel would be
 * half empty or more. */
static bool reads_in_place(const ln_product *p, const ln_info *b, bool rows)
{
    bool bias = p->c_in < 0 || p->beta == 0 || (p->beta == 1 && p->c_col == 1);
    int64_t panel = LN_D(gemm_f32)->nr;
    bool few = p->b_row == 1 && panel >= WIDE_PANEL && p->n <= panel / 2;
    return p->type == LINNET_FLOAT32 && p->m == 1 && p->batches == 1 && rows && bias && p->r_in < 0 && p->alpha == 1 &&
           (few || ln_info_bytes(b) >= DIRECT_CONST);
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
    int64_t count = 1;
    const ln_info *b = c->in[p->b_in];
    bool constant = b->data && dense_b(p, b, &count);
    bool rows = (p->a_col == 1 || p->k <= 1) && (p->b_col == 1 || p->b_row == 1);
    if (constant && !reads_in_place(p, b, rows))
        p->mode = LN_PRODUCT_PACKED;
    else if (constant || (plain && rows && p->m <= DIRECT_M))
        p->mode = LN_PRODUCT_DIRECT;
    else
        p->mode = p->batches > 1 && p->batches >= c->threads ? LN_PRODUCT_OWN : LN_PRODUCT_SHARED;
    bool half = constant && half_types; /* packed as it is, with no place for C */
    choose_c_mode(p, p->mode != LN_PRODUCT_DIRECT && !half && (!constant || (p->c_in >= 0 && c->in[p->c_in]->data)));
    p->threads = c->threads;
    if (p->mode == LN_PRODUCT_DIRECT)
        return half_types ? plan_wide(c, p, 0) : LINNET_OK;

    p->pairs = half && p->type == LINNET_BFLOAT16 && p->m > LN_GEMM_FEW_ROWS && p->a_col == 1 && p->alpha == 1 &&
               ln_gemm_bf16_there(d);
    size_t packed = p->pairs ? ln_gemm_bf16_packed(d, (size_t)p->n, 1, (size_t)p->k)
                    : half   ? ln_gemm_f32_packed_half(d, (size_t)p->n, (size_t)p->k)
                             : ln_gemm_f32_packed(d, (size_t)p->n, 1, (size_t)p->k);
    if (packed > SIZE_MAX / sizeof(float) - 64)
        return ln_fail(c, LINNET_ERR_MEMORY, "a matrix of %lld x %lld is too large", (long long)p->k, (long long)p->n);
    p->b_packed = (int64_t)(packed + 15) / 16 * 16;
    size_t columns = p->a_col == 1 ? (size_t)p->n : SIZE_MAX;
    p->worker = (int64_t)(ln_gemm_f32_scratch(d, SIZE_MAX, columns, 1, (size_t)p->k) +
                          (half ? ln_gemm_f32_scratch_half(d, (size_t)p->n, (size_t)p->k) : 0));
    if (p->pairs)
        p->worker = (int64_t)ln_gemm_bf16_scratch(d, (size_t)p->m, 1, (size_t)p->k);
    if (p->mode == LN_PRODUCT_OWN)
        p->worker += p->b_packed * (int64_t)sizeof(float);
    int64_t bytes;
    LN_TRY(ln_mul_size(c, p->worker, c->threads, &bytes));
    bytes += p->mode == LN_PRODUCT_SHARED ? p->b_packed * (int64_t)sizeof(float) : 0;
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
