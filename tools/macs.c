/* SPDX-License-Identifier: Apache-2.0
 *
 * Multiply-adds of a node from the shapes of its operands: convolutions, matrix products and recurrent networks. All
 * else counts as none, as is usual when models are compared.
 */
#include <stdio.h>
#include <string.h>

#include "engine/passes.h"
#include "tools/macs.h"

static const ln_info *operand(const ln_graph *g, const ln_node *n, int32_t i)
{
    return i < n->n_in && n->in[i] >= 0 ? &g->values[n->in[i]].info : NULL;
}

static double count(const ln_info *info)
{
    double n = info->rank >= 0 ? 1 : 0;
    for (int32_t d = 0; d < info->rank; d++)
        n *= info->dims[d] > 0 ? (double)info->dims[d] : 0;
    return n;
}

/* Each output element is one product with the weights of its channel; of a transposed one, each input element. */
static double convolution(const ln_graph *g, const ln_node *n, int32_t weights, bool transposed)
{
    const ln_info *w = operand(g, n, weights), *x = operand(g, n, 0), *y = &g->values[n->out[0]].info;
    if (!w || !x || w->rank < 2 || w->dims[0] < 1)
        return 0;
    return count(transposed ? x : y) * count(w) / (double)w->dims[0];
}

static double product(const ln_graph *g, const ln_node *n, int32_t b, int64_t depth)
{
    const ln_info *w = operand(g, n, b);
    return w && w->rank >= 1 && depth > 0 ? count(&g->values[n->out[0]].info) * (double)depth : 0;
}

/* The length of the sums in a MatMul: the last dimension of A. */
static int64_t depth_of(const ln_info *a)
{
    return a && a->rank >= 1 ? a->dims[a->rank - 1] : 0;
}

static double recurrent(const ln_graph *g, const ln_node *n)
{
    const ln_info *x = operand(g, n, 0), *w = operand(g, n, 1), *r = operand(g, n, 2);
    if (!x || !w || !r || x->rank != 3)
        return 0;
    return (count(w) + count(r)) * (double)x->dims[0] * (double)x->dims[1]; /* steps and batch, in either order */
}

double ln_node_macs(const ln_graph *g, const ln_node *n)
{
    const char *t = n->type;
    if (!strcmp(t, "LSTM") || !strcmp(t, "GRU") || !strcmp(t, "RNN") || !strcmp(t, "QLinearLSTM"))
        return recurrent(g, n);
    if (n->n_out < 1 || n->out[0] < 0)
        return 0;
    if (!strcmp(t, "Conv") || !strcmp(t, "ConvInteger") || !strcmp(t, "FusedConv"))
        return convolution(g, n, 1, false);
    if (!strcmp(t, "QLinearConv"))
        return convolution(g, n, 3, false);
    if (!strcmp(t, "ConvTranspose"))
        return convolution(g, n, 1, true);
    if (!strcmp(t, "Gemm") && operand(g, n, 0)) {
        const ln_info *a = operand(g, n, 0);
        return product(g, n, 1, a->rank == 2 ? a->dims[ln_node_attr_int(n, "transA", 0) ? 0 : 1] : 0);
    }
    if (!strcmp(t, "MatMul") || !strcmp(t, "MatMulInteger") || !strcmp(t, "FusedMatMul"))
        return product(g, n, 1, depth_of(operand(g, n, 0)));
    if (!strcmp(t, "QLinearMatMul"))
        return product(g, n, 3, depth_of(operand(g, n, 0)));
    return 0;
}

double ln_graph_macs(const ln_graph *g)
{
    double sum = 0;
    LN_FOR_NODES(g, i)
    sum += ln_node_macs(g, &g->nodes[i]);
    return sum;
}

const char *ln_author_passes(char *buf, size_t size)
{
    size_t at = 0;
    buf[0] = 0;
    for (int32_t i = 0; i < ln_passes_count && at < size; i++)
        if (ln_passes[i].run != ln_pass_fold)
            at += (size_t)snprintf(buf + at, size - at, "%s%s", at ? "," : "", ln_passes[i].name);
    return buf;
}
