/* SPDX-License-Identifier: Apache-2.0
 *
 * Integer products for tiers that only firmware has: how they cut their tiles, which the host has to know to pack
 * weights for them, and stand-ins for their micro-kernels in portable C, so that the host can run such packings, too.
 */
#ifndef LN_KERNELS_QGEMM_TILES_H
#define LN_KERNELS_QGEMM_TILES_H

#include "kernels/qgemm.h"

enum { LN_ARMDSP_MR = 2, LN_ARMDSP_NR = 2, LN_ARMDSP_KR = 4 };
enum { LN_MVE_MR = 1, LN_MVE_NR = 4, LN_MVE_KR = 16 };

extern const ln_qgemm_tile ln_qgemm_as_armdsp, ln_qgemm_as_mve;

#endif
