/* SPDX-License-Identifier: Apache-2.0
 *
 * `linnet kernels`: the table of kernels and which variant of each runs on which tier, from kernels/kernels.def, and
 * which tiers this machine has. With --assert, whether the kernels that a model's plan picked are the fastest.
 */
#include <fnmatch.h>
#include <string.h>

#include "kernels/gemm_bf16.h"
#include "tools/kernels.h"

typedef struct row {
    const char *name, *signature, *variant[LN_TIER_COUNT];
} row;

/* In the order of ln_tier, which is that of the columns. */
static const row rows[] = {
#define K(sig, k, s, a2, a5, ne, nd, rv, wa, ad, mv) {#k, #sig, {#s, #a2, #a5, #ne, #nd, #rv, #wa, #ad, #mv}},
#include "kernels/kernels.def"
#undef K
};

static bool wanted(const ln_cli *cli, const char *name)
{
    for (int i = 0; i < cli->n_args; i++)
        if (!fnmatch(cli->args[i], name, 0))
            return true;
    return cli->n_args == 0;
}

static int print_json(const ln_cli *cli)
{
    ln_json j = {.file = stdout};
    ln_json_open(&j, NULL, '{');
    ln_json_text(&j, "running", ln_tier_name(ln_tier_running()));
    ln_json_open(&j, "kernels", '[');
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!wanted(cli, rows[i].name))
            continue;
        ln_json_open(&j, NULL, '{');
        ln_json_text(&j, "name", rows[i].name);
        ln_json_text(&j, "signature", rows[i].signature);
        for (int t = 0; t < LN_TIER_COUNT; t++)
            ln_json_text(&j, ln_tier_name((ln_tier)t), rows[i].variant[t]);
        ln_json_close(&j, '}');
    }
    ln_json_close(&j, ']');
    ln_json_close(&j, '}');
    ln_json_end(&j);
    return LN_EXIT_OK;
}

static int run(const ln_cli *cli)
{
    ln_dispatch_init();
    if (ln_cli_flag(cli, "assert"))
        return cli->n_args == 1 ? ln_kernels_assert(cli) : ln_bad("--assert takes one model, not %d", cli->n_args);
    if (ln_cli_flag(cli, "json"))
        return print_json(cli);
    printf("%-28s", "kernel");
    for (int t = 0; t < LN_TIER_COUNT; t++)
        printf(" %-8s", ln_tier_name((ln_tier)t));
    putchar('\n');
    int n = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!wanted(cli, rows[i].name))
            continue;
        n++;
        printf("%-28s", rows[i].name);
        for (int t = 0; t < LN_TIER_COUNT; t++)
            printf(" %-8s", rows[i].variant[t]);
        putchar('\n');
    }
    printf("%d kernels; this machine has", n);
    for (int t = 0; t < LN_TIER_COUNT; t++)
        if (ln_tier_available((ln_tier)t))
            printf(" %s", ln_tier_name((ln_tier)t));
    if (ln_gemm_bf16_there(LN_D(gemm_f32)))
        printf(" (with products of bfloat16)");
    printf(", %s runs\n", ln_tier_name(ln_tier_running()));
    return n ? LN_EXIT_OK : LN_EXIT_NEGATIVE;
}

static const ln_option options[] = {
    {"json", 0, false, NULL, "as JSON"},
    {"assert", 0, false, NULL,
     "time the candidates for each step of a model; fail where the one picked lags by over 5 %"},
    {"time", 0, false, "S", "with --assert: seconds to measure for (2), up to four times"},
    LN_SESSION_THREADS,
    LN_FEED_INPUT,
    LN_FEED_RANDOM,
    LN_FEED_DIM,
    LN_FEED_SHAPE,
    LN_FEED_PRESET,
    LN_SESSION_PASSES,
    {0},
};

const ln_command ln_cmd_kernels = {
    .name = "kernels",
    .usage = "[GLOB]... [options], or: linnet kernels --assert MODEL [options]",
    .what = "List the kernels and the variant that runs on each tier, or check what was picked for a model.",
    .more = ln_feed_help,
    .options = options,
    .max_args = 1 << 20,
    .run = run,
};
