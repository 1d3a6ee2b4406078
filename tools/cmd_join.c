/* SPDX-License-Identifier: Apache-2.0
 *
 * `linnet join`: one model of two, the output of the first being an input of the second.
 */
#include <string.h>

#include "engine/model.h"
#include "engine/passes.h"
#include "onnx/onnx.h"
#include "tools/tool.h"

/* Index of the input of that name; without a name of the one that must be fed. -1: said what is wrong. */
static int32_t find_input(const ln_graph *g, const char *name)
{
    int32_t found = -1, fed = 0;
    for (int32_t i = 0; i < g->n_inputs; i++) {
        const ln_value *v = &g->values[g->inputs[i]];
        if (name ? strcmp(v->name, name) == 0 : v->info.data == NULL)
            found = i, fed++;
    }
    if (fed == 1)
        return found;
    if (name)
        ln_bad("join: the second model has no input '%s'", name);
    else
        ln_bad("join: the second model has %d inputs; --input says which", fed);
    return -1;
}

static int32_t find_output(const ln_graph *g, const char *name)
{
    for (int32_t i = 0; i < g->n_outputs; i++)
        if (!name || strcmp(g->values[g->outputs[i]].name, name) == 0)
            return i;
    ln_bad("join: the first model has no output '%s'", name ? name : "");
    return -1;
}

/* Types must agree, and fixed dimensions. */
static bool fits(const ln_info *a, const ln_info *b)
{
    bool ok = a->type == b->type && (a->rank < 0 || b->rank < 0 || a->rank == b->rank);
    for (int32_t i = 0; ok && a->rank >= 0 && b->rank >= 0 && i < a->rank; i++)
        ok = a->dims[i] < 0 || b->dims[i] < 0 || a->dims[i] == b->dims[i];
    return ok;
}

/* Copies the values and nodes of `from` into `to` (the end of its list); map gets the new ids. */
static bool append(ln_graph *to, const ln_graph *from, int32_t *map)
{
    for (int32_t i = 0; i < from->n_values; i++) {
        if (map[i] >= 0)
            continue;
        const ln_value *v = &from->values[i];
        map[i] = ln_graph_value(to, v->name);
        if (map[i] < 0)
            return false;
        ln_info info = v->info;
        for (int32_t k = 0; k < info.rank; k++)
            if (info.dims[k] < LN_UNKNOWN) {
                const char *symbol = from->symbols[-2 - info.dims[k]];
                info.dims[k] = symbol ? ln_graph_symbol(to, symbol) : LN_UNKNOWN;
            }
        to->values[map[i]].info = info;
    }
    LN_FOR_NODES(from, id)
    {
        const ln_node *n = &from->nodes[id];
        int32_t *in = ln_arena_array(to->arena, n->n_in + 1, sizeof *in);
        int32_t *out = ln_arena_array(to->arena, n->n_out + 1, sizeof *out);
        if (!in || !out)
            return false;
        for (int32_t i = 0; i < n->n_in; i++)
            in[i] = n->in[i] < 0 ? LN_NO_VALUE : map[n->in[i]];
        for (int32_t i = 0; i < n->n_out; i++)
            out[i] = n->out[i] < 0 ? LN_NO_VALUE : map[n->out[i]];
        int32_t made = ln_graph_insert_at(to, LN_NO_NODE, n->domain, n->version, n->type, n->name, n->n_in, in,
                                          n->n_out, out, n->n_attrs, n->attrs);
        if (made < 0)
            return false;
        to->nodes[made].n_formal = n->n_formal;
    }
    return true;
}

/* The second model's metadata, and those of the first that it lacks, such as the rate of the samples. */
static bool join_properties(const linnet_model *first, linnet_model *second)
{
    int32_t n = second->n_properties;
    ln_property *all = ln_arena_array(&second->arena, n + first->n_properties + 1, sizeof *all);
    if (!all)
        return false;
    for (int32_t i = 0; i < n; i++)
        all[i] = second->properties[i];
    for (int32_t i = 0; i < first->n_properties; i++)
        if (!linnet_model_metadata(second, first->properties[i].key))
            all[n++] = first->properties[i];
    second->properties = all, second->n_properties = n;
    return true;
}

static int join(const ln_cli *cli, linnet_model *first, linnet_model *second)
{
    const char *path = ln_cli_text(cli, "output", NULL);
    const ln_graph *a = first->graph, *b = second->graph;
    int32_t out = find_output(a, ln_cli_text(cli, "from", NULL)), in = find_input(b, ln_cli_text(cli, "input", NULL));
    if (out < 0 || in < 0)
        return LN_EXIT_BAD;
    linnet_error error = {0};
    if (ln_model_complete(first, &error) || ln_infer_graph(first->graph, &first->memory, true, &error))
        return ln_bad_error(cli->args[0], &error);
    if (ln_model_complete(second, &error))
        return ln_bad_error(cli->args[1], &error);
    if (!fits(&a->values[a->outputs[out]].info, &b->values[b->inputs[in]].info))
        return ln_bad("join: output '%s' and input '%s' differ in type or shape; `linnet info` shows both",
                      a->values[a->outputs[out]].name, b->values[b->inputs[in]].name);
    ln_graph *g = ln_graph_new(&second->arena);
    int32_t *map_a = ln_arena_array(&second->arena, a->n_values + 1, sizeof *map_a);
    int32_t *map_b = ln_arena_array(&second->arena, b->n_values + 1, sizeof *map_b);
    int32_t *inputs = ln_arena_array(&second->arena, a->n_inputs + b->n_inputs, sizeof *inputs);
    int32_t *outputs = ln_arena_array(&second->arena, b->n_outputs + 1, sizeof *outputs), n = 0;
    if (!g || !map_a || !map_b || !inputs || !outputs)
        return ln_bad("out of memory");
    memset(map_a, -1, (size_t)(a->n_values + 1) * sizeof *map_a);
    memset(map_b, -1, (size_t)(b->n_values + 1) * sizeof *map_b);
    g->name = b->name, g->opsets = b->opsets, g->n_opsets = b->n_opsets;
    if (!append(g, a, map_a))
        return ln_bad("out of memory");
    map_b[b->inputs[in]] = map_a[a->outputs[out]];
    if (!append(g, b, map_b))
        return ln_bad("out of memory");
    for (int32_t i = 0; i < a->n_inputs; i++)
        inputs[n++] = map_a[a->inputs[i]];
    for (int32_t i = 0; i < b->n_inputs; i++)
        if (i != in)
            inputs[n++] = map_b[b->inputs[i]];
    for (int32_t i = 0; i < n; i++)
        g->values[inputs[i]].input = true;
    for (int32_t i = 0; i < b->n_outputs; i++)
        outputs[i] = map_b[b->outputs[i]];
    if (!ln_graph_set_inputs(g, inputs, n) || !ln_graph_set_outputs(g, outputs, b->n_outputs) ||
        !join_properties(first, second))
        return ln_bad("out of memory");
    if (ln_infer_graph(g, &second->memory, true, &error) || ln_onnx_write(g, second, path, &error))
        return ln_bad_error(path, &error);
    printf("%s: %s, then %s\n", path, cli->args[0], cli->args[1]);
    return LN_EXIT_OK;
}

static int run(const ln_cli *cli)
{
    if (!ln_cli_flag(cli, "output"))
        return ln_bad("join: --output FILE is missing");
    linnet_model *first = ln_load(cli->args[0]), *second = first ? ln_load(cli->args[1]) : NULL;
    int code = first && second ? join(cli, first, second) : LN_EXIT_BAD;
    linnet_model_free(second);
    linnet_model_free(first);
    return code;
}

static const ln_option options[] = {
    {"output", 'o', false, "FILE", "where the model goes"},
    {"from", 0, false, "NAME", "which output of the first model (its first one)"},
    {"input", 'i', false, "NAME", "which input of the second model (its only one)"},
    {0},
};

const ln_command ln_cmd_join = {
    .name = "join",
    .usage = "FIRST SECOND -o FILE [options]",
    .what = "Make one model of two: an output of the first feeds an input of the second.",
    .more = "The inputs are those of the first and what is left of the second's, the outputs those of the second. "
            "Where the\n"
            "two are of different opset versions, nodes become functions with a version of their own.\n",
    .options = options,
    .min_args = 2,
    .max_args = 2,
    .run = run,
};
