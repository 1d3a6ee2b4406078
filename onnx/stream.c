/* SPDX-License-Identifier: Apache-2.0
 *
 * The nodes of the model's graph, one at a time. As messages they would take several times the memory of the graph
 * that is made of them; so each is decoded when its turn comes, and forgotten when it has become a node.
 */
#include <string.h>

#include "onnx/import.h"

enum {
    MODEL_GRAPH = 7,
    GRAPH_NODE = 1,
    NODE_INPUT = 1,
    NODE_OUTPUT = 2,
    NODE_NAME = 3,
    NODE_OP_TYPE = 4,
    NODE_ATTRIBUTE = 5,
    NODE_DOMAIN = 7
};

static bool is_constant(const ln_field *node)
{
    static const char name[] = "Constant";
    bool is = false;
    ln_field f;
    for (const uint8_t *at = node->payload; ln_field_next(&at, node->end, &f);)
        if (f.number == NODE_OP_TYPE)
            is = (size_t)(f.end - f.payload) == sizeof name - 1 && memcmp(f.payload, name, sizeof name - 1) == 0;
    return is;
}

void ln_stream_open(ln_stream *s, const ln_payloads *payloads, size_t size, ln_memory *memory)
{
    ln_field graph, f, part;
    *s = (ln_stream){.payloads = payloads};
    ln_decoder_init(&s->decoder, memory);
    const uint8_t *at = payloads->bytes, *end = at + size;
    while (ln_field_next(&at, end, &graph) && graph.number != MODEL_GRAPH)
        continue;
    if (at == payloads->bytes || graph.number != MODEL_GRAPH)
        return;
    for (at = graph.payload; ln_field_next(&at, graph.end, &f);) {
        if (f.number != GRAPH_NODE)
            continue;
        s->at = s->at ? s->at : f.start;
        s->end = f.end;
        s->n_nodes++;
        s->n_constants += is_constant(&f);
        for (const uint8_t *inner = f.payload; ln_field_next(&inner, f.end, &part);)
            s->n_outputs += part.number == NODE_OUTPUT;
    }
}

bool ln_stream_next(const ln_stream *s, const uint8_t **at, ln_field *node)
{
    while (*at && ln_field_next(at, s->end, node))
        if (node->number == GRAPH_NODE)
            return true;
    return false;
}

static char *text(ln_stream *s, const ln_field *f)
{
    return ln_arena_strndup(&s->decoder.arena, (const char *)f->payload, (size_t)(f->end - f->payload));
}

/* What names the node and its outputs; of inputs and attributes just how many there are. */
static Onnx__NodeProto *outline(ln_stream *s, const ln_field *node)
{
    size_t outputs = 0;
    ln_field f;
    Onnx__NodeProto *n = ln_arena_alloc(&s->decoder.arena, sizeof *n, _Alignof(Onnx__NodeProto));
    if (!n)
        return NULL;
    onnx__node_proto__init(n);
    for (const uint8_t *at = node->payload; ln_field_next(&at, node->end, &f);) {
        outputs += f.number == NODE_OUTPUT;
        n->n_input += f.number == NODE_INPUT;
        n->n_attribute += f.number == NODE_ATTRIBUTE;
    }
    n->output = ln_arena_array(&s->decoder.arena, (int64_t)outputs, sizeof *n->output);
    bool ok = n->output != NULL;
    for (const uint8_t *at = node->payload; ok && ln_field_next(&at, node->end, &f);)
        if (f.number == NODE_OUTPUT)
            ok = (n->output[n->n_output++] = text(s, &f)) != NULL;
        else if (f.number == NODE_NAME)
            ok = (n->name = text(s, &f)) != NULL;
        else if (f.number == NODE_OP_TYPE)
            ok = (n->op_type = text(s, &f)) != NULL;
        else if (f.number == NODE_DOMAIN)
            ok = (n->domain = text(s, &f)) != NULL;
    return ok ? n : NULL;
}

linnet_status ln_stream_decode(ln_stream *s, const ln_field *f, bool whole, const Onnx__NodeProto **node,
                               linnet_error *error)
{
    linnet_status st = LINNET_OK;
    const uint8_t *bytes = f->payload;
    size_t size = (size_t)(f->end - f->payload);
    *node = NULL;
    if (!whole && !is_constant(f)) {
        *node = outline(s, f);
        return *node ? LINNET_OK : ln_error_set(error, LINNET_ERR_MEMORY, NULL, NULL, "out of memory");
    }
    if (size >= LN_STORE_MIN && !ln_cut_node(&s->decoder.arena, &bytes, &size))
        return ln_error_set(error, LINNET_ERR_MEMORY, NULL, NULL, "out of memory");
    *node = (const Onnx__NodeProto *)ln_unpack(&s->decoder, &onnx__node_proto__descriptor, bytes, size, "the model",
                                               &st, error);
    return *node && bytes != f->payload ? ln_cut_fill_node(s->payloads, *node, f->payload, f->end, &s->decoder, error)
                                        : st;
}
