/* SPDX-License-Identifier: Apache-2.0
 *
 * External data: the file beside the model is mapped once and stays so with the model; tensors point into it. A path
 * must stay in the model's folder, through symbolic links too. A file that shrinks while it is mapped is the
 * system's to punish; nobody should write to a model in use.
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

#include "onnx/import.h"
#include "onnx/realpath.h"

/* Relative, and no part is "..". */
static bool stays_below(const char *path)
{
    if (path[0] == '/' || path[0] == '\0')
        return false;
    for (const char *at = path; at; at = strchr(at, '/')) {
        at += *at == '/';
        if (at[0] == '.' && at[1] == '.' && (at[2] == '/' || at[2] == '\0'))
            return false;
    }
    return true;
}

static linnet_status map_file(ln_source *s, const char *location, const char *path, ln_external *file)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) != 0) {
        int code = errno;
        if (fd >= 0)
            close(fd);
        return ln_import_fail(s, LINNET_ERR_IO, "cannot open the external data '%.200s': %s", location, strerror(code));
    }
    linnet_status st = LINNET_OK;
    if (!S_ISREG(info.st_mode)) {
        st = ln_import_fail(s, LINNET_ERR_IO, "the external data '%.200s' is no regular file", location);
    } else if (info.st_size > 0) {
        file->size = (size_t)info.st_size;
        void *bytes = mmap(NULL, file->size, PROT_READ, MAP_PRIVATE, fd, 0);
        ln_mapping *mapping = ln_arena_zalloc(s->arena, sizeof *mapping, _Alignof(ln_mapping));
        if (bytes == MAP_FAILED || !mapping) {
            st = ln_import_fail(s, LINNET_ERR_MEMORY, "cannot map the external data '%.200s' (%zu bytes)", location,
                                file->size);
            if (bytes != MAP_FAILED)
                munmap(bytes, file->size);
        } else {
            *mapping = (ln_mapping){.next = *s->mappings, .address = bytes, .size = file->size};
            *s->mappings = mapping;
            file->bytes = bytes;
        }
    }
    close(fd);
    return st;
}

static linnet_status open_file(ln_source *s, const char *location, const ln_external **result)
{
    for (ln_external *f = s->files; f; f = f->next)
        if (strcmp(f->location, location) == 0) {
            *result = f;
            return LINNET_OK;
        }
    if (!s->folder || !s->mappings)
        return ln_import_fail(s, LINNET_ERR_ARGUMENT, "external data '%.200s' is needed, but no folder is given",
                              location);
    if (!stays_below(location))
        return ln_import_fail(s, LINNET_ERR_MODEL, "the external data '%.200s' is not in the model's folder", location);
    char path[PATH_MAX], real[PATH_MAX];
    size_t folder = strlen(s->folder);
    if (snprintf(path, sizeof path, "%s/%s", s->folder, location) >= (int)sizeof path)
        return ln_import_fail(s, LINNET_ERR_IO, "the path of the external data '%.200s' is too long", location);
    if (!ln_realpath(path, real))
        return ln_import_fail(s, LINNET_ERR_IO, "cannot open the external data '%.200s': %s", location,
                              strerror(errno));
    bool root = folder == 1; /* "/" */
    if (strncmp(real, s->folder, folder) != 0 || (!root && real[folder] != '/'))
        return ln_import_fail(s, LINNET_ERR_MODEL, "the external data '%.200s' leads out of the model's folder",
                              location);
    ln_external *file = ln_arena_zalloc(&s->decoder->arena, sizeof *file, _Alignof(ln_external));
    if (!file)
        return ln_import_no_memory(s);
    linnet_status st = map_file(s, location, real, file);
    if (st != LINNET_OK)
        return st;
    file->location = location;
    file->next = s->files;
    s->files = file;
    *result = file;
    return LINNET_OK;
}

static bool parse_number(const char *text, uint64_t *value)
{
    if (!text || text[0] < '0' || text[0] > '9')
        return false;
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0';
}

linnet_status ln_import_external(ln_source *s, const Onnx__TensorProto *t, const char *what, const char *name,
                                 size_t size, const void **bytes)
{
    const char *location = NULL;
    uint64_t offset = 0, length = size;
    for (size_t i = 0; i < t->n_external_data; i++) {
        const char *key = t->external_data[i]->key, *value = t->external_data[i]->value;
        bool ok = true;
        if (!key || !value)
            ok = false;
        else if (strcmp(key, "location") == 0)
            location = value;
        else if (strcmp(key, "offset") == 0)
            ok = parse_number(value, &offset);
        else if (strcmp(key, "length") == 0)
            ok = parse_number(value, &length);
        if (!ok)
            return ln_import_fail(s, LINNET_ERR_MODEL, "%s '%.100s': entry '%.40s' of the external data is '%.40s'",
                                  what, name, key ? key : "", value ? value : "");
    }
    if (!location)
        return ln_import_fail(s, LINNET_ERR_MODEL, "%s '%.100s' has external data, but no location", what, name);
    if (length != size)
        return ln_import_fail(s, LINNET_ERR_MODEL, "%s '%.100s' has %llu bytes of external data, expected %zu", what,
                              name, (unsigned long long)length, size);
    const ln_external *file;
    linnet_status st = open_file(s, location, &file);
    if (st != LINNET_OK)
        return st;
    if (offset > file->size || size > file->size - offset)
        return ln_import_fail(s, LINNET_ERR_MODEL,
                              "%s '%.100s' has external data at %llu, %zu bytes, but '%.100s' has %zu", what, name,
                              (unsigned long long)offset, size, location, file->size);
    *bytes = size ? file->bytes + offset : NULL;
    return LINNET_OK;
}
