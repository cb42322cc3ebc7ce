/* Large memory in few pages. A product reads another page for each row of a wide matrix; a virtual machine's processor
 * looks up each that it does not remember in two tables of tables. A hint: without it the results are the same.
 */
#ifndef FASTPROP_HUGE_PAGES_H
#define FASTPROP_HUGE_PAGES_H

#include <stddef.h>

enum { HUGE_PAGE = 2097152 }; /* bytes: x86-64's, and Arm's where a page has 4 KB */

#if defined(__linux__)
#include <sys/mman.h>
static inline void ask_for_huge_pages(void *p, size_t n) { (void)madvise(p, n, MADV_HUGEPAGE); }
#else
static inline void ask_for_huge_pages(void *p, size_t n) { (void)p, (void)n; }
#endif

#endif
