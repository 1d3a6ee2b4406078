/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise convolution of bytes on AVX-512 VNNI: the bytes of four taps are put side by side, so that VPDPBUSD adds
 * them up for 16 channels at once. Windows of 3 x 3 put those of a column together, three taps of four: what the next
 * pixel shares with this one stays where it is. Contract: qgemm.h.
 */
#include "kernels/qgemm_avx512.h"

INLINE __m512i twice(__m512i low, const bool pair)
{
    return pair ? _mm512_broadcast_i64x4(_mm512_castsi512_si256(low)) : low;
}

/* Four of each 16 of x, of which there are n: elements 16 i + 4 j + 0..3 in lane i of vector j, the order of the
 * accumulators below. */
INLINE void lanes_of(__m512i v[4], const void *x, size_t n, const bool pair)
{
    __m512i a[4];
    UNROLL for (size_t i = 0; i < 4; i++) a[i] =
        _mm512_maskz_loadu_epi32(mask_of(n > 16 * i ? n - 16 * i : 0), (const int32_t *)x + 16 * i);
    const __m512i low = _mm512_shuffle_i32x4(a[0], a[1], 0x44), low2 = _mm512_shuffle_i32x4(a[2], a[3], 0x44);
    const __m512i high = _mm512_shuffle_i32x4(a[0], a[1], 0xee), high2 = _mm512_shuffle_i32x4(a[2], a[3], 0xee);
    v[0] = twice(_mm512_shuffle_i32x4(low, low2, 0x88), pair);
    v[1] = twice(_mm512_shuffle_i32x4(low, low2, 0xdd), pair);
    v[2] = twice(_mm512_shuffle_i32x4(high, high2, 0x88), pair);
    v[3] = twice(_mm512_shuffle_i32x4(high, high2, 0xdd), pair);
}

/* 64 bytes of tap t of a pixel, or 32 of it and of the next pixel. */
INLINE __m512i bytes_of(const uint8_t *const *x, size_t t, size_t taps, size_t c, __mmask64 mask, const bool pair)
{
    if (!pair)
        return _mm512_maskz_loadu_epi8(mask, x[t] + c);
    __m256i low = _mm256_maskz_loadu_epi8((__mmask32)mask, x[t] + c);
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), _mm256_maskz_loadu_epi8((__mmask32)mask, x[taps + t] + c),
                              1);
}

/* 64 channels of a pixel, or at most 32 of two: the bytes of four rows are interleaved, so that four taps of a channel
 * lie in 32 bits for VPDPBUSD. Each 128-bit lane of the four sums holds its own 16 channels, and packing them puts the
 * bytes in order again. */
INLINE void depthwise64(uint8_t *y, const uint8_t *const *x, size_t pixels, size_t c, size_t n,
                        const ln_qdepthwise_args *g, const bool pair, const bool flipped)
{
    const __m512i flip = _mm512_set1_epi8(flipped ? (char)0x80 : 0),
                  high = _mm512_set1_epi32(g->y_zero + (g->lo + (float)g->y_zero < 0 ? 128 : 0));
    const __m512i out_flip = _mm512_set1_epi8(g->lo + (float)g->y_zero < 0 ? (char)0x80 : 0);
    const __m512 lo = _mm512_set1_ps(g->lo), hi = _mm512_set1_ps(g->hi);
    const __mmask64 mask = n >= 64 ? ~UINT64_C(0) : ~UINT64_C(0) >> (64 - n);
    const size_t taps = g->taps, groups = (taps + 3) / 4, step = pair ? 2 : 1;
    const int8_t *w = g->w8 + c / 64 * groups * 256;
    __m512i bias[4], scale[4];
    lanes_of(bias, g->bias + c, n, pair);
    lanes_of(scale, g->scale + c, n, pair);
    for (size_t p = 0; p < pixels; p += step, x += step * taps) {
        __m512i acc[4] = {bias[0], bias[1], bias[2], bias[3]};
        UNROLL for (size_t t = 0; t < groups; t++)
        {
            const size_t count = taps - 4 * t;
            const int8_t *v = w + t * 256;
            __m512i r[4] = {flip, flip, flip, flip};
            UNROLL for (size_t i = 0; i < 4; i++) if (i < count) r[i] = bytes_of(x, 4 * t + i, taps, c, mask, pair);
            __m512i a = _mm512_unpacklo_epi8(r[0], r[1]), b = _mm512_unpackhi_epi8(r[0], r[1]);
            __m512i d = flip, e = flip;
            if (count > 2) {
                d = _mm512_unpacklo_epi8(r[2], r[3]);
                e = _mm512_unpackhi_epi8(r[2], r[3]);
            }
            if (flipped) {
                a = _mm512_xor_si512(a, flip);
                b = _mm512_xor_si512(b, flip);
                d = _mm512_xor_si512(d, flip);
                e = _mm512_xor_si512(e, flip);
            }
            acc[0] = _mm512_dpbusd_epi32(acc[0], _mm512_unpacklo_epi16(a, d), twice(_mm512_loadu_si512(v), pair));
            acc[1] = _mm512_dpbusd_epi32(acc[1], _mm512_unpackhi_epi16(a, d), twice(_mm512_loadu_si512(v + 64), pair));
            acc[2] = _mm512_dpbusd_epi32(acc[2], _mm512_unpacklo_epi16(b, e), twice(_mm512_loadu_si512(v + 128), pair));
            acc[3] = _mm512_dpbusd_epi32(acc[3], _mm512_unpackhi_epi16(b, e), twice(_mm512_loadu_si512(v + 192), pair));
        }
        for (size_t j = 0; j < 4; j++) {
            __m512 f = _mm512_mul_ps(_mm512_cvtepi32_ps(acc[j]), _mm512_castsi512_ps(scale[j]));
            f = _mm512_min_ps(_mm512_max_ps(f, lo), hi);
            acc[j] = _mm512_add_epi32(_mm512_cvtps_epi32(f), high);
        }
        __m512i bytes = _mm512_packus_epi16(_mm512_packs_epi32(acc[0], acc[1]), _mm512_packs_epi32(acc[2], acc[3]));
        bytes = _mm512_xor_si512(bytes, out_flip);
        uint8_t *to = y + p * g->y_stride + c;
        if (pair) {
            _mm256_mask_storeu_epi8(to, (__mmask32)mask, _mm512_castsi512_si256(bytes));
            _mm256_mask_storeu_epi8(to + g->y_stride, (__mmask32)mask, _mm512_extracti64x4_epi64(bytes, 1));
        } else {
            _mm512_mask_storeu_epi8(to, mask, bytes);
        }
    }
}

/* Weights of nine taps by columns: from the groups 0 1 2 3, 4 5 6 7 and 8 to 0 3 6, 1 4 7 and 2 5 8. */
INLINE void columns_of(__m512i w[3][4], const int8_t *from, const bool pair)
{
    const __m512i lanes = _mm512_broadcast_i32x4(_mm_setr_epi32(0, 0x04040404, 0x08080808, 0x0c0c0c0c));
    /* For each byte of 32 bits, the lowest first, which one of a group it is; from 0x80 on: none. */
    const int32_t first[3] = {(int32_t)0x80800300, (int32_t)0x80808001, (int32_t)0x80808002};
    const int32_t second[3] = {(int32_t)0x80028080, (int32_t)0x80030080, (int32_t)0x80800180};
    UNROLL for (size_t j = 0; j < 4; j++)
    {
        const __m512i a = twice(_mm512_loadu_si512(from + j * 64), pair);
        const __m512i b = twice(_mm512_loadu_si512(from + 256 + j * 64), pair);
        const __m512i last = twice(_mm512_loadu_si512(from + 512 + j * 64), pair);
        UNROLL for (size_t i = 0; i < 3; i++) w[i][j] =
            _mm512_or_si512(_mm512_shuffle_epi8(a, _mm512_or_si512(_mm512_set1_epi32(first[i]), lanes)),
                            _mm512_shuffle_epi8(b, _mm512_or_si512(_mm512_set1_epi32(second[i]), lanes)));
        w[2][j] = _mm512_or_si512(w[2][j], _mm512_slli_epi32(last, 16));
    }
}

/* A column of a pixel's window, or of two, x[0], x[3] and x[6]: what a byte of zero weight is multiplied with is no
 * matter. */
INLINE void load_column(__m512i q[4], const uint8_t *const *x, size_t c, __mmask64 mask, const bool pair)
{
    const __m512i top = bytes_of(x, 0, 9, c, mask, pair), middle = bytes_of(x, 3, 9, c, mask, pair),
                  bottom = bytes_of(x, 6, 9, c, mask, pair);
    const __m512i a = _mm512_unpacklo_epi8(top, middle), b = _mm512_unpackhi_epi8(top, middle);
    const __m512i d = _mm512_unpacklo_epi8(bottom, bottom), e = _mm512_unpackhi_epi8(bottom, bottom);
    q[0] = _mm512_unpacklo_epi16(a, d);
    q[1] = _mm512_unpackhi_epi16(a, d);
    q[2] = _mm512_unpacklo_epi16(b, e);
    q[3] = _mm512_unpackhi_epi16(b, e);
}

/* Whether columns from `from` on of a window are those from 0 on of the next. */
INLINE bool shares(const uint8_t *const *now, const uint8_t *const *next, const size_t from)
{
    bool same = true;
    UNROLL for (size_t i = 0; i < 3; i++) UNROLL for (size_t j = from; j < 3; j++) same &=
        now[3 * i + j] == next[3 * i + j - from];
    return same;
}

/* 64 channels of a pixel or 32 of two, of 3 x 3 windows, for the scales that `packs` asks for. */
INLINE void nine64(uint8_t *y, const uint8_t *const *x, size_t pixels, size_t c, size_t n, const ln_qdepthwise_args *g,
                   const bool pair)
{
    const quantised z = quantised_of(g->y_zero, g->lo);
    const __mmask64 mask = n >= 64 ? ~UINT64_C(0) : ~UINT64_C(0) >> (64 - n);
    const size_t step = pair ? 2 : 1;
    __m512i bias[4], scale[4], w[3][4], q[3][4];
    lanes_of(bias, g->bias + c, n, pair);
    lanes_of(scale, g->scale + c, n, pair);
    columns_of(w, g->w8 + c / 64 * 3 * 256, pair);
    size_t kept = 0; /* columns that are there */
    for (size_t p = 0; p < pixels; p += step, x += step * 9, y += step * g->y_stride) {
        if (kept == 0)
            load_column(q[0], x, c, mask, pair);
        if (kept < 2)
            load_column(q[1], x + 1, c, mask, pair);
        load_column(q[2], x + 2, c, mask, pair);
        __m512i acc[4];
        UNROLL for (size_t j = 0; j < 4; j++)
        {
            acc[j] = _mm512_dpbusd_epi32(bias[j], q[0][j], w[0][j]);
            acc[j] = _mm512_dpbusd_epi32(acc[j], q[1][j], w[1][j]);
            acc[j] = _mm512_dpbusd_epi32(acc[j], q[2][j], w[2][j]);
            acc[j] = rounded(acc[j], _mm512_castsi512_ps(scale[j]));
        }
        const __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(acc[0], acc[1]), z.zero);
        const __m512i high = _mm512_adds_epi16(_mm512_packs_epi32(acc[2], acc[3]), z.zero);
        const __m512i bytes = _mm512_xor_si512(_mm512_packus_epi16(low, high), z.flip);
        if (pair) {
            _mm256_mask_storeu_epi8(y + c, (__mmask32)mask, _mm512_castsi512_si256(bytes));
            _mm256_mask_storeu_epi8(y + g->y_stride + c, (__mmask32)mask, _mm512_extracti64x4_epi64(bytes, 1));
        } else {
            _mm512_mask_storeu_epi8(y + c, mask, bytes);
        }
        if (p + step >= pixels)
            return;
        kept = 0;
        if (!pair && shares(x, x + 9, 1)) {
            kept = 2;
            memcpy(q[0], q[1], sizeof q[0]);
            memcpy(q[1], q[2], sizeof q[1]);
        } else if (shares(x, x + step * 9, 2) && (!pair || shares(x + 9, x + 27, 2))) {
            kept = 1;
            memcpy(q[0], q[2], sizeof q[0]);
        }
    }
}

INLINE bool scales_pack(const ln_qdepthwise_args *g, size_t c, size_t n)
{
    bool small = g->hi - g->lo == 255.0f;
    for (size_t i = 0; i < n; i += 16) {
        const __m512 scale = _mm512_maskz_loadu_ps(mask_of(n - i), g->scale + c + i);
        small &= _mm512_cmp_ps_mask(_mm512_abs_ps(scale), _mm512_set1_ps(1), _CMP_NLT_UQ) == 0;
    }
    return small;
}

#define DEPTHWISE(name, call)                                                                                          \
    static void name(uint8_t *y, const uint8_t *const *x, size_t pixels, size_t c, size_t n,                           \
                     const ln_qdepthwise_args *g)                                                                      \
    {                                                                                                                  \
        call;                                                                                                          \
    }
DEPTHWISE(single, depthwise64(y, x, pixels, c, n, g, false, false))
DEPTHWISE(pairs, depthwise64(y, x, pixels, c, n, g, true, false))
DEPTHWISE(flipped_single, depthwise64(y, x, pixels, c, n, g, false, true))
DEPTHWISE(flipped_pairs, depthwise64(y, x, pixels, c, n, g, true, true))
DEPTHWISE(nine, nine64(y, x, pixels, c, n, g, false))
DEPTHWISE(nine_pairs, nine64(y, x, pixels, c, n, g, true))

static void depthwise_pixels(uint8_t *y, const uint8_t *const *x, size_t pixels, size_t c, size_t n,
                             const ln_qdepthwise_args *g)
{
    const bool columns = g->taps == 9 && g->flip == 0 && scales_pack(g, c, n < 64 ? n : 64);
    const size_t even = n <= 32 ? pixels & ~(size_t)1 : 0;
    if (even)
        (columns ? nine_pairs : g->flip ? flipped_pairs : pairs)(y, x, even, c, n, g);
    if (even < pixels)
        (columns   ? nine
         : g->flip ? flipped_single
                   : single)(y + even * g->y_stride, x + even * g->taps, pixels - even, c, n, g);
}

/* A lane holds one channel: the byte in its low half, the weight in 16 bits; their high halves multiply to nothing. */
void ln_qdepthwise_avx512(uint8_t *y, const uint8_t *const *x, size_t pixels, size_t channels,
                          const ln_qdepthwise_args *g)
{
    const __m128i flip = _mm_set1_epi8((char)g->flip);
    if (g->w8 && g->out == LN_QGEMM_8) {
        for (size_t c = 0; c < channels; c += 64)
            depthwise_pixels(y, x, pixels, c, channels - c, g);
        return;
    }
    for (size_t p = 0; p < pixels; p++, x += g->taps)
        for (size_t c = 0; c < channels; c += 16) {
            __mmask16 mask = mask_of(channels - c);
            __m512i acc = _mm512_maskz_loadu_epi32(mask, g->bias + c);
            for (size_t t = 0; t < g->taps; t++) {
                __m128i v = _mm_xor_si128(_mm_maskz_loadu_epi8(mask, x[t] + c), flip);
                __m256i w = _mm256_maskz_loadu_epi16(mask, g->w + t * g->w_stride + c);
                acc = _mm512_dpwssd_epi32(acc, _mm512_cvtepu8_epi32(v), _mm512_cvtepu16_epi32(w));
            }
            size_t at = p * g->y_stride + c;
            if (g->out == LN_QGEMM_I32) {
                _mm512_mask_storeu_epi32((int32_t *)(void *)y + at, mask, acc);
                continue;
            }
            __m512 f = _mm512_mul_ps(_mm512_cvtepi32_ps(acc), _mm512_maskz_loadu_ps(mask, g->scale + c));
            f = _mm512_min_ps(_mm512_max_ps(f, _mm512_set1_ps(g->lo)), _mm512_set1_ps(g->hi));
            __m512i r = _mm512_add_epi32(_mm512_cvtps_epi32(f), _mm512_set1_epi32(g->y_zero));
            _mm_mask_storeu_epi8(y + at, mask, _mm512_cvtepi32_epi8(r));
        }
}
