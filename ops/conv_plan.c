/* SPDX-License-Identifier: Apache-2.0
 *
 * Plans convolutions of float32: by which of the ways they run, what is copied, and how weights are packed.
 */
#include "kernels/gemm_bf16.h"
#include "ops/conv.h"

/* Windows of up to so many elements are worth a padded copy: of few input channels, or for few output channels, which
 * leave half of a micro-kernel's columns empty. The smaller ones are computed line by line. */
#define MERGE_CHANNELS 16
#define MERGE_WINDOW 1024
#define LINES_WINDOW 192
#define NARROW_WINDOW 1024
#define NARROW_LINE 7 /* pixels of an output line from which on several share a micro-kernel */

linnet_status ln_conv_reserve(ln_ctx *c, int64_t *total, int64_t *at, int64_t count, int64_t size)
{
    LN_TRY(ln_mul_size(c, count, size, &count));
    *at = *total;
    *total += (count + 63) / 64 * 64;
    return LINNET_OK;
}

static linnet_status plan_copies(ln_ctx *c, ln_conv *p, int64_t *total)
{
    int64_t channels = p->in_channels, elements = 0;
    int64_t repeat = p->depthwise ? p->out_channels / p->in_channels : 1;
    bool short_taps = channels < MERGE_CHANNELS && p->taps * channels <= MERGE_WINDOW;
    bool few = short_taps && p->taps * channels <= LINES_WINDOW;
    bool narrow =
        p->out[2] >= NARROW_LINE && p->out_channels <= LN_D(gemm_f32)->nr / 2 && p->taps * channels <= NARROW_WINDOW;
    p->merge = !c->frugal && p->group == 1 && (short_taps || narrow) && p->kernel[2] > 1 && p->dilation[2] == 1;
    p->lines = p->merge && (few || narrow) && !p->fused.residual && !LN_D(gemm_f32)->no_lines;
    if (p->merge)
        p->depthwise = 0;
    p->copy_in = p->merge || repeat != 1 || (p->channels_last != LN_ALL_LAST && channels > 1 && p->in_pixels > 1);
    p->copy_out = !p->channels_last && p->out_channels > 1 && p->out_pixels > 1;
    if (p->copy_in) {
        LN_TRY(ln_mul_size(c, p->batch, channels * (p->merge ? 1 : repeat), &elements));
        for (int32_t d = 0; d < 3; d++)
            LN_TRY(ln_mul_size(c, elements, p->merge ? ln_conv_padded(p, d) : p->in[d], &elements));
    }
    LN_TRY(ln_conv_reserve(c, total, &p->at_in, elements, sizeof(float)));
    return ln_conv_reserve(c, total, &p->at_out, p->copy_out && !ln_conv_turns_lines(p) ? ln_info_count(c->out[0]) : 0,
                           sizeof(float));
}

/* Weights of bfloat16 may go in pairs, as the images have such elements then: the pass `widen` says so. Winograd's
 * method would not be faster. */
static bool may_pair(const ln_ctx *c, const ln_conv *p)
{
    return c->in[1]->type == LINNET_BFLOAT16 && !c->frugal && p->packed && !p->merge && !p->depthwise &&
           (p->taps == 1 || p->in_channels / p->group % 2 == 0) && p->batch * p->out_pixels > LN_GEMM_FEW_ROWS &&
           ln_gemm_bf16_there(LN_D(gemm_f32));
}

/* Weights of 16 bits stay so where a product reads them: Winograd's are others, those of windows in few channels few,
 * and a frugal plan has no room to widen them in. */
static bool plan_half(ln_ctx *c, ln_conv *p, bool pairs)
{
    const ln_gemm_f32_desc *d = LN_D(gemm_f32);
    if (c->in[1]->type == LINNET_FLOAT32 || !p->packed || p->tiles || p->depthwise || p->merge || c->frugal)
        return false;
    size_t n = (size_t)(p->out_channels / p->group), k = (size_t)(p->in_channels / p->group), taps = (size_t)p->taps;
    p->type = c->in[1]->type; /* less than what was packed before */
    p->group_packed = (int64_t)(pairs ? ln_gemm_bf16_packed(d, n, taps, k) : ln_gemm_f32_packed_half(d, n, taps * k));
    p->group_packed = (p->group_packed + 31) / 32 * 32;
    p->worker = pairs ? (int64_t)ln_gemm_bf16_scratch(d, (size_t)(p->batch * p->out_pixels), taps, k)
                      : p->worker + (int64_t)ln_gemm_f32_scratch_half(d, n, taps * k);
    p->packed = pairs ? LN_CONV_PAIRS : 1;
    if (pairs)
        LN_SET_RUN(c, ln_conv_pairs_f32);
    else
        LN_SET_RUN(c, ln_conv_half_f32);
    return true;
}

linnet_status ln_conv_plan_f32(ln_ctx *c, ln_conv *p)
{
    const ln_gemm_f32_desc *d = LN_D(gemm_f32);
    const ln_info *w = c->in[1], *bias = ln_in(c, 2);
    int64_t total = 0, n = p->out_channels / p->group, k = p->in_channels / p->group;
    LN_SET_RUN(c, ln_conv_f32);
    p->depthwise = k == 1 && p->group > 1 && p->out_channels > 0;
    if (ln_conv_is_planes(p))
        return ln_conv_plan_planes(c, p);
    if (w->type == LINNET_FLOAT32 && ln_conv_is_points(p))
        return ln_conv_plan_points(c, p);
    LN_TRY(plan_copies(c, p, &total));
    if (w->type == LINNET_FLOAT32 && ln_conv_turns_lines(p) && ln_conv_is_windows(c, p))
        return ln_conv_plan_windows(c, p);
    p->x_pixel = p->in_channels;
    p->y_pixel = p->out_channels;
    if (p->depthwise)
        ln_conv_depthwise_plan(c, p);
    if (p->channels_last == LN_ALL_LAST && !p->in_place)
        ln_in_rows(c, 0, &p->x_pixel);
    if (p->channels_last && !p->in_place &&
        !(p->depthwise && p->fused.residual)) /* whose residual has the pixels of the output */
        ln_out_rows(c, 0, &p->y_pixel);
    size_t packed;
    if (p->depthwise) {
        packed = (size_t)(p->out_channels * (p->taps + 1));
        p->worker = (p->kernel[0] * p->kernel[1] * (int64_t)c->pointer_bytes + 63) / 64 * 64;
        if (p->in_place)
            LN_TRY(ln_conv_reserve(c, &total, &p->at_in, p->kernel[1] * p->in[2] * p->in_channels, sizeof(float)));
    } else {
        packed = ln_gemm_f32_packed(d, (size_t)n, (size_t)p->taps, (size_t)k);
        int64_t merged = p->merge ? p->kernel[2] : 1; /* taps that are one */
        p->worker = p->lines ? ln_conv_lines_worker(p)
                             : (int64_t)ln_gemm_f32_scratch(d, (size_t)(p->batch * p->out_pixels), (size_t)n,
                                                            (size_t)(p->taps / merged), (size_t)(k * merged));
    }
    if (packed > SIZE_MAX / 64)
        return ln_fail(c, LINNET_ERR_MEMORY, "the weights are too large");
    p->group_packed = (int64_t)(packed + 15) / 16 * 16;
    p->packed = w->data && (!bias || bias->data);
    const bool pairs = may_pair(c, p);
    if (p->winograd && p->packed && !p->merge && !pairs)
        LN_TRY(ln_conv_winograd_plan(c, p));
    if (p->tiles)
        LN_SET_RUN(c, ln_conv_winograd_f32);
    const bool half = plan_half(c, p, pairs);
    int64_t bytes, groups = p->depthwise || p->tiles ? 1 : p->group;
    LN_TRY(ln_mul_size(c, p->group_packed * (int64_t)(half ? sizeof(uint16_t) : sizeof(float)), groups, &bytes));
    bytes += half ? ln_conv_half_biases(p) : 0;
    LN_TRY(ln_conv_reserve(c, &total, &p->at_zero, k, sizeof(float)));
    LN_TRY(ln_conv_reserve(c, &total, &p->at_packed, p->packed ? 0 : bytes, 1));
    LN_TRY(ln_conv_reserve(c, &total, &p->at_workers, p->worker, c->threads));
    ln_scratch(c, (size_t)total);
    if (!p->packed)
        return LINNET_OK;
    bool filled;
    uint64_t layout = (uint64_t)p->group << 4 | (uint64_t)(half ? 4 * p->packed : 0) |
                      (uint64_t)(p->depthwise ? 2 : 0) | (uint64_t)(p->tiles > 0);
    float *to = ln_pack_shared(c, (size_t)bytes, layout, &filled);
    if (!to)
        return ln_no_memory(c);
    if (!filled && half)
        ln_conv_pack_half(p, to, w->data, bias ? bias->data : NULL);
    else if (!filled)
        LN_TRY(ln_conv_pack_constant(c, p, to, bias ? bias->data : NULL));
    ln_drop_input(c, 1);
    if (bias)
        ln_drop_input(c, 2);
    return LINNET_OK;
}
