/* SPDX-License-Identifier: Apache-2.0
 *
 * Discrete Fourier transforms, f32, scalar tier.
 */
#include "kernels/fft_simd_scalar.h"
#define FFT_RUN ln_fft_f32_scalar
#include "kernels/fft_run.inc"
