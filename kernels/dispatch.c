/* SPDX-License-Identifier: Apache-2.0
 *
 * The dispatch tables and the choice of a tier on a host. Not part of firmware builds (LN_TIER). A page's module of
 * WebAssembly does without the scalar tier (LN_NO_SCALAR), whose kernels are a tenth of it: who loads it has SIMD.
 */
#include "kernels/cpu.h"
#include "kernels/kernels.h"

#ifndef LN_TIER
#include <stdlib.h>
#include <string.h>

#define TABLE(tier) static const ln_kernel_table table_##tier

#ifdef LN_NO_SCALAR
#define LEAST LN_TIER_WASM
#define TABLE_LEAST table_wasm
#else
#define LEAST LN_TIER_SCALAR
#define TABLE_LEAST table_scalar

TABLE(scalar) = {
#define K(sig, k, ...) .k = LN_CAT(ln_##k##_, LN_PICK_scalar(__VA_ARGS__)),
#define D(type, k, ...) .k = &LN_CAT(ln_##k##_, LN_PICK_scalar(__VA_ARGS__)),
#include "kernels/kernels.def"
#undef K
};
#endif

#ifdef __x86_64__
TABLE(avx2) = {
#define K(sig, k, ...) .k = LN_CAT(ln_##k##_, LN_PICK_avx2(__VA_ARGS__)),
#define D(type, k, ...) .k = &LN_CAT(ln_##k##_, LN_PICK_avx2(__VA_ARGS__)),
#include "kernels/kernels.def"
#undef K
};

/* avx2 on a processor with AVX-VNNI: another integer product. */
#define VNNI_qgemm avxvnni
#define VNNI_gemm_f32 avx2
extern const struct ln_qgemm_tile ln_qgemm_avxvnni;

TABLE(avx2_vnni) = {
#define K(sig, k, ...) .k = LN_CAT(ln_##k##_, LN_PICK_avx2(__VA_ARGS__)),
#define D(type, k, ...) .k = &LN_CAT(ln_##k##_, VNNI_##k),
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

#ifdef __aarch64__
TABLE(neon) = {
#define K(sig, k, ...) .k = LN_CAT(ln_##k##_, LN_PICK_neon(__VA_ARGS__)),
#define D(type, k, ...) .k = &LN_CAT(ln_##k##_, LN_PICK_neon(__VA_ARGS__)),
#include "kernels/kernels.def"
#undef K
};

TABLE(neondot) = {
#define K(sig, k, ...) .k = LN_CAT(ln_##k##_, LN_PICK_neondot(__VA_ARGS__)),
#define D(type, k, ...) .k = &LN_CAT(ln_##k##_, LN_PICK_neondot(__VA_ARGS__)),
#include "kernels/kernels.def"
#undef K
};
#endif

#if defined(__riscv) && __riscv_xlen == 64
/* The tiles of products are as wide as the registers: a row D has a variant for each VLEN, ln_<kernel>_rvv<VLEN>. */
#define K(...)
#define D(type, k, ...)                                                                                                \
    extern const struct ln_##type ln_##k##_rvv128, ln_##k##_rvv256, ln_##k##_rvv512, ln_##k##_rvv1024;
#include "kernels/kernels.def"
#undef K

TABLE(rvv128) = {
#define K(sig, k, ...) .k = LN_CAT(ln_##k##_, LN_PICK_rvv(__VA_ARGS__)),
#define D(type, k, ...) .k = &ln_##k##_rvv128,
#include "kernels/kernels.def"
#undef K
};

TABLE(rvv256) = {
#define K(sig, k, ...) .k = LN_CAT(ln_##k##_, LN_PICK_rvv(__VA_ARGS__)),
#define D(type, k, ...) .k = &ln_##k##_rvv256,
#include "kernels/kernels.def"
#undef K
};

TABLE(rvv512) = {
#define K(sig, k, ...) .k = LN_CAT(ln_##k##_, LN_PICK_rvv(__VA_ARGS__)),
#define D(type, k, ...) .k = &ln_##k##_rvv512,
#include "kernels/kernels.def"
#undef K
};

TABLE(rvv1024) = {
#define K(sig, k, ...) .k = LN_CAT(ln_##k##_, LN_PICK_rvv(__VA_ARGS__)),
#define D(type, k, ...) .k = &ln_##k##_rvv1024,
#include "kernels/kernels.def"
#undef K
};

static const ln_kernel_table *table_rvv(size_t vlen)
{
    return vlen >= 1024 ? &table_rvv1024 : vlen >= 512 ? &table_rvv512 : vlen >= 256 ? &table_rvv256 : &table_rvv128;
}
#endif

#ifdef __wasm__
TABLE(wasm) = {
#define K(sig, k, ...) .k = LN_CAT(ln_##k##_, LN_PICK_wasm(__VA_ARGS__)),
#define D(type, k, ...) .k = &LN_CAT(ln_##k##_, LN_PICK_wasm(__VA_ARGS__)),
#include "kernels/kernels.def"
#undef K
};
#endif

/* What this program was compiled with; NULL: not for this architecture. */
static const ln_kernel_table *const tables[LN_TIER_COUNT] = {
    [LEAST] = &TABLE_LEAST,
#if defined(__x86_64__)
    [LN_TIER_AVX2] = &table_avx2, /* or that with AVX-VNNI */
    [LN_TIER_AVX512] = &table_avx512,
#elif defined(__aarch64__)
    [LN_TIER_NEON] = &table_neon,
    [LN_TIER_NEONDOT] = &table_neondot,
#elif defined(__riscv) && __riscv_xlen == 64
    [LN_TIER_RVV] = &table_rvv128, /* or that of a longer VLEN */
#elif defined(__wasm__) && !defined(LN_NO_SCALAR)
    [LN_TIER_WASM] = &table_wasm,
#endif
};

static const char *const names[LN_TIER_COUNT] = {"scalar", "avx2", "avx512", "neon", "neondot",
                                                 "rvv",    "wasm", "armdsp", "mve"};

const ln_kernel_table *ln_kernels = &TABLE_LEAST;
static ln_tier running = LEAST;

const char *ln_tier_name(ln_tier tier)
{
    return tier < LN_TIER_COUNT ? names[tier] : "?";
}

ln_tier ln_tier_named(const char *name)
{
    int t = 0;
    while (t < LN_TIER_COUNT && strcmp(name, names[t]) != 0)
        t++;
    return (ln_tier)t;
}

ln_tier ln_tier_running(void)
{
    return running;
}

int ln_tier_available(ln_tier tier)
{
    return tier < LN_TIER_COUNT && tables[tier] && ln_cpu_has(tier);
}

size_t ln_tier_vlen(ln_tier tier)
{
#if defined(__riscv) && __riscv_xlen == 64
    if (tier == LN_TIER_RVV && ln_tier_available(tier)) {
        size_t bits = ln_cpu_rvv_bits(), vlen = 1024;
        while (vlen > bits)
            vlen /= 2;
        return vlen;
    }
#endif
    (void)tier;
    return 0;
}

const ln_kernel_table *ln_tier_table_of(ln_tier tier, size_t vlen)
{
    if (!ln_tier_available(tier) || vlen > ln_tier_vlen(tier))
        return NULL;
#if defined(__riscv) && __riscv_xlen == 64
    if (tier == LN_TIER_RVV)
        return table_rvv(vlen);
#elif defined(__x86_64__)
    if (tier == LN_TIER_AVX2 && ln_cpu_x86_features().avx_vnni)
        return &table_avx2_vnni;
#endif
    return tables[tier];
}

const ln_kernel_table *ln_tier_table(ln_tier tier)
{
    return ln_tier_table_of(tier, ln_tier_vlen(tier));
}

void ln_dispatch_init(void)
{
    const char *cap = getenv("LINNET_CPU");
    ln_tier best = LEAST;
    for (int t = LN_TIER_SCALAR; t < LN_TIER_COUNT; t++) {
        if (ln_tier_available((ln_tier)t))
            best = (ln_tier)t;
        if (cap && strcmp(cap, names[t]) == 0)
            break;
    }
#if defined(__riscv) && __riscv_xlen == 64
    ln_cpu_find_zvfhmin();
#elif defined(__x86_64__)
    ln_cpu_avx512_bf16 = !cap && ln_cpu_x86_features().avx512_bf16;
#endif
    running = best;
    ln_kernels = ln_tier_table(best);
}

void ln_dispatch_to(const ln_kernel_table *table, ln_tier tier)
{
#ifdef __x86_64__
    ln_cpu_avx512_bf16 = false;
#endif
    ln_kernels = table;
    running = tier;
}
#endif
