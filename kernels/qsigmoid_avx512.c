/* SPDX-License-Identifier: Apache-2.0
 *
 * The sigmoid in integers, tier avx512: an entry of the table and the next one are gathered as 32 bits.
 */
#include <immintrin.h>

#include "kernels/kernels.h"
#include "kernels/qsigmoid.h"

void ln_qsigmoid_avx512(int32_t *y, const int32_t *x, size_t n)
{
    const __m512i end = _mm512_set1_epi32(LN_QSIGMOID_END), zero = _mm512_setzero_si512();
    const __m512i parts = _mm512_set1_epi32((1 << LN_QSIGMOID_STEP_BITS) - 1);
    const __m512i half = _mm512_set1_epi32(1 << (LN_QSIGMOID_STEP_BITS - 1)), low = _mm512_set1_epi32(0xffff);
    for (size_t i = 0; i < n; i += 16) {
        __mmask16 in = n - i < 16 ? (__mmask16)((1u << (n - i)) - 1) : 0xffff;
        __m512i v = _mm512_maskz_loadu_epi32(in, x + i), a = _mm512_min_epu32(_mm512_abs_epi32(v), end);
        __m512i both = _mm512_i32gather_epi32(_mm512_srli_epi32(a, LN_QSIGMOID_STEP_BITS), ln_qsigmoid_table, 2);
        __m512i first = _mm512_and_si512(both, low), step = _mm512_sub_epi32(_mm512_srli_epi32(both, 16), first);
        __m512i more = _mm512_add_epi32(_mm512_mullo_epi32(step, _mm512_and_si512(a, parts)), half);
        more = _mm512_add_epi32(first, _mm512_srai_epi32(more, LN_QSIGMOID_STEP_BITS));
        more = _mm512_mask_sub_epi32(more, _mm512_cmplt_epi32_mask(v, zero), zero, more);
        _mm512_mask_storeu_epi32(y + i, in, more);
    }
}
