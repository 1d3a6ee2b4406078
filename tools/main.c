/* SPDX-License-Identifier: Apache-2.0
 *
 * `linnet`: finds the subcommand. Each has a file of its own, cmd_<name>.c, with its options and its help as data.
 */
#include <string.h>

#include "tools/tool.h"

const ln_command *const ln_commands[] = {
    &ln_cmd_run,         &ln_cmd_classify,
    &ln_cmd_info,        &ln_cmd_bench,
    &ln_cmd_conformance, &ln_cmd_ops,
    &ln_cmd_optimize,    &ln_cmd_kernels,
    &ln_cmd_frontend,    &ln_cmd_join,
    &ln_cmd_listen,      &ln_cmd_convert,
    &ln_cmd_compile,     NULL,
};

static void help(FILE *file)
{
    fputs("Linnet runs ONNX models.\n\nusage: linnet COMMAND [ARGUMENTS]\n\n", file);
    for (const ln_command *const *c = ln_commands; *c; c++)
        fprintf(file, "  %-12s %s\n", (*c)->name, (*c)->what);
    fputs("\n`linnet COMMAND --help` tells more of a command, `linnet --version` the version.\n"
          "\nEnvironment: LINNET_THREADS (threads of a session), LINNET_CPU (the highest tier of kernels to use:\n"
          "scalar, avx2, avx512, neon, neondot, rvv; where it is set, AVX512-BF16 is not used).\n"
          "Exit codes: 0 well, 1 a negative result (a test failed), 2 bad use or bad input.\n",
          file);
}

static const ln_command *find(const char *name)
{
    for (const ln_command *const *c = ln_commands; *c; c++)
        if (!strcmp((*c)->name, name))
            return *c;
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        help(stderr);
        return LN_EXIT_BAD;
    }
    const char *name = argv[1];
    if (!strcmp(name, "--version") || !strcmp(name, "-V")) {
        puts("linnet " LINNET_VERSION);
        return LN_EXIT_OK;
    }
    if (!strcmp(name, "--help") || !strcmp(name, "-h") || (!strcmp(name, "help") && argc < 3)) {
        help(stdout);
        return LN_EXIT_OK;
    }
    bool asks_help = !strcmp(name, "help");
    const ln_command *command = find(asks_help ? argv[2] : name);
    if (!command)
        return ln_bad("there is no command '%s'; `linnet --help` lists them", asks_help ? argv[2] : name);
    if (asks_help) {
        ln_cli_help(stdout, command);
        return LN_EXIT_OK;
    }
    int code = ln_cli_main(command, argc - 2, argv + 2);
    if (fflush(stdout) || ferror(stdout))
        return ln_bad("cannot write to the standard output");
    return code;
}
