/* SPDX-License-Identifier: Apache-2.0
 *
 * One model as WebAssembly: the digits of models/digits, written as C by `linnet compile`, behind three functions. The
 * module imports nothing; make TARGET=wasm32 digits links it. 64 gray levels go to where input() says, and after run()
 * ten probabilities are where output() says.
 */
#include "digits.h"

#define EXPORT(name) __attribute__((export_name(#name)))
/* Their callers are in JavaScript. */
#pragma clang diagnostic ignored "-Wmissing-prototypes"

static char arena[DIGITS_ARENA_BYTES] __attribute__((aligned(DIGITS_ARENA_ALIGN)));

EXPORT(init) int init(void)
{
    return (int)digits_init(arena);
}

EXPORT(input) float *input(void)
{
    return digits_input_image();
}

EXPORT(run) int run(void)
{
    return (int)digits_run();
}

EXPORT(output) const float *output(void)
{
    return digits_output_probabilities();
}
