/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * File systems that no table of partitions names are known by their own bytes: whatever format recognises one of the sectors around offset as its
 * first, and has a structure at offset then.  btrfs has its superblock far behind where it begins, and is known by that.
 */
#include "ui/panels/fields-formats.h"

enum { SECTOR = 512, BEFORE = 8, BEHIND = 8, SECTORS = BEFORE + 1 + BEHIND };
enum { EXT_SUPERBLOCK = 1024, EXT_BYTES = 2048, BTRFS_SUPERBLOCK = 64 * 1024, BTRFS_BYTES = 4096, BTRFS_MAGIC = 64 };

struct near {
    int64_t start; /* of the first sector */
    uint8_t bytes[SECTORS * SECTOR];
    size_t known[SECTORS]; /* so many bytes from the sector's start on */
};

static void look(const struct volume *disk, fields_read_fn *read, void *data, int64_t offset, struct near *near)
{
    size_t known = 0;

    near->start = (offset / SECTOR - BEFORE) * SECTOR;
    for (size_t i = SECTORS; i-- > 0;) {
        int64_t sector = offset / SECTOR - BEFORE + (int64_t)i;
        bool got = sector <= disk->size / SECTOR && volume_read(disk, read, data, sector * SECTOR, near->bytes + i * SECTOR, SECTOR);

        known = got ? known + SECTOR : 0;
        near->known[i] = known;
    }
}

/* Two bytes are ext's sign, which is little where any sector may be meant: what else has few values is looked at, too. */
static bool is_surely_ext(const uint8_t *head, size_t n)
{
    const uint8_t *super = head + EXT_SUPERBLOCK;

    return n >= EXT_BYTES && field_number(super + 24, 4, false) <= 6 && field_number(super + 58, 2, false) <= 7 &&
           field_number(super + 76, 4, false) <= 1 && field_number(super + 32, 4, false) > 0;
}

static bool is_there(const struct volume_format *format, const struct volume *disk, int64_t base, const uint8_t *head, size_t n,
                     fields_read_fn *read, void *data, int64_t offset, struct volume *ret_volume)
{
    struct place place;

    if (base <= 0 || base >= disk->size) {
        return false;
    }
    *ret_volume = (struct volume){.base = base, .size = disk->size - base, .looked_at = true, .known_count = 1};
    ret_volume->known[0].format = format;
    return format->recognise(&ret_volume->known[0], ret_volume, head, n) &&
           format->locate(&ret_volume->known[0], ret_volume, read, data, offset - base, &place);
}

/* head is made up around the superblock. */
static bool is_btrfs_there(const struct volume *disk, int64_t super_at, const uint8_t *super, size_t n, fields_read_fn *read, void *data,
                           int64_t offset, struct volume *ret_volume)
{
    g_autofree uint8_t *head = NULL;

    if (n < BTRFS_BYTES || memcmp(super + BTRFS_MAGIC, "_BHRfS_M", 8) != 0) {
        return false;
    }
    head = g_malloc0(HEAD_BYTES);
    memcpy(head + BTRFS_SUPERBLOCK, super, BTRFS_BYTES);
    return is_there(&format_btrfs, disk, super_at - BTRFS_SUPERBLOCK, head, HEAD_BYTES, read, data, offset, ret_volume);
}

bool unnamed_volume(const struct volume_format *const *formats, size_t count, const struct volume *disk, fields_read_fn *read, void *data,
                    int64_t offset, struct volume *ret_volume)
{
    struct near near;
    bool found = false;

    look(disk, read, data, offset, &near);
    for (size_t i = BEFORE + 1; i-- > 0 && !found;) {
        const uint8_t *head = near.bytes + i * SECTOR;
        int64_t base = near.start + (int64_t)(i * SECTOR);
        size_t n = near.known[i];

        for (size_t k = 0; k < count && !found; k++) {
            if (!formats[k]->disk_only && (formats[k] != &format_ext || is_surely_ext(head, n))) {
                found = is_there(formats[k], disk, base, head, n, read, data, offset, ret_volume);
            }
        }
        found = found || is_btrfs_there(disk, base, head, n, read, data, offset, ret_volume);
    }
    return found;
}
