# SPDX-License-Identifier: Apache-2.0
# Part of the Makefile: WebAssembly as a function.

# linnet.wasm is the engine behind web/exports.c, linnet.mjs what calls it, docs/wasm/ a page that does. A page decodes
# images by itself: ImageDecoder comes without the libraries, whether there are any or not. It has SIMD: the scalar tier's
# kernels are those that the other names.
WEB := $(addprefix $(B)/web/,linnet.wasm linnet.mjs index.html digits.onnx $(notdir $(wildcard models/digits/*.png)))
REACTOR = $(CC) $(CFLAGS) $(EXTRA) $(LDFLAGS) -mexec-model=reactor -Wl,--gc-sections,--strip-all

WEB_OBJ := $(addprefix $(B)/obj/web/,exports.o imagedecoder.o dispatch.o)
$(B)/obj/web/%.o: ops/host/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(BASE) $(HOST) -MMD -MP -c $< -o $@
$(B)/obj/web/%.o: kernels/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(BASE) -DLN_NO_SCALAR -MMD -MP -c $< -o $@

$(B)/web/linnet.wasm: $(WEB_OBJ) $(B)/liblinnet.a | $(filter %.a,$(PROTOBUF))
	@mkdir -p $(@D)
	$(REACTOR) $^ $(PROTOBUF) $(LIBM) -o $@

$(B)/web/%: web/%
	@mkdir -p $(@D) && cp $< $@
$(B)/web/%: docs/wasm/%
	@mkdir -p $(@D) && cp $< $@
$(B)/web/%: models/digits/%
	@mkdir -p $(@D) && cp $< $@

# One model alone: its steps as C, with TARGET=wasm32's library, which has the operators and kernels that it calls.
.PHONY: digits
digits: $(B)/digits.wasm ## with TARGET=wasm32: the demo model as a module of its own (docs/wasm/digits.c)
$(B)/digits.c $(B)/digits.h $(B)/digits.txt &: models/digits/digits.onnx $(B)/liblinnet-core.a
	@$(MAKE) --no-print-directory -s TARGET= B=build build/linnet
	build/linnet compile $< -o $(B) --target wasm32 >$(B)/digits.txt && cat $(B)/digits.txt
$(B)/digits.wasm: docs/wasm/digits.c $(B)/digits.c $(B)/digits.h $(B)/digits.txt $(B)/liblinnet-core.a
	$(CC) -std=c11 -Os -Iengine -I$(B) -mexec-model=reactor -nostartfiles -Wl,--no-entry,--gc-sections,--strip-all \
	    $(filter %.c %.a,$^) -o $@

.PHONY: web test-web
test-web: web ## with TARGET=wasm32-wasi: linnet.mjs in node, the page in headless Chromium (a screenshot), sizes
	@$(MAKE) --no-print-directory -s TARGET=wasm32 B=build/wasm32 digits
	@node tests/web.mjs $(B) build/wasm32/digits.wasm
web: $(WEB) ## with TARGET=wasm32-wasi: linnet.wasm, linnet.mjs and the page of docs/wasm, in build/wasm32-wasi/web
