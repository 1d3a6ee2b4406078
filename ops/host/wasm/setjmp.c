/* SPDX-License-Identifier: Apache-2.0
 *
 * What clang makes of setjmp and longjmp on WebAssembly calls these three; see setjmp.h. The names and the layout of
 * what is thrown (tag 1: a pointer to the environment and the value) are LLVM's, WebAssemblyLowerEmscriptenEHSjLj.cpp.
 */
#include <setjmp.h>

void __wasm_setjmp(struct ln_jmp_buf *env, unsigned label, void *frame);
unsigned __wasm_setjmp_test(struct ln_jmp_buf *env, void *frame);
_Noreturn void __wasm_longjmp(struct ln_jmp_buf *env, int value);

void __wasm_setjmp(struct ln_jmp_buf *env, unsigned label, void *frame)
{
    env->frame = frame;
    env->label = label;
}

/* 0: the jump is to another function's setjmp, and goes on. */
unsigned __wasm_setjmp_test(struct ln_jmp_buf *env, void *frame)
{
    return env->frame == frame ? env->label : 0;
}

void __wasm_longjmp(struct ln_jmp_buf *env, int value)
{
    env->thrown.env = env;
    env->thrown.value = value ? value : 1;
    __builtin_wasm_throw(1, &env->thrown);
}
