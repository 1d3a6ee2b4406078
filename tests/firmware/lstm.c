/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes a quantised LSTM that listens to a stream, as a model of keywords would be exported: ten frames of 40 features
 * a run, 48 cells whose state h (int8) and c (int16) is kept from run to run, a layer to 12 classes and Softmax, all
 * between DequantizeLinear and QuantizeLinear. The weights are numbers of a generator, not trained; rows are of length
 * 1, so that the network forgets as a trained one does.
 *
 * usage: lstm FILE.onnx
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/model.h"
#include "engine/passes.h"
#include "onnx/onnx.h"

enum { FRAMES = 10, FEATURES = 40, CELLS = 48, CLASSES = 12 };

static ln_graph *g;
static uint64_t seed = 1;

static int32_t must(int32_t id)
{
    if (id >= 0)
        return id;
    fputs("lstm: no memory\n", stderr);
    exit(1);
}

/* SplitMix64, in [-127, 127]. */
static int number(void)
{
    uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (int)((z ^ z >> 31) % 255) - 127;
}

static int32_t constant(const char *name, linnet_type type, int32_t rank, const int64_t *dims, const void *data)
{
    int64_t count = 1;
    for (int32_t i = 0; i < rank; i++)
        count *= dims[i];
    void *copy = ln_arena_dup(g->arena, data, (size_t)count * linnet_type_size(type), 64);
    return must(copy ? ln_graph_constant(g, name, type, rank, dims, copy) : -1);
}

static int32_t scalar(float x)
{
    return constant("", LINNET_FLOAT32, 0, NULL, &x);
}

static int32_t zero(linnet_type type, int value)
{
    int8_t byte = (int8_t)value;
    int16_t two = (int16_t)value;
    return constant("", type, 0, NULL, type == LINNET_INT8 ? (const void *)&byte : &two);
}

static int32_t node(const char *type, const char *name, int32_t n_in, const int32_t *in, int32_t n_attrs,
                    const ln_attr *attrs)
{
    int32_t out = must(ln_graph_value(g, name));
    must(ln_graph_insert(g, LN_NO_NODE, "", type, name, n_in, in, 1, &out, n_attrs, attrs));
    return out;
}

static ln_attr integer(const char *name, int64_t i)
{
    return (ln_attr){.name = name, .kind = LN_ATTR_INT, .i = i};
}

static int32_t dequantised(int32_t value, float scale, linnet_type type, int at_zero)
{
    return node("DequantizeLinear", "", 3, (int32_t[]){value, scalar(scale), zero(type, at_zero)}, 0, NULL);
}

static int32_t quantised(const char *name, int32_t value, float scale, linnet_type type, int at_zero)
{
    return node("QuantizeLinear", name, 3, (int32_t[]){value, scalar(scale), zero(type, at_zero)}, 0, NULL);
}

/* Rows of int8 whose numbers have a length of 1 or so, a scale for each row or (axis < 0) one. */
static int32_t weights(const char *name, int32_t rank, const int64_t *dims, int64_t rows, int64_t depth, int64_t axis)
{
    static int8_t data[4 * CELLS * CELLS];
    float scales[4 * CELLS];
    for (int64_t i = 0; i < rows * depth; i++)
        data[i] = (int8_t)number();
    for (int64_t i = 0; i < rows; i++)
        scales[i] = (1 + (float)number() / 512) / (74 * sqrtf((float)depth));
    int32_t scale = axis < 0 ? scalar(scales[0]) : constant("", LINNET_FLOAT32, 1, &rows, scales);
    ln_attr along = integer("axis", axis);
    return node("DequantizeLinear", "", 2, (int32_t[]){constant(name, LINNET_INT8, rank, dims, data), scale}, axis >= 0,
                &along);
}

static int32_t input(const char *name, linnet_type type, int32_t rank, const int64_t *dims)
{
    int32_t value = must(ln_graph_value(g, name));
    ln_info *info = &g->values[value].info;
    *info = (ln_info){.kind = LINNET_TENSOR, .type = (uint8_t)type, .rank = rank};
    for (int32_t i = 0; i < rank; i++)
        info->dims[i] = dims[i];
    must(ln_graph_add_input(g, value) ? 0 : -1);
    return value;
}

int main(int argc, char **argv)
{
    static const ln_opset opsets[] = {{"", 21}};
    const int64_t x_dims[] = {FRAMES, 1, FEATURES}, state[] = {1, 1, CELLS}, flat[] = {FRAMES, CELLS};
    const int64_t w_dims[] = {1, 4 * CELLS, FEATURES}, r_dims[] = {1, 4 * CELLS, CELLS}, b_dims[] = {1, 8 * CELLS};
    const int64_t out_dims[] = {CLASSES, CELLS}, two = 2;
    const float of_h = 0x1p-7f, of_c = 0x1p-11f;
    linnet_model *model = ln_model_new(NULL);
    linnet_error error = {0};
    char text[700];
    if (argc != 2 || !model)
        return 2;
    g = model->graph;
    g->opsets = opsets;
    g->n_opsets = 1;
    g->name = "keyword_lstm";

    float bias[8 * CELLS];
    for (int i = 0; i < 8 * CELLS; i++)
        bias[i] = (float)number() / 512;
    int32_t x = dequantised(input("features", LINNET_INT8, 3, x_dims), 0.02f, LINNET_INT8, 3);
    int32_t h = dequantised(input("h", LINNET_INT8, 3, state), of_h, LINNET_INT8, 0);
    int32_t c = dequantised(input("c", LINNET_INT16, 3, state), of_c, LINNET_INT16, 0);
    int32_t in[] = {x,
                    weights("W", 3, w_dims, 4 * CELLS, FEATURES, 1),
                    weights("R", 3, r_dims, 4 * CELLS, CELLS, -1),
                    constant("B", LINNET_FLOAT32, 2, b_dims, bias),
                    LN_NO_VALUE,
                    h,
                    c};
    int32_t y[3];
    for (int i = 0; i < 3; i++)
        y[i] = must(ln_graph_value(g, i == 0 ? "Y" : i == 1 ? "Y_h" : "Y_c"));
    ln_attr cells = integer("hidden_size", CELLS), rows = integer("transB", 1);
    must(ln_graph_insert(g, LN_NO_NODE, "", "LSTM", "lstm", 7, in, 3, y, 1, &cells));
    int32_t shape = constant("", LINNET_INT64, 1, &two, flat);
    int32_t all = dequantised(quantised("", y[0], of_h, LINNET_INT8, 0), of_h, LINNET_INT8, 0);
    all = quantised("", node("Reshape", "", 2, (int32_t[]){all, shape}, 0, NULL), of_h, LINNET_INT8, 0);
    int32_t dense[] = {dequantised(all, of_h, LINNET_INT8, 0), weights("dense", 2, out_dims, CLASSES, CELLS, 0)};
    int32_t scores = quantised("", node("Gemm", "", 2, dense, 1, &rows), 0.02f, LINNET_INT8, 0);
    scores = node("Softmax", "", 1, (int32_t[]){dequantised(scores, 0.02f, LINNET_INT8, 0)}, 0, NULL);
    int32_t outputs[] = {quantised("scores", scores, 0x1p-8f, LINNET_INT8, -128),
                         quantised("h_next", y[1], of_h, LINNET_INT8, 0),
                         quantised("c_next", y[2], of_c, LINNET_INT16, 0)};
    if (!ln_graph_set_outputs(g, outputs, 3) || ln_infer_graph(g, &model->memory, false, &error) != LINNET_OK ||
        ln_onnx_write(g, model, argv[1], &error) != LINNET_OK) {
        fprintf(stderr, "lstm: %s\n", linnet_error_message(&error, text, sizeof text));
        return 1;
    }
    linnet_model_free(model);
    return 0;
}
