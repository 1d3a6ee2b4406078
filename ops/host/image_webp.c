/* SPDX-License-Identifier: Apache-2.0
 *
 * WebP through libwebp; of an animation the first frame is not decoded (the image stays empty).
 */
#ifdef LN_HAVE_LIBWEBP
#include <webp/decode.h>

#include "engine/library.h"
#include "ops/host/image.h"

static ln_library library;
#define WebPGetInfo LN_FROM(library, WebPGetInfo)
#define WebPDecodeRGBInto LN_FROM(library, WebPDecodeRGBInto)

linnet_status ln_decode_webp(ln_ctx *c, const uint8_t *data, size_t size, ln_image *image)
{
    int width, height;
    if (!ln_library_open(&library, LN_SO_WEBP))
        return ln_image_no_library(c, LN_SO_WEBP);
    if (!WebPGetInfo(data, size, &width, &height))
        return LINNET_OK;
    LN_TRY(ln_image_alloc(c, image, width, height));
    if (image->rgb && !WebPDecodeRGBInto(data, size, image->rgb, (size_t)width * (size_t)height * 3, width * 3))
        image->rgb = NULL;
    return LINNET_OK;
}
#else
typedef int ln_image_webp_is_absent;
#endif
