/* SPDX-License-Identifier: Apache-2.0
 *
 * Row pointers of convolutions; see conv.h.
 */
#include "kernels/conv.h"

/* Pointers of all taps for one output pixel, at[0], at[stride], ... */
static void pixel(const ln_conv_source *s, const float *image, const size_t o[3], const float **at, size_t stride)
{
    const ln_conv_shape *g = s->shape;
    /* Padding wraps to huge numbers, which are out of the image as well. */
    size_t z = o[0] * g->stride[0] - g->pad[0], x0 = o[2] * g->stride[2] - g->pad[2];
    size_t step = g->dilation[2] * g->pixel;
    for (size_t i = 0; i < g->kernel[0]; i++, z += g->dilation[0]) {
        size_t y = o[1] * g->stride[1] - g->pad[1];
        for (size_t j = 0; j < g->kernel[1]; j++, y += g->dilation[1]) {
            size_t x = x0;
            if (z >= g->in[0] || y >= g->in[1]) {
                for (size_t k = 0; k < g->kernel[2]; k++, at += stride)
                    *at = s->zero;
                continue;
            }
            size_t line = (z * g->in[1] + y) * g->in[2] * g->pixel;
            if (x < g->in[2] && x + (g->kernel[2] - 1) * g->dilation[2] < g->in[2]) {
                const float *p = image + line + x * g->pixel;
                for (size_t k = 0; k < g->kernel[2]; k++, at += stride, p += step)
                    *at = p;
                continue;
            }
            for (size_t k = 0; k < g->kernel[2]; k++, at += stride, x += g->dilation[2])
                *at = x < g->in[2] ? image + line + x * g->pixel : s->zero;
        }
    }
}

void ln_conv_rows(const void *arg, size_t begin, size_t count, const float **rows, size_t stride)
{
    const ln_conv_source *s = arg;
    const ln_conv_shape *g = s->shape;
    size_t line = begin / g->out[2], o[3];
    o[2] = begin % g->out[2];
    o[1] = line % g->out[1];
    o[0] = line / g->out[1] % g->out[0];
    const float *image = s->x + line / g->out[1] / g->out[0] * g->image;
    for (size_t i = 0; i < count; i++) {
        pixel(s, image, o, rows + i, stride);
        if (++o[2] < g->out[2])
            continue;
        o[2] = 0;
        if (++o[1] < g->out[1])
            continue;
        o[1] = 0;
        if (++o[0] < g->out[0])
            continue;
        o[0] = 0;
        image += g->image;
    }
}
