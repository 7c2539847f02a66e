/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ext2, ext3, ext4: the kernel's Documentation/filesystems/ext4, "Super Block", "Block Group Descriptors", "Layout". */
#include "ui/panels/fields-formats.h"

enum { SUPERBLOCK = 1024, MAGIC = 0xef53, DESCRIPTOR_OLD = 32, DESCRIPTOR_MAX = 64, SPARSE = 0x1, SPARSE2 = 0x200, META_BG = 0x10, IS_64BIT = 0x80 };

enum { OWN_BLOCK, OWN_FIRST, OWN_PER_GROUP, OWN_GROUPS, OWN_DESCRIPTOR, OWN_DESCRIPTORS, OWN_SPARSE, OWN_BACKUP_1, OWN_BACKUP_2 };

static const struct field_name states[] = {{1, "clean"}, {2, "errors"}, {4, "orphans"}, {0, NULL}};
static const struct field_name on_errors[] = {{1, "go on"}, {2, "remount read-only"}, {3, "panic"}, {0, NULL}};
static const struct field_name creators[] = {{0, "Linux"}, {1, "Hurd"}, {2, "Masix"}, {3, "FreeBSD"}, {4, "Lites"}, {0, NULL}};
static const struct field_name hashes[] = {{0, "legacy"}, {1, "half MD4"}, {2, "tea"}, {3, "legacy, unsigned"}, {4, "half MD4, unsigned"}, {5, "tea, unsigned"}, {0, NULL}};
static const struct field_name compatible[] = {
    {0x1, "dir_prealloc"}, {0x2, "imagic_inodes"}, {0x4, "has_journal"}, {0x8, "ext_attr"}, {0x10, "resize_inode"}, {0x20, "dir_index"},
    {0x200, "sparse_super2"}, {0x400, "fast_commit"}, {0x800, "stable_inodes"}, {0x1000, "orphan_file"}, {0, NULL},
};
static const struct field_name incompatible[] = {
    {0x1, "compression"}, {0x2, "filetype"}, {0x4, "needs_recovery"}, {0x8, "journal_dev"}, {0x10, "meta_bg"}, {0x40, "extent"}, {0x80, "64bit"},
    {0x100, "mmp"}, {0x200, "flex_bg"}, {0x400, "ea_inode"}, {0x1000, "dirdata"}, {0x2000, "metadata_csum_seed"}, {0x4000, "large_dir"},
    {0x8000, "inline_data"}, {0x10000, "encrypt"}, {0x20000, "casefold"}, {0, NULL},
};
static const struct field_name read_only[] = {
    {0x1, "sparse_super"}, {0x2, "large_file"}, {0x4, "btree_dir"}, {0x8, "huge_file"}, {0x10, "uninit_bg"}, {0x20, "dir_nlink"}, {0x40, "extra_isize"},
    {0x100, "quota"}, {0x200, "bigalloc"}, {0x400, "metadata_csum"}, {0x1000, "read-only"}, {0x2000, "project"}, {0x8000, "verity"},
    {0x10000, "orphan_present"}, {0, NULL},
};
static const struct field_name super_flags[] = {{1, "signed_directory_hash"}, {2, "unsigned_directory_hash"}, {4, "test_filesystem"}, {0, NULL}};
static const struct field_name mount_options[] = {
    {0x1, "debug"}, {0x2, "bsdgroups"}, {0x4, "user_xattr"}, {0x8, "acl"}, {0x10, "uid16"}, {0x60, "journal_data_writeback"},
    {0x40, "journal_data_ordered"}, {0x20, "journal_data"}, {0x100, "nobarrier"}, {0x200, "block_validity"}, {0x400, "discard"}, {0x800, "nodelalloc"}, {0, NULL},
};

static const struct field superblock[] = {
    LE(0, 4, "inodes"),
    LE(4, 4, "blocks (low)"),
    LE(8, 4, "reserved blocks (low)"),
    LE(12, 4, "free blocks (low)"),
    LE(16, 4, "free inodes"),
    LE_AT(20, 4, "first data block", UNIT_BLOCK),
    LE(24, 4, "log2 block size - 10"),
    LE(28, 4, "log2 cluster size - 10"),
    LE(32, 4, "blocks per group"),
    LE(36, 4, "clusters per group"),
    LE(40, 4, "inodes per group"),
    TIME(44, 4, "mounted"),
    TIME(48, 4, "written"),
    LE(52, 2, "mounts since check"),
    {54, 2, FIELD_SIGNED, "mounts until check", NULL, UNIT_NONE},
    LE(56, 2, "magic"),
    BITS(58, 2, "state", states),
    LE_NAMES(60, 2, "on errors", on_errors),
    LE(62, 2, "minor revision"),
    TIME(64, 4, "checked"),
    LE(68, 4, "seconds between checks"),
    LE_NAMES(72, 4, "creator", creators),
    LE(76, 4, "revision"),
    LE(80, 2, "user of reserved blocks"),
    LE(82, 2, "group of reserved blocks"),
    LE(84, 4, "first inode"),
    LE(88, 2, "inode size"),
    LE(90, 2, "group of this superblock"),
    BITS(92, 4, "compatible features", compatible),
    BITS(96, 4, "incompatible features", incompatible),
    BITS(100, 4, "read-only compatible features", read_only),
    UUID(104, "UUID"),
    TEXT(120, 16, "volume name"),
    TEXT(136, 64, "last mounted on"),
    LE(200, 4, "compression algorithms"),
    LE(204, 1, "blocks to preallocate"),
    LE(205, 1, "blocks to preallocate for directories"),
    LE(206, 2, "reserved GDT blocks"),
    UUID(208, "journal UUID"),
    LE(224, 4, "journal inode"),
    LE(228, 4, "journal device"),
    LE(232, 4, "orphan list"),
    UUID(236, "hash seed"),
    LE_NAMES(252, 1, "hash version", hashes),
    LE(253, 1, "journal backup type"),
    LE(254, 2, "group descriptor size"),
    BITS(256, 4, "default mount options", mount_options),
    LE(260, 4, "first meta block group"),
    TIME(264, 4, "made"),
    HEX(268, 68, "journal inode's blocks"),
    LE(336, 4, "blocks (high)"),
    LE(340, 4, "reserved blocks (high)"),
    LE(344, 4, "free blocks (high)"),
    LE(348, 2, "extra inode bytes, at least"),
    LE(350, 2, "extra inode bytes, wanted"),
    BITS(352, 4, "flags", super_flags),
    LE(356, 2, "RAID stride"),
    LE(358, 2, "MMP seconds"),
    LE_AT(360, 8, "MMP block", UNIT_BLOCK),
    LE(368, 4, "RAID stripe width"),
    LE(372, 1, "log2 groups per flex group"),
    LE(373, 1, "checksum type"),
    LE(376, 8, "KiB written"),
    LE(384, 4, "snapshot inode"),
    LE(388, 4, "snapshot ID"),
    LE(392, 8, "snapshot's reserved blocks"),
    LE(400, 4, "snapshot list"),
    LE(404, 4, "errors"),
    TIME(408, 4, "first error: time"),
    LE(412, 4, "first error: inode"),
    LE_AT(416, 8, "first error: block", UNIT_BLOCK),
    TEXT(424, 32, "first error: function"),
    LE(456, 4, "first error: line"),
    TIME(460, 4, "last error: time"),
    LE(464, 4, "last error: inode"),
    LE(468, 4, "last error: line"),
    LE_AT(472, 8, "last error: block", UNIT_BLOCK),
    TEXT(480, 32, "last error: function"),
    TEXT(512, 64, "mount options"),
    LE(576, 4, "user quota inode"),
    LE(580, 4, "group quota inode"),
    LE(584, 4, "overhead blocks"),
    LE(588, 4, "first group with a backup"),
    LE(592, 4, "second group with a backup"),
    HEX(596, 4, "encryption algorithms"),
    HEX(600, 16, "encryption salt"),
    LE(616, 4, "lost+found inode"),
    LE(620, 4, "project quota inode"),
    LE(624, 4, "checksum seed"),
    LE(628, 1, "written (high)"),
    LE(629, 1, "mounted (high)"),
    LE(630, 1, "made (high)"),
    LE(631, 1, "checked (high)"),
    LE(632, 1, "first error: time (high)"),
    LE(633, 1, "last error: time (high)"),
    LE(634, 1, "first error: code"),
    LE(635, 1, "last error: code"),
    LE(636, 2, "encoding"),
    LE(638, 2, "encoding flags"),
    LE(640, 4, "orphan file inode"),
    LE(1020, 4, "checksum"),
};

static const struct field_name group_flags[] = {{1, "inodes uninitialised"}, {2, "block bitmap uninitialised"}, {4, "inode table zeroed"}, {0, NULL}};

static const struct field descriptor[] = {
    LE_PARTS_AT(0, 4, 32, 4, "block bitmap", UNIT_BLOCK),
    LE_PARTS_AT(4, 4, 36, 4, "inode bitmap", UNIT_BLOCK),
    LE_PARTS_AT(8, 4, 40, 4, "inode table", UNIT_BLOCK),
    LE(12, 2, "free blocks"),
    LE(14, 2, "free inodes"),
    LE(16, 2, "directories"),
    BITS(18, 2, "flags", group_flags),
    LE_PARTS_AT(20, 4, 52, 4, "snapshot exclusion bitmap", UNIT_BLOCK),
    LE(24, 2, "block bitmap checksum"),
    LE(26, 2, "inode bitmap checksum"),
    LE(28, 2, "unused inodes"),
    LE(30, 2, "checksum"),
    LE(32, 4, "block bitmap (high)"),
    LE(36, 4, "inode bitmap (high)"),
    LE(40, 4, "inode table (high)"),
    LE(44, 2, "free blocks (high)"),
    LE(46, 2, "free inodes (high)"),
    LE(48, 2, "directories (high)"),
    LE(50, 2, "unused inodes (high)"),
    LE(52, 4, "snapshot exclusion bitmap (high)"),
    LE(56, 2, "block bitmap checksum (high)"),
    LE(58, 2, "inode bitmap checksum (high)"),
};

static const struct structure superblock_structure = {.name = "ext superblock", .size = 1024, FIELDS(superblock)};
static const struct structure descriptor_structure = {.name = "ext group descriptor", .size = DESCRIPTOR_OLD, .fields = descriptor, .field_count = 12};
static const struct structure descriptor64_structure = {.name = "ext group descriptor", .size = DESCRIPTOR_MAX, FIELDS(descriptor)};

static bool recognise(struct known *known, const struct volume *volume, const uint8_t *head, size_t n)
{
    const uint8_t *super = n >= 2 * SUPERBLOCK ? head + SUPERBLOCK : NULL;
    uint64_t *own = known->own;

    if (!super || field_number(super + 56, 2, false) != MAGIC) {
        return false;
    }
    uint64_t log = field_number(super + 24, 4, false), blocks = field_number(super + 4, 4, false), features = field_number(super + 96, 4, false);
    uint64_t size = field_number(super + 254, 2, false), meta = field_number(super + 260, 4, false);

    blocks |= features & IS_64BIT ? field_number(super + 336, 4, false) << 32 : 0;
    own[OWN_FIRST] = field_number(super + 20, 4, false);
    own[OWN_PER_GROUP] = field_number(super + 32, 4, false);
    own[OWN_BLOCK] = log <= 6 ? UINT64_C(1024) << log : 0;
    if (own[OWN_BLOCK] == 0 || own[OWN_PER_GROUP] == 0 || blocks <= own[OWN_FIRST]) {
        own[OWN_BLOCK] = own[OWN_GROUPS] = 0; /* only the superblock is shown */
        return true;
    }
    own[OWN_GROUPS] = (blocks - own[OWN_FIRST] - 1) / own[OWN_PER_GROUP] + 1;
    own[OWN_DESCRIPTOR] = !(features & IS_64BIT) ? DESCRIPTOR_OLD : size >= DESCRIPTOR_MAX && is_power_of_two(size) ? size : DESCRIPTOR_MAX;
    own[OWN_DESCRIPTORS] = own[OWN_GROUPS];
    if (features & META_BG) { /* later ones are spread over the disk */
        own[OWN_DESCRIPTORS] = MIN(own[OWN_DESCRIPTORS], meta * (own[OWN_BLOCK] / own[OWN_DESCRIPTOR]));
    }
    own[OWN_SPARSE] = field_number(super + 92, 4, false) & SPARSE2 ? 2 : field_number(super + 100, 4, false) & SPARSE;
    own[OWN_BACKUP_1] = field_number(super + 588, 4, false);
    own[OWN_BACKUP_2] = field_number(super + 592, 4, false);
    return true;
}

static bool is_power_of(uint64_t n, uint64_t base)
{
    while (n > 1 && n % base == 0) {
        n /= base;
    }
    return n == 1;
}

static bool has_superblock(const uint64_t *own, uint64_t group)
{
    if (group <= 1 && own[OWN_SPARSE] < 2) {
        return true;
    }
    switch (own[OWN_SPARSE]) {
    case 0:
        return true;
    case 1:
        return is_power_of(group, 3) || is_power_of(group, 5) || is_power_of(group, 7);
    default:
        return group == 0 || group == own[OWN_BACKUP_1] || group == own[OWN_BACKUP_2];
    }
}

/* within: from where the group begins.  Before the first superblock, and that one only, there is room for a boot sector. */
static bool locate_in_group(const uint64_t *own, uint64_t group, uint64_t within, int64_t start, struct place *place)
{
    int64_t at = group == 0 && own[OWN_BLOCK] > SUPERBLOCK ? SUPERBLOCK : 0;

    if (group == 0 && own[OWN_BLOCK] == SUPERBLOCK && own[OWN_FIRST] == 0) { /* a block of it: with bigalloc blocks are counted from there */
        if (within < SUPERBLOCK) {
            return false;
        }
        within -= SUPERBLOCK;
        start += SUPERBLOCK;
    }
    if (within >= (uint64_t)at && within - (uint64_t)at < SUPERBLOCK) {
        *place = (struct place){.structure = &superblock_structure, .start = start + at};
        if (group > 0) {
            g_snprintf(place->note, sizeof place->note, ", backup in group %" G_GUINT64_FORMAT, group);
        }
        return true;
    }
    uint64_t index = within >= own[OWN_BLOCK] ? (within - own[OWN_BLOCK]) / own[OWN_DESCRIPTOR] : own[OWN_DESCRIPTORS];

    if (index >= own[OWN_DESCRIPTORS]) {
        return false;
    }
    *place = (struct place){.structure = own[OWN_DESCRIPTOR] == DESCRIPTOR_OLD ? &descriptor_structure : &descriptor64_structure,
                            .start = start + (int64_t)(own[OWN_BLOCK] + index * own[OWN_DESCRIPTOR]), .number = index};
    if (group > 0) {
        g_snprintf(place->note, sizeof place->note, " %u, backup in group %" G_GUINT64_FORMAT, (unsigned)index, group);
    } else {
        g_snprintf(place->note, sizeof place->note, " %u", (unsigned)index);
    }
    return true;
}

static bool locate(const struct known *known, const struct volume *volume, fields_read_fn *read, void *data, int64_t at, struct place *ret_place)
{
    const uint64_t *own = known->own;

    if (at >= SUPERBLOCK && at < 2 * SUPERBLOCK) {
        *ret_place = (struct place){.structure = &superblock_structure, .start = SUPERBLOCK};
        return true;
    }
    if (own[OWN_BLOCK] == 0 || (uint64_t)at / own[OWN_BLOCK] < own[OWN_FIRST]) {
        return false;
    }
    uint64_t block = (uint64_t)at / own[OWN_BLOCK] - own[OWN_FIRST], group = block / own[OWN_PER_GROUP];
    uint64_t first = own[OWN_FIRST] + group * own[OWN_PER_GROUP], start = first * own[OWN_BLOCK];

    return group < own[OWN_GROUPS] && has_superblock(own, group) && locate_in_group(own, group, (uint64_t)at - start, (int64_t)start, ret_place);
}

static int64_t resolve(const struct known *known, const struct place *place, enum field_unit unit, uint64_t value)
{
    return unit == UNIT_BLOCK && known->own[OWN_BLOCK] > 0 ? volume_product(value, known->own[OWN_BLOCK]) : -1;
}

const struct volume_format format_ext = {recognise, locate, resolve, false};
