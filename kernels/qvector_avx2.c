/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "kernels/qgemm.h"
#include "kernels/simd_avx2.h"

V_ vi vld8(const uint8_t *p, size_t vl)
{
    uint64_t eight = 0;
    if (vl == 8)
        return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p));
    memcpy(&eight, p, vl);
    return _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)eight));
}

V_ void vst8(uint8_t *p, vi v, size_t vl)
{
    v = _mm256_and_si256(v, _mm256_set1_epi32(0xff));
    __m128i h = _mm_packus_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    uint64_t eight = (uint64_t)_mm_cvtsi128_si64(_mm_packus_epi16(h, h));
    if (vl == 8)
        memcpy(p, &eight, 8);
    else
        memcpy(p, &eight, vl);
}

V_ vi vround(vf v, VU_ size_t vl)
{
    return _mm256_cvtps_epi32(v);
}

#include "kernels/qvector.inc"

void ln_qpool_max8_avx2(uint8_t *y, const uint8_t *const *rows, size_t taps, size_t n, uint32_t flip)
{
    const __m256i x = _mm256_set1_epi8((char)flip);
    size_t c = 0;
    for (; c + 32 <= n; c += 32) {
        __m256i max = _mm256_setzero_si256();
        for (size_t t = 0; t < taps; t++) {
            __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)(rows[t] + c));
            max = _mm256_max_epu8(max, _mm256_xor_si256(v, x));
        }
        _mm256_storeu_si256((__m256i *)(void *)(y + c), _mm256_xor_si256(max, x));
    }
    for (; c < n; c++) {
        uint32_t max = 0;
        for (size_t t = 0; t < taps; t++)
            max = (rows[t][c] ^ flip) > max ? rows[t][c] ^ flip : max;
        y[c] = (uint8_t)(max ^ flip);
    }
}
