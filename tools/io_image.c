/* SPDX-License-Identifier: Apache-2.0
 *
 * Images as bytes: PNG through libpng, JPEG through libjpeg, BMP (uncompressed, 8, 24 and 32 bits) by hand. Gray stays
 * one channel, all else becomes RGB; alpha is laid over black, 16 bits become 8.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/tool.h"

#ifdef LN_HAVE_MEDIA
#include <jpeglib.h>
#include <png.h>
#include <setjmp.h>

#include "engine/library.h"

static ln_library jpegs, pngs;
#define png_image_begin_read_from_memory LN_FROM(pngs, png_image_begin_read_from_memory)
#define png_image_finish_read LN_FROM(pngs, png_image_finish_read)
#define png_image_free LN_FROM(pngs, png_image_free)
#define jpeg_std_error LN_FROM(jpegs, jpeg_std_error)
#define jpeg_CreateDecompress LN_FROM(jpegs, jpeg_CreateDecompress)
#define jpeg_mem_src LN_FROM(jpegs, jpeg_mem_src)
#define jpeg_read_header LN_FROM(jpegs, jpeg_read_header)
#define jpeg_start_decompress LN_FROM(jpegs, jpeg_start_decompress)
#define jpeg_read_scanlines LN_FROM(jpegs, jpeg_read_scanlines)
#define jpeg_destroy_decompress LN_FROM(jpegs, jpeg_destroy_decompress)
#endif

enum { MAX_SIDE = 32768, MAX_PIXELS = 1 << 28 };

bool ln_is_image(const char *path)
{
    static const char *const ends[] = {".png", ".jpg", ".jpeg", ".bmp"};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (ln_ends_with(path, ends[i]))
            return true;
    return false;
}

static bool new_image(ln_arena *arena, const char *path, int64_t width, int64_t height, int32_t channels,
                      ln_image *image)
{
    if (width < 1 || height < 1 || width > MAX_SIDE || height > MAX_SIDE || width * height > MAX_PIXELS) {
        ln_bad("%s: an image of %lld x %lld pixels is not supported", path, (long long)width, (long long)height);
        return false;
    }
    *image = (ln_image){(int32_t)width, (int32_t)height, channels, NULL};
    image->data = ln_arena_alloc(arena, (size_t)(width * height) * (size_t)channels, 64);
    if (!image->data)
        ln_bad("%s: out of memory", path);
    return image->data != NULL;
}

#ifdef LN_HAVE_MEDIA
static bool read_png(ln_arena *arena, const char *path, const ln_bytes *file, ln_image *image)
{
    png_image png = {.version = PNG_IMAGE_VERSION};
    if (!ln_library_open(&pngs, LN_SO_PNG))
        return ln_bad("%s: this machine has no %s", path, LN_SO_PNG) == 0;
    if (!png_image_begin_read_from_memory(&png, file->data, file->size)) {
        ln_bad("%s: %s", path, png.message);
        return false;
    }
    bool colour = (png.format & PNG_FORMAT_FLAG_COLOR) != 0;
    png.format = colour ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
    png_color black = {0, 0, 0};
    bool made = new_image(arena, path, png.width, png.height, colour ? 3 : 1, image);
    bool done = made && png_image_finish_read(&png, &black, image->data, 0, NULL);
    if (made && !done)
        ln_bad("%s: %s", path, png.message);
    png_image_free(&png);
    return done;
}

typedef struct jpeg_failure {
    struct jpeg_error_mgr manager; /* first: libjpeg knows this part */
    jmp_buf back;
    char text[JMSG_LENGTH_MAX];
} jpeg_failure;

static void jpeg_failed(j_common_ptr c)
{
    jpeg_failure *f = (jpeg_failure *)c->err;
    f->manager.format_message(c, f->text);
    longjmp(f->back, 1);
}

static void jpeg_quiet(j_common_ptr c)
{
    (void)c;
}

static bool read_jpeg(ln_arena *arena, const char *path, const ln_bytes *file, ln_image *image)
{
    struct jpeg_decompress_struct jpeg;
    jpeg_failure failure;
    if (!ln_library_open(&jpegs, LN_SO_JPEG))
        return ln_bad("%s: this machine has no %s", path, LN_SO_JPEG) == 0;
    jpeg.err = jpeg_std_error(&failure.manager);
    failure.manager.error_exit = jpeg_failed;
    failure.manager.output_message = jpeg_quiet;
    if (setjmp(failure.back)) {
        ln_bad("%s: %s", path, failure.text);
        jpeg_destroy_decompress(&jpeg);
        return false;
    }
    jpeg_create_decompress(&jpeg);
    jpeg_mem_src(&jpeg, file->data, file->size);
    jpeg_read_header(&jpeg, TRUE);
    jpeg.out_color_space = jpeg.num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_start_decompress(&jpeg);
    bool made = new_image(arena, path, jpeg.output_width, jpeg.output_height, jpeg.output_components, image);
    while (made && jpeg.output_scanline < jpeg.output_height) {
        JSAMPROW row = image->data + (size_t)jpeg.output_scanline * (size_t)image->width * (size_t)image->channels;
        jpeg_read_scanlines(&jpeg, &row, 1);
    }
    jpeg_destroy_decompress(&jpeg);
    return made;
}

#else
static bool read_png(ln_arena *arena, const char *path, const ln_bytes *file, ln_image *image)
{
    (void)arena, (void)file, (void)image;
    return ln_bad("%s: this build reads no PNG", path) == 0;
}

static bool read_jpeg(ln_arena *arena, const char *path, const ln_bytes *file, ln_image *image)
{
    (void)arena, (void)file, (void)image;
    return ln_bad("%s: this build reads no JPEG", path) == 0;
}
#endif

static uint32_t le(const uint8_t *p, int bytes)
{
    uint32_t x = 0;
    while (bytes--)
        x = x << 8 | p[bytes];
    return x;
}

/* Rows of BGR(A) or of palette indices, from the bottom unless the height is negative, padded to 4 bytes. */
static bool read_bmp(ln_arena *arena, const char *path, const ln_bytes *file, ln_image *image)
{
    const uint8_t *p = file->data;
    if (file->size < 54 || p[0] != 'B' || p[1] != 'M') {
        ln_bad("%s: not a BMP file", path);
        return false;
    }
    uint32_t start = le(p + 10, 4), info = le(p + 14, 4), bits = le(p + 28, 2), compression = le(p + 30, 4);
    int32_t width = (int32_t)le(p + 18, 4), high = (int32_t)le(p + 22, 4);
    int64_t height = high < 0 ? -(int64_t)high : high;
    if (info < 40 || (compression != 0 && !(compression == 3 && bits == 32)) ||
        (bits != 8 && bits != 24 && bits != 32)) {
        ln_bad("%s: BMP with %u bits a pixel and compression %u is not supported", path, bits, compression);
        return false;
    }
    if (!new_image(arena, path, width, height, 3, image))
        return false;
    size_t row = ((size_t)width * bits / 8 + 3) / 4 * 4, palette = 14 + (size_t)info;
    size_t colours = bits == 8 ? (le(p + 46, 4) ? le(p + 46, 4) : 256) : 0;
    if (start > file->size || (file->size - start) / row < (size_t)height || palette > file->size ||
        (file->size - palette) / 4 < colours) {
        ln_bad("%s: the file ends before the image does", path);
        return false;
    }
    for (int64_t y = 0; y < height; y++) {
        const uint8_t *from = p + start + row * (size_t)(high < 0 ? y : height - 1 - y);
        uint8_t *to = image->data + 3 * (size_t)width * (size_t)y;
        for (int32_t x = 0; x < width; x++, to += 3) {
            const uint8_t *c = from + (size_t)x * (bits / 8);
            if (bits == 8)
                c = p + palette + 4 * (*c < colours ? *c : 0u);
            to[0] = c[2];
            to[1] = c[1];
            to[2] = c[0];
        }
    }
    return true;
}

bool ln_image_read(ln_arena *arena, const char *path, ln_image *image)
{
    ln_bytes file;
    if (!ln_read_file(arena, path, &file))
        return false;
    static const uint8_t png[] = {0x89, 'P', 'N', 'G'};
    if (file.size >= 4 && !memcmp(file.data, png, 4))
        return read_png(arena, path, &file, image);
    if (file.size >= 2 && file.data[0] == 0xff && file.data[1] == 0xd8)
        return read_jpeg(arena, path, &file, image);
    if (file.size >= 2 && file.data[0] == 'B' && file.data[1] == 'M')
        return read_bmp(arena, path, &file, image);
    ln_bad("%s: not a PNG, JPEG or BMP image", path);
    return false;
}
