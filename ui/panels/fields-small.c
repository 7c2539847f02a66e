/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One header each.  Swap: the kernel's include/linux/swap.h as mkswap(8) describes it.  squashfs: its documentation, "Squashfs Filesystem".  RAID: the
 * kernel's RAID wiki, "RAID superblock formats", version 1.
 */
#include "ui/panels/fields-formats.h"

/* ---- swap ---- */

enum { OWN_PAGE };

static const struct field swap[] = {
    LE(0, 4, "version"), LE(4, 4, "last page"), LE(8, 4, "bad pages"), UUID(12, "UUID"), TEXT(28, 16, "label"), HEX(44, 468, "padding"),
};
static const struct field swap_magic[] = {TEXT(0, 10, "magic")};
static const struct structure swap_structure = {.name = "swap header", .size = 512, FIELDS(swap)};
static const struct structure swap_magic_structure = {.name = "swap header", .size = 10, FIELDS(swap_magic)};

static bool swap_recognise(struct known *known, const struct volume *volume, const uint8_t *head, size_t n)
{
    for (uint64_t page = 4096; page <= 65536 && page <= n; page *= 2) {
        if (memcmp(head + page - 10, "SWAPSPACE2", 10) == 0) {
            known->own[OWN_PAGE] = page;
            return true;
        }
    }
    return false;
}

static bool swap_locate(const struct known *known, const struct volume *volume, fields_read_fn *read, void *data, int64_t at, struct place *ret_place)
{
    const struct fixed list[] = {{&swap_structure, 1024, 0}, {&swap_magic_structure, (int64_t)known->own[OWN_PAGE] - 10, 0}};

    return fixed_locate(list, G_N_ELEMENTS(list), at, ret_place);
}

const struct volume_format format_swap = {swap_recognise, swap_locate, NULL, false};

/* ---- squashfs ---- */

static const struct field_name compressors[] = {{1, "gzip"}, {2, "lzma"}, {3, "lzo"}, {4, "xz"}, {5, "lz4"}, {6, "zstd"}, {0, NULL}};
static const struct field_name squashfs_flags[] = {
    {0x1, "inodes_uncompressed"}, {0x2, "data_uncompressed"}, {0x4, "check"}, {0x8, "fragments_uncompressed"}, {0x10, "no_fragments"}, {0x20, "always_fragments"},
    {0x40, "duplicates"}, {0x80, "exportable"}, {0x100, "xattrs_uncompressed"}, {0x200, "no_xattrs"}, {0x400, "compressor_options"}, {0x800, "ids_uncompressed"}, {0, NULL},
};
static const struct field squashfs[] = {
    TEXT(0, 4, "magic"),
    LE(4, 4, "inodes"),
    TIME(8, 4, "made"),
    LE(12, 4, "block size"),
    LE(16, 4, "fragments"),
    LE_NAMES(20, 2, "compression", compressors),
    LE(22, 2, "log2 block size"),
    BITS(24, 2, "flags", squashfs_flags),
    LE(26, 2, "IDs"),
    LE(28, 2, "major version"),
    LE(30, 2, "minor version"),
    HEX(32, 8, "root inode"),
    LE(40, 8, "bytes used"),
    LE_AT(48, 8, "ID table", UNIT_BYTE),
    LE_AT(56, 8, "xattr table", UNIT_BYTE),
    LE_AT(64, 8, "inode table", UNIT_BYTE),
    LE_AT(72, 8, "directory table", UNIT_BYTE),
    LE_AT(80, 8, "fragment table", UNIT_BYTE),
    LE_AT(88, 8, "export table", UNIT_BYTE),
};
static const struct structure squashfs_structure = {.name = "squashfs superblock", .size = 96, FIELDS(squashfs)};

static bool squashfs_recognise(struct known *known, const struct volume *volume, const uint8_t *head, size_t n)
{
    return n >= squashfs_structure.size && memcmp(head, "hsqs", 4) == 0 && field_number(head + 28, 2, false) == 4;
}

static bool squashfs_locate(const struct known *known, const struct volume *volume, fields_read_fn *read, void *data, int64_t at, struct place *ret_place)
{
    static const struct fixed list[] = {{&squashfs_structure, 0, 0}};

    return fixed_locate(list, 1, at, ret_place);
}

const struct volume_format format_squashfs = {squashfs_recognise, squashfs_locate, NULL, false};

/* ---- RAID ---- */

static const struct field_name raid_features[] = {
    {1, "bitmap"}, {2, "recovery offset"}, {4, "reshaping"}, {8, "bad blocks"}, {16, "replacement"}, {32, "reshaping backwards"}, {64, "new offset"}, {256, "clustered"}, {512, "journal"}, {1024, "PPL"}, {0, NULL},
};
static const struct field raid[] = {
    HEX(0, 4, "magic"),
    LE(4, 4, "version"),
    BITS(8, 4, "features", raid_features),
    UUID(16, "array UUID"),
    TEXT(32, 32, "array name"),
    LE(64, 5, "made, seconds"),
    LE(69, 3, "made, microseconds"),
    {72, 4, FIELD_SIGNED, "level", NULL, UNIT_NONE},
    LE(76, 4, "layout"),
    LE(80, 8, "sectors used of each device"),
    LE(88, 4, "sectors of a chunk"),
    LE(92, 4, "devices"),
    {96, 4, FIELD_SIGNED, "bitmap, sectors from here", NULL, UNIT_NONE},
    LE_AT(128, 8, "data", UNIT_SECTOR),
    LE(136, 8, "sectors of data"),
    LE_AT(144, 8, "this superblock", UNIT_SECTOR),
    LE(152, 8, "recovered up to"),
    LE(160, 4, "number of the device"),
    LE(164, 4, "corrected reads"),
    UUID(168, "device UUID"),
    HEX(184, 1, "device flags"),
    LE(192, 5, "written, seconds"),
    LE(197, 3, "written, microseconds"),
    LE(200, 8, "events"),
    LE(208, 8, "resynchronised up to"),
    HEX(216, 4, "checksum"),
    LE(220, 4, "roles that follow"),
};
static const struct structure raid_structure = {.name = "RAID superblock", .size = 256, FIELDS(raid)};

/* Version 1.1 begins the device, 1.2 is 4 KiB from there. */
static bool raid_recognise(struct known *known, const struct volume *volume, const uint8_t *head, size_t n)
{
    for (uint64_t at = 0; at <= 4096 && at + raid_structure.size <= n; at += 4096) {
        if (field_number(head + at, 4, false) == 0xa92b4efc && field_number(head + at + 4, 4, false) == 1) {
            known->own[0] = at;
            return true;
        }
    }
    return false;
}

static bool raid_locate(const struct known *known, const struct volume *volume, fields_read_fn *read, void *data, int64_t at, struct place *ret_place)
{
    const struct fixed list[] = {{&raid_structure, (int64_t)known->own[0], 0}};

    return fixed_locate(list, 1, at, ret_place);
}

const struct volume_format format_raid = {raid_recognise, raid_locate, NULL, false};
