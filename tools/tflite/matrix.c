/* SPDX-License-Identifier: Apache-2.0
 *
 * Products of matrices. With float inputs and integer weights TensorFlow Lite rounds the inputs to 8 bits on the way;
 * here the weights become numbers and the product is exact.
 */
#include "tools/tflite/operators.h"

void ln_tfl_fully_connected(ln_tfl_op *o)
{
    const ln_tfl_tensor *x = ln_tfl_in(o, 0), *w = ln_tfl_in(o, 1), *y = ln_tfl_out(o, 0);
    if (w->rank != 2 || w->dims[1] < 1 || w->dims[0] < 1) {
        ln_tfl_fail(o, LINNET_ERR_MODEL, "weights of %d dimensions", w->rank);
        return;
    }
    if (ln_tfl_option(o, 1, 1, 0)) {
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "weights in shuffled order");
        return;
    }
    int32_t v = ln_tfl_stored(o, 0);
    if (x->rank != 2 || x->dims[1] != w->dims[1])
        v = ln_tfl_reshape(o, v, 2, (int64_t[]){-1, w->dims[1]});
    v = ln_tfl_dequantise(o, x, v, 0);
    if (ln_tfl_hybrid(x, w)) {
        ln_tfl_tensor rows = {.rank = 2, .dims = {ln_tfl_count(x) == w->dims[1] ? 1 : -1, w->dims[1]}};
        v = ln_tfl_rounded(o, v, &rows, 1);
    }
    int32_t weights = ln_tfl_real(o, 1), bias = ln_tfl_bias(o, 2, x, w);
    v = ln_tfl_node(o, "Gemm", LN_INS(v, weights, bias), LN_ATTRS(ln_tfl_attr_int("transB", 1)));
    v = ln_tfl_quantise(o, y, ln_tfl_activation(o, v, ln_tfl_option(o, 0, 1, 0), ln_tfl_real_type(y)));
    ln_tfl_set_stored(o, 0, y->rank == 2 ? v : ln_tfl_reshape_as(o, v, y));
}

/* The last two dimensions swapped. */
static int32_t swapped(ln_tfl_op *o, int32_t value, int32_t rank)
{
    int64_t perm[LINNET_MAX_RANK];
    if (rank < 2) {
        ln_tfl_fail(o, LINNET_ERR_MODEL, "a matrix of %d dimensions", rank);
        return LN_NO_VALUE;
    }
    for (int32_t i = 0; i < rank; i++)
        perm[i] = i < rank - 2 ? i : 2 * rank - 3 - i;
    return ln_tfl_transpose(o, value, rank, perm);
}

void ln_tfl_batch_matmul(ln_tfl_op *o)
{
    int32_t in[2];
    for (uint32_t i = 0; i < 2; i++) {
        const ln_tfl_tensor *t = ln_tfl_in(o, i);
        in[i] = ln_tfl_real(o, i);
        if (i == 0 && t->rank > 1 && !ln_tfl_option(o, 0, 1, 0) && ln_tfl_hybrid(t, ln_tfl_in(o, 1)))
            in[i] = ln_tfl_rounded(o, in[i], t, t->rank - 1);
        if (ln_tfl_option(o, (int)i, 1, 0))
            in[i] = swapped(o, in[i], t->rank);
    }
    ln_tfl_set_real(o, 0, ln_tfl_node(o, "MatMul", 2, in, LN_NO_ATTRS));
}
