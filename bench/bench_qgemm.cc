// SPDX-License-Identifier: Apache-2.0
//
// The int8 product on every tier beside oneDNN, in int32: u8 x s8, s8 x s8 and u8 x u8 (which oneDNN has not). 8-bit
// rows also requantised to u8, as a quantised convolution or QLinearMatMul does.
//
//     make build/bench/bench_qgemm && build/bench/bench_qgemm --benchmark_filter=avx512
#include "bench/peers.h"

extern "C" {
#include "kernels/qgemm.h"
}

namespace
{

struct Shape {
    const char *kind;
    size_t m, n, k;
};

void product(benchmark::State &state, const ln_qgemm_tile *t, const Shape &s, bool a_signed, bool b_signed, int32_t out)
{
    Buffer<uint8_t> a(s.m * s.k), b(s.k * s.n);
    Buffer<int32_t> c(s.m * s.n, false), sums(s.m, false);
    Buffer<char> packed(ln_qgemm_packed_bytes(t, 1, s.k, s.n), false);
    Buffer<float> scale(s.n);
    std::vector<const uint8_t *> rows(s.m);
    for (size_t i = 0; i < s.m; i++)
        rows[i] = a.data + i * s.k;
    ln_qgemm_b from = {};
    from.b = b.data;
    from.segments = 1;
    from.k = from.stride_k = s.k;
    from.n = s.n;
    from.stride_k = s.n;
    from.stride_n = 1;
    from.is_signed = b_signed;
    bool need = ln_qgemm_pack(packed.data, t, &from);
    ln_qgemm_args g = {};
    g.k = s.k;
    g.segments = 1;
    g.a_stride = s.m;
    g.c_stride = s.n;
    g.flip = a_signed ? 0x80 : 0;
    g.a_zero = a_signed ? 128 : 0;
    g.out = out;
    g.hi = 255;
    g.scale = out == LN_QGEMM_I32 ? nullptr : scale.data;
    repeat(state, 2.0 * double(s.m) * double(s.n) * double(s.k), [&] {
        if (need) {
            ln_qgemm_row_sums(sums.data, rows.data(), s.m, &g);
            g.row_sum = sums.data;
        }
        ln_qgemm(c.data, rows.data(), packed.data, s.m, s.n, 0, (s.n + t->nr - 1) / t->nr, t, &g);
    });
}

const Shape shapes[] = {
    {"square", 64, 64, 64},       {"square", 128, 128, 128},    {"square", 256, 256, 256}, {"square", 512, 512, 512},
    {"square", 1024, 1024, 1024}, {"square", 2048, 2048, 2048}, {"rn50", 3136, 64, 64},    {"rn50", 784, 128, 512},
    {"rn50", 196, 1024, 256},     {"rn50", 49, 512, 2048},      {"mbv2", 12544, 16, 32},   {"mbv2", 12544, 96, 16},
    {"mbv2", 3136, 144, 24},      {"mbv2", 196, 384, 64},       {"mbv2", 49, 960, 160},    {"bert", 128, 768, 768},
    {"bert", 128, 3072, 768},     {"gemv", 1, 1024, 1024},      {"gemv", 1, 4096, 4096}};

} // namespace

int main(int argc, char **argv)
{
    ln_dispatch_init();
    add_peaks();
    const struct {
        const char *name;
        bool a_signed, b_signed;
        int32_t out;
    } kinds[] = {{"u8s8", false, true, LN_QGEMM_I32},
                 {"s8s8", true, true, LN_QGEMM_I32},
                 {"u8u8", false, false, LN_QGEMM_I32},
                 {"u8s8-u8", false, true, LN_QGEMM_8}};
    for (auto kind : kinds)
        for (const Shape &s : shapes) {
            char text[96];
            std::snprintf(text, sizeof text, "%s-%s/%zux%zux%zu/", kind.name, s.kind, s.m, s.n, s.k);
            for (ln_tier tier : {LN_TIER_AVX512, LN_TIER_AVX2, LN_TIER_SCALAR})
                if (const ln_kernel_table *t = ln_tier_table(tier))
                    add(std::string(text) + ln_tier_name(tier),
                        [=](benchmark::State &b) { product(b, t->qgemm, s, kind.a_signed, kind.b_signed, kind.out); });
            if (kind.b_signed && kind.out == LN_QGEMM_I32)
                add(std::string(text) + "onednn", [=](benchmark::State &b) {
                    onednn_matmul(b, s.m, s.n, s.k, kind.a_signed ? Dnnl::Type::s8 : Dnnl::Type::u8, Dnnl::Type::s8,
                                  Dnnl::Type::s32);
                });
        }
    return bench_main(argc, argv);
}
