/* SPDX-License-Identifier: Apache-2.0
 *
 * Declared types of inputs and outputs.
 */
#include "onnx/import.h"

static linnet_status element(const ln_source *s, const char *name, int32_t type, uint8_t *to)
{
    if (type < 0 || type >= LINNET_TYPE_COUNT)
        return ln_import_fail(s, LINNET_ERR_MODEL, "value '%.100s' has element type %d, which does not exist", name,
                              type);
    *to = (uint8_t)type;
    return LINNET_OK;
}

/* The dimension of a name; 0: no memory. The map stands for the search in the graph's list, which is linear. */
static int32_t symbol(ln_source *s, ln_graph *g, const char *name)
{
    int32_t dim;
    if (ln_names_find(&s->symbols, name, &dim))
        return dim;
    const char *kept = ln_import_text(s, name);
    dim = kept ? ln_graph_symbol(g, NULL) : 0;
    if (dim == 0 || !ln_names_add(&s->symbols, kept, dim))
        return 0;
    g->symbols[-2 - dim] = kept;
    return dim;
}

static linnet_status shape(ln_source *s, ln_graph *g, const Onnx__TensorShapeProto *from, const char *name,
                           ln_info *info)
{
    if (from->n_dim > LN_MAX_RANK)
        return ln_import_fail(s, LINNET_ERR_UNSUPPORTED, "value '%.100s' has %zu dimensions, at most %d are supported",
                              name, from->n_dim, LN_MAX_RANK);
    for (size_t i = 0; i < from->n_dim; i++) {
        const Onnx__DimensionProto *dim = from->dim[i];
        info->dims[i] = LN_UNKNOWN;
        if (dim->has_dim_value && dim->dim_value < -1) /* some exporters write -1 for a size that is not fixed */
            return ln_import_fail(s, LINNET_ERR_MODEL, "value '%.100s': dimension %zu is %lld", name, i,
                                  (long long)dim->dim_value);
        if (dim->has_dim_value) {
            info->dims[i] = dim->dim_value;
        } else if (dim->dim_param && dim->dim_param[0]) {
            info->dims[i] = symbol(s, g, dim->dim_param);
            if (info->dims[i] == 0)
                return ln_import_no_memory(s);
        }
    }
    info->rank = (int32_t)from->n_dim;
    return LINNET_OK;
}

/* A sequence or optional: what it holds. */
static linnet_status held(ln_source *s, const Onnx__SequenceTypeProto *from, const char *name, ln_info *info)
{
    ln_info item = {.kind = LINNET_TENSOR, .rank = -1};
    linnet_status st = ln_import_type(s, NULL, from->elem_type, name, &item);
    info->item = item.kind;
    info->type = item.type;
    info->key = item.key;
    return st;
}

linnet_status ln_import_type(ln_source *s, ln_graph *g, const Onnx__TypeProto *type, const char *name, ln_info *info)
{
    *info = (ln_info){.kind = LINNET_TENSOR, .rank = -1};
    if (!type)
        return LINNET_OK;
    const Onnx__TensorTypeProto *tensor = type->tensor_type ? type->tensor_type : type->sparse_tensor_type;
    if (tensor) {
        linnet_status st = element(s, name, tensor->elem_type, &info->type);
        return st == LINNET_OK && g && tensor->shape ? shape(s, g, tensor->shape, name, info) : st;
    }
    if (type->sequence_type) {
        info->kind = LINNET_SEQUENCE;
        return held(s, type->sequence_type, name, info);
    }
    if (type->optional_type) {
        info->kind = LINNET_OPTIONAL;
        return held(s, type->optional_type, name, info);
    }
    if (type->map_type) {
        ln_info value;
        info->kind = LINNET_MAP;
        linnet_status st = ln_import_type(s, NULL, type->map_type->value_type, name, &value);
        info->type = value.type;
        return st != LINNET_OK ? st : element(s, name, type->map_type->key_type, &info->key);
    }
    return LINNET_OK;
}
