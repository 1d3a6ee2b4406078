/* SPDX-License-Identifier: Apache-2.0
 *
 * Discrete Fourier transforms, f32, neon tier.
 */
#include "kernels/fft_simd_neon.h"
#define FFT_RUN ln_fft_f32_neon
#include "kernels/fft_run.inc"
