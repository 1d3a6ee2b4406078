/* SPDX-License-Identifier: Apache-2.0
 *
 * Depthwise convolution of float32 over images as the file has them, channels first: some planes are a call of a kernel
 * (kernels/conv.h), which takes windows of 3 x 3 and 5 x 5. The layout pass leaves the convolution so where its
 * neighbours have channels first, too.
 */
#include <math.h>

#include "kernels/kernels.h"
#include "ops/conv.h"

bool ln_conv_is_planes(const ln_conv *p)
{
    const int64_t k = p->kernel[2], s = p->stride[2];
    return p->depthwise && !p->channels_last && p->window.n == 2 && p->kernel[1] == k && p->stride[1] == s &&
           ln_dw_planes_pays(LN_D(gemm_f32)->dw_planes, k, s, p->out[2]) && p->dilation[1] == 1 &&
           p->dilation[2] == 1 && p->pad[1] >= 0 && p->pad[1] < k && p->pad[2] >= 0 && p->pad[2] < k;
}

#define SOME 4096 /* outputs whose activation is done while they are in the first cache */

/* Planes [begin, end) of all images. Those of an image go together, unless some read the same plane. */
static void planes(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    const ln_conv *p = a->params;
    const int64_t repeat = p->out_channels / p->in_channels, window = p->kernel[1] * p->kernel[2];
    const float *bias = p->bias ? a->in[2] : NULL, *r = p->fused.residual ? a->in[3] : NULL;
    ln_dw_planes d = {.k = (size_t)p->kernel[2], .stride = (size_t)p->stride[2], .lo = -INFINITY, .hi = INFINITY};
    (void)worker;
    for (int32_t i = 0; i < 2; i++) {
        d.in[i] = (size_t)p->in[i + 1];
        d.out[i] = (size_t)p->out[i + 1];
        d.pad[i] = (size_t)p->pad[i + 1];
    }
    if (p->fused.act == LN_ACT_RELU)
        d.lo = 0;
    if (p->fused.act == LN_ACT_CLIP) {
        d.lo = p->fused.lo;
        d.hi = p->fused.hi;
    }
    while (begin < end) {
        int64_t image = begin / p->out_channels, channel = begin % p->out_channels, n = p->out_channels - channel;
        n = repeat > 1 ? 1 : n < end - begin ? n : end - begin;
        if (p->fused.act > LN_ACT_CLIP && n * p->out_pixels > SOME)
            n = p->out_pixels < SOME ? SOME / p->out_pixels : 1;
        d.planes = (size_t)n;
        d.x = (const float *)a->in[0] + (image * p->in_channels + channel / repeat) * p->in_pixels;
        d.w = (const float *)a->in[1] + channel * window;
        d.bias = bias ? bias + channel : NULL;
        d.r = r ? r + begin * p->out_pixels : NULL;
        d.y = (float *)a->out[0] + begin * p->out_pixels;
        LN_K(dwplanes_f32)(&d);
        if (p->fused.act > LN_ACT_CLIP)
            ln_act_f32(d.y, (size_t)(n * p->out_pixels), (ln_act)p->fused.act, p->fused.lo, p->fused.hi);
        begin += n;
    }
}

LN_RUN(ln_conv_planes_f32)
{
    const ln_conv *p = a->params;
    ln_args copy = *a;
    ln_parallel(a, p->batch * p->out_channels, 30 + 0.05 * (double)p->out_pixels * (double)p->taps, planes, &copy);
    return LINNET_OK;
}

linnet_status ln_conv_plan_planes(ln_ctx *c, const ln_conv *p)
{
    (void)p;
    LN_SET_RUN(c, ln_conv_planes_f32);
    return LINNET_OK;
}
