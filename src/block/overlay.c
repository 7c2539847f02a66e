/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The temporary layer: a sparse file of the image's size, and one bit a sector that says whether it was written.
 *
 * node.c pads writes to whole sectors by reading through this driver, so a sector is always taken over as a whole.  The bits are
 * set only once the sector is in the file.
 */
#include "block/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "block/iov.h"

enum {
    SECTOR = 512,
    PAGE_BITS = 32768, /* sectors a page: 16 MiB of the image */
    WORD_BITS = 64,
};

struct overlay {
    struct node *base, *file; /* both children */
    GHashTable *pages;        /* number (as int64) -> uint64_t[PAGE_BITS / WORD_BITS]; none: nothing written there */
};

/* ---- which sectors are ours ---- */

static uint64_t *find_page(const struct overlay *overlay, int64_t sector, bool make)
{
    int64_t number = sector / PAGE_BITS;
    uint64_t *page = g_hash_table_lookup(overlay->pages, &number);
    if (!page && make) {
        page = g_new0(uint64_t, PAGE_BITS / WORD_BITS);
        g_hash_table_insert(overlay->pages, g_memdup2(&number, sizeof(number)), page);
    }
    return page;
}

static void own(struct overlay *overlay, int64_t offset, int64_t bytes)
{
    for (int64_t sector = offset / SECTOR; sector < (offset + bytes) / SECTOR; sector++) {
        uint64_t *page = find_page(overlay, sector, true);
        page[sector % PAGE_BITS / WORD_BITS] |= UINT64_C(1) << sector % WORD_BITS;
    }
}

static bool is_ours(const struct overlay *overlay, int64_t sector)
{
    const uint64_t *page = find_page(overlay, sector, false);
    return page && page[sector % PAGE_BITS / WORD_BITS] >> sector % WORD_BITS & 1;
}

/* Bytes from offset on, at most bytes, that are all ours or all not. */
static int64_t run_length(const struct overlay *overlay, int64_t offset, int64_t bytes, bool *ret_ours)
{
    int64_t sector = offset / SECTOR, end = (offset + bytes + SECTOR - 1) / SECTOR;
    bool ours = is_ours(overlay, sector);
    while (sector < end) {
        const uint64_t *page = find_page(overlay, sector, false);
        int64_t page_end = MIN((sector / PAGE_BITS + 1) * PAGE_BITS, end);
        if (!page && ours)
            break;
        if (!page) {
            sector = page_end;
            continue;
        }
        while (sector < page_end && (page[sector % PAGE_BITS / WORD_BITS] >> sector % WORD_BITS & 1) == ours)
            sector++;
        if (sector < page_end)
            break;
    }
    *ret_ours = ours;
    return MIN(sector * SECTOR - offset, bytes);
}

/* ---- requests ---- */

static int overlay_preadv_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    struct overlay *overlay = node->opaque;
    g_autofree struct iovec *slice = g_new(struct iovec, niov);
    int ret = 0;
    for (int64_t done = 0, n; ret == 0 && done < bytes; done += n) {
        bool ours;
        n = run_length(overlay, offset + done, bytes - done, &ours);
        int count = iov_slice(iov, niov, done, n, slice);
        ret = node_preadv_co(ours ? overlay->file : overlay->base, offset + done, n, slice, count, flags);
    }
    return ret;
}

static int overlay_pwritev_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    struct overlay *overlay = node->opaque;
    int ret = node_pwritev_co(overlay->file, offset, bytes, iov, niov, flags);
    if (ret == 0)
        own(overlay, offset, bytes);
    return ret;
}

static int overlay_pwrite_zeroes_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags)
{
    struct overlay *overlay = node->opaque;
    int ret = node_pwrite_zeroes_co(overlay->file, offset, bytes, flags | BLK_MAY_UNMAP);
    if (ret == 0)
        own(overlay, offset, bytes);
    return ret;
}

static int64_t overlay_length_co(struct node *node)
{
    struct overlay *overlay = node->opaque;
    return overlay->base->size;
}

static int overlay_status_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags, struct node_status *ret_status)
{
    struct overlay *overlay = node->opaque;
    bool ours;
    int64_t n = run_length(overlay, offset, bytes, &ours);
    *ret_status = (struct node_status){
        .bytes = n,
        .via = ours ? NODE_STATUS_PASS : NODE_STATUS_BACKING,
        .child = ours ? overlay->file : overlay->base,
        .child_offset = offset,
    };
    return 0;
}

static int overlay_close_co(struct node *node)
{
    struct overlay *overlay = node->opaque;
    g_hash_table_destroy(overlay->pages);
    return 0;
}

/* Not in the list of drivers: nobody can name it. */
static const struct driver driver_overlay = {
    .name = "overlay",
    .state_size = sizeof(struct overlay),
    .close_co = overlay_close_co,
    .preadv_co = overlay_preadv_co,
    .pwritev_co = overlay_pwritev_co,
    .pwrite_zeroes_co = overlay_pwrite_zeroes_co,
    .length_co = overlay_length_co,
    .status_co = overlay_status_co,
};

/* ---- opening ---- */

struct temporary {
    int64_t size;
    int fd;
};

/* A file that no other program can find, and that is gone with its last descriptor. */
static int make_temporary(void *data)
{
    struct temporary *temporary = data;
    const char *dir = g_getenv("TMPDIR");
    g_autofree char *name = g_build_filename(dir && *dir ? dir : "/var/tmp", "blkscope-XXXXXX", NULL);
    temporary->fd = g_mkstemp_full(name, O_RDWR | O_CLOEXEC, 0600);
    if (temporary->fd < 0)
        return -errno;
    unlink(name);
    if (ftruncate(temporary->fd, temporary->size) < 0) {
        int ret = -errno;
        close(temporary->fd);
        return ret;
    }
    return 0;
}

static int open_file_co(const struct node_how *how, int64_t size, struct node **ret_file, GError **error)
{
    struct temporary temporary = {.size = size};
    int ret = aio_call_co(how->aio, make_temporary, &temporary, true);
    if (ret < 0) {
        g_set_error(error, OPTIONS_ERROR, -ret, "Could not create a temporary file for the snapshot: %s", g_strerror(-ret));
        return ret;
    }
    struct node_how file_how = *how;
    file_how.flags = NODE_WRITABLE | NODE_NO_FLUSH | NODE_DISCARD;
    file_how.perm = NODE_PERM_READ | NODE_PERM_WRITE;
    file_how.shared = NODE_PERM_ALL;
    file_how.probe = false;
    file_how.depth++;
    struct options *options = options_new();
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", temporary.fd);
    options_set(options, "driver", "file");
    options_set(options, "filename", path);
    options_set(options, "locking", "off");
    ret = node_open_co(options, &file_how, ret_file, error);
    close(temporary.fd);
    if (ret == 0) {
        g_free((*ret_file)->filename);
        (*ret_file)->filename = g_strdup("temporary snapshot");
    }
    return ret;
}

int overlay_open_co(struct node *base, const struct node_how *how, struct node **ret_node, GError **error)
{
    struct node *file;
    int ret = open_file_co(how, base->size, &file, error);
    if (ret < 0) {
        node_unref_co(base);
        return ret;
    }
    struct node *node = node_new(&driver_overlay, how);
    struct overlay *overlay = node->opaque;
    overlay->base = base;
    overlay->file = file;
    overlay->pages = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    node->options = options_new();
    node->filename = g_strdup(base->filename);
    node->limits.request_alignment = SECTOR;
    node->zero_flags = BLK_FUA | BLK_MAY_UNMAP | BLK_NO_FALLBACK;
    node->write_flags = BLK_FUA; /* nothing in it outlives the program: stable or not is all the same */
    node_add_child(node, "backing", NODE_ROLE_BACKING, base);
    node_add_child(node, "snapshot", NODE_ROLE_DATA, file);
    node->size = base->size;
    *ret_node = node;
    return 0;
}
