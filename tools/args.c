/* SPDX-License-Identifier: Apache-2.0
 *
 * The option parser. `--name VALUE`, `--name=VALUE`, `-n VALUE`; options and arguments in any order; `--` ends the
 * options. A command's options are a table, from which the help is printed too.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/tool.h"

void ln_cli_help(FILE *file, const ln_command *command)
{
    fprintf(file, "%s\n\nusage: linnet %s %s\n", command->what, command->name, command->usage);
    if (command->options && command->options->name)
        fputs("\noptions:\n", file);
    for (const ln_option *o = command->options; o && o->name; o++) {
        char left[64];
        snprintf(left, sizeof left, "%c%c --%s%s%s", o->letter ? '-' : ' ', o->letter ? o->letter : ' ', o->name,
                 o->value ? " " : "", o->value ? o->value : "");
        fprintf(file, "  %-32s %s%s\n", left, o->help, o->many ? " (may be repeated)" : "");
    }
    fprintf(file, "  %-32s %s\n", "-h --help", "this text");
    if (command->more)
        fprintf(file, "\n%s", command->more);
    if (command->print_more) {
        fputc('\n', file);
        command->print_more(file);
    }
}

static const ln_option *find(const ln_command *command, const char *name, size_t size)
{
    for (const ln_option *o = command->options; o && o->name; o++)
        if (strlen(o->name) == size && !memcmp(o->name, name, size))
            return o;
    return NULL;
}

static const ln_option *find_letter(const ln_command *command, char letter)
{
    for (const ln_option *o = command->options; o && o->name; o++)
        if (o->letter == letter)
            return o;
    return NULL;
}

/* One option at argv[*i]; *i goes past a value that it takes. */
static int take(ln_cli *cli, int argc, char **argv, int *i)
{
    const ln_command *command = cli->command;
    const char *arg = argv[*i], *equals = NULL, *value = NULL;
    const ln_option *option;
    if (arg[1] == '-') {
        equals = strchr(arg, '=');
        option = find(command, arg + 2, equals ? (size_t)(equals - arg - 2) : strlen(arg + 2));
        value = equals ? equals + 1 : NULL;
    } else {
        option = find_letter(command, arg[1]);
        if (arg[2])
            value = arg + 2;
    }
    if (!option)
        return ln_bad("%s: there is no option '%s'; `linnet %s --help` lists them", command->name, arg, command->name);
    if (!option->value && value)
        return ln_bad("%s: --%s takes no value", command->name, option->name);
    if (option->value && !value) {
        if (*i + 1 >= argc)
            return ln_bad("%s: --%s needs a value (%s)", command->name, option->name, option->value);
        value = argv[++*i];
    }
    for (int k = 0; k < cli->n_settings; k++)
        if (cli->settings[k].option == option && !option->many)
            return ln_bad("%s: --%s is given twice", command->name, option->name);
    cli->settings[cli->n_settings++] = (ln_setting){option, value};
    return LN_EXIT_OK;
}

static int parse_and_run(ln_cli *cli, int argc, char **argv)
{
    const ln_command *command = cli->command;
    bool options = true;
    for (int i = 0; i < argc; i++) {
        const char *arg = argv[i];
        if (!options || arg[0] != '-' || !arg[1]) {
            cli->args[cli->n_args++] = arg;
            continue;
        }
        if (!strcmp(arg, "--")) {
            options = false;
            continue;
        }
        if (!strcmp(arg, "--help") || !strcmp(arg, "-h")) {
            ln_cli_help(stdout, command);
            return LN_EXIT_OK;
        }
        int code = take(cli, argc, argv, &i);
        if (code)
            return code;
    }
    if (cli->n_args < command->min_args)
        return ln_bad("%s: too few arguments; usage: linnet %s %s", command->name, command->name, command->usage);
    if (cli->n_args > command->max_args)
        return ln_bad("%s: unexpected argument '%s'; usage: linnet %s %s", command->name, cli->args[command->max_args],
                      command->name, command->usage);
    return command->run(cli);
}

int ln_cli_main(const ln_command *command, int argc, char **argv)
{
    ln_cli cli = {.command = command};
    cli.args = calloc((size_t)argc + 1, sizeof *cli.args);
    cli.settings = calloc((size_t)argc + 1, sizeof *cli.settings);
    int code = cli.args && cli.settings ? parse_and_run(&cli, argc, argv) : ln_bad("out of memory");
    free(cli.args);
    free(cli.settings);
    return code;
}

static const char *given(const ln_cli *cli, const char *name, int i)
{
    for (int k = 0; k < cli->n_settings; k++)
        if (!strcmp(cli->settings[k].option->name, name) && i-- == 0)
            return cli->settings[k].value ? cli->settings[k].value : "";
    return NULL;
}

bool ln_cli_flag(const ln_cli *cli, const char *name)
{
    return given(cli, name, 0) != NULL;
}

const char *ln_cli_text(const ln_cli *cli, const char *name, const char *absent)
{
    const char *text = given(cli, name, 0);
    return text ? text : absent;
}

const char *ln_cli_item(const ln_cli *cli, const char *name, int i)
{
    return given(cli, name, i);
}

bool ln_cli_int(const ln_cli *cli, const char *name, int64_t min, int64_t max, int64_t *value)
{
    const char *text = given(cli, name, 0);
    if (!text)
        return true;
    char *end;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    if (end == text || *end || errno || n < min || n > max) {
        ln_bad("%s: --%s is '%s', not a whole number from %lld to %lld", cli->command->name, name, text, (long long)min,
               (long long)max);
        return false;
    }
    *value = n;
    return true;
}

bool ln_cli_double(const ln_cli *cli, const char *name, double min, double max, double *value)
{
    const char *text = given(cli, name, 0);
    if (!text)
        return true;
    char *end;
    double x = strtod(text, &end);
    if (end == text || *end || !(x >= min && x <= max)) {
        ln_bad("%s: --%s is '%s', not a number from %g to %g", cli->command->name, name, text, min, max);
        return false;
    }
    *value = x;
    return true;
}
