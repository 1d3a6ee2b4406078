// SPDX-License-Identifier: Apache-2.0
//
// The float32 product on every tier of this machine beside oneDNN and OpenBLAS: squares, the 1x1 convolutions of
// ResNet50 and MobileNetV2, BERT's products (also with bfloat16 operands), and vectors times matrices. B is packed
// before, as a plan does with constants; oneDNN has it in its own layout.
//
//     make bench-kernels            or one program:
//     make build/bench/bench_gemm && build/bench/bench_gemm --benchmark_filter='square/.*/(avx512|onednn)'
#include "bench/peers.h"

extern "C" {
#include "kernels/gemm_bf16.h"
}

namespace
{

// Dense operands; those are for the caller to set.
ln_gemm_f32_job job_of(const ln_gemm_f32_desc *d, size_t m, size_t n, size_t k, float *c)
{
    ln_gemm_f32_job job = {};
    job.d = d;
    job.m = m;
    job.n = job.ldc = n;
    job.taps = 1;
    job.k = job.a_row = k;
    job.a_col = 1;
    job.c = c;
    return job;
}

void product(benchmark::State &state, const ln_gemm_f32_desc *d, size_t m, size_t n, size_t k)
{
    Buffer<float> a(m * k), b(k * n), c(m * n, false), packed(ln_gemm_f32_packed(d, n, 1, k), false);
    Buffer<char> scratch(ln_gemm_f32_scratch(d, m, SIZE_MAX, 1, k) + 64, false);
    ln_gemm_f32_b from = {};
    from.b = b.data;
    from.n_stride = 1;
    from.k_stride = n;
    from.scale = 1;
    ln_gemm_f32_pack(d, packed.data, n, 1, k, &from, 0, (n + d->nr - 1) / d->nr);
    ln_gemm_f32_job job = job_of(d, m, n, k, c.data);
    job.a = a.data;
    job.b = packed.data;
    ln_gemm_f32_prepare(&job, 1);
    repeat(state, 2.0 * double(m) * double(n) * double(k), [&] { ln_gemm_f32_run(&job, scratch.data, 0, job.tiles); });
}

// Both operands bfloat16, as MatMul has them: pairs of products.
void bf16_product(benchmark::State &state, const ln_gemm_f32_desc *d, size_t m, size_t n, size_t k)
{
    Buffer<float> a(m * k), b(k * n), c(m * n, false);
    Buffer<uint16_t> a16(m * k, false), b16(k * n, false), packed(ln_gemm_bf16_packed(d, n, 1, k), false);
    Buffer<char> scratch(ln_gemm_bf16_scratch(d, m, 1, k) + 64, false);
    LN_K(f32_to_bf16)(a16.data, a.data, m * k);
    LN_K(f32_to_bf16)(b16.data, b.data, k * n);
    ln_gemm_bf16_pack(d, packed.data, n, 1, k, b16.data, 1, 0, n);
    ln_gemm_f32_job job = job_of(d, m, n, k, c.data);
    job.half_a = a16.data;
    job.half = packed.data;
    job.pairs = true;
    ln_gemm_f32_prepare(&job, 1);
    repeat(state, 2.0 * double(m) * double(n) * double(k), [&] { ln_gemm_f32_run(&job, scratch.data, 0, job.tiles); });
}

// B as it lies, no packing: what a product with a B that is no constant does for one row.
void direct(benchmark::State &state, const ln_kernel_table *t, size_t n, size_t k, bool transposed)
{
    Buffer<float> a(k), b(k * n), c(n, false);
    repeat(state, 2.0 * double(n) * double(k), [&] {
        if (transposed)
            t->gemv_t_f32(c.data, a.data, b.data, k, k, n);
        else
            t->gemv_f32(c.data, a.data, b.data, n, k, n);
    });
}

struct Shape {
    const char *kind;
    size_t m, n, k;
};

const Shape shapes[] = {
    {"square", 64, 64, 64},       {"square", 96, 96, 96},       {"square", 128, 128, 128}, {"square", 192, 192, 192},
    {"square", 256, 256, 256},    {"square", 384, 384, 384},    {"square", 512, 512, 512}, {"square", 768, 768, 768},
    {"square", 1024, 1024, 1024}, {"square", 2048, 2048, 2048}, {"rn50", 3136, 64, 64},    {"rn50", 3136, 256, 64},
    {"rn50", 3136, 64, 256},      {"rn50", 784, 128, 512},      {"rn50", 784, 512, 128},   {"rn50", 196, 256, 1024},
    {"rn50", 196, 1024, 256},     {"rn50", 49, 512, 2048},      {"rn50", 49, 2048, 512},   {"mbv2", 12544, 16, 32},
    {"mbv2", 12544, 96, 16},      {"mbv2", 3136, 24, 96},       {"mbv2", 3136, 144, 24},   {"mbv2", 784, 32, 144},
    {"mbv2", 784, 192, 32},       {"mbv2", 196, 64, 384},       {"mbv2", 196, 384, 64},    {"mbv2", 196, 96, 576},
    {"mbv2", 49, 160, 960},       {"mbv2", 49, 960, 160},       {"mbv2", 49, 1280, 320},   {"bert", 128, 768, 768},
    {"bert", 128, 3072, 768},     {"bert", 128, 768, 3072},     {"bert", 128, 128, 64},    {"bert", 128, 64, 128},
    {"bert", 16, 768, 768},       {"few", 4, 4096, 4096},       {"few", 4, 1024, 1024},    {"gemv", 1, 256, 256},
    {"gemv", 1, 512, 128},        {"gemv", 1, 1000, 1280},      {"gemv", 1, 1000, 2048},   {"gemv", 1, 4096, 4096}};

} // namespace

int main(int argc, char **argv)
{
    ln_dispatch_init();
    add_peaks();
    for (const Shape &s : shapes) {
        char text[96];
        std::snprintf(text, sizeof text, "%s/%zux%zux%zu/", s.kind, s.m, s.n, s.k);
        std::string name = text;
        for (ln_tier tier : {LN_TIER_AVX512, LN_TIER_AVX2, LN_TIER_SCALAR}) {
            const ln_kernel_table *t = ln_tier_table(tier);
            if (!t)
                continue;
            add(name + ln_tier_name(tier), [=](benchmark::State &b) { product(b, t->gemm_f32, s.m, s.n, s.k); });
            if (s.m != 1)
                continue;
            std::string shape = name.substr(std::strlen(s.kind));
            add("gemv-rows" + shape + ln_tier_name(tier), [=](benchmark::State &b) { direct(b, t, s.n, s.k, false); });
            add("gemv-columns" + shape + ln_tier_name(tier),
                [=](benchmark::State &b) { direct(b, t, s.n, s.k, true); });
        }
        add(name + "onednn", [=](benchmark::State &b) {
            onednn_matmul(b, s.m, s.n, s.k, Dnnl::Type::f32, Dnnl::Type::f32, Dnnl::Type::f32);
        });
        add(name + blas_name(), [=](benchmark::State &b) { blas_gemm(b, s.m, s.n, s.k); });
        if (!ln_gemm_bf16_there(LN_D(gemm_f32)) || s.m < 16)
            continue;
        add("bf16-" + name + "avx512", [=](benchmark::State &b) { bf16_product(b, LN_D(gemm_f32), s.m, s.n, s.k); });
        add("bf16-" + name + "onednn", [=](benchmark::State &b) {
            onednn_matmul(b, s.m, s.n, s.k, Dnnl::Type::bf16, Dnnl::Type::bf16, Dnnl::Type::f32);
        });
    }
    return bench_main(argc, argv);
}
