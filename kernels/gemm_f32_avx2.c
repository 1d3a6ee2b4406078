/* SPDX-License-Identifier: Apache-2.0
 *
 * The float32 micro-kernel for AVX2 with FMA: up to 6 x 16, 12 accumulators of the 16 registers. The last panel may
 * have 8 columns or fewer, and then goes with half of the vectors. Contract: gemm.h.
 */
#include <immintrin.h>

#include "kernels/gemm.h"

#define MR 6
#define NR 16
enum { F32, F16, BF16 };
#define SETS 4 /* accumulators of an element where there are few rows */
#define UNROLL _Pragma("GCC unroll 8")
#define INLINE static inline __attribute__((always_inline))

/* All ones in the first n elements, n <= 8. */
INLINE __m256i mask_of(size_t n)
{
    static const int32_t ones[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256((const __m256i *)(const void *)(ones + 8 - (n < 8 ? n : 8)));
}

/* Adds the residual, clamps, stores. */
INLINE void finish(const ln_gemm_f32_tile *t, __m256 (*acc)[2], const size_t m, const size_t nv)
{
    const size_t ldc = t->ldc, ldr = t->ldr, n = t->n;
    const float *r = t->r;
    float *c = t->c;
    if (r)
        UNROLL for (size_t v = 0; v < nv; v++)
        {
            const __m256i mask = mask_of(n > 8 * v ? n - 8 * v : 0);
            UNROLL for (size_t i = 0; i < m; i++) acc[i][v] =
                _mm256_add_ps(acc[i][v], _mm256_maskload_ps(r + i * ldr + 8 * v, mask));
        }
    if (t->clamp) { /* the second operand is the result where one is a NaN */
        const __m256 lo = _mm256_set1_ps(t->lo), hi = _mm256_set1_ps(t->hi);
        UNROLL for (size_t v = 0; v < nv; v++) UNROLL for (size_t i = 0; i < m; i++) acc[i][v] =
            _mm256_min_ps(hi, _mm256_max_ps(lo, acc[i][v]));
    }
    if (n == 8 * nv) { /* masked stores are slow on some machines */
        UNROLL for (size_t i = 0; i < m; i++, c += ldc) UNROLL for (size_t v = 0; v < nv; v++)
            _mm256_storeu_ps(c + 8 * v, acc[i][v]);
        return;
    }
    UNROLL for (size_t v = 0; v < nv; v++)
    {
        const __m256i mask = mask_of(n > 8 * v ? n - 8 * v : 0);
        UNROLL for (size_t i = 0; i < m; i++) _mm256_maskstore_ps(c + i * ldc + 8 * v, mask, acc[i][v]);
    }
}

/* Vector i of a row of B, which is float32, float16 or bfloat16 (a constant after inlining). */
INLINE __m256 load_b(const char *b, size_t i, const size_t kind)
{
    if (kind == F32)
        return _mm256_loadu_ps((const float *)(const void *)b + 8 * i);
    __m128i half = _mm_loadu_si128((const __m128i *)(const void *)(b + 16 * i));
    if (kind == F16)
        return _mm256_cvtph_ps(half);
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
}

/* m rows and nv vectors are constants after inlining; the accumulators are registers. */
INLINE void rows(const ln_gemm_f32_tile *t, const size_t m, const size_t nv, const size_t kind)
{
    __m256 acc[MR][2];
    if (t->far)
        UNROLL for (size_t i = 0; i < m; i++) __builtin_prefetch(t->c + i * t->ldc, 0, 2);
    UNROLL for (size_t v = 0; v < nv; v++)
    {
        __m256 bias = t->bias ? _mm256_loadu_ps(t->bias + 8 * v) : _mm256_setzero_ps();
        UNROLL for (size_t i = 0; i < m; i++) acc[i][v] = bias;
    }
    const char *b = kind == F32 ? (const char *)t->b : (const char *)t->half;
    const size_t row = NR * (kind == F32 ? sizeof(float) : sizeof(uint16_t));
    const size_t taps = t->taps, depth = t->k;
    for (size_t tap = 0; tap < taps; tap++) {
        const float *a[MR];
        UNROLL for (size_t i = 0; i < m; i++) a[i] = t->a[tap * t->a_stride + i] + t->a_offset;
        for (size_t k = 0; k < depth; k++, b += row) {
            __m256 b0 = load_b(b, 0, kind), b1 = b0;
            if (nv > 1)
                b1 = load_b(b, 1, kind);
            UNROLL for (size_t i = 0; i < m; i++)
            {
                __m256 x = _mm256_broadcast_ss(a[i] + k);
                acc[i][0] = _mm256_fmadd_ps(x, b0, acc[i][0]);
                if (nv > 1)
                    acc[i][1] = _mm256_fmadd_ps(x, b1, acc[i][1]);
            }
        }
    }
    finish(t, acc, m, nv);
}

/* One or two rows: an accumulator would wait for itself, so every element has several. Each takes a part of K: that
 * many places of memory read on at once keep more of it busy than one. */
INLINE void few(const ln_gemm_f32_tile *t, const size_t m, const size_t nv, const size_t kind)
{
    __m256 sum[SETS][2][2], acc[2][2];
    UNROLL for (size_t i = 0; i < m; i++) UNROLL for (size_t v = 0; v < nv; v++)
    {
        UNROLL for (size_t s = 0; s < SETS; s++) sum[s][i][v] = _mm256_setzero_ps();
        acc[i][v] = t->bias ? _mm256_loadu_ps(t->bias + 8 * v) : _mm256_setzero_ps();
    }
    const char *b = kind == F32 ? (const char *)t->b : (const char *)t->half;
    const size_t row = NR * (kind == F32 ? sizeof(float) : sizeof(uint16_t));
    const size_t taps = t->taps, depth = t->k;
    for (size_t tap = 0; tap < taps; tap++) {
        const float *a[2];
        UNROLL for (size_t i = 0; i < m; i++) a[i] = t->a[tap * t->a_stride + i] + t->a_offset;
        const size_t part = depth / SETS;
        for (size_t k = 0; k < part; k++, b += row)
            UNROLL for (size_t s = 0; s < SETS; s++) UNROLL for (size_t i = 0; i < m; i++)
            {
                __m256 x = _mm256_broadcast_ss(a[i] + s * part + k);
                UNROLL for (size_t v = 0; v < nv; v++) sum[s][i][v] =
                    _mm256_fmadd_ps(x, load_b(b + s * part * row, v, kind), sum[s][i][v]);
            }
        b += (SETS - 1) * part * row;
        for (size_t k = SETS * part; k < depth; k++, b += row)
            UNROLL for (size_t i = 0; i < m; i++) UNROLL for (size_t v = 0; v < nv; v++) sum[0][i][v] =
                _mm256_fmadd_ps(_mm256_broadcast_ss(a[i] + k), load_b(b, v, kind), sum[0][i][v]);
    }
    UNROLL for (size_t i = 0; i < m; i++) UNROLL for (size_t v = 0; v < nv; v++)
    {
        __m256 x = _mm256_add_ps(sum[0][i][v], sum[1][i][v]), y = _mm256_add_ps(sum[2][i][v], sum[3][i][v]);
        acc[i][v] = _mm256_add_ps(acc[i][v], _mm256_add_ps(x, y));
    }
    finish(t, acc, m, nv);
}

/* clang-format off: one line for each number of rows */
#define ROWS(m)                                                                                                        \
    static void rows_##m(const ln_gemm_f32_tile *t)                                                                    \
    {                                                                                                                  \
        m < 3 ? few(t, m, 2, F32) : rows(t, m, 2, F32);                                                                \
    }                                                                                                                  \
    static void half_##m(const ln_gemm_f32_tile *t)                                                                    \
    {                                                                                                                  \
        m < 3 ? few(t, m, 1, F32) : rows(t, m, 1, F32);                                                                \
    }
ROWS(1)
ROWS(2)
ROWS(3)
ROWS(4)
ROWS(5)
ROWS(6)
/* clang-format on */

static void tile(const ln_gemm_f32_tile *t)
{
    static ln_gemm_f32_fn *const tiles[2][MR] = {{half_1, half_2, half_3, half_4, half_5, half_6},
                                                 {rows_1, rows_2, rows_3, rows_4, rows_5, rows_6}};
    tiles[t->n > 8][t->m - 1](t);
}

/* clang-format off: one line for each number of rows */
#define HALF_ROWS(m)                                                                                                   \
    static void f16_##m(const ln_gemm_f32_tile *t)                                                                     \
    {                                                                                                                  \
        m < 3 ? few(t, m, 2, F16) : rows(t, m, 2, F16);                                                                \
    }                                                                                                                  \
    static void bf16_##m(const ln_gemm_f32_tile *t)                                                                    \
    {                                                                                                                  \
        m < 3 ? few(t, m, 2, BF16) : rows(t, m, 2, BF16);                                                              \
    }
HALF_ROWS(1)
HALF_ROWS(2)
HALF_ROWS(3)
HALF_ROWS(4)
HALF_ROWS(5)
HALF_ROWS(6)
/* clang-format on */

static void tile_f16(const ln_gemm_f32_tile *t)
{
    static ln_gemm_f32_fn *const tiles[LN_GEMM_FEW_ROWS] = {f16_1, f16_2, f16_3, f16_4, f16_5, f16_6};
    tiles[t->m - 1](t);
}

static void tile_bf16(const ln_gemm_f32_tile *t)
{
    static ln_gemm_f32_fn *const tiles[LN_GEMM_FEW_ROWS] = {bf16_1, bf16_2, bf16_3, bf16_4, bf16_5, bf16_6};
    tiles[t->m - 1](t);
}

/* What follows in each row is fetched: rows may be many, and a page or more apart. */
static void panels(float *to, const float *const *b, size_t at, size_t k, size_t n)
{
    for (size_t p = 0; p < k; p++, to += NR) {
        const float *x = b[p] + at;
        float *y = to;
        size_t j = 0;
        for (; j + NR <= n; j += NR, y += NR * k) {
            __builtin_prefetch((const void *)((uintptr_t)(x + j) + n * sizeof *x), 0, 2);
            _mm256_storeu_ps(y, _mm256_loadu_ps(x + j));
            _mm256_storeu_ps(y + 8, _mm256_loadu_ps(x + j + 8));
        }
        for (size_t v = 0; j < n && v < NR; v++)
            y[v] = j + v < n ? x[j + v] : 0;
    }
}

const ln_gemm_f32_desc ln_gemm_f32_avx2 = {.mr = MR,
                                           .nr = NR,
                                           .kc = 384,
                                           .kc_copied = 2048,
                                           .panels = panels,
                                           .mc = 192,
                                           .nc_bytes = 512 << 10,
                                           .tile = tile,
                                           .tile_f16 = tile_f16,
                                           .tile_bf16 = tile_bf16,
                                           .dw_planes = 1};
