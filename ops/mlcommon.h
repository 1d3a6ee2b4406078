/* SPDX-License-Identifier: Apache-2.0
 *
 * What the operators of ai.onnx.ml share: post transforms of scores, class labels, inputs of four types as float32
 * rows, attributes that come as lists or as tensors.
 *
 * The specification leaves two classes from one score open; what ONNX Runtime does is followed there. A transform of a
 * single score is applied as the specification says (ONNX Runtime leaves single scores alone but for PROBIT).
 */
#ifndef LN_OPS_MLCOMMON_H
#define LN_OPS_MLCOMMON_H

#include "ops/convert.h"

/* The numbers are those of TreeEnsemble-5. */
enum { LN_POST_NONE, LN_POST_SOFTMAX, LN_POST_LOGISTIC, LN_POST_SOFTMAX_ZERO, LN_POST_PROBIT };
#define LN_POST_NAMES "NONE|SOFTMAX|LOGISTIC|SOFTMAX_ZERO|PROBIT"

/* Types of features. */
#define LN_T_FEATURES (LN_T(LINNET_FLOAT32) | LN_T(LINNET_FLOAT64) | LN_T(LINNET_INT64) | LN_T(LINNET_INT32))

/* In place, a row of n scores. */
void ln_post_transform(float *y, int64_t n, int32_t transform);
/* One score of two classes: 1 - s and s, or (mixed, where scores have both signs) -s and s. LOGISTIC and PROBIT are
 * applied, the softmaxes are not: so ONNX Runtime has it. */
void ln_post_binary(float *y, float s, int32_t mixed, int32_t transform);
float ln_logistic(float x);

/* Class labels. */
typedef struct ln_labels {
    int64_t n;
    int32_t strings; /* 1: linnet_string, 0: int64 */
    int32_t size;    /* bytes of one */
} ln_labels;

/* From the attributes of these names, of which one must be there and not empty. */
linnet_status ln_labels_of(ln_ctx *c, const char *ints, const char *strings, ln_labels *labels);
/* Copies the labels to packed memory of labels->n * labels->size bytes; those that are strings point into the graph. */
void ln_labels_pack(ln_ctx *c, const char *ints, const char *strings, const ln_labels *labels, void *to);
static inline linnet_type ln_labels_type(const ln_labels *labels)
{
    return labels->strings ? LINNET_STRING : LINNET_INT64;
}

/* X as rows: [N, F], or [F] for one row. Unknown parts are LN_UNKNOWN; other ranks fail. */
linnet_status ln_rows_of(ln_ctx *c, const ln_info *x, int64_t *rows, int64_t *features);

/* A list of floats, or a tensor of float32 or float64: element i as double. */
typedef struct ln_reals {
    int64_t n;
    const float *floats;
    const ln_info *tensor;
} ln_reals;
linnet_status ln_reals_of(ln_ctx *c, const char *list, const char *tensor, ln_reals *r);
double ln_real(const ln_reals *r, int64_t i);

#endif
