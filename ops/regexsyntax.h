/* SPDX-License-Identifier: Apache-2.0
 *
 * Between the parts of the regular expressions: instructions, the tree that the parser makes, sets of code points.
 */
#ifndef LN_OPS_REGEXSYNTAX_H
#define LN_OPS_REGEXSYNTAX_H

#include "ops/regex.h"

enum { RE_CHAR, RE_CLASS, RE_SPLIT, RE_JUMP, RE_ASSERT, RE_MATCH };
enum { RE_TEXT_BEGIN, RE_TEXT_END, RE_LINE_BEGIN, RE_LINE_END, RE_WORD, RE_NOT_WORD };
enum { RE_MAX_POINT = 0x10ffff };

/* Nodes of the tree. Children of CAT and ALT are a list through next. */
enum { RE_N_EMPTY, RE_N_CLASS, RE_N_CAT, RE_N_ALT, RE_N_REPEAT, RE_N_ASSERT };
typedef struct re_node {
    int32_t kind, next;
    int32_t a, b;     /* CLASS: range and count; CAT, ALT: first child; REPEAT: child; ASSERT: which */
    int32_t min, max; /* REPEAT; max -1: no bound */
} re_node;

/* A set of code points that grows; ranges in any order until it is tidied. */
typedef struct re_set {
    ln_regex_range *r;
    int32_t n, cap;
} re_set;

linnet_status ln_re_set_add(ln_ctx *c, re_set *s, uint32_t first, uint32_t last);
/* Adds the other cases of everything in it. */
linnet_status ln_re_set_fold(ln_ctx *c, re_set *s);
void ln_re_set_tidy(re_set *s); /* sorted, no overlap */
linnet_status ln_re_set_negate(ln_ctx *c, re_set *s);
/* Adds a class by name: "alpha" (of [:alpha:]), or d, s, w. False: there is none. */
linnet_status ln_re_set_named(ln_ctx *c, re_set *s, const char *name, size_t size, bool negate, bool *found);

typedef struct re_tree {
    re_node *nodes;
    int32_t n_nodes, cap_nodes;
    re_set ranges; /* of all classes */
    int32_t root;
} re_tree;

linnet_status ln_re_parse(ln_ctx *c, linnet_string pattern, re_tree *tree);

#endif
