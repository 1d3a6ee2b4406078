// SPDX-License-Identifier: Apache-2.0
//
// float32 convolutions of ResNet50, MobileNetV2 and EfficientNet on every tier beside oneDNN: channels-last here, its
// own layouts there with the reorders left out; 1x1 and 3x3 as products through row pointers, first layers line by line
// (with the padded copy that takes), depthwise 3x3 and 5x5, a ReLU in all. Winograd is not in this table: it rounds
// otherwise, and `linnet bench` shows it in whole networks.
//
//     make build/bench/bench_conv && build/bench/bench_conv --benchmark_filter='dw.*/(avx512|onednn)'
#include "bench/peers.h"

#include <cmath>

extern "C" {
#include "kernels/conv.h"
}

namespace
{

struct Conv {
    const char *name;
    size_t in, out, size, kernel, stride;
    bool depthwise;
    size_t out_size() const
    {
        return (size + kernel / 2 * 2 - kernel) / stride + 1;
    }
    double operations() const
    {
        double pixels = double(out_size()) * double(out_size());
        return 2 * pixels * double(out) * double(depthwise ? 1 : in) * double(kernel) * double(kernel);
    }
};

void convolution(benchmark::State &state, const ln_gemm_f32_desc *d, const Conv &s)
{
    ln_conv_shape g = {};
    for (int i = 0; i < 3; i++) {
        g.in[i] = i ? s.size : 1;
        g.out[i] = i ? s.out_size() : 1;
        g.kernel[i] = i ? s.kernel : 1;
        g.stride[i] = i ? s.stride : 1;
        g.dilation[i] = 1;
        g.pad[i] = i ? s.kernel / 2 : 0;
    }
    g.pixel = s.in;
    g.image = s.size * s.size * s.in;
    size_t taps = s.kernel * s.kernel, m = g.out[1] * g.out[2];
    Buffer<float> x(g.image), w(taps * s.in * s.out), y(m * s.out, false), zero(s.in, false);
    Buffer<float> packed(ln_gemm_f32_packed(d, s.out, taps, s.in), false);
    Buffer<char> scratch(ln_gemm_f32_scratch(d, SIZE_MAX, SIZE_MAX, taps, s.in) + 64, false);
    ln_gemm_f32_b from = {};
    from.b = w.data;
    from.n_stride = taps * s.in;
    from.tap_stride = 1;
    from.k_stride = taps;
    from.scale = 1;
    ln_gemm_f32_pack(d, packed.data, s.out, taps, s.in, &from, 0, (s.out + d->nr - 1) / d->nr);
    ln_conv_source source = {&g, x.data, zero.data};
    ln_gemm_f32_job job = {};
    job.d = d;
    job.m = m;
    job.n = job.ldc = s.out;
    job.taps = taps;
    job.k = s.in;
    job.a = x.data;
    job.a_row = s.in;
    job.a_col = 1;
    if (taps > 1 || s.stride > 1) {
        job.rows = ln_conv_rows;
        job.rows_arg = &source;
        job.zero = zero.data;
        job.rows_pitch = s.in * s.stride;
    }
    job.b = packed.data;
    job.c = y.data;
    job.act = LN_ACT_RELU;
    ln_gemm_f32_prepare(&job, 1);
    repeat(state, s.operations(), [&] { ln_gemm_f32_run(&job, scratch.data, 0, job.tiles); });
}

// Three channels, as plans read them: a padded copy of the image, and from it line by line.
void lines(benchmark::State &state, const ln_kernel_table *t, const Conv &s)
{
    const ln_gemm_f32_desc *d = t->gemm_f32;
    size_t pad = s.kernel / 2, wide = (s.size + 2 * pad) * s.in, out = s.out_size(), taps = s.kernel * s.kernel;
    Buffer<float> x(s.size * s.size * s.in), padded((s.size + 2 * pad) * wide, false), w(taps * s.in * s.out);
    Buffer<float> packed(ln_gemm_f32_packed(d, s.out, s.kernel, s.kernel * s.in), false), y(out * out * s.out, false);
    ln_gemm_f32_b from = {};
    from.b = w.data;
    from.n_stride = taps * s.in;
    from.tap_stride = s.kernel * s.in;
    from.k_stride = from.scale = 1;
    ln_gemm_f32_pack(d, packed.data, s.out, s.kernel, s.kernel * s.in, &from, 0, (s.out + d->nr - 1) / d->nr);
    repeat(state, s.operations(), [&] {
        for (size_t i = 0; i < s.size; i++)
            std::memcpy(padded.data + (i + pad) * wide + pad * s.in, x.data + i * s.size * s.in,
                        s.size * s.in * sizeof(float));
        for (size_t o = 0; o < out; o++) {
            const float *rows[8];
            for (size_t i = 0; i < s.kernel; i++)
                rows[i] = padded.data + (o * s.stride + i) * wide;
            ln_line_conv l = {};
            l.rows = rows;
            l.lines = s.kernel;
            l.k = s.kernel * s.in;
            l.pitch = s.stride * s.in;
            l.out_w = out;
            l.b = packed.data;
            l.n = l.y_pixel = s.out;
            l.nr = d->nr;
            l.y = y.data + o * out * s.out;
            l.hi = INFINITY;
            t->lineconv_f32(&l);
        }
    });
}

void depthwise(benchmark::State &state, const ln_kernel_table *t, const Conv &s)
{
    size_t out = s.out_size();
    Buffer<float> x(s.size * s.size * s.in), w(s.kernel * s.kernel * s.in), bias(s.in), y(out * out * s.in, false);
    repeat(state, s.operations(), [&] {
        for (size_t o = 0; o < out; o++) {
            const float *rows[16];
            for (size_t i = 0; i < s.kernel; i++) {
                size_t at = o * s.stride + i - s.kernel / 2;
                rows[i] = at < s.size ? x.data + at * s.size * s.in : nullptr;
            }
            ln_dwconv_row d = {};
            d.channels = d.x_pixel = d.y_pixel = s.in;
            d.kh = d.kw = s.kernel;
            d.in_w = s.size;
            d.out_w = out;
            d.stride = s.stride;
            d.dilation = 1;
            d.pad = s.kernel / 2;
            d.rows = rows;
            d.w = w.data;
            d.bias = bias.data;
            d.y = y.data + o * out * s.in;
            d.hi = 6;
            t->dwconv_f32(&d, 0, s.in);
        }
    });
}

void onednn(benchmark::State &state, const Conv &s)
{
    using namespace dnnl;
    auto dim = [](size_t i) { return memory::dim(i); };
    try {
        Dnnl &d = Dnnl::get();
        auto any = [](memory::dims dims) { return memory::desc(dims, Dnnl::Type::f32, Dnnl::Tag::any); };
        memory::dim in = dim(s.in), out = dim(s.out), k = dim(s.kernel), pad = k / 2, size = dim(s.size),
                    y = dim(s.out_size());
        memory::dims weights = s.depthwise ? memory::dims{in, 1, 1, k, k} : memory::dims{out, in, k, k};
        memory::dims strides = {dim(s.stride), dim(s.stride)}, pads = {pad, pad};
        primitive_attr attr;
        post_ops relu;
        relu.append_eltwise(1, algorithm::eltwise_relu, 0, 0);
        attr.set_post_ops(relu);
        convolution_forward::primitive_desc pd(
            convolution_forward::desc(prop_kind::forward_inference, algorithm::convolution_auto,
                                      any({1, in, size, size}), any(weights), any({1, out, y, y}), strides, pads, pads),
            attr, d.engine);
        d.run(state, pd, convolution_forward(pd), s.operations());
    } catch (error &e) {
        state.SkipWithError(e.message);
    }
}

const Conv shapes[] = {{"rn50-7x7", 3, 64, 224, 7, 2, false},      {"rn50-3x3", 64, 64, 56, 3, 1, false},
                       {"rn50-3x3", 128, 128, 28, 3, 1, false},    {"rn50-3x3", 256, 256, 14, 3, 1, false},
                       {"rn50-3x3", 512, 512, 7, 3, 1, false},     {"rn50-3x3", 128, 128, 56, 3, 2, false},
                       {"rn50-3x3", 256, 256, 28, 3, 2, false},    {"rn50-3x3", 512, 512, 14, 3, 2, false},
                       {"rn50-1x1", 64, 64, 56, 1, 1, false},      {"rn50-1x1", 64, 256, 56, 1, 1, false},
                       {"rn50-1x1", 256, 64, 56, 1, 1, false},     {"rn50-1x1", 512, 128, 28, 1, 1, false},
                       {"rn50-1x1", 1024, 256, 14, 1, 1, false},   {"rn50-1x1", 2048, 512, 7, 1, 1, false},
                       {"rn50-1x1", 1024, 2048, 14, 1, 2, false},  {"mbv2-3x3", 3, 32, 224, 3, 2, false},
                       {"mbv2-1x1", 32, 16, 112, 1, 1, false},     {"mbv2-1x1", 16, 96, 112, 1, 1, false},
                       {"mbv2-1x1", 24, 144, 56, 1, 1, false},     {"mbv2-1x1", 32, 192, 28, 1, 1, false},
                       {"mbv2-1x1", 64, 384, 14, 1, 1, false},     {"mbv2-1x1", 96, 576, 14, 1, 1, false},
                       {"mbv2-1x1", 160, 960, 7, 1, 1, false},     {"mbv2-1x1", 320, 1280, 7, 1, 1, false},
                       {"mbv2-dw3x3", 32, 32, 112, 3, 1, true},    {"mbv2-dw3x3", 96, 96, 112, 3, 2, true},
                       {"mbv2-dw3x3", 144, 144, 56, 3, 1, true},   {"mbv2-dw3x3", 144, 144, 56, 3, 2, true},
                       {"mbv2-dw3x3", 192, 192, 28, 3, 1, true},   {"mbv2-dw3x3", 192, 192, 28, 3, 2, true},
                       {"mbv2-dw3x3", 384, 384, 14, 3, 1, true},   {"mbv2-dw3x3", 576, 576, 14, 3, 1, true},
                       {"mbv2-dw3x3", 576, 576, 14, 3, 2, true},   {"mbv2-dw3x3", 960, 960, 7, 3, 1, true},
                       {"effnet-dw5x5", 240, 240, 28, 5, 1, true}, {"effnet-dw5x5", 672, 672, 14, 5, 1, true},
                       {"effnet-dw5x5", 144, 144, 56, 5, 2, true}};

} // namespace

int main(int argc, char **argv)
{
    ln_dispatch_init();
    add_peaks();
    for (const Conv &s : shapes) {
        char text[96];
        std::snprintf(text, sizeof text, "%s/%zu>%zu@%zu s%zu/", s.name, s.in, s.out, s.size, s.stride);
        for (ln_tier tier : {LN_TIER_AVX512, LN_TIER_AVX2, LN_TIER_SCALAR})
            if (const ln_kernel_table *t = ln_tier_table(tier))
                add(std::string(text) + ln_tier_name(tier), [=](benchmark::State &b) {
                    s.depthwise ? depthwise(b, t, s) : s.in == 3 ? lines(b, t, s) : convolution(b, t->gemm_f32, s);
                });
        add(std::string(text) + "onednn", [=](benchmark::State &b) { onednn(b, s); });
    }
    return bench_main(argc, argv);
}
