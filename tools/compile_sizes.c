/* SPDX-License-Identifier: Apache-2.0
 *
 * What a compiled model takes of flash and RAM: counted, printed, and held to a budget.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/compile.h"
#include "tools/planned.h"

bool ln_compile_budget(const char *text, ln_budget *b)
{
    b->flash = b->ram = -1;
    while (text && *text) {
        double *to = ln_starts_with(text, "flash=") ? &b->flash : ln_starts_with(text, "ram=") ? &b->ram : NULL;
        char *end;
        if (!to)
            return ln_bad("--budget: '%s' is not like flash=256K,ram=64K", text) == 0;
        *to = strtod(strchr(text, '=') + 1, &end);
        if (*end == 'K' || *end == 'k' || *end == 'M')
            *to *= *end++ == 'M' ? 1 << 20 : 1 << 10;
        if (!(*to >= 0) || (*end && *end != ','))
            return ln_bad("--budget: '%s' is not like flash=256K,ram=64K", text) == 0;
        text = *end ? end + 1 : end;
    }
    return true;
}

/* liblinnet-core.a of the machine: the given one, or where a build or an installation has it. NULL: nowhere. */
static const char *find_library(const char *given, const ln_machine *m, char *path, size_t size)
{
    static const char *const places[] = {"", "../lib/linnet/"};
    char program[2048];
    ssize_t n = given || !m->tier ? -1 : readlink("/proc/self/exe", program, sizeof program - 1);
    for (int i = 0; n > 0 && i < 2; i++) {
        program[n] = 0;
        char *slash = strrchr(program, '/');
        snprintf(path, size, "%.*s/%s%s/liblinnet-core.a", slash ? (int)(slash - program) : 0, program, places[i],
                 m->name);
        if (access(path, R_OK) == 0)
            return path;
    }
    return given;
}

bool ln_compile_measure(ln_arena *arena, const char *given, ln_compiled *c)
{
    const ln_plan *plan = c->plan;
    char path[4096];
    const char *library = find_library(given, c->machine, path, sizeof path);
    const char **roots = ln_arena_array(arena, plan->n_steps + 4, sizeof *roots);
    int32_t n = 0;
    char vlen[32];
    if (!roots)
        return ln_bad("out of memory") == 0;
    if (c->vlen && c->machine->tier) { /* first, as it says which tiles are taken */
        snprintf(vlen, sizeof vlen, "ln_rvv_has_%" PRIu32, c->vlen);
        roots[n++] = vlen;
    }
    roots[n++] = "linnet_compiled_run";
    if (c->n_states) {
        roots[n++] = "linnet_compiled_keep";
        roots[n++] = "linnet_compiled_reset";
    }
    for (int32_t s = 0; s < plan->n_steps; s++)
        roots[n++] = plan->steps[s].run_name;
    if (!library || !ln_code_measure(arena, library, roots, n, &c->code))
        return !library;
    c->has_code = !c->code.lacks;
    if (given && c->code.lacks)
        return ln_bad("%s: has no %s: it is of another version or tier", library, c->code.lacks) == 0;
    if (c->code.lacks) /* an old one that lies about */
        c->code = (ln_code){0};
    return true;
}

/* Bytes of flash and RAM; code as far as it is known. */
static void add_sizes(const ln_compiled *c, double *flash, double *ram)
{
    *flash = (double)(c->params.size + ln_compile_table_bytes(c) + c->code.bytes);
    *ram = (double)(c->arena_bytes + c->code.ram);
    if (c->where != LN_WEIGHTS_FILE)
        *flash += (double)c->weights.size; /* in RAM, too, they come from somewhere */
    if (c->where == LN_WEIGHTS_RAM)
        *ram += (double)c->weights.size;
}

void ln_compile_print_sizes(const ln_compiled *c)
{
    char t[6][32];
    double flash, ram;
    const ln_code *code = &c->code;
    add_sizes(c, &flash, &ram);
    printf("%s: %d steps for %s, kernels %s\n", c->name, c->plan->n_steps, c->machine->name, c->tier);
    if (c->plan->stripe_layers)
        printf("  rows: the first %d layers run %" PRId64 " rows at a time\n", c->plan->stripe_layers,
               c->plan->stripe_rows);
    printf("  flash: %s (code %s, weights %s, parameters %s, steps %s)\n", ln_bytes_text(flash, t[0], sizeof t[0]),
           c->has_code ? ln_bytes_text((double)code->bytes, t[1], sizeof t[1]) : "not counted",
           ln_bytes_text(c->where == LN_WEIGHTS_FILE ? 0 : (double)c->weights.size, t[2], sizeof t[2]),
           ln_bytes_text((double)c->params.size, t[3], sizeof t[3]),
           ln_bytes_text((double)ln_compile_table_bytes(c), t[4], sizeof t[4]));
    if (c->has_code) {
        printf("  code: what the program links of liblinnet-core.a, without %s.c%s", c->name,
               code->n_missing ? " and the compiler's" : "");
        for (int i = 0; i < code->n_missing; i++)
            printf(" %s", code->missing[i]);
        puts("");
    } else if (c->machine->tier) {
        printf("  code: not counted, since there is no liblinnet-core.a of this version for %s (--library)\n",
               c->machine->name);
    }
    double bound = (double)(c->plan->live_bytes + c->arena_bytes - c->pointers);
    printf("  RAM: %s (arena %s, of it state %s; no arena is below %s, this is %.1f %% of it)%s\n",
           ln_bytes_text(ram, t[0], sizeof t[0]), ln_bytes_text(c->arena_bytes, t[1], sizeof t[1]),
           ln_bytes_text(c->state_bytes, t[2], sizeof t[2]), ln_bytes_text(bound, t[3], sizeof t[3]),
           bound > 0 ? 100.0 * c->arena_bytes / bound : 100.0, c->where == LN_WEIGHTS_RAM ? ", with the weights" : "");
}

static void print_largest(const ln_compiled *c)
{
    char text[32];
    const ln_plan *plan = c->plan;
    size_t below = SIZE_MAX;
    for (int k = 0; k < 5; k++) {
        int32_t best = -1;
        for (int32_t s = 0; s < plan->n_steps; s++)
            if (plan->steps[s].packed_bytes < below &&
                (best < 0 || plan->steps[s].packed_bytes > plan->steps[best].packed_bytes))
                best = s;
        if (best < 0 || !(below = plan->steps[best].packed_bytes))
            break;
        const ln_node *n = &plan->graph->nodes[plan->steps[best].node];
        fprintf(stderr, "  %10s packed for %s '%s'\n", ln_bytes_text((double)below, text, sizeof text), n->type,
                ln_node_label(plan->graph, n));
    }
    for (int k = 0; k < LN_CODE_LARGEST && c->code.largest[k].bytes; k++)
        fprintf(stderr, "  %10s code of %s\n", ln_bytes_text((double)c->code.largest[k].bytes, text, sizeof text),
                c->code.largest[k].name);
}

int ln_compile_check(const ln_compiled *c, const ln_budget *b)
{
    char t[2][32];
    double flash, ram;
    int code = LN_EXIT_OK;
    add_sizes(c, &flash, &ram);
    if (b->flash >= 0 && flash > b->flash) {
        ln_bad("--budget: %s of flash, %s are allowed; the largest:", ln_bytes_text(flash, t[0], sizeof t[0]),
               ln_bytes_text(b->flash, t[1], sizeof t[1]));
        print_largest(c);
        code = LN_EXIT_NEGATIVE;
    }
    if (b->ram >= 0 && ram > b->ram) {
        ln_bad("--budget: %s of RAM, %s are allowed; the largest:", ln_bytes_text(ram, t[0], sizeof t[0]),
               ln_bytes_text(b->ram, t[1], sizeof t[1]));
        ln_print_memory(stderr, c->plan);
        code = LN_EXIT_NEGATIVE;
    }
    return code;
}
