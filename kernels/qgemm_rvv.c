/* SPDX-License-Identifier: Apache-2.0
 *
 * The integer product with RISC-V's vectors. A step of k widens the bytes of B to 16 bits once and multiplies them by a
 * scalar of each row into 32 bits (vwmacc), exactly. Columns fill groups of eight registers, three rows at a time;
 * where half of that holds all columns, groups of four and six rows, and where a quarter does, of two and twelve. A
 * panel is as wide as the group: there is a descriptor for each VLEN, as for gemm_f32_rvv.c. Row sums and depthwise
 * convolution too.
 */
#include <riscv_vector.h>

#include "kernels/tiles.h"

#define VSIZELESS
#include "kernels/simd_array.h"

#define UNROLL _Pragma("GCC unroll 12")
#define INLINE static inline __attribute__((always_inline))
#define ELEMENT(byte) (sign ? (int16_t)(int8_t)(byte) : (int16_t)(byte))

/* m rows of n sums to floats where they lie, by the scales: every product is rounded by itself. */
static __attribute__((noinline)) void to_floats(void *c, size_t row0, size_t m, size_t n, const ln_qgemm_args *g)
{
    for (size_t i = row0; i < row0 + m; i++)
        for (size_t j = 0, vl; j < n; j += vl) {
            vl = __riscv_vsetvl_e32m8(n - j);
            vfloat32m8_t scale = g->scale ? __riscv_vle32_v_f32m8(g->scale + j, vl) : __riscv_vfmv_v_f_f32m8(1, vl);
            if (g->row_scale)
                scale = __riscv_vfmul(scale, g->row_scale[i], vl);
            float *y = (float *)c + i * g->c_stride + j;
            vint32m8_t sums = __riscv_vle32_v_i32m8((const int32_t *)(const void *)y, vl);
            vfloat32m8_t f = __riscv_vfmul(__riscv_vfcvt_f(sums, vl), scale, vl);
            if (g->fbias)
                f = __riscv_vfadd(f, __riscv_vle32_v_f32m8(g->fbias + j, vl), vl);
            __riscv_vse32(y, f, vl);
        }
}

#define ROWS_NAME rows_m2
#define ROWS 12
#define STEPS 8
#define I16 vint16m1_t
#define I32 vint32m2_t
#define F32 vfloat32m2_t
#define LOAD_B __riscv_vle8_v_i8mf2
#define WIDEN __riscv_vsext_vf2
#define LOAD_I32 __riscv_vle32_v_i32m2
#define LOAD_F32 __riscv_vle32_v_f32m2
#define AS_I32 __riscv_vreinterpret_v_f32m2_i32m2
#define AS_F32 __riscv_vreinterpret_v_i32m2_f32m2
#define BETWEEN() (void)0
#include "kernels/qgemm_rvv.inc"

#define ROWS_NAME rows_m4
#define ROWS 6
#define STEPS 8
#define I16 vint16m2_t
#define I32 vint32m4_t
#define F32 vfloat32m4_t
#define LOAD_B __riscv_vle8_v_i8m1
#define WIDEN __riscv_vsext_vf2
#define LOAD_I32 __riscv_vle32_v_i32m4
#define LOAD_F32 __riscv_vle32_v_f32m4
#define AS_I32 __riscv_vreinterpret_v_f32m4_i32m4
#define AS_F32 __riscv_vreinterpret_v_i32m4_f32m4
#define BETWEEN() (void)0
#include "kernels/qgemm_rvv.inc"

#define ROWS_NAME rows_m8
#define ROWS 3
#define STEPS 8
#define I16 vint16m4_t
#define I32 vint32m8_t
#define F32 vfloat32m8_t
#define LOAD_B __riscv_vle8_v_i8m2
#define WIDEN __riscv_vsext_vf2
#define LOAD_I32 __riscv_vle32_v_i32m8
#define LOAD_F32 __riscv_vle32_v_f32m8
#define AS_I32 __riscv_vreinterpret_v_f32m8_i32m8
#define AS_F32 __riscv_vreinterpret_v_i32m8_f32m8
#define BETWEEN() __asm__("" ::: "memory")
#include "kernels/qgemm_rvv.inc"

/* clang-format off: one line for each number of rows */
INLINE void narrow(const size_t nr, const int sign, void *c, const uint8_t *const *a, const void *panel, size_t m,
                   size_t n, const ln_qgemm_args *g)
{
    for (size_t i = 0; i < m; i += 6)
        switch (m - i) {
        case 1:
            rows_m4(1, nr, sign, c, a + i, panel, n, i, g);
            break;
        case 2:
            rows_m4(2, nr, sign, c, a + i, panel, n, i, g);
            break;
        case 3:
            rows_m4(3, nr, sign, c, a + i, panel, n, i, g);
            break;
        case 4:
            rows_m4(4, nr, sign, c, a + i, panel, n, i, g);
            break;
        case 5:
            rows_m4(5, nr, sign, c, a + i, panel, n, i, g);
            break;
        default:
            rows_m4(6, nr, sign, c, a + i, panel, n, i, g);
        }
}

INLINE void twelve(const size_t nr, const int sign, void *c, const uint8_t *const *a, const void *panel, size_t m,
                   size_t n, const ln_qgemm_args *g)
{
    (void)m;
    rows_m2(12, nr, sign, c, a, panel, n, 0, g);
}

INLINE void wide(const size_t nr, const int sign, void *c, const uint8_t *const *a, const void *panel, size_t m,
                 size_t n, const ln_qgemm_args *g)
{
    for (size_t i = 0; i < m; i += 3)
        switch (m - i) {
        case 1:
            rows_m8(1, nr, sign, c, a + i, panel, n, i, g);
            break;
        case 2:
            rows_m8(2, nr, sign, c, a + i, panel, n, i, g);
            break;
        default:
            rows_m8(3, nr, sign, c, a + i, panel, n, i, g);
        }
}
/* clang-format on */

#define OWN(body, name, vlen, sign)                                                                                    \
    static __attribute__((noinline)) void name(void *c, const uint8_t *const *a, const void *panel, size_t m,          \
                                               size_t n, const ln_qgemm_args *g)                                       \
    {                                                                                                                  \
        body(vlen / 4, sign, c, a, panel, m, n, g);                                                                    \
    }
#define TILE(vlen)                                                                                                     \
    OWN(twelve, twelve_u##vlen, vlen, 0)                                                                               \
    OWN(twelve, twelve_s##vlen, vlen, 1)                                                                               \
    OWN(wide, wide_u##vlen, vlen, 0)                                                                                   \
    OWN(wide, wide_s##vlen, vlen, 1)                                                                                   \
    OWN(narrow, narrow_u##vlen, vlen, 0)                                                                               \
    OWN(narrow, narrow_s##vlen, vlen, 1)                                                                               \
    void ln_qgemm_run_rvv##vlen(void *c, const uint8_t *const *a, const void *panel, size_t m, size_t n,               \
                                const ln_qgemm_args *g)                                                                \
    {                                                                                                                  \
        if (n > vlen / 8)                                                                                              \
            (g->flip ? wide_s##vlen : wide_u##vlen)(c, a, panel, m, n, g);                                             \
        else if (n > vlen / 16 || m < 12)                                                                              \
            (g->flip ? narrow_s##vlen : narrow_u##vlen)(c, a, panel, m, n, g);                                         \
        else                                                                                                           \
            (g->flip ? twelve_s##vlen : twelve_u##vlen)(c, a, panel, m, n, g);                                         \
    }
LN_RVV_EACH(TILE)

#ifndef LN_TIER
#define DESC(vlen) const ln_qgemm_tile ln_qgemm_rvv##vlen = LN_QGEMM_RVV(vlen, ln_qgemm_run_rvv##vlen);
LN_RVV_EACH(DESC)
#endif

void ln_qrowsum_rvv(int32_t *sums, const uint8_t *const *a, size_t m, size_t k, uint32_t flip)
{
    const size_t full = __riscv_vsetvlmax_e32m8();
    for (size_t i = 0; i < m; i++) {
        vuint32m8_t parts = __riscv_vmv_v_x_u32m8(0, full);
        for (size_t j = 0, vl; j < k; j += vl) {
            vl = __riscv_vsetvl_e32m8(k - j);
            vuint8m2_t v = __riscv_vxor(__riscv_vle8_v_u8m2(a[i] + j, vl), (uint8_t)flip, vl);
            parts = __riscv_vwaddu_wv_tu(parts, parts, __riscv_vzext_vf2(v, vl), vl);
        }
        vuint32m1_t sum = __riscv_vredsum(parts, __riscv_vmv_s_x_u32m1(0, 1), full);
        sums[i] = (int32_t)__riscv_vmv_x(sum);
    }
}

INLINE vint32m8_t tap(vint32m8_t acc, const uint8_t *x, vint16m4_t w, const int sign, size_t vl)
{
    vuint8m2_t bytes = __riscv_vle8_v_u8m2(x, vl);
    vint16m4_t v = sign ? __riscv_vsext_vf2(__riscv_vreinterpret_i8m2(bytes), vl)
                        : __riscv_vreinterpret_i16m4(__riscv_vzext_vf2(bytes, vl));
    return __riscv_vwmacc(acc, v, w, vl);
}

INLINE vint16m4_t scaled(vint32m8_t acc, size_t c, const ln_qdepthwise_args *g, size_t vl)
{
    vfloat32m8_t f = __riscv_vfmul(__riscv_vfcvt_f(acc, vl), __riscv_vle32_v_f32m8(g->scale + c, vl), vl);
    return __riscv_vfncvt_x(__riscv_vfmin(__riscv_vfmax(f, g->lo, vl), g->hi, vl), vl);
}

/* Two pixels at a time share the weights. An int8 x is taken as it is, 128 less than the bias knows: it gets 128 times
 * the sum of the weights, once for all pixels. */
INLINE void depthwise(uint8_t *y, const uint8_t *const *rows, size_t pixels, size_t channels,
                      const ln_qdepthwise_args *g, const int sign)
{
    const size_t taps = g->taps, w_stride = g->w_stride;
    for (size_t c = 0, vl; c < channels; c += vl) {
        vl = __riscv_vsetvl_e32m8(channels - c);
        vint32m8_t bias = __riscv_vle32_v_i32m8(g->bias + c, vl);
        for (size_t t = 0; sign && t < taps; t++)
            bias = __riscv_vwmacc(bias, 128, __riscv_vle16_v_i16m4(g->w + t * g->w_stride + c, vl), vl);
        const uint8_t *const *x = rows;
        for (size_t p = 0; p < pixels; p += 2, x += 2 * taps) {
            const uint8_t *const *second = p + 1 < pixels ? x + taps : x;
            vint32m8_t u = bias, v = bias;
            const int16_t *w = g->w + c;
            _Pragma("GCC unroll 3") for (size_t t = 0; t < taps; t++, w += w_stride)
            {
                vint16m4_t weight = __riscv_vle16_v_i16m4(w, vl);
                u = tap(u, x[t] + c, weight, sign, vl);
                v = tap(v, second[t] + c, weight, sign, vl);
            }
            size_t at = p * g->y_stride + c, next = p + 1 < pixels ? at + g->y_stride : at;
            if (g->out == LN_QGEMM_I32) {
                __riscv_vse32((int32_t *)(void *)y + at, u, vl);
                __riscv_vse32((int32_t *)(void *)y + next, v, vl);
                continue;
            }
            vint16m4_t low = scaled(u, c, g, vl), high = scaled(v, c, g, vl);
            low = __riscv_vadd(low, (int16_t)g->y_zero, vl);
            high = __riscv_vadd(high, (int16_t)g->y_zero, vl);
            __riscv_vse8((int8_t *)y + at, __riscv_vncvt_x(low, vl), vl);
            __riscv_vse8((int8_t *)y + next, __riscv_vncvt_x(high, vl), vl);
        }
    }
}

void ln_qdepthwise_rvv(uint8_t *y, const uint8_t *const *x, size_t pixels, size_t channels, const ln_qdepthwise_args *g)
{
    if (g->flip)
        depthwise(y, x, pixels, channels, g, 1);
    else
        depthwise(y, x, pixels, channels, g, 0);
}
