/* SPDX-License-Identifier: Apache-2.0
 *
 * See resize.h. Written so that the compiler vectorises the blends; sums are taken in the order of the taps.
 */
#include "kernels/resize.h"

#include <string.h>

#define T float
#define F(name) name##_f32
#include "kernels/resize_type.inc"
#define T double
#define F(name) name##_f64
#include "kernels/resize_type.inc"

#define GATHER(T)                                                                                                      \
    for (int64_t i = 0; i < n; i++)                                                                                    \
        memcpy((char *)y + i * (int64_t)sizeof(T), (const char *)x + index[i] * (int64_t)sizeof(T), sizeof(T));

void ln_gather_elements(void *y, const void *x, const int32_t *index, size_t size, int64_t n)
{
    switch (size) {
    case 1:
        GATHER(uint8_t)
        break;
    case 2:
        GATHER(uint16_t)
        break;
    case 4:
        GATHER(uint32_t)
        break;
    case 8:
        GATHER(uint64_t)
        break;
    default:
        for (int64_t i = 0; i < n; i++)
            memcpy((char *)y + (size_t)i * size, (const char *)x + (size_t)index[i] * size, size);
    }
}
