/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks of products of two bfloat16 operands (kernels/gemm_bf16.h), where the machine has them: the micro-kernel at
 * every tile size and the loops around it, with A as bfloat16 and as float32 of such values. Sums are compared with
 * float64 within (K + 3) eps sum |a||b|: products are exact, and each is rounded once when it is added.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/gemm_bf16.h"
#include "kernels/half.h"
#include "tests/kernels/gemm_pieces.h"

#define SENTINEL 12345.0f
#define EDGE 20 /* the first tap of as many first rows is outside of the image */

typedef struct product_case {
    size_t m, n, taps, k;
    bool narrow, bias, residual;
    ln_act act;
} product_case;

typedef struct rows_case {
    const float *a, *zero;
    size_t k, taps;
} rows_case;

static void rows_of(const void *arg, size_t begin, size_t count, const float **rows, size_t stride)
{
    const rows_case *r = arg;
    for (size_t t = 0; t < r->taps; t++)
        for (size_t i = begin; i < begin + count; i++)
            rows[t * stride + i - begin] = t == 0 && i < EDGE ? r->zero : r->a + (i * r->taps + t) * r->k;
}

/* Random bfloat16, and the same as float32. */
static void fill(uint16_t *half, float *wide, size_t n)
{
    check_fill_f32(wide, n, CHECK_NORMAL);
    for (size_t i = 0; i < n; i++) {
        half[i] = ln_f32_to_bf16(wide[i]);
        wide[i] = ln_bf16_to_f32(half[i]);
    }
}

static void run(ln_gemm_f32_job *job, size_t threads, float *c)
{
    ln_gemm_f32_prepare(job, threads);
    run_in_pieces(job, ln_gemm_bf16_scratch(job->d, job->m, job->taps, job->k), c);
}

static double act_of(double x, ln_act act)
{
    if (act == LN_ACT_RELU)
        return fmax(x, 0);
    return act == LN_ACT_CLIP ? fmin(fmax(x, -0.5), 0.75) : x;
}

static void check_product(const ln_gemm_f32_desc *d, const product_case *s)
{
    const size_t kk = s->taps * s->k, ldc = s->n + 3, ldr = s->n + 1, columns = (s->n + d->nr - 1) / d->nr * d->nr;
    const size_t c_size = (s->m - 1) * ldc + s->n, r_size = (s->m - 1) * ldr + s->n, room = s->m * kk + 1;
    float *a = check_guard(s->m * kk * sizeof *a, true), *zero = check_guard(s->k * sizeof *zero, true);
    float *wide = malloc((kk * s->n + 1) * sizeof *wide), *bias = check_guard(columns * sizeof *bias, true);
    float *c = check_guard(c_size * sizeof *c, true), *c2 = check_guard(c_size * sizeof *c2, true);
    float *r = check_guard(r_size * sizeof *r, true), *a_wide = malloc(room * sizeof *a_wide);
    uint16_t *a16 = check_guard(s->m * kk * sizeof *a16, true), *b = malloc((kk * s->n + 1) * sizeof *b);
    uint16_t *packed = check_guard(ln_gemm_bf16_packed(d, s->n, s->taps, s->k) * sizeof *packed, true);
    fill(a16, a, s->m * kk);
    fill(b, wide, kk * s->n);
    check_fill_f32(bias, s->n, CHECK_NORMAL);
    memset(bias + s->n, 0, (columns - s->n) * sizeof *bias);
    check_fill_f32(r, r_size, CHECK_NORMAL);
    memset(zero, 0, s->k * sizeof *zero);
    for (size_t i = 0; i < c_size; i++)
        c[i] = c2[i] = SENTINEL;
    memcpy(a_wide, a, s->m * kk * sizeof *a);
    for (size_t i = 0; s->taps > 1 && i < EDGE && i < s->m; i++)
        memset(a_wide + i * kk, 0, s->k * sizeof *a_wide);
    ln_gemm_bf16_pack(d, packed, s->n, s->taps, s->k, b, 1, s->k * s->n, s->n);
    rows_case source = {a, zero, s->k, s->taps};
    ln_gemm_f32_job job = {.d = d,
                           .m = s->m,
                           .n = s->n,
                           .taps = s->taps,
                           .k = s->k,
                           .a = s->narrow ? NULL : a,
                           .half_a = s->narrow ? a16 : NULL,
                           .a_row = kk,
                           .a_col = 1,
                           .rows = s->taps > 1 ? rows_of : NULL,
                           .rows_arg = &source,
                           .half = packed,
                           .half_bias = s->bias ? bias : NULL,
                           .pairs = true,
                           .ldc = ldc,
                           .r = s->residual ? r : NULL,
                           .ldr = ldr,
                           .act = s->act,
                           .lo = -0.5f,
                           .hi = 0.75f};
    run(&job, 1, c);
    run(&job, 3, c2);
    bool ok = memcmp(c, c2, c_size * sizeof *c) == 0;
    for (size_t i = 0; i < s->m; i++)
        for (size_t j = 0; j < ldc && i * ldc + j < c_size; j++) {
            if (j >= s->n) {
                ok = ok && c[i * ldc + j] == SENTINEL;
                continue;
            }
            double want = (s->bias ? (double)bias[j] : 0) + (s->residual ? (double)r[i * ldr + j] : 0), bound = 0;
            bound = (s->bias ? fabs((double)bias[j]) : 0) + (s->residual ? fabs((double)r[i * ldr + j]) : 0);
            for (size_t p = 0; p < kk; p++) {
                double term = (double)a_wide[i * kk + p] * (double)wide[p * s->n + j];
                want += term;
                bound += fabs(term);
            }
            double limit = ((double)kk + 5) * (double)FLT_EPSILON * bound + 1e-37;
            ok = ok && fabs((double)c[i * ldc + j] - act_of(want, s->act)) <= limit;
        }
    check_ok(ok, "bfloat16 product %zu x %zu x %zu * %zu narrow=%d bias=%d residual=%d act=%d", s->m, s->n, s->taps,
             s->k, s->narrow, s->bias, s->residual, (int)s->act);
    free(wide);
    free(a_wide);
    free(b);
    check_guard_free(a);
    check_guard_free(zero);
    check_guard_free(bias);
    check_guard_free(c);
    check_guard_free(c2);
    check_guard_free(r);
    check_guard_free(a16);
    check_guard_free(packed);
}

static void check_products(const ln_gemm_f32_desc *d)
{
    static const size_t ns[] = {1, 15, 16, 17, 31, 32, 33, 100}, ks[] = {1, 2, 3, 5, 64, 129};
    static const ln_act acts[] = {LN_ACT_NONE, LN_ACT_RELU, LN_ACT_CLIP};
    for (size_t m = 1; m <= 2u * d->mr + 1; m++)
        for (size_t i = 0; i < sizeof ns / sizeof *ns; i++)
            for (size_t j = 0; j < sizeof ks / sizeof *ks; j++) {
                uint64_t r = check_random();
                product_case s = {m, ns[i], 1, ks[j], r & 1, r >> 1 & 1, r >> 2 & 1, acts[(r >> 3) % 3]};
                check_product(d, &s);
            }
    const product_case large[] = {{250, 70, 1, 1537, true, true, false, LN_ACT_RELU},
                                  {40, 700, 1, 2048, false, false, true, LN_ACT_CLIP},
                                  {60, 70, 9, 66, false, true, false, LN_ACT_CLIP},  /* several taps in a block */
                                  {60, 40, 3, 1800, false, true, true, LN_ACT_NONE}, /* several blocks in a tap */
                                  {30, 33, 25, 2, false, false, false, LN_ACT_NONE}};
    for (size_t i = 0; i < sizeof large / sizeof *large; i++)
        check_product(d, &large[i]);
}

/* 1 * x + 0 * 0: NaN and infinities come through, denormals count as zero. */
static void check_special(const ln_gemm_f32_desc *d)
{
    static const uint16_t values[] = {0x7fc0, 0x7f80, 0xff80, 0x0001, 0x8040, 0x0080, 0x7f7f, 0xbf80};
    enum { N = sizeof values / sizeof *values };
    const uint16_t one[2] = {0x3f80, 0};
    float c[N];
    uint16_t *packed = check_guard(ln_gemm_bf16_packed(d, N, 1, 1) * sizeof *packed, true);
    ln_gemm_bf16_pack(d, packed, N, 1, 1, values, 1, 0, N);
    ln_gemm_f32_job job = {.d = d,
                           .m = 1,
                           .n = N,
                           .taps = 1,
                           .k = 1,
                           .half_a = one,
                           .a_row = 1,
                           .a_col = 1,
                           .half = packed,
                           .pairs = true,
                           .ldc = N};
    run(&job, 1, c);
    bool ok = isnan(c[0]) && c[1] == INFINITY && c[2] == -INFINITY && c[3] == 0 && c[4] == 0;
    for (size_t i = 5; i < N; i++)
        ok = ok && c[i] == ln_bf16_to_f32(values[i]);
    check_ok(ok, "bfloat16 product of NaN, infinities, denormals");
    check_guard_free(packed);
}

int main(int argc, char **argv)
{
    check_start(argc, argv);
    const ln_gemm_f32_desc *d = LN_D(gemm_f32);
    if (ln_gemm_bf16_there(d)) {
        check_products(d);
        check_special(d);
    } else {
        check_skip("products of bfloat16: not on this machine, or LINNET_CPU forbids them");
    }
    return check_finish();
}
