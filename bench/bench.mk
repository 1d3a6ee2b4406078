# SPDX-License-Identifier: Apache-2.0
# Part of the Makefile: benchmarks.

BENCH_BIN := $(patsubst bench/bench_%.cc,$(B)/bench/bench_%,$(wildcard bench/bench_*.cc))
PEER_LIBS := -ldnnl -lopenblas -lgomp
$(B)/bench/bench_fft: BENCH_LIBS := -lfftw3f -lkissfft-float
$(B)/bench/bench_gemm $(B)/bench/bench_conv $(B)/bench/bench_qgemm $(B)/bench/bench_rows: BENCH_LIBS := $(PEER_LIBS)
$(BENCH_BIN): $(B)/bench/%: bench/%.cc bench/peers.h $(B)/liblinnet.a
	@mkdir -p $(@D)
	$(CXX) -std=c++17 -O2 -g -I. $(BENCH_FLAGS) $< $(B)/liblinnet.a $(BENCH_LIBS) -lbenchmark -lprotobuf-c -lm -ldl -pthread -o $@

# Repetitions of all rows in random order, so that what else the machine does hits all alike. OpenBLAS picks its kernels
# by the processor; gemm-skylakex is the same beside those for Skylake-X.
KERNEL_BENCHES := gemm conv qgemm rows
BENCH_ARGS ?= --benchmark_filter=-/scalar --benchmark_min_time=0.02 --benchmark_repetitions=5
BENCH_RUN   = --benchmark_enable_random_interleaving=true --benchmark_display_aggregates_only=true --benchmark_out_format=json
# Kernels as assembly, for bench/mca.py.
$(B)/asm/%.s: kernels/%.c
	@mkdir -p $(@D) $(B)/obj/asm
	$(CC) $(CFLAGS) $(BASE) $(KERNEL_OPT) $(call isa_of,$*) -MMD -MP -MF $(B)/obj/asm/$*.d -MT $@ -S $< -o $@

$(B)/count: $(B)/obj/bench/count.o $(B)/liblinnet.a | $(filter %.a,$(PROTOBUF))
	$(CC) $(CFLAGS) $(EXTRA) $(LDFLAGS) -Wl,--gc-sections $(filter %.o %.a,$^) $(PROTOBUF) $(CODEC_LIBS) $(LIBM) -o $@

.PHONY: instructions
instructions: ## instructions that models and transforms execute on other machines, counted under emulation, to docs/TARGETS.md
	@tools/setup.sh targets
	@bench/instructions.py --assert --table

.PHONY: mca
mca: ## cycles of the kernels' inner loops on cores of other machines, by llvm-mca, beside what their ports allow
	@tools/setup.sh targets
	@bench/mca.py

.PHONY: bench-models bench-compiled bench-kernels bench-ops bench-steps
bench-compiled: all ## compiled models beside sessions on this machine; fails where one is slower
	@bench/compiled.sh $(B) $(ARGS)

bench-models: all ## whole models beside ONNX Runtime: median, start to first result, memory, on one thread and two
	@tools/setup.sh bench
	@bench/compare_ort.sh $(B) --threads 1,2

bench-kernels: ## the kernels beside oneDNN and OpenBLAS, with shares of the measured peaks and a roofline (minutes)
	@tools/setup.sh bench
	@$(MAKE) --no-print-directory -j$(JOBS) $(KERNEL_BENCHES:%=$(B)/bench/bench_%) >$(B)/make.log 2>&1 || { cat $(B)/make.log; exit 1; }
	@for b in $(KERNEL_BENCHES); do \
	    $(B)/bench/bench_$$b $(BENCH_ARGS) $(BENCH_RUN) --benchmark_out=$(B)/bench/$$b.json >/dev/null 2>$(B)/bench/$$b.log || exit 1; done
	@OPENBLAS_CORETYPE=SKYLAKEX $(B)/bench/bench_gemm $(BENCH_ARGS) $(BENCH_RUN) --benchmark_filter='peak|avx512|openblas' \
	    --benchmark_out=$(B)/bench/gemm-skylakex.json >/dev/null 2>&1
	@bench/with_python.sh $(B) bench/summary.py $(B)

bench-steps: all ## what a step costs beside its kernel, in chains of nodes on one element; fails above 100 ns
	@bench/with_python.sh $(B) bench/step_cost.py $(B)

bench-ops: all ## every operator alone beside ONNX Runtime (ARGS: --threads N, --scale, --assert, names with wildcards)
	@bench/with_python.sh $(B) bench/compare_ops.py $(B) $(ARGS)

.PHONY: bench-fft bench-birdnet
bench-fft: ## real transforms beside FFTW, KissFFT and ONNX Runtime; fails where they are too slow
	@tools/setup.sh bench && mkdir -p $(B)
	@$(MAKE) --no-print-directory -j$(JOBS) all $(B)/bench/bench_fft >$(B)/make.log 2>&1 || { cat $(B)/make.log; exit 1; }
	@bench/with_python.sh $(B) bench/compare_dft.py $(B)

bench-birdnet: all ## BirdNET V2.4's graph beside ONNX Runtime; fails where it is too slow
	@bench/with_python.sh $(B) bench/birdnet_v24.py $(B)
