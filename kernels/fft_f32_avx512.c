/* SPDX-License-Identifier: Apache-2.0
 *
 * Discrete Fourier transforms, f32, avx512 tier.
 */
#include "kernels/fft_half_avx512.h"
#define F(name) name##_half
#include "kernels/fft_radix.inc"
#include "kernels/fft_half_end.h"
#include "kernels/fft_simd_avx512.h"
#include "kernels/fft.h"
#include "kernels/fft_registers_avx512.h"
#define FFT_RUN ln_fft_f32_avx512
#include "kernels/fft_run.inc"
