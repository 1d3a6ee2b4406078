/* SPDX-License-Identifier: Apache-2.0
 *
 * A batch of matrix products Y = act(alpha A B + beta C + R) with any strides of A and B, as MatMul, Gemm and their
 * fused relatives need it. Their parameters are an ln_product, so that they share its run functions.
 *
 * float32 goes through the packed product of kernels/gemm.h; a constant B is packed at plan time. So do float16 and
 * bfloat16, with the other operands widened in scratch and a constant B packed as it is. The other types go through
 * plain loops that read elements where they lie.
 */
#ifndef LN_OPS_PRODUCT_H
#define LN_OPS_PRODUCT_H

#include "ops/convert.h"
#include "ops/fused.h"

typedef struct ln_product {
    ln_fused fused;
    /* Attributes of Gemm and its like. */
    int64_t trans_a, trans_b;
    float alpha, beta;
    /* The rest is set by the operator's plan: sizes, strides in elements. Rows of Y are contiguous. */
    int64_t m, n, k, batches;
    int64_t a_row, a_col, b_row, b_col, y_row;
    int32_t a_in, b_in; /* inputs that are A and B */
    int32_t n_batch;    /* dimensions of the batch */
    int32_t type;
    int64_t batch[LN_MAX_RANK], a_batch[LN_MAX_RANK], b_batch[LN_MAX_RANK], y_batch[LN_MAX_RANK];
    int32_t c_in; /* index of the input C, -1: none. float32: any; the others: C of the type of Y */
    int32_t r_in; /* index of the residual, of the shape of Y; -1: none */
    int64_t c_row,
        c_col; /* strides of C, 0 where it is broadcast; the same C for all batches. With C or R Y is dense */
    /* By ln_product_plan. */
    int32_t mode, c_mode, threads, pairs; /* pairs: of bfloat16 (kernels/gemm_bf16.h) */
    int64_t b_packed;                     /* elements of one packed B */
    int64_t worker;                       /* bytes of scratch of a worker */
    int64_t wide_at[4], wide_n[4]; /* 16-bit types: A, B, C, Y as float32 in scratch, from these bytes on; elements */
} ln_product;

/* Infer and plan of Gemm, and rows of its attributes, of a struct that begins with an ln_product. */
#define LN_ATTRS_GEMM                                                                                                  \
    LN_ATTR_F(ln_product, alpha, 1), LN_ATTR_F(ln_product, beta, 1),                                                   \
        {.name = "transA", .kind = LN_AT_INT, .offset = offsetof(ln_product, trans_a)},                                \
    {                                                                                                                  \
        .name = "transB", .kind = LN_AT_INT, .offset = offsetof(ln_product, trans_b)                                   \
    }
linnet_status ln_gemm_infer(ln_ctx *c);
linnet_status ln_gemm_plan(ln_ctx *c);

/* Sets the strides of a dense Y: batches, m, n. */
void ln_product_dense(ln_product *p);
/* Element offset of matrix i of the batch. */
int64_t ln_product_offset(const ln_product *p, const int64_t *strides, int64_t i);

/* Makes the plan: folds the batch into m where that is the same, packs a constant B, sets run and scratch. Everything
 * above the last group is set. */
linnet_status ln_product_plan(ln_ctx *c, ln_product *p);

#endif
