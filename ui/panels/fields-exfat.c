/* SPDX-License-Identifier: GPL-3.0-or-later */
/* exFAT: Microsoft's "exFAT file system specification", sections 3 (boot regions), 4.1 (FAT), 6 and 7 (directory entries). */
#include "ui/panels/fields-formats.h"

enum { ENTRY = 32, REGION_SECTORS = 12, EXTENDED_FIRST = 1, EXTENDED_LAST = 8, OEM = 9, CHECKSUM = 11 };

enum { OWN_SECTOR, OWN_CLUSTER, OWN_FAT, OWN_FAT_BYTES, OWN_FATS, OWN_HEAP, OWN_CLUSTERS, OWN_ROOT };

static const struct field_name volume_flags[] = {{1, "second FAT active"}, {2, "dirty"}, {4, "media failure"}, {8, "clear to zero"}, {0, NULL}};

static const struct field boot[] = {
    HEX(0, 3, "jump"),
    TEXT(3, 8, "file system"),
    HEX(11, 53, "must be zero"),
    LE(64, 8, "sectors before the partition"),
    LE(72, 8, "sectors"),
    LE_AT(80, 4, "sector of the FAT", UNIT_BLOCK),
    LE(84, 4, "sectors per FAT"),
    LE_AT(88, 4, "sector of the cluster heap", UNIT_BLOCK),
    LE(92, 4, "clusters"),
    LE_AT(96, 4, "first cluster of the root", UNIT_CLUSTER),
    LE(100, 4, "serial number"),
    HEX(104, 2, "revision (minor, major)"),
    BITS(106, 2, "volume flags", volume_flags),
    LE(108, 1, "log2 bytes per sector"),
    LE(109, 1, "log2 sectors per cluster"),
    LE(110, 1, "FATs"),
    HEX(111, 1, "drive"),
    LE(112, 1, "per cent in use"),
    HEX(120, 390, "boot code"),
    HEX(510, 2, "boot signature"),
};

static const struct field extended[] = {HEX(0, 508, "boot code"), HEX(508, 4, "signature")};
static const struct field oem[] = {GUID(0, "parameters 1: type"), HEX(16, 32, "parameters 1")};
static const struct field checksum[] = {LE(0, 4, "checksum of the region")};
static const struct field_name next_names[] = {{0, "free"}, {0xfffffff7, "bad"}, {0xffffffff, "end"}, {0, NULL}};
static const struct field fat_entry[] = {{0, 4, FIELD_LE, "next cluster", next_names, UNIT_CLUSTER}};

static const struct field_name entry_types[] = {
    {0x00, "end of the directory"}, {0x81, "allocation bitmap"}, {0x82, "up-case table"}, {0x83, "volume label"}, {0x85, "file"}, {0xa0, "volume GUID"},
    {0xc0, "stream"}, {0xc1, "file name"}, {0x03, "no volume label"}, {0x05, "file, deleted"}, {0x40, "stream, deleted"}, {0x41, "file name, deleted"}, {0, NULL},
};
static const struct field_name attributes[] = {{1, "read-only"}, {2, "hidden"}, {4, "system"}, {16, "directory"}, {32, "archive"}, {0, NULL}};
static const struct field_name stream_flags[] = {{1, "may be allocated"}, {2, "without FAT chain"}, {0, NULL}};

#define ENTRY_TYPE LE_NAMES(0, 1, "type", entry_types)
static const struct field bitmap[] = {ENTRY_TYPE, LE(1, 1, "flags"), LE_AT(20, 4, "first cluster", UNIT_CLUSTER), LE(24, 8, "bytes")};
static const struct field upcase[] = {ENTRY_TYPE, HEX(4, 4, "checksum"), LE_AT(20, 4, "first cluster", UNIT_CLUSTER), LE(24, 8, "bytes")};
static const struct field label[] = {ENTRY_TYPE, LE(1, 1, "characters"), UTF16(2, 22, "label")};
static const struct field file[] = {
    ENTRY_TYPE,
    LE(1, 1, "entries that follow"),
    LE(2, 2, "checksum of the entries"),
    BITS(4, 2, "attributes", attributes),
    {8, 4, FIELD_DOS_TIME, "made", NULL, UNIT_NONE},
    {12, 4, FIELD_DOS_TIME, "changed", NULL, UNIT_NONE},
    {16, 4, FIELD_DOS_TIME, "used", NULL, UNIT_NONE},
    LE(20, 1, "made: hundredths"),
    LE(21, 1, "changed: hundredths"),
    LE(22, 1, "made: offset from UTC"),
    LE(23, 1, "changed: offset from UTC"),
    LE(24, 1, "used: offset from UTC"),
};
static const struct field stream[] = {
    ENTRY_TYPE, BITS(1, 1, "flags", stream_flags), LE(3, 1, "characters of the name"), LE(4, 2, "hash of the name"), LE(8, 8, "valid bytes"),
    LE_AT(20, 4, "first cluster", UNIT_CLUSTER), LE(24, 8, "bytes"),
};
static const struct field name[] = {ENTRY_TYPE, LE(1, 1, "flags"), UTF16(2, 30, "name")};
static const struct field guid[] = {ENTRY_TYPE, LE(1, 1, "entries that follow"), LE(2, 2, "checksum"), LE(4, 2, "flags"), GUID(6, "volume GUID")};
static const struct field other[] = {ENTRY_TYPE, HEX(1, 31, "contents")};

static const struct structure boot_structure = {.name = "exFAT boot sector", .size = 512, FIELDS(boot)};
static const struct structure extended_structure = {.name = "exFAT extended boot sector", .size = 512, FIELDS(extended)};
static const struct structure oem_structure = {.name = "exFAT OEM parameters", .size = 512, FIELDS(oem)};
static const struct structure checksum_structure = {.name = "exFAT boot checksum", .size = 512, FIELDS(checksum)};
static const struct structure fat_structure = {.name = "exFAT", .size = 4, FIELDS(fat_entry)};

static const struct {
    uint8_t type;
    struct structure structure;
} entries[] = {
    {0x81, {"exFAT allocation bitmap entry", ENTRY, FIELDS(bitmap)}}, {0x82, {"exFAT up-case table entry", ENTRY, FIELDS(upcase)}},
    {0x83, {"exFAT label entry", ENTRY, FIELDS(label)}},              {0x85, {"exFAT file entry", ENTRY, FIELDS(file)}},
    {0xa0, {"exFAT volume GUID entry", ENTRY, FIELDS(guid)}},         {0xc0, {"exFAT stream entry", ENTRY, FIELDS(stream)}},
    {0xc1, {"exFAT name entry", ENTRY, FIELDS(name)}},                {0x00, {"exFAT directory entry", ENTRY, FIELDS(other)}},
};

static bool recognise(struct known *known, const struct volume *volume, const uint8_t *head, size_t n)
{
    uint64_t *own = known->own;

    if (n < 512 || memcmp(head + 3, "EXFAT   ", 8) != 0) {
        return false;
    }
    uint8_t sector_log = head[108], cluster_log = head[109];

    if (sector_log < 9 || sector_log > 12 || cluster_log > 25 - sector_log) {
        own[OWN_SECTOR] = 512; /* 0 clusters, no FAT: only the boot region is shown */
        return true;
    }
    own[OWN_SECTOR] = UINT64_C(1) << sector_log;
    own[OWN_CLUSTER] = own[OWN_SECTOR] << cluster_log;
    own[OWN_FAT] = field_number(head + 80, 4, false) * own[OWN_SECTOR];
    own[OWN_FAT_BYTES] = field_number(head + 84, 4, false) * own[OWN_SECTOR];
    own[OWN_FATS] = head[110] == 2 ? 2 : 1;
    own[OWN_HEAP] = field_number(head + 88, 4, false) * own[OWN_SECTOR];
    own[OWN_CLUSTERS] = field_number(head + 92, 4, false);
    own[OWN_ROOT] = field_number(head + 96, 4, false);
    return true;
}

static int64_t resolve(const struct known *known, const struct place *place, enum field_unit unit, uint64_t value)
{
    const uint64_t *own = known->own;

    if (unit == UNIT_BLOCK) {
        return volume_product(value, own[OWN_SECTOR]);
    }
    return value >= 2 && value - 2 < own[OWN_CLUSTERS] ? volume_sum((int64_t)own[OWN_HEAP], volume_product(value - 2, own[OWN_CLUSTER])) : -1;
}

static bool locate_region(const uint64_t *own, uint64_t at, struct place *place)
{
    uint64_t sector = at / own[OWN_SECTOR], start = sector * own[OWN_SECTOR], which = sector % REGION_SECTORS;
    const struct structure *structure = which == 0 ? &boot_structure : which <= EXTENDED_LAST ? &extended_structure : which == OEM ? &oem_structure : which == CHECKSUM ? &checksum_structure : NULL;
    /* The signature of extended boot sectors is at the end of them, however long they are. */
    uint64_t skip = structure == &extended_structure ? own[OWN_SECTOR] - structure->size : 0;

    if (!structure || sector >= 2 * REGION_SECTORS || at < start + skip || at - start - skip >= structure->size) {
        return false;
    }
    *place = (struct place){.structure = structure, .start = (int64_t)(start + skip), .number = sector};
    if (structure == &extended_structure) {
        g_snprintf(place->note, sizeof place->note, " %u%s", (unsigned)which, sector >= REGION_SECTORS ? ", backup" : "");
    } else if (sector >= REGION_SECTORS) {
        g_strlcpy(place->note, ", backup", sizeof place->note);
    }
    return true;
}

static bool locate_entry(const struct volume *volume, fields_read_fn *read, void *data, uint64_t directory, uint64_t at, struct place *place)
{
    uint64_t index = (at - directory) / ENTRY;
    uint8_t type = 0;
    size_t i = 0;

    *place = (struct place){.start = (int64_t)(directory + index * ENTRY), .number = index};
    volume_read(volume, read, data, place->start, &type, 1);
    while (entries[i].type != type && entries[i].type != 0) {
        i++;
    }
    place->structure = &entries[i].structure;
    g_snprintf(place->note, sizeof place->note, " %u of the root", (unsigned)index + 1);
    return true;
}

static bool locate(const struct known *known, const struct volume *volume, fields_read_fn *read, void *data, int64_t offset, struct place *ret_place)
{
    const uint64_t *own = known->own;
    uint64_t at = (uint64_t)offset, cluster = (at - own[OWN_FAT]) % MAX(own[OWN_FAT_BYTES], 1) / 4;

    if (locate_region(own, at, ret_place)) {
        return true;
    }
    if (at >= own[OWN_FAT] && at - own[OWN_FAT] < own[OWN_FATS] * own[OWN_FAT_BYTES]) {
        *ret_place = (struct place){.structure = &fat_structure, .start = offset - (int64_t)((at - own[OWN_FAT]) % 4), .number = cluster};
        g_snprintf(ret_place->note, sizeof ret_place->note, " FAT, of cluster %" G_GUINT64_FORMAT, cluster);
        return cluster < own[OWN_CLUSTERS] + 2;
    }
    int64_t root = resolve(known, NULL, UNIT_CLUSTER, own[OWN_ROOT]);

    return root >= 0 && offset >= root && at - (uint64_t)root < own[OWN_CLUSTER] && locate_entry(volume, read, data, (uint64_t)root, at, ret_place);
}

const struct volume_format format_exfat = {recognise, locate, resolve, false};
