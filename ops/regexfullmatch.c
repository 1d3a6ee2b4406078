/* SPDX-License-Identifier: Apache-2.0
 *
 * RegexFullMatch: whether each string matches a pattern as a whole. ai.onnx RegexFullMatch-20.
 */
#include <string.h>

#include "ops/regex.h"

typedef struct match_params {
    int64_t n, at_ranges, scratch;
    int32_t n_code, n_ranges;
} match_params;

static void match_rows(void *arg, int32_t worker, int64_t begin, int64_t end)
{
    const ln_args *a = arg;
    const match_params *p = a->params;
    char *packed = (char *)(uintptr_t)a->packed;
    ln_regex re = {.code = (void *)packed,
                   .ranges = (void *)(packed + p->at_ranges),
                   .n_code = p->n_code,
                   .n_ranges = p->n_ranges};
    for (int64_t i = begin; i < end; i++)
        ((uint8_t *)a->out[0])[i] =
            ln_regex_full(&re, ((const linnet_string *)a->in[0])[i], (char *)a->scratch + worker * p->scratch);
}

LN_RUN(ln_regex_match)
{
    const match_params *p = a->params;
    ln_parallel(a, p->n, 100.0 * p->n_code, match_rows, (void *)(uintptr_t)a);
    return LINNET_OK;
}

static linnet_status match_infer(ln_ctx *c)
{
    if (!ln_attr_has(c, "pattern"))
        return ln_fail(c, LINNET_ERR_MODEL, "attribute pattern is missing");
    if (c->in[0]->rank < 0)
        return ln_set_unknown(c, 0, LINNET_BOOL);
    return ln_set_shape(c, 0, LINNET_BOOL, c->in[0]->rank, c->in[0]->dims);
}

static linnet_status match_plan(ln_ctx *c)
{
    match_params *p = c->params;
    ln_regex re;
    LN_TRY(ln_regex_compile(c, ln_attr_string(c, "pattern"), &re));
    p->n = ln_info_count(c->in[0]);
    p->n_code = re.n_code;
    p->n_ranges = re.n_ranges;
    p->at_ranges = re.n_code * (int64_t)sizeof *re.code;
    p->scratch = (int64_t)((ln_regex_scratch(&re) + 63) & ~(size_t)63);
    char *packed = ln_pack(c, (size_t)p->at_ranges + (size_t)(re.n_ranges + 1) * sizeof *re.ranges);
    if (!packed)
        return ln_no_memory(c);
    memcpy(packed, re.code, (size_t)p->at_ranges);
    if (re.n_ranges)
        memcpy(packed + p->at_ranges, re.ranges, (size_t)re.n_ranges * sizeof *re.ranges);
    ln_scratch(c, (size_t)p->scratch * (size_t)c->threads);
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_ANY("pattern"), LN_ATTR_END};

LN_OP(RegexFullMatch) = {
    .domain = "",
    .type = "RegexFullMatch",
    .since = {20},
    .types = LN_T(LINNET_STRING),
    .in = {1, 1},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(match_params),
    .infer = match_infer,
    .plan = match_plan,
    LN_RUN_NAME(ln_regex_match),
};
