/* SPDX-License-Identifier: Apache-2.0
 *
 * ops/host/ has the operators that need libraries, so only hosts have them: they are in liblinnet.a and its operator
 * table, not in liblinnet-core.a. Each library is optional: Make asks pkg-config and defines LN_HAVE_<LIBRARY>.
 *
 * A decoder gets the bytes of a file and gives rows of RGB, one byte each, in memory for the call. What it cannot
 * decode leaves the image empty, as the specification of ImageDecoder asks; it fails for want of memory alone.
 */
#ifndef LN_OPS_HOST_IMAGE_H
#define LN_OPS_HOST_IMAGE_H

#include "ops/convert.h"

typedef struct ln_image {
    int64_t width, height;
    uint8_t *rgb; /* NULL: nothing was decoded */
} ln_image;

typedef linnet_status ln_image_decoder(ln_ctx *c, const uint8_t *data, size_t size, ln_image *image);

ln_image_decoder ln_decode_bmp, ln_decode_pnm;
#ifdef LN_HAVE_LIBJPEG
ln_image_decoder ln_decode_jpeg;
#endif
#ifdef LN_HAVE_LIBPNG
ln_image_decoder ln_decode_png;
#endif
#ifdef LN_HAVE_LIBWEBP
ln_image_decoder ln_decode_webp;
#endif
#ifdef LN_HAVE_LIBTIFF
ln_image_decoder ln_decode_tiff;
#endif
#ifdef LN_HAVE_LIBOPENJP2
ln_image_decoder ln_decode_jp2;
#endif

/* Memory for an image of this size; leaves image->rgb NULL for sizes that no image has. */
linnet_status ln_image_alloc(ln_ctx *c, ln_image *image, int64_t width, int64_t height);

/* Fails: this machine does not have a library that the one that built Linnet has. */
linnet_status ln_image_no_library(ln_ctx *c, const char *name);

#endif
