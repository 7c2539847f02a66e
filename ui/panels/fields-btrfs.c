/* SPDX-License-Identifier: GPL-3.0-or-later */
/* btrfs: the btrfs documentation, "On-disk Format", sections "Superblock", "DEV_ITEM", "CHUNK_ITEM". */
#include "ui/panels/fields-formats.h"

enum { SUPERBLOCK = 65536, SIZE = 4096, ARRAY = 811, ARRAY_BYTES = 2048, KEY = 17, CHUNK = 48, STRIPE = 32, CHUNKS_MAX = 3 };
enum { RAID0 = 0x8, RAID10 = 0x40, RAID5 = 0x80, RAID6 = 0x100 }; /* types of chunks whose bytes take turns on devices */

/* The first chunks of the superblock that this device has all of, which are enough to find the chunk tree: where logical addresses are. */
enum { OWN_CHUNKS, OWN_LOGICAL, OWN_LENGTH = OWN_LOGICAL + CHUNKS_MAX, OWN_PHYSICAL = OWN_LENGTH + CHUNKS_MAX };

static const struct field_name incompatible[] = {
    {0x1, "mixed_backref"}, {0x2, "default_subvol"}, {0x4, "mixed_groups"}, {0x8, "compress_lzo"}, {0x10, "compress_zstd"}, {0x20, "big_metadata"},
    {0x40, "extended_iref"}, {0x80, "raid56"}, {0x100, "skinny_metadata"}, {0x200, "no_holes"}, {0x400, "metadata_uuid"}, {0x800, "raid1c34"},
    {0x1000, "zoned"}, {0x2000, "extent_tree_v2"}, {0, NULL},
};
static const struct field_name read_only[] = {{1, "free_space_tree"}, {2, "free_space_tree_valid"}, {4, "verity"}, {8, "block_group_tree"}, {0, NULL}};
static const struct field_name checksums[] = {{0, "CRC32C"}, {1, "xxHash64"}, {2, "SHA-256"}, {3, "BLAKE2"}, {0, NULL}};
static const struct field_name flags[] = {{1, "written"}, {2, "reloc"}, {UINT64_C(1) << 2, "error"}, {UINT64_C(1) << 32, "seeding"}, {UINT64_C(1) << 33, "metadump"}, {0, NULL}};

static const struct field superblock[] = {
    HEX(0, 32, "checksum"),
    UUID(32, "UUID"),
    LE_AT(48, 8, "address of this superblock", UNIT_BYTE),
    BITS(56, 8, "flags", flags),
    TEXT(64, 8, "magic"),
    LE(72, 8, "generation"),
    LE_AT(80, 8, "root tree (logical)", UNIT_BLOCK),
    LE_AT(88, 8, "chunk tree (logical)", UNIT_BLOCK),
    LE_AT(96, 8, "log tree (logical)", UNIT_BLOCK),
    LE(104, 8, "log tree's transaction"),
    LE(112, 8, "bytes in all"),
    LE(120, 8, "bytes used"),
    LE(128, 8, "root directory object"),
    LE(136, 8, "devices"),
    LE(144, 4, "sector size"),
    LE(148, 4, "node size"),
    LE(152, 4, "leaf size (unused)"),
    LE(156, 4, "stripe size"),
    LE(160, 4, "bytes of the chunk array"),
    LE(164, 8, "chunk tree's generation"),
    LE(172, 8, "compatible features"),
    BITS(180, 8, "read-only compatible features", read_only),
    BITS(188, 8, "incompatible features", incompatible),
    LE_NAMES(196, 2, "checksum type", checksums),
    LE(198, 1, "root tree's level"),
    LE(199, 1, "chunk tree's level"),
    LE(200, 1, "log tree's level"),
    LE(201, 8, "this device: ID"),
    LE(209, 8, "this device: bytes"),
    LE(217, 8, "this device: bytes used"),
    LE(225, 4, "this device: I/O alignment"),
    LE(229, 4, "this device: I/O width"),
    LE(233, 4, "this device: sector size"),
    LE(237, 8, "this device: type"),
    LE(245, 8, "this device: generation"),
    LE(253, 8, "this device: start"),
    LE(261, 4, "this device: group"),
    LE(265, 1, "this device: seek speed"),
    LE(266, 1, "this device: bandwidth"),
    UUID(267, "this device: UUID"),
    UUID(283, "this device: file system's UUID"),
    TEXT(299, 256, "label"),
    LE(555, 8, "cache generation"),
    LE(563, 8, "UUID tree's generation"),
    UUID(571, "metadata UUID"),
    HEX(ARRAY, ARRAY_BYTES, "chunk array"),
    HEX(ARRAY + ARRAY_BYTES, 672, "backups of the roots"),
};

static const struct structure structure = {.name = "btrfs superblock", .size = SIZE, FIELDS(superblock)};

/* Where the chunk is on this device; NULL: not, or in pieces. */
static const uint8_t *own_stripe(const uint8_t *chunk, size_t stripes, uint64_t device)
{
    bool in_pieces = field_number(chunk + 24, 8, false) & (RAID0 | RAID10 | RAID5 | RAID6);

    for (size_t i = 0; i < stripes && !in_pieces; i++) {
        const uint8_t *stripe = chunk + CHUNK + i * STRIPE;

        if (field_number(stripe, 8, false) == device) {
            return stripe;
        }
    }
    return NULL;
}

static void read_chunks(uint64_t *own, const uint8_t *array, size_t n, uint64_t device)
{
    for (size_t at = 0; own[OWN_CHUNKS] < CHUNKS_MAX && n - at >= KEY + CHUNK + STRIPE;) {
        const uint8_t *chunk = array + at + KEY;
        size_t stripes = (size_t)field_number(chunk + 44, 2, false);

        if (stripes > (n - at - KEY - CHUNK) / STRIPE) {
            return;
        }
        const uint8_t *stripe = own_stripe(chunk, stripes, device);

        if (stripe) {
            uint64_t i = own[OWN_CHUNKS]++;

            own[OWN_LOGICAL + i] = field_number(array + at + 9, 8, false);
            own[OWN_LENGTH + i] = field_number(chunk, 8, false);
            own[OWN_PHYSICAL + i] = field_number(stripe + 8, 8, false);
        }
        at += KEY + CHUNK + MAX(stripes, 1) * STRIPE;
    }
}

static bool recognise(struct known *known, const struct volume *volume, const uint8_t *head, size_t n)
{
    const uint8_t *super = n >= SUPERBLOCK + SIZE ? head + SUPERBLOCK : NULL;

    if (!super || memcmp(super + 64, "_BHRfS_M", 8) != 0) {
        return false;
    }
    read_chunks(known->own, super + ARRAY, MIN(ARRAY_BYTES, (size_t)field_number(super + 160, 4, false)), field_number(super + 201, 8, false));
    return true;
}

static bool locate(const struct known *known, const struct volume *volume, fields_read_fn *read, void *data, int64_t at, struct place *ret_place)
{
    static const struct fixed copies[] = {{&structure, SUPERBLOCK, 0}, {&structure, INT64_C(64) << 20, 0}, {&structure, INT64_C(256) << 30, 0}};

    for (size_t i = 0; i < G_N_ELEMENTS(copies); i++) {
        if (copies[i].at + SIZE <= volume->size && fixed_locate(&copies[i], 1, at, ret_place)) {
            if (i > 0)
                g_snprintf(ret_place->note, sizeof ret_place->note, ", copy %u", (unsigned)i);
            return true;
        }
    }
    return false;
}

static int64_t resolve(const struct known *known, const struct place *place, enum field_unit unit, uint64_t value)
{
    const uint64_t *own = known->own;

    for (uint64_t i = 0; i < own[OWN_CHUNKS]; i++) {
        if (value >= own[OWN_LOGICAL + i] && value - own[OWN_LOGICAL + i] < own[OWN_LENGTH + i]) {
            return volume_sum(volume_product(own[OWN_PHYSICAL + i], 1), (int64_t)MIN(value - own[OWN_LOGICAL + i], INT64_MAX));
        }
    }
    return -1;
}

const struct volume_format format_btrfs = {recognise, locate, resolve, false};
