/* SPDX-License-Identifier: Apache-2.0
 *
 * Declarations and dispatch of all kernels, from kernels.def.
 *
 * LN_K(relu_f32)(y, x, n) calls the variant of the running tier: through a table picked once on a host, directly where
 * LN_TIER names the one tier that there is (firmware). LN_D(gemm_f32) is a pointer to a constant struct likewise.
 */
#ifndef LN_KERNELS_KERNELS_H
#define LN_KERNELS_KERNELS_H

#include "kernels/signatures.h"

#define LN_CAT_(a, b) a##b
#define LN_CAT(a, b) LN_CAT_(a, b)
#define LN_PICK_scalar(s, a2, a5, ne, nd, rv, wa, ad, mv) s
#define LN_PICK_avx2(s, a2, a5, ne, nd, rv, wa, ad, mv) a2
#define LN_PICK_avx512(s, a2, a5, ne, nd, rv, wa, ad, mv) a5
#define LN_PICK_neon(s, a2, a5, ne, nd, rv, wa, ad, mv) ne
#define LN_PICK_neondot(s, a2, a5, ne, nd, rv, wa, ad, mv) nd
#define LN_PICK_rvv(s, a2, a5, ne, nd, rv, wa, ad, mv) rv
#define LN_PICK_wasm(s, a2, a5, ne, nd, rv, wa, ad, mv) wa
#define LN_PICK_armdsp(s, a2, a5, ne, nd, rv, wa, ad, mv) ad
#define LN_PICK_mve(s, a2, a5, ne, nd, rv, wa, ad, mv) mv

/* Every variant is declared; a cell that repeats a variant repeats a harmless declaration. */
#define K(sig, k, s, a2, a5, ne, nd, rv, wa, ad, mv)                                                                   \
    extern ln_##sig ln_##k##_##s, ln_##k##_##a2, ln_##k##_##a5, ln_##k##_##ne, ln_##k##_##nd, ln_##k##_##rv,           \
        ln_##k##_##wa, ln_##k##_##ad, ln_##k##_##mv;
#include "kernels/kernels.def"
#undef K

#define D(type, k, s, a2, a5, ne, nd, rv, wa, ad, mv)                                                                  \
    extern const struct ln_##type ln_##k##_##s, ln_##k##_##a2, ln_##k##_##a5, ln_##k##_##ne, ln_##k##_##nd,            \
        ln_##k##_##rv, ln_##k##_##wa, ln_##k##_##ad, ln_##k##_##mv;
#define K(...)
#include "kernels/kernels.def"
#undef K

#ifdef LN_TIER
#define K(sig, k, ...)                                                                                                 \
    static ln_##sig *const ln_k_##k __attribute__((unused)) = LN_CAT(ln_##k##_, LN_CAT(LN_PICK_, LN_TIER)(__VA_ARGS__));
#define D(type, k, ...)                                                                                                \
    static const struct ln_##type *const ln_k_##k __attribute__((unused)) =                                            \
        &LN_CAT(ln_##k##_, LN_CAT(LN_PICK_, LN_TIER)(__VA_ARGS__));
#include "kernels/kernels.def"
#undef K
#define LN_K(k) (*ln_k_##k)
#define LN_D(k) (ln_k_##k)
static inline void ln_dispatch_init(void)
{
}
#else
typedef struct ln_kernel_table {
#define K(sig, k, ...) ln_##sig *k;
#define D(type, k, ...) const struct ln_##type *k;
#include "kernels/kernels.def"
#undef K
} ln_kernel_table;
extern const ln_kernel_table *ln_kernels; /* the table of the running tier; never NULL */
#define LN_K(kn) (*ln_kernels->kn)
#define LN_D(kn) (ln_kernels->kn) /* pointer to the struct of a D row */

typedef enum ln_tier {
    LN_TIER_SCALAR,
    LN_TIER_AVX2,
    LN_TIER_AVX512,
    LN_TIER_NEON,
    LN_TIER_NEONDOT,
    LN_TIER_RVV,
    LN_TIER_WASM,
    LN_TIER_ARMDSP, /* firmware's only, like the next */
    LN_TIER_MVE,
    LN_TIER_COUNT
} ln_tier;

const char *ln_tier_name(ln_tier tier);
ln_tier ln_tier_running(void);
int ln_tier_available(ln_tier tier);                /* compiled in, and this machine has it */
const ln_kernel_table *ln_tier_table(ln_tier tier); /* NULL: not available here */
/* rvv has tiles for each length of registers: the bits for which they are made that run here, up to 1024, and the table
 * with those for vlen bits, which is NULL where the machine has fewer. Other tiers: 0. */
size_t ln_tier_vlen(ln_tier tier);
const ln_kernel_table *ln_tier_table_of(ln_tier tier, size_t vlen);

/* Picks the best tier that the machine has, at most the one that the environment variable LINNET_CPU names. Called by
 * linnet_session_create and by tests; idempotent, thread-safe. Before it the scalar tier runs. */
void ln_dispatch_init(void);
/* Makes a table the running one, as the tier's: for a compiler that plans for another machine, and for a compiled model
 * that was packed for a tier. Not while kernels run. */
void ln_dispatch_to(const ln_kernel_table *table, ln_tier tier);
/* LN_TIER_COUNT: no tier has that name. */
ln_tier ln_tier_named(const char *name);
#endif

#endif
