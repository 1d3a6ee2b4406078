/* SPDX-License-Identifier: Apache-2.0
 *
 * JPEG through libjpeg(-turbo), with its default (smooth) upsampling of chroma, which the specification asks for.
 */
#ifdef LN_HAVE_LIBJPEG
#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>

#include "engine/library.h"
#include "ops/host/image.h"

static ln_library library;
#define jpeg_std_error LN_FROM(library, jpeg_std_error)
#define jpeg_CreateDecompress LN_FROM(library, jpeg_CreateDecompress)
#define jpeg_mem_src LN_FROM(library, jpeg_mem_src)
#define jpeg_read_header LN_FROM(library, jpeg_read_header)
#define jpeg_start_decompress LN_FROM(library, jpeg_start_decompress)
#define jpeg_read_scanlines LN_FROM(library, jpeg_read_scanlines)
#define jpeg_destroy_decompress LN_FROM(library, jpeg_destroy_decompress)

typedef struct jpeg_errors {
    struct jpeg_error_mgr base;
    jmp_buf stop;
} jpeg_errors;

static void stop(j_common_ptr info)
{
    longjmp(((jpeg_errors *)(void *)info->err)->stop, 1);
}

static void be_silent(j_common_ptr info)
{
    (void)info;
}

/* CMYK as Adobe writes it: inverted. */
static void from_cmyk(uint8_t *to, const uint8_t *from, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < 3; k++)
            to[3 * i + k] = (uint8_t)((from[4 * i + k] * from[4 * i + 3] + 127) / 255);
}

linnet_status ln_decode_jpeg(ln_ctx *c, const uint8_t *data, size_t size, ln_image *image)
{
    struct jpeg_decompress_struct d;
    jpeg_errors errors;
    ln_image *volatile made = image; /* longjmp: what is read after it must not lie in a register */
    volatile linnet_status st = LINNET_OK;
    if (!ln_library_open(&library, LN_SO_JPEG))
        return ln_image_no_library(c, LN_SO_JPEG);
    d.err = jpeg_std_error(&errors.base);
    errors.base.error_exit = stop;
    errors.base.output_message = be_silent;
    if (setjmp(errors.stop)) {
        made->rgb = NULL;
        jpeg_destroy_decompress(&d);
        return st;
    }
    jpeg_create_decompress(&d);
    jpeg_mem_src(&d, data, size);
    jpeg_read_header(&d, TRUE);
    bool cmyk = d.num_components == 4;
    d.out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(&d);
    st = ln_image_alloc(c, image, d.output_width, d.output_height);
    uint8_t *line = cmyk ? ln_temporary(c, (size_t)d.output_width * 4) : NULL;
    if (cmyk && !line)
        st = ln_no_memory(c);
    while (st == LINNET_OK && image->rgb && d.output_scanline < d.output_height) {
        uint8_t *to = image->rgb + (int64_t)d.output_scanline * image->width * 3;
        JSAMPROW row = cmyk ? line : to;
        jpeg_read_scanlines(&d, &row, 1);
        if (cmyk)
            from_cmyk(to, line, image->width);
    }
    jpeg_destroy_decompress(&d);
    return st;
}
#else
typedef int ln_image_jpeg_is_absent;
#endif
