/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks of the float32 product on every tier: the micro-kernels at every tile size, the loops around them, GEMV.
 * Sums are compared with float64 within (K + 2) eps sum |a||b|, the error bound of any order of summation.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/tiles.h"
#include "tests/kernels/gemm_pieces.h"

#define SENTINEL 12345.0f

static bool near(float got, double want, double bound, size_t k)
{
    double limit = ((double)k + 3) * (double)FLT_EPSILON * bound + 1e-37;
    return fabs((double)got - want) <= limit;
}

static double clamped(double x, double lo, double hi)
{
    return fmin(fmax(x, lo), hi);
}

/* -- one tile ----------------------------------------------------------------------------------------------------- */

typedef struct tile_case {
    size_t m, n, taps, k;
    bool bias, residual, clamp, at_end;
} tile_case;

static void check_tile(const char *tier, const ln_gemm_f32_desc *d, const tile_case *s)
{
    size_t nr = d->nr, kk = s->taps * s->k, rows = s->m * s->taps, ldc = s->n + 3, ldr = s->n + 1;
    size_t c_size = (s->m - 1) * ldc + s->n, r_size = (s->m - 1) * ldr + s->n;
    float *a = check_guard(rows * s->k * sizeof *a, s->at_end), *b = check_guard((kk + 1) * nr * sizeof *b, s->at_end);
    float *c = check_guard(c_size * sizeof *c, s->at_end), *r = check_guard(r_size * sizeof *r, s->at_end);
    const float **pointers = malloc((rows + 1) * sizeof *pointers);
    check_fill_f32(a, rows * s->k, CHECK_NORMAL);
    check_fill_f32(b, (kk + 1) * nr, CHECK_NORMAL);
    check_fill_f32(r, r_size, CHECK_NORMAL);
    for (size_t i = 0; i < c_size; i++)
        c[i] = SENTINEL;
    for (size_t i = 0; i < rows; i++)
        pointers[i] = a + (rows - 1 - i) * s->k;
    ln_gemm_f32_tile t = {.m = s->m,
                          .n = s->n,
                          .taps = s->taps,
                          .k = s->k,
                          .a = pointers,
                          .a_stride = s->m,
                          .b = b + nr,
                          .bias = s->bias ? b : NULL,
                          .r = s->residual ? r : NULL,
                          .ldr = ldr,
                          .c = c,
                          .ldc = ldc,
                          .clamp = s->clamp,
                          .lo = -0.5f,
                          .hi = 0.75f};
    d->tile(&t);
    bool ok = true;
    for (size_t i = 0; i < s->m; i++)
        for (size_t j = 0; j < ldc && i * ldc + j < c_size; j++) {
            if (j >= s->n) {
                ok = ok && c[i * ldc + j] == SENTINEL;
                continue;
            }
            double want = s->bias ? (double)b[j] : 0, bound = fabs(want);
            if (s->residual) {
                want += (double)r[i * ldr + j];
                bound += fabs((double)r[i * ldr + j]);
            }
            for (size_t p = 0; p < kk; p++) {
                double term = (double)pointers[p / s->k * s->m + i][p % s->k] * (double)b[(p + 1) * nr + j];
                want += term;
                bound += fabs(term);
            }
            ok = ok && near(c[i * ldc + j], s->clamp ? clamped(want, -0.5, 0.75) : want, bound, kk + 2);
        }
    check_ok(ok, "%s tile m=%zu n=%zu taps=%zu k=%zu bias=%d residual=%d clamp=%d", tier, s->m, s->n, s->taps, s->k,
             s->bias, s->residual, s->clamp);
    free(pointers);
    check_guard_free(a);
    check_guard_free(b);
    check_guard_free(c);
    check_guard_free(r);
}

static void check_tiles_of(const char *tier, const ln_gemm_f32_desc *d)
{
    static const size_t ks[][2] = {{0, 3}, {1, 0}, {1, 1}, {1, 3}, {1, 4}, {1, 33}, {2, 5}, {9, 2}, {3, 16}};
    size_t half = d->nr / 2u, ns[] = {1, half - 1, half, half + 1, d->nr - 1u, d->nr};
    for (size_t m = 1; m <= d->mr; m++)
        for (size_t i = 0; i < sizeof ns / sizeof *ns; i++)
            for (size_t j = 0; j < sizeof ks / sizeof *ks; j++) {
                uint64_t r = check_random();
                tile_case s = {m, ns[i], ks[j][0], ks[j][1], r & 1, r >> 1 & 1, r >> 2 & 1, r >> 3 & 1};
                check_tile(tier, d, &s);
            }
}

/* NaN and infinities come through a clamp as they should: NaN stays, the others are clamped. */
static void check_special(const char *tier, const ln_gemm_f32_desc *d)
{
    float a[2] = {1, 1}, c[128], *b = check_guard(2u * d->nr * sizeof *b, true);
    const float *rows[1] = {a};
    for (size_t j = 0; j < d->nr; j++) {
        b[j] = 0;
        b[d->nr + j] = j % 3 == 0 ? NAN : j % 3 == 1 ? INFINITY : -INFINITY;
    }
    ln_gemm_f32_tile t = {.m = 1,
                          .n = d->nr,
                          .taps = 1,
                          .k = 1,
                          .a = rows,
                          .a_stride = 1,
                          .b = b + d->nr,
                          .bias = b,
                          .c = c,
                          .ldc = d->nr,
                          .clamp = true,
                          .lo = 0,
                          .hi = 6};
    d->tile(&t);
    bool ok = true;
    for (size_t j = 0; j < d->nr; j++)
        ok = ok && (j % 3 == 0 ? isnan(c[j]) : c[j] == (j % 3 == 1 ? 6.0f : 0.0f));
    check_ok(ok, "%s clamp of NaN and infinities", tier);
    check_guard_free(b);
}

/* -- the loops ---------------------------------------------------------------------------------------------------- */

typedef struct rows_case {
    const float *a, *zero;
    size_t m, k, taps;
} rows_case;

#define EDGE 20 /* the first tap of as many first rows is outside of the image, the last tap of as many last ones */

static bool outside(const rows_case *r, size_t i, size_t t)
{
    return r->zero && ((t == 0 && i < EDGE) || (t == r->taps - 1 && i + EDGE >= r->m));
}

/* Row i, tap t starts k elements behind the one before: any pattern will do. */
static void rows_of(const void *arg, size_t begin, size_t count, const float **rows, size_t stride)
{
    const rows_case *r = arg;
    for (size_t t = 0; t < r->taps; t++)
        for (size_t i = 0; i < count; i++)
            rows[t * stride + i] = outside(r, begin + i, t) ? r->zero : r->a + ((begin + i) * r->taps + t) * r->k;
}

static void run(const ln_gemm_f32_desc *d, ln_gemm_f32_job *job, size_t threads, float *c)
{
    ln_gemm_f32_prepare(job, threads);
    size_t columns = job->a_col == 1 || job->rows ? job->n : SIZE_MAX;
    size_t bytes = ln_gemm_f32_scratch(d, job->m, columns, job->taps, job->k);
    bytes += job->widen ? ln_gemm_f32_scratch_half(d, job->n, job->taps * job->k) : 0;
    run_in_pieces(job, bytes, c);
}

static void check_job(const char *tier, const ln_gemm_f32_desc *d, size_t m, size_t n, size_t taps, size_t k,
                      bool trans_a, bool trans_b, bool indirect)
{
    size_t kk = taps * k, packed = ln_gemm_f32_packed(d, n, taps, k), panels = (n + d->nr - 1) / d->nr, ldc = n + 2;
    float *a = check_guard(m * kk * sizeof *a, true), *b = check_guard(n * kk * sizeof *b, true);
    float *c = check_guard(m * ldc * sizeof *c, true), *c2 = check_guard(m * ldc * sizeof *c, true);
    float *to = aligned_alloc(64, (packed * sizeof *to + 63) / 64 * 64), *bias = check_guard(n * sizeof *bias, true);
    check_fill_f32(a, m * kk, CHECK_NORMAL);
    check_fill_f32(b, n * kk, CHECK_NORMAL);
    check_fill_f32(bias, n, CHECK_NORMAL);
    memset(c, 0, m * ldc * sizeof *c);
    memset(c2, 0, m * ldc * sizeof *c);
    ln_gemm_f32_b from = {.b = b,
                          .n_stride = trans_b ? kk : 1,
                          .k_stride = trans_b ? 1 : n,
                          .tap_stride = trans_b ? k : k * n,
                          .bias = bias,
                          .bias_stride = 1,
                          .scale = 1,
                          .bias_scale = 1};
    ln_gemm_f32_pack(d, to, n, taps, k, &from, 0, panels / 2);
    ln_gemm_f32_pack(d, to, n, taps, k, &from, panels / 2, panels);
    float *zero = check_guard(k * sizeof *zero, true);
    memset(zero, 0, k * sizeof *zero);
    rows_case source = {a, indirect ? zero : NULL, m, k, taps};
    for (size_t i = 0; i < m * taps; i++)
        if (outside(&source, i / taps, i % taps))
            memset(a + i * k, 0, k * sizeof *a);
    ln_gemm_f32_job job = {.d = d,
                           .m = m,
                           .n = n,
                           .taps = taps,
                           .k = k,
                           .a = a,
                           .a_row = trans_a ? 1 : kk,
                           .a_col = trans_a ? m : 1,
                           .rows = indirect ? rows_of : NULL,
                           .rows_arg = &source,
                           .zero = source.zero,
                           .rows_pitch = kk,
                           .b = to,
                           .ldc = ldc,
                           .act = LN_ACT_CLIP,
                           .lo = -3,
                           .hi = 3};
    run(d, &job, 1, c);
    run(d, &job, 3, c2);
    bool ok = true;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            double want = (double)bias[j], bound = fabs(want);
            for (size_t p = 0; p < kk; p++) {
                double term = (double)a[trans_a ? p * m + i : i * kk + p] * (double)b[trans_b ? j * kk + p : p * n + j];
                want += term;
                bound += fabs(term);
            }
            ok = ok && near(c[i * ldc + j], clamped(want, -3, 3), bound, kk + 2);
        }
    check_ok(ok, "%s product %zu x %zu x %zu * %zu trans %d %d indirect %d", tier, m, n, taps, k, trans_a, trans_b,
             indirect);
    check_ok(memcmp(c, c2, m * ldc * sizeof *c) == 0, "%s product %zu x %zu x %zu * %zu: threads change the result",
             tier, m, n, taps, k);
    free(to);
    check_guard_free(zero);
    check_guard_free(a);
    check_guard_free(b);
    check_guard_free(c);
    check_guard_free(c2);
    check_guard_free(bias);
}

/* Panels of rows, the last of which ends with its memory: the columns, then zeros. */
static void check_panels(const char *tier, const ln_gemm_f32_desc *d)
{
    for (size_t n = 1; d->panels && n < 4u * d->nr; n += 1 + check_below(5))
        for (size_t k = 1; k < 40; k += 1 + check_below(12)) {
            size_t at = check_below(3), ldb = at + n, nr = d->nr, columns = (n + nr - 1) / nr * nr;
            float *b = check_guard(k * ldb * sizeof *b, true), *to = check_guard(columns * k * sizeof *to, true);
            const float *rows[40];
            check_fill_f32(b, k * ldb, CHECK_NORMAL);
            for (size_t p = 0; p < k; p++)
                rows[p] = b + p * ldb;
            d->panels(to, rows, at, k, n);
            bool ok = true;
            for (size_t j = 0; j < columns; j++)
                for (size_t p = 0; p < k; p++)
                    ok = ok && to[j / nr * nr * k + p * nr + j % nr] == (j < n ? rows[p][at + j] : 0);
            check_ok(ok, "%s panels of %zu rows of %zu columns from %zu on", tier, k, n, at);
            check_guard_free(b);
            check_guard_free(to);
        }
}

static void check_jobs(const char *tier, const ln_gemm_f32_desc *d)
{
    static const size_t ms[] = {1, 2, 5, 13, 15, 120}, ns[] = {1, 7, 16, 33, 100}, ks[] = {1, 5, 64, 513};
    for (size_t i = 0; i < sizeof ms / sizeof *ms; i++)
        for (size_t j = 0; j < sizeof ns / sizeof *ns; j++)
            for (size_t l = 0; l < sizeof ks / sizeof *ks; l++) {
                uint64_t r = check_random();
                check_job(tier, d, ms[i], ns[j], 1, ks[l], r & 1, r >> 1 & 1, false);
            }
    check_panels(tier, d);
    check_job(tier, d, 40, 70, 1, 1024, false, false, false); /* rows that share sets of a cache: copied */
    check_job(tier, d, 40, 70, 1, 3072, false, false, false); /* in more than one block of K */
    check_job(tier, d, 40, 70, 9, 3, false, false, true);     /* short taps: copied */
    check_job(tier, d, 40, 70, 9, 65, false, true, true);     /* several taps in a block */
    check_job(tier, d, 20, 40, 3, 600, false, false, true);   /* several blocks in a tap */
    check_job(tier, d, 6, 300, 1, 2000, false, false, false); /* few rows: K in one piece */
    check_job(tier, d, 64, 63, 1, 511, true, false, false);   /* copied rows, which are further apart than K is long */
    check_job(tier, d, 64, 63, 1, 2047, true, false, false);
    check_job(tier, d, 31, 70, 1, 200, false, false, false);  /* slivers of about as many rows */
    check_job(tier, d, 30, 420, 1, 700, false, false, false); /* B streams past a block of A */
    check_job(tier, d, 700, 100, 1, 64, false, false, false); /* C and the next rows of A are fetched ahead */
}

/* -- vector times matrix ------------------------------------------------------------------------------------------ */

/* B of 16 bits: against the product with the same B as float64. With taps A comes by rows, some outside of the image,
 * and there is a bias. */
static void check_half(const char *tier, const ln_kernel_table *t, size_t m, size_t n, size_t taps, size_t depth,
                       bool bfloat16)
{
    const ln_gemm_f32_desc *d = t->gemm_f32;
    const size_t k = taps * depth, columns = (n + d->nr - 1) / d->nr * d->nr;
    size_t packed = ln_gemm_f32_packed_half(d, n, k), ldc = n + 1;
    float *a = check_guard(m * k * sizeof *a, true), *wide = malloc((k * n + 1) * sizeof *wide);
    float *zero = check_guard(depth * sizeof *zero, true), *bias = check_guard(columns * sizeof *bias, true);
    float *c = check_guard((m * ldc - 1) * sizeof *c, true), *c2 = check_guard((m * ldc - 1) * sizeof *c2, true);
    uint16_t *b = check_guard(k * n * sizeof *b, true), *to = check_guard(packed * sizeof *to, true);
    check_fill_f32(a, m * k, CHECK_NORMAL);
    check_fill_f32(wide, k * n, CHECK_NORMAL);
    (bfloat16 ? t->f32_to_bf16 : t->f32_to_f16)(b, wide, k * n);
    (bfloat16 ? t->bf16_to_f32 : t->f16_to_f32)(wide, b, k * n);
    for (size_t i = 0; i < m * ldc - 1; i++)
        c[i] = c2[i] = SENTINEL;
    memset(zero, 0, depth * sizeof *zero);
    memset(bias, 0, columns * sizeof *bias);
    if (taps > 1)
        check_fill_f32(bias, n, CHECK_NORMAL);
    rows_case source = {a, taps > 1 ? zero : NULL, m, depth, taps};
    for (size_t i = 0; i < m * taps; i++)
        if (outside(&source, i / taps, i % taps))
            memset(a + i * depth, 0, depth * sizeof *a);
    ln_gemm_f32_pack_half(d, to, n, taps, depth, b, 1, depth * n, n);
    ln_gemm_f32_job job = {.d = d,
                           .m = m,
                           .n = n,
                           .taps = taps,
                           .k = depth,
                           .a = a,
                           .a_row = k,
                           .a_col = 1,
                           .rows = taps > 1 ? rows_of : NULL,
                           .rows_arg = &source,
                           .zero = source.zero,
                           .half = to,
                           .half_bias = taps > 1 ? bias : NULL,
                           .widen = bfloat16 ? t->bf16_to_f32 : t->f16_to_f32,
                           .bfloat16 = bfloat16,
                           .ldc = ldc};
    run(d, &job, 1, c);
    run(d, &job, 3, c2);
    bool ok = memcmp(c, c2, (m * ldc - 1) * sizeof *c) == 0;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < ldc && i * ldc + j < m * ldc - 1; j++) {
            double want = j < n ? (double)bias[j] : 0, bound = fabs(want);
            for (size_t p = 0; p < k && j < n; p++) {
                double term = (double)a[i * k + p] * (double)wide[p * n + j];
                want += term;
                bound += fabs(term);
            }
            ok = ok && (j < n ? near(c[i * ldc + j], want, bound, k + 2) : c[i * ldc + j] == SENTINEL);
        }
    check_ok(ok, "%s product %zu x %zu x %zu * %zu with B in 16 bits, bfloat16 %d", tier, m, n, taps, depth, bfloat16);
    free(wide);
    check_guard_free(zero);
    check_guard_free(bias);
    check_guard_free(a);
    check_guard_free(b);
    check_guard_free(to);
    check_guard_free(c);
    check_guard_free(c2);
}

static void check_halves(const char *tier, const ln_kernel_table *t)
{
    static const size_t ks[] = {1, 5, 33, 700}, ns[] = {1, 4, 16, 17, 33, 100};
    for (size_t m = 1; m < 20; m += 1 + m / 8)
        for (size_t i = 0; i < sizeof ns / sizeof *ns; i++)
            for (size_t j = 0; j < sizeof ks / sizeof *ks; j++)
                for (int bfloat16 = 0; bfloat16 < 2; bfloat16++)
                    check_half(tier, t, m, ns[i], 1, ks[j], bfloat16);
    for (int bfloat16 = 0; bfloat16 < 2; bfloat16++) {
        check_half(tier, t, 2, 40, 9, 33, bfloat16);   /* few rows */
        check_half(tier, t, 40, 70, 9, 5, bfloat16);   /* short taps: copied */
        check_half(tier, t, 60, 70, 9, 65, bfloat16);  /* several taps in a block */
        check_half(tier, t, 60, 40, 3, 600, bfloat16); /* several blocks in a tap */
    }
}

static void check_gemv(const char *tier, const ln_kernel_table *t)
{
    for (size_t n = 0; n < 140; n += 1 + check_below(9))
        for (size_t k = 0; k < 140; k += 1 + check_below(17)) {
            size_t ldb = n + check_below(3), ldt = k + check_below(3);
            float *a = check_guard(k * sizeof *a, true), *y = check_guard(n * sizeof *y, true);
            float *b = check_guard((k ? (k - 1) * ldb + n : 0) * sizeof *b, true);
            float *bt = check_guard((n ? (n - 1) * ldt + k : 0) * sizeof *bt, true);
            check_fill_f32(a, k, CHECK_NORMAL);
            check_fill_f32(b, k ? (k - 1) * ldb + n : 0, CHECK_NORMAL);
            check_fill_f32(bt, n ? (n - 1) * ldt + k : 0, CHECK_NORMAL);
            for (int trans = 0; trans < 2; trans++) {
                if (trans)
                    t->gemv_t_f32(y, a, bt, ldt, k, n);
                else
                    t->gemv_f32(y, a, b, ldb, k, n);
                bool ok = true;
                for (size_t j = 0; j < n; j++) {
                    double want = 0, bound = 0;
                    for (size_t i = 0; i < k; i++) {
                        double term = (double)a[i] * (double)(trans ? bt[j * ldt + i] : b[i * ldb + j]);
                        want += term;
                        bound += fabs(term);
                    }
                    ok = ok && near(y[j], want, bound, k);
                }
                check_ok(ok, "%s gemv%s k=%zu n=%zu", tier, trans ? "_t" : "", k, n);
            }
            check_guard_free(a);
            check_guard_free(b);
            check_guard_free(bt);
            check_guard_free(y);
        }
}

static void all(ln_tier tier, const ln_kernel_table *t)
{
    const char *name = ln_tier_name(tier);
    check_tiles_of(name, t->gemm_f32);
    check_special(name, t->gemm_f32);
    check_jobs(name, t->gemm_f32);
    check_halves(name, t);
    check_gemv(name, t);
}

/* Packings for the tiers of firmware, with what stands in for their micro-kernels here; on RISC-V the micro-kernels for
 * all VLEN up to the machine's. */
static void tiles_of_others(void)
{
    check_tiles_of("neon's", &ln_gemm_f32_as_neon);
    check_jobs("neon's", &ln_gemm_f32_as_neon);
    check_tiles_of("wasm's", &ln_gemm_f32_as_wasm);
    check_jobs("wasm's", &ln_gemm_f32_as_wasm);
    for (size_t i = 0; i < 4; i++) {
        check_tiles_of("rvv's", &ln_gemm_f32_as_rvv[i]);
        check_jobs("rvv's", &ln_gemm_f32_as_rvv[i]);
    }
    for (size_t vlen = 128; vlen < ln_tier_vlen(LN_TIER_RVV); vlen *= 2) {
        check_tiles_of("rvv, narrower", ln_tier_table_of(LN_TIER_RVV, vlen)->gemm_f32);
        check_jobs("rvv, narrower", ln_tier_table_of(LN_TIER_RVV, vlen)->gemm_f32);
    }
}

int main(int argc, char **argv)
{
    check_start(argc, argv);
    check_tiers(all);
    tiles_of_others();
    return check_finish();
}
