/* SPDX-License-Identifier: Apache-2.0
 *
 * Tensors in integers: see quantised.h.
 */
#include "engine/quantised.h"

#include <math.h>
#include <string.h>

bool ln_is_byte(linnet_type type)
{
    return type == LINNET_UINT8 || type == LINNET_INT8;
}

static bool is_integer(int type)
{
    return ln_is_byte((linnet_type)type) || type == LINNET_INT16 || type == LINNET_UINT16;
}

/* The zero point of a node, or a new constant 0 of that type and the shape of the scale. */
static int32_t zero_point(ln_graph *g, int32_t zero, int32_t scale, linnet_type type)
{
    if (zero >= 0)
        return zero;
    ln_info s = *ln_rw_info(g, scale);
    void *data = ln_arena_zalloc(g->arena, (size_t)ln_info_count(&s) + 1, 64);
    return data ? ln_graph_constant(g, "", type, s.rank, s.dims, data) : LN_NO_VALUE;
}

/* Scale and zero point of a Quantize- or DequantizeLinear are constants, and there is one of them or a vector. */
static bool constant_scale(const ln_graph *g, const ln_node *n)
{
    const ln_info *s = ln_rw_info(g, ln_rw_in(n, 1)), *z = ln_rw_info(g, ln_rw_in(n, 2));
    return ln_rw_floats(g, ln_rw_in(n, 1)) && s->rank <= 1 && ln_info_count(s) > 0 &&
           (ln_rw_in(n, 2) < 0 || (z->data && is_integer(z->type))) && !ln_node_attr_int(n, "block_size", 0);
}

bool ln_dequantised_integer(ln_graph *g, int32_t value, bool per_axis, ln_quantised *q)
{
    const ln_node *n = ln_rw_producer(g, value, "DequantizeLinear");
    if (!n || !is_integer(ln_rw_info(g, n->in[0])->type) || !constant_scale(g, n) ||
        ln_rw_info(g, value)->type != LINNET_FLOAT32)
        return false;
    bool one = ln_info_count(ln_rw_info(g, n->in[1])) == 1;
    if (!one && !per_axis)
        return false;
    int64_t axis = ln_node_attr_int(n, "axis", 1);
    *q = (ln_quantised){.value = n->in[0],
                        .scale = n->in[1],
                        .type = (linnet_type)ln_rw_info(g, n->in[0])->type,
                        .axis = one        ? -1
                                : axis < 0 ? axis + ln_rw_info(g, n->in[0])->rank
                                           : axis};
    q->zero = zero_point(g, ln_rw_in(n, 2), q->scale, q->type);
    return q->zero >= 0;
}

bool ln_dequantised(ln_graph *g, int32_t value, bool per_axis, ln_quantised *q)
{
    return ln_dequantised_integer(g, value, per_axis, q) && ln_is_byte(q->type);
}

bool ln_quantises(ln_graph *g, const ln_node *n, ln_quantised *q)
{
    if (!ln_node_is(n, "QuantizeLinear") || !constant_scale(g, n) || ln_info_count(ln_rw_info(g, n->in[1])) != 1 ||
        !is_integer(ln_rw_info(g, n->out[0])->type) || ln_rw_info(g, n->in[0])->type != LINNET_FLOAT32)
        return false;
    *q = (ln_quantised){
        .value = n->out[0], .scale = n->in[1], .type = (linnet_type)ln_rw_info(g, n->out[0])->type, .axis = -1};
    q->zero = zero_point(g, ln_rw_in(n, 2), q->scale, q->type);
    return q->zero >= 0;
}

float ln_quantised_scale(const ln_graph *g, const ln_quantised *q, int64_t i)
{
    const float *s = ln_rw_floats(g, q->scale);
    return q->axis < 0 ? s[0] : s[i];
}

int32_t ln_quantised_zero(const ln_graph *g, const ln_quantised *q)
{
    const void *z = ln_rw_info(g, q->zero)->data;
    return q->type == LINNET_UINT8   ? *(const uint8_t *)z
           : q->type == LINNET_INT8  ? *(const int8_t *)z
           : q->type == LINNET_INT16 ? *(const int16_t *)z
                                     : *(const uint16_t *)z;
}

bool ln_same_scale(const ln_graph *g, const ln_quantised *a, const ln_quantised *b)
{
    return a->type == b->type && ln_quantised_scale(g, a, 0) == ln_quantised_scale(g, b, 0) &&
           ln_quantised_zero(g, a) == ln_quantised_zero(g, b);
}

int32_t ln_integer_bias(ln_graph *g, int32_t bias, const ln_quantised *x, const ln_quantised *w, int64_t n, bool *ok)
{
    *ok = true;
    if (bias < 0)
        return LN_NO_VALUE;
    const ln_node *dq = ln_rw_producer(g, bias, "DequantizeLinear");
    const ln_info *b = ln_rw_info(g, dq ? dq->in[0] : bias);
    int64_t count = ln_info_count(b);
    /* With it, a sum of products of two bytes still fits in int32. Of a channel whose weights are all zero converters
     * make biases near 2^30. */
    double most = INT32_MAX - 255.0 * 128.0 * (double)ln_info_count(ln_rw_info(g, w->value)) / (double)(n > 0 ? n : 1);
    float scale;
    *ok = false;
    if (!b->data || count != n || b->rank != 1 || (!dq && b->type != LINNET_FLOAT32))
        return LN_NO_VALUE;
    if (dq && (ln_rw_info(g, dq->in[1])->rank > 1 || !ln_rw_floats(g, dq->in[1])))
        return LN_NO_VALUE;
    const void *data = ln_graph_data(g, dq ? dq->in[0] : bias);
    if (!data)
        return LN_NO_VALUE;
    int32_t *ints = ln_arena_zalloc(g->arena, (size_t)n * sizeof *ints + 1, 64);
    if (!ints)
        return LN_NO_VALUE;
    bool one = dq && ln_graph_scalar(g, dq->in[1], &scale);
    int32_t zero = 0;
    if (dq && ln_rw_in(dq, 2) >= 0) {
        const ln_info *z = ln_rw_info(g, dq->in[2]);
        if (!z->data || ln_info_count(z) != 1)
            return LN_NO_VALUE;
        zero = z->type == LINNET_UINT8  ? *(const uint8_t *)z->data
               : z->type == LINNET_INT8 ? *(const int8_t *)z->data
                                        : *(const int32_t *)z->data;
    }
    const float *scales = dq ? ln_rw_floats(g, dq->in[1]) : NULL, *of_w = ln_rw_floats(g, w->scale);
    double of_x = ln_quantised_scale(g, x, 0);
    for (int64_t i = 0; i < n; i++) {
        double value;
        if (!dq) {
            value = ((const float *)data)[i];
        } else {
            double s = one ? scale : scales[i];
            int32_t q = b->type == LINNET_INT32  ? ((const int32_t *)data)[i]
                        : b->type == LINNET_INT8 ? ((const int8_t *)data)[i]
                                                 : ((const uint8_t *)data)[i];
            if (b->type != LINNET_INT32 && !ln_is_byte((linnet_type)b->type))
                return LN_NO_VALUE;
            value = s * ((double)q - zero);
        }
        double units = nearbyint(value / (of_x * of_w[w->axis < 0 ? 0 : i]));
        if (!(fabs(units) < most))
            return LN_NO_VALUE;
        ints[i] = (int32_t)units;
    }
    *ok = true;
    return ln_graph_constant(g, "", LINNET_INT32, 1, &n, ints);
}
