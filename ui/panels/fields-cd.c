/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ISO 9660: ECMA-119, section 8 (dates: 8.4.26.1, 9.1.5); El Torito 1.0, "Boot Record Volume Descriptor".  UDF: ECMA-167 3/10.2 (the anchor), OSTA UDF 2.2. */
#include "ui/panels/fields-formats.h"

enum { SECTOR = 2048, FIRST = 16, DESCRIPTORS_MAX = 16, ANCHOR = 256 };

static const struct field_name types[] = {{0, "boot record"}, {1, "primary"}, {2, "supplementary"}, {3, "partition"}, {255, "terminator"}, {0, NULL}};

#define HEADER LE_NAMES(0, 1, "type", types), TEXT(1, 5, "identifier"), LE(6, 1, "version")
#define DATES ISO_DIGITS(813, "made"), ISO_DIGITS(830, "changed"), ISO_DIGITS(847, "expires"), ISO_DIGITS(864, "effective"), LE(881, 1, "file structure version")
#define NUMBERS                                                                                                        \
    LE(80, 4, "blocks"), BE(84, 4, "blocks (big-endian)"), TEXT(88, 32, "escape sequences"), LE(120, 2, "volumes in the set"),    \
        BE(122, 2, "volumes in the set (big-endian)"), LE(124, 2, "number of the volume"), BE(126, 2, "number of the volume (big-endian)"), \
        LE(128, 2, "block size"), BE(130, 2, "block size (big-endian)"), LE(132, 4, "path table size"),                \
        BE(136, 4, "path table size (big-endian)"), LE_AT(140, 4, "path table", UNIT_BLOCK), LE_AT(144, 4, "optional path table", UNIT_BLOCK), \
        BE_AT(148, 4, "path table of big-endian numbers", UNIT_BLOCK), BE_AT(152, 4, "optional path table of big-endian numbers", UNIT_BLOCK), \
        LE(156, 1, "root: bytes of its record"), LE(157, 1, "root: bytes of extended attributes"), LE_AT(158, 4, "root: extent", UNIT_BLOCK), \
        BE(162, 4, "root: extent (big-endian)"), LE(166, 4, "root: bytes"), BE(170, 4, "root: bytes (big-endian)"),   \
        ISO_TIME(174, "root: made"), HEX(181, 1, "root: flags"), HEX(182, 8, "root: interleave, volume, name")

static const struct field volume_fields[] = {
    HEADER, HEX(7, 1, "flags"), TEXT(8, 32, "system"), TEXT(40, 32, "volume"), NUMBERS, TEXT(190, 128, "volume set"), TEXT(318, 128, "publisher"),
    TEXT(446, 128, "preparer"), TEXT(574, 128, "application"), TEXT(702, 37, "copyright file"), TEXT(739, 37, "abstract file"),
    TEXT(776, 37, "bibliographic file"), DATES,
};
#define WIDE(offset, bytes, name) {offset, bytes, FIELD_UTF16_BE, name, NULL, UNIT_NONE}
static const struct field joliet_fields[] = {
    HEADER, HEX(7, 1, "flags"), WIDE(8, 32, "system"), WIDE(40, 32, "volume"), NUMBERS, WIDE(190, 128, "volume set"), WIDE(318, 128, "publisher"),
    WIDE(446, 128, "preparer"), WIDE(574, 128, "application"), WIDE(702, 37, "copyright file"), WIDE(739, 37, "abstract file"),
    WIDE(776, 37, "bibliographic file"), DATES,
};
static const struct field boot_fields[] = {HEADER, TEXT(7, 32, "boot system"), TEXT(39, 32, "boot identifier"), LE_AT(71, 4, "boot catalogue", UNIT_BLOCK)};
static const struct field other_fields[] = {HEADER};

static const struct structure volume_structure = {.name = "ISO 9660 descriptor", .size = SECTOR, FIELDS(volume_fields)};
static const struct structure joliet_structure = {.name = "ISO 9660 descriptor", .size = SECTOR, FIELDS(joliet_fields)};
static const struct structure boot_structure = {.name = "ISO 9660 descriptor", .size = SECTOR, FIELDS(boot_fields)};
static const struct structure other_structure = {.name = "ISO 9660 descriptor", .size = SECTOR, FIELDS(other_fields)};

enum { OWN_COUNT, OWN_BLOCK };

static bool iso_recognise(struct known *known, const struct volume *volume, const uint8_t *head, size_t n)
{
    uint64_t count = 0;

    while (count < DESCRIPTORS_MAX && n >= (FIRST + count + 1) * SECTOR && memcmp(head + (FIRST + count) * SECTOR + 1, "CD001", 5) == 0) {
        known->own[OWN_BLOCK] = count == 0 ? field_number(head + FIRST * SECTOR + 128, 2, false) : known->own[OWN_BLOCK];
        count++;
    }
    known->own[OWN_COUNT] = count;
    return count > 0;
}

static bool iso_locate(const struct known *known, const struct volume *volume, fields_read_fn *read, void *data, int64_t at, struct place *ret_place)
{
    uint8_t head[96];
    int64_t index = at / SECTOR - FIRST;

    if (index < 0 || (uint64_t)index >= known->own[OWN_COUNT]) {
        return false;
    }
    *ret_place = (struct place){.structure = &other_structure, .start = (FIRST + index) * SECTOR, .number = (uint64_t)index};
    g_snprintf(ret_place->note, sizeof ret_place->note, " %u", (unsigned)index + 1);
    if (volume_read(volume, read, data, ret_place->start, head, sizeof head)) {
        bool joliet = head[0] == 2 && head[88] == '%' && head[89] == '/';

        ret_place->structure = head[0] == 0 ? &boot_structure : joliet ? &joliet_structure : head[0] <= 2 ? &volume_structure : &other_structure;
    }
    return true;
}

static int64_t iso_resolve(const struct known *known, const struct place *place, enum field_unit unit, uint64_t value)
{
    return volume_product(value, known->own[OWN_BLOCK] > 0 && place->structure != &boot_structure ? known->own[OWN_BLOCK] : SECTOR);
}

const struct volume_format format_iso = {iso_recognise, iso_locate, iso_resolve, false};

/* ---- UDF ---- */

static const struct field_name tags[] = {{1, "primary volume"}, {2, "anchor"}, {3, "pointer"}, {4, "implementation"}, {5, "partition"}, {6, "logical volume"}, {8, "terminator"}, {0, NULL}};
static const struct field sequence[] = {LE(0, 1, "type"), TEXT(1, 5, "identifier"), LE(6, 1, "version")};
static const struct field anchor[] = {
    LE_NAMES(0, 2, "tag", tags),
    LE(2, 2, "descriptor version"),
    LE(4, 1, "tag checksum"),
    LE(6, 2, "tag serial number"),
    LE(8, 2, "CRC"),
    LE(10, 2, "bytes of the CRC"),
    LE(12, 4, "block of this tag"),
    LE(16, 4, "main sequence: bytes"),
    LE_AT(20, 4, "main sequence: block", UNIT_BLOCK),
    LE(24, 4, "reserve sequence: bytes"),
    LE_AT(28, 4, "reserve sequence: block", UNIT_BLOCK),
};
static const struct structure sequence_structure = {.name = "UDF recognition descriptor", .size = 7, FIELDS(sequence)};
static const struct structure anchor_structure = {.name = "UDF anchor", .size = 32, FIELDS(anchor)};

static bool udf_recognise(struct known *known, const struct volume *volume, const uint8_t *head, size_t n)
{
    for (size_t i = FIRST; i < FIRST + DESCRIPTORS_MAX && n >= (i + 1) * SECTOR; i++) {
        const uint8_t *id = head + i * SECTOR + 1;

        known->own[OWN_BLOCK] = i;
        if (memcmp(id, "NSR02", 5) == 0 || memcmp(id, "NSR03", 5) == 0) {
            return true;
        }
    }
    return false;
}

/* The anchor is in sector 256, of whatever size those are: its tag says so itself. */
static bool udf_locate(const struct known *known, const struct volume *volume, fields_read_fn *read, void *data, int64_t at, struct place *ret_place)
{
    const struct fixed recognition = {&sequence_structure, (int64_t)known->own[OWN_BLOCK] * SECTOR, 0};

    for (int64_t sector = 512; sector <= 4096; sector *= 2) {
        const struct fixed list = {&anchor_structure, ANCHOR * sector, 0};
        uint8_t tag[16];

        if (fixed_locate(&list, 1, at, ret_place) && volume_read(volume, read, data, list.at, tag, sizeof tag)) {
            ret_place->number = (uint64_t)sector;
            return field_number(tag, 2, false) == 2 && field_number(tag + 12, 4, false) == ANCHOR;
        }
    }
    return fixed_locate(&recognition, 1, at, ret_place);
}

static int64_t udf_resolve(const struct known *known, const struct place *place, enum field_unit unit, uint64_t value)
{
    return volume_product(value, place->number);
}

const struct volume_format format_udf = {udf_recognise, udf_locate, udf_resolve, false};
