# SPDX-License-Identifier: Apache-2.0
# Part of the Makefile: fuzzing.

# A build of its own, by clang, with sanitizers; FUZZ_TIME seconds on what tests/fuzz/corpus.sh collects. What takes a minute
# hangs; large windows over many elements are only slow.
FUZZ_FLAGS := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -DLN_STORE_MIN=64
# Kernels, of the scalar tier alone, keep AddressSanitizer only: nothing is decided there on the bytes of a model.
FUZZ_KERNEL := -fno-sanitize=undefined -fno-sanitize=fuzzer-no-link
FUZZ_BIN   := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_TIME  ?= 60

ifeq ($(FUZZ),1)
$(B)/fuzz_tflite: $(TFLITE_OBJ)
$(B)/%: $(B)/obj/tests/fuzz/%.o $(B)/liblinnet.a
	$(CC) $(CFLAGS) $(EXTRA) -fsanitize=fuzzer $(filter %.o,$^) $(filter %.a,$^) -lprotobuf-c -lm -ldl -pthread -o $@
else
$(FUZZ_BIN): $(B)/fuzz/%: FORCE
	@$(MAKE) --no-print-directory FUZZ=1 B=$(B)/fuzz CC="$(FUZZ_CC)" TIERS= CFLAGS="-O1 -g" KERNEL_OPT="$(FUZZ_KERNEL)" TOOL_OPT= \
	    EXTRA="$(FUZZ_FLAGS) -DLN_TIER=scalar" $@
FUZZ_CC ?= clang
endif

.PHONY: FORCE fuzz-load fuzz-run fuzz-tflite
fuzz-load: ## fuzzes the loader for FUZZ_TIME seconds
fuzz-run: ## fuzzes loading, planning and running for FUZZ_TIME seconds
fuzz-tflite: ## fuzzes the reader of .tflite files for FUZZ_TIME seconds
fuzz-load fuzz-run fuzz-tflite: fuzz-%: $(B)/fuzz/fuzz_%
	@tests/fuzz/corpus.sh $(B)/fuzz/corpus
	@mkdir -p $(B)/fuzz/$*
	cd $(B)/fuzz && ./fuzz_$* -max_total_time=$(FUZZ_TIME) -rss_limit_mb=2048 -timeout=60 -print_final_stats=1 $* corpus$(if $(filter tflite,$*),.tflite)

# Operators by the specification, beside ONNX Runtime and onnx's reference evaluator (PyPI): TIME seconds from SEED on.
.PHONY: fuzz-ops
fuzz-ops: all ## random nodes of every operator on Linnet and others for TIME seconds (60); SEED=, ONLY='Conv*'
	@tests/fuzz/ops.sh $(B) --time $(or $(TIME),60) $(if $(SEED),--seed $(SEED)) $(foreach o,$(ONLY),--only '$(o)')
