/* SPDX-License-Identifier: Apache-2.0
 *
 * The integer product with VPDPBUSD on 256 bits: the tier avx2 on processors that have AVX-VNNI and no AVX-512. 6 rows
 * by 16 columns, 12 accumulators; a step takes 4 bytes of each row (one broadcast) and 4 of each column, and adds their
 * products without an intermediate that could saturate. Few columns use one vector of them, few rows a smaller body.
 *
 * Without AVX-VNNI in the compiler's flags the instruction is AVX-512's (VL), which does the same: so tests run it on
 * machines that have only that.
 */
#include "kernels/qgemm_avx2.h"

enum { MR = 6, KR = 4 };

#ifdef __AVXVNNI__
#define DOT _mm256_dpbusd_avx_epi32
#else
#define DOT _mm256_dpbusd_epi32
#endif

/* Four bytes of each row from k on. m, nv and flip are constants after inlining. */
INLINE void step(const size_t m, const size_t nv, const bool flip, __m256i acc[][2], const uint8_t *const *row,
                 size_t k, const char *b)
{
    __m256i b0 = _mm256_loadu_si256((const __m256i *)(const void *)b);
    __m256i b1 = nv > 1 ? _mm256_loadu_si256((const __m256i *)(const void *)(b + 32)) : b0;
    UNROLL for (size_t i = 0; i < m; i++)
    {
        int32_t four;
        memcpy(&four, row[i] + k, sizeof four);
        __m256i x = _mm256_set1_epi32(four);
        if (flip)
            x = _mm256_xor_si256(x, _mm256_set1_epi8((char)0x80));
        acc[i][0] = DOT(acc[i][0], x, b0);
        if (nv > 1)
            acc[i][1] = DOT(acc[i][1], x, b1);
    }
}

INLINE void rows(const size_t m, const size_t nv, const bool flip, void *c, const uint8_t *const *a, const void *panel,
                 size_t n, const ln_qgemm_args *g)
{
    const int32_t *head = panel;
    const char *b = (const char *)(head + 3 * NR);
    const uint8_t *row[MR];
    uint8_t last[MR][KR] = {{0}};
    __m256i acc[MR][2];
    UNROLL for (size_t i = 0; i < m; i++) acc[i][0] = acc[i][1] = _mm256_setzero_si256();
    for (size_t s = 0; s < g->segments; s++) {
        size_t k = 0;
        UNROLL for (size_t i = 0; i < m; i++) row[i] = a[s * g->a_stride + i];
        for (; k + KR <= g->k; k += KR, b += NR * KR)
            step(m, nv, flip, acc, row, k, b);
        if (k < g->k) { /* B is zero behind the end, so what the missing bytes of A are does not matter */
            for (size_t i = 0; i < m; i++)
                row[i] = memcpy(last[i], row[i] + k, g->k - k);
            step(m, nv, flip, acc, row, 0, b);
            b += NR * KR;
        }
    }
    UNROLL for (size_t i = 0; i < m; i++)
    {
        finish(c, i, 0, n, acc[i][0], head, g);
        if (nv > 1)
            finish(c, i, 8, n, acc[i][1], head, g);
    }
}

typedef void body(void *c, const uint8_t *const *a, const void *b, size_t n, const ln_qgemm_args *g);

#define BODY(name, m, nv, flip)                                                                                        \
    static void name(void *c, const uint8_t *const *a, const void *b, size_t n, const ln_qgemm_args *g)                \
    {                                                                                                                  \
        rows(m, nv, flip, c, a, b, n, g);                                                                              \
    }
#define ROWS(m)                                                                                                        \
    BODY(u_half_##m, m, 1, false)                                                                                      \
    BODY(u_whole_##m, m, 2, false) BODY(s_half_##m, m, 1, true) BODY(s_whole_##m, m, 2, true)
/* clang-format off */
ROWS(1) ROWS(2) ROWS(3) ROWS(4) ROWS(5) ROWS(6)
#define ALL(p) {p##1, p##2, p##3, p##4, p##5, p##6}
    /* clang-format on */
    static body *const bodies[2][2][MR] = {{ALL(u_half_), ALL(u_whole_)}, {ALL(s_half_), ALL(s_whole_)}};

static void run(void *c, const uint8_t *const *a, const void *panel, size_t m, size_t n, const ln_qgemm_args *g)
{
    bodies[g->flip != 0][n > 8][m - 1](c, a, panel, n, g);
}

const ln_qgemm_tile ln_qgemm_avxvnni = {.mr = MR, .nr = NR, .kr = KR, .run = run, .lanes = 32};
