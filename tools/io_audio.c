/* SPDX-License-Identifier: Apache-2.0
 *
 * Sound files through libsndfile; other rates through the windowed sinc of libsamplerate.
 */
#include "tools/audio.h"

#ifdef LN_HAVE_MEDIA
#include <samplerate.h>
#include <sndfile.h>

#include "engine/library.h"

static ln_library sound, rates;
#define sf_open LN_FROM(sound, sf_open)
#define sf_strerror LN_FROM(sound, sf_strerror)
#define sf_readf_float LN_FROM(sound, sf_readf_float)
#define sf_close LN_FROM(sound, sf_close)
#define src_simple LN_FROM(rates, src_simple)
#define src_strerror LN_FROM(rates, src_strerror)

/* More than that is not read: 12 hours at 48 kHz. */
static const sf_count_t most_samples = (sf_count_t)1 << 31;

static bool mix(ln_arena *arena, const char *path, SNDFILE *file, const SF_INFO *info, ln_audio *audio)
{
    enum { BLOCK = 4096 };
    float *block = info->channels > 0 && info->channels <= 1024
                       ? ln_arena_array(arena, (int64_t)BLOCK * info->channels, sizeof *block)
                       : NULL;
    audio->samples = ln_arena_array(arena, info->frames + 1, sizeof *audio->samples);
    if (!block || !audio->samples)
        return ln_bad("%s: out of memory", path) == 0;
    for (audio->n = 0; audio->n < info->frames;) {
        sf_count_t want = info->frames - audio->n < BLOCK ? info->frames - audio->n : BLOCK;
        sf_count_t got = sf_readf_float(file, block, want);
        if (got <= 0)
            break;
        for (sf_count_t i = 0; i < got; i++) {
            float sum = 0;
            for (int c = 0; c < info->channels; c++)
                sum += block[i * info->channels + c];
            audio->samples[audio->n++] = sum / (float)info->channels;
        }
    }
    return true;
}

static bool resample(ln_arena *arena, const char *path, double rate, ln_audio *audio)
{
    double ratio = rate / audio->rate;
    if (!ln_library_open(&rates, LN_SO_SAMPLERATE))
        return ln_bad("%s: this machine has no %s", path, LN_SO_SAMPLERATE) == 0;
    int64_t room = (int64_t)((double)audio->n * ratio) + 16;
    float *out = ln_arena_array(arena, room, sizeof *out);
    if (!out)
        return ln_bad("%s: out of memory", path) == 0;
    SRC_DATA data = {.data_in = audio->samples,
                     .data_out = out,
                     .input_frames = audio->n,
                     .output_frames = room,
                     .src_ratio = ratio};
    int failed = src_simple(&data, SRC_SINC_BEST_QUALITY, 1);
    if (failed)
        return ln_bad("%s: from %g to %g Hz: %s", path, audio->rate, rate, src_strerror(failed)) == 0;
    audio->samples = out, audio->n = data.output_frames_gen, audio->rate = rate;
    return true;
}

bool ln_audio_read(ln_arena *arena, const char *path, double rate, ln_audio *audio)
{
    SF_INFO info = {0};
    if (!ln_library_open(&sound, LN_SO_SNDFILE))
        return ln_bad("%s: this machine has no %s", path, LN_SO_SNDFILE) == 0;
    SNDFILE *file = sf_open(path, SFM_READ, &info);
    if (!file)
        return ln_bad("%s: %s", path, sf_strerror(NULL)) == 0;
    bool ok = true;
    if (info.frames < 0 || info.frames > most_samples || info.samplerate <= 0)
        ok = ln_bad("%s: %lld samples at %d Hz", path, (long long)info.frames, info.samplerate) == 0;
    audio->rate = info.samplerate;
    ok = ok && mix(arena, path, file, &info, audio);
    sf_close(file);
    return ok && (audio->rate == rate || resample(arena, path, rate, audio));
}
#else
bool ln_audio_read(ln_arena *arena, const char *path, double rate, ln_audio *audio)
{
    (void)arena, (void)rate, (void)audio;
    return ln_bad("%s: this build reads no sound files", path) == 0;
}
#endif
