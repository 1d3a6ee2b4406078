/* SPDX-License-Identifier: Apache-2.0
 *
 * BMP (1, 4, 8, 16, 24, 32 bits a pixel, uncompressed or with bit fields, both directions) and PNM (P1 to P6, any
 * depth).
 */
#include <string.h>

#include "ops/host/image.h"

/* -- BMP --------------------------------------------------------------------------------------------------------------
 */

static uint32_t u16(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8;
}

static uint32_t u32(const uint8_t *p)
{
    return u16(p) | u16(p + 2) << 16;
}

typedef struct bmp {
    int64_t width, height;
    bool down; /* the first row is the upper one */
    uint32_t bits, offset, n_colors, color_size;
    const uint8_t *colors;
    uint32_t masks[3];
} bmp;

static bool read_head(const uint8_t *data, size_t size, bmp *b)
{
    enum { FILE_HEAD = 14, CORE = 12, INFO = 40 };
    enum { PLAIN = 0, FIELDS = 3, ALPHA_FIELDS = 6 };
    if (size < FILE_HEAD + INFO)
        return false;
    const uint8_t *h = data + FILE_HEAD;
    uint32_t head = u32(h), compression = PLAIN;
    b->offset = u32(data + 10);
    if (head == CORE) {
        b->width = u16(h + 4);
        b->height = u16(h + 6);
        b->bits = u16(h + 10);
        b->color_size = 3;
    } else if (head >= INFO && head <= size - FILE_HEAD) {
        b->width = (int32_t)u32(h + 4);
        int64_t height = (int32_t)u32(h + 8);
        b->down = height < 0;
        b->height = height < 0 ? -height : height;
        b->bits = u16(h + 14);
        compression = u32(h + 16);
        b->n_colors = u32(h + 32);
        b->color_size = 4;
    } else {
        return false;
    }
    const uint8_t *after = h + head;
    static const uint32_t masks16[3] = {0x7c00, 0x3e0, 0x1f}, masks32[3] = {0xff0000, 0xff00, 0xff};
    memcpy(b->masks, b->bits == 16 ? masks16 : masks32, sizeof b->masks);
    if (compression == FIELDS || compression == ALPHA_FIELDS) {
        const uint8_t *m = h + INFO; /* behind the head, or in a longer one */
        if ((size_t)(m - data) + 12 > size || (b->bits != 16 && b->bits != 32))
            return false;
        for (int32_t i = 0; i < 3; i++)
            b->masks[i] = u32(m + 4 * i);
        if (head == INFO)
            after += compression == FIELDS ? 12 : 16;
    } else if (compression != PLAIN) {
        return false;
    }
    if (b->bits <= 8) {
        if (b->bits != 1 && b->bits != 4 && b->bits != 8)
            return false;
        if (b->n_colors == 0 || b->n_colors > 1u << b->bits)
            b->n_colors = 1u << b->bits;
        if ((size_t)(after - data) + (size_t)b->n_colors * b->color_size > size)
            return false;
        b->colors = after;
    }
    return b->bits <= 8 || b->bits == 16 || b->bits == 24 || b->bits == 32;
}

/* A field of a pixel scaled to eight bits. */
static uint8_t field(uint32_t pixel, uint32_t mask)
{
    if (mask == 0)
        return 0;
    uint32_t shift = (uint32_t)__builtin_ctz(mask), max = mask >> shift, v = (pixel & mask) >> shift;
    return (uint8_t)(((uint64_t)v * 255 + max / 2) / max);
}

static void bmp_row(const bmp *b, const uint8_t *row, uint8_t *to)
{
    for (int64_t x = 0; x < b->width; x++, to += 3) {
        if (b->bits <= 8) {
            uint32_t per = 8 / b->bits, i = (uint32_t)(x % per);
            uint32_t color = (uint32_t)row[x / per] >> (8 - b->bits * (i + 1)) & ((1u << b->bits) - 1);
            const uint8_t *c = b->colors + (color < b->n_colors ? color : 0) * b->color_size;
            to[0] = c[2];
            to[1] = c[1];
            to[2] = c[0];
        } else if (b->bits == 24) {
            to[0] = row[3 * x + 2];
            to[1] = row[3 * x + 1];
            to[2] = row[3 * x];
        } else {
            uint32_t pixel = b->bits == 16 ? u16(row + 2 * x) : u32(row + 4 * x);
            for (int32_t i = 0; i < 3; i++)
                to[i] = field(pixel, b->masks[i]);
        }
    }
}

linnet_status ln_decode_bmp(ln_ctx *c, const uint8_t *data, size_t size, ln_image *image)
{
    bmp b = {0};
    if (!read_head(data, size, &b) || b.width < 1 || b.height < 1 || b.width > INT32_MAX / 32)
        return LINNET_OK;
    uint64_t row = ((uint64_t)b.width * b.bits + 31) / 32 * 4;
    if (b.offset > size || row * (uint64_t)b.height > size - b.offset)
        return LINNET_OK;
    LN_TRY(ln_image_alloc(c, image, b.width, b.height));
    for (int64_t y = 0; y < b.height && image->rgb; y++)
        bmp_row(&b, data + b.offset + (uint64_t)(b.down ? y : b.height - 1 - y) * row, image->rgb + y * b.width * 3);
    return LINNET_OK;
}

/* -- PNM --------------------------------------------------------------------------------------------------------------
 */

typedef struct pnm {
    const uint8_t *p, *end;
} pnm;

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= 9 && c <= 13);
}

static void skip(pnm *s)
{
    while (s->p < s->end && (is_space(*s->p) || *s->p == '#'))
        if (*s->p == '#')
            while (s->p < s->end && *s->p != '\n' && *s->p != '\r')
                s->p++;
        else
            s->p++;
}

/* A number, -1: there is none. */
static int64_t number(pnm *s)
{
    skip(s);
    int64_t v = -1;
    for (; s->p < s->end && *s->p >= '0' && *s->p <= '9'; s->p++) {
        v = (v < 0 ? 0 : v) * 10 + (*s->p - '0');
        if (v > INT32_MAX)
            return -1;
    }
    return v;
}

/* The next sample: a number, a digit of a bitmap in text, or bytes. -1: the file ends. */
static int64_t sample(pnm *s, int kind, int64_t max)
{
    if (kind == 2 || kind == 3)
        return number(s);
    if (kind == 1) {
        skip(s);
        return s->p < s->end && (*s->p == '0' || *s->p == '1') ? *s->p++ - '0' : -1;
    }
    if (s->end - s->p < 1 + (max > 255))
        return -1;
    int64_t v = *s->p++;
    return max > 255 ? v << 8 | *s->p++ : v;
}

linnet_status ln_decode_pnm(ln_ctx *c, const uint8_t *data, size_t size, ln_image *image)
{
    pnm s = {data + 2, data + size};
    int kind = data[1] - '0';
    bool bitmap = kind == 1 || kind == 4, color = kind == 3 || kind == 6;
    int64_t width = number(&s), height = number(&s), max = bitmap ? 1 : number(&s);
    if (width < 1 || height < 1 || max < 1 || max > 65535 || s.p == s.end)
        return LINNET_OK;
    if (kind >= 4)
        s.p++; /* one whitespace character ends the head */
    /* The least that the file must have, so that a short one does not claim memory. */
    if (width > (int64_t)size * 8 || height > (int64_t)size * 8 / width)
        return LINNET_OK;
    LN_TRY(ln_image_alloc(c, image, width, height));
    uint8_t *to = image->rgb;
    for (int64_t y = 0; y < height && to; y++)
        for (int64_t x = 0; x < width; x++, to += 3)
            for (int32_t i = 0; i < (color ? 3 : 1); i++) {
                int64_t v;
                if (kind == 4) {
                    v = s.p < s.end ? *s.p >> (7 - x % 8) & 1 : -1;
                    s.p += s.p < s.end && (x % 8 == 7 || x == width - 1);
                } else {
                    v = sample(&s, kind, max);
                }
                if (v < 0) {
                    image->rgb = NULL;
                    return LINNET_OK;
                }
                v = v > max ? max : v;
                uint8_t byte = bitmap ? (v ? 0 : 255) : (uint8_t)((v * 255 + max / 2) / max);
                if (color)
                    to[i] = byte;
                else
                    to[0] = to[1] = to[2] = byte;
            }
    return LINNET_OK;
}
