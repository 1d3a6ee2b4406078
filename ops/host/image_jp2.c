/* SPDX-License-Identifier: Apache-2.0
 *
 * JPEG 2000 through OpenJPEG: grey, RGB and YCC images, components of any depth up to 16 bits, subsampled ones
 * repeated.
 */
#ifdef LN_HAVE_LIBOPENJP2
#include <string.h>

#include <openjpeg.h>

#include "engine/library.h"
#include "ops/host/image.h"

static ln_library library;
#define opj_create_decompress LN_FROM(library, opj_create_decompress)
#define opj_stream_default_create LN_FROM(library, opj_stream_default_create)
#define opj_set_default_decoder_parameters LN_FROM(library, opj_set_default_decoder_parameters)
#define opj_stream_set_read_function LN_FROM(library, opj_stream_set_read_function)
#define opj_stream_set_skip_function LN_FROM(library, opj_stream_set_skip_function)
#define opj_stream_set_seek_function LN_FROM(library, opj_stream_set_seek_function)
#define opj_stream_set_user_data LN_FROM(library, opj_stream_set_user_data)
#define opj_stream_set_user_data_length LN_FROM(library, opj_stream_set_user_data_length)
#define opj_setup_decoder LN_FROM(library, opj_setup_decoder)
#define opj_read_header LN_FROM(library, opj_read_header)
#define opj_decode LN_FROM(library, opj_decode)
#define opj_end_decompress LN_FROM(library, opj_end_decompress)
#define opj_image_destroy LN_FROM(library, opj_image_destroy)
#define opj_stream_destroy LN_FROM(library, opj_stream_destroy)
#define opj_destroy_codec LN_FROM(library, opj_destroy_codec)

typedef struct jp2_source {
    const uint8_t *data;
    size_t size, at;
} jp2_source;

static OPJ_SIZE_T read_bytes(void *to, OPJ_SIZE_T n, void *user)
{
    jp2_source *s = user;
    if (s->at >= s->size)
        return (OPJ_SIZE_T)-1;
    size_t some = s->size - s->at < n ? s->size - s->at : n;
    memcpy(to, s->data + s->at, some);
    s->at += some;
    return some;
}

static OPJ_OFF_T skip_bytes(OPJ_OFF_T n, void *user)
{
    jp2_source *s = user;
    if (n < 0 || (uint64_t)n > s->size - s->at)
        return -1;
    s->at += (size_t)n;
    return n;
}

static OPJ_BOOL seek(OPJ_OFF_T at, void *user)
{
    jp2_source *s = user;
    if (at < 0 || (uint64_t)at > s->size)
        return OPJ_FALSE;
    s->at = (size_t)at;
    return OPJ_TRUE;
}

/* A component's sample at a pixel of the image, as a byte. */
static int32_t sample(const opj_image_t *im, uint32_t comp, int64_t x, int64_t y)
{
    const opj_image_comp_t *k = &im->comps[comp];
    int64_t cx = x / k->dx, cy = y / k->dy;
    cx = cx < k->w ? cx : k->w - 1;
    cy = cy < k->h ? cy : k->h - 1;
    int64_t v = k->data[cy * k->w + cx];
    if (k->sgnd)
        v += INT64_C(1) << (k->prec - 1);
    v = k->prec > 8 ? v >> (k->prec - 8) : v * 255 / ((1 << k->prec) - 1);
    return (int32_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

static uint8_t byte_of(double v)
{
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v + 0.5);
}

static bool usable(const opj_image_t *im)
{
    if (im->numcomps < 1 || im->x1 <= im->x0 || im->y1 <= im->y0)
        return false;
    for (uint32_t i = 0; i < im->numcomps && i < 3; i++) {
        const opj_image_comp_t *k = &im->comps[i];
        if (!k->data || k->w < 1 || k->h < 1 || k->dx < 1 || k->dy < 1 || k->prec < 1 || k->prec > 16)
            return false;
    }
    return true;
}

static linnet_status convert(ln_ctx *c, const opj_image_t *im, ln_image *image)
{
    if (!usable(im))
        return LINNET_OK;
    LN_TRY(ln_image_alloc(c, image, (int64_t)im->x1 - im->x0, (int64_t)im->y1 - im->y0));
    uint8_t *to = image->rgb;
    bool ycc = im->color_space == OPJ_CLRSPC_SYCC && im->numcomps >= 3;
    for (int64_t y = 0; y < image->height && to; y++)
        for (int64_t x = 0; x < image->width; x++, to += 3) {
            int32_t v[3];
            for (uint32_t i = 0; i < 3; i++)
                v[i] = sample(im, im->numcomps >= 3 ? i : 0, x, y);
            if (ycc) {
                double cb = v[1] - 128, cr = v[2] - 128;
                to[0] = byte_of(v[0] + 1.402 * cr);
                to[1] = byte_of(v[0] - 0.344136 * cb - 0.714136 * cr);
                to[2] = byte_of(v[0] + 1.772 * cb);
            } else {
                for (int32_t i = 0; i < 3; i++)
                    to[i] = (uint8_t)v[i];
            }
        }
    return LINNET_OK;
}

linnet_status ln_decode_jp2(ln_ctx *c, const uint8_t *data, size_t size, ln_image *image)
{
    jp2_source source = {data, size, 0};
    if (!ln_library_open(&library, LN_SO_OPENJP2))
        return ln_image_no_library(c, LN_SO_OPENJP2);
    opj_codec_t *codec = opj_create_decompress(data[0] == 0xff ? OPJ_CODEC_J2K : OPJ_CODEC_JP2);
    opj_stream_t *stream = opj_stream_default_create(OPJ_TRUE);
    opj_image_t *im = NULL;
    linnet_status st = LINNET_OK;
    if (!codec || !stream) {
        st = ln_no_memory(c);
    } else {
        opj_dparameters_t parameters;
        opj_set_default_decoder_parameters(&parameters);
        opj_stream_set_read_function(stream, read_bytes);
        opj_stream_set_skip_function(stream, skip_bytes);
        opj_stream_set_seek_function(stream, seek);
        opj_stream_set_user_data(stream, &source, NULL);
        opj_stream_set_user_data_length(stream, size);
        if (opj_setup_decoder(codec, &parameters) && opj_read_header(stream, codec, &im) &&
            opj_decode(codec, stream, im) && opj_end_decompress(codec, stream))
            st = convert(c, im, image);
    }
    opj_image_destroy(im);
    opj_stream_destroy(stream);
    opj_destroy_codec(codec);
    return st;
}
#else
typedef int ln_image_jp2_is_absent;
#endif
