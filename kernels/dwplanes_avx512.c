/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise convolution of planes with AVX-512, 16 outputs at once. Narrow planes fill half of such a vector, and go
 * by 8.
 */
#include "kernels/simd_avx512.h"

#define DW_(f) _mm512_##f
/* DW_EVEN gives the outputs 0 1 8 9, 2 3 10 11, 4 5 12 13, 6 7 14 15. */
#define DW_ORDER _mm512_setr_epi32(0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15)
#define DW_BACK _mm512_setr_epi32(15, 0, 13, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14)
#define DW_NEXT _mm512_setr_epi32(1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 2, 15, 0)
typedef __mmask16 dw_mask;

V_ vf dw_pair(const float *w)
{
    return _mm512_castpd_ps(
        _mm512_broadcastsd_pd(_mm_castps_pd(_mm_loadl_pi(_mm_setzero_ps(), (const __m64 *)(const void *)w))));
}

#include "kernels/dwplanes_avx512.h"

#include "kernels/dwplanes.inc"

void ln_dwplanes_f32_avx512(const ln_dw_planes *d)
{
    if (d->out[1] <= 8 && d->k == 3 && d->stride == 2)
        ln_dwplanes8_f32_avx512(d);
    else
        by_window(d);
}
