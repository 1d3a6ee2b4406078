/* SPDX-License-Identifier: Apache-2.0
 *
 * Real transforms, single precision: Linnet beside FFTW (the better of MEASURE and PATIENT) and KissFFT, in one run.
 *
 *   bench_fft                    the table of Google Benchmark
 *   bench_fft --row N BATCH F    measures in turns; microseconds of the three on a line, for bench/compare_dft.py,
 * which has ONNX Runtime beside them and says what is too slow (`make bench-fft`). What FFTW finds out when it makes
 * its plans is kept in files whose names begin with F, for the next turn.
 *
 * Built against libbenchmark-dev, libfftw3-dev and libkissfft-dev; run with LINNET_CPU for a lower tier.
 */
#include <benchmark/benchmark.h>
#include <fftw3.h>
#include <kissfft/kiss_fftr.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

extern "C" {
#include "kernels/kernels.h"
}

namespace
{

const int lengths[] = {256, 400, 480, 512, 1000, 1009, 1024, 2048, 4096, 16384};
const int batches[] = {1, 128};

template <class T> struct aligned {
    T *data;
    explicit aligned(size_t n) : data(static_cast<T *>(std::aligned_alloc(64, (n * sizeof(T) + 127) / 64 * 64)))
    {
    }
    ~aligned()
    {
        std::free(data);
    }
    aligned(const aligned &) = delete;
};

struct signal {
    int n, batch;
    aligned<float> in, out;
    signal(int length, int count) : n(length), batch(count), in((size_t)n * batch), out((size_t)(n + 2) * batch)
    {
        std::mt19937 random(1);
        std::uniform_real_distribution<float> uniform(-1, 1);
        for (int i = 0; i < n * batch; i++)
            in.data[i] = uniform(random);
    }
};

struct linnet : signal {
    aligned<char> *plan, *scratch;
    ln_fft_job job{};
    linnet(int length, int count) : signal(length, count)
    {
        ln_fft_desc d{};
        d.n = n, d.kind = LN_FFT_REAL, d.width = ln_fft_width(0), d.count = batch, d.scale = 1;
        plan = new aligned<char>(ln_fft_bytes(&d));
        ln_fft_make(get(), &d);
        scratch = new aligned<char>(ln_fft_scratch(get()));
        job.in = in.data, job.out = out.data, job.count = batch;
        job.in_batch = n, job.in_stride = 1, job.in_len = n;
        job.out_batch = n / 2 * 2 + 2, job.out_stride = 2, job.out_len = n / 2 + 1;
    }
    ~linnet()
    {
        delete plan, delete scratch;
    }
    ln_fft_plan *get() const
    {
        return reinterpret_cast<ln_fft_plan *>(plan->data);
    }
    void run()
    {
        LN_K(fft_f32)(get(), &job, scratch->data);
    }
};

struct fftw : signal {
    fftwf_plan plan;
    fftw(int length, int count, unsigned effort) : signal(length, count)
    {
        std::vector<float> keep(in.data, in.data + (size_t)n * batch);
        plan = fftwf_plan_many_dft_r2c(1, &n, batch, in.data, nullptr, 1, n,
                                       reinterpret_cast<fftwf_complex *>(out.data), nullptr, 1, n / 2 + 1, effort);
        std::memcpy(in.data, keep.data(), keep.size() * sizeof(float));
    }
    ~fftw()
    {
        fftwf_destroy_plan(plan);
    }
    void run()
    {
        fftwf_execute(plan);
    }
};

/* KissFFT has real transforms of even lengths only; 1009 is complex. */
struct kiss : signal {
    kiss_fftr_cfg real = nullptr;
    kiss_fft_cfg complex = nullptr;
    std::vector<kiss_fft_cpx> from, to;
    kiss(int length, int count) : signal(length, count)
    {
        if (n % 2 == 0)
            real = kiss_fftr_alloc(n, 0, nullptr, nullptr);
        else
            complex = kiss_fft_alloc(n, 0, nullptr, nullptr);
        from.resize(n), to.resize(n);
    }
    ~kiss()
    {
        std::free(real), std::free(complex);
    }
    void run()
    {
        for (int b = 0; b < batch; b++) {
            const float *x = in.data + (size_t)b * n;
            if (real) {
                kiss_fftr(real, x, reinterpret_cast<kiss_fft_cpx *>(out.data + (size_t)b * (n + 2)));
            } else {
                for (int i = 0; i < n; i++)
                    from[i] = {x[i], 0};
                kiss_fft(complex, from.data(), to.data());
            }
        }
    }
};

template <class F> void measure(benchmark::State &state, F &f)
{
    for (auto _ : state)
        f.run();
    double flops = 2.5 * f.n * std::log2(f.n) * f.batch;
    state.counters["GFLOP/s"] = benchmark::Counter(flops * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

template <class F> double once(F &f, int repeat)
{
    auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < repeat; i++)
        f.run();
    return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count() / repeat;
}

/* With the wisdom of one effort only: plans of MEASURE would be PATIENT's, where FFTW knows those. */
fftw *planned(int n, int batch, unsigned effort, const std::string &file)
{
    fftwf_forget_wisdom();
    fftwf_import_wisdom_from_filename(file.c_str()); /* the first turn has none */
    fftw *f = new fftw(n, batch, effort);
    if (!fftwf_export_wisdom_to_filename(file.c_str()))
        std::fprintf(stderr, "%s: cannot be written\n", file.c_str());
    return f;
}

/* In turns, so that whatever else the machine does falls on all alike; the best of each counts. */
int row(int n, int batch, const std::string &files)
{
    linnet ours(n, batch);
    std::unique_ptr<fftw> measured(planned(n, batch, FFTW_MEASURE, files + ".measure"));
    std::unique_ptr<fftw> patient(planned(n, batch, FFTW_PATIENT, files + ".patient"));
    kiss small(n, batch);
    int repeat = std::max(1, 200000 / (n * batch));
    double best[4] = {1e30, 1e30, 1e30, 1e30};
    for (int i = 0; i < 40; i++) {
        best[0] = std::min(best[0], once(ours, repeat));
        best[1] = std::min(best[1], once(*measured, repeat));
        best[2] = std::min(best[2], once(*patient, repeat));
        if (i < (n % 2 ? 1 : 4)) /* of odd lengths it is very slow */
            best[3] = std::min(best[3], once(small, 1 + repeat / 8));
    }
    double error = 0, top = 0;
    patient->run(), ours.run();
    for (int i = 0; i < (n / 2 * 2 + 2) * batch; i++) {
        error = std::max(error, (double)std::fabs(ours.out.data[i] - patient->out.data[i]));
        top = std::max(top, (double)std::fabs(patient->out.data[i]));
    }
    if (error > 2e-6 * top) {
        std::fprintf(stderr, "rfft of %d, batch %d: FFTW differs by %.1e\n", n, batch, error / top);
        return 1;
    }
    std::printf("%.4f %.4f %.4f\n", best[0] * 1e-3, std::min(best[1], best[2]) * 1e-3, best[3] * 1e-3);
    return 0;
}

} // namespace

int main(int argc, char **argv)
{
    ln_dispatch_init();
    if (argc == 5 && std::strcmp(argv[1], "--row") == 0 && std::atoi(argv[2]) > 0 && std::atoi(argv[3]) > 0)
        return row(std::atoi(argv[2]), std::atoi(argv[3]), argv[4]);
    for (int batch : batches)
        for (int n : lengths) {
            std::string shape = std::to_string(n) + "/" + std::to_string(batch);
            benchmark::RegisterBenchmark(("linnet/" + shape).c_str(), [=](benchmark::State &s) {
                linnet f(n, batch);
                measure(s, f);
            });
            for (unsigned effort : {FFTW_MEASURE, FFTW_PATIENT})
                benchmark::RegisterBenchmark(
                    ((effort == FFTW_PATIENT ? "fftw_patient/" : "fftw_measure/") + shape).c_str(),
                    [=](benchmark::State &s) {
                        fftw f(n, batch, effort);
                        measure(s, f);
                    });
            benchmark::RegisterBenchmark(("kissfft/" + shape).c_str(), [=](benchmark::State &s) {
                kiss f(n, batch);
                measure(s, f);
            });
        }
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
