/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks of the hidden attributes; see fused.h.
 */
#include "ops/fused.h"

linnet_status ln_fused_check(ln_ctx *c, const ln_fused *f, int type)
{
    if (f->act < 0 || f->act >= LN_ACT_COUNT)
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "linnet.act %lld is not known", (long long)f->act);
    if (type != LINNET_UNDEFINED && type != LINNET_FLOAT32 && (f->act || f->residual))
        return ln_fail(c, LINNET_ERR_UNSUPPORTED, "fused activation or residual with %s",
                       linnet_type_name((linnet_type)type));
    return LINNET_OK;
}
