/* SPDX-License-Identifier: Apache-2.0
 *
 * Discrete Fourier transforms, f64, neon tier.
 */
#define FFT_F64
#include "kernels/fft_simd_neon.h"
#define FFT_RUN ln_fft_f64_neon
#include "kernels/fft_run.inc"
