/* SPDX-License-Identifier: Apache-2.0
 *
 * The dispatch tables and the choice of a tier on a host. Not part of firmware builds (LN_TIER).
 */
#include "kernels/cpu.h"
#include "kernels/kernels.h"

#ifndef LN_TIER
#include <stdlib.h>
#include <string.h>

#define TABLE(tier) static const ln_kernel_table table_##tier

TABLE(scalar) = {
#define K(sig, k, ...) .k = LN_CAT(ln_##k##_, LN_PICK_scalar(__VA_ARGS__)),
#define D(type, k, ...) .k = &LN_CAT(ln_##k##_, LN_PICK_scalar(__VA_ARGS__)),
#include "kernels/kernels.def"
#undef K
};

#if defined(__x86_64__)
TABLE(avx2) = {
#define K(sig, k, ...) .k = LN_CAT(ln_##k##_, LN_PICK_avx2(__VA_ARGS__)),
#define D(type, k, ...) .k = &LN_CAT(ln_##k##_, LN_PICK_avx2(__VA_ARGS__)),
#include "kernels/kernels.def"
#undef K
};

TABLE(avx512) = {
#define K(sig, k, ...) .k = LN_CAT(ln_##k##_, LN_PICK_avx512(__VA_ARGS__)),
#define D(type, k, ...) .k = &LN_CAT(ln_##k##_, LN_PICK_avx512(__VA_ARGS__)),
#include "kernels/kernels.def"
#undef K
};
#endif

static const char *const names[LN_TIER_COUNT] = {"scalar", "avx2", "avx512", "neon", "neondot", "rvv", "wasm"};

const ln_kernel_table *ln_kernels = &table_scalar;
static ln_tier running = LN_TIER_SCALAR;

const char *ln_tier_name(ln_tier tier)
{
    return tier < LN_TIER_COUNT ? names[tier] : "?";
}

ln_tier ln_tier_running(void)
{
    return running;
}

int ln_tier_available(ln_tier tier)
{
    if (tier == LN_TIER_SCALAR)
        return 1;
#if defined(__x86_64__)
    ln_cpu_x86 cpu = ln_cpu_x86_features();
    if (tier == LN_TIER_AVX2)
        return cpu.avx2;
    if (tier == LN_TIER_AVX512)
        return cpu.avx512;
#endif
    return 0;
}

const ln_kernel_table *ln_tier_table(ln_tier tier)
{
    if (!ln_tier_available(tier))
        return NULL;
#if defined(__x86_64__)
    if (tier == LN_TIER_AVX2)
        return &table_avx2;
    if (tier == LN_TIER_AVX512)
        return &table_avx512;
#endif
    return &table_scalar;
}

void ln_dispatch_init(void)
{
    const char *cap = getenv("LINNET_CPU");
    ln_tier best = LN_TIER_SCALAR;
    for (int t = LN_TIER_SCALAR; t < LN_TIER_COUNT; t++) {
        if (ln_tier_available((ln_tier)t))
            best = (ln_tier)t;
        if (cap && strcmp(cap, names[t]) == 0)
            break;
    }
    running = best;
    ln_kernels = ln_tier_table(best);
}
#endif
