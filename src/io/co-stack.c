/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/co-stack.h"

#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if CO_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>
#endif

/* Linux 6.13: a guard without a mapping of its own, of which a process has 65,530. */
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif

enum {
    SLAB_STACKS = 64,
    COSTLY_GUARDS_MAX =
        16384, /* each splits a mapping in two: half of what a process may have is left for everything else */
};

static GPtrArray *slabs;  /* mappings of slab_size() bytes */
static unsigned carved;   /* stacks handed out of the last slab */
static GPtrArray *unused; /* stacks without memory */
/* With AddressSanitizer from the start: its search for leaks reads whole mappings, and dies of a guard that is none of its own. */
static bool guards_cost_a_mapping = CO_ASAN;
static unsigned costly_guards;

static size_t page_size(void)
{
    static size_t size;
    if (!size)
        size = sysconf(_SC_PAGESIZE);
    return size;
}

static size_t stride(void)
{
    return CO_STACK_SIZE + page_size();
}

static size_t slab_size(void)
{
    return SLAB_STACKS * stride();
}

static bool add_slab(void)
{
    void *slab =
        mmap(NULL, slab_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (slab == MAP_FAILED)
        return false;
    /* One touched page of a stack must not become two resident megabytes. */
    madvise(slab, slab_size(), MADV_NOHUGEPAGE);
#if CO_ASAN
    __lsan_register_root_region(slab, slab_size());
#endif
    g_ptr_array_add(slabs, slab);
    carved = 0;
    return true;
}

/*
 * A process may run out of mappings long before it runs out of memory; a coroutine without a guard page then is better
 * than none at all.
 */
static void install_guard(void *page)
{
    if (!guards_cost_a_mapping && madvise(page, page_size(), MADV_GUARD_INSTALL) < 0)
        guards_cost_a_mapping = true;
    if (guards_cost_a_mapping && costly_guards < COSTLY_GUARDS_MAX && !mprotect(page, page_size(), PROT_NONE))
        costly_guards++;
}

static void init(void)
{
    if (!slabs) {
        slabs = g_ptr_array_new();
        unused = g_ptr_array_new();
        carved = SLAB_STACKS;
    }
}

static void *carve(void)
{
    char *guard = (char *)slabs->pdata[slabs->len - 1] + carved++ * stride();
    install_guard(guard);
    return guard + page_size();
}

bool co_stack_reserve(unsigned n)
{
    init();
    if (unused->len + (SLAB_STACKS - carved) >= n)
        return true;
    while (carved < SLAB_STACKS)
        g_ptr_array_add(unused, carve());
    return add_slab();
}

void *co_stack_new(void)
{
    init();
    if (unused->len)
        return g_ptr_array_remove_index_fast(unused, unused->len - 1);
    if (carved == SLAB_STACKS && !add_slab())
        g_error("no memory for coroutine stacks: %s", g_strerror(errno));
    return carve();
}

#if CO_ASAN
/* Frames that never returned leave marks.  An eighth of what is cleared becomes resident, so only what was used is: mincore(2). */
static void clear_marks(char *stack)
{
    size_t pages = CO_STACK_SIZE / page_size(), deepest = 0;
    g_autofree unsigned char *resident = g_malloc0(pages);

    if (mincore(stack, CO_STACK_SIZE, resident) == 0)
        while (deepest < pages && !(resident[deepest] & 1))
            deepest++;
    __asan_unpoison_memory_region(stack + deepest * page_size(), (pages - deepest) * page_size());
}
#endif

void co_stack_free(void *stack)
{
#if CO_ASAN
    clear_marks(stack);
#endif
    madvise(stack, CO_STACK_SIZE, MADV_DONTNEED);
    g_ptr_array_add(unused, stack);
}

void co_stack_done(void)
{
    if (!slabs)
        return;
    for (unsigned i = 0; i < slabs->len; i++) {
#if CO_ASAN
        __lsan_unregister_root_region(slabs->pdata[i], slab_size());
#endif
        munmap(slabs->pdata[i], slab_size());
    }
    costly_guards = 0;
    g_clear_pointer(&slabs, g_ptr_array_unref);
    g_clear_pointer(&unused, g_ptr_array_unref);
}
