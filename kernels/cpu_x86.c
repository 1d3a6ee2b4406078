/* SPDX-License-Identifier: Apache-2.0
 *
 * What an x86-64 processor has and its operating system saves: CPUID leaves 1 and 7, and XCR0 for the state of the
 * vector registers (Intel SDM vol. 1, 13.3 and 15.2; AMD APM vol. 3, appendix D).
 */
#include "kernels/cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>

static unsigned bit(unsigned word, int at)
{
    return word >> at & 1u;
}

static unsigned long long xcr0(void)
{
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (unsigned long long)high << 32 | low;
}

ln_cpu_x86 ln_cpu_x86_features(void)
{
    ln_cpu_x86 cpu = {0, 0, 0, 0};
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !bit(c, 27)) /* OSXSAVE: XGETBV may be used */
        return cpu;
    unsigned long long saved = xcr0();
    unsigned avx = bit(c, 28) && (saved & 0x6) == 0x6; /* XMM and YMM */
    unsigned fma = bit(c, 12), f16c = bit(c, 29);
    if (!avx || !__get_cpuid_count(7, 0, &a, &b, &c, &d))
        return cpu;
    cpu.avx2 = bit(b, 5) && fma && f16c;
    if (cpu.avx2 && (saved & 0xe6) == 0xe6) { /* opmask and ZMM, too */
        cpu.avx512 = bit(b, 16) && bit(b, 17) && bit(b, 30) && bit(b, 31);
        cpu.avx512 = cpu.avx512 && bit(c, 11);
    }
    unsigned a1 = 0, b1, c1, d1;
    if (__get_cpuid_count(7, 1, &a1, &b1, &c1, &d1)) {
        cpu.avx_vnni = cpu.avx2 && bit(a1, 4);
        cpu.avx512_bf16 = cpu.avx512 && bit(a1, 5);
    }
    return cpu;
}

#ifndef LN_TIER
bool ln_cpu_avx512_bf16;

int ln_cpu_has(ln_tier tier)
{
    ln_cpu_x86 cpu = ln_cpu_x86_features();
    return tier == LN_TIER_AVX512 ? cpu.avx512 : tier == LN_TIER_AVX2 ? cpu.avx2 : 1;
}
#endif
#endif
