/* SPDX-License-Identifier: Apache-2.0
 *
 * Integer matrix products of tensors: see qproduct.h.
 */
#include "ops/qproduct.h"

enum { ROWS = 72 }; /* rows of a task: their pointers lie on the stack */

/* A shape as a stack of matrices. */
typedef struct matrices {
    int32_t rank; /* of the batch dimensions */
    int64_t dims[LN_MAX_RANK];
    int64_t rows, columns;
} matrices;

static matrices matrices_of(const ln_info *x, bool left)
{
    matrices r = {.rank = x->rank > 2 ? x->rank - 2 : 0, .rows = 1, .columns = 1};
    for (int32_t i = 0; i < r.rank; i++)
        r.dims[i] = x->dims[i];
    if (x->rank >= 2) {
        r.rows = x->dims[x->rank - 2];
        r.columns = x->dims[x->rank - 1];
    } else if (x->rank == 1) {
        *(left ? &r.columns : &r.rows) = x->dims[0];
    }
    return r;
}

linnet_status ln_qproduct_infer(ln_ctx *c, int32_t ia, int32_t ib, linnet_type type)
{
    const ln_info *a = c->in[ia], *b = c->in[ib];
    LN_TRY(ln_check_type(c, ib, LN_T_8 | LN_T_F8, "B"));
    if (a->rank == 0 || b->rank == 0)
        return ln_fail(c, LINNET_ERR_MODEL, "a scalar is no matrix");
    if (a->rank < 0 || b->rank < 0)
        return ln_set_unknown(c, 0, type);
    matrices ma = matrices_of(a, true), mb = matrices_of(b, false);
    if (ma.columns >= 0 && mb.rows >= 0 && ma.columns != mb.rows)
        return ln_fail(c, LINNET_ERR_MODEL, "A has %lld columns, B has %lld rows", (long long)ma.columns,
                       (long long)mb.rows);
    if (ma.columns > INT32_MAX)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "sums over %lld elements", (long long)ma.columns);
    int32_t rank = ma.rank;
    if (!ln_broadcast(&rank, ma.dims, mb.rank, mb.dims))
        return ln_fail(c, LINNET_ERR_MODEL, "the batches of A and B do not broadcast");
    if (a->rank > 1)
        ma.dims[rank++] = ma.rows;
    if (b->rank > 1)
        ma.dims[rank++] = mb.columns;
    return ln_set_shape(c, 0, type, rank, ma.dims);
}

static linnet_status set_batches(ln_ctx *c, ln_qproduct *p, const matrices *a, const matrices *b)
{
    int32_t rank = a->rank;
    for (int32_t i = 0; i < rank; i++)
        p->dims[i] = a->dims[i];
    if (!ln_broadcast(&rank, p->dims, b->rank, b->dims))
        return ln_fail(c, LINNET_ERR_MODEL, "the batches of A and B do not broadcast");
    p->rank = rank;
    p->batches = 1;
    int64_t a_step = 1, b_step = 1;
    for (int32_t i = rank - 1; i >= 0; i--) {
        int32_t ka = i - (rank - a->rank), kb = i - (rank - b->rank);
        int64_t da = ka >= 0 ? a->dims[ka] : 1, db = kb >= 0 ? b->dims[kb] : 1;
        p->a_step[i] = da == 1 ? 0 : a_step;
        p->b_step[i] = db == 1 ? 0 : b_step;
        a_step *= da;
        b_step *= db;
        LN_TRY(ln_mul_size(c, p->batches, p->dims[i], &p->batches));
    }
    p->b_count = b_step;
    return LINNET_OK;
}

linnet_status ln_qproduct_geometry(ln_ctx *c, ln_qproduct *p, int32_t ia, int32_t ib)
{
    matrices ma = matrices_of(c->in[ia], true), mb = matrices_of(c->in[ib], false);
    p->m = p->transpose_a ? ma.columns : ma.rows;
    p->k = p->transpose_a ? ma.rows : ma.columns;
    p->n = p->transpose_b ? mb.rows : mb.columns;
    return set_batches(c, p, &ma, &mb);
}

linnet_status ln_qproduct_plan(ln_ctx *c, ln_qproduct *p, int32_t ia, int32_t ib, int32_t zero, size_t *packed_bytes,
                               size_t *scratch)
{
    const ln_info *a = c->in[ia], *b = c->in[ib], *z = zero >= 0 ? ln_in(c, zero) : NULL;
    if (!(LN_T_8 & LN_T(b->type)))
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "B of %s", linnet_type_name((linnet_type)b->type));
    p->a_signed = a->type == LINNET_INT8;
    p->b_signed = b->type == LINNET_INT8;
    LN_TRY(ln_qproduct_geometry(c, p, ia, ib));
    if (p->b_count == 1 && !p->transpose_a) { /* the batches of A are more rows */
        p->m *= p->batches;
        p->batches = 1;
        p->rank = 0;
    }
    p->zero_count = z ? ln_info_count(z) : 0;
    if (p->zero_count > 1 && p->zero_count != p->n && p->zero_count != p->n * p->b_count)
        return ln_fail(c, LINNET_ERR_MODEL, "zero point of B has %lld elements for %lld columns",
                       (long long)p->zero_count, (long long)p->n);
    size_t bytes = ln_qgemm_packed_bytes(LN_D(qgemm), 1, (size_t)p->k, (size_t)p->n);
    p->b_bytes = (int64_t)bytes;
    p->packed = b->data && (!z || z->data);
    p->sums = 1;
    int64_t total;
    LN_TRY(ln_mul_size(c, p->b_bytes, p->b_count, &total));
    *packed_bytes = p->packed ? (size_t)total : 0;
    if (!p->packed) {
        p->scratch_b = (int64_t)*scratch;
        *scratch += bytes;
    }
    if (p->transpose_a) {
        p->scratch_a = (int64_t)*scratch;
        *scratch += ((size_t)(p->m * p->k) + 63) / 64 * 64;
    }
    return LINNET_OK;
}

static bool pack_one(const ln_qproduct *p, void *to, const uint8_t *b, const uint8_t *zero, int64_t matrix,
                     const int32_t *bias)
{
    size_t n = (size_t)p->n, k = (size_t)p->k;
    bool each = p->zero_count > 1;
    ln_qgemm_b from = {.b = b + (size_t)matrix * n * k,
                       .segments = 1,
                       .k = k,
                       .n = n,
                       .stride_k = p->transpose_b ? 1 : n,
                       .stride_n = p->transpose_b ? k : 1,
                       .is_signed = p->b_signed,
                       .bias = bias,
                       .zero = zero,
                       .zero_stride = each};
    if (zero && each && p->zero_count > p->n)
        from.zero += (size_t)matrix * n;
    return ln_qgemm_pack(to, LN_D(qgemm), &from);
}

void ln_qproduct_pack(ln_qproduct *p, void *packed, const void *b, const void *zero, const int32_t *bias)
{
    bool sums = false;
    for (int64_t i = 0; i < p->b_count; i++)
        sums |= pack_one(p, (char *)packed + i * p->b_bytes, b, zero, i, bias);
    p->sums = sums;
}

/* One matrix product. */
typedef struct job {
    const ln_qproduct *p;
    const uint8_t *a;
    const void *packed;
    char *c;
    const void *a_zeros;
    const float *row_scale;
    ln_qgemm_args g;
    int64_t groups; /* tasks side by side: each takes part of the panels */
    int64_t panels;
    bool sums;
} job;

static void rows_of(const job *j, int64_t row, int64_t n, int64_t panel, int64_t panel_end)
{
    const ln_qproduct *p = j->p;
    const uint8_t *rows[ROWS];
    int32_t sums[ROWS];
    ln_qgemm_args g = j->g;
    g.a_stride = (size_t)n;
    for (int64_t i = 0; i < n; i++)
        rows[i] = j->a + (row + i) * p->k;
    if (j->a_zeros)
        g.a_zero = ln_zero_of(j->a_zeros, p->a_signed, row) + (g.flip ? 128 : 0);
    if (j->sums) {
        ln_qgemm_row_sums(sums, rows, (size_t)n, &g);
        g.row_sum = sums;
    }
    g.row_scale = j->row_scale ? j->row_scale + row : NULL;
    size_t size = g.out == LN_QGEMM_8 ? 1 : 4;
    ln_qgemm(j->c + (size_t)(row * p->n) * size, rows, j->packed, (size_t)n, (size_t)p->n, (size_t)panel,
             (size_t)panel_end, LN_D(qgemm), &g);
}

static void tasks(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const job *j = arg;
    (void)worker;
    for (int64_t t = begin; t < end; t++) {
        int64_t row = t / j->groups * ROWS, group = t % j->groups;
        int64_t n = j->p->m - row < ROWS ? j->p->m - row : ROWS;
        int64_t from = j->panels * group / j->groups, to = j->panels * (group + 1) / j->groups;
        if (!j->a_zeros)
            rows_of(j, row, n, from, to);
        else /* zero points by row: the kernel knows one, so row by row */
            for (int64_t i = 0; i < n; i++)
                rows_of(j, row + i, 1, from, to);
    }
}

static void transpose(uint8_t *to, const uint8_t *from, int64_t rows, int64_t columns)
{
    for (int64_t i = 0; i < rows; i++)
        for (int64_t k = 0; k < columns; k++)
            to[i * columns + k] = from[k * rows + i];
}

/* packed: B is known to be. */
static inline __attribute__((always_inline)) void run(const ln_args *a, const ln_qproduct *p, const ln_qproduct_in *in,
                                                      const bool packed)
{
    const ln_qgemm_tile *tile = LN_D(qgemm);
    int64_t panels = (p->n + tile->nr - 1) / tile->nr, blocks = (p->m + ROWS - 1) / ROWS;
    size_t size = in->out == LN_QGEMM_8 ? 1 : 4;
    if (panels == 0 || blocks == 0)
        return;
    job j = {.p = p, .panels = panels, .sums = p->sums != 0};
    j.groups = blocks >= 16 ? 1 : panels < 16 ? panels : 16;
    j.g = (ln_qgemm_args){.k = (size_t)p->k,
                          .segments = 1,
                          .c_stride = (size_t)p->n,
                          .flip = p->a_signed ? 0x80 : 0,
                          .a_zero = in->a_zero + (p->a_signed ? 128 : 0),
                          .out = in->out,
                          .y_zero = in->y_zero,
                          .lo = (float)((in->y_signed ? -128 : 0) - in->y_zero),
                          .hi = (float)((in->y_signed ? 127 : 255) - in->y_zero),
                          .fbias = in->fbias};
    int64_t index[LN_MAX_RANK] = {0}, ia = 0, ib = 0;
    for (int64_t batch = 0; batch < p->batches; batch++) {
        j.a = in->a + ia * p->m * p->k;
        if (p->transpose_a) {
            uint8_t *to = (uint8_t *)a->scratch + p->scratch_a;
            transpose(to, j.a, p->m, p->k);
            j.a = to;
        }
        if (packed || p->packed) {
            j.packed = (const char *)in->packed + ib * p->b_bytes;
        } else {
            char *to = (char *)a->scratch + p->scratch_b;
            j.sums = pack_one(p, to, in->b, in->b_zero, ib, in->bias);
            j.packed = to;
        }
        j.c = (char *)in->c + (size_t)(batch * p->m * p->n) * size;
        j.a_zeros = in->a_zeros ? (const char *)in->a_zeros + ia * in->a_zeros_step : NULL;
        j.row_scale = in->row_scale ? in->row_scale + ia * in->row_scale_step : NULL;
        j.g.scale = in->scale ? in->scale + ib * in->scale_step : NULL;
        ln_parallel(a, blocks * j.groups, (double)(ROWS * p->k) * (double)p->n / (double)j.groups * 0.01, tasks, &j);
        for (int32_t d = p->rank - 1; d >= 0; d--) {
            ia += p->a_step[d];
            ib += p->b_step[d];
            if (++index[d] < p->dims[d])
                break;
            ia -= p->a_step[d] * p->dims[d];
            ib -= p->b_step[d] * p->dims[d];
            index[d] = 0;
        }
    }
}

void ln_qproduct_run(const ln_args *a, const ln_qproduct *p, const ln_qproduct_in *in)
{
    run(a, p, in, false);
}

void ln_qproduct_run_packed(const ln_args *a, const ln_qproduct *p, const ln_qproduct_in *in)
{
    run(a, p, in, true);
}
