/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of `linnet kernels`.
 */
#ifndef LN_TOOLS_KERNELS_H
#define LN_TOOLS_KERNELS_H

#include "tools/tool.h"

/* --assert: prints the steps of the plan of the model args[0], and returns the exit code: negative where a kernel that
 * was picked lags another one. */
int ln_kernels_assert(const ln_cli *cli);

#endif
