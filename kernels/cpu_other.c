/* SPDX-License-Identifier: Apache-2.0
 *
 * What a processor other than x86 has. Linux says it in the auxiliary vector (AT_HWCAP of getauxval(3)): on AArch64 a
 * bit for each extension, on RISC-V a bit for each letter of the ISA. V there may mean the drafts before 1.0, which
 * have other encodings; riscv_hwprobe tells, and where the kernel does not have that call the letter is believed. NEON
 * is part of AArch64, and a WebAssembly module that uses SIMD does not load where there is none, so these need no
 * question. Without an operating system the tier is fixed when Linnet is built.
 */
#define _DEFAULT_SOURCE /* for syscall() */
#include "kernels/cpu.h"

#if !defined(__x86_64__) && !defined(LN_TIER)

#if defined(__linux__) && (defined(__aarch64__) || defined(__riscv))
#include <sys/auxv.h>
#include <unistd.h>
#endif

#if defined(__linux__) && defined(__aarch64__)
int ln_cpu_has(ln_tier tier)
{
    const unsigned long half = 1ul << 10, dot = 1ul << 20; /* ASIMDHP, ASIMDDP */
    return tier != LN_TIER_NEONDOT || (getauxval(AT_HWCAP) & (half | dot)) == (half | dot);
}
#elif defined(__linux__) && defined(__riscv)
/* riscv_hwprobe, Linux 6.4: key 4 (IMA_EXT_0) has bit 2 for V 1.0, and from 6.8 on bits 30 and 31 for Zvfh, Zvfhmin. */
static int probe_says(unsigned long long bits)
{
    struct {
        long long key;
        unsigned long long value;
    } pair = {4, 0};
    if (syscall(258, &pair, 1ul, 0ul, (void *)0, 0ul) != 0 || pair.key != 4)
        return -1;
    return (pair.value & bits) != 0;
}

int ln_cpu_has(ln_tier tier)
{
    if (tier != LN_TIER_RVV)
        return 1;
    int probed = probe_says(4);
    return probed >= 0 ? probed : (getauxval(AT_HWCAP) >> ('V' - 'A') & 1) != 0;
}

void ln_cpu_find_zvfhmin(void)
{
    ln_cpu_zvfhmin = ln_cpu_has(LN_TIER_RVV) && probe_says(3ull << 30) > 0;
}
#else
int ln_cpu_has(ln_tier tier)
{
    return tier == LN_TIER_SCALAR || tier == LN_TIER_WASM;
}
#endif

#if defined(__riscv)
bool ln_cpu_zvfhmin;

size_t ln_cpu_rvv_bits(void)
{
    size_t bytes;
    __asm__("csrr %0, 0xc22" : "=r"(bytes)); /* vlenb */
    return 8 * bytes;
}
#endif
#endif
