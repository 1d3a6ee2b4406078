# SPDX-License-Identifier: Apache-2.0
# Part of the Makefile: tests.

# tests/unit/test_*.c use cmocka, tests/kernels/check_*.c the harness in check.c; scripts say what they did themselves.
UNIT_BIN    := $(patsubst tests/unit/%.c,$(B)/test/%,$(wildcard tests/unit/test_*.c))
CHECK_BIN   := $(patsubst tests/kernels/%.c,$(B)/test/%,$(wildcard tests/kernels/check_*.c))
TEST_SCRIPT := $(wildcard tests/cli/*.sh)

# cmocka: the machine's own; for a target its source, which is one file.
ifeq ($(TARGET),)
CMOCKA := -lcmocka
else
CMOCKA := $(B)/libcmocka.a
CMOCKA_SRC := build/sources/cmocka
$(CMOCKA_SRC)/src/cmocka.c:
	tools/source.sh build/sources cmocka

$(B)/include/cmocka.h: $(CMOCKA_SRC)/src/cmocka.c
	@mkdir -p $(@D)
	@cp $(CMOCKA_SRC)/include/cmocka.h $@

# It jumps out of a test that fails, like an image library; tests/wasm has what else wasi-libc has not, names for new files.
CMOCKA_OBJ   := $(B)/obj/cmocka.o $(if $(WASI),$(patsubst %.c,$(B)/obj/%.o,$(wildcard tests/wasm/*.c)))
WASI_TESTS   := $(if $(WASI),-include tests/wasm/missing.h -D_UINTPTR_T -D_WASI_EMULATED_SIGNAL $(SETJMP))
CMOCKA_FLAGS := -w -DHAVE_SIGNAL_H -DHAVE_INTTYPES_H -DHAVE_STRINGS_H -I$(CMOCKA_SRC)/include $(WASI_TESTS)
$(B)/obj/cmocka.o: $(CMOCKA_SRC)/src/cmocka.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(CMOCKA_FLAGS) -c $< -o $@

$(CMOCKA): $(CMOCKA_OBJ)
	@rm -f $@ && $(AR) rcs $@ $^

$(B)/obj/tests/%.o: HOST += $(WASI_TESTS)
$(patsubst $(B)/test/%,$(B)/obj/tests/unit/%.o,$(UNIT_BIN)): | $(B)/include/cmocka.h
$(UNIT_BIN): | $(CMOCKA)
endif

$(UNIT_BIN): $(B)/test/%: $(B)/obj/tests/unit/%.o $(B)/liblinnet.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(EXTRA) $(LDFLAGS) $(filter %.o,$^) $(filter %.a,$^) $(CMOCKA) $(PROTOBUF) $(CODEC_LIBS) $(LIBM) -o $@

# The reader of .tflite files belongs to the tools.
TFLITE_OBJ := $(filter $(B)/obj/tools/tflite/%.o,$(TOOLS_OBJ))
$(B)/test/test_tflite: $(TFLITE_OBJ)

$(CHECK_BIN): $(B)/test/%: $(B)/obj/tests/kernels/%.o $(B)/obj/tests/kernels/check.o $(B)/liblinnet-core.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(EXTRA) $(LDFLAGS) $^ $(LIBM) -o $@

# The product of AVX-VNNI encoded as AVX-512's, for machines that have only that.
ifeq ($(ARCH),x86_64)
$(B)/obj/tests/kernels/qgemm_evex.o: kernels/qgemm_avxvnni.c kernels/qgemm_avx2.h
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(BASE) $(KERNEL_OPT) $(ISA_avx512) -Dln_qgemm_avxvnni=ln_qgemm_evex -c $< -o $@

$(B)/test/check_quant: $(B)/obj/tests/kernels/qgemm_evex.o
endif

# Compiled models on the machines that they are for; what they have to give comes from a session on the host.
FIRMWARE_TARGETS ?= cortex-m4 cortex-m7 cortex-m55 rv64gcv rv64gcv:512@1024 aarch64 cortex-m0plus rv32imac \
                    cortex-m4:scalar cortex-m55:scalar
$(B)/test/reference $(B)/test/lstm: $(B)/test/%: $(B)/obj/tests/firmware/%.o $(filter-out %/main.o,$(TOOLS_OBJ)) $(B)/liblinnet.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(EXTRA) $(LDFLAGS) $^ $(PROTOBUF) $(CODEC_LIBS) $(LIBM) -o $@

.PHONY: firmware print-CC
firmware: ## compiled models under QEMU: outputs, symbols, sizes against tests/firmware/budget.txt (FIRMWARE_TARGETS, ONLY)
	@tools/setup.sh firmware && mkdir -p $(B)
	@$(MAKE) --no-print-directory -j$(JOBS) all $(B)/test/reference $(B)/test/lstm >$(B)/make.log 2>&1 || { cat $(B)/make.log; exit 1; }
	@for t in $(FIRMWARE_TARGETS); do m=$${t%%:*} k=$${t#$$m}; case $$k in :[0-9]*) k= ;; esac; \
	    $(MAKE) --no-print-directory -j$(JOBS) TARGET=$$m $${k:+BARE=$${k#:} B=build/$$m-$${k#:}} >$(B)/make.log 2>&1 || { cat $(B)/make.log; exit 1; }; done
	@tests/firmware/run.sh $(B) $(FIRMWARE_TARGETS)
	@tests/firmware/arena.sh $(B)
	@tests/firmware/examples.sh $(B)

print-CC:
	@echo '$(or $(APP_CC_$(TARGET)),$(CC))'

# Not part of `make test`: hours over all floats (STEP=1), seconds over a sample.
$(B)/test/exhaustive: $(B)/obj/tests/kernels/exhaustive.o $(B)/liblinnet.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(EXTRA) $^ -lm -pthread -o $@

.PHONY: exhaustive
exhaustive: $(B)/test/exhaustive ## accuracy of the elementary functions over every STEP-th float of all (STEP=1)
	$< $(or $(STEP),1)

.PHONY: check-fft
check-fft: $(B)/test/check_fft ## accuracy of the transforms: all lengths up to 4096, smooth ones and primes up to 2^20 (minutes)
	$< full

.PHONY: test-targets
test-targets: ## builds for other machines, tested under emulation: kernels, unit tests, the ONNX suite, models (ROWS: some only)
	@tools/setup.sh targets
	@$(MAKE) --no-print-directory -s -j$(JOBS) $(B)/linnet
	@tests/targets.sh $(ROWS)

.PHONY: test-programs run-tests
test-programs: all $(UNIT_BIN) $(CHECK_BIN) $(B)/test/reference
run-tests: test-programs
	@tests/run.sh $(B) $(UNIT_BIN) $(CHECK_BIN) $(TEST_SCRIPT)

# The same programs with AddressSanitizer and UndefinedBehaviorSanitizer, and the graph verified after every pass. -Wconversion
# and -Wmaybe-uninitialized are left to the other builds: gcc's sanitizers make them see what is not there. Small constants, too,
# are read when they are needed. valgrind.sh is a rival of sanitizers, and install.sh and compile.sh link programs without. What
# a report does not show of debug information, and tables to move a program, would be two thirds of 4 GB.
SAN_FLAGS := B=$(B)/san CFLAGS="-O1 -g1 -DLN_DEBUG -DLN_STORE_MIN=64" KERNEL_OPT= TOOL_OPT= WARN="-Wall -Wextra -Wno-maybe-uninitialized -Werror" \
             LDFLAGS=-no-pie EXTRA="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer" \
             TEST_SCRIPT="$(filter-out $(addprefix tests/cli/,install.sh compile.sh valgrind.sh),$(TEST_SCRIPT))"
.PHONY: test-san
test-san:
	@mkdir -p $(B)/san
	@$(MAKE) --no-print-directory -j$(JOBS) $(SAN_FLAGS) test-programs >$(B)/san/make.log 2>&1 || { cat $(B)/san/make.log; exit 1; }
	@LINNET_QUICK=1 $(MAKE) --no-print-directory $(SAN_FLAGS) run-tests

test: ## all tests, plain and with sanitizers, and the ONNX suite on every tier; installs what is missing
	@tools/setup.sh test && mkdir -p $(B)
	@$(MAKE) --no-print-directory -j$(JOBS) test-programs >$(B)/make.log 2>&1 || { cat $(B)/make.log; exit 1; }
	@rm -f $(B)/log/total $(B)/san/log/total
	@$(MAKE) --no-print-directory run-tests || true
	@echo "with AddressSanitizer and UndefinedBehaviorSanitizer:"
	@$(MAKE) --no-print-directory test-san || true
	@tests/sum.sh $(B)/log/total $(B)/san/log/total

demo: ## classifies handwritten digits with the network in models/digits, and shows where the time went
	@tools/setup.sh build && mkdir -p $(B)
	@$(MAKE) --no-print-directory -j$(JOBS) all >$(B)/make.log 2>&1 || { cat $(B)/make.log; exit 1; }
	$(B)/linnet classify models/digits/digits.onnx models/digits/*.png --top 2
	$(B)/linnet bench models/digits/digits.onnx --time 1

compare: all ## every model of ../shared beside its published outputs or ONNX Runtime
	@tests/compare.sh $(B)
	@tests/tflite.sh $(B)
	@tests/fuzz/ops.sh $(B) --count 2000 --seed 1 --only 'com.microsoft.*'
	@tests/fuzz/ops.sh $(B) --count 600 --seed 1 --only model.layers

check: ## format, include directions, warnings of gcc and clang
	@tools/setup.sh test
	@tools/check.sh
	@$(MAKE) --no-print-directory -j$(JOBS) B=$(B)/check-gcc CC=gcc test-programs >/dev/null && echo "check: gcc has no complaint"
	@$(MAKE) --no-print-directory -j$(JOBS) B=$(B)/check-clang CC=clang test-programs >/dev/null && echo "check: clang has no complaint"
