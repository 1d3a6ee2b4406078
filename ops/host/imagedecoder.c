/* SPDX-License-Identifier: Apache-2.0
 *
 * ImageDecoder: the bytes of an image file as pixels. The format is told from the first bytes. Grey is made from RGB by
 * the weights of ITU-R 601-2 in 16-bit fixed point; an alpha channel is dropped. ai.onnx ImageDecoder-20.
 */
#include <string.h>

#include "ops/host/image.h"

#ifndef LN_HAVE_LIBJPEG
#define ln_decode_jpeg NULL
#endif
#ifndef LN_HAVE_LIBPNG
#define ln_decode_png NULL
#endif
#ifndef LN_HAVE_LIBWEBP
#define ln_decode_webp NULL
#endif
#ifndef LN_HAVE_LIBTIFF
#define ln_decode_tiff NULL
#endif
#ifndef LN_HAVE_LIBOPENJP2
#define ln_decode_jp2 NULL
#endif

/* What a file of a format begins with; '?' is any byte. */
typedef struct image_format {
    const char *name, *library;
    ln_image_decoder *decode; /* NULL: built without the library */
    size_t size;
    const char *magic;
} image_format;

static const image_format formats[] = {
    {"JPEG", "libjpeg", ln_decode_jpeg, 3, "\xff\xd8\xff"},
    {"PNG", "libpng", ln_decode_png, 8, "\x89PNG\r\n\x1a\n"},
    {"BMP", NULL, ln_decode_bmp, 2, "BM"},
    {"WebP", "libwebp", ln_decode_webp, 12, "RIFF????WEBP"},
    {"TIFF", "libtiff", ln_decode_tiff, 4, "II*\0"},
    {"TIFF", "libtiff", ln_decode_tiff, 4, "MM\0*"},
    {"TIFF", "libtiff", ln_decode_tiff, 4, "II+\0"},
    {"TIFF", "libtiff", ln_decode_tiff, 4, "MM\0+"},
    {"JPEG 2000", "libopenjp2", ln_decode_jp2, 12, "\0\0\0\x0cjP  \r\n\x87\n"},
    {"JPEG 2000", "libopenjp2", ln_decode_jp2, 4, "\xff\x4f\xff\x51"},
    {"PNM", NULL, ln_decode_pnm, 2, "P1"},
    {"PNM", NULL, ln_decode_pnm, 2, "P2"},
    {"PNM", NULL, ln_decode_pnm, 2, "P3"},
    {"PNM", NULL, ln_decode_pnm, 2, "P4"},
    {"PNM", NULL, ln_decode_pnm, 2, "P5"},
    {"PNM", NULL, ln_decode_pnm, 2, "P6"},
};

linnet_status ln_image_alloc(ln_ctx *c, ln_image *image, int64_t width, int64_t height)
{
    enum { MAX_SIDE = 1 << 20 };
    *image = (ln_image){0};
    if (width < 1 || height < 1 || width > MAX_SIDE || height > MAX_SIDE)
        return LINNET_OK;
    image->rgb = ln_temporary(c, (size_t)width * (size_t)height * 3);
    image->width = width;
    image->height = height;
    return image->rgb ? LINNET_OK : ln_no_memory(c);
}

linnet_status ln_image_no_library(ln_ctx *c, const char *name)
{
    return ln_fail(c, LINNET_ERR_UNSUPPORTED, "this machine has no %s", name);
}

typedef struct image_params {
    int32_t pixel_format;
} image_params;

enum { RGB, BGR, GRAY };

static linnet_status image_infer(ln_ctx *c)
{
    const image_params *p = c->params;
    LN_TRY(ln_check_rank(c, 0, 1, 1, "encoded_stream"));
    int64_t dims[3] = {LN_UNKNOWN, LN_UNKNOWN, p->pixel_format == GRAY ? 1 : 3};
    return ln_set_shape(c, 0, LINNET_UINT8, 3, dims);
}

static bool begins(const image_format *f, const uint8_t *data, size_t size)
{
    if (size < f->size)
        return false;
    for (size_t i = 0; i < f->size; i++)
        if (f->magic[i] != '?' && data[i] != (uint8_t)f->magic[i])
            return false;
    return true;
}

static linnet_status decode(ln_ctx *c, const uint8_t *data, size_t size, ln_image *image)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        if (!begins(&formats[i], data, size))
            continue;
        if (!formats[i].decode)
            return ln_fail(c, LINNET_ERR_UNSUPPORTED, "%s: Linnet was built without %s", formats[i].name,
                           formats[i].library);
        return formats[i].decode(c, data, size, image);
    }
    return LINNET_OK;
}

static linnet_status image_late(ln_ctx *c)
{
    const image_params *p = c->params;
    const linnet_value *x = ln_late_in(c, 0);
    ln_image image = {0};
    LN_TRY(decode(c, x->data, (size_t)linnet_value_count(x), &image));
    if (!image.rgb)
        image.width = image.height = 0;
    int64_t dims[3] = {image.height, image.width, p->pixel_format == GRAY ? 1 : 3};
    uint8_t *y = ln_late_tensor(c, 0, LINNET_UINT8, 3, dims);
    if (!y)
        return ln_no_memory(c);
    int64_t n = image.height * image.width;
    for (int64_t i = 0; i < n; i++) {
        const uint8_t *rgb = image.rgb + 3 * i;
        if (p->pixel_format == GRAY) {
            y[i] = (uint8_t)((rgb[0] * 19595u + rgb[1] * 38470u + rgb[2] * 7471u + 0x8000u) >> 16);
        } else {
            bool swap = p->pixel_format == BGR;
            y[3 * i] = rgb[swap ? 2 : 0];
            y[3 * i + 1] = rgb[1];
            y[3 * i + 2] = rgb[swap ? 0 : 2];
        }
    }
    return LINNET_OK;
}

static const ln_attr_spec attrs[] = {LN_ATTR_E(image_params, pixel_format, "RGB|BGR|Grayscale", RGB), LN_ATTR_END};

LN_OP(ImageDecoder) = {
    .domain = "",
    .type = "ImageDecoder",
    .since = {20},
    .types = LN_T(LINNET_UINT8),
    .in = {1, 1},
    .out = {1, 1},
    .attrs = attrs,
    .params_size = sizeof(image_params),
    .infer = image_infer,
    .late = image_late,
};
