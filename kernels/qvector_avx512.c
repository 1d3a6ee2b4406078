/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/qgemm.h"
#include "kernels/simd_avx512.h"

V_ vi vld8(const uint8_t *p, size_t vl)
{
    return _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(vl_mask(vl), p));
}

V_ void vst8(uint8_t *p, vi v, size_t vl)
{
    _mm512_mask_cvtepi32_storeu_epi8(p, vl_mask(vl), v);
}

V_ vi vround(vf v, VU_ size_t vl)
{
    return _mm512_cvtps_epi32(v);
}

#include "kernels/qvector.inc"

void ln_qpool_max8_avx512(uint8_t *y, const uint8_t *const *rows, size_t taps, size_t n, uint32_t flip)
{
    const __m512i x = _mm512_set1_epi8((char)flip);
    for (size_t c = 0; c < n; c += 64) {
        __mmask64 mask = n - c >= 64 ? ~UINT64_C(0) : ~UINT64_C(0) >> (64 - (n - c));
        __m512i max = _mm512_setzero_si512();
        for (size_t t = 0; t < taps; t++)
            max = _mm512_max_epu8(max, _mm512_xor_si512(_mm512_maskz_loadu_epi8(mask, rows[t] + c), x));
        _mm512_mask_storeu_epi8(y + c, mask, _mm512_xor_si512(max, x));
    }
}
