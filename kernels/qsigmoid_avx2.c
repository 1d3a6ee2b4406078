/* SPDX-License-Identifier: Apache-2.0
 *
 * The sigmoid in integers, tier avx2: an entry of the table and the next one are gathered as 32 bits.
 */
#include <immintrin.h>

#include "kernels/kernels.h"
#include "kernels/qsigmoid.h"

void ln_qsigmoid_avx2(int32_t *y, const int32_t *x, size_t n)
{
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), end = _mm256_set1_epi32(LN_QSIGMOID_END);
    const __m256i parts = _mm256_set1_epi32((1 << LN_QSIGMOID_STEP_BITS) - 1);
    const __m256i half = _mm256_set1_epi32(1 << (LN_QSIGMOID_STEP_BITS - 1)), low = _mm256_set1_epi32(0xffff);
    for (size_t i = 0; i < n; i += 8) {
        int left = n - i < 8 ? (int)(n - i) : 8;
        __m256i in = _mm256_cmpgt_epi32(_mm256_set1_epi32(left), lanes), v = _mm256_maskload_epi32(x + i, in);
        __m256i a = _mm256_min_epu32(_mm256_abs_epi32(v), end), at = _mm256_srli_epi32(a, LN_QSIGMOID_STEP_BITS);
        __m256i both = _mm256_i32gather_epi32((const int *)(const void *)ln_qsigmoid_table, at, 2);
        __m256i first = _mm256_and_si256(both, low), step = _mm256_sub_epi32(_mm256_srli_epi32(both, 16), first);
        __m256i more = _mm256_add_epi32(_mm256_mullo_epi32(step, _mm256_and_si256(a, parts)), half);
        more = _mm256_add_epi32(first, _mm256_srai_epi32(more, LN_QSIGMOID_STEP_BITS));
        /* sign_epi32 gives 0 for 0, which is what the table has there */
        _mm256_maskstore_epi32(y + i, in, _mm256_sign_epi32(more, v));
    }
}
