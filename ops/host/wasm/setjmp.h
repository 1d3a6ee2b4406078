/* SPDX-License-Identifier: Apache-2.0
 *
 * setjmp on WebAssembly, where Debian's wasi-libc has none: libjpeg and libpng jump out of a broken image, cmocka out
 * of a test that fails. A jump is an exception, which clang (-mllvm -wasm-enable-sjlj) has every call behind a setjmp
 * catch; setjmp.c is what it calls.
 */
#ifndef LN_WASM_SETJMP_H
#define LN_WASM_SETJMP_H

struct ln_thrown {
    void *env;
    int value;
};

typedef struct ln_jmp_buf {
    void *frame;    /* the call of the function that called setjmp */
    unsigned label; /* which setjmp of that function */
    struct ln_thrown thrown;
} jmp_buf[1];

int setjmp(jmp_buf env) __attribute__((returns_twice));
_Noreturn void longjmp(jmp_buf env, int value);

#endif
