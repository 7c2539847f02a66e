/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * blklogwrites: what is written to the image is also logged, in order, so that each moment of it can be made again.
 *
 * The format is that of device-mapper's log-writes target (Documentation/admin-guide/device-mapper/log-writes.rst of Linux): sector 0 is
 * the superblock, then comes an entry, a sector of its own, and the data of it, and so on.  The superblock counts the entries and is
 * written with each flush; what it does not count yet, no reader sees.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "block/node.h"
#include "util/checked.h"

enum {
    SECTOR = 512,
    SECTOR_MAX = 1 << 23,
    VERSION = 1,
    SUPER_INTERVAL = 4096,
    ENTRY_FLUSH = 1,
    ENTRY_FUA = 2,
    ENTRY_DISCARD = 4,
};
#define MAGIC UINT64_C(0x6a736677736872)

/* As they lie in the log, little-endian. */
struct super {
    uint64_t magic, version, nr_entries;
    uint32_t sector_size;
} __attribute__((packed));
struct entry {
    uint64_t sector, nr_sectors, flags, data_len;
} __attribute__((packed));

static const struct driver_option blklogwrites_options[] = {
    {.name = "file", .type = DRIVER_OPTION_CHILD, .required = true, .help = "the image"},
    {.name = "log", .type = DRIVER_OPTION_CHILD, .required = true, .help = "where the log goes"},
    {.name = "log-append", .type = DRIVER_OPTION_BOOL, .help = "go on with the log that is there"},
    {.name = "log-sector-size", .type = DRIVER_OPTION_SIZE, .huge = true, .help = "512 by default; of a log that is continued, its own"},
    {.name = "log-super-update-interval", .type = DRIVER_OPTION_NUMBER, .help = "entries after which they are counted without a flush, too"},
    {},
};

struct log {
    struct node *node;
    int64_t sector;   /* bytes of one */
    int64_t next;     /* sector of the log */
    uint64_t entries;
    uint64_t counted; /* by the superblock on disk */
    uint64_t interval;
    struct co_mutex lock; /* entries are written one after the other, in the order in which they are counted */
};

/* ---- opening ---- */

static bool is_sector_size(uint64_t size)
{
    return size >= SECTOR && size < SECTOR_MAX && (size & (size - 1)) == 0;
}

/* Behind the last entry that is counted; what the log says is checked against how long it is. */
static int find_end_co(struct log *log, GError **error)
{
    struct entry entry;
    for (uint64_t i = 0; i < log->entries; i++) {
        int64_t at, bytes;
        if (!checked_mul(log->next, log->sector, &at) || !checked_range(at, log->sector, log->node->size))
            return options_refuse(error, EINVAL, "Log has fewer entries than its superblock says");
        int ret = node_pread_co(log->node, at, sizeof(entry), &entry);
        if (ret < 0) {
            g_set_error(error, OPTIONS_ERROR, -ret, "Failed to read log entry %" PRIu64, i);
            return ret;
        }
        uint64_t flags = GUINT64_FROM_LE(entry.flags), sectors = GUINT64_FROM_LE(entry.nr_sectors);
        if (flags & ~(uint64_t)(ENTRY_FLUSH | ENTRY_FUA | ENTRY_DISCARD | 8 | 16))
            return options_refuse(error, EINVAL, "Invalid flags 0x%" PRIx64 " in log entry %" PRIu64, flags, i);
        log->next++;
        if (flags & ENTRY_DISCARD)
            sectors = 0; /* it has no data */
        if (sectors > INT64_MAX || !checked_mul(sectors, log->sector, &bytes) || !checked_range(at + log->sector, bytes, log->node->size))
            return options_refuse(error, EINVAL, "Log entry %" PRIu64 " is longer than the log", i);
        log->next += sectors;
        co_relax_co();
    }
    return 0;
}

static int continue_log_co(struct log *log, GError **error)
{
    struct super super = {0};
    int ret = node_pread_co(log->node, 0, sizeof(super), &super);
    if (ret < 0) {
        g_set_error_literal(error, OPTIONS_ERROR, -ret, "Could not read log superblock");
        return ret;
    }
    if (!super.magic)
        return 0; /* nothing was logged yet */
    if (GUINT64_FROM_LE(super.magic) != MAGIC)
        return options_refuse(error, EINVAL, "Invalid log superblock magic");
    if (GUINT64_FROM_LE(super.version) != VERSION)
        return options_refuse(error, EINVAL, "Unsupported log version %" PRIu64, GUINT64_FROM_LE(super.version));
    if (!is_sector_size(GUINT32_FROM_LE(super.sector_size)))
        return options_refuse(error, EINVAL, "Invalid log sector size %" PRIu32, GUINT32_FROM_LE(super.sector_size));
    log->sector = GUINT32_FROM_LE(super.sector_size);
    log->entries = log->counted = GUINT64_FROM_LE(super.nr_entries);
    return find_end_co(log, error);
}

static int open_log_co(struct node *node, struct options *options, GError **error)
{
    struct log *log = node->opaque;
    bool append = options_take_bool(options, "log-append", false), sized = options_has(options, "log-sector-size");
    uint64_t sector = options_take_huge_size(options, "log-sector-size", SECTOR);
    log->interval = options_take_number(options, "log-super-update-interval", SUPER_INTERVAL);
    if (append && sized)
        return options_refuse(error, EINVAL, "log-append and log-sector-size are mutually exclusive");
    if (!is_sector_size(sector))
        return options_refuse(error, EINVAL, "Invalid log sector size %" PRIu64, sector);
    if (log->interval == 0)
        return options_refuse(error, EINVAL, "Invalid log superblock update interval %" PRIu64, log->interval);
    log->sector = sector;
    log->next = 1;
    return append ? continue_log_co(log, error) : 0;
}

static int blklogwrites_open_co(struct node *node, struct options *options, GError **error)
{
    struct log *log = node->opaque;
    int ret = node_open_child_co(node, options, "file", NODE_ROLE_FILE, NULL, error);
    if (ret == 0)
        ret = node_open_child_co(node, options, "log", NODE_ROLE_METADATA, &log->node, error);
    if (ret == 0)
        ret = open_log_co(node, options, error);
    if (ret == 0)
        node->limits.request_alignment = log->sector;
    return ret;
}

/* ---- the log ---- */

static int write_super_co(struct log *log)
{
    struct super super = {GUINT64_TO_LE(MAGIC), GUINT64_TO_LE(VERSION), GUINT64_TO_LE(log->entries), GUINT32_TO_LE((uint32_t)log->sector)};
    g_autofree uint8_t *sector = g_malloc0(log->sector);
    memcpy(sector, &super, sizeof(super));
    int ret = node_pwrite_co(log->node, 0, log->sector, sector, 0);
    if (ret == 0)
        log->counted = log->entries;
    return ret;
}

/* data: iov, or zeroes where it is NULL and with_data says that there is some. */
static int write_entry_co(struct log *log, int64_t offset, int64_t bytes, unsigned flags, const struct iovec *iov, int niov, bool with_data)
{
    struct entry entry = {GUINT64_TO_LE((uint64_t)(offset / log->sector)), GUINT64_TO_LE((uint64_t)(bytes / log->sector)), GUINT64_TO_LE((uint64_t)flags), 0};
    g_autofree uint8_t *sector = g_malloc0(log->sector);
    int64_t at = log->next * log->sector;
    int ret = 0;
    memcpy(sector, &entry, sizeof(entry));
    if (with_data && bytes > 0)
        ret = iov ? node_pwritev_co(log->node, at + log->sector, bytes, iov, niov, 0)
                  : node_pwrite_zeroes_co(log->node, at + log->sector, bytes, 0);
    if (ret == 0)
        ret = node_pwrite_co(log->node, at, log->sector, sector, 0);
    if (ret < 0)
        return ret;
    log->next += 1 + (with_data ? bytes / log->sector : 0);
    log->entries++;
    return 0;
}

/* After the image has it: the log never tells of what did not happen. */
static int add_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags, const struct iovec *iov, int niov, bool with_data)
{
    struct log *log = node->opaque;
    co_mutex_lock_co(&log->lock);
    int ret = write_entry_co(log, offset, bytes, flags, iov, niov, with_data);
    if (ret == 0 && (flags & ENTRY_FLUSH || log->entries - log->counted >= log->interval))
        ret = write_super_co(log);
    co_mutex_unlock(&log->lock);
    return ret;
}

/* ---- requests ---- */

static int blklogwrites_pwritev_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    int ret = node_pwritev_co(node->file, offset, bytes, iov, niov, flags);
    return ret < 0 ? ret : add_co(node, offset, bytes, 0, iov, niov, true);
}

static int blklogwrites_pwrite_zeroes_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags)
{
    int ret = node_pwrite_zeroes_co(node->file, offset, bytes, flags);
    return ret < 0 ? ret : add_co(node, offset, bytes, 0, NULL, 0, true);
}

static int blklogwrites_pdiscard_co(struct node *node, int64_t offset, int64_t bytes)
{
    int ret = node_pdiscard_co(node->file, offset, bytes);
    return ret < 0 ? ret : add_co(node, offset, bytes, ENTRY_DISCARD, NULL, 0, false);
}

/* The image first, so that what the log calls flushed is. */
static int blklogwrites_flush_to_disk_co(struct node *node)
{
    int ret = node_flush_co(node->file);
    return ret < 0 ? ret : add_co(node, 0, 0, ENTRY_FLUSH, NULL, 0, false);
}

static int blklogwrites_truncate_co(struct node *node, int64_t size, bool exact, enum blk_prealloc prealloc, GError **error)
{
    return node_truncate_co(node->file, size, exact, prealloc, error);
}

static int blklogwrites_info_co(struct node *node, struct blk_info *info)
{
    return 0;
}

const struct driver driver_blklogwrites = {
    .name = "blklogwrites",
    .flags = DRIVER_FILTER | DRIVER_FIXED,
    .state_size = sizeof(struct log),
    .options = blklogwrites_options,
    .open_co = blklogwrites_open_co,
    .pwritev_co = blklogwrites_pwritev_co,
    .pwrite_zeroes_co = blklogwrites_pwrite_zeroes_co,
    .pdiscard_co = blklogwrites_pdiscard_co,
    .flush_to_disk_co = blklogwrites_flush_to_disk_co,
    .truncate_co = blklogwrites_truncate_co,
    .info_co = blklogwrites_info_co,
};
