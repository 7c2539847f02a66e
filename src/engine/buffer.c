/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every buffer is a mapping of its own: one page of header, then the bytes.  Sizes are rounded up to a power of two and
 * kept in one list a size, so that a script of equal requests pays for page faults once.  The kept total is bounded.
 * Huge pages are not asked for: where a hypervisor takes free ones back, touching them again costs more than they save.
 */
#include "engine/buffer.h"

#include <glib.h>
#include <sys/mman.h>

#include "io/co.h"
#include "util/source.h"

enum {
    HEADER = 4096,
    MISALIGNMENT = 16,
    SMALLEST_SHIFT = 12,
    CLASSES = 64,
    ROUNDING = 2 << 20,
    KEEP_MAX = 64 << 20,
    RELEASED_AT_ONCE = 4 << 20,
};

struct header {
    struct header *next; /* in the list of its class while not in use, or of those that leave */
    size_t mapped;
    int class;
};

struct buffer_pool {
    struct header *idle[CLASSES];
    size_t kept; /* bytes in idle lists */
    struct header *leaving; /* so large that the kernel gets them back by and by */
    GSource *release;       /* does that; NULL: none leaves */
    unsigned refs; /* the owner's, and one for each buffer in use */
    int shift;     /* misalignment in bytes */
};

struct buffer_pool *buffer_pool_new(int misalign)
{
    struct buffer_pool *pool = g_new0(struct buffer_pool, 1);
    pool->refs = 1;
    pool->shift = misalign ? MISALIGNMENT : 0;
    return pool;
}

static void unmap_all(struct header *header)
{
    for (struct header *next; header; header = next) {
        next = header->next;
        munmap(header, header->mapped);
    }
}

void buffer_pool_unref(struct buffer_pool *pool)
{
    if (!pool || --pool->refs)
        return;
    for (int i = 0; i < CLASSES; i++)
        unmap_all(pool->idle[i]);
    unmap_all(pool->leaving);
    source_clear(&pool->release);
    g_free(pool);
}

static int class_of(size_t bytes)
{
    return bytes <= 1 << SMALLEST_SHIFT ? SMALLEST_SHIFT : 64 - __builtin_clzl(bytes - 1);
}

static struct header *map(size_t bytes, int class)
{
    /* Above what is kept anyway, round to pages only: half of a huge buffer would be address space for nothing. */
    size_t room = (size_t)1 << class;
    if (room > KEEP_MAX)
        room = (bytes + ROUNDING - 1) & ~((size_t)ROUNDING - 1);
    size_t mapped = HEADER + room + HEADER;
    struct header *header = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (header == MAP_FAILED)
        return NULL;
    header->mapped = mapped;
    header->class = class;
    return header;
}

uint8_t *buffer_get(struct buffer_pool *pool, size_t bytes)
{
    if (bytes > SIZE_MAX / 4)
        return NULL;
    int class = class_of(bytes);
    struct header *header = pool->idle[class];
    if (header) {
        pool->idle[class] = header->next;
        pool->kept -= header->mapped;
    } else if (!(header = map(bytes, class))) {
        return NULL;
    }
    pool->refs++;
    return (uint8_t *)header + HEADER + pool->shift;
}

/* Freeing the pages of a gigabyte takes longer than a frame. */
static void release_co(uint8_t *from, const uint8_t *end)
{
    while (from < end) {
        size_t n = MIN((size_t)(end - from), (size_t)RELEASED_AT_ONCE);
        madvise(from, n, MADV_DONTNEED);
        from += n;
        co_relax_co();
    }
}

static struct header *header_of(const struct buffer_pool *pool, uint8_t *buffer)
{
    return (struct header *)(buffer - pool->shift - HEADER);
}

void buffer_trim_co(struct buffer_pool *pool, uint8_t *buffer, size_t bytes)
{
    struct header *header = header_of(pool, buffer);
    release_co((uint8_t *)(((uintptr_t)buffer + bytes + HEADER - 1) & ~(uintptr_t)(HEADER - 1)), (uint8_t *)header + header->mapped);
}

/* Some of it in each turn of the loop, from its end on. */
static gboolean release_some(void *data)
{
    struct buffer_pool *pool = data;
    struct header *header = pool->leaving;
    size_t n = MIN(header->mapped, (size_t)RELEASED_AT_ONCE);
    if (header->mapped == n)
        pool->leaving = header->next;
    header->mapped -= n;
    munmap((uint8_t *)header + header->mapped, n);
    if (!pool->leaving)
        source_clear(&pool->release);
    return G_SOURCE_CONTINUE;
}

static void leave(struct buffer_pool *pool, struct header *header)
{
    header->next = pool->leaving;
    pool->leaving = header;
    if (pool->release)
        return;
    pool->release = g_idle_source_new();
    g_source_set_priority(pool->release, G_PRIORITY_DEFAULT);
    g_source_set_callback(pool->release, release_some, pool, NULL);
    g_source_attach(pool->release, g_main_context_get_thread_default());
}

void buffer_put(struct buffer_pool *pool, uint8_t *buffer)
{
    if (!buffer)
        return;
    struct header *header = header_of(pool, buffer);
    if (pool->kept + header->mapped <= KEEP_MAX) {
        header->next = pool->idle[header->class];
        pool->idle[header->class] = header;
        pool->kept += header->mapped;
    } else if (header->mapped > RELEASED_AT_ONCE) {
        leave(pool, header);
    } else {
        munmap(header, header->mapped);
    }
    buffer_pool_unref(pool);
}

void buffer_put_co(struct buffer_pool *pool, uint8_t *buffer)
{
    if (!buffer || header_of(pool, buffer)->mapped <= KEEP_MAX) {
        buffer_put(pool, buffer);
        return;
    }
    buffer_trim_co(pool, buffer, 0);
    struct header *header = header_of(pool, buffer);
    munmap(header, header->mapped);
    buffer_pool_unref(pool);
}
