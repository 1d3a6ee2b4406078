// SPDX-License-Identifier: Apache-2.0
//
// What the kernel benchmarks share: buffers, what the machine can do at most (multiply-adds, int8 dot products, reading
// memory), and the peers oneDNN and OpenBLAS. Names of benchmarks are kind/shape/who, where who is a tier of Linnet, a
// peer or `peak`; bench/summary.py makes tables of them. Rates are counted in 1e9 a second: multiply and add are two
// operations, `bytes` are bytes.
#ifndef BENCH_PEERS_H
#define BENCH_PEERS_H

#include <benchmark/benchmark.h>
#include <cblas.h>
#include <immintrin.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <unordered_map>
#include <vector>

extern "C" {
int omp_get_max_threads(void);
void omp_set_num_threads(int);
}

template <typename T> struct Buffer {
    explicit Buffer(size_t n, bool fill = true)
        : data(static_cast<T *>(std::aligned_alloc(64, (n * sizeof(T) + 191) / 64 * 64)))
    {
        for (size_t i = 0; i < n; i++)
            data[i] = fill ? value(i) : T(0);
    }
    ~Buffer()
    {
        std::free(data);
    }
    Buffer(const Buffer &) = delete;
    static T value(size_t i)
    {
        size_t r = i * 2654435761u;
        return sizeof(T) == 1 ? T(r >> 8 & 0xff) : T(float(r % 1024) / 1024 - 0.5f);
    }
    T *data;
};

inline void report(benchmark::State &state, double operations)
{
    state.counters["G/s"] = benchmark::Counter(1e-9 * operations, benchmark::Counter::kIsIterationInvariantRate);
}

// Runs fn until the time is up; `operations` are those of one call.
template <typename F> void repeat(benchmark::State &state, double operations, F &&fn)
{
    fn(); // what a library does once only, and cold caches
    for (auto _ : state) {
        fn();
        benchmark::ClobberMemory();
    }
    report(state, operations);
}

inline benchmark::internal::Benchmark *add(const std::string &name, std::function<void(benchmark::State &)> fn)
{
    return benchmark::RegisterBenchmark(name.c_str(), std::move(fn));
}

// -- the machine ---------------------------------------------------------------------------------------------------

// Twelve chains hide the latency; nothing is loaded.
#define TWELVE(op, r)                                                                                                  \
    op " %%" r "0, %%" r "0, %%" r "0\n" op " %%" r "1, %%" r "1, %%" r "1\n" op " %%" r "2, %%" r "2, %%" r "2\n" op  \
       " %%" r "3, %%" r "3, %%" r "3\n" op " %%" r "4, %%" r "4, %%" r "4\n" op " %%" r "5, %%" r "5, %%" r "5\n" op  \
       " %%" r "6, %%" r "6, %%" r "6\n" op " %%" r "7, %%" r "7, %%" r "7\n" op " %%" r "8, %%" r "8, %%" r "8\n" op  \
       " %%" r "9, %%" r "9, %%" r "9\n" op " %%" r "10, %%" r "10, %%" r "10\n" op " %%" r "11, %%" r "11, %%" r      \
       "11\n"
#define PEAK(name, op, r, operations)                                                                                  \
    inline void name(benchmark::State &state)                                                                          \
    {                                                                                                                  \
        repeat(state, 4096 * 12.0 * (operations), [] {                                                                 \
            for (int i = 0; i < 4096; i++)                                                                             \
                __asm__ volatile(TWELVE(op, r)::                                                                       \
                                     : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", \
                                       "xmm10", "xmm11");                                                              \
        });                                                                                                            \
    }
PEAK(peak_fma512, "vfmadd213ps", "zmm", 32)
PEAK(peak_bf16, "vdpbf16ps", "zmm", 64)
PEAK(peak_fma256, "vfmadd213ps", "ymm", 16)
PEAK(peak_vnni, "vpdpbusd", "zmm", 128)
PEAK(peak_madd256, "vpmaddwd", "ymm", 32)

// Reading `bytes` again and again, in four places at once, which memory likes better than one: the bandwidth of the
// level that holds them.
__attribute__((target("avx2"))) inline void peak_read(benchmark::State &state, size_t bytes)
{
    Buffer<float> x(bytes / 4);
    size_t part = bytes / 16;
    repeat(
        state, double(bytes), [&]() __attribute__((target("avx2"))) {
            for (const float *p = x.data, *end = p + part; p < end; p += 16)
#pragma GCC unroll 8
                for (size_t v = 0; v < 8; v++)
                    __asm__ volatile(
                        "vmovups %0, %%ymm0" ::"m"(*(const __m256 *)(const void *)(p + v / 2 * part + v % 2 * 8))
                        : "xmm0");
        });
}

inline void add_peaks()
{
    if (__builtin_cpu_supports("avx512vnni")) {
        add("peak/fma/avx512", peak_fma512);
        add("peak/vnni/avx512", peak_vnni);
    }
    if (__builtin_cpu_supports("avx512bf16"))
        add("peak/bf16/avx512", peak_bf16);
    add("peak/fma/avx2", peak_fma256);
    add("peak/madd/avx2", peak_madd256);
    const struct {
        const char *level;
        size_t kib;
    } levels[] = {{"L1", 16}, {"L2", 512}, {"L3", 8192}, {"memory", 131072}};
    for (auto l : levels)
        add(std::string("peak/read/") + l.level, [l](benchmark::State &s) { peak_read(s, l.kib << 10); });
}

// -- oneDNN --------------------------------------------------------------------------------------------------------

struct Dnnl {
    dnnl::engine engine{dnnl::engine::kind::cpu, 0};
    dnnl::stream stream{engine};

    using Dims = dnnl::memory::dims;
    using Type = dnnl::memory::data_type;
    using Tag = dnnl::memory::format_tag;

    static Dnnl &get()
    {
        static Dnnl one;
        return one;
    }
    // The primitive of a descriptor, its arguments allocated in the layouts it likes; contents do not matter.
    void run(benchmark::State &state, const dnnl::primitive_desc_base &pd, const dnnl::primitive &p, double operations)
    {
        std::unordered_map<int, dnnl::memory> args;
        const std::pair<int, dnnl::query> wanted[] = {{DNNL_ARG_SRC, dnnl::query::src_md},
                                                      {DNNL_ARG_WEIGHTS, dnnl::query::weights_md},
                                                      {DNNL_ARG_DST, dnnl::query::dst_md}};
        for (auto w : wanted) {
            dnnl::memory m(pd.query_md(w.second), engine);
            std::memset(m.get_data_handle(), 0, m.get_desc().get_size());
            args.insert({w.first, m});
        }
        repeat(state, operations, [&] {
            p.execute(stream, args);
            stream.wait();
        });
    }
};

// C = A B in rows as they are, B in the layout that oneDNN wants.
inline void onednn_matmul(benchmark::State &state, size_t m, size_t n, size_t k, Dnnl::Type a, Dnnl::Type b,
                          Dnnl::Type c)
{
    auto dim = [](size_t i) { return dnnl::memory::dim(i); };
    try {
        Dnnl &d = Dnnl::get();
        dnnl::memory::desc src({dim(m), dim(k)}, a, Dnnl::Tag::ab), w({dim(k), dim(n)}, b, Dnnl::Tag::any),
            dst({dim(m), dim(n)}, c, Dnnl::Tag::ab);
        dnnl::matmul::primitive_desc pd(dnnl::matmul::desc(src, w, dst), d.engine);
        d.run(state, pd, dnnl::matmul(pd), 2.0 * double(m) * double(n) * double(k));
    } catch (dnnl::error &e) {
        state.SkipWithError(e.message);
    }
}

// -- OpenBLAS ------------------------------------------------------------------------------------------------------

// Debian's library is made for many processors and takes kernels by name: "Haswell" on a Zen, unless
// OPENBLAS_CORETYPE says otherwise before the program starts.
inline std::string blas_name()
{
    std::string name = openblas_get_corename();
    for (char &c : name)
        c = char(std::tolower(c));
    return "openblas-" + name;
}

inline void blas_gemm(benchmark::State &state, size_t m, size_t n, size_t k)
{
    Buffer<float> a(m * k), b(k * n), c(m * n, false);
    repeat(state, 2.0 * double(m) * double(n) * double(k), [&] {
        if (m == 1)
            cblas_sgemv(CblasRowMajor, CblasTrans, int(k), int(n), 1, b.data, int(n), a.data, 1, 0, c.data, 1);
        else
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, int(m), int(n), int(k), 1, a.data, int(k), b.data,
                        int(n), 0, c.data, int(n));
    });
}

inline int bench_main(int argc, char **argv)
{
    benchmark::AddCustomContext("openblas", openblas_get_config());
    openblas_set_num_threads(1);
    omp_set_num_threads(1);
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 1;
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}

#endif
