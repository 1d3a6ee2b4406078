/* SPDX-License-Identifier: Apache-2.0
 *
 * Pages of the machine, for what is large: they come zeroed, and can be given back without what they lie in. Huge ones
 * are cleared faster and are easier on the TLB, unless a hypervisor has to find memory for them first. While an
 * ln_memory keeps what is freed, these pages are moved to where the next ones are wanted: to move and zero one takes a
 * tenth of the time of giving it back and getting another.
 */
#ifndef LN_ENGINE_PAGES_H
#define LN_ENGINE_PAGES_H

#include "engine/arena.h"

/* AddressSanitizer watches the heap, not pages of one's own. */
#ifdef __has_feature
#define LN_PAGES_WATCHED __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define LN_PAGES_WATCHED 1
#else
#define LN_PAGES_WATCHED 0
#endif
#ifdef __linux__
#define LN_HAVE_PAGES !LN_PAGES_WATCHED
#else
#define LN_HAVE_PAGES 0
#endif

#define LN_PAGES_MIN ((size_t)128 << 10) /* bytes from which on pages are worth a call */

/* reserve: may never be written, so no page is taken before. NULL: none left, or no LN_HAVE_PAGES. */
void *ln_pages_map(ln_memory *m, size_t bytes, bool reserve);
void ln_pages_unmap(ln_memory *m, void *p, size_t bytes, size_t written); /* pages lie in the first `written` bytes */
void ln_pages_flush(ln_memory *m);                                        /* gives the spare ones back */
/* Asks for huge pages where nothing was written yet. False: small ones will come. */
bool ln_pages_huge(ln_memory *m, void *p, size_t bytes);
/* What was reserved will be written: takes pages for it, spare ones first. False: it must not be touched. */
bool ln_pages_ready(ln_memory *m, void *p, size_t bytes);

/* Whole pages of `page` bytes inside, from *first on. Advice is for those alone: the system takes a length for the
 * pages that it touches, and would lose what lies behind. */
size_t ln_pages_inside(const void *data, size_t bytes, size_t page, void **first);

/* Of memory that an ln_memory without an allocator of the caller's gave: */
void ln_pages_settle(const ln_memory *m, void *p, size_t bytes);    /* stays: the machine may join its small pages */
void ln_pages_discard(const void *data, size_t bytes);              /* back to the machine; the contents are lost */
void ln_pages_expect(ln_memory *m, const void *data, size_t bytes); /* all will be written: takes its pages at once */

#endif
