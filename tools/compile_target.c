/* SPDX-License-Identifier: Apache-2.0
 *
 * The machines that `linnet compile` knows, and the kernels that it plans for them. Planning needs of a tier only how
 * its tiles are cut; everything that is computed while planning is computed by the scalar kernels, so that the same
 * model gives the same bytes wherever it is compiled.
 */
#include <string.h>

#include "kernels/gemm.h"
#include "kernels/qgemm_tiles.h"
#include "tools/compile.h"

const ln_machine ln_machines[] = {
    {"host", NULL, sizeof(void *), 64, "this machine, in the tier that runs here"},
    {"cortex-m0plus", "scalar", 4, 16, "Armv6-M, floats in software"},
    {"cortex-m4", "armdsp", 4, 16, "Armv7E-M with a float unit"},
    {"cortex-m7", "armdsp", 4, 16, "Armv7E-M with a float unit"},
    {"cortex-m55", "mve", 4, 16, "Armv8.1-M with Helium"},
    {"rv32imac", "scalar", 4, 16, "RISC-V, 32 bits, floats in software"},
    {"rv64gcv", "scalar", 8, 64, "RISC-V, 64 bits, vectors"},
    {"aarch64", "scalar", 8, 64, "Armv8-A without a system"},
    {NULL, NULL, 0, 0, NULL},
};

const ln_machine *ln_machine_find(const char *name)
{
    for (const ln_machine *m = ln_machines; m->name; m++)
        if (!strcmp(m->name, name))
            return m;
    return NULL;
}

const ln_kernel_table *ln_compile_kernels(const char *tier, bool bare)
{
    static ln_kernel_table table;
    bool armdsp = !strcmp(tier, "armdsp"), mve = !strcmp(tier, "mve");
    if (armdsp || mve || (bare && !strcmp(tier, "scalar"))) {
        table = *ln_tier_table(LN_TIER_SCALAR);
        table.gemm_f32 = &ln_gemm_f32_small;
        if (armdsp || mve)
            table.qgemm = armdsp ? &ln_qgemm_as_armdsp : &ln_qgemm_as_mve;
        return &table;
    }
    for (int t = 0; t < LN_TIER_COUNT; t++)
        if (!strcmp(ln_tier_name((ln_tier)t), tier))
            return ln_tier_table((ln_tier)t);
    return NULL;
}
