/* SPDX-License-Identifier: Apache-2.0
 *
 * linnet_model_load_*: bytes -> ModelProto -> model. The messages live in a decoder that is freed at the end; the file
 * is mapped while it is decoded.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/pages.h"
#include "onnx/import.h"
#include "onnx/realpath.h"

enum { IR_OLDEST = 3, IR_NEWEST = 13 };

/* -- properties ---------------------------------------------------------------------------------------------------- */

static bool property(const ln_source *s, linnet_model *m, const char *key, const char *value)
{
    if (!value || !value[0])
        return true;
    ln_property *p = &m->properties[m->n_properties++];
    p->key = ln_import_text(s, key);
    p->value = ln_import_text(s, value);
    return p->key && p->value;
}

static linnet_status properties(ln_importer *im)
{
    const Onnx__ModelProto *proto = im->proto;
    ln_source *s = &im->source;
    linnet_model *m = im->model;
    char version[24] = "";
    if (proto->has_model_version)
        snprintf(version, sizeof version, "%lld", (long long)proto->model_version);
    m->properties = ln_arena_array(&m->arena, (int64_t)proto->n_metadata_props + 5, sizeof *m->properties);
    bool ok = m->properties && property(s, m, "producer", proto->producer_name) &&
              property(s, m, "producer_version", proto->producer_version) && property(s, m, "domain", proto->domain) &&
              property(s, m, "model_version", version) && property(s, m, "doc", proto->doc_string);
    for (size_t i = 0; ok && i < proto->n_metadata_props; i++) {
        const Onnx__StringStringEntryProto *p = proto->metadata_props[i];
        ok = !p->key || property(s, m, p->key, p->value);
    }
    return ok ? LINNET_OK : ln_import_no_memory(s);
}

/* -- the model ----------------------------------------------------------------------------------------------------- */

static linnet_status import(ln_importer *im)
{
    ln_source *s = &im->source;
    const Onnx__ModelProto *proto = im->proto;
    linnet_model *m = im->model;
    if (!proto->has_ir_version)
        return ln_import_fail(s, LINNET_ERR_MODEL, "the model has no IR version; is it an ONNX file?");
    if (proto->ir_version < IR_OLDEST || proto->ir_version > IR_NEWEST)
        return ln_import_fail(s, LINNET_ERR_UNSUPPORTED, "IR version %lld is not among the supported ones, %d to %d",
                              (long long)proto->ir_version, IR_OLDEST, IR_NEWEST);
    if (!proto->graph)
        return ln_import_fail(s, LINNET_ERR_MODEL, "the model has no graph");
    m->ir_version = proto->ir_version;
    ln_scope scope = {.g = m->graph};
    linnet_status st = ln_import_opsets(im, proto->n_opset_import, proto->opset_import, &scope.opsets, &scope.n_opsets);
    if (st == LINNET_OK)
        st = ln_import_functions(im);
    if (st == LINNET_OK)
        st = ln_import_graph(im, &scope, proto->graph);
    if (st == LINNET_OK)
        st = ln_graph_gradients(m->graph, s->error);
    if (st == LINNET_OK)
        st = properties(im);
    return st == LINNET_OK ? ln_model_declare(m, s->error) : st;
}

/* The store of the model; without one, what was not read yet is. */
static linnet_status settle(linnet_model *m, int fd, linnet_error *error)
{
    if (m->memory.own && fd >= 0)
        m->store = ln_store_new(&m->memory, fd, m->mappings);
    m->graph->store = m->store;
    if (m->store)
        return ln_store_settle(m->store, m->graph, error);
    linnet_status st = LINNET_OK;
    for (ln_mapping *b = m->mappings; b && st == LINNET_OK; b = b->next)
        if (b->unread)
            st = ln_cut_read(fd, b->address, b->offset, b->size, error);
    return st;
}

/* The message without what was cut out, with the payloads of its initializers; NULL: status says why. */
static Onnx__ModelProto *decode(const ln_payloads *p, size_t size, ln_decoder *d, linnet_status *st,
                                linnet_error *error)
{
    const uint8_t *bytes = p->bytes;
    size_t left = size;
    if (!ln_cut_model(&d->arena, &bytes, &left)) {
        *st = ln_error_set(error, LINNET_ERR_MEMORY, NULL, NULL, "out of memory");
        return NULL;
    }
    if (p->fd >= 0)
        ln_pages_discard(p->bytes, size);
    Onnx__ModelProto *model =
        (Onnx__ModelProto *)ln_unpack(d, &onnx__model_proto__descriptor, bytes, left, "the model", st, error);
    if (model)
        *st = ln_cut_fill_model(p, model, size, d, error);
    return *st == LINNET_OK ? model : NULL;
}

/* bytes: from memory, or a mapping of fd (else -1). folder: of external data, a real path; NULL: none. */
static linnet_status load(linnet_model **model, const void *bytes, size_t size, int fd, const char *folder,
                          const linnet_load_options *options, linnet_error *error)
{
    linnet_model *m = ln_model_new(options);
    if (!m)
        return ln_error_set(error, LINNET_ERR_MEMORY, NULL, NULL, "out of memory");
    m->unmap = ln_mappings_free;
    ln_memory_keep(&m->memory, true); /* the first plan lets go of it */
    const ln_payloads payloads = {bytes, fd, fd >= 0 && m->memory.own};
    ln_decoder decoder;
    ln_stream stream;
    ln_decoder_init(&decoder, &m->memory);
    linnet_status st = ln_wire_check(&onnx__model_proto__descriptor, bytes, size, "the model", error);
    Onnx__ModelProto *proto = st == LINNET_OK ? decode(&payloads, size, &decoder, &st, error) : NULL;
    if (proto) {
        ln_stream_open(&stream, &payloads, size, &m->memory);
        if (fd >= 0) {
            stream.decoder.file = bytes;
            stream.decoder.file_bytes = size;
        }
        ln_importer im = {.source = {.arena = &m->arena,
                                     .decoder = &decoder,
                                     .mappings = &m->mappings,
                                     .folder = folder,
                                     .symbols.arena = &decoder.arena,
                                     .error = error},
                          .model = m,
                          .proto = proto,
                          .stream = &stream};
        st = import(&im);
        ln_decoder_free(&stream.decoder, &m->mappings);
    }
    ln_decoder_free(&decoder, &m->mappings);
    if (st == LINNET_OK)
        st = settle(m, fd, error);
    if (st != LINNET_OK) {
        linnet_model_free(m);
        return st;
    }
    ln_arena_trim(&m->arena);
    *model = m;
    return LINNET_OK;
}

linnet_status linnet_model_load_memory(linnet_model **model, const void *bytes, size_t size,
                                       const linnet_load_options *options, linnet_error *error)
{
    char folder[PATH_MAX];
    *model = NULL;
    if (error)
        *error = (linnet_error){0};
    if (!bytes || size == 0)
        return ln_error_set(error, LINNET_ERR_MODEL, NULL, NULL, "the model is empty");
    bool has_folder = options && options->folder;
    if (has_folder && !ln_realpath(options->folder, folder))
        return ln_error_set(error, LINNET_ERR_IO, NULL, NULL, "cannot open the folder '%.200s': %s", options->folder,
                            strerror(errno));
    return load(model, bytes, size, -1, has_folder ? folder : NULL, options, error);
}

/* The real path of the folder that a file lies in. */
static bool folder_of(const char *path, char folder[PATH_MAX])
{
    char given[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t size = slash ? (size_t)(slash - path) : 0;
    if (size >= sizeof given)
        return false;
    memcpy(given, path, size);
    given[size] = '\0';
    return ln_realpath(!slash ? "." : size ? given : "/", folder) != NULL;
}

static linnet_status map_model(const char *path, int *opened, void **bytes, size_t *size, linnet_error *error)
{
    int fd = *opened = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat info;
    linnet_status st = LINNET_OK;
    if (fd < 0 || fstat(fd, &info) != 0)
        st = ln_error_set(error, LINNET_ERR_IO, NULL, NULL, "cannot open '%.300s': %s", path, strerror(errno));
    else if (!S_ISREG(info.st_mode))
        st = ln_error_set(error, LINNET_ERR_IO, NULL, NULL, "'%.300s' is no regular file", path);
    else if (info.st_size == 0)
        st = ln_error_set(error, LINNET_ERR_MODEL, NULL, NULL, "'%.300s' is empty", path);
    if (st == LINNET_OK) {
        *size = (size_t)info.st_size;
        *bytes = mmap(NULL, *size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (*bytes == MAP_FAILED)
            st = ln_error_set(error, LINNET_ERR_MEMORY, NULL, NULL, "cannot map '%.300s': %s", path, strerror(errno));
    }
    return st;
}

linnet_status linnet_model_load_file(linnet_model **model, const char *path, const linnet_load_options *options,
                                     linnet_error *error)
{
    char folder[PATH_MAX];
    void *bytes;
    size_t size;
    *model = NULL;
    if (error)
        *error = (linnet_error){0};
    int fd;
    linnet_status st = map_model(path, &fd, &bytes, &size, error);
    if (st == LINNET_OK) {
        st = load(model, bytes, size, fd, folder_of(path, folder) ? folder : NULL, options, error);
        munmap(bytes, size);
    }
    if (fd >= 0)
        close(fd);
    return st;
}
