/* SPDX-License-Identifier: GPL-3.0-or-later */
/* LVM2: the label and the metadata area as "LVM2 On-Disk Format" (libvslvm's documentation) describes them, with field names of `pvck --dump`. */
#include "ui/panels/fields-formats.h"

enum { SECTOR = 512, LABEL_SECTORS = 4, PV = 32, AREAS = 40, AREA = 16, AREAS_MAX = 32, LOCATION = 24, LOCATIONS_AT = 40, LOCATIONS = 4 };

/* Where things are; 0: there is no such. */
enum { OWN_LABEL, OWN_DATA_COUNT, OWN_METADATA_COUNT, OWN_EXTENSION, OWN_METADATA, OWN_METADATA_BYTES };

static const struct field label[] = {
    TEXT(0, 8, "identifier"), LE_AT(8, 8, "sector of the label", UNIT_SECTOR), LE(16, 4, "CRC32"), LE(20, 4, "offset of the PV header"), TEXT(24, 8, "type"),
};
static const struct field pv[] = {TEXT(0, 32, "PV UUID"), LE(32, 8, "device size")};
static const struct field data_area[] = {LE_AT(0, 8, "offset", UNIT_BYTE), LE(8, 8, "size (0: to the end)")};
static const struct field metadata_area[] = {LE_AT(0, 8, "offset", UNIT_BYTE), LE(8, 8, "size")};
static const struct field_name extension_flags[] = {{1, "in use"}, {0, NULL}};
static const struct field extension[] = {LE(0, 4, "version"), BITS(4, 4, "flags", extension_flags)};
static const struct field header[] = {
    LE(0, 4, "CRC32"), TEXT(4, 16, "magic"), LE(20, 4, "version"), LE_AT(24, 8, "start", UNIT_BYTE), LE(32, 8, "size"),
};
static const struct field_name location_flags[] = {{1, "ignored"}, {0, NULL}};
static const struct field location[] = {
    LE_AT(0, 8, "offset of the text in the area", UNIT_BLOCK), LE(8, 8, "size"), LE(16, 4, "CRC32"), BITS(20, 4, "flags", location_flags),
};
static const struct field text[] = {TEXT(0, 512, "text")};

static const struct structure label_structure = {.name = "LVM label", .size = PV, FIELDS(label)};
static const struct structure pv_structure = {.name = "LVM PV header", .size = AREAS, FIELDS(pv)};
static const struct structure data_structure = {.name = "LVM data area", .size = AREA, FIELDS(data_area)};
static const struct structure metadata_structure = {.name = "LVM metadata area", .size = AREA, FIELDS(metadata_area)};
static const struct structure extension_structure = {.name = "LVM PV header extension", .size = 8, FIELDS(extension)};
static const struct structure header_structure = {.name = "LVM metadata area header", .size = LOCATIONS_AT, FIELDS(header)};
static const struct structure location_structure = {.name = "LVM raw location", .size = LOCATION, FIELDS(location)};
static const struct structure current_structure = {.name = "LVM metadata text", .size = SECTOR, FIELDS(text)};
static const struct structure old_structure = {.name = "LVM metadata text, not current", .size = SECTOR, FIELDS(text)};

/* Areas until one with no offset, as the list of either sort ends; bytes behind its end, or 0. */
static size_t count_areas(const uint8_t *list, size_t n, uint64_t *ret_count)
{
    for (size_t i = 0; (i + 1) * AREA <= n && i < AREAS_MAX; i++) {
        if (field_number(list + i * AREA, 8, false) == 0) {
            *ret_count = i;
            return (i + 1) * AREA;
        }
    }
    return 0;
}

static bool recognise(struct known *known, const struct volume *volume, const uint8_t *head, size_t n)
{
    uint64_t *own = known->own;
    size_t at = 0;

    while (at < LABEL_SECTORS * SECTOR && n >= at + SECTOR && memcmp(head + at, "LABELONE", 8) != 0) {
        at += SECTOR;
    }
    if (at >= LABEL_SECTORS * SECTOR || n < at + SECTOR || memcmp(head + at + 24, "LVM2 001", 8) != 0) {
        return false;
    }
    const uint8_t *list = head + at + PV + AREAS;
    size_t left = SECTOR - PV - AREAS, data_bytes = count_areas(list, left, &own[OWN_DATA_COUNT]);
    size_t bytes = data_bytes > 0 ? count_areas(list + data_bytes, left - data_bytes, &own[OWN_METADATA_COUNT]) : 0;

    own[OWN_LABEL] = at;
    own[OWN_EXTENSION] = bytes > 0 && data_bytes + bytes + extension_structure.size <= left ? at + PV + AREAS + data_bytes + bytes : 0;
    if (own[OWN_METADATA_COUNT] > 0) {
        int64_t start = volume_product(field_number(list + data_bytes, 8, false), 1), size = volume_product(field_number(list + data_bytes + 8, 8, false), 1);

        own[OWN_METADATA] = start > 0 && start < volume->size ? (uint64_t)start : 0;
        own[OWN_METADATA_BYTES] = own[OWN_METADATA] > 0 && size > 0 ? (uint64_t)MIN(size, volume->size - start) : 0;
    }
    return true;
}

/* A piece of the area behind its header: of the text that counts, or of what was there before, or nothing. */
static bool locate_text(const struct known *known, const struct volume *volume, fields_read_fn *read, void *data, uint64_t within, struct place *place)
{
    uint64_t start = within - within % SECTOR, current = 0, bytes = 0, room = known->own[OWN_METADATA_BYTES] - SECTOR;
    uint8_t raw[LOCATION], first[1] = {0};
    int64_t area = (int64_t)known->own[OWN_METADATA];

    if (volume_read(volume, read, data, area + LOCATIONS_AT, raw, sizeof raw)) {
        current = field_number(raw, 8, false);
        bytes = field_number(raw + 8, 8, false);
    }
    /* It goes on at the start of the area, which is round. */
    bool counts = current >= SECTOR && bytes <= room && current - SECTOR < room && (within - current + (within < current ? room : 0)) < bytes;

    *place = (struct place){.structure = counts ? &current_structure : &old_structure, .start = area + (int64_t)start};
    return counts || (volume_read(volume, read, data, place->start, first, 1) && first[0] != 0);
}

static bool locate(const struct known *known, const struct volume *volume, fields_read_fn *read, void *data, int64_t at, struct place *ret_place)
{
    const uint64_t *own = known->own;
    int64_t start = (int64_t)own[OWN_LABEL], data_at = start + PV + AREAS, area = (int64_t)own[OWN_METADATA];
    int64_t metadata_at = data_at + (int64_t)(own[OWN_DATA_COUNT] + 1) * AREA;
    struct fixed list[8] = {{&label_structure, start, 0}, {&pv_structure, start + PV, 0}};
    size_t n = 2;

    if (own[OWN_DATA_COUNT] > 0) {
        list[n++] = (struct fixed){&data_structure, data_at, (uint32_t)own[OWN_DATA_COUNT]};
    }
    if (own[OWN_METADATA_COUNT] > 0) {
        list[n++] = (struct fixed){&metadata_structure, metadata_at, (uint32_t)own[OWN_METADATA_COUNT]};
    }
    if (own[OWN_EXTENSION] > 0) {
        list[n++] = (struct fixed){&extension_structure, (int64_t)own[OWN_EXTENSION], 0};
    }
    if (own[OWN_METADATA_BYTES] > SECTOR) {
        list[n++] = (struct fixed){&header_structure, area, 0};
        list[n++] = (struct fixed){&location_structure, area + LOCATIONS_AT, LOCATIONS};
    }
    if (fixed_locate(list, n, at, ret_place)) {
        return true;
    }
    return own[OWN_METADATA_BYTES] > SECTOR && at >= area + SECTOR && (uint64_t)(at - area) < own[OWN_METADATA_BYTES] &&
           locate_text(known, volume, read, data, (uint64_t)(at - area), ret_place);
}

static int64_t resolve(const struct known *known, const struct place *place, enum field_unit unit, uint64_t value)
{
    return volume_sum((int64_t)known->own[OWN_METADATA], volume_product(value, 1));
}

const struct volume_format format_lvm = {recognise, locate, resolve, false};
