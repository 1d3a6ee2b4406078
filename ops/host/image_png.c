/* SPDX-License-Identifier: Apache-2.0
 *
 * PNG through libpng's simplified interface: palettes and grey become RGB, 16 bits become 8, alpha is dropped.
 */
#ifdef LN_HAVE_LIBPNG
#include <setjmp.h>
#include <string.h>

#include <png.h>

#include "engine/library.h"
#include "ops/host/image.h"

static ln_library library;
#define png_get_io_ptr LN_FROM(library, png_get_io_ptr)
#define png_error LN_FROM(library, png_error)
#define png_longjmp LN_FROM(library, png_longjmp)
#define png_read_info LN_FROM(library, png_read_info)
#define png_set_expand LN_FROM(library, png_set_expand)
#define png_set_strip_16 LN_FROM(library, png_set_strip_16)
#define png_set_strip_alpha LN_FROM(library, png_set_strip_alpha)
#define png_set_gray_to_rgb LN_FROM(library, png_set_gray_to_rgb)
#define png_set_interlace_handling LN_FROM(library, png_set_interlace_handling)
#define png_read_update_info LN_FROM(library, png_read_update_info)
#define png_get_image_width LN_FROM(library, png_get_image_width)
#define png_get_image_height LN_FROM(library, png_get_image_height)
#define png_get_rowbytes LN_FROM(library, png_get_rowbytes)
#define png_read_row LN_FROM(library, png_read_row)
#define png_create_read_struct LN_FROM(library, png_create_read_struct)
#define png_create_info_struct LN_FROM(library, png_create_info_struct)
#define png_destroy_read_struct LN_FROM(library, png_destroy_read_struct)
#define png_set_read_fn LN_FROM(library, png_set_read_fn)
#define png_set_longjmp_fn LN_FROM(library, png_set_longjmp_fn)

typedef struct png_source {
    const uint8_t *data;
    size_t left;
} png_source;

static void read_bytes(png_structp png, png_bytep to, size_t n)
{
    png_source *s = png_get_io_ptr(png);
    if (n > s->left)
        png_error(png, "the file ends");
    memcpy(to, s->data, n);
    s->data += n;
    s->left -= n;
}

static void on_error(png_structp png, png_const_charp text)
{
    (void)text;
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static linnet_status read_image(ln_ctx *c, png_structp png, png_infop info, ln_image *image)
{
    png_read_info(png, info);
    png_set_expand(png);
    png_set_strip_16(png);
    png_set_strip_alpha(png);
    png_set_gray_to_rgb(png);
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    LN_TRY(ln_image_alloc(c, image, png_get_image_width(png, info), png_get_image_height(png, info)));
    if (!image->rgb || png_get_rowbytes(png, info) != (size_t)image->width * 3) {
        image->rgb = NULL;
        return LINNET_OK;
    }
    for (int pass = 0; pass < passes; pass++)
        for (int64_t y = 0; y < image->height; y++)
            png_read_row(png, image->rgb + y * image->width * 3, NULL);
    return LINNET_OK;
}

linnet_status ln_decode_png(ln_ctx *c, const uint8_t *data, size_t size, ln_image *image)
{
    png_source source = {data, size};
    if (!ln_library_open(&library, LN_SO_PNG))
        return ln_image_no_library(c, LN_SO_PNG);
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    volatile linnet_status st = LINNET_OK;
    if (!info) {
        png_destroy_read_struct(&png, NULL, NULL);
        return ln_no_memory(c);
    }
    png_set_read_fn(png, &source, read_bytes);
    if (setjmp(png_jmpbuf(png)))
        image->rgb = NULL;
    else
        st = read_image(c, png, info, image);
    png_destroy_read_struct(&png, &info, NULL);
    return st;
}
#else
typedef int ln_image_png_is_absent;
#endif
