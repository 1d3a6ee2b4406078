/* SPDX-License-Identifier: Apache-2.0
 *
 * The integer product on AVX2, exact: bytes are widened to 16 bits and VPMADDWD adds pairs of products in 32. 6 rows by
 * 16 columns. The rows are widened a piece of K at a time into a buffer in the first cache, from where pairs are spread
 * for free as they are loaded; B is widened as it is loaded, once for all rows. (VPMADDUBSW would do twice the work a
 * step, but saturates at 16 bits.) Processors with AVX-VNNI have qgemm_avxvnni.c instead.
 */
#include "kernels/qgemm_avx2.h"

enum { MR = 6, KR = 2, PIECE = 256 }; /* PIECE: a multiple of 16 */

/* n bytes as 16-bit numbers, and a zero where n is odd. */
INLINE void widen(int16_t *y, const uint8_t *x, size_t n, __m128i flip)
{
    size_t j = 0;
    for (; j + 16 <= n; j += 16) {
        __m128i v = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(const void *)(x + j)), flip);
        _mm256_store_si256((__m256i *)(void *)(y + j), _mm256_cvtepu8_epi16(v));
    }
    if (j + 8 <= n) {
        __m128i v = _mm_xor_si128(_mm_loadl_epi64((const __m128i *)(const void *)(x + j)), flip);
        _mm_store_si128((__m128i *)(void *)(y + j), _mm_cvtepu8_epi16(v));
        j += 8;
    }
    for (uint8_t f = (uint8_t)_mm_extract_epi8(flip, 0); j < n; j++)
        y[j] = x[j] ^ f;
    if (n % 2)
        y[n] = 0;
}

INLINE void rows(const size_t m, void *c, const uint8_t *const *a, const void *panel, size_t n, const ln_qgemm_args *g)
{
    const int32_t *head = panel;
    const char *b = (const char *)(head + 3 * NR);
    const __m128i flip = _mm_set1_epi8((char)g->flip);
    _Alignas(32) int16_t wide[MR][PIECE];
    __m256i acc[MR][2];
    UNROLL for (size_t i = 0; i < m; i++) acc[i][0] = acc[i][1] = _mm256_setzero_si256();
    for (size_t s = 0; s < g->segments; s++)
        for (size_t k = 0; k < g->k; k += PIECE) {
            size_t part = g->k - k < PIECE ? g->k - k : PIECE;
            UNROLL for (size_t i = 0; i < m; i++) widen(wide[i], a[s * g->a_stride + i] + k, part, flip);
            for (size_t j = 0; j < part; j += KR, b += NR * KR) {
                __m256i b0 = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)b));
                __m256i b1 = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)(b + 16)));
                UNROLL for (size_t i = 0; i < m; i++)
                {
                    int32_t two;
                    memcpy(&two, wide[i] + j, sizeof two);
                    __m256i x = _mm256_set1_epi32(two);
                    acc[i][0] = _mm256_add_epi32(acc[i][0], _mm256_madd_epi16(x, b0));
                    acc[i][1] = _mm256_add_epi32(acc[i][1], _mm256_madd_epi16(x, b1));
                }
            }
        }
    UNROLL for (size_t i = 0; i < m; i++)
    {
        finish(c, i, 0, n, acc[i][0], head, g);
        if (n > 8)
            finish(c, i, 8, n, acc[i][1], head, g);
    }
}

static void run(void *c, const uint8_t *const *a, const void *panel, size_t m, size_t n, const ln_qgemm_args *g)
{
    switch (m) {
    case 6:
        rows(6, c, a, panel, n, g);
        break;
    case 5:
        rows(5, c, a, panel, n, g);
        break;
    case 4:
        rows(4, c, a, panel, n, g);
        break;
    case 3:
        rows(3, c, a, panel, n, g);
        break;
    case 2:
        rows(2, c, a, panel, n, g);
        break;
    default:
        rows(1, c, a, panel, n, g);
    }
}

const ln_qgemm_tile ln_qgemm_avx2 = {.mr = MR, .nr = NR, .kr = KR, .run = run, .lanes = 32};

void ln_qrowsum_avx2(int32_t *sums, const uint8_t *const *a, size_t m, size_t k, uint32_t flip)
{
    const __m256i x = _mm256_set1_epi8((char)flip), zero = _mm256_setzero_si256();
    for (size_t i = 0; i < m; i++) {
        __m256i parts = zero;
        size_t j = 0;
        for (; j + 32 <= k; j += 32) {
            __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(a[i] + j));
            parts = _mm256_add_epi64(parts, _mm256_sad_epu8(_mm256_xor_si256(v, x), zero));
        }
        uint64_t four[4];
        _mm256_storeu_si256((__m256i *)(void *)four, parts);
        uint64_t sum = four[0] + four[1] + four[2] + four[3];
        for (; j < k; j++)
            sum += a[i][j] ^ flip;
        sums[i] = (int32_t)(uint32_t)sum;
    }
}

void ln_qdepthwise_avx2(uint8_t *y, const uint8_t *const *x, size_t pixels, size_t channels,
                        const ln_qdepthwise_args *g)
{
    const __m128i flip = _mm_set1_epi8((char)g->flip);
    for (size_t p = 0; p < pixels; p++, x += g->taps) {
        size_t c = 0, at = p * g->y_stride;
        for (; c + 8 <= channels; c += 8) {
            __m256i acc = _mm256_loadu_si256((const __m256i *)(const void *)(g->bias + c));
            for (size_t t = 0; t < g->taps; t++) {
                __m128i v = _mm_xor_si128(_mm_loadl_epi64((const __m128i *)(const void *)(x[t] + c)), flip);
                __m128i w = _mm_loadu_si128((const __m128i *)(const void *)(g->w + t * g->w_stride + c));
                acc = _mm256_add_epi32(acc, _mm256_madd_epi16(_mm256_cvtepu8_epi32(v), _mm256_cvtepu16_epi32(w)));
            }
            if (g->out == LN_QGEMM_I32)
                _mm256_storeu_si256((__m256i *)(void *)((int32_t *)(void *)y + at + c), acc);
            else
                store_bytes(y + at + c, requantize(acc, _mm256_loadu_ps(g->scale + c), g->lo, g->hi, g->y_zero));
        }
        for (; c < channels; c++) {
            uint32_t acc = (uint32_t)g->bias[c];
            for (size_t t = 0; t < g->taps; t++)
                acc += (uint32_t)((int32_t)(x[t][c] ^ g->flip) * g->w[t * g->w_stride + c]);
            if (g->out == LN_QGEMM_I32)
                ((int32_t *)(void *)y)[at + c] = (int32_t)acc;
            else
                y[at + c] = ln_requantize(acc, g->scale[c], g->lo, g->hi, g->y_zero);
        }
    }
}
