/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes a compiled model as C99: NAME.h with the sizes and the typed accessors, NAME.c with the constants. Numbers are
 * written as 64-bit words, which compilers read fastest; nothing depends on the machine that writes.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/linnet_compiled.h"
#include "tools/compile.h"

void ln_c_name(char *to, size_t size, const char *from, bool upper)
{
    size_t i = 0;
    for (; from[i] && i + 1 < size; i++) {
        unsigned char ch = (unsigned char)from[i];
        to[i] = !isalnum(ch) || ch > 127 ? '_' : upper ? (char)toupper(ch) : (char)ch;
    }
    to[i] = 0;
}

static const char *c_type(linnet_type type)
{
    switch (type) {
    case LINNET_FLOAT32:
    case LINNET_COMPLEX64:
        return "float";
    case LINNET_FLOAT64:
    case LINNET_COMPLEX128:
        return "double";
    case LINNET_INT8:
    case LINNET_INT4:
    case LINNET_INT2:
        return "int8_t";
    case LINNET_UINT16:
    case LINNET_FLOAT16:
    case LINNET_BFLOAT16:
        return "uint16_t";
    case LINNET_INT16:
        return "int16_t";
    case LINNET_INT32:
        return "int32_t";
    case LINNET_UINT32:
        return "uint32_t";
    case LINNET_INT64:
        return "int64_t";
    case LINNET_UINT64:
        return "uint64_t";
    default:
        return "uint8_t";
    }
}

/* In a comment: nothing that ends it or runs over the line. */
static const char *comment(const char *text, char *buf, size_t size)
{
    size_t n = 0;
    for (; *text && n + 1 < size; text++)
        buf[n++] = (unsigned char)*text < 32 || *text == '*' || (unsigned char)*text > 126 ? '_' : *text;
    buf[n] = 0;
    return buf;
}

/* An input or output as its accessors name it; unlike those before it. */
typedef struct port {
    const ln_info *info;
    const char *label, *kind;
    char name[64], upper[64];
    uint32_t operand;
} port;

static void port_name(port *all, int32_t i)
{
    port *p = &all[i];
    ln_c_name(p->name, sizeof p->name - 12, p->label, false);
    size_t stem = strlen(p->name);
    for (int32_t k = 0, n = 1; k < i; k++)
        if (!strcmp(all[k].kind, p->kind) && !strcmp(all[k].name, p->name)) {
            snprintf(p->name + stem, sizeof p->name - stem, "_%d", ++n);
            k = -1;
        }
    ln_c_name(p->upper, sizeof p->upper, p->name, true);
}

static int32_t ports_of(const ln_compiled *c, port *ports)
{
    const ln_graph *g = c->plan->graph;
    int32_t n = 0;
    for (int32_t i = 0; i < c->plan->n_inputs; i++)
        if (c->inputs[i] != LINNET_NOWHERE) {
            const ln_value *v = &g->values[g->inputs[i]];
            ports[n] = (port){.info = &v->info, .kind = "input", .operand = c->inputs[i]};
            ports[n].label = c->model->values[c->model->inputs[i]].name;
            port_name(ports, n++);
        }
    for (int32_t i = 0; i < c->plan->n_outputs; i++) {
        const ln_value *v = &g->values[g->outputs[i]];
        ports[n] = (port){.info = &v->info, .kind = "output", .operand = c->outputs[i]};
        ports[n].label = c->model->values[c->model->outputs[i]].name;
        port_name(ports, n++);
    }
    return n;
}

static void write_header(FILE *f, const ln_compiled *c, const port *ports, int32_t n_ports, const char *upper)
{
    char text[256], label[200], vlen[32] = "";
    if (c->vlen)
        snprintf(vlen, sizeof vlen, " with a VLEN of %" PRIu32, c->vlen);
    fprintf(
        f,
        "/* Written by `linnet compile` (Linnet " LINNET_VERSION ") from %s for %s, kernels %s%s.\n"
        " *\n"
        " * %s_init once, then fill the inputs, %s_run, read the outputs, and again. Inputs lie in the arena and are\n"
        " * overwritten by a run; outputs stay until the next one. */\n"
        "#ifndef LINNET_%s_H\n#define LINNET_%s_H\n\n"
        "#include <stdint.h>\n\n#include \"linnet.h\"\n\n"
        "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n",
        comment(c->source, label, sizeof label), c->machine->name, c->tier, vlen, c->name, c->name, upper, upper);
    fprintf(f, "/* RAM for %s_init, aligned to %s_ARENA_ALIGN: a static array does. */\n", c->name, upper);
    fprintf(f, "#define %s_ARENA_BYTES %" PRIu32 "\n#define %s_ARENA_ALIGN %" PRIu32 "\n", upper, c->arena_bytes, upper,
            c->machine->align);
    if (c->where == LN_WEIGHTS_FILE)
        fprintf(f,
                "/* The size of %s.bin, which is to lie at a multiple of %s_ARENA_ALIGN. */\n#define %s_WEIGHTS_BYTES "
                "%zu\n",
                c->name, upper, upper, c->weights.size);
    fputs("\n", f);
    for (int32_t i = 0; i < n_ports; i++) {
        const port *p = &ports[i];
        bool in = p->kind[0] == 'i', complex = p->info->type == LINNET_COMPLEX64 || p->info->type == LINNET_COMPLEX128;
        fprintf(f, "/* %s '%s': %s %s */\n", p->kind, comment(p->label, label, sizeof label),
                linnet_type_name((linnet_type)p->info->type),
                ln_dims_text(text, sizeof text, p->info->rank, p->info->dims));
        fprintf(f, "#define %s_%s_%s_COUNT %" PRId64 "\n", upper, in ? "INPUT" : "OUTPUT", p->upper,
                ln_info_count(p->info) * (complex ? 2 : 1));
        fprintf(f, "%s%s *%s_%s_%s(void);\n", in ? "" : "const ", c_type((linnet_type)p->info->type), c->name, p->kind,
                p->name);
    }
    fprintf(f,
            "\n/* LINNET_ERR_ARGUMENT: the arena%s is NULL or not aligned%s. */\n"
            "LINNET_CHECK linnet_status %s_init(void *arena%s);\n"
            "LINNET_CHECK linnet_status %s_run(void);\n",
            c->where == LN_WEIGHTS_FILE ? " (or what the file holds)" : "",
            c->vlen || !c->machine->tier ? "; LINNET_ERR_UNSUPPORTED: not the machine that it was compiled for" : "",
            c->name, c->where == LN_WEIGHTS_FILE ? ", const void *weights" : "", c->name);
    fprintf(f,
            "/* What is kept from run to run (%" PRIu32
            " bytes) becomes what it is at first, as %s_init does. */\nvoid %s_reset(void);\n",
            c->state_bytes, c->name, c->name);
    fputs("\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n", f);
}

static void write_words(FILE *f, const char *what, const char *name, const uint8_t *data, size_t size, uint32_t align)
{
    fprintf(f, "%s uint64_t %s[] __attribute__((aligned(%" PRIu32 "))) = {", what, name, align);
    size_t words = size ? (size + 7) / 8 : 1;
    for (size_t i = 0; i < words; i++) {
        uint64_t word = 0;
        for (size_t k = 0; k < 8 && i * 8 + k < size; k++)
            word |= (uint64_t)data[i * 8 + k] << 8 * k;
        fprintf(f, "%s0x%" PRIx64 ",", i % 6 ? " " : "\n    ", word);
    }
    fputs("\n};\n\n", f);
}

static bool seen_before(const ln_plan *plan, int32_t s)
{
    for (int32_t k = 0; k < s; k++)
        if (!strcmp(plan->steps[k].run_name, plan->steps[s].run_name))
            return true;
    return false;
}

static void write_steps(FILE *f, const ln_compiled *c)
{
    const ln_plan *plan = c->plan;
    char label[200];
    for (int32_t s = 0; s < plan->n_steps; s++)
        if (!seen_before(plan, s))
            fprintf(f, "linnet_run_function %s;\n", plan->steps[s].run_name);
    fputs("\nstatic const uint32_t operands[] = {", f);
    for (int32_t i = 0; i < c->n_operands; i++)
        fprintf(f, "%s0x%" PRIx32 ",", i % 10 ? " " : "\n    ", c->operands[i]);
    fprintf(f, "%s\n};\n\n/* function, parameters, packed weights, scratch, inputs, outputs */\n",
            c->n_operands ? "" : "0");
    fputs("static const linnet_step steps[] = {\n", f);
    for (int32_t s = 0; s < plan->n_steps; s++) {
        const ln_step *step = &plan->steps[s];
        const ln_node *n = &plan->graph->nodes[step->node];
        fprintf(f, "    /* %" PRId32 ": %s '%s' */\n", s, n->type,
                comment(ln_node_label(plan->graph, n), label, sizeof label));
        fprintf(f, "    {%s, %" PRIu32 ", 0x%" PRIx32 ", %" PRIu64 ", %" PRId32 ", %" PRId32 "},\n", step->run_name,
                c->step_params[s], c->step_packed[s], step->scratch_bytes ? step->scratch : 0, step->n_in, step->n_out);
    }
    fprintf(f, "%s};\n\n", plan->n_steps ? "" : "    {0, 0, 0, 0, 0, 0}\n");
    if (!c->n_states)
        return;
    fputs("/* input, output, what it is at first, bytes */\nstatic const linnet_state states[] = {\n", f);
    for (int32_t i = 0; i < c->n_states; i++)
        fprintf(f, "    {0x%" PRIx32 ", 0x%" PRIx32 ", 0x%" PRIx32 ", %zu},\n", c->inputs[c->state_in[i]],
                c->outputs[c->state_out[i]], c->state_initial[i], ln_info_bytes(&plan->inputs[c->state_in[i]]));
    fputs("};\n\n", f);
}

static void write_functions(FILE *f, const ln_compiled *c, const port *ports, int32_t n_ports, const char *upper)
{
    bool file = c->where == LN_WEIGHTS_FILE;
    fprintf(f,
            "static %slinnet_compiled model = {\n    steps, operands, %s, params, %s, %" PRId32 ", %" PRId32
            ", %" PRIu32 ",\n};\n\nstatic char *arena_start;\n\n",
            file ? "" : "const ", c->n_states ? "states" : "0", file ? "0" : "weights", c->plan->n_steps, c->n_states,
            c->pointers);
    fprintf(f, "linnet_status %s_init(void *arena%s)\n{\n", c->name, file ? ", const void *bin" : "");
    fprintf(f, "    if (!arena || (uintptr_t)arena %% %s_ARENA_ALIGN)\n        return LINNET_ERR_ARGUMENT;\n", upper);
    if (file)
        fprintf(f,
                "    if (!bin || (uintptr_t)bin %% %s_ARENA_ALIGN)\n        return LINNET_ERR_ARGUMENT;\n"
                "    model.weights = bin;\n",
                upper);
    fprintf(f, "    arena_start = (char *)arena;\n    %s_reset();\n", c->name);
    if (!c->machine->tier)
        fprintf(f, "    return linnet_compiled_tier(\"%s\", %" PRIu32 ");\n}\n\n", c->tier, c->vlen);
    else if (c->vlen)
        fprintf(f, "    return ln_rvv_has_%" PRIu32 "() ? LINNET_OK : LINNET_ERR_UNSUPPORTED;\n}\n\n", c->vlen);
    else
        fputs("    return LINNET_OK;\n}\n\n", f);
    fprintf(f, "linnet_status %s_run(void)\n{\n", c->name);
    if (c->n_states)
        fputs("    linnet_status status = LINNET_ERR_ARGUMENT;\n"
              "    if (arena_start)\n        status = linnet_compiled_run(&model, arena_start);\n"
              "    if (status == LINNET_OK)\n        linnet_compiled_keep(&model, arena_start);\n"
              "    return status;\n}\n\n",
              f);
    else
        fputs("    return arena_start ? linnet_compiled_run(&model, arena_start) : LINNET_ERR_ARGUMENT;\n}\n\n", f);
    fprintf(f, "void %s_reset(void)\n{\n%s}\n", c->name,
            c->n_states ? "    if (arena_start)\n        linnet_compiled_reset(&model, arena_start);\n" : "");
    for (int32_t i = 0; i < n_ports; i++) {
        const port *p = &ports[i];
        const char *type = c_type((linnet_type)p->info->type), *qualifier = p->kind[0] == 'i' ? "" : "const ";
        fprintf(f, "\n%s%s *%s_%s_%s(void)\n{\n    return (%s%s *)", qualifier, type, c->name, p->kind, p->name,
                qualifier, type);
        if (p->operand & LINNET_IN_WEIGHTS)
            fprintf(f, "((const char *)model.weights + %" PRIu32 ");\n}\n", p->operand & LINNET_OFFSET_MASK);
        else
            fprintf(f, "(void *)(arena_start + %" PRIu32 ");\n}\n", p->operand);
    }
}

static FILE *open_in(const char *dir, const char *name, const char *end, char *path, size_t size)
{
    snprintf(path, size, "%s/%s%s", dir, name, end);
    FILE *f = fopen(path, "wb");
    if (!f)
        ln_bad("%s: cannot be written", path);
    return f;
}

static bool close_file(FILE *f, const char *path)
{
    bool good = !ferror(f);
    return (fclose(f) == 0 && good) || ln_bad("%s: cannot be written", path) == 0;
}

bool ln_compile_write(ln_arena *arena, const ln_compiled *c, const char *dir)
{
    char path[4096], upper[128];
    ln_c_name(upper, sizeof upper, c->name, true);
    port *ports = ln_arena_array(arena, (int64_t)c->plan->n_inputs + c->plan->n_outputs + 1, sizeof *ports);
    if (!ports)
        return ln_bad("out of memory") == 0;
    int32_t n = ports_of(c, ports);
    FILE *f = open_in(dir, c->name, ".h", path, sizeof path);
    if (!f)
        return false;
    write_header(f, c, ports, n, upper);
    if (!close_file(f, path) || !(f = open_in(dir, c->name, ".c", path, sizeof path)))
        return false;
    fprintf(
        f, "/* See %s.h. To be linked with liblinnet-core.a of the same machine and kernels. */\n#include \"%s.h\"\n\n",
        c->name, c->name);
    fputs("#include \"linnet_compiled.h\"\n\n", f);
    write_steps(f, c);
    write_words(f, "static const", "params", c->params.data, c->params.size, 8);
    if (c->where != LN_WEIGHTS_FILE)
        write_words(f, c->where == LN_WEIGHTS_RAM ? "static" : "static const", "weights", c->weights.data,
                    c->weights.size, c->machine->align);
    write_functions(f, c, ports, n, upper);
    if (!close_file(f, path))
        return false;
    if (c->where != LN_WEIGHTS_FILE)
        return true;
    if (!(f = open_in(dir, c->name, ".bin", path, sizeof path)))
        return false;
    if (c->weights.size)
        fwrite(c->weights.data, 1, c->weights.size, f);
    return close_file(f, path);
}
