/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "kernels/qgemm.h"
#include "kernels/simd_wasm.h"

V_ vi vld8(const uint8_t *p, size_t vl)
{
    uint32_t four = 0;
    if (vl == 4)
        memcpy(&four, p, 4);
    else
        for (size_t i = 0; i < vl; i++)
            four |= (uint32_t)p[i] << 8 * i;
    return wasm_u32x4_extend_low_u16x8(wasm_u16x8_extend_low_u8x16(wasm_i32x4_splat((int32_t)four)));
}

V_ void vst8(uint8_t *p, vi v, size_t vl)
{
    v = wasm_i8x16_shuffle(v, v, 0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    if (vl == 4)
        wasm_v128_store32_lane(p, v, 0);
    else
        for (uint32_t i = 0, four = (uint32_t)wasm_i32x4_extract_lane(v, 0); i < vl; i++)
            p[i] = (uint8_t)(four >> 8 * i);
}

V_ vi vround(vf v, VU_ size_t vl)
{
    return wasm_i32x4_trunc_sat_f32x4(wasm_f32x4_nearest(v));
}

#include "kernels/qvector.inc"

void ln_qpool_max8_wasm(uint8_t *y, const uint8_t *const *rows, size_t taps, size_t n, uint32_t flip)
{
    const v128_t x = wasm_i8x16_splat((int8_t)flip);
    size_t c = 0;
    for (; c + 16 <= n; c += 16) {
        v128_t max = wasm_i8x16_const_splat(0);
        for (size_t t = 0; t < taps; t++)
            max = wasm_u8x16_max(max, wasm_v128_xor(wasm_v128_load(rows[t] + c), x));
        wasm_v128_store(y + c, wasm_v128_xor(max, x));
    }
    for (; c < n; c++) {
        uint32_t max = 0;
        for (size_t t = 0; t < taps; t++)
            max = (rows[t][c] ^ flip) > max ? rows[t][c] ^ flip : max;
        y[c] = (uint8_t)(max ^ flip);
    }
}
