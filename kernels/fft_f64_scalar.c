/* SPDX-License-Identifier: Apache-2.0
 *
 * Discrete Fourier transforms, f64, scalar tier.
 */
#define FFT_F64
#include "kernels/fft_simd_scalar.h"
#define FFT_RUN ln_fft_f64_scalar
#include "kernels/fft_run.inc"
