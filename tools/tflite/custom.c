/* SPDX-License-Identifier: Apache-2.0
 *
 * Custom operators by their names.
 */
#include <string.h>

#include "tools/tflite/micro.h"

static const ln_tfl_row rows[] = {
    {"FlexRFFT", ln_tfl_flex_rfft, 32, 2, 1, NULL},
    {"TFLite_Detection_PostProcess", ln_tfl_detection, 32, 3, 4, NULL},
    {"SignalWindow", ln_micro_window, 32, 2, 1, NULL},
    {"SignalFftAutoScale", ln_micro_auto_scale, 32, 1, 2, NULL},
    {"SignalRfft", ln_micro_rfft, 32, 1, 1, NULL},
    {"SignalEnergy", ln_micro_energy, 32, 1, 1, NULL},
    {"SignalFilterBank", ln_micro_filter_bank, 32, 6, 1, NULL},
    {"SignalFilterBankSquareRoot", ln_micro_square_root, 32, 2, 1, NULL},
    {"SignalFilterBankSpectralSubtraction", ln_micro_spectral_subtraction, 32, 1, 2, NULL},
    {"SignalPCAN", ln_micro_pcan, 32, 3, 1, NULL},
    {"SignalFilterBankLog", ln_micro_log, 32, 1, 1, NULL},
};

const ln_tfl_row *ln_tfl_custom_row(const char *name)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}
