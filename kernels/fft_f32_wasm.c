/* SPDX-License-Identifier: Apache-2.0
 *
 * Discrete Fourier transforms, f32, wasm tier.
 */
#include "kernels/fft_simd_wasm.h"
#define FFT_RUN ln_fft_f32_wasm
#include "kernels/fft_run.inc"
