/* SPDX-License-Identifier: Apache-2.0
 *
 * Windows, mel filterbanks and cosine transforms of audio front ends, with the conventions of librosa and Kaldi.
 */
#include <math.h>
#include <string.h>

#include "tools/frontend.h"

static const double pi = 3.14159265358979323846;

bool ln_frontend_window(const char *name, int64_t n, bool symmetric, double *w)
{
    double period = (double)(symmetric && n > 1 ? n - 1 : n);
    for (int64_t i = 0; i < n; i++) {
        double a = 2 * pi * (double)i / period, c = cos(a);
        if (!strcmp(name, "hann"))
            w[i] = 0.5 - 0.5 * c;
        else if (!strcmp(name, "hamming"))
            w[i] = 0.54 - 0.46 * c;
        else if (!strcmp(name, "blackman"))
            w[i] = 0.42 - 0.5 * c + 0.08 * cos(2 * a);
        else if (!strcmp(name, "povey"))
            w[i] = pow(0.5 - 0.5 * c, 0.85);
        else if (!strcmp(name, "ones"))
            w[i] = 1;
        else
            return false;
    }
    return true;
}

/* -- mel scales --------------------------------------------------------------------------------------------------- */

/* Slaney's: linear to 1000 Hz, 3 mel for 200 Hz; above 27 steps for a factor of 6.4. */
static double to_mel(double hz, bool htk)
{
    if (htk)
        return 2595 * log10(1 + hz / 700);
    return hz < 1000 ? hz * 3 / 200 : 15 + log(hz / 1000) * 27 / log(6.4);
}

static double to_hz(double mel, bool htk)
{
    if (htk)
        return 700 * (pow(10, mel / 2595) - 1);
    return mel < 15 ? mel * 200 / 3 : 1000 * exp((mel - 15) * log(6.4) / 27);
}

void ln_frontend_mel(const ln_frontend *f, float *bank)
{
    double low = to_mel(f->fmin, f->htk), high = to_mel(f->fmax, f->htk);
    for (int64_t m = 0; m < f->n_mels; m++) {
        double edge[3];
        for (int i = 0; i < 3; i++)
            edge[i] = to_hz(low + (high - low) * (double)(m + i) / (double)(f->n_mels + 1), f->htk);
        double scale = strcmp(f->norm, "slaney") == 0 ? 2 / (edge[2] - edge[0]) : 1;
        for (int64_t k = 0; k <= f->n_fft / 2; k++) {
            double hz = (double)k * f->sr / (double)f->n_fft;
            double up = (hz - edge[0]) / (edge[1] - edge[0]), down = (edge[2] - hz) / (edge[2] - edge[1]);
            double w = up < down ? up : down;
            bank[k * f->n_mels + m] = (float)(w > 0 ? w * scale : 0);
        }
    }
}

static double kaldi_mel(double hz)
{
    return 1127 * log(1 + hz / 700);
}

/* Triangles that are straight over mel, not over Hz; the bin at half the rate is left out. */
void ln_frontend_kaldi(const ln_frontend *f, float *bank)
{
    double low = kaldi_mel(f->fmin), step = (kaldi_mel(f->fmax) - low) / (double)(f->n_mels + 1);
    memset(bank, 0, (size_t)((f->n_fft / 2 + 1) * f->n_mels) * sizeof *bank);
    for (int64_t k = 0; k < f->n_fft / 2; k++) {
        double mel = kaldi_mel((double)k * f->sr / (double)f->n_fft);
        for (int64_t m = 0; m < f->n_mels; m++) {
            double up = (mel - low) / step - (double)m, down = 2 - up, w = up < down ? up : down;
            bank[k * f->n_mels + m] = (float)(w > 0 ? w : 0);
        }
    }
}

void ln_frontend_dct(const ln_frontend *f, float *matrix)
{
    double n = (double)f->n_mels;
    for (int64_t j = 0; j < f->n_mels; j++)
        for (int64_t k = 0; k < f->n_mfcc; k++) {
            double x = (double)j, y = (double)k, v;
            bool end_j = j == 0 || j == f->n_mels - 1, end_k = k == 0 || k == f->n_mels - 1;
            if (f->dct_type == 1)
                v = sqrt(2 / (n - 1)) * cos(pi * x * y / (n - 1)) * (end_j ? sqrt(0.5) : 1) * (end_k ? sqrt(0.5) : 1);
            else if (f->dct_type == 2)
                v = cos(pi * y * (2 * x + 1) / (2 * n)) * sqrt((k == 0 ? 1 : 2) / n);
            else
                v = cos(pi * x * (2 * y + 1) / (2 * n)) * sqrt((j == 0 ? 1 : 2) / n);
            if (f->lifter > 0)
                v *= 1 + f->lifter / 2 * sin(pi * (y + 1) / f->lifter);
            matrix[j * f->n_mfcc + k] = (float)v;
        }
}
