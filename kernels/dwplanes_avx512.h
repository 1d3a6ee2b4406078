/* SPDX-License-Identifier: Apache-2.0
 *
 * What dwplanes.inc asks for with AVX-512, for vectors of 16 or 8 floats: DW_(f) is an intrinsic for them, dw_mask
 * has a bit a lane, and the others are permutations.
 */
typedef struct dw_moves {
    vi order, back, on;
} dw_moves;

V_ dw_moves dw_moves_of(void)
{
    dw_moves m = {.order = DW_ORDER, .back = DW_BACK, .on = DW_NEXT};
    __asm__("" : "+v"(m.order), "+v"(m.back), "+v"(m.on)); /* not to be loaded again for each use */
    return m;
}

V_ dw_mask dw_inside(ptrdiff_t at, size_t n)
{
    const ptrdiff_t full = VFULL, left = (ptrdiff_t)n - at;
    uint32_t end = left < 0 ? 0 : (uint32_t)(left > full ? full : left);
    uint32_t begin = at > 0 ? 0 : (uint32_t)(-at > full ? full : -at);
    return (dw_mask)(((1u << end) - 1u) & (UINT32_MAX << begin));
}

/* A mask for loading one lane does not ask for a permutation of three registers, which takes the place of a
 * multiply-add. */
V_ vf dw_load(const float *x, dw_mask m)
{
    return DW_(maskz_loadu_ps)(m, x);
}
V_ void dw_store(float *y, vf v, size_t vl)
{
    DW_(mask_storeu_ps)(y, (dw_mask)((1u << vl) - 1u), v);
}
V_ vf dw_order(vf v, const dw_moves *m)
{
    return DW_(permutexvar_ps)(m->order, v);
}
V_ vf dw_back(vf v, vf before, const dw_moves *m)
{
    return DW_(permutexvar_ps)(m->back, DW_(mask_blend_ps)((dw_mask)(1u << (VFULL - 1)), v, before));
}
V_ vf dw_with_next(vf v, const float *next, int inside)
{
    return DW_(mask_loadu_ps)(v, (dw_mask)(inside != 0), next);
}
V_ vf dw_on(vf v, const dw_moves *m, int inside)
{
    return DW_(maskz_permutexvar_ps)((dw_mask)(inside ? UINT32_MAX : ~(1u << (VFULL - 1))), m->on, v);
}
#define DW_EVEN(a, b) DW_(shuffle_ps)(a, b, 0x88)
#define DW_ODD(a, b) DW_(shuffle_ps)(a, b, 0xdd)

/* 3 x 3 windows with a stride of 2; best for at most eight outputs a line. */
struct ln_dw_planes;
void ln_dwplanes8_f32_avx512(const struct ln_dw_planes *d);
