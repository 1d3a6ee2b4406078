/* SPDX-License-Identifier: Apache-2.0
 *
 * The vectors of the FFT with RISC-V's V: one register, of which at most 16 floats or 8 doubles are used, so that
 * groups of that many transforms fill vectors whatever VLEN is. See fft_simd_avx2.h for what each name does.
 */
#include <riscv_vector.h>
#include <stddef.h>
#include <stdint.h>

#ifdef FFT_F64
#define RV_(op) __riscv_##op##_f64m1
#define LD_(p, n) __riscv_vle64_v_f64m1(p, n)
#define ST_(p, v, n) __riscv_vse64_v_f64m1(p, v, n)
#define LD_STRIDED_(p, d, n) __riscv_vlse64_v_f64m1(p, d, n)
typedef double T;
typedef vfloat64m1_t V;
typedef vfloat64m1x2_t pair;
#define VL __riscv_vsetvl_e64m1(8)
#define LDN(p, n) __riscv_vle64_v_f64m1_tu(SET1(0), p, n)
#define SUM(v) __riscv_vfmv_f_s_f64m1_f64(__riscv_vfredusum_vs_f64m1_f64m1(v, SET1(0), VL))
#define REVERSE(v) __riscv_vrgather_vv_f64m1(v, __riscv_vrsub_vx_u64m1(__riscv_vid_v_u64m1(VL), VL - 1, VL), VL)
#define LD_PAIRS_(p, n) __riscv_vlseg2e64_v_f64m1x2(p, n)
#define ST_PAIRS_(p, even, odd, n) __riscv_vsseg2e64_v_f64m1x2(p, __riscv_vcreate_v_f64m1x2(even, odd), n)
#define EVEN_(v) __riscv_vget_v_f64m1x2_f64m1(v, 0)
#define ODD_(v) __riscv_vget_v_f64m1x2_f64m1(v, 1)
#else
#define RV_(op) __riscv_##op##_f32m1
#define LD_(p, n) __riscv_vle32_v_f32m1(p, n)
#define ST_(p, v, n) __riscv_vse32_v_f32m1(p, v, n)
#define LD_STRIDED_(p, d, n) __riscv_vlse32_v_f32m1(p, d, n)
typedef float T;
typedef vfloat32m1_t V;
typedef vfloat32m1x2_t pair;
#define VL __riscv_vsetvl_e32m1(16)
#define LDN(p, n) __riscv_vle32_v_f32m1_tu(SET1(0), p, n)
#define SUM(v) __riscv_vfmv_f_s_f32m1_f32(__riscv_vfredusum_vs_f32m1_f32m1(v, SET1(0), VL))
#define REVERSE(v)                                                                                                     \
    __riscv_vrgather_vv_f32m1(v, __riscv_vrsub_vx_u32m1(__riscv_vid_v_u32m1(VL), (uint32_t)VL - 1, VL), VL)
#define LD_PAIRS_(p, n) __riscv_vlseg2e32_v_f32m1x2(p, n)
#define ST_PAIRS_(p, even, odd, n) __riscv_vsseg2e32_v_f32m1x2(p, __riscv_vcreate_v_f32m1x2(even, odd), n)
#define EVEN_(v) __riscv_vget_v_f32m1x2_f32m1(v, 0)
#define ODD_(v) __riscv_vget_v_f32m1x2_f32m1(v, 1)
#endif
#define LD(p) LD_(p, VL)
#define ST(p, v) ST_(p, v, VL)
#define STN(p, v, n) ST_(p, v, n)
#define SET1(x) RV_(vfmv_v_f)(x, VL)
#define ADD(a, b) RV_(vfadd_vv)(a, b, VL)
#define SUB(a, b) RV_(vfsub_vv)(a, b, VL)
#define MUL(a, b) RV_(vfmul_vv)(a, b, VL)
#define SQRT(v) RV_(vfsqrt_v)(v, VL)

static inline void load_pairs(const T *p, V *even, V *odd)
{
    pair v = LD_PAIRS_(p, VL);
    *even = EVEN_(v);
    *odd = ODD_(v);
}

static inline void store_pairs(T *p, V even, V odd)
{
    ST_PAIRS_(p, even, odd, VL);
}

/* Column after column: its elements of even and of odd rows are read with a stride and stored interleaved. */
static inline __attribute__((always_inline)) void transpose(T *y0, T *y1, size_t dy, const T *x0, const T *x1,
                                                            size_t dx, const T *w)
{
    const size_t n = VL, half = n / 2;
    const ptrdiff_t stride = (ptrdiff_t)(dx * sizeof(T));
    for (size_t k = 0; k < n; k++) {
        V even = LD_STRIDED_(x0 + k, stride, half), odd = LD_STRIDED_(x1 + k, stride, half);
        if (w) {
            even = RV_(vfmul_vf)(even, w[k], half);
            odd = RV_(vfmul_vf)(odd, w[k], half);
        }
        ST_PAIRS_((k & 1 ? y1 : y0) + k / 2 * dy, even, odd, half);
    }
}

static inline void transpose_half(T *y, size_t dy, const T *x, size_t dx)
{
    const size_t n = VL / 2;
    for (size_t k = 0; k < n; k++, y += dy)
        ST_(y, LD_STRIDED_(x + k, (ptrdiff_t)(dx * sizeof(T)), n), n);
}
