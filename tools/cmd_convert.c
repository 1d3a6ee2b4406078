/* SPDX-License-Identifier: Apache-2.0
 *
 * `linnet convert`: a TensorFlow Lite model as an .onnx file.
 */
#include "engine/passes.h"
#include "onnx/onnx.h"
#include "tools/tool.h"

static int count_nodes(const ln_graph *g)
{
    int n = 0;
    LN_FOR_NODES(g, i)
    n++;
    return n;
}

static int convert(const char *from, const char *to, linnet_model *model)
{
    linnet_error error = {0};
    ln_arena arena;
    ln_arena_init(&arena, &model->memory);
    ln_graph *g = ln_graph_clone(model->graph, &arena);
    int code = LN_EXIT_OK;
    if (!g)
        code = ln_bad("out of memory");
    else if (ln_infer_graph(g, &model->memory, false, &error)) /* what does not fit together is found now, not later */
        code = ln_bad_error(from, &error);
    else if (ln_onnx_write(model->graph, model, to, &error))
        code = ln_bad_error(to, &error);
    else
        printf("%s: %d nodes, opset %lld\n", to, count_nodes(g), (long long)ln_graph_opset(g, ""));
    ln_arena_free(&arena);
    return code;
}

static int run(const ln_cli *cli)
{
    const char *path = ln_cli_text(cli, "output", NULL);
    if (!path)
        return ln_bad("convert: --output FILE is missing");
    linnet_model *model = ln_load(cli->args[0]);
    int code = model ? convert(cli->args[0], path, model) : LN_EXIT_BAD;
    linnet_model_free(model);
    return code;
}

static const ln_option options[] = {
    {"output", 'o', false, "FILE", "where the model goes"},
    {0},
};

const ln_command ln_cmd_convert = {
    .name = "convert",
    .usage = "MODEL.tflite -o MODEL.onnx",
    .what = "Write a TensorFlow Lite model as standard ONNX.",
    .more = "Quantised tensors stay integers, with QuantizeLinear and DequantizeLinear around operators on numbers. "
            "What ONNX\n"
            "cannot say is named. The other commands take a .tflite as it is, converting it in memory.\n",
    .options = options,
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
