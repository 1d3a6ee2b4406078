/* SPDX-License-Identifier: Apache-2.0
 *
 * The picture of `linnet listen`: a spectrogram (decibels, linear in frequency) and under it a row for each label,
 * brighter where its score is higher. Letters are three pixels by five, drawn double.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernels.h"
#include "tools/audio.h"

#ifdef LN_HAVE_MEDIA
#include <png.h>

#include "engine/library.h"

static ln_library library;
#define png_image_write_to_file LN_FROM(library, png_image_write_to_file)
#endif

enum { WIDTH = 1000, HEIGHT = 257, ROW = 14, BAR = 10, TEXT = 240, N_FFT = 512 };

typedef struct picture {
    int32_t width, height;
    uint8_t *pixels; /* RGB */
} picture;

static void set(picture *p, int32_t x, int32_t y, const uint8_t *colour)
{
    if (x >= 0 && x < p->width && y >= 0 && y < p->height)
        memcpy(p->pixels + 3 * ((size_t)y * (size_t)p->width + (size_t)x), colour, 3);
}

/* Black over violet and orange to white, for v from 0 to 1. */
static void colour_of(double v, uint8_t *c)
{
    static const double stops[5][3] = {{0, 0, 4}, {80, 18, 123}, {182, 54, 121}, {251, 135, 97}, {252, 253, 191}};
    double at = v <= 0 ? 0 : v >= 1 ? 4 : 4 * v;
    int i = at >= 4 ? 3 : (int)at;
    for (int k = 0; k < 3; k++)
        c[k] = (uint8_t)(stops[i][k] + (stops[i + 1][k] - stops[i][k]) * (at - i));
}

/* Rows of three pixels as octal digits from the top. */
static const char *glyph(char c)
{
    static const char letters[26][6] = {"25755", "65656", "34443", "65556", "74647", "74644", "34553", "55755", "72227",
                                        "11152", "55655", "44447", "57755", "65555", "25552", "65644", "25563", "65655",
                                        "34216", "72222", "55557", "55552", "55775", "55255", "55222", "71247"};
    static const char digits[10][6] = {"75557", "26227", "71747", "71717", "55711",
                                       "74717", "74757", "71122", "75757", "75717"};
    static const char others[] = "-.,()/_':&", shapes[][6] = {"00700", "00002", "00024", "12221", "42224",
                                                              "11244", "00007", "22000", "02020", "25253"};
    if (c >= 'a' && c <= 'z')
        return letters[c - 'a'];
    if (c >= 'A' && c <= 'Z')
        return letters[c - 'A'];
    if (c >= '0' && c <= '9')
        return digits[c - '0'];
    const char *at = c ? strchr(others, c) : NULL;
    return at ? shapes[at - others] : "00000";
}

static void write_text(picture *p, int32_t x, int32_t y, const char *text, int32_t room)
{
    static const uint8_t ink[3] = {220, 220, 220};
    for (; *text && room >= 8; text++, x += 8, room -= 8) {
        const char *rows = glyph(*text);
        for (int32_t r = 0; r < 10; r++)
            for (int32_t c = 0; c < 6; c++)
                if ((rows[r / 2] - '0') & (4 >> c / 2))
                    set(p, x + c, y + r, ink);
    }
}

/* Decibels of the loudest frame in every column, [WIDTH][HEIGHT]. */
static bool spectrogram(ln_arena *arena, const ln_audio *audio, float *columns)
{
    ln_fft_desc d = {.n = N_FFT, .kind = LN_FFT_REAL, .width = ln_fft_width(0), .count = 1, .scale = 1};
    ln_fft_plan *plan = ln_arena_alloc(arena, ln_fft_bytes(&d), 64);
    float *frame = ln_arena_array(arena, N_FFT, sizeof *frame), *window = ln_arena_array(arena, N_FFT, sizeof *window);
    float *power = ln_arena_array(arena, HEIGHT, sizeof *power);
    if (!plan || !frame || !window || !power)
        return false;
    ln_fft_make(plan, &d);
    void *scratch = ln_arena_alloc(arena, ln_fft_scratch(plan), 64);
    if (!scratch)
        return false;
    for (int i = 0; i < N_FFT; i++)
        window[i] = (float)(0.5 - 0.5 * cos(2 * 3.14159265358979 * i / (double)N_FFT));
    double per_column = (double)audio->n / (double)WIDTH;
    int64_t step = per_column < N_FFT / 2 ? (int64_t)per_column + 1 : N_FFT / 2;
    for (int32_t x = 0; x < WIDTH; x++) {
        float *to = columns + x * HEIGHT;
        for (int32_t k = 0; k < HEIGHT; k++)
            to[k] = 1e-12f;
        for (int64_t at = (int64_t)(x * per_column); at < (int64_t)((x + 1) * per_column) + 1; at += step) {
            int64_t last = audio->n > N_FFT ? audio->n - N_FFT : 0, from = at < last ? at : last;
            int64_t have = audio->n - from < N_FFT ? audio->n - from : N_FFT;
            ln_fft_job job = {.in = audio->samples + from,
                              .out = power,
                              .window = window,
                              .count = 1,
                              .in_stride = 1,
                              .in_len = (int32_t)have,
                              .out_stride = 1,
                              .out_len = HEIGHT,
                              .power = 2};
            LN_K(fft_f32)(plan, &job, scratch);
            for (int32_t k = 0; k < HEIGHT; k++)
                to[k] = power[k] > to[k] ? power[k] : to[k];
        }
    }
    return true;
}

static void draw_spectrogram(picture *p, float *columns)
{
    float most = 1e-12f;
    for (int32_t i = 0; i < WIDTH * HEIGHT; i++)
        most = columns[i] > most ? columns[i] : most;
    for (int32_t x = 0; x < WIDTH; x++)
        for (int32_t k = 0; k < HEIGHT; k++) {
            uint8_t colour[3];
            colour_of(1 + 10 * log10((double)(columns[x * HEIGHT + k] / most)) / 80, colour);
            set(p, TEXT + x, HEIGHT - 1 - k, colour);
        }
}

#ifdef LN_HAVE_MEDIA
static bool save(const char *path, picture *p)
{
    if (!ln_library_open(&library, LN_SO_PNG))
        return ln_bad("%s: this machine has no %s", path, LN_SO_PNG) == 0;
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)p->width,
                       .height = (png_uint_32)p->height,
                       .format = PNG_FORMAT_RGB};
    if (!png_image_write_to_file(&image, path, 0, p->pixels, 0, NULL))
        return ln_bad("%s: %s", path, image.message) == 0;
    return true;
}
#else
static bool save(const char *path, picture *p)
{
    (void)p;
    return ln_bad("%s: this build writes no PNG", path) == 0;
}
#endif

bool ln_audio_png(ln_arena *arena, const char *path, const ln_audio *audio, const ln_heard *heard, int n_heard,
                  int64_t windows, int64_t hop, int64_t length)
{
    picture p = {.width = TEXT + WIDTH, .height = HEIGHT + 6 + ROW * n_heard};
    float *columns = ln_arena_array(arena, WIDTH * HEIGHT, sizeof *columns);
    p.pixels = ln_arena_zalloc(arena, (size_t)p.width * (size_t)p.height * 3, 1);
    if (!columns || !p.pixels || !spectrogram(arena, audio, columns))
        return ln_bad("%s: out of memory", path) == 0;
    draw_spectrogram(&p, columns);
    char text[48];
    snprintf(text, sizeof text, "%.1f kHz", audio->rate / 2000);
    write_text(&p, 4, 2, text, TEXT - 8);
    write_text(&p, 4, HEIGHT - 12, "0 kHz", TEXT - 8);
    for (int h = 0; h < n_heard; h++) {
        int32_t y = HEIGHT + 4 + h * ROW;
        write_text(&p, 4, y, heard[h].label, TEXT - 8);
        for (int32_t x = 0; x < WIDTH; x++) {
            int64_t at = (int64_t)((x + 0.5) * (double)audio->n / (double)WIDTH);
            double score = 0; /* the best of the windows over that moment */
            for (int64_t w = at / hop + 1; w >= 0 && w * hop + length > at; w--)
                if (w < windows && ln_audio_window(audio, w, hop, length) <= at && (double)heard[h].scores[w] > score)
                    score = (double)heard[h].scores[w];
            uint8_t colour[3];
            colour_of(score, colour);
            for (int32_t r = 0; r < BAR; r++)
                set(&p, TEXT + x, y + r, colour);
        }
    }
    return save(path, &p);
}
