/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * XFS: "XFS Algorithms & Data Structures" of the kernel's xfs-documentation, chapter "Allocation Groups".  The CRCs are little-endian, unlike all else;
 * they are shown as xfs_db shows them, which is not.
 */
#include "ui/panels/fields-formats.h"

enum { HEADERS = 4, VERSION_5 = 5 };

enum { OWN_BLOCK, OWN_SECTOR, OWN_AG_BLOCKS, OWN_AGS, OWN_AG_LOG, OWN_INODE_LOG, OWN_INODE_SIZE, OWN_V5 };

static const struct field_name version_flags[] = {
    {0x10, "attr"}, {0x20, "nlink"}, {0x40, "quota"}, {0x80, "align"}, {0x100, "dalign"}, {0x200, "shared"}, {0x400, "logv2"}, {0x800, "sector"},
    {0x1000, "extflg"}, {0x2000, "dirv2"}, {0x4000, "borg"}, {0x8000, "morebits"}, {5, "version 5"}, {4, "version 4"}, {0, NULL},
};
static const struct field_name features2[] = {
    {0x2, "lazysbcount"}, {0x8, "attr2"}, {0x10, "parent"}, {0x80, "projid32bit"}, {0x100, "crc"}, {0x200, "ftype"}, {0, NULL},
};
static const struct field_name read_only[] = {{1, "finobt"}, {2, "rmapbt"}, {4, "reflink"}, {8, "inobtcount"}, {0, NULL}};
static const struct field_name incompatible[] = {
    {1, "ftype"}, {2, "spinodes"}, {4, "meta_uuid"}, {8, "bigtime"}, {16, "needsrepair"}, {32, "nrext64"}, {64, "exchrange"}, {128, "parent"}, {0, NULL},
};

static const struct field superblock[] = {
    TEXT(0, 4, "magic"),
    BE(4, 4, "block size"),
    BE(8, 8, "data blocks"),
    BE(16, 8, "realtime blocks"),
    BE(24, 8, "realtime extents"),
    UUID(32, "UUID"),
    BE_AT(48, 8, "log start", UNIT_CLUSTER),
    BE_AT(56, 8, "root inode", UNIT_INODE),
    BE_AT(64, 8, "realtime bitmap inode", UNIT_INODE),
    BE_AT(72, 8, "realtime summary inode", UNIT_INODE),
    BE(80, 4, "realtime extent size"),
    BE(84, 4, "blocks per group"),
    BE(88, 4, "allocation groups"),
    BE(92, 4, "realtime bitmap blocks"),
    BE(96, 4, "log blocks"),
    BITS_BE(100, 2, "version and flags", version_flags),
    BE(102, 2, "sector size"),
    BE(104, 2, "inode size"),
    BE(106, 2, "inodes per block"),
    TEXT(108, 12, "label"),
    BE(120, 1, "log2 block size"),
    BE(121, 1, "log2 sector size"),
    BE(122, 1, "log2 inode size"),
    BE(123, 1, "log2 inodes per block"),
    BE(124, 1, "log2 blocks per group"),
    BE(125, 1, "log2 realtime extents"),
    BE(126, 1, "being made"),
    BE(127, 1, "inode per cent"),
    BE(128, 8, "inodes"),
    BE(136, 8, "free inodes"),
    BE(144, 8, "free blocks"),
    BE(152, 8, "free realtime extents"),
    BE_AT(160, 8, "user quota inode", UNIT_INODE),
    BE_AT(168, 8, "group quota inode", UNIT_INODE),
    BE(176, 2, "quota flags"),
    BE(178, 1, "flags"),
    BE(179, 1, "shared version"),
    BE(180, 4, "inode alignment"),
    BE(184, 4, "stripe unit"),
    BE(188, 4, "stripe width"),
    BE(192, 1, "log2 directory block"),
    BE(193, 1, "log2 log sector size"),
    BE(194, 2, "log sector size"),
    BE(196, 4, "log stripe unit"),
    BITS_BE(200, 4, "more features", features2),
    BITS_BE(204, 4, "more features (again)", features2),
    BE(208, 4, "compatible features"),
    BITS_BE(212, 4, "read-only compatible features", read_only),
    BITS_BE(216, 4, "incompatible features", incompatible),
    BE(220, 4, "incompatible log features"),
    BE(224, 4, "CRC32"),
    BE(228, 4, "sparse inode alignment"),
    BE_AT(232, 8, "project quota inode", UNIT_INODE),
    HEX(240, 8, "last write's log sequence number"),
    UUID(248, "metadata UUID"),
};

static const struct field agf[] = {
    TEXT(0, 4, "magic"),
    BE(4, 4, "version"),
    BE(8, 4, "number of the group"),
    BE(12, 4, "blocks"),
    BE_AT(16, 4, "free space by block: root", UNIT_BLOCK),
    BE_AT(20, 4, "free space by size: root", UNIT_BLOCK),
    BE_AT(24, 4, "reverse map: root", UNIT_BLOCK),
    BE(28, 4, "free space by block: levels"),
    BE(32, 4, "free space by size: levels"),
    BE(36, 4, "reverse map: levels"),
    BE(40, 4, "free list: first"),
    BE(44, 4, "free list: last"),
    BE(48, 4, "free list: count"),
    BE(52, 4, "free blocks"),
    BE(56, 4, "longest free extent"),
    BE(60, 4, "blocks of the trees"),
    UUID(64, "UUID"),
    BE(80, 4, "blocks of the reverse map"),
    BE(84, 4, "blocks of the reference counts"),
    BE_AT(88, 4, "reference counts: root", UNIT_BLOCK),
    BE(92, 4, "reference counts: levels"),
    HEX(208, 8, "log sequence number"),
    BE(216, 4, "CRC32"),
};

static const struct field agi[] = {
    TEXT(0, 4, "magic"),
    BE(4, 4, "version"),
    BE(8, 4, "number of the group"),
    BE(12, 4, "blocks"),
    BE(16, 4, "inodes"),
    BE_AT(20, 4, "inodes: root", UNIT_BLOCK),
    BE(24, 4, "inodes: levels"),
    BE(28, 4, "free inodes"),
    BE(32, 4, "newest inode"),
    BE(36, 4, "directory inode (unused)"),
    HEX(40, 256, "unlinked inodes"),
    UUID(296, "UUID"),
    BE(312, 4, "CRC32"),
    HEX(320, 8, "log sequence number"),
    BE_AT(328, 4, "free inodes: root", UNIT_BLOCK),
    BE(332, 4, "free inodes: levels"),
    BE(336, 4, "blocks of the inode tree"),
    BE(340, 4, "blocks of the free inode tree"),
};

static const struct field agfl[] = {
    TEXT(0, 4, "magic"), BE(4, 4, "number of the group"), UUID(8, "UUID"), HEX(24, 8, "log sequence number"), BE(32, 4, "CRC32"), HEX(36, 476, "free blocks"),
};

/* As they follow each other in every group, a sector each. */
static const struct structure headers[HEADERS] = {
    {.name = "XFS superblock", .size = 512, FIELDS(superblock)},
    {.name = "XFS free space header", .size = 512, FIELDS(agf)},
    {.name = "XFS inode header", .size = 512, FIELDS(agi)},
    {.name = "XFS free list", .size = 512, FIELDS(agfl)},
};

static bool recognise(struct known *known, const struct volume *volume, const uint8_t *head, size_t n)
{
    uint64_t *own = known->own;

    if (n < 512 || memcmp(head, "XFSB", 4) != 0) {
        return false;
    }
    own[OWN_BLOCK] = field_number(head + 4, 4, true);
    own[OWN_SECTOR] = field_number(head + 102, 2, true);
    own[OWN_AG_BLOCKS] = field_number(head + 84, 4, true);
    own[OWN_AGS] = field_number(head + 88, 4, true);
    own[OWN_INODE_SIZE] = field_number(head + 104, 2, true);
    own[OWN_INODE_LOG] = head[123];
    own[OWN_AG_LOG] = head[124];
    own[OWN_V5] = (field_number(head + 100, 2, true) & 15) == VERSION_5;
    if (own[OWN_BLOCK] < 512 || own[OWN_BLOCK] > 65536 || own[OWN_SECTOR] < 512 || own[OWN_SECTOR] > 32768 || own[OWN_AG_LOG] > 32 ||
        own[OWN_INODE_LOG] > 16 || own[OWN_AG_BLOCKS] == 0) {
        own[OWN_AGS] = 0; /* only the first superblock is shown */
    }
    return true;
}

static bool locate(const struct known *known, const struct volume *volume, fields_read_fn *read, void *data, int64_t at, struct place *ret_place)
{
    const uint64_t *own = known->own;
    uint64_t group_bytes = own[OWN_AGS] > 0 ? own[OWN_AG_BLOCKS] * own[OWN_BLOCK] : 0;
    uint64_t group = group_bytes > 0 ? (uint64_t)at / group_bytes : 0, within = group_bytes > 0 ? (uint64_t)at % group_bytes : (uint64_t)at;
    uint64_t sector = own[OWN_AGS] > 0 ? own[OWN_SECTOR] : 512, header = within / sector;

    if (header >= HEADERS || within % sector >= headers[header].size || (group > 0 && group >= own[OWN_AGS]) || (own[OWN_AGS] == 0 && header > 0) ||
        (header == HEADERS - 1 && !own[OWN_V5])) {
        return false;
    }
    *ret_place = (struct place){.structure = &headers[header], .start = at - (int64_t)(within % sector), .number = group};
    g_snprintf(ret_place->note, sizeof ret_place->note, " of group %" G_GUINT64_FORMAT, group);
    return true;
}

static int64_t block_in_group(const uint64_t *own, uint64_t group, uint64_t block)
{
    return group < own[OWN_AGS] && block < own[OWN_AG_BLOCKS] ? volume_product(group * own[OWN_AG_BLOCKS] + block, own[OWN_BLOCK]) : -1;
}

/* UNIT_BLOCK: within the group; UNIT_CLUSTER: with the group in the upper bits; inodes have the block in the upper bits. */
static int64_t resolve(const struct known *known, const struct place *place, enum field_unit unit, uint64_t value)
{
    const uint64_t *own = known->own;

    if (own[OWN_AGS] == 0 || value == UINT64_MAX) {
        return -1; /* the other numbers were not looked at, and any shift may be in them */
    }
    if (unit == UNIT_BLOCK) {
        return block_in_group(own, place->number, value);
    }
    uint64_t inode = unit == UNIT_INODE ? value & ((UINT64_C(1) << own[OWN_INODE_LOG]) - 1) : 0;
    uint64_t block = unit == UNIT_INODE ? value >> own[OWN_INODE_LOG] : value;
    uint64_t mask = (UINT64_C(1) << own[OWN_AG_LOG]) - 1;

    return volume_sum(block_in_group(own, block >> own[OWN_AG_LOG], block & mask), (int64_t)(inode * own[OWN_INODE_SIZE]));
}

const struct volume_format format_xfs = {recognise, locate, resolve, false};
