/* SPDX-License-Identifier: Apache-2.0
 *
 * What arithmetic operators of two inputs of one type share: parameters, the loop over broadcast rows in parallel, the
 * rows of every element type but float32. An operator is an ln_binary_op; float32 has a kernel and a run function for
 * each, the other types one run function for all.
 */
#ifndef LN_OPS_BINARY_H
#define LN_OPS_BINARY_H

#include "kernels/kernels.h"
#include "ops/broadcast.h"
#include "ops/map.h"

enum {
    LN_BIN_ADD,
    LN_BIN_SUB,
    LN_BIN_MUL,
    LN_BIN_DIV,
    LN_BIN_MAX,
    LN_BIN_MIN,
    LN_BIN_PRELU,
    LN_BIN_POW,
    LN_BIN_MOD,  /* the sign of the divisor */
    LN_BIN_FMOD, /* the sign of the dividend */
};

typedef struct ln_binary_params {
    ln_bcast b;
    int32_t op, type;
    int64_t axis, broadcast; /* opset 6 */
    int64_t fmod;            /* Mod */
} ln_binary_params;

/* y[i] = a[i * a_step] op b[i * b_step], i < n, of the type. */
typedef void ln_binary_row(int32_t op, int32_t type, void *y, const void *a, const void *b, int64_t n, size_t a_step,
                           size_t b_step);
/* Powers of float64 are apart: firmware without them needs no pow. */
ln_binary_row ln_row_pow_f64, ln_row_f32, ln_row_half, ln_row_f64, ln_row_i8, ln_row_i16, ln_row_i32, ln_row_i64,
    ln_row_u8, ln_row_u16, ln_row_u32, ln_row_u64;
ln_binary_row *ln_row_of(int32_t type); /* any type of LN_T_NUMBERS */

/* One walk of y = a op b; a kernel for float32, else a row. */
typedef struct ln_binary_job {
    const ln_bcast *b;
    ln_VBINARY_F32 *kernel;
    ln_binary_row *row;
    int32_t op, type;
    const void *x[2];
    void *y;
} ln_binary_job;
void ln_binary_walk(const ln_args *a, const ln_binary_job *job, double cost);

linnet_status ln_binary_f32(const ln_args *a, ln_VBINARY_F32 *kernel, double cost);
linnet_status ln_binary_any(const ln_args *a, ln_binary_row *row);

/* infer and plan of the operators with two inputs; before opset 7 with axis and broadcast. second: input 1 with its
 * dimensions in place. */
linnet_status ln_binary_infer(ln_ctx *c);
linnet_status ln_binary_plan(ln_ctx *c, int32_t op, const ln_info *second, ln_run_fn *f32, const char *f32_name);

#endif
