/* SPDX-License-Identifier: Apache-2.0
 *
 * A job of a product done in pieces of many lengths, the last ones first, as threads may take them.
 */
#ifndef LN_TESTS_GEMM_PIECES_H
#define LN_TESTS_GEMM_PIECES_H

#include "kernels/gemm.h"
#include "tests/kernels/check.h"

/* With scratch of so many bytes, behind which nothing may be touched. */
static inline void run_in_pieces(ln_gemm_f32_job *job, size_t scratch_bytes, float *c)
{
    void *scratch = check_guard((scratch_bytes + 63) / 64 * 64, true);
    job->c = c;
    for (size_t end = job->tiles, n = 1; end > 0; n = n * 3 % 31) {
        size_t begin = n < end ? end - n : 0;
        ln_gemm_f32_run(job, scratch, begin, end);
        end = begin;
    }
    check_guard_free(scratch);
}

#endif
