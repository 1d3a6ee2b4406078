/* SPDX-License-Identifier: Apache-2.0
 *
 * Tensors of the file as values of the graph, constants unpacked; and the options of operators.
 */
#include "tools/tflite/build.h"

#include <string.h>

/* -- operands --------------------------------------------------------------------------------------------------------
 */

static const ln_tfl_tensor nothing = {.name = ""};

int32_t ln_tfl_in_index(const ln_tfl_op *o, uint32_t i)
{
    return i < o->node->inputs.n ? (int32_t)ln_flat_at(&o->c->file.flat, o->node->inputs, i, 4) : -1;
}

int32_t ln_tfl_out_index(const ln_tfl_op *o, uint32_t i)
{
    return i < o->node->outputs.n ? (int32_t)ln_flat_at(&o->c->file.flat, o->node->outputs, i, 4) : -1;
}

bool ln_tfl_has(const ln_tfl_op *o, uint32_t i)
{
    return ln_tfl_in_index(o, i) >= 0;
}

const ln_tfl_tensor *ln_tfl_in(const ln_tfl_op *o, uint32_t i)
{
    int32_t t = ln_tfl_in_index(o, i);
    return t < 0 ? &nothing : &o->scope->sub->tensors[t];
}

const ln_tfl_tensor *ln_tfl_out(const ln_tfl_op *o, uint32_t i)
{
    int32_t t = ln_tfl_out_index(o, i);
    return t < 0 ? &nothing : &o->scope->sub->tensors[t];
}

int64_t ln_tfl_count(const ln_tfl_tensor *t)
{
    int64_t n = 1;
    for (int32_t i = 0; i < t->rank; i++)
        if (t->dims[i] < 0 || __builtin_mul_overflow(n, t->dims[i], &n))
            return -1;
    return n;
}

/* -- constants -------------------------------------------------------------------------------------------------------
 */

static unsigned bits_of(const ln_tfl_tensor *t)
{
    return t->type == LINNET_INT4 || t->type == LINNET_UINT4 ? 4 : (unsigned)linnet_type_size(t->type) * 8;
}

/* Two to a byte, the first in the low bits -> a byte each. */
static void unpack(const ln_tfl_tensor *t, int64_t n, uint8_t *to)
{
    for (int64_t i = 0; i < n; i++) {
        unsigned x = t->data[i / 2] >> (i % 2 ? 4 : 0) & 15u;
        to[i] = (uint8_t)(t->type == LINNET_INT4 && x > 7 ? x | 0xf0u : x);
    }
}

const void *ln_tfl_data(ln_tfl_op *o, const ln_tfl_tensor *t)
{
    static const uint64_t empty[2];
    int64_t n = ln_tfl_count(t);
    size_t bytes;
    if (!ln_tfl_ok(o) || n < 0 || (n && !t->data))
        return NULL;
    if (n == 0)
        return empty;
    if (t->sparse)
        return ln_tfl_dense(o, t);
    if (t->type == LINNET_STRING)
        return ln_tfl_strings(o, t);
    if (t->type == LINNET_UNDEFINED) {
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "tensor '%.100s' is a constant resource or variant", t->name);
        return NULL;
    }
    if (!ln_size_mul((size_t)n, bits_of(t) * (t->complex ? 2 : 1), &bytes) || bytes / 8 + (bytes % 8 > 0) != t->bytes) {
        ln_tfl_fail(o, LINNET_ERR_MODEL, "tensor '%.100s' has %zu bytes, which its shape does not need", t->name,
                    t->bytes);
        return NULL;
    }
    size_t size = linnet_type_size(t->type);
    if (bits_of(t) >= 8 && t->type != LINNET_BOOL && (uintptr_t)t->data % size == 0)
        return t->data;
    uint8_t *copy = ln_arena_alloc(o->c->arena, bits_of(t) < 8 ? (size_t)n : t->bytes, 64);
    if (!copy) {
        ln_tfl_no_memory(o);
        return NULL;
    }
    if (bits_of(t) < 8)
        unpack(t, n, copy);
    else
        memcpy(copy, t->data, t->bytes);
    for (int64_t i = 0; t->type == LINNET_BOOL && i < n; i++)
        copy[i] = copy[i] != 0;
    return copy;
}

int32_t ln_tfl_ints(ln_tfl_op *o, uint32_t i, int64_t *values, int32_t max)
{
    const ln_tfl_tensor *t = ln_tfl_in(o, i);
    int64_t n = ln_tfl_count(t);
    bool ints = t->type == LINNET_INT32 || t->type == LINNET_INT64;
    if (!ln_tfl_has(o, i) || (n && !t->data) || n < 0 || n > max || !ints)
        return -1;
    const void *data = ln_tfl_data(o, t);
    for (int64_t k = 0; data && k < n; k++)
        values[k] = t->type == LINNET_INT32 ? ((const int32_t *)data)[k] : ((const int64_t *)data)[k];
    return data ? (int32_t)n : -1;
}

int32_t ln_tfl_need_ints(ln_tfl_op *o, uint32_t i, int64_t *values, int32_t max)
{
    int32_t n = ln_tfl_ints(o, i, values, max);
    if (n < 0)
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "input %u is no constant of at most %d integers", i, max);
    return n;
}

/* -- values ----------------------------------------------------------------------------------------------------------
 */

static int32_t constant_of(ln_tfl_op *o, int32_t tensor)
{
    const ln_tfl_tensor *t = &o->scope->sub->tensors[tensor];
    if (t->type == LINNET_UNDEFINED) {
        ln_tfl_fail(o, LINNET_ERR_UNSUPPORTED, "tensor '%.100s' is of a type that ONNX does not have (%d)", t->name,
                    t->file_type);
        return LN_NO_VALUE;
    }
    if (!t->data && ln_tfl_count(t) != 0) {
        ln_tfl_fail(o, LINNET_ERR_MODEL, "tensor '%.100s' is used before it is made", t->name);
        return LN_NO_VALUE;
    }
    const void *data = ln_tfl_data(o, t);
    int64_t dims[LINNET_MAX_RANK + 1];
    memcpy(dims, t->dims, sizeof t->dims);
    dims[t->rank] = 2;
    int32_t rank = t->rank + t->complex;
    if (!data)
        return LN_NO_VALUE;
    int32_t id = ln_graph_constant(o->scope->g, t->name, t->type, rank, dims, data);
    if (id < 0)
        ln_tfl_no_memory(o);
    return id;
}

int32_t ln_tfl_value_of(ln_tfl_op *o, int32_t tensor)
{
    if (!ln_tfl_ok(o))
        return LN_NO_VALUE;
    int32_t *stored = &o->scope->stored[tensor];
    const ln_tfl_tensor *t = &o->scope->sub->tensors[tensor];
    if (*stored < 0 && t->variable && !t->data) { /* it may change: not kept */
        const int32_t *state = ln_tfl_state(o, tensor);
        return state ? *state : LN_NO_VALUE;
    }
    if (*stored < 0)
        *stored = constant_of(o, tensor);
    return *stored;
}

int32_t ln_tfl_real_of(ln_tfl_op *o, int32_t tensor)
{
    const ln_tfl_tensor *t = &o->scope->sub->tensors[tensor];
    int32_t value = ln_tfl_value_of(o, tensor);
    if (!ln_tfl_quantised(t) || value < 0)
        return value;
    int32_t *real = &o->scope->real[tensor];
    if (t->variable)
        return ln_tfl_dequantise(o, t, value, t->axis);
    if (*real < 0)
        *real = ln_tfl_dequantise(o, t, value, t->axis);
    return *real;
}

int32_t ln_tfl_stored(ln_tfl_op *o, uint32_t i)
{
    int32_t t = ln_tfl_in_index(o, i);
    return t < 0 ? LN_NO_VALUE : ln_tfl_value_of(o, t);
}

int32_t ln_tfl_real(ln_tfl_op *o, uint32_t i)
{
    int32_t t = ln_tfl_in_index(o, i);
    return t < 0 ? LN_NO_VALUE : ln_tfl_real_of(o, t);
}

int32_t ln_tfl_int64(ln_tfl_op *o, uint32_t i)
{
    enum { MOST = 4096 };
    const ln_tfl_tensor *t = ln_tfl_in(o, i);
    int64_t n = ln_tfl_count(t);
    if (t->type == LINNET_INT64)
        return ln_tfl_stored(o, i);
    if (t->data && t->type == LINNET_INT32 && n >= 0 && n <= MOST) {
        int64_t values[MOST];
        return ln_tfl_ints(o, i, values, MOST) < 0 ? LN_NO_VALUE
                                                   : ln_tfl_constant(o, LINNET_INT64, t->rank, t->dims, values);
    }
    return ln_tfl_cast(o, ln_tfl_stored(o, i), LINNET_INT64);
}

/* A value takes the name of the first tensor that it becomes. */
void ln_tfl_bind(ln_tfl_scope *scope, int32_t tensor, int32_t value)
{
    if (tensor < 0 || value < 0)
        return;
    scope->stored[tensor] = value;
    scope->real[tensor] = LN_NO_VALUE;
    ln_value *v = &scope->g->values[value];
    if (!v->name[0])
        v->name = scope->sub->tensors[tensor].name;
}

void ln_tfl_set_stored(ln_tfl_op *o, uint32_t i, int32_t value)
{
    ln_tfl_bind(o->scope, ln_tfl_out_index(o, i), value);
}

void ln_tfl_set_real(ln_tfl_op *o, uint32_t i, int32_t value)
{
    ln_tfl_set_stored(o, i, ln_tfl_quantise(o, ln_tfl_out(o, i), value));
}

/* -- options ---------------------------------------------------------------------------------------------------------
 */

/* An operator has one table of options; newer ones keep it in a second field. */
static const ln_flat_table *options(const ln_tfl_op *o)
{
    return o->node->options.at ? &o->node->options : &o->node->options2;
}

int64_t ln_tfl_option(ln_tfl_op *o, int slot, int bytes, int64_t absent)
{
    return ln_flat_int(&o->c->file.flat, options(o), slot, bytes, absent);
}

float ln_tfl_option_float(ln_tfl_op *o, int slot)
{
    return ln_flat_float(&o->c->file.flat, options(o), slot, 0);
}

int32_t ln_tfl_option_ints(ln_tfl_op *o, int slot, int bytes, int64_t *values, int32_t max)
{
    ln_flat_vector v = ln_flat_list(&o->c->file.flat, options(o), slot, (size_t)bytes);
    if (v.n > (uint32_t)max)
        return -1;
    for (uint32_t i = 0; i < v.n; i++)
        values[i] = ln_flat_at(&o->c->file.flat, v, i, bytes);
    return (int32_t)v.n;
}
