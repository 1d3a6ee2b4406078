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
