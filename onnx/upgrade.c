/* SPDX-License-Identifier: Apache-2.0
 *
 * A file has one opset version, a graph may have nodes of several: those of the file it came from, and those that
 * passes made. Most changes of an operator only add types or optional attributes, so that an older node means the same
 * at a newer version. The table lists the changes of ai.onnx that do not: what became an input can be moved there, what
 * changed its meaning cannot be written under the newer version.
 */
#include "onnx/upgrade.h"

#include <string.h>

typedef struct change {
    const char *type;
    int16_t version;
    int16_t slot;     /* the attribute became this input; NO: there is nothing in its place */
    const char *attr; /* the change matters where the node has it; NULL: always; OUTPUTS: with several outputs */
} change;

enum { NO = -1 };
static const char OUTPUTS[] = "more than one output";

static const change changes[] = {
    {"Add", 7, NO, "broadcast"},
    {"And", 7, NO, "broadcast"},
    {"BatchNormalization", 7, NO, "is_test"},
    {"BatchNormalization", 9, NO, "spatial"},
    {"BatchNormalization", 14, NO, OUTPUTS},
    {"Cast", 6, NO, NULL},
    {"Clip", 6, NO, NULL},
    {"Clip", 11, 1, "min"},
    {"Clip", 11, 2, "max"},
    {"DFT", 20, NO, NULL},
    {"Div", 7, NO, "broadcast"},
    {"Dropout", 7, NO, "is_test"},
    {"Dropout", 12, 1, "ratio"},
    {"Equal", 7, NO, "broadcast"},
    {"GRU", 7, NO, "output_sequence"},
    {"Gemm", 7, NO, NULL},
    {"GlobalLpPool", 2, NO, NULL},
    {"Greater", 7, NO, "broadcast"},
    {"GridSample", 20, NO, NULL},
    {"GroupNormalization", 21, NO, NULL},
    {"Hardmax", 13, NO, NULL},
    {"LSTM", 7, NO, "output_sequence"},
    {"Less", 7, NO, "broadcast"},
    {"LogSoftmax", 13, NO, NULL},
    {"LpPool", 2, NO, NULL},
    {"Mul", 7, NO, "broadcast"},
    {"Or", 7, NO, "broadcast"},
    {"PRelu", 7, NO, NULL},
    {"Pad", 2, NO, NULL},
    {"Pad", 11, 1, "pads"},
    {"Pad", 11, 2, "value"},
    {"Pow", 7, NO, "broadcast"},
    {"RNN", 7, NO, "output_sequence"},
    {"ReduceL1", 18, 1, "axes"},
    {"ReduceL2", 18, 1, "axes"},
    {"ReduceLogSum", 18, 1, "axes"},
    {"ReduceLogSumExp", 18, 1, "axes"},
    {"ReduceMax", 18, 1, "axes"},
    {"ReduceMean", 18, 1, "axes"},
    {"ReduceMin", 18, 1, "axes"},
    {"ReduceProd", 18, 1, "axes"},
    {"ReduceSum", 13, 1, "axes"},
    {"ReduceSumSquare", 18, 1, "axes"},
    {"Reshape", 5, NO, NULL},
    {"Resize", 11, NO, NULL},
    {"RoiAlign", 16, NO, NULL},
    {"Scan", 9, NO, NULL},
    {"Scatter", 11, NO, NULL},
    {"Selu", 6, NO, NULL},
    {"Slice", 10, 1, "starts"},
    {"Slice", 10, 2, "ends"},
    {"Slice", 10, 3, "axes"},
    {"Softmax", 13, NO, NULL},
    {"Split", 2, NO, NULL},
    {"Split", 13, 1, "split"},
    {"Squeeze", 13, 1, "axes"},
    {"Sub", 7, NO, "broadcast"},
    {"Tile", 6, NO, NULL},
    {"TopK", 10, 1, "k"},
    {"Unsqueeze", 13, 1, "axes"},
    {"Upsample", 7, NO, NULL},
    {"Upsample", 10, NO, NULL},
    {"Xor", 7, NO, "broadcast"},
};

/* Inputs that were floating-point attributes have the element type of the data. */
static bool can_move(const ln_graph *g, const ln_node *n, const ln_attr *a)
{
    if (a->kind == LN_ATTR_INT || a->kind == LN_ATTR_INTLIST)
        return true;
    return a->kind == LN_ATTR_FLOAT && n->n_in > 0 && n->in[0] >= 0 && g->values[n->in[0]].info.type == LINNET_FLOAT32;
}

bool ln_upgrade(const ln_graph *g, const ln_node *n, int64_t opset, ln_move moves[LN_UPGRADE_MOVES], int32_t *n_moves)
{
    *n_moves = 0;
    if (n->version > opset)
        return false;
    if (!n->op || n->domain[0]) /* what the table does not cover: only the version it was made for */
        return n->op ? ln_op_version(n->op, opset) == n->version : n->version == opset;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        const change *c = &changes[i];
        if (c->version <= n->version || c->version > opset || strcmp(c->type, n->type) != 0)
            continue;
        const ln_attr *a = c->attr && c->attr != OUTPUTS ? ln_node_attr(n, c->attr) : NULL;
        if (c->attr && !a && (c->attr != OUTPUTS || n->n_out < 2))
            continue;
        if (c->slot == NO || !can_move(g, n, a) || *n_moves == LN_UPGRADE_MOVES)
            return false;
        moves[(*n_moves)++] = (ln_move){a, c->slot};
    }
    return true;
}
