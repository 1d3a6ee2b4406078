/* SPDX-License-Identifier: Apache-2.0
 *
 * Discrete Fourier transforms, f32, avx2 tier.
 */
#include "kernels/fft_simd_avx2.h"
#define FFT_RUN ln_fft_f32_avx2
#include "kernels/fft_run.inc"
