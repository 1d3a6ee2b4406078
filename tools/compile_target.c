/* SPDX-License-Identifier: Apache-2.0
 *
 * The machines that `linnet compile` knows, and the kernels that it plans for them. Planning needs of a tier only how
 * its tiles are cut; everything that is computed while planning is computed by the scalar kernels, so that the same
 * model gives the same bytes wherever it is compiled.
 */
#include <string.h>

#include "kernels/tiles.h"
#include "tools/compile.h"

const ln_machine ln_machines[] = {
    {"host", NULL, sizeof(void *), 64, "this machine, in the tier that runs here"},
    {"cortex-m0plus", "scalar", 4, 16, "Armv6-M, floats in software"},
    {"cortex-m4", "armdsp", 4, 16, "Armv7E-M with a float unit"},
    {"cortex-m7", "armdsp", 4, 16, "Armv7E-M with a float unit"},
    {"cortex-m55", "mve", 4, 16, "Armv8.1-M with Helium"},
    {"rv32imac", "scalar", 4, 16, "RISC-V, 32 bits, floats in software"},
    {"rv64gcv", "rvv", 8, 64, "RISC-V, 64 bits, vectors of --vlen bits or more"},
    {"aarch64", "neon", 8, 64, "Armv8-A without a system"},
    {"wasm32", "wasm", 4, 16, "WebAssembly with SIMD"},
    {NULL, NULL, 0, 0, NULL},
};

const ln_machine *ln_machine_find(const char *name)
{
    for (const ln_machine *m = ln_machines; m->name; m++)
        if (!strcmp(m->name, name))
            return m;
    return NULL;
}

const ln_kernel_table *ln_compile_kernels(const ln_machine *machine, const char *tier, uint32_t vlen)
{
    static ln_kernel_table table;
    if (!machine->tier)
        return ln_tier_table_of(ln_tier_named(tier), vlen);
    table = *ln_tier_table(LN_TIER_SCALAR);
    table.gemm_f32 = &ln_gemm_f32_small;
    switch (ln_tier_named(tier)) {
    case LN_TIER_SCALAR:
        break;
    case LN_TIER_ARMDSP:
        table.qgemm = &ln_qgemm_as_armdsp;
        break;
    case LN_TIER_MVE:
        table.qgemm = &ln_qgemm_as_mve;
        break;
    case LN_TIER_NEON:
        table.qgemm = &ln_qgemm_as_neon;
        table.gemm_f32 = &ln_gemm_f32_as_neon;
        break;
    case LN_TIER_WASM:
        table.qgemm = &ln_qgemm_as_wasm;
        table.gemm_f32 = &ln_gemm_f32_as_wasm;
        break;
    case LN_TIER_RVV: {
        int at = vlen >= 1024 ? 3 : vlen >= 512 ? 2 : vlen >= 256;
        table.qgemm = &ln_qgemm_as_rvv[at];
        table.gemm_f32 = &ln_gemm_f32_as_rvv[at];
        break;
    }
    default:
        return NULL;
    }
    return &table;
}
