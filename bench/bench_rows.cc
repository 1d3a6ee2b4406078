// SPDX-License-Identifier: Apache-2.0
//
// Every element-wise, row and conversion kernel of kernels.def on every tier, in elements: 65536 of them, which lie in
// the second cache, and rows of 1000. A tier that names another one's variant is left out. The peer is ONNX Runtime,
// which has no way to its kernels but a model: `make bench-ops`.
//
//     make build/bench/bench_rows && build/bench/bench_rows --benchmark_filter='(exp|tanh)_f32'
#include "bench/peers.h"

extern "C" {
#include "kernels/kernels.h"
}

namespace
{

const size_t sizes[] = {1000, 65536};

struct Buffers {
    explicit Buffers(size_t n) : x(n * 2), z(n * 2), y(n * 2, false), bytes(n)
    {
        for (size_t i = 0; i < n; i++)
            bytes.data[i] = i % 3 != 0;
    }
    Buffer<float> x, z, y;
    Buffer<uint8_t> bytes;
};

const float parameters[4] = {0.5f, 0.25f, 0.5f, 0.25f};

// One call of a kernel of each signature that there is a row for.
template <typename F> struct Call;
#define CALL(sig, ...)                                                                                                 \
    template <> struct Call<ln_##sig> {                                                                                \
        static void on(ln_##sig *f, Buffers &b, size_t n)                                                              \
        {                                                                                                              \
            __VA_ARGS__;                                                                                               \
        }                                                                                                              \
    }
CALL(VUNARY_F32, f(b.y.data, b.x.data, n));
CALL(VUNARY_P_F32, f(b.y.data, b.x.data, n, parameters));
CALL(VBINARY_F32, f(b.y.data, b.x.data, b.z.data, n, 1, 1));
CALL(VREDUCE_F32, benchmark::DoNotOptimize(f(b.x.data, n, 0.5f)));
CALL(VCOLUMNS_F32, f(b.y.data, b.x.data, b.z.data, n));
CALL(VNORMALIZE_F32, f(b.y.data, b.x.data, n, 0.1f, 2, b.z.data, b.z.data));
CALL(VFIND_F32, benchmark::DoNotOptimize(f(b.x.data, n, 9)));
CALL(VCONVERT, f(b.y.data, b.x.data, n));
CALL(VWHERE, f(b.y.data, b.bytes.data, b.x.data, b.z.data, n, 1, 1));
CALL(VCOMPARE_F32, f(reinterpret_cast<uint8_t *>(b.y.data), b.x.data, b.z.data, n, 1, 1));
CALL(ZIP_U32, f(reinterpret_cast<uint32_t *>(b.y.data), reinterpret_cast<uint32_t *>(b.x.data),
                reinterpret_cast<uint32_t *>(b.z.data), n / 2));
CALL(UNZIP_U32, f(reinterpret_cast<uint32_t *>(b.y.data), reinterpret_cast<uint32_t *>(b.y.data) + n,
                  reinterpret_cast<uint32_t *>(b.x.data), n / 2));
CALL(VQUANTIZE8, f(reinterpret_cast<uint8_t *>(b.y.data), b.x.data, n, 0.004f, 128, 0));
CALL(VDEQUANTIZE8, f(b.y.data, b.bytes.data, n, 0.004f, 128, 0));

// Kernels of the other signatures have programs of their own: bench_gemm, bench_conv, bench_qgemm, bench_fft.
template <typename F, typename = void> struct Adder {
    static void row(const char *, ln_tier, const char *, F *)
    {
    }
};
template <typename F> struct Adder<F, decltype(void(&Call<F>::on))> {
    static void row(const char *kernel, ln_tier tier, const char *variant, F *f)
    {
        // A vector times a matrix has the arguments of an element-wise kernel and a meaning of its own.
        if (std::strcmp(variant, ln_tier_name(tier)) != 0 || std::strncmp(kernel, "gemv", 4) == 0)
            return;
        for (size_t n : sizes)
            add(std::string(kernel) + "/" + std::to_string(n) + "/" + variant, [=](benchmark::State &state) {
                Buffers b(n);
                repeat(state, double(n), [&] { Call<F>::on(f, b, n); });
            });
    }
};

void add_tier(ln_tier tier)
{
    const ln_kernel_table *t = ln_tier_table(tier);
    if (!t)
        return;
#define K(sig, k, s, a2, a5, ...)                                                                                      \
    Adder<ln_##sig>::row(#k, tier, tier == LN_TIER_SCALAR ? #s : tier == LN_TIER_AVX2 ? #a2 : #a5, t->k);
#include "kernels/kernels.def"
#undef K
}

} // namespace

int main(int argc, char **argv)
{
    ln_dispatch_init();
    add_peaks();
    for (ln_tier tier : {LN_TIER_AVX512, LN_TIER_AVX2, LN_TIER_SCALAR})
        add_tier(tier);
    return bench_main(argc, argv);
}
