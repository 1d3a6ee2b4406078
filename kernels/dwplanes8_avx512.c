/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise convolution of narrow planes with AVX-512, 8 outputs at once: windows of 3 x 3 with a stride of 2, as
 * others are not asked for.
 */
#include "kernels/simd_avx2.h"

#define DW_(f) _mm256_##f
/* DW_EVEN gives the outputs 0 1 4 5, 2 3 6 7. */
#define DW_ORDER _mm256_setr_epi32(0, 1, 4, 5, 2, 3, 6, 7)
#define DW_BACK _mm256_setr_epi32(7, 0, 5, 2, 1, 4, 3, 6)
#define DW_NEXT _mm256_setr_epi32(1, 4, 3, 6, 5, 2, 7, 0)
typedef __mmask8 dw_mask;

V_ vf dw_pair(const float *w)
{
    return _mm256_castpd_ps(
        _mm256_broadcastsd_pd(_mm_castps_pd(_mm_loadl_pi(_mm_setzero_ps(), (const __m64 *)(const void *)w))));
}

#include "kernels/dwplanes_avx512.h"

#include "kernels/dwplanes.inc"

void ln_dwplanes8_f32_avx512(const ln_dw_planes *d)
{
    planes(d, 3, 2);
}
