/* SPDX-License-Identifier: Apache-2.0
 *
 * Discrete Fourier transforms, f64, avx2 tier.
 */
#define FFT_F64
#include "kernels/fft_simd_avx2.h"
#define FFT_RUN ln_fft_f64_avx2
#include "kernels/fft_run.inc"
