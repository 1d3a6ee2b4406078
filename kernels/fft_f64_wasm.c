/* SPDX-License-Identifier: Apache-2.0
 *
 * Discrete Fourier transforms, f64, wasm tier.
 */
#define FFT_F64
#include "kernels/fft_simd_wasm.h"
#define FFT_RUN ln_fft_f64_wasm
#include "kernels/fft_run.inc"
