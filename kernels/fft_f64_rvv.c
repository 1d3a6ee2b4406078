/* SPDX-License-Identifier: Apache-2.0
 *
 * Discrete Fourier transforms, f64, rvv tier.
 */
#define FFT_F64
#include "kernels/fft_simd_rvv.h"
#define FFT_RUN ln_fft_f64_rvv
#include "kernels/fft_run.inc"
