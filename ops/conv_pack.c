/* SPDX-License-Identifier: Apache-2.0
 *
 * Weights of a convolution of float32 as its kernels read them, with the biases. Weights of some output channels lie in
 * one piece: constants are packed part by part, by all threads.
 */
#include "kernels/gemm_bf16.h"
#include "ops/conv.h"

#define PART_BYTES ((size_t)256 << 10) /* of a constant that a thread packs at a time */

/* Output channels [begin, begin + n) of one group, from a multiple of the panels' width on; w: the first one's. */
static void pack_channels(const ln_conv *p, float *to, const float *w, const float *bias, size_t begin, size_t n)
{
    const ln_gemm_f32_desc *d = LN_D(gemm_f32);
    size_t k = (size_t)(p->in_channels / p->group), taps = (size_t)p->taps, all = (size_t)(p->out_channels / p->group);
    size_t first = begin % all;
    if (p->tiles) {
        ln_conv_winograd_pack(p, to, w, begin, n);
        return;
    }
    ln_gemm_f32_b b = {.b = w,
                       .n_stride = k * taps,
                       .tap_stride = 1,
                       .k_stride = taps,
                       .bias = bias ? bias + begin : NULL,
                       .bias_stride = 1,
                       .scale = 1,
                       .bias_scale = 1};
    to += begin / all * (size_t)p->group_packed + first * (taps * k + 1);
    ln_gemm_f32_pack(d, to, n, taps, k, &b, 0, (n + d->nr - 1) / d->nr);
}

/* Depthwise: bias, then the taps, each a row of all output channels. */
static void pack_depthwise(const ln_conv *p, float *to, const float *w, const float *bias)
{
    size_t n = (size_t)p->out_channels;
    for (size_t c = 0; c < n; c++)
        to[c] = bias ? bias[c] : 0;
    LN_K(transpose_f32)(to + n, n, w, (size_t)p->taps, n, (size_t)p->taps);
}

/* Winograd's biases are a row of their own. */
static void pack_bias(const ln_conv *p, float *to, const float *bias)
{
    for (int64_t o = 0; p->tiles && bias && o < p->out_channels; o++)
        to[o] = bias[o];
}

void ln_conv_pack(const ln_conv *p, float *to, const float *w, const float *bias)
{
    int64_t n = p->out_channels / p->group, one = p->in_channels / p->group * p->taps;
    if (p->depthwise) {
        pack_depthwise(p, to, w, bias);
        return;
    }
    pack_bias(p, to, bias);
    for (int64_t g = 0; g < p->group; g++)
        pack_channels(p, to, w + g * n * one, bias, (size_t)(g * n), (size_t)n);
}

typedef struct packing {
    const ln_ctx *c;
    const ln_conv *p;
    float *to;
    const float *bias;
    size_t n, one;      /* output channels of a group; elements of one */
    size_t step, items; /* output channels of an item; items of a group */
} packing;

static bool pack_items(void *arg, void *buffer, int64_t begin, int64_t end)
{
    const packing *t = arg;
    for (size_t i = (size_t)begin; i < (size_t)end; i++) {
        size_t in_group = i % t->items * t->step, first = i / t->items * t->n + in_group;
        size_t some = t->n - in_group < t->step ? t->n - in_group : t->step;
        const float *w = ln_input_part(t->c, 1, first * t->one * sizeof *w, some * t->one * sizeof *w, buffer);
        if (!w)
            return false;
        if (t->p->depthwise)
            pack_depthwise(t->p, t->to, w, t->bias);
        else
            pack_channels(t->p, t->to, w, t->bias, first, some);
    }
    return true;
}

int64_t ln_conv_half_columns(const ln_conv *p)
{
    int64_t nr = LN_D(gemm_f32)->nr;
    return (p->out_channels / p->group + nr - 1) / nr * nr;
}

int64_t ln_conv_half_biases(const ln_conv *p)
{
    return (p->group * ln_conv_half_columns(p) * (int64_t)sizeof(float) + 63) / 64 * 64;
}

void ln_conv_pack_half(const ln_conv *p, void *to, const uint16_t *w, const float *bias)
{
    size_t n = (size_t)(p->out_channels / p->group), k = (size_t)(p->in_channels / p->group), taps = (size_t)p->taps;
    float *head = to;
    uint16_t *panels = (uint16_t *)(void *)((char *)to + ln_conv_half_biases(p));
    for (int64_t g = 0; g < p->group; g++, head += ln_conv_half_columns(p), panels += p->group_packed) {
        for (size_t j = 0; bias && j < n; j++)
            head[j] = *bias++;
        (p->packed == LN_CONV_PAIRS ? ln_gemm_bf16_pack : ln_gemm_f32_pack_half)(LN_D(gemm_f32), panels, n, taps, k, w,
                                                                                 k * taps, 1, taps);
        w += n * k * taps;
    }
}

/* Weights of 16 bits in a form of float32: widened a few panels at a time. */
static linnet_status pack_widened(ln_ctx *c, const ln_conv *p, float *to, const float *bias)
{
    const ln_info *w = c->in[1];
    int64_t nr = LN_D(gemm_f32)->nr, n = p->out_channels / p->group, one = p->in_channels / p->group * p->taps;
    int64_t step = ((int64_t)PART_BYTES / (nr * one * (int64_t)sizeof(float)) + 1) * nr;
    float *part = ln_temporary(c, (size_t)((step < n ? step : n) * one) * sizeof *part);
    if (!part)
        return ln_no_memory(c);
    pack_bias(p, to, bias);
    for (int64_t i = 0, some; i < p->out_channels; i += some) {
        some = n - i % n < step ? n - i % n : step;
        ln_to_f32(part, w->data, w->type, i * one, some * one);
        pack_channels(p, to, part, bias, (size_t)i, (size_t)some);
    }
    return LINNET_OK;
}

linnet_status ln_conv_pack_constant(ln_ctx *c, const ln_conv *p, float *to, const float *bias)
{
    size_t nr = LN_D(gemm_f32)->nr, groups = p->depthwise ? 1 : (size_t)p->group;
    packing t = {.c = c, .p = p, .to = to, .bias = bias};
    t.n = (size_t)p->out_channels / groups;
    t.one = (size_t)((p->depthwise ? 1 : p->in_channels / p->group) * p->taps);
    if (t.n == 0 || t.one == 0) {
        ln_conv_pack(p, to, c->in[1]->data, bias);
        return LINNET_OK;
    }
    if (c->in[1]->type != LINNET_FLOAT32)
        return pack_widened(c, p, to, bias);
    size_t bytes = t.one * sizeof(float), step = (PART_BYTES / (nr * bytes) + 1) * nr;
    t.step = p->depthwise || step > t.n ? t.n : step;
    t.items = (t.n + t.step - 1) / t.step;
    pack_bias(p, to, bias);
    return ln_pack_parallel(c, 1, t.step * bytes, (int64_t)(groups * t.items), 0.2 * (double)(t.step * bytes),
                            pack_items, &t);
}
