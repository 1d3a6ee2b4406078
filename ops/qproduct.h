/* SPDX-License-Identifier: Apache-2.0
 *
 * Integer matrix products of whole tensors (numpy.matmul's shapes) over kernels/qgemm.h: batches, broadcasting,
 * packing of B at plan time or, where it is not constant, in the run. QLinearMatMul, MatMulInteger, QGemm and their
 * kin differ only in what comes after the sums.
 */
#ifndef LN_OPS_QPRODUCT_H
#define LN_OPS_QPRODUCT_H

#include "kernels/qgemm.h"
#include "ops/convert.h"

#define LN_T_8 (LN_T(LINNET_UINT8) | LN_T(LINNET_INT8))

typedef struct ln_qproduct {
    int64_t m, n, k; /* of one product */
    int64_t batches;
    int64_t dims[LN_MAX_RANK], a_step[LN_MAX_RANK], b_step[LN_MAX_RANK]; /* of the batches; steps in matrices */
    int32_t rank;
    int32_t a_signed, b_signed;
    int32_t transpose_a, transpose_b;
    int32_t packed;               /* B was packed by plan */
    int32_t sums;                 /* row sums may be needed */
    int32_t bias;                 /* the caller gives one when B is packed in the run */
    int64_t b_count;              /* matrices of B */
    int64_t zero_count;           /* elements of B's zero point; 0: none */
    int64_t b_bytes;              /* packed, of one matrix */
    int64_t scratch_b, scratch_a; /* offsets in the scratch */
} ln_qproduct;

/* What a run brings. */
typedef struct ln_qproduct_in {
    const uint8_t *a, *b; /* b NULL: packed */
    const void *packed;
    const uint8_t *b_zero;
    int32_t a_zero;      /* of A's type */
    const void *a_zeros; /* NULL, or one per row (of a batch: a_zeros_step apart) */
    int64_t a_zeros_step;
    const int32_t *bias;    /* only for packing in the run */
    const float *row_scale; /* NULL, or one per row */
    int64_t row_scale_step;
    int32_t out, y_zero, y_signed;
    const float *scale, *fbias;
    void *c;
    int64_t scale_step; /* scales from one batch to the next */
} ln_qproduct_in;

#define LN_T_F8                                                                                                        \
    (LN_T(LINNET_FLOAT8E4M3FN) | LN_T(LINNET_FLOAT8E4M3FNUZ) | LN_T(LINNET_FLOAT8E5M2) | LN_T(LINNET_FLOAT8E5M2FNUZ))

/* Sizes, batches and their steps from known shapes. */
linnet_status ln_qproduct_geometry(ln_ctx *c, ln_qproduct *p, int32_t ia, int32_t ib);

/* Shapes by numpy.matmul; fails where they do not fit, or B is not 8 bits wide (A's type is the descriptor's to check).
 * Unknown ranks give an unknown output. */
linnet_status ln_qproduct_infer(ln_ctx *c, int32_t ia, int32_t ib, linnet_type type);

/* Fills p from known shapes, asks for scratch behind *scratch bytes (which it moves on, to be asked for by the caller)
 * and tells how many bytes of packed memory to give to ln_qproduct_pack (0: B is not constant). zero: index of B's zero
 * point or -1. */
linnet_status ln_qproduct_plan(ln_ctx *c, ln_qproduct *p, int32_t ia, int32_t ib, int32_t zero, size_t *packed_bytes,
                               size_t *scratch);
void ln_qproduct_pack(ln_qproduct *p, void *packed, const void *b, const void *zero, const int32_t *bias);

void ln_qproduct_run(const ln_args *a, const ln_qproduct *p, const ln_qproduct_in *in);
/* The same where p->packed: by itself, so that firmware does not pack. */
void ln_qproduct_run_packed(const ln_args *a, const ln_qproduct *p, const ln_qproduct_in *in);

/* The zero point, element i of a tensor of int8 or uint8. */
static inline int32_t ln_zero_of(const void *zero, int is_signed, int64_t i)
{
    if (!zero)
        return 0;
    return is_signed ? ((const int8_t *)zero)[i] : ((const uint8_t *)zero)[i];
}

#endif
