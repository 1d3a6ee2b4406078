/* SPDX-License-Identifier: Apache-2.0
 *
 * What `linnet compile` writes: a plan as constant data, and the one function that runs it. No allocation, no loader,
 * no strings. A program sees this only through the file that was written for its model; N.h has the names of that
 * model.
 *
 * Operands are 32-bit numbers: a byte offset, and in the upper two bits what it counts from. Layouts are the same for
 * every target, so the same model gives the same bytes on every host.
 */
#ifndef LINNET_COMPILED_H
#define LINNET_COMPILED_H

#include "linnet.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ln_args;
typedef linnet_status linnet_run_function(const struct ln_args *a);

#define LINNET_IN_ARENA UINT32_C(0)
#define LINNET_IN_WEIGHTS (UINT32_C(1) << 30)
#define LINNET_NOWHERE UINT32_C(0xffffffff) /* an operand that is absent */
#define LINNET_OFFSET_MASK (LINNET_IN_WEIGHTS - 1)

typedef struct linnet_step {
    linnet_run_function *run;
    uint32_t params;  /* bytes from the start of the parameters */
    uint32_t packed;  /* in the weights, or LINNET_NOWHERE */
    uint32_t scratch; /* in the arena */
    uint16_t n_in, n_out;
} linnet_step;

/* A tensor that lives from run to run: after each, the output goes where the input is read. */
typedef struct linnet_state {
    uint32_t input, output; /* operands */
    uint32_t initial;       /* what the input is at first, in the weights; LINNET_NOWHERE: zeros */
    uint32_t bytes;
} linnet_state;

typedef struct linnet_compiled {
    const linnet_step *steps;
    const uint32_t *operands; /* inputs and outputs of the steps, one step after the other */
    const linnet_state *states;
    const void *params;
    const void *weights;
    uint32_t n_steps, n_states;
    uint32_t pointers; /* in the arena: room for the operands of the widest step */
} linnet_compiled;

/* Runs all steps. LINNET_ERR_DATA where the input's elements ask for what is not there (an index out of range). */
LINNET_CHECK linnet_status linnet_compiled_run(const linnet_compiled *m, void *arena);

/* After a run of a model with states: outputs go where they are read next. */
void linnet_compiled_keep(const linnet_compiled *m, void *arena);

/* The states as they are at first. */
void linnet_compiled_reset(const linnet_compiled *m, void *arena);

/* On a host, where kernels are chosen when the program runs: the tier that the weights were packed for (and of tier rvv
 * the VLEN, else 0), or LINNET_ERR_UNSUPPORTED when this machine does not have it. */
LINNET_CHECK linnet_status linnet_compiled_tier(const char *tier, uint32_t vlen);

/* Firmware with tier rvv: whether the machine's registers have so many bits, or more. A model asks for what it was
 * packed for, and so the linker finds the tiles. */
int ln_rvv_has_128(void);
int ln_rvv_has_256(void);
int ln_rvv_has_512(void);
int ln_rvv_has_1024(void);

#ifdef __cplusplus
}
#endif

#endif
