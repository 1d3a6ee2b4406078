/* SPDX-License-Identifier: Apache-2.0
 *
 * A power spectrum by a Fourier basis: the squares of two convolutions over samples (stride = hop), or of two products
 * of frames, whose weights are w[n] cos(2 pi k n/N) and -+ w[n] sin(2 pi k n/N) for k = 0 .. N/2, added up. The basis
 * is compared with that of the window in its first row; where it is one to 1e-5, a Spectrogram (ops/spectrogram.c) with
 * that window takes the place of both.
 *
 * N log N operations for a frame stand against N^2, unless N is small or has a large prime factor: where the product is
 * estimated to be faster, it stays.
 */
#include <math.h>
#include <stdio.h>

#include "engine/spectral.h"
#include "kernels/kernels.h"

/* In the units of ln_fft_cost, for a sample of a frame of n: the product's n multiply-adds, and what it takes to move
 * the sample into a transform and its power out. Measured for n of 8 to 512 on the avx512 tier. */
#define PRODUCT_COST(n) (1.1 * (double)(n))
#define MOVING_COST 16

enum { LEAST = 8 }; /* length that is looked at */

typedef struct basis {
    const float *re, *im; /* weights of bin k, sample n: at k * bin_step + n * sample_step */
    int64_t n, bins, bin_step, sample_step;
} basis;

static bool is_fourier(ln_graph *g, ln_pass_ctx *c, int32_t node, const basis *b)
{
    double *roots = ln_arena_array(g->arena, 2 * b->n, sizeof *roots), most = 0, off = 0;
    if (!roots)
        return false;
    for (int64_t j = 0; j < b->n; j++) {
        roots[2 * j] = cos(6.28318530717958647693 * (double)j / (double)b->n);
        roots[2 * j + 1] = sin(6.28318530717958647693 * (double)j / (double)b->n);
        most = fmax(most, fabs((double)b->re[j * b->sample_step]));
    }
    double sign = 0;
    for (int64_t k = 0; k < b->bins; k++)
        for (int64_t j = 0; j < b->n; j++) {
            double w = (double)b->re[j * b->sample_step];
            const double *root = roots + 2 * (k * j % b->n);
            double re = (double)b->re[k * b->bin_step + j * b->sample_step];
            double im = (double)b->im[k * b->bin_step + j * b->sample_step];
            if (sign == 0 && fabs(im) > 9e-6 * most)
                sign = im * w * root[1] > 0 ? 1 : -1;
            off = fmax(off, fmax(fabs(re - w * root[0]), fabs(im - sign * w * root[1])));
            if (!(off <= 1e-5 * most)) {
                if (k > 1)
                    ln_pass_refuse(c, g, node, "the weights are near to a Fourier basis, but not to 1e-5");
                return false;
            }
        }
    return most > 0;
}

/* The transform of b->n samples is faster than the product. */
static bool is_faster(ln_graph *g, ln_pass_ctx *c, int32_t node, const basis *b)
{
    ln_fft_desc d = {.n = (int32_t)b->n, .kind = LN_FFT_REAL, .width = ln_fft_width(false), .count = 1 << 10};
    double cost = b->n <= LN_FFT_MAX ? ln_fft_cost(&d) : -1;
    if (cost >= 0 && cost / (double)b->n + MOVING_COST < PRODUCT_COST(b->n))
        return true;
    if (c->refused) {
        char why[120];
        snprintf(why, sizeof why, "the weights are a Fourier basis, but of %lld samples, where the product is faster",
                 (long long)b->n);
        ln_pass_refuse(c, g, node, why);
    }
    return false;
}

static int32_t window_of(ln_graph *g, const basis *b)
{
    float *data;
    int32_t window = ln_rw_new_floats(g, 1, &b->n, &data);
    for (int64_t j = 0; window >= 0 && j < b->n; j++)
        data[j] = b->re[j * b->sample_step];
    return window;
}

/* Puts the Spectrogram where `add` is. signal: its input; from: see ln_spectral_arrange, of axes in the order of its
 * output. */
static linnet_status replace(ln_graph *g, ln_pass_ctx *c, int32_t add, int32_t signal, const basis *b, int64_t step,
                             int32_t rank, const int64_t *dims, const int32_t *from)
{
    int32_t out = g->nodes[add].out[0], x = ln_graph_value(g, ""), window = window_of(g, b);
    if (x < 0 || window < 0)
        return ln_rw_no_memory(c);
    ln_info info = {.kind = LINNET_TENSOR, .type = LINNET_FLOAT32, .rank = rank};
    for (int32_t i = 0; i < rank; i++)
        info.dims[i] = dims[i];
    g->values[x].info = info;
    ln_info kept = g->values[out].info;
    if (step)
        ln_pass_found(c, g, add, "the power of a windowed DFT by Conv: frames of %lld, one every %lld, %lld bins",
                      (long long)b->n, (long long)step, (long long)b->bins);
    else
        ln_pass_found(c, g, add, "the power of a windowed DFT by MatMul: rows of %lld, %lld bins", (long long)b->n,
                      (long long)b->bins);
    ln_attr attrs[] = {ln_rw_int("frame_step", step), ln_rw_int("frame_length", b->n), ln_rw_int("power", 2)};
    int32_t in[2] = {signal, window}, before = g->nodes[add].next;
    ln_graph_kill(g, add);
    if (ln_graph_insert_at(g, before, "ai.linnet", 1, "Spectrogram", "", 2, in, 1, &x, 3, attrs) < 0)
        return ln_rw_no_memory(c);
    g->values[out].info = kept;
    c->changes++;
    return ln_spectral_arrange(g, c, before, x, out, from);
}

/* -- Conv -----------------------------------------------------------------------------------------------------------
 */

static bool plain(const ln_node *n, const char *name, int64_t value)
{
    const ln_attr *a = ln_node_attr(n, name);
    for (int64_t i = 0; a && a->kind == LN_ATTR_INTLIST && i < a->n; i++)
        if (a->ints[i] != value)
            return false;
    return !a || a->kind == LN_ATTR_INTLIST || a->i == value;
}

static bool conv_basis(const ln_graph *g, const ln_node *re, const ln_node *im, basis *b, int64_t *step)
{
    const ln_info *wr = ln_rw_info(g, re->in[1]), *wi = ln_rw_info(g, im->in[1]), *x = ln_rw_info(g, re->in[0]);
    const ln_attr *sr = ln_node_attr(re, "strides"), *si = ln_node_attr(im, "strides");
    *b = (basis){.re = ln_rw_floats(g, re->in[1]), .im = ln_rw_floats(g, im->in[1])};
    *step = sr ? sr->ints[0] : 1;
    if (!b->re || !b->im || re->in[0] != im->in[0] || wr->rank != 3 || !ln_rw_same_shape(wr, wi) || wr->dims[1] != 1 ||
        ln_rw_in(re, 2) >= 0 || ln_rw_in(im, 2) >= 0 || !ln_info_known(x) || x->dims[1] != 1 ||
        (si ? si->ints[0] : 1) != *step)
        return false;
    const ln_node *both[2] = {re, im};
    for (int i = 0; i < 2; i++) {
        const ln_attr *pad = ln_node_attr(both[i], "auto_pad");
        if (!plain(both[i], "pads", 0) || !plain(both[i], "dilations", 1) || !plain(both[i], "group", 1) ||
            (pad && pad->s.size != 6) || ln_node_attr(both[i], LN_NAME_ACT) ||
            ln_node_attr(both[i], LN_NAME_CHANNELS_LAST))
            return false;
    }
    b->n = wr->dims[2], b->bins = wr->dims[0], b->bin_step = b->n, b->sample_step = 1;
    return b->n >= LEAST && b->bins == b->n / 2 + 1;
}

static linnet_status convolutions(ln_graph *g, ln_pass_ctx *c, int32_t id, const ln_node *re, const ln_node *im,
                                  const int32_t *from)
{
    basis b;
    int64_t step;
    if (!conv_basis(g, re, im, &b, &step))
        return LINNET_OK;
    if (!is_fourier(g, c, id, &b)) {
        const basis swapped = {
            .re = b.im, .im = b.re, .n = b.n, .bins = b.bins, .bin_step = b.bin_step, .sample_step = 1};
        if (!is_fourier(g, c, id, &swapped))
            return LINNET_OK;
        b = swapped;
    }
    if (!is_faster(g, c, id, &b))
        return LINNET_OK;
    /* [batch, 1, samples] -> [batch, samples, 1] */
    const ln_info *x = ln_rw_info(g, re->in[0]), *y = ln_rw_info(g, re->out[0]);
    int64_t dims[3] = {x->dims[0], x->dims[2], 1}, perm[3] = {0, 2, 1}, out[3] = {y->dims[0], y->dims[2], y->dims[1]};
    int32_t source = re->in[0], signal = ln_graph_value(g, ""), order[LN_MAX_RANK];
    ln_attr attr = ln_spectral_ints(g, "perm", 3, perm);
    if (signal < 0 || !attr.name)
        return ln_rw_no_memory(c);
    g->values[signal].info =
        (ln_info){.kind = LINNET_TENSOR, .type = LINNET_FLOAT32, .rank = 3, .dims = {dims[0], dims[1], dims[2]}};
    if (ln_graph_insert_at(g, id, "", LN_PASS_OPSET, "Transpose", "", 1, &source, 1, &signal, 1, &attr) < 0)
        return ln_rw_no_memory(c);
    for (int32_t i = 0; i < LN_MAX_RANK; i++) /* bins and frames change places */
        order[i] = from[i] == 1 ? 2 : from[i] == 2 ? 1 : from[i];
    return replace(g, c, id, signal, &b, step, 3, out, order);
}

/* -- MatMul -----------------------------------------------------------------------------------------------------------
 */

static linnet_status products(ln_graph *g, ln_pass_ctx *c, int32_t id, const ln_node *re, const ln_node *im,
                              const int32_t *from)
{
    const ln_info *w = ln_rw_info(g, re->in[1]), *y = ln_rw_info(g, re->out[0]);
    basis b = {.re = ln_rw_floats(g, re->in[1]), .im = ln_rw_floats(g, im->in[1])};
    if (!b.re || !b.im || re->in[0] != im->in[0] || w->rank != 2 || !ln_rw_same_shape(w, ln_rw_info(g, im->in[1])) ||
        re->n_in != 2 || im->n_in != 2 || re->n_attrs || im->n_attrs || y->rank < 1)
        return LINNET_OK;
    b.n = w->dims[0], b.bins = w->dims[1], b.bin_step = 1, b.sample_step = b.bins;
    if (b.n < LEAST || b.bins != b.n / 2 + 1)
        return LINNET_OK;
    if (!is_fourier(g, c, id, &b)) {
        const float *t = b.re;
        b.re = b.im, b.im = t;
        if (!is_fourier(g, c, id, &b))
            return LINNET_OK;
    }
    if (!is_faster(g, c, id, &b))
        return LINNET_OK;
    int64_t dims[LN_MAX_RANK];
    for (int32_t i = 0; i < y->rank; i++)
        dims[i] = y->dims[i];
    return replace(g, c, id, re->in[0], &b, 0, y->rank, dims, from);
}

linnet_status ln_pass_fourier(ln_graph *g, ln_pass_ctx *c)
{
    LN_FOR_NODES(g, id)
    {
        const ln_node *n = &g->nodes[id];
        if (!ln_node_is(n, "Add") || n->n_attrs || ln_rw_info(g, n->out[0])->type != LINNET_FLOAT32)
            continue;
        int32_t a = ln_spectral_squared(g, n->in[0]), b = ln_spectral_squared(g, n->in[1]);
        if (a < 0 || b < 0 || !ln_info_known(ln_rw_info(g, a)) ||
            !ln_rw_same_shape(ln_rw_info(g, a), ln_rw_info(g, b)) ||
            !ln_rw_same_shape(ln_rw_info(g, a), ln_rw_info(g, n->out[0])))
            continue;
        int32_t from[LN_MAX_RANK], other[LN_MAX_RANK], rank = ln_rw_info(g, a)->rank;
        a = ln_spectral_trace(g, a, from), b = ln_spectral_trace(g, b, other);
        bool same = true;
        for (int32_t i = 0; i < rank; i++)
            same = same && from[i] == other[i];
        const ln_node *ca = ln_rw_producer(g, a, "Conv"), *cb = ln_rw_producer(g, b, "Conv");
        const ln_node *ma = ln_rw_producer(g, a, "MatMul"), *mb = ln_rw_producer(g, b, "MatMul");
        linnet_status st = LINNET_OK;
        if (same && ca && cb)
            st = convolutions(g, c, id, ca, cb, from);
        else if (same && ma && mb)
            st = products(g, c, id, ma, mb, from);
        if (st != LINNET_OK)
            return st;
    }
    return LINNET_OK;
}
