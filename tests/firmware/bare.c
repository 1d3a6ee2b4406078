/* SPDX-License-Identifier: Apache-2.0
 *
 * The smallest program with a compiled model (as MODEL), to see what it takes; without MODEL, the smallest without one.
 */
#include "board.h"

#ifdef MODEL
#include MODEL

static char arena[ARENA] __attribute__((aligned(64)));

int main(void)
{
    return INIT(arena) != LINNET_OK || RUN() != LINNET_OK;
}
#else
int main(void)
{
    return 0;
}
#endif
