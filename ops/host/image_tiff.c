/* SPDX-License-Identifier: Apache-2.0
 *
 * TIFF through libtiff's RGBA interface, the first image of the file. Its codecs (deflate, JPEG, ...) are libtiff's.
 */
#ifdef LN_HAVE_LIBTIFF
#include <stdio.h>
#include <string.h>

#include <tiffio.h>

#include "engine/library.h"
#include "ops/host/image.h"

static ln_library library;
#define TIFFOpenOptionsAlloc LN_FROM(library, TIFFOpenOptionsAlloc)
#define TIFFOpenOptionsSetErrorHandlerExtR LN_FROM(library, TIFFOpenOptionsSetErrorHandlerExtR)
#define TIFFOpenOptionsSetWarningHandlerExtR LN_FROM(library, TIFFOpenOptionsSetWarningHandlerExtR)
#define TIFFClientOpenExt LN_FROM(library, TIFFClientOpenExt)
#define TIFFOpenOptionsFree LN_FROM(library, TIFFOpenOptionsFree)
#define TIFFSetErrorHandler LN_FROM(library, TIFFSetErrorHandler)
#define TIFFSetWarningHandler LN_FROM(library, TIFFSetWarningHandler)
#define TIFFClientOpen LN_FROM(library, TIFFClientOpen)
#define TIFFGetField LN_FROM(library, TIFFGetField)
#define TIFFSetField LN_FROM(library, TIFFSetField)
#define TIFFReadRGBAImageOriented LN_FROM(library, TIFFReadRGBAImageOriented)
#define TIFFClose LN_FROM(library, TIFFClose)

typedef struct tiff_source {
    const uint8_t *data;
    size_t size, at;
} tiff_source;

static tmsize_t read_bytes(thandle_t h, void *to, tmsize_t n)
{
    tiff_source *s = (tiff_source *)h;
    if (s->at >= s->size || n <= 0)
        return 0;
    size_t some = s->size - s->at < (size_t)n ? s->size - s->at : (size_t)n;
    memcpy(to, s->data + s->at, some);
    s->at += some;
    return (tmsize_t)some;
}

static tmsize_t write_bytes(thandle_t h, void *from, tmsize_t n)
{
    (void)h;
    (void)from;
    (void)n;
    return 0;
}

static toff_t seek(thandle_t h, toff_t offset, int whence)
{
    tiff_source *s = (tiff_source *)h;
    uint64_t from = whence == SEEK_CUR ? s->at : whence == SEEK_END ? s->size : 0;
    s->at = (size_t)(from + offset);
    return s->at;
}

static int close_source(thandle_t h)
{
    (void)h;
    return 0;
}

static toff_t size_of(thandle_t h)
{
    return ((tiff_source *)h)->size;
}

static int be_silent(TIFF *t, void *user, const char *module, const char *format, va_list args)
{
    (void)t;
    (void)user;
    (void)module;
    (void)format;
    (void)args;
    return 1;
}

static void silent(const char *module, const char *format, va_list args)
{
    (void)module;
    (void)format;
    (void)args;
}

static TIFF *open_source(tiff_source *s)
{
#if TIFFLIB_VERSION >= 20221213 /* 4.5.0: handlers of an open file; before, they are the process's */
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (!options)
        return NULL;
    TIFFOpenOptionsSetErrorHandlerExtR(options, be_silent, NULL);
    TIFFOpenOptionsSetWarningHandlerExtR(options, be_silent, NULL);
    TIFF *t = TIFFClientOpenExt("", "rm", (thandle_t)s, read_bytes, write_bytes, seek, close_source, size_of, NULL,
                                NULL, options);
    TIFFOpenOptionsFree(options);
    (void)silent;
    return t;
#else
    (void)be_silent;
    TIFFSetErrorHandler(silent);
    TIFFSetWarningHandler(silent);
    return TIFFClientOpen("", "rm", (thandle_t)s, read_bytes, write_bytes, seek, close_source, size_of, NULL, NULL);
#endif
}

/* Colors stay as the file has them: libtiff multiplies them by an alpha that is not said to be in them already. */
static void leave_alpha(TIFF *t)
{
    uint16_t n, *kinds, associated[16];
    if (!TIFFGetField(t, TIFFTAG_EXTRASAMPLES, &n, &kinds) || n < 1 || n > 16)
        return;
    for (uint16_t i = 0; i < n; i++)
        associated[i] = kinds[i] == EXTRASAMPLE_UNASSALPHA ? EXTRASAMPLE_ASSOCALPHA : kinds[i];
    TIFFSetField(t, TIFFTAG_EXTRASAMPLES, n, associated);
}

linnet_status ln_decode_tiff(ln_ctx *c, const uint8_t *data, size_t size, ln_image *image)
{
    tiff_source source = {data, size, 0};
    uint32_t width = 0, height = 0;
    if (!ln_library_open(&library, LN_SO_TIFF))
        return ln_image_no_library(c, LN_SO_TIFF);
    TIFF *t = open_source(&source);
    if (!t)
        return LINNET_OK;
    linnet_status st = LINNET_OK;
    leave_alpha(t);
    if (TIFFGetField(t, TIFFTAG_IMAGEWIDTH, &width) && TIFFGetField(t, TIFFTAG_IMAGELENGTH, &height))
        st = ln_image_alloc(c, image, width, height);
    if (st == LINNET_OK && image->rgb) {
        uint32_t *rgba = ln_temporary(c, (size_t)width * height * 4);
        if (!rgba) {
            st = ln_no_memory(c);
        } else if (!TIFFReadRGBAImageOriented(t, width, height, rgba, ORIENTATION_TOPLEFT, 1)) {
            image->rgb = NULL;
        } else {
            for (size_t i = 0; i < (size_t)width * height; i++) {
                image->rgb[3 * i] = (uint8_t)TIFFGetR(rgba[i]);
                image->rgb[3 * i + 1] = (uint8_t)TIFFGetG(rgba[i]);
                image->rgb[3 * i + 2] = (uint8_t)TIFFGetB(rgba[i]);
            }
        }
    }
    TIFFClose(t);
    return st;
}
#else
typedef int ln_image_tiff_is_absent;
#endif
