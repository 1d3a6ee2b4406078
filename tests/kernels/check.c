/* SPDX-License-Identifier: Apache-2.0
 *
 * The shared harness of the kernel checks; see check.h.
 */
#include "tests/kernels/check.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static unsigned long passed, failed, skipped;
static uint64_t state;

void check_start(int argc, char **argv)
{
    const char *seed = getenv("CHECK_SEED");
    state = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL);
    printf("%s: CHECK_SEED=%llu\n", argc ? argv[0] : "check", (unsigned long long)state);
    ln_dispatch_init();
}

int check_finish(void)
{
    printf("%lu passed, %lu failed, %lu skipped\n", passed, failed, skipped);
    return failed || !(passed || skipped);
}

bool check_ok(bool ok, const char *format, ...)
{
    if (ok) {
        passed++;
        return true;
    }
    if (failed++ < 20) {
        va_list list;
        va_start(list, format);
        printf("FAIL ");
        vprintf(format, list);
        printf("\n");
        va_end(list);
    }
    return false;
}

void check_skip(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    printf("SKIP ");
    vprintf(format, list);
    printf("\n");
    va_end(list);
    skipped++;
}

void check_tiers(void (*fn)(ln_tier tier, const ln_kernel_table *table))
{
#if defined(__x86_64__)
    static const ln_tier tiers[] = {LN_TIER_SCALAR, LN_TIER_AVX2, LN_TIER_AVX512};
#elif defined(__aarch64__)
    static const ln_tier tiers[] = {LN_TIER_SCALAR, LN_TIER_NEON, LN_TIER_NEONDOT};
#elif defined(__riscv) && __riscv_xlen == 64
    static const ln_tier tiers[] = {LN_TIER_SCALAR, LN_TIER_RVV};
#elif defined(__wasm__)
    static const ln_tier tiers[] = {LN_TIER_SCALAR, LN_TIER_WASM};
#else
    static const ln_tier tiers[] = {LN_TIER_SCALAR};
#endif
    for (size_t i = 0; i < sizeof tiers / sizeof *tiers; i++) {
        const ln_kernel_table *table = ln_tier_table(tiers[i]);
        if (table)
            fn(tiers[i], table);
        else
            check_skip("tier %s: not on this machine", ln_tier_name(tiers[i]));
    }
}

#define MAX_BLOCKS 256
static struct {
    void *block;
    char *map;
    size_t total, bytes;
} blocks[MAX_BLOCKS];

#ifdef __wasi__
/* No pages to protect: fences, in which nothing may have been written when the block is freed. */
enum { FENCE = 4096, FENCE_BYTE = 0xa5 };

void *check_guard(size_t bytes, bool at_end)
{
    size_t slot = 0, body = (bytes + FENCE - 1) / FENCE * FENCE, total = body + 2 * FENCE;
    while (slot < MAX_BLOCKS && blocks[slot].map)
        slot++;
    char *map = malloc(total);
    if (slot == MAX_BLOCKS || !map) {
        perror("check_guard");
        exit(2);
    }
    char *block = map + FENCE + (at_end ? body - bytes : 0);
    memset(map, FENCE_BYTE, total);
    memset(block, 0, bytes);
    blocks[slot].block = block;
    blocks[slot].map = map;
    blocks[slot].total = total;
    blocks[slot].bytes = bytes;
    return block;
}

void check_guard_free(void *block)
{
    for (size_t i = 0; i < MAX_BLOCKS; i++)
        if (blocks[i].map && blocks[i].block == block) {
            size_t wrong = 0;
            for (char *p = blocks[i].map; p < blocks[i].map + blocks[i].total; p++)
                if (p < (char *)block || p >= (char *)block + blocks[i].bytes)
                    wrong += (unsigned char)*p != FENCE_BYTE;
            if (wrong)
                check_ok(false, "%zu bytes written outside a block of %zu", wrong, blocks[i].bytes);
            free(blocks[i].map);
            blocks[i].map = NULL;
            return;
        }
}
#else
void *check_guard(size_t bytes, bool at_end)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), slot = 0;
    size_t body = (bytes + page - 1) / page * page, total = body + 2 * page;
    while (slot < MAX_BLOCKS && blocks[slot].map)
        slot++;
    char *map = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (slot == MAX_BLOCKS || map == MAP_FAILED || mprotect(map, page, PROT_NONE) ||
        mprotect(map + page + body, page, PROT_NONE)) {
        perror("check_guard");
        exit(2);
    }
    void *block = map + page + (at_end ? body - bytes : 0);
    blocks[slot].block = block;
    blocks[slot].map = map;
    blocks[slot].total = total;
    return block;
}

void check_guard_free(void *block)
{
    for (size_t i = 0; i < MAX_BLOCKS; i++)
        if (blocks[i].map && blocks[i].block == block) {
            munmap(blocks[i].map, blocks[i].total);
            blocks[i].map = NULL;
            return;
        }
}
#endif

uint64_t check_random(void)
{
    state += 0x9e3779b97f4a7c15u; /* splitmix64 */
    uint64_t z = state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

size_t check_below(size_t n)
{
    return (size_t)(check_random() % n);
}

float check_uniform(float lo, float hi)
{
    return lo + (hi - lo) * (float)(check_random() >> 40) * 0x1p-24f;
}

static float from_bits(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

void check_fill_f32(float *x, size_t n, check_pattern pattern)
{
    static const uint32_t special[] = {0x7fc00000, 0xffc00001, 0x7f800000, 0xff800000, 0, 0x80000000, 1, 0x807fffff};
    for (size_t i = 0; i < n; i++) {
        uint32_t r = (uint32_t)(check_random() >> 32), sign = r & 0x80000000u;
        switch (pattern) {
        case CHECK_WIDE:
            x[i] = from_bits((r & 0x7fffffffu) % 0x7f800000u | sign);
            break;
        case CHECK_ZERO:
            x[i] = from_bits(sign);
            break;
        case CHECK_DENORMAL:
            x[i] = from_bits(r & 0x807fffffu);
            break;
        case CHECK_HUGE:
            x[i] = from_bits((r & 0x7fffffu) | 0x7f000000u | sign);
            break;
        case CHECK_SPECIAL:
            x[i] = r % 4 ? check_uniform(-1, 1) : from_bits(special[r >> 8 & 7]);
            break;
        default:
            x[i] = check_uniform(-1, 1);
        }
    }
}

void check_fill_bytes(void *x, size_t bytes)
{
    unsigned char *p = x;
    for (size_t i = 0; i < bytes; i++)
        p[i] = (unsigned char)check_random();
}

bool check_same_f32(float a, float b)
{
    return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

/* Floats in their order as integers: the sign-magnitude bits unfolded. */
static int64_t ordered(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u >> 31 ? -(int64_t)(u & 0x7fffffffu) - 1 : (int64_t)u;
}

uint32_t check_ulp_f32(float a, float b)
{
    if (isnan(a) || isnan(b))
        return isnan(a) && isnan(b) ? 0 : UINT32_MAX;
    int64_t d = ordered(a) - ordered(b);
    return (uint32_t)(d < 0 ? -d : d);
}
