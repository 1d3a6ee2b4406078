/* SPDX-License-Identifier: Apache-2.0
 *
 * The Mersenne Twister MT19937 (Matsumoto and Nishimura, 1998) as numpy.random.RandomState(seed) runs it: seeded from
 * one 32-bit number, doubles of 53 bits from two draws.
 */
#ifndef LN_OPS_MT19937_H
#define LN_OPS_MT19937_H

#include <stdint.h>

#define LN_MT_WORDS 624

typedef struct ln_mt {
    uint32_t state[LN_MT_WORDS];
    uint32_t at;
} ln_mt;

static inline void ln_mt_seed(ln_mt *m, uint32_t seed)
{
    m->at = LN_MT_WORDS;
    for (uint32_t i = 0; i < LN_MT_WORDS; i++) {
        m->state[i] = seed;
        seed = UINT32_C(1812433253) * (seed ^ seed >> 30) + i + 1;
    }
}

static inline uint32_t ln_mt_next(ln_mt *m)
{
    if (m->at == LN_MT_WORDS) {
        for (uint32_t i = 0; i < LN_MT_WORDS; i++) {
            uint32_t y = (m->state[i] & 0x80000000u) | (m->state[(i + 1) % LN_MT_WORDS] & 0x7fffffffu);
            m->state[i] = m->state[(i + 397) % LN_MT_WORDS] ^ y >> 1 ^ (y & 1 ? 0x9908b0dfu : 0);
        }
        m->at = 0;
    }
    uint32_t y = m->state[m->at++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9d2c5680u;
    y ^= y << 15 & 0xefc60000u;
    return y ^ y >> 18;
}

/* Uniform in [0, 1). */
static inline double ln_mt_double(ln_mt *m)
{
    uint32_t a = ln_mt_next(m) >> 5, b = ln_mt_next(m) >> 6;
    return (a * 67108864.0 + b) / 9007199254740992.0;
}

#endif
