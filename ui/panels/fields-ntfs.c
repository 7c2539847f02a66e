/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NTFS: the boot sector as in Microsoft's "How NTFS Works" ("NTFS Boot Sector"), records as in its [MS-FSA] companion "FILE_RECORD_SEGMENT_HEADER". */
#include "ui/panels/fields-formats.h"
#include "ui/panels/fields-fat.h"

enum { SYSTEM_RECORDS = 16, MIRRORED = 4 };

enum { OWN_CLUSTER, OWN_MFT, OWN_MIRROR, OWN_RECORD, OWN_BACKUP };

static const struct field boot[] = {
    BIOS_PARAMETERS,
    LE(40, 8, "sectors"),
    LE_AT(48, 8, "cluster of the MFT", UNIT_CLUSTER),
    LE_AT(56, 8, "cluster of the MFT mirror", UNIT_CLUSTER),
    {64, 1, FIELD_SIGNED, "clusters per MFT record, or -log2 of bytes", NULL, UNIT_NONE},
    {68, 1, FIELD_SIGNED, "clusters per index block, or -log2 of bytes", NULL, UNIT_NONE},
    {72, 8, FIELD_LE, "serial number", NULL, UNIT_NONE},
    LE(80, 4, "checksum"),
    HEX(84, 426, "boot code"),
    HEX(510, 2, "boot signature"),
};

static const struct field_name record_flags[] = {{1, "in use"}, {2, "directory"}, {4, "extension"}, {8, "view index"}, {0, NULL}};

static const struct field record[] = {
    TEXT(0, 4, "magic"),
    LE(4, 2, "offset of the fixup array"),
    LE(6, 2, "entries of the fixup array"),
    LE(8, 8, "log sequence number"),
    LE(16, 2, "sequence number"),
    LE(18, 2, "names"),
    LE(20, 2, "offset of the first attribute"),
    BITS(22, 2, "flags", record_flags),
    LE(24, 4, "bytes used"),
    LE(28, 4, "bytes allocated"),
    LE(32, 8, "base record"),
    LE(40, 2, "next attribute ID"),
    LE(44, 4, "number of the record"),
};

static const struct structure boot_structure = {.name = "NTFS boot sector", .size = 512, FIELDS(boot)};
static const struct structure backup_structure = {.name = "NTFS backup boot sector", .size = 512, FIELDS(boot)};
static const struct structure record_structure = {.name = "NTFS MFT record", .size = 48, FIELDS(record)};
static const struct structure mirror_structure = {.name = "NTFS MFT mirror record", .size = 48, FIELDS(record)};

static bool recognise(struct known *known, const struct volume *volume, const uint8_t *head, size_t n)
{
    uint64_t *own = known->own, per_cluster;
    int64_t mft, mirror;

    if (n < 512 || memcmp(head + 3, "NTFS    ", 8) != 0) {
        return false;
    }
    uint64_t sector = field_number(head + 11, 2, false);
    int record_size = (int8_t)head[64];

    per_cluster = head[13] <= 128 ? head[13] : (256 - head[13]) < 24 ? UINT64_C(1) << (256 - head[13]) : 0;
    own[OWN_CLUSTER] = is_power_of_two(sector) && is_power_of_two(per_cluster) ? sector * per_cluster : 0;
    own[OWN_RECORD] = record_size > 0 ? (uint64_t)record_size * own[OWN_CLUSTER] : record_size > -20 ? UINT64_C(1) << -record_size : 0;
    mft = volume_product(field_number(head + 48, 8, false), own[OWN_CLUSTER]);
    mirror = volume_product(field_number(head + 56, 8, false), own[OWN_CLUSTER]);
    own[OWN_MFT] = own[OWN_CLUSTER] > 0 && mft > 0 ? (uint64_t)mft : 0;
    own[OWN_MIRROR] = own[OWN_CLUSTER] > 0 && mirror > 0 ? (uint64_t)mirror : 0;
    own[OWN_BACKUP] = (uint64_t)MAX(0, volume_product(field_number(head + 40, 8, false), sector)); /* behind the last one */
    return true;
}

static bool locate_record(uint64_t start, uint64_t size, unsigned count, const struct structure *structure, uint64_t at, struct place *place)
{
    static const char *const names[SYSTEM_RECORDS] = {"$MFT", "$MFTMirr", "$LogFile", "$Volume", "$AttrDef", "root directory", "$Bitmap", "$Boot",
                                                      "$BadClus", "$Secure", "$UpCase", "$Extend"};
    uint64_t index = start > 0 && size >= structure->size && at >= start ? (at - start) / size : count;

    if (index >= count || (at - start) % size >= structure->size) {
        return false;
    }
    *place = (struct place){.structure = structure, .start = (int64_t)(start + index * size), .number = index};
    g_snprintf(place->note, sizeof place->note, " %u %s", (unsigned)index, names[index] ? names[index] : "");
    g_strchomp(place->note);
    return true;
}

static bool locate(const struct known *known, const struct volume *volume, fields_read_fn *read, void *data, int64_t at, struct place *ret_place)
{
    const uint64_t *own = known->own;
    uint64_t to = (uint64_t)at;

    if (to < 512 || (own[OWN_BACKUP] > 0 && to >= own[OWN_BACKUP] && to - own[OWN_BACKUP] < 512)) {
        *ret_place = (struct place){.structure = to < 512 ? &boot_structure : &backup_structure, .start = to < 512 ? 0 : (int64_t)own[OWN_BACKUP]};
        return true;
    }
    return locate_record(own[OWN_MFT], own[OWN_RECORD], SYSTEM_RECORDS, &record_structure, to, ret_place) ||
           locate_record(own[OWN_MIRROR], own[OWN_RECORD], MIRRORED, &mirror_structure, to, ret_place);
}

static int64_t resolve(const struct known *known, const struct place *place, enum field_unit unit, uint64_t value)
{
    return unit == UNIT_CLUSTER && known->own[OWN_CLUSTER] > 0 ? volume_product(value, known->own[OWN_CLUSTER]) : -1;
}

const struct volume_format format_ntfs = {recognise, locate, resolve, false};
