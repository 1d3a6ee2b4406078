/* SPDX-License-Identifier: Apache-2.0
 *
 * Parameters of a convolution, which its operator files share: conv.c infers, conv_plan.c plans float32, conv_f32.c
 * runs it, conv_any.c does the other types.
 */
#ifndef LN_OPS_CONV_H
#define LN_OPS_CONV_H

#include "kernels/conv.h"
#include "kernels/kernels.h"
#include "ops/fused.h"
#include "ops/spatial.h"

/* ln_conv.packed: weights of bfloat16 are packed in pairs (kernels/gemm_bf16.h). */
enum { LN_CONV_PAIRS = 2 };
/* Values of linnet.channels_last. */
enum { LN_ALL_LAST = 1, LN_OUTPUT_LAST = 2 };

typedef struct ln_conv {
    ln_fused fused;
    int64_t channels_last, group, winograd;
    ln_window window;
    /* By plan. Spatial sizes are three, with leading ones. */
    int64_t batch, in_channels, out_channels;
    int64_t in[3], out[3], kernel[3], stride[3], dilation[3], pad[3];
    int64_t in_pixels, out_pixels, taps;
    int32_t type; /* of the images; of float32 the packed weights' */
    int32_t threads;
    int32_t bias;      /* there is one */
    int32_t depthwise; /* one input channel per group */
    int32_t packed;    /* weights and bias are constant; LN_CONV_PAIRS */
    int32_t copy_in;   /* the input is copied: transposed, padded, or repeated for depthwise with several outputs */
    int32_t copy_out;  /* the output is transposed */
    int32_t tiles;     /* by Winograd's tiles: tiles of a task; 0: directly */
    int32_t along;     /* tiles: windows of 3 along this dimension; -1: 3 x 3 */
    int32_t merge;     /* the copy is padded, and the last dimension of the kernel is one tap */
    int32_t lines;     /* merged, and computed line by line (kernels/lineconv.inc) */
    int32_t in_place;  /* depthwise: the output may lie where the input does */
    int64_t x_pixel, y_pixel; /* channels last: elements from pixel to pixel */
    int64_t group_packed;     /* elements of the packed weights of a group */
    /* Bytes in scratch. */
    int64_t at_in, at_out, at_zero, at_packed, at_workers, worker;
} ln_conv;

/* Rows of the attributes of the specification, of a struct that begins with an ln_conv. */
#define LN_ATTRS_CONV LN_ATTRS_WINDOW(ln_conv, window), LN_ATTR_DILATIONS(ln_conv, window), LN_ATTR_I(ln_conv, group, 1)
linnet_status ln_conv_infer(ln_ctx *c);
linnet_status ln_conv_plan(ln_ctx *c);

linnet_status ln_conv_plan_f32(ln_ctx *c, ln_conv *p);
/* Packs weights and bias (NULL: none); the second: input 1, a constant. */
void ln_conv_pack(const ln_conv *p, float *to, const float *w, const float *bias);
linnet_status ln_conv_pack_constant(ln_ctx *c, const ln_conv *p, float *to, const float *bias);
/* Weights of 16 bits as they are, or in pairs: the biases of each group in whole panels, then the panels. */
void ln_conv_pack_half(const ln_conv *p, void *to, const uint16_t *w, const float *bias);
int64_t ln_conv_half_columns(const ln_conv *p); /* of a group's panels */
int64_t ln_conv_half_biases(const ln_conv *p);  /* bytes */
/* Winograd, of channels-last images. plan sets p->tiles, group_packed (of everything) and worker, or leaves tiles 0. */
typedef struct ln_conv_images {
    const float *x;
    int64_t x_pixel;
    const float *r, *weights, *zero; /* r may be NULL; zero: a row of in_channels zeros */
    float *y;
    char *workers;
} ln_conv_images;
typedef void ln_conv_run_fn(const ln_args *a, const ln_conv *p, const ln_conv_images *images);
linnet_status ln_conv_winograd_plan(ln_ctx *c, ln_conv *p);
/* Weights w of n output channels, from a multiple of the panels' width on; the biases are a row before all. */
void ln_conv_winograd_pack(const ln_conv *p, float *to, const float *w, size_t begin, size_t n);
void ln_conv_winograd_run(const ln_args *a, const ln_conv *p, const ln_conv_images *images);

/* The extent of the padded copy. */
static inline int64_t ln_conv_padded(const ln_conv *p, int32_t d)
{
    int64_t need = (p->out[d] - 1) * p->stride[d] + (p->kernel[d] - 1) * p->dilation[d] + 1;
    int64_t have = p->in[d] + p->pad[d];
    return need > have ? need : have;
}

/* The activation of `pixels` output pixels that the kernels leave to be done. */
void ln_conv_act(const ln_conv *p, float *y, int64_t pixels);

/* Whether lines are turned one by one where the output has channels first; else all of it is, afterwards. */
static inline bool ln_conv_turns_lines(const ln_conv *p)
{
#ifdef LN_FIRMWARE
    (void)p;
    return false;
#else
    return p->lines && p->copy_out && LN_D(gemm_f32)->panels;
#endif
}

/* Of the padded copy (images->x), without a residual. Workers need ln_conv_lines_worker bytes. */
int64_t ln_conv_lines_worker(const ln_conv *p);
void ln_conv_lines_run(const ln_args *a, const ln_conv *p, const ln_conv_images *images);

/* Depthwise. The first is called once the copies are planned; in_place: scratch at at_in has room for kernel[1] lines.
 */
void ln_conv_depthwise_plan(ln_ctx *c, ln_conv *p);
void ln_conv_depthwise_run(const ln_args *a, const ln_conv *p, const ln_conv_images *images);

/* Depthwise with channels first: whether there is a kernel for it. */
bool ln_conv_is_planes(const ln_conv *p);
linnet_status ln_conv_plan_planes(ln_ctx *c, const ln_conv *p);

/* 1x1, and windows in few channels, with channels first, by pixels: whether it is faster so. */
bool ln_conv_is_points(const ln_conv *p);
linnet_status ln_conv_plan_points(ln_ctx *c, ln_conv *p);
bool ln_conv_is_windows(const ln_ctx *c, const ln_conv *p);
linnet_status ln_conv_plan_windows(ln_ctx *c, ln_conv *p);

/* Adds room for count elements of size bytes to a scratch of *total bytes; *at is where. */
linnet_status ln_conv_reserve(ln_ctx *c, int64_t *total, int64_t *at, int64_t count, int64_t size);

/* Float32 with channels last inside; by Winograd's method; with weights of 16 bits, in pairs or widened. */
linnet_status ln_conv_f32(const ln_args *a);
linnet_status ln_conv_winograd_f32(const ln_args *a);
linnet_status ln_conv_pairs_f32(const ln_args *a);
linnet_status ln_conv_half_f32(const ln_args *a);
linnet_status ln_conv_plan_any(ln_ctx *c, const ln_conv *p);

#endif
