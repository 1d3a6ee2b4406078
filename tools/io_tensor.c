/* SPDX-License-Identifier: Apache-2.0
 *
 * Values in files: which format by the name's end. A name without a known end is raw elements of the declared type, in
 * the machine's byte order.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "onnx/onnx.h"
#include "tools/tool.h"

bool ln_ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && !strcasecmp(text + n - m, end);
}

bool ln_starts_with(const char *text, const char *start)
{
    return !strncmp(text, start, strlen(start));
}

bool ln_read_file(ln_arena *arena, const char *path, ln_bytes *bytes)
{
    FILE *file = fopen(path, "rb");
    struct stat st;
    if (!file || fstat(fileno(file), &st)) {
        ln_bad("%s: %s", path, strerror(errno));
        if (file)
            fclose(file);
        return false;
    }
    const char *wrong = NULL;
    bytes->size = (size_t)st.st_size;
    if (!S_ISREG(st.st_mode))
        wrong = "not a file";
    else if (!(bytes->data = ln_arena_alloc(arena, bytes->size + 1, 64)))
        wrong = "out of memory";
    else if (fread(bytes->data, 1, bytes->size, file) != bytes->size)
        wrong = "cannot be read";
    else
        bytes->data[bytes->size] = 0;
    fclose(file);
    if (wrong)
        ln_bad("%s: %s", path, wrong);
    return !wrong;
}

bool ln_write_file(const char *path, const void *head, size_t head_size, const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    bool written = file && (!head_size || fwrite(head, 1, head_size, file) == head_size) &&
                   (!size || fwrite(data, 1, size, file) == size);
    if (file && fclose(file))
        written = false;
    if (!written)
        ln_bad("%s: %s", path, strerror(errno));
    return written;
}

bool ln_value_new(ln_arena *arena, linnet_value *v, linnet_type type, int32_t rank, const int64_t *dims)
{
    size_t bytes = linnet_type_size(type);
    bool fits = bytes && rank >= 0 && rank <= LINNET_MAX_RANK;
    *v = (linnet_value){.kind = LINNET_TENSOR, .type = type, .rank = rank};
    for (int32_t i = 0; fits && i < rank; i++) {
        v->dims[i] = dims[i];
        fits = dims[i] >= 0 && ln_size_mul(bytes, (size_t)dims[i], &bytes);
    }
    v->data = fits ? ln_arena_zalloc(arena, bytes, 64) : NULL;
    if (!v->data)
        ln_bad("no memory for a tensor of %s", linnet_type_name(type));
    return v->data != NULL;
}

/* As ln_read_file, but without a message: errors go to the caller. */
bool ln_pb_read(ln_arena *arena, const char *path, const linnet_value_info *info, linnet_value *v, linnet_error *error)
{
    FILE *file = fopen(path, "rb");
    struct stat st;
    uint8_t *bytes = NULL;
    bool whole = false;
    if (file && !fstat(fileno(file), &st) && S_ISREG(st.st_mode) &&
        (bytes = ln_arena_alloc(arena, (size_t)st.st_size + 1, 64)))
        whole = fread(bytes, 1, (size_t)st.st_size, file) == (size_t)st.st_size;
    if (!whole)
        ln_error_set(error, LINNET_ERR_IO, NULL, NULL, "cannot read the file: %s", strerror(errno));
    if (file)
        fclose(file);
    *v = (linnet_value){.kind = info ? info->kind : LINNET_TENSOR};
    return whole && !ln_onnx_read_tensor(bytes, (size_t)st.st_size, v, arena, error);
}

static bool raw_read(ln_arena *arena, const char *path, const ln_bytes *file, const linnet_value_info *info,
                     linnet_value *v)
{
    char text[256];
    size_t item = linnet_type_size(info->type), known = item;
    int32_t unknown = -1;
    if (info->kind != LINNET_TENSOR || !item || info->type == LINNET_STRING || info->rank < 0) {
        ln_bad("%s: input '%s' is %s, which raw elements cannot fill", path, info->name,
               ln_declared_text(info, text, sizeof text));
        return false;
    }
    int64_t dims[LINNET_MAX_RANK];
    bool fits = true;
    for (int32_t i = 0; i < info->rank; i++) {
        dims[i] = info->dims[i];
        if (dims[i] < 0) {
            fits = fits && unknown < 0; /* one may follow from the file's size */
            unknown = i;
        } else {
            fits = fits && ln_size_mul(known, (size_t)dims[i], &known);
        }
    }
    if (fits && unknown >= 0 && known && file->size % known == 0)
        dims[unknown] = (int64_t)(file->size / known);
    else
        fits = fits && unknown < 0 && known == file->size;
    if (!fits) {
        ln_bad("%s: %zu bytes are not what input '%s' needs, which is %s", path, file->size, info->name,
               ln_declared_text(info, text, sizeof text));
        return false;
    }
    if (!ln_value_new(arena, v, info->type, info->rank, dims))
        return false;
    if (file->size)
        memcpy(v->data, file->data, file->size);
    return true;
}

static bool image_read(ln_arena *arena, const char *path, const char *preset, const linnet_value_info *info,
                       linnet_value *v)
{
    const ln_preset *p = ln_preset_find(preset);
    ln_image image;
    if (!p) {
        ln_bad("there is no preset '%s'; there are raw, imagenet and mobilenet", preset);
        return false;
    }
    return ln_image_read(arena, path, &image) && ln_image_tensor(arena, &image, path, p, info, v);
}

bool ln_value_read(ln_arena *arena, const char *path, const char *preset, const linnet_value_info *info,
                   linnet_value *v)
{
    ln_bytes file;
    linnet_error error = {0};
    if (ln_is_image(path))
        return image_read(arena, path, preset, info, v);
    if (ln_ends_with(path, ".pb")) {
        if (ln_pb_read(arena, path, info, v, &error))
            return true;
        ln_bad_error(path, &error);
        return false;
    }
    if (!ln_read_file(arena, path, &file))
        return false;
    if (ln_ends_with(path, ".npy"))
        return ln_npy_decode(arena, path, file.data, file.size, v);
    if (ln_ends_with(path, ".npz"))
        return ln_npz_decode(arena, path, &file, info->name, v);
    return raw_read(arena, path, &file, info, v);
}

bool ln_value_write(ln_arena *arena, const char *path, const char *name, const linnet_value *v)
{
    char text[256];
    linnet_error error = {0};
    if (ln_ends_with(path, ".pb")) {
        if (!ln_onnx_write_tensor(v, name, path, &error))
            return true;
        ln_bad_error(path, &error);
        return false;
    }
    bool npy = ln_ends_with(path, ".npy");
    if (v->kind != LINNET_TENSOR || (!npy && v->type == LINNET_STRING)) {
        ln_bad("%s: output '%s' is %s; only a .pb file can hold that", path, name, ln_value_text(v, text, sizeof text));
        return false;
    }
    if (npy)
        return ln_npy_write(arena, path, v);
    return ln_write_file(path, NULL, 0, v->data, (size_t)linnet_value_count(v) * linnet_type_size(v->type));
}
