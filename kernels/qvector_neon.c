/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "kernels/qgemm.h"
#include "kernels/simd_neon.h"

V_ vi vld8(const uint8_t *p, size_t vl)
{
    uint32_t four = 0;
    if (vl == 4)
        memcpy(&four, p, 4);
    else
        memcpy(&four, p, vl);
    return vmovl_u16(vget_low_u16(vmovl_u8(vcreate_u8(four))));
}

V_ void vst8(uint8_t *p, vi v, size_t vl)
{
    uint16x4_t h = vmovn_u32(v);
    uint32_t four = vget_lane_u32(vreinterpret_u32_u8(vmovn_u16(vcombine_u16(h, h))), 0);
    if (vl == 4)
        memcpy(p, &four, 4);
    else
        memcpy(p, &four, vl);
}

V_ vi vround(vf v, VU_ size_t vl)
{
    return vreinterpretq_u32_s32(vcvtnq_s32_f32(v));
}

#include "kernels/qvector.inc"

void ln_qpool_max8_neon(uint8_t *y, const uint8_t *const *rows, size_t taps, size_t n, uint32_t flip)
{
    const uint8x16_t x = vdupq_n_u8((uint8_t)flip);
    size_t c = 0;
    for (; c + 16 <= n; c += 16) {
        uint8x16_t max = vdupq_n_u8(0);
        for (size_t t = 0; t < taps; t++)
            max = vmaxq_u8(max, veorq_u8(vld1q_u8(rows[t] + c), x));
        vst1q_u8(y + c, veorq_u8(max, x));
    }
    for (; c < n; c++) {
        uint32_t max = 0;
        for (size_t t = 0; t < taps; t++)
            max = (rows[t][c] ^ flip) > max ? rows[t][c] ^ flip : max;
        y[c] = (uint8_t)(max ^ flip);
    }
}
