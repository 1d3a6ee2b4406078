// SPDX-License-Identifier: Apache-2.0
//
// The float32 product and convolution on every tier of this machine: GFLOP/s of processor time beside the measured
// multiply-add peak of the tier. Names are tier/kind/shape. Build and run:
//
//     make build/bench/bench_gemm && build/bench/bench_gemm --benchmark_filter=avx512
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

extern "C" {
#include "kernels/conv.h"
}

namespace
{

struct Buffer {
    explicit Buffer(size_t n, bool fill = true)
        : data(static_cast<float *>(std::aligned_alloc(64, (n * 4 + 127) / 64 * 64)))
    {
        for (size_t i = 0; i < n; i++)
            data[i] = fill ? float(i * 2654435761u % 1024) / 1024 - 0.5f : 0;
    }
    ~Buffer()
    {
        std::free(data);
    }
    Buffer(const Buffer &) = delete;
    float *data;
};

void report(benchmark::State &state, double multiply_adds)
{
    state.counters["GFLOP/s"] = benchmark::Counter(2e-9 * multiply_adds, benchmark::Counter::kIsIterationInvariantRate);
}

// C = A B + bias, B packed before.
void product(benchmark::State &state, const ln_gemm_f32_desc *d, size_t m, size_t n, size_t k)
{
    Buffer a(m * k), b(k * n), c(m * n, false), packed(ln_gemm_f32_packed(d, n, 1, k));
    Buffer scratch(ln_gemm_f32_scratch(d, 1, k) / 4 + 16);
    ln_gemm_f32_b from = {};
    from.b = b.data;
    from.n_stride = 1;
    from.k_stride = n;
    from.scale = 1;
    ln_gemm_f32_pack(d, packed.data, n, 1, k, &from, 0, (n + d->nr - 1) / d->nr);
    ln_gemm_f32_job job = {};
    job.d = d;
    job.m = m;
    job.n = job.ldc = n;
    job.taps = 1;
    job.k = job.a_row = k;
    job.a_col = 1;
    job.a = a.data;
    job.b = packed.data;
    job.c = c.data;
    ln_gemm_f32_prepare(&job, 1);
    for (auto _ : state) {
        ln_gemm_f32_run(&job, scratch.data, 0, job.tiles);
        benchmark::ClobberMemory();
    }
    report(state, double(m) * double(n) * double(k));
}

struct Conv {
    const char *name;
    size_t in, out, size, kernel, stride;
};

ln_conv_shape shape_of(const Conv &s)
{
    ln_conv_shape g = {};
    size_t pad = s.kernel / 2, out = (s.size + 2 * pad - s.kernel) / s.stride + 1;
    for (int i = 0; i < 3; i++) {
        g.in[i] = i ? s.size : 1;
        g.out[i] = i ? out : 1;
        g.kernel[i] = i ? s.kernel : 1;
        g.stride[i] = i ? s.stride : 1;
        g.dilation[i] = 1;
        g.pad[i] = i ? pad : 0;
    }
    g.pixel = s.in;
    g.image = s.size * s.size * s.in;
    return g;
}

void convolution(benchmark::State &state, const ln_gemm_f32_desc *d, const Conv &s)
{
    ln_conv_shape g = shape_of(s);
    size_t taps = s.kernel * s.kernel, m = g.out[1] * g.out[2];
    Buffer x(g.image), w(taps * s.in * s.out), y(m * s.out, false), zero(s.in, false);
    Buffer packed(ln_gemm_f32_packed(d, s.out, taps, s.in)), scratch(ln_gemm_f32_scratch(d, taps, s.in) / 4 + 16);
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
        job.rows_pitch = s.in * s.stride;
    }
    job.b = packed.data;
    job.c = y.data;
    job.act = LN_ACT_RELU;
    ln_gemm_f32_prepare(&job, 1);
    for (auto _ : state) {
        ln_gemm_f32_run(&job, scratch.data, 0, job.tiles);
        benchmark::ClobberMemory();
    }
    report(state, double(m) * double(s.out) * double(taps * s.in));
}

void depthwise(benchmark::State &state, const ln_kernel_table *t, const Conv &s)
{
    ln_conv_shape g = shape_of(s);
    Buffer x(g.image), w(s.kernel * s.kernel * s.in), bias(s.in), y(g.out[1] * g.out[2] * s.in, false);
    for (auto _ : state) {
        for (size_t o = 0; o < g.out[1]; o++) {
            const float *rows[16];
            for (size_t i = 0; i < s.kernel; i++) {
                size_t at = o * s.stride + i - g.pad[1];
                rows[i] = at < s.size ? x.data + at * s.size * s.in : nullptr;
            }
            ln_dwconv_row d = {s.in,     s.kernel, s.kernel,  s.size,  g.out[2],
                               s.stride, 1,        g.pad[2],  rows,    s.in,
                               s.in,     w.data,   bias.data, nullptr, y.data + o * g.out[2] * s.in,
                               0,        6};
            t->dwconv_f32(&d, 0, s.in);
        }
        benchmark::ClobberMemory();
    }
    report(state, double(g.out[1] * g.out[2] * s.in * s.kernel * s.kernel));
}

// The peak: a tile that stays in the first cache, with a K so long that its ends do not count.
void peak(benchmark::State &state, const ln_gemm_f32_desc *d)
{
    product(state, d, d->mr, d->nr, 128);
}

const size_t products[][3] = {
    {64, 64, 64},    {128, 128, 128},  {256, 256, 256},  {512, 512, 512}, {1024, 1024, 1024}, {2048, 2048, 2048},
    {128, 768, 768}, {128, 3072, 768}, {128, 768, 3072}, {16, 768, 768},  {12544, 96, 16},    {12544, 16, 32},
    {49, 1280, 320}, {1, 512, 128},    {1, 1000, 2048},  {1, 4096, 4096}, {4, 4096, 4096}};

const Conv convolutions[] = {
    {"rn50-3x3", 64, 64, 56, 3, 1},     {"rn50-3x3", 128, 128, 28, 3, 1},  {"rn50-3x3", 256, 256, 14, 3, 1},
    {"rn50-3x3", 512, 512, 7, 3, 1},    {"rn50-3x3", 128, 128, 56, 3, 2},  {"rn50-3x3", 512, 512, 14, 3, 2},
    {"rn50-1x1", 64, 64, 56, 1, 1},     {"rn50-1x1", 64, 256, 56, 1, 1},   {"rn50-1x1", 256, 64, 56, 1, 1},
    {"rn50-1x1", 512, 128, 28, 1, 1},   {"rn50-1x1", 1024, 256, 14, 1, 1}, {"rn50-1x1", 2048, 512, 7, 1, 1},
    {"rn50-1x1", 1024, 2048, 14, 1, 2}, {"mbv2-1x1", 16, 96, 112, 1, 1},   {"mbv2-1x1", 24, 144, 56, 1, 1},
    {"mbv2-1x1", 160, 960, 7, 1, 1},    {"narrow-3x3", 8, 8, 112, 3, 1},   {"narrow-3x3", 16, 16, 56, 3, 1}};

const Conv depthwises[] = {{"dw3x3", 32, 32, 112, 3, 1},  {"dw3x3", 96, 96, 112, 3, 2},  {"dw3x3", 144, 144, 56, 3, 1},
                           {"dw3x3", 144, 144, 56, 3, 2}, {"dw3x3", 384, 384, 14, 3, 1}, {"dw3x3", 576, 576, 14, 3, 2},
                           {"dw3x3", 960, 960, 7, 3, 1},  {"dw5x5", 240, 240, 28, 5, 1}, {"dw5x5", 672, 672, 14, 5, 1}};

std::string name_of(const char *tier, const Conv &s)
{
    char text[96];
    std::snprintf(text, sizeof text, "%s/%s/%zu>%zu@%zu/s%zu", tier, s.name, s.in, s.out, s.size, s.stride);
    return text;
}

void add_tier(ln_tier tier)
{
    const ln_kernel_table *t = ln_tier_table(tier);
    if (!t)
        return;
    const char *name = ln_tier_name(tier);
    const ln_gemm_f32_desc *d = t->gemm_f32;
    benchmark::RegisterBenchmark((std::string(name) + "/peak").c_str(), [d](benchmark::State &s) { peak(s, d); });
    for (const auto &p : products) {
        char text[96];
        std::snprintf(text, sizeof text, "%s/gemm/%zux%zux%zu", name, p[0], p[1], p[2]);
        size_t m = p[0], n = p[1], k = p[2];
        benchmark::RegisterBenchmark(text, [=](benchmark::State &s) { product(s, d, m, n, k); });
    }
    for (const Conv &c : convolutions)
        benchmark::RegisterBenchmark(name_of(name, c).c_str(), [=](benchmark::State &s) { convolution(s, d, c); });
    for (const Conv &c : depthwises)
        benchmark::RegisterBenchmark(name_of(name, c).c_str(), [=](benchmark::State &s) { depthwise(s, t, c); });
}

} // namespace

int main(int argc, char **argv)
{
    ln_dispatch_init();
    add_tier(LN_TIER_SCALAR);
    add_tier(LN_TIER_AVX2);
    add_tier(LN_TIER_AVX512);
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 1;
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
