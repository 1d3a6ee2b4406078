/* SPDX-License-Identifier: Apache-2.0
 *
 * Discrete Fourier transforms, f32, rvv tier.
 */
#include "kernels/fft_simd_rvv.h"
#define FFT_RUN ln_fft_f32_rvv
#include "kernels/fft_run.inc"
