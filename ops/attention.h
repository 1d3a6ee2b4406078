/* SPDX-License-Identifier: Apache-2.0
 *
 * Scaled dot-product attention, as all attention operators need it: softmax(cap(scale Q K^T) + biases) V, for each head
 * and a block of query rows at a time, so that the score matrix never exists as a whole. Where a tensor lies is told by
 * steps, so neither layout needs a transpose.
 *
 * float16 and bfloat16 compute in float32 and round where the specification's expansion does: after each of its
 * operations.
 */
#ifndef LN_OPS_ATTENTION_H
#define LN_OPS_ATTENTION_H

#include "ops/convert.h"

enum {
    LN_ATTN_NO_MASK,
    LN_ATTN_BOOL, /* false: -infinity */
    LN_ATTN_ADD,  /* added; of mask_type */
    LN_ATTN_RAW   /* int32, 0: mask_value is added */
};

typedef struct ln_attention {
    int64_t batch, heads, kv_heads, q_len, total, head, v_head; /* heads is a multiple of kv_heads */
    /* Elements from one batch, head, position to the next; the elements of a position are contiguous. */
    int64_t q_step[3], k_step[3], v_step[3], y_step[3];
    int64_t mask_step[3], bias_step[3]; /* batch, head, query; 0 where broadcast. Keys are contiguous */
    int64_t mask_len;                   /* keys that the mask has; those after it are masked */
    float scale;
    float softcap;             /* 0: none */
    float mask_value, outside; /* outside: added to keys out of a batch's valid range */
    int32_t mask_kind, mask_type;
    int32_t bias_type;               /* a second addend; UNDEFINED: none */
    int32_t causal;                  /* query i sees keys up to i + offset */
    int64_t left, right;             /* window around i + offset; -1: unbounded */
    int32_t type, v_type, soft_type; /* of Q and K; of V; of the softmax */
    int32_t qk_mode;                 /* what the qk output shows: 0 product, 1 capped, 2 biased, 3 softmax; -1: none */
    int32_t nan_rows;                /* a query that is masked from all keys gives NaN, not zeros */
    int32_t smooth; /* the softmax has one more key (smooth_softmax), of a score of 0 or of the head's sink */
    /* By ln_attention_plan. */
    int32_t direct; /* few rows: keys and values are read where they lie */
    int64_t rows;   /* of a block */
    int64_t score_row;
    int64_t at_k, at_v, at_pack_k, at_pack_v, at_q, at_scores, at_bias, at_y, worker_bytes;
} ln_attention;

typedef struct ln_attention_in {
    const void *q, *k, *v, *mask, *bias;
    const void *sink;            /* [heads], of p->type; NULL: 0 */
    void *y, *qk;                /* qk: [batch][heads][q_len][total] or NULL */
    const int64_t *offset;       /* per batch, for causal and windows; NULL: 0 */
    const int64_t *start, *stop; /* per batch: valid keys; NULL: all */
    char *scratch;               /* ln_attention_scratch bytes */
} ln_attention_in;

/* Chooses the blocks; the fields before are set. Fails where sizes overflow. */
linnet_status ln_attention_plan(ln_ctx *c, ln_attention *p, size_t *scratch_bytes);
void ln_attention_run(const ln_args *a, const ln_attention *p, const ln_attention_in *in);

/* The steps of a dense tensor [batch][heads][length][size] (heads_first) or [batch][length][heads][size]. */
void ln_attention_steps(int64_t step[3], bool heads_first, int64_t heads, int64_t length, int64_t size);

/* Steps of a mask that broadcasts to [batch][heads][q_len][any]; *last: its keys. Fails where it does not. */
linnet_status ln_attention_mask_steps(ln_ctx *c, const ln_attention *p, const ln_info *mask, int64_t step[3],
                                      int64_t *last);

/* Copies past [batch][heads][past] and new (by its steps) [batch][heads][length] positions of `size` elements into
 * to [batch][heads][room]. past may be NULL. bytes: of an element. */
void ln_attention_join(void *to, const void *past, const void *from, const int64_t step[3], int64_t batch,
                       int64_t heads, int64_t past_len, int64_t length, int64_t room, int64_t size, size_t bytes);

#endif
