/* SPDX-License-Identifier: Apache-2.0
 *
 * Conversions of rows between element types, tier rvv. Half precision goes by its bits, as in half.h, where the machine
 * has no Zvfhmin (vhalf_zvfhmin.c). A conversion to integers saturates and makes the greatest of a NaN: where a value
 * is not below the range's end, the least takes its place (vconvert_scalar.c).
 */
#include <riscv_vector.h>

#include "kernels/cpu.h"
#include "kernels/kernels.h"

#define ROW(k, Y, X, ...)                                                                                              \
    void ln_##k##_rvv(void *to, const void *from, size_t n)                                                            \
    {                                                                                                                  \
        Y *y = to;                                                                                                     \
        const X *x = from;                                                                                             \
        for (size_t vl; n; n -= vl, x += vl, y += vl) {                                                                \
            vl = __riscv_vsetvl_e32m4(n);                                                                              \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    }
#define LOADF __riscv_vle32_v_f32m4(x, vl)
#define INLINE static inline __attribute__((always_inline))

INLINE vint32m4_t to_i32(vfloat32m4_t v, size_t vl)
{
    vint32m4_t i = __riscv_vfcvt_rtz_x_f_v_i32m4(v, vl);
    return __riscv_vmerge_vxm_i32m4(i, INT32_MIN, __riscv_vmnot_m_b8(__riscv_vmflt_vf_f32m4_b8(v, 0x1p31f, vl), vl),
                                    vl);
}

INLINE vint64m8_t to_i64(vfloat32m4_t v, size_t vl)
{
    vint64m8_t i = __riscv_vfwcvt_rtz_x_f_v_i64m8(v, vl);
    return __riscv_vmerge_vxm_i64m8(i, INT64_MIN, __riscv_vmnot_m_b8(__riscv_vmflt_vf_f32m4_b8(v, 0x1p63f, vl), vl),
                                    vl);
}

INLINE vfloat32m4_t from_f16(vuint16m2_t h, size_t vl)
{
    vuint32m4_t u = __riscv_vzext_vf2_u32m4(h, vl), a = __riscv_vand_vx_u32m4(u, 0x7fff, vl);
    vfloat32m4_t f = __riscv_vreinterpret_v_u32m4_f32m4(__riscv_vsll_vx_u32m4(a, 13, vl));
    vuint32m4_t r = __riscv_vreinterpret_v_f32m4_u32m4(__riscv_vfmul_vf_f32m4(f, 0x1p112f, vl));
    r = __riscv_vor_vx_u32m4_mu(__riscv_vmsgtu_vx_u32m4_b8(a, 0x7bff, vl), r, r, 0x7f800000u, vl);
    r = __riscv_vor_vx_u32m4_mu(__riscv_vmsgtu_vx_u32m4_b8(a, 0x7c00, vl), r, r, 0x400000u, vl);
    vuint32m4_t sign = __riscv_vsll_vx_u32m4(__riscv_vand_vx_u32m4(u, 0x8000, vl), 16, vl);
    return __riscv_vreinterpret_v_u32m4_f32m4(__riscv_vor_vv_u32m4(r, sign, vl));
}

INLINE vuint16m2_t to_f16(vfloat32m4_t f, size_t vl)
{
    vuint32m4_t u = __riscv_vreinterpret_v_f32m4_u32m4(f), a = __riscv_vand_vx_u32m4(u, 0x7fffffff, vl);
    vuint32m4_t shifted = __riscv_vsrl_vx_u32m4(a, 13, vl), odd = __riscv_vand_vx_u32m4(shifted, 1, vl);
    vuint32m4_t r = __riscv_vadd_vx_u32m4(__riscv_vadd_vv_u32m4(a, odd, vl), 0xfffu - 0x38000000u, vl);
    r = __riscv_vsrl_vx_u32m4(r, 13, vl);
    vfloat32m4_t small = __riscv_vfadd_vf_f32m4(__riscv_vreinterpret_v_u32m4_f32m4(a), 0.5f, vl);
    vuint32m4_t subnormal = __riscv_vand_vx_u32m4(__riscv_vreinterpret_v_f32m4_u32m4(small), 0x7ff, vl);
    r = __riscv_vmerge_vvm_u32m4(r, subnormal, __riscv_vmsltu_vx_u32m4_b8(a, 0x38800000u, vl), vl);
    r = __riscv_vmerge_vxm_u32m4(r, 0x7c00, __riscv_vmsgtu_vx_u32m4_b8(a, 0x477fefffu, vl), vl);
    vuint32m4_t nan = __riscv_vor_vx_u32m4(__riscv_vand_vx_u32m4(shifted, 0x3ff, vl), 0x7e00, vl);
    r = __riscv_vmerge_vvm_u32m4(r, nan, __riscv_vmsgtu_vx_u32m4_b8(a, 0x7f800000u, vl), vl);
    vuint32m4_t sign = __riscv_vand_vx_u32m4(__riscv_vsrl_vx_u32m4(u, 16, vl), 0x8000, vl);
    return __riscv_vncvt_x_x_w_u16m2(__riscv_vor_vv_u32m4(r, sign, vl), vl);
}

INLINE vuint16m2_t to_bf16(vfloat32m4_t f, size_t vl)
{
    vuint32m4_t u = __riscv_vreinterpret_v_f32m4_u32m4(f), high = __riscv_vsrl_vx_u32m4(u, 16, vl);
    vuint32m4_t r = __riscv_vadd_vv_u32m4(u, __riscv_vand_vx_u32m4(high, 1, vl), vl);
    r = __riscv_vsrl_vx_u32m4(__riscv_vadd_vx_u32m4(r, 0x7fff, vl), 16, vl);
    r = __riscv_vor_vx_u32m4_mu(__riscv_vmfne_vv_f32m4_b8(f, f, vl), r, high, 0x40, vl);
    return __riscv_vncvt_x_x_w_u16m2(r, vl);
}

#ifndef LN_TIER
#define BY_ZVFHMIN(k)                                                                                                  \
    if (ln_cpu_zvfhmin) {                                                                                              \
        ln_##k##_zvfhmin(y, x, n);                                                                                     \
        return;                                                                                                        \
    }
#else
#define BY_ZVFHMIN(k)
#endif

ROW(f16_to_f32, float, uint16_t,
    BY_ZVFHMIN(f16_to_f32) __riscv_vse32_v_f32m4(y, from_f16(__riscv_vle16_v_u16m2(x, vl), vl), vl);)
ROW(f32_to_f16, uint16_t, float, BY_ZVFHMIN(f32_to_f16) __riscv_vse16_v_u16m2(y, to_f16(LOADF, vl), vl);)
ROW(bf16_to_f32, uint32_t, uint16_t, vuint32m4_t u = __riscv_vzext_vf2_u32m4(__riscv_vle16_v_u16m2(x, vl), vl);
    __riscv_vse32_v_u32m4(y, __riscv_vsll_vx_u32m4(u, 16, vl), vl);)
ROW(f32_to_bf16, uint16_t, float, __riscv_vse16_v_u16m2(y, to_bf16(LOADF, vl), vl);)
ROW(u8_to_f32, float, uint8_t, vuint16m2_t u = __riscv_vzext_vf2_u16m2(__riscv_vle8_v_u8m1(x, vl), vl);
    __riscv_vse32_v_f32m4(y, __riscv_vfwcvt_f_xu_v_f32m4(u, vl), vl);)
ROW(i8_to_f32, float, int8_t, vint16m2_t i = __riscv_vsext_vf2_i16m2(__riscv_vle8_v_i8m1(x, vl), vl);
    __riscv_vse32_v_f32m4(y, __riscv_vfwcvt_f_x_v_f32m4(i, vl), vl);)
ROW(f32_to_u8, int8_t, float, vint16m2_t i = __riscv_vncvt_x_x_w_i16m2(to_i32(LOADF, vl), vl);
    __riscv_vse8_v_i8m1(y, __riscv_vncvt_x_x_w_i8m1(i, vl), vl);)
ROW(i32_to_f32, float, int32_t,
    __riscv_vse32_v_f32m4(y, __riscv_vfcvt_f_x_v_f32m4(__riscv_vle32_v_i32m4(x, vl), vl), vl);)
ROW(f32_to_i32, int32_t, float, __riscv_vse32_v_i32m4(y, to_i32(LOADF, vl), vl);)
ROW(i64_to_f32, float, int64_t,
    __riscv_vse32_v_f32m4(y, __riscv_vfncvt_f_x_w_f32m4(__riscv_vle64_v_i64m8(x, vl), vl), vl);)
ROW(f32_to_i64, int64_t, float, __riscv_vse64_v_i64m8(y, to_i64(LOADF, vl), vl);)
ROW(i32_to_i64, int64_t, int32_t,
    __riscv_vse64_v_i64m8(y, __riscv_vsext_vf2_i64m8(__riscv_vle32_v_i32m4(x, vl), vl), vl);)
ROW(i64_to_i32, int32_t, int64_t,
    __riscv_vse32_v_i32m4(y, __riscv_vncvt_x_x_w_i32m4(__riscv_vle64_v_i64m8(x, vl), vl), vl);)
