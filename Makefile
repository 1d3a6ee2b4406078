# SPDX-License-Identifier: Apache-2.0
# Builds Linnet; web/, tests/ and bench/ have parts of their own. `make help` lists the targets.
# Objects, generated files and results live in $(B).

# TARGET=<triple> builds for another machine, into build/<triple>/, with what `tools/setup.sh targets` installs.
TARGET  ?=
B       ?= build$(if $(TARGET),/$(TARGET))
CFLAGS  ?= -O2 -g
# For kernels, after the other flags: the portable ones are to be vectorised.
KERNEL_OPT ?= -O3
# For commands: what takes time is called by them. That something may be used uninitialized is a guess with -Os.
TOOL_OPT ?= -Os $(if $(findstring clang,$(CC)),,-Wno-maybe-uninitialized)
PREFIX  ?= /usr/local
DESTDIR ?=
JOBS    ?= $(shell nproc 2>/dev/null || echo 1)
MAKEFLAGS += --no-builtin-rules

# -- targets -----------------------------------------------------------------------------------------------------
# Compiler and archiver of a triple. RISC-V's is clang, since gcc 12 has no vector intrinsics.
CC_aarch64-linux-gnu   := aarch64-linux-gnu-gcc
CC_arm-linux-gnueabihf := arm-linux-gnueabihf-gcc
CC_riscv64-linux-gnu   := clang-19 --target=riscv64-linux-gnu -march=rv64gc -fuse-ld=lld -Wno-unused-command-line-argument
CC_wasm32-wasi         := clang-19 --target=wasm32-wasi
AR_wasm32-wasi         := llvm-ar-19
# The same with relaxed SIMD, for hosts that have it: multiply-adds that may round once.
CC_wasm32-wasi-relaxed := $(CC_wasm32-wasi)
AR_wasm32-wasi-relaxed := $(AR_wasm32-wasi)
# Machines without a system: the core library alone, of one tier, for what `linnet compile` writes.
TIER_cortex-m0plus := scalar
TIER_cortex-m4     := armdsp
TIER_cortex-m7     := armdsp
TIER_cortex-m55    := mve
TIER_rv32imac      := scalar
TIER_rv64gcv       := rvv
TIER_aarch64       := neon
TIER_wasm32        := wasm
ARM_NONE := arm-none-eabi-gcc -mthumb
RISCV_NONE := riscv64-unknown-elf-gcc --specs=picolibc.specs
CC_cortex-m0plus := $(ARM_NONE) -mcpu=cortex-m0plus
CC_cortex-m4     := $(ARM_NONE) -mcpu=cortex-m4 -mfloat-abi=hard -mfpu=fpv4-sp-d16
CC_cortex-m7     := $(ARM_NONE) -mcpu=cortex-m7 -mfloat-abi=hard -mfpu=fpv5-d16
# gcc 12 makes vcvt conditional where its assembler does not take that; without the pass that does it, it does not.
CC_cortex-m55    := $(ARM_NONE) -mcpu=cortex-m55 -mfloat-abi=hard -fno-if-conversion2
CC_rv32imac      := $(RISCV_NONE) -march=rv32imac -mabi=ilp32
# What has vectors is clang's, as gcc 12 has no intrinsics; programs are compiled and linked by gcc (APP_CC), whose linker
# does not know the relocations of DWARF 5.
RV64 := -march=rv64gc -mabi=lp64d -mcmodel=medany
APP_CC_rv64gcv   := $(RISCV_NONE) $(RV64)
CC_rv64gcv       := clang-19 --target=riscv64-unknown-elf $(RV64) -gdwarf-4 -isystem /usr/lib/picolibc/riscv64-unknown-elf/include
CC_aarch64       := aarch64-linux-gnu-gcc -mcpu=cortex-a53 -fno-pie -no-pie -fno-stack-protector
$(foreach t,cortex-m0plus cortex-m4 cortex-m7 cortex-m55,$(eval AR_$(t) := arm-none-eabi-ar))
AR_rv32imac := riscv64-unknown-elf-ar
AR_rv64gcv  := riscv64-unknown-elf-ar
AR_aarch64  := aarch64-linux-gnu-ar
CC_wasm32   := clang-19 --target=wasm32-wasi
AR_wasm32   := llvm-ar-19
BARE := $(TIER_$(TARGET))
# WASI has no threads, and of mmap and of the processor's time what libraries of its own make of others.
WASI   := $(filter wasm32-%,$(TARGET))
THREAD := $(if $(WASI),,-pthread)
comma  := ,

ifneq ($(TARGET),)
$(if $(CC_$(TARGET)),,$(error TARGET=$(TARGET) is not known; the targets are$(patsubst CC_%, %,$(filter CC_%,$(.VARIABLES)))))
CC := $(CC_$(TARGET))
AR := $(or $(AR_$(TARGET)),$(TARGET)-ar)
EXTRA   += -isystem $(B)/include
CFLAGS  := $(if $(WASI),-Os -g,$(CFLAGS))
LDFLAGS += $(if $(WASI),-Wl$(comma)-z$(comma)stack-size=4194304 -Wl$(comma)--stack-first,-static)
endif

WARN := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Werror
# An enum is unsigned to clang, and every field that holds one would need a cast; gcc looks after signs. A loop that clang
# does not unroll as a pragma asks is slower, not wrong.
WARN += $(if $(findstring clang,$(CC)),-Wno-sign-conversion -Wno-pass-failed)
# Freestanding, but memcpy and the like are what they are called; int32_t is no int to newlib, which only texts mind; what
# may be used uninitialized is a guess that depends on -Os.
ifneq ($(BARE),)
CFLAGS     := -Os -g
KERNEL_OPT := $(BARE_KERNEL_OPT)
WARN       += -Wno-format $(if $(findstring clang,$(CC)),,-Wno-maybe-uninitialized)
EXTRA      += -ffreestanding -fbuiltin -DLN_FIRMWARE -DLN_TIER=$(BARE)
endif

# Tables for unwinding are 7 % of a program through which no exception passes; debuggers have those of -g.
BASE := -std=c11 -I. -I$(B)/gen -ffp-contract=off -fno-math-errno -ffunction-sections -fdata-sections \
        -fno-asynchronous-unwind-tables $(WARN) $(EXTRA)
HOST := $(if $(BARE),,-D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 $(THREAD)) \
        $(if $(WASI),-D_WASI_EMULATED_MMAN -D_WASI_EMULATED_GETPID -D_WASI_EMULATED_PROCESS_CLOCKS)
LIBM := $(if $(WASI),-lwasi-emulated-mman -lwasi-emulated-getpid -lwasi-emulated-process-clocks -lwasi-emulated-signal) -lm $(THREAD) $(if $(TARGET),,-ldl)

# One rule per tier: the suffix of the file's name sets its flags.
ARCH := $(shell $(CC) -dumpmachine | sed 's/-.*//')
ISA_scalar :=
ISA_avx2   := -mavx2 -mfma -mf16c
ISA_avxvnni := $(ISA_avx2) -mavxvnni # not a tier: what of avx2 some machines do better
ISA_avx512bf16 = $(ISA_avx512) -mavx512bf16 # not a tier: what of avx512 some machines do better
ISA_avx512 := -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni -mavx2 -mfma -mf16c
# For firmware, -O2 where the rest has -Os.
ISA_neon    := $(if $(BARE),-O2)
ISA_neondot := -march=armv8.2-a+dotprod+fp16
# Tuned for a core in order, which waits for what a scheduler did not foresee; others hardly mind.
ISA_rvv     := -march=rv64gcv -mtune=sifive-x280 $(if $(BARE),-O2)
ISA_zvfhmin := -march=rv64gcv_zvfhmin # not a tier: what of rvv some machines do better
ISA_wasm    := -msimd128 $(if $(filter %-relaxed,$(TARGET)),-mrelaxed-simd) $(if $(BARE),-O2)
TIERS_x86_64  := avx2 avxvnni avx512 avx512bf16
TIERS_aarch64 := neon neondot
TIERS_riscv64 := rvv zvfhmin
TIERS_wasm32  := wasm
TIERS := $(TIERS_$(ARCH))
ISA_armdsp := -O2
ISA_mve    := -O2
ifneq ($(BARE),)
TIERS := $(BARE)
endif

.PHONY: all lib demo test check compare install clean help
all: $(if $(BARE),,$(B)/linnet $(B)/liblinnet.a) $(B)/liblinnet-core.a ## the program and both libraries (the default)

# -- sources -----------------------------------------------------------------------------------------------------
ALL_TIERS   := avx2 avxvnni avx512 avx512bf16 neon neondot rvv zvfhmin wasm armdsp mve
OTHER_TIERS := $(filter-out $(TIERS),$(ALL_TIERS))
KERNEL_SRC  := $(filter-out $(foreach t,$(OTHER_TIERS),kernels/%_$(t).c) kernels/vlen_rvv.c,$(wildcard kernels/*.c))
# The kernels of a tier lie side by side in a program, so that it takes few pages of those of the others.
KERNEL_SRC  := $(filter-out $(foreach t,scalar $(TIERS),kernels/%_$(t).c),$(KERNEL_SRC)) \
               $(foreach t,scalar $(TIERS),$(filter kernels/%_$(t).c,$(KERNEL_SRC)))
OPS_SRC     := $(wildcard ops/*.c)
HOST_SRC    := $(wildcard ops/host/*.c $(if $(WASI),ops/host/wasm/*.c))
ENGINE_SRC  := $(wildcard engine/*.c)
ONNX_SRC    := $(wildcard onnx/*.c)
TOOLS_SRC   := $(wildcard tools/*.c tools/*/*.c)

# Firmware has the kernels of its tier, run functions, and what runs a compiled plan; of rvv an object for each VLEN, of
# which the linker takes that of the model, so they come first.
ifneq ($(BARE),)
KERNEL_SRC := $(filter-out kernels/dispatch.c kernels/cpu_% kernels/tiles.c,$(KERNEL_SRC))
ENGINE_SRC := engine/compiled.c engine/types.c $(if $(filter wasm32,$(TARGET)),,engine/firmware/exact.c)
endif

VLEN_OBJ  := $(if $(filter rvv,$(BARE)),$(patsubst %,$(B)/obj/kernels/vlen_%.o,128 256 512 1024))
CORE_OBJ  := $(VLEN_OBJ) $(patsubst %.c,$(B)/obj/%.o,$(KERNEL_SRC) $(OPS_SRC) $(ENGINE_SRC))
HOST_OBJ  := $(patsubst %.c,$(B)/obj/%.o,$(HOST_SRC))
ONNX_OBJ  := $(patsubst %.c,$(B)/obj/%.o,$(ONNX_SRC)) $(B)/obj/gen/onnx.pb-c.o
TOOLS_OBJ := $(patsubst %.c,$(B)/obj/%.o,$(TOOLS_SRC))

tier_of  = $(filter $(ALL_TIERS),$(lastword $(subst _, ,$(basename $(notdir $(1))))))
isa_of   = $(ISA_$(call tier_of,$(1)))

# Image libraries for ops/host/: those that pkg-config knows, opened when they are needed; for a target those that image-libs
# has built from source, which test-programs does first, linked. liblinnet.a has the host's operators, liblinnet-core.a not.
# (There may be no pkg-config yet: the shell, not Make, is to find that out, quietly.)
IMAGE := $(B)/image
ifeq ($(TARGET),)
CODECS      := $(shell for l in libjpeg libpng libwebp libtiff-4 libopenjp2; do (pkg-config --exists $$l) 2>/dev/null && echo $$l; done)
CODEC_FLAGS := $(if $(CODECS),$(shell pkg-config --cflags $(CODECS)))
else ifneq ($(or $(wildcard $(IMAGE)/done),$(filter test-programs,$(MAKECMDGOALS))),)
CODECS      := libjpeg libpng libwebp libtiff-4 libopenjp2
CODEC_FLAGS := -isystem $(IMAGE)/include -DLN_LIBRARIES_LINKED
CODEC_LIBS  := -L$(IMAGE)/lib -ltiff -ljpeg -lpng -lz -lwebp -lopenjp2
endif
CODEC_FLAGS += $(foreach l,$(CODECS),-DLN_HAVE_$(shell echo $(l:-4=) | tr a-z A-Z))

# Two of them report errors by longjmp. Debian's wasi-libc has none; ops/host/wasm makes it of exceptions.
SETJMP := $(if $(WASI),-isystem $(CURDIR)/ops/host/wasm -mllvm -wasm-enable-sjlj -mexception-handling)
CODEC_FLAGS += $(if $(CODECS),$(SETJMP))
$(B)/obj/ops/host/wasm/%.o: HOST += $(SETJMP)

ifneq ($(TARGET),)
$(IMAGE)/done: tools/image-libs.sh
	@CC='$(CC_$(TARGET)) $(if $(WASI),-D_WASI_EMULATED_MMAN -D_WASI_EMULATED_PROCESS_CLOCKS) $(SETJMP)' AR=$(AR) tools/image-libs.sh $(IMAGE)
.PHONY: image-libs
image-libs: $(IMAGE)/done ## with TARGET: the image libraries of ImageDecoder from the distribution's sources (needs cmake)
endif

lib: $(B)/liblinnet.a $(B)/liblinnet-core.a

# -- generated ---------------------------------------------------------------------------------------------------
# The operator table: every line `LN_OP(name) = {` in ops/ is a row; the host's has those of ops/host/ too.
$(B)/gen/ops.inc: $(OPS_SRC)
$(B)/gen/ops_host.inc: $(OPS_SRC) $(HOST_SRC)
$(B)/gen/ops.inc $(B)/gen/ops_host.inc:
	@mkdir -p $(@D)
	@sed -n 's/^LN_OP(\([A-Za-z0-9_]*\)) = {.*/LN_ROW(\1)/p' $^ /dev/null | LC_ALL=C sort > $@.tmp
	@cmp -s $@.tmp $@ || cp $@.tmp $@; rm -f $@.tmp; touch $@

# Libraries that the program opens when it needs them (engine/library.h), by the names that the linker would note.
$(B)/gen/libraries.h: force
	@mkdir -p $(@D)
	@for l in jpeg png webp tiff openjp2 sndfile samplerate z; do \
	    name=$$(objdump -p "$$($(CC) -print-file-name=lib$$l.so)" 2>/dev/null | sed -n 's/^ *SONAME *//p'); \
	    echo "#define LN_SO_$$(echo $$l | tr a-z A-Z) \"$${name:-lib$$l.so}\""; done >$@.tmp
	@cmp -s $@.tmp $@ || cp $@.tmp $@; rm -f $@.tmp

# Says which image libraries there are, so that what depends on them is made again when one comes.
.PHONY: force
$(B)/gen/codecs.txt: force
	@mkdir -p $(@D)
	@echo '$(CODECS)' | cmp -s - $@ || echo '$(CODECS)' > $@

# protobuf-c: the machine's own; for a target its source, as the distribution has it, and its header (which knows no machine).
ifeq ($(TARGET),)
PROTOBUF := -lprotobuf-c
else
PROTOBUF := $(B)/libprotobuf-c.a
PROTOBUF_SRC := build/sources/protobuf-c
$(PROTOBUF_SRC)/protobuf-c/protobuf-c.c:
	tools/source.sh build/sources protobuf-c

$(B)/include/protobuf-c/protobuf-c.h: $(PROTOBUF_SRC)/protobuf-c/protobuf-c.c
	@mkdir -p $(@D)
	@cp $(<D)/protobuf-c.h $@

$(PROTOBUF): $(PROTOBUF_SRC)/protobuf-c/protobuf-c.c
	@mkdir -p $(B)/obj
	$(CC) $(CFLAGS) -I$(PROTOBUF_SRC) -c $< -o $(B)/obj/protobuf-c.o
	@rm -f $@ && $(AR) rcs $@ $(B)/obj/protobuf-c.o

$(B)/gen/onnx.pb-c.h: $(B)/include/protobuf-c/protobuf-c.h
endif

$(B)/gen/onnx.pb-c.h $(B)/gen/onnx.pb-c.c &: onnx/onnx.proto
	@mkdir -p $(@D)
	protoc-c --proto_path=onnx --c_out=$(B)/gen onnx/onnx.proto

$(B)/obj/gen/%.o: $(B)/gen/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -std=c11 -I$(B)/gen $(EXTRA) -MMD -MP -c $< -o $@

$(ONNX_OBJ) $(TOOLS_OBJ) $(patsubst %.c,$(B)/obj/%.o,$(wildcard tests/unit/*.c)) : | $(B)/gen/onnx.pb-c.h
$(CORE_OBJ) : | $(B)/gen/ops.inc
$(B)/obj/engine/optable.o: $(B)/gen/ops.inc
$(HOST_OBJ) : $(B)/gen/codecs.txt $(if $(TARGET),$(if $(CODECS),| $(IMAGE)/done))
$(HOST_OBJ) $(TOOLS_OBJ) : | $(B)/gen/libraries.h

# -- compile -----------------------------------------------------------------------------------------------------
$(B)/obj/kernels/%.o: kernels/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(BASE) $(KERNEL_OPT) $(call isa_of,$*) -MMD -MP -c $< -o $@

$(VLEN_OBJ): $(B)/obj/kernels/vlen_%.o: kernels/vlen_rvv.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(BASE) $(ISA_rvv) -DLN_VLEN=$* -MMD -MP -c $< -o $@

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(BASE) $(HOST) -MMD -MP -c $< -o $@

$(B)/obj/ops/host/%.o: ops/host/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(BASE) $(HOST) $(CODEC_FLAGS) -MMD -MP -c $< -o $@

$(B)/obj/engine/optable_host.o: engine/optable.c $(B)/gen/ops_host.inc
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(BASE) $(HOST) -DLN_OPS_INC='"ops_host.inc"' -MMD -MP -c $< -o $@

$(B)/liblinnet-core.a: $(CORE_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(B)/liblinnet.a: $(filter-out %/optable.o,$(CORE_OBJ)) $(B)/obj/engine/optable_host.o $(HOST_OBJ) $(ONNX_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

# The program reads sounds, PNG, JPEG and compressed NPZ where these libraries are; a target has none of them. It is not
# linked with them: they would take three quarters of the time and the memory that a process of a small model needs.
TOOLS_FLAGS := $(if $(TARGET),,-DLN_HAVE_MEDIA)
$(B)/obj/tools/%.o: tools/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(BASE) $(HOST) $(TOOLS_FLAGS) $(TOOL_OPT) -MMD -MP -c $< -o $@

# The addresses in the tables of operators and kernels as a map of bits, where the linker and the system's loader know it:
# a list of them is 5 % of the program, which every start reads. Tried when the program is linked.
RELR = $(if $(TARGET),,$(shell flag=-Wl,-z,pack-relative-relocs try=$(B)/relr; \
    text=$$(echo 'int main(void) { return 0; }' | $(CC) $$flag -xc - -o $$try 2>&1) && [ -z "$$text" ] && $$try && echo $$flag))

$(B)/linnet: $(TOOLS_OBJ) $(B)/liblinnet.a | $(filter %.a,$(PROTOBUF))
	$(CC) $(CFLAGS) $(EXTRA) $(LDFLAGS) $(RELR) -Wl,--gc-sections $(TOOLS_OBJ) $(B)/liblinnet.a $(PROTOBUF) $(CODEC_LIBS) $(LIBM) -o $@

# -- the rest, by what it is for -------------------------------------------------------------------------------
include web/web.mk
include tests/tests.mk
include bench/bench.mk
include tests/fuzz/fuzz.mk

# -- documentation ------------------------------------------------------------------------------------------------
# Objects of the scalar tier alone, in which a kernel is a symbol that relocations name; see tools/operators.py.
.PHONY: docs
docs: all ## docs/OPERATORS.md from the descriptors, the kernels and the suite's results
	@$(MAKE) --no-print-directory -s -j$(JOBS) B=$(B)/docs TIERS= CFLAGS=-O1 WARN= KERNEL_OPT= TOOL_OPT= EXTRA=-DLN_TIER=scalar $(B)/docs/liblinnet.a
	@$(B)/linnet conformance $(or $(LINNET_SUITE),../shared/onnx-suite) --quiet --json $(B)/docs/results.json >$(B)/docs/results.txt || { tail $(B)/docs/results.txt; exit 1; }
	@tests/fuzz/ops.sh --docs $(B) $(B)/docs $(B)/docs/results.json >$(B)/docs/OPERATORS.md
	@cp $(B)/docs/OPERATORS.md docs/OPERATORS.md

# -- install -----------------------------------------------------------------------------------------------------
VERSION := $(shell sed -n 's/^\#define LINNET_VERSION "\(.*\)"/\1/p' engine/linnet.h)
ROOT     = $(DESTDIR)$(PREFIX)

ifeq ($(BARE),)
install: all ## into PREFIX (/usr/local), below DESTDIR: program, libraries, header, pkg-config, man page, completion
	install -d $(ROOT)/bin $(ROOT)/lib/pkgconfig $(ROOT)/include $(ROOT)/share/man/man1 \
	    $(ROOT)/share/bash-completion/completions $(ROOT)/share/zsh/site-functions
	install -m 755 $(B)/linnet $(ROOT)/bin/linnet
	install -m 644 $(B)/liblinnet.a $(B)/liblinnet-core.a $(ROOT)/lib/
	install -m 644 engine/linnet.h engine/linnet_compiled.h $(ROOT)/include/
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' tools/linnet.pc.in > $(ROOT)/lib/pkgconfig/linnet.pc
	install -m 644 docs/linnet.1 $(ROOT)/share/man/man1/linnet.1
	install -m 644 tools/completion.bash $(ROOT)/share/bash-completion/completions/linnet
	install -m 644 tools/completion.zsh $(ROOT)/share/zsh/site-functions/_linnet
else
install: all
	install -d $(ROOT)/lib/linnet/$(TARGET) $(ROOT)/include
	install -m 644 $(B)/liblinnet-core.a $(ROOT)/lib/linnet/$(TARGET)/
	install -m 644 engine/linnet.h engine/linnet_compiled.h $(ROOT)/include/
endif

clean: ## removes $(B)
	rm -rf $(B)

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1	\2/p' $(filter Makefile %.mk,$(MAKEFILE_LIST)) | expand -t 18
	@echo "variables: B (build), CC, CFLAGS, EXTRA (flags for compiler and linker), PREFIX, DESTDIR, JOBS"

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
