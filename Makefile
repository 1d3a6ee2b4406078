# SPDX-License-Identifier: Apache-2.0
# Linnet's one Makefile. `make help` lists the targets. Objects, generated files and results live in $(B).

B       ?= build
CC      ?= cc
CFLAGS  ?= -O2 -g
PREFIX  ?= /usr/local
DESTDIR ?=
MAKEFLAGS += --no-builtin-rules

WARN := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Werror
BASE := -std=c11 -I. -I$(B)/gen -ffp-contract=off -fno-math-errno -ffunction-sections -fdata-sections $(WARN) $(EXTRA)
HOST := -D_GNU_SOURCE -pthread

# One rule per tier: the suffix of the file's name sets its flags.
ARCH := $(shell $(CC) -dumpmachine | sed 's/-.*//')
ISA_scalar :=
ISA_avx2   := -mavx2 -mfma -mf16c
ISA_avx512 := -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni -mavx2 -mfma -mf16c
ifeq ($(ARCH),x86_64)
TIERS := avx2 avx512
endif

.PHONY: all lib help
all: $(B)/linnet $(B)/liblinnet.a $(B)/liblinnet-core.a

# -- sources -----------------------------------------------------------------------------------------------------
ALL_TIERS   := avx2 avx512 neon neondot rvv wasm
OTHER_TIERS := $(filter-out $(TIERS),$(ALL_TIERS))
KERNEL_SRC  := $(filter-out $(foreach t,$(OTHER_TIERS),kernels/%_$(t).c),$(wildcard kernels/*.c))
OPS_SRC     := $(wildcard ops/*.c)
ENGINE_SRC  := $(wildcard engine/*.c)
ONNX_SRC    := $(wildcard onnx/*.c)
TOOLS_SRC   := $(wildcard tools/*.c tools/*/*.c)

CORE_OBJ  := $(patsubst %.c,$(B)/obj/%.o,$(KERNEL_SRC) $(OPS_SRC) $(ENGINE_SRC))
ONNX_OBJ  := $(patsubst %.c,$(B)/obj/%.o,$(ONNX_SRC)) $(B)/obj/gen/onnx.pb-c.o
TOOLS_OBJ := $(patsubst %.c,$(B)/obj/%.o,$(TOOLS_SRC))

tier_of  = $(filter $(ALL_TIERS),$(lastword $(subst _, ,$(basename $(notdir $(1))))))
isa_of   = $(ISA_$(call tier_of,$(1)))

lib: $(B)/liblinnet.a $(B)/liblinnet-core.a

# -- generated ---------------------------------------------------------------------------------------------------
# The operator table: every line `LN_OP(name) = {` in ops/ is a row.
$(B)/gen/ops.inc: $(OPS_SRC)
	@mkdir -p $(@D)
	@sed -n 's/^LN_OP(\([A-Za-z0-9_]*\)) = {.*/LN_ROW(\1)/p' $^ /dev/null | LC_ALL=C sort > $@.tmp
	@cmp -s $@.tmp $@ || cp $@.tmp $@; rm -f $@.tmp; touch $@

$(B)/gen/onnx.pb-c.h $(B)/gen/onnx.pb-c.c &: onnx/onnx.proto
	@mkdir -p $(@D)
	protoc-c --proto_path=onnx --c_out=$(B)/gen onnx/onnx.proto

$(B)/obj/gen/%.o: $(B)/gen/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -std=c11 -I$(B)/gen $(EXTRA) -MMD -c $< -o $@

$(ONNX_OBJ) : | $(B)/gen/onnx.pb-c.h
$(CORE_OBJ) : | $(B)/gen/ops.inc
$(B)/obj/engine/optable.o: $(B)/gen/ops.inc

# -- compile -----------------------------------------------------------------------------------------------------
$(B)/obj/kernels/%.o: kernels/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(BASE) $(isa_of) $(call isa_of,$*) -MMD -c $< -o $@

$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(BASE) $(HOST) -MMD -c $< -o $@

$(B)/liblinnet-core.a: $(CORE_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(B)/liblinnet.a: $(CORE_OBJ) $(ONNX_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

TOOLS_LIBS := -lprotobuf-c -ljpeg -lpng -lz -lm -pthread
$(B)/linnet: $(TOOLS_OBJ) $(B)/liblinnet.a
	$(CC) $(CFLAGS) $(EXTRA) -Wl,--gc-sections $(TOOLS_OBJ) $(B)/liblinnet.a $(TOOLS_LIBS) -o $@

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)
