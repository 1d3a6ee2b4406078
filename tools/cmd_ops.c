/* SPDX-License-Identifier: Apache-2.0
 *
 * `linnet ops`: the operators that this program has, from their descriptors: domain, versions, element types. The page
 * docs/OPERATORS.md is the output of --markdown.
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "engine/graph.h"
#include "tools/tool.h"

static const struct {
    uint32_t mask;
    const char *name;
} groups[] = {
    {LN_T_ALL, "all"},       {LN_T_NUMBERS, "numbers"}, {LN_T_FLOATS, "floats"},
    {LN_T_INTS, "integers"}, {LN_T_SINTS, "signed"},    {LN_T_UINTS, "unsigned"},
    {LN_T_FLOAT8, "float8"}, {LN_T_COMPLEX, "complex"}, {LN_T_SMALL, "4 and 2 bits"},
    {LN_T_FLOAT6, "float6"},
};

static void types_text(uint32_t mask, char *buf, size_t size)
{
    size_t at = 0;
    buf[0] = 0;
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        if ((mask & groups[i].mask) != groups[i].mask)
            continue;
        mask &= ~groups[i].mask;
        at += (size_t)snprintf(buf + at, size - at, "%s%s", at ? ", " : "", groups[i].name);
    }
    for (int t = 1; t < LINNET_TYPE_COUNT; t++)
        if (mask >> t & 1)
            at += (size_t)snprintf(buf + at, size - at, "%s%s", at ? ", " : "", linnet_type_name((linnet_type)t));
}

static void versions_text(const ln_op *op, char *buf, size_t size)
{
    size_t at = 0;
    buf[0] = 0;
    for (size_t i = 0; i < sizeof op->since / sizeof *op->since && op->since[i]; i++)
        at += (size_t)snprintf(buf + at, size - at, "%s%d", i ? " " : "", op->since[i]);
}

static int by_name(const void *a, const void *b)
{
    const ln_op *x = *(const ln_op *const *)a, *y = *(const ln_op *const *)b;
    int domain = strcmp(x->domain, y->domain);
    return domain ? domain : strcmp(x->type, y->type);
}

static bool wanted(const ln_cli *cli, const ln_op *op)
{
    for (int i = 0; i < cli->n_args; i++)
        if (!fnmatch(cli->args[i], op->type, 0))
            return true;
    return cli->n_args == 0;
}

static void print_json(ln_json *j, const ln_op *op)
{
    ln_json_open(j, NULL, '{');
    ln_json_text(j, "domain", op->domain);
    ln_json_text(j, "operator", op->type);
    ln_json_open(j, "versions", '[');
    for (size_t i = 0; i < sizeof op->since / sizeof *op->since && op->since[i]; i++)
        ln_json_int(j, NULL, op->since[i]);
    ln_json_close(j, ']');
    ln_json_open(j, "types", '[');
    for (int t = 1; t < LINNET_TYPE_COUNT; t++)
        if (op->types >> t & 1)
            ln_json_text(j, NULL, linnet_type_name((linnet_type)t));
    ln_json_close(j, ']');
    ln_json_close(j, '}');
}

static void print_text(const ln_op *op, bool markdown)
{
    char versions[96], types[512];
    const char *domain = *op->domain ? op->domain : "ai.onnx";
    versions_text(op, versions, sizeof versions);
    types_text(op->types, types, sizeof types);
    if (markdown)
        printf("| %s | %s | %s | %s |\n", domain, op->type, versions, types);
    else
        printf("%-14s %-28s %-28s %s\n", domain, op->type, versions, types);
}

static int run(const ln_cli *cli)
{
    size_t n = 0;
    const ln_op **ops = malloc(((size_t)ln_ops_count + 1) * sizeof *ops);
    if (!ops)
        return ln_bad("out of memory");
    for (int32_t i = 0; i < ln_ops_count; i++)
        if (wanted(cli, ln_ops[i]))
            ops[n++] = ln_ops[i];
    qsort(ops, n, sizeof *ops, by_name);
    bool json = ln_cli_flag(cli, "json"), markdown = ln_cli_flag(cli, "markdown");
    ln_json j = {.file = stdout};
    if (json)
        ln_json_open(&j, NULL, '[');
    else if (markdown)
        puts("| domain | operator | versions | types of the first input |\n|---|---|---|---|");
    for (size_t i = 0; i < n; i++) {
        if (json)
            print_json(&j, ops[i]);
        else
            print_text(ops[i], markdown);
    }
    if (json) {
        ln_json_close(&j, ']');
        ln_json_end(&j);
    } else if (!markdown) {
        printf("%zu operators\n", n);
    }
    free(ops);
    return n ? LN_EXIT_OK : LN_EXIT_NEGATIVE;
}

static const ln_option options[] = {
    {"markdown", 0, false, NULL, "as a table for the documentation"},
    {"json", 0, false, NULL, "as JSON"},
    {0},
};

const ln_command ln_cmd_ops = {
    .name = "ops",
    .usage = "[GLOB]... [options]",
    .what = "List the operators, their versions and types.",
    .more = "Versions are those of the specification at which the operator changed and that are handled; types are "
            "those of\n"
            "the first input (of the first output where there is none).\n",
    .options = options,
    .max_args = 1 << 20,
    .run = run,
};
