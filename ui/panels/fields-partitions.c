/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * MBR and GPT: UEFI Specification 2.10, 5.2 and 5.3.  Logical partitions: each in a sector of its own, whose first entry counts from that sector
 * on, and whose second one from the extended partition on.  Type GUIDs: the UEFI Specification and the Discoverable Partitions Specification.
 */
#include "ui/panels/fields-formats.h"

enum { SECTOR = 512, MBR_ENTRIES = 446, MBR_COUNT = 4, GPT_HEADER = 92, GPT_ENTRY = 128, GPT_ENTRIES_MAX = FIELDS_WANT_MAX, VOLUMES_MAX = 1024, LOGICAL_FIRST = 5 };

static const struct field_name mbr_types[] = {
    {0x00, "unused"},       {0x01, "FAT12"},       {0x04, "FAT16"},      {0x05, "extended"},   {0x06, "FAT16"},
    {0x07, "NTFS or exFAT"}, {0x0b, "FAT32"},      {0x0c, "FAT32 (LBA)"}, {0x0e, "FAT16 (LBA)"}, {0x0f, "extended (LBA)"},
    {0x27, "Windows recovery"}, {0x42, "Windows dynamic"}, {0x82, "Linux swap"}, {0x83, "Linux"}, {0x85, "Linux extended"},
    {0x8e, "Linux LVM"},    {0xa5, "FreeBSD"},     {0xa6, "OpenBSD"},    {0xa9, "NetBSD"},     {0xaf, "Apple HFS"},
    {0xe8, "LUKS"},         {0xee, "GPT protective"}, {0xef, "EFI system"}, {0xfb, "VMware VMFS"}, {0xfd, "Linux RAID"}, {0, NULL},
};
static const struct field_name mbr_flags[] = {{0, "inactive"}, {0x80, "bootable"}, {0, NULL}};

#define MBR_ENTRY(at, n)                                                                                               \
    LE_NAMES(at, 1, "partition " n ": status", mbr_flags), HEX(at + 1, 3, "partition " n ": first CHS"),               \
        LE_NAMES(at + 4, 1, "partition " n ": type", mbr_types), HEX(at + 5, 3, "partition " n ": last CHS"),          \
        LE_AT(at + 8, 4, "partition " n ": start", UNIT_DISK_SECTOR), LE(at + 12, 4, "partition " n ": sectors")

static const struct field mbr[] = {
    HEX(0, 440, "boot code"), LE(440, 4, "disk signature"), LE(444, 2, "copy protected"), MBR_ENTRY(446, "1"), MBR_ENTRY(462, "2"),
    MBR_ENTRY(478, "3"),      MBR_ENTRY(494, "4"),          HEX(510, 2, "boot signature"),
};

static const struct field logical[] = {
    HEX(0, 446, "unused"),
    LE_NAMES(446, 1, "partition: status", mbr_flags),
    HEX(447, 3, "partition: first CHS"),
    LE_NAMES(450, 1, "partition: type", mbr_types),
    HEX(451, 3, "partition: last CHS"),
    LE_AT(454, 4, "partition: first sector, from this one on", UNIT_SECTOR),
    LE(458, 4, "partition: sectors"),
    HEX(462, 4, "next table: status and CHS"),
    LE_NAMES(466, 1, "next table: type", mbr_types),
    HEX(467, 3, "next table: last CHS"),
    LE_AT(470, 4, "next table: sector, from the extended partition on", UNIT_BLOCK),
    LE(474, 4, "next table: sectors"),
    HEX(478, 32, "unused"),
    HEX(510, 2, "boot signature"),
};

static const struct field gpt[] = {
    TEXT(0, 8, "signature"),
    LE(8, 4, "revision"),
    LE(12, 4, "header size"),
    LE(16, 4, "header CRC32"),
    LE(20, 4, "reserved"),
    LE_AT(24, 8, "this header", UNIT_DISK_SECTOR),
    LE_AT(32, 8, "other header", UNIT_DISK_SECTOR),
    LE_AT(40, 8, "first usable", UNIT_DISK_SECTOR),
    LE_AT(48, 8, "last usable", UNIT_DISK_SECTOR),
    GUID(56, "disk GUID"),
    LE_AT(72, 8, "partition entries", UNIT_DISK_SECTOR),
    LE(80, 4, "number of entries"),
    LE(84, 4, "size of an entry"),
    LE(88, 4, "entries CRC32"),
};

static const struct field_name gpt_attributes[] = {
    {UINT64_C(1) << 0, "required"},  {UINT64_C(1) << 1, "not for EFI"}, {UINT64_C(1) << 2, "legacy boot"}, {UINT64_C(1) << 60, "read-only"},
    {UINT64_C(1) << 62, "hidden"},   {UINT64_C(1) << 63, "not mounted"}, {0, NULL},
};

static const struct field gpt_entry[] = {
    GUID(0, "type"),
    GUID(16, "partition GUID"),
    LE_AT(32, 8, "first", UNIT_DISK_SECTOR),
    LE_AT(40, 8, "last", UNIT_DISK_SECTOR),
    BITS(48, 8, "attributes", gpt_attributes),
    UTF16(56, 72, "name"),
};

static const struct structure mbr_structure = {.name = "MBR", .size = SECTOR, FIELDS(mbr)};
static const struct structure logical_structure = {.name = "extended boot record", .size = SECTOR, FIELDS(logical)};
static const struct structure gpt_structure = {.name = "GPT header", .size = GPT_HEADER, FIELDS(gpt)};
static const struct structure gpt_backup_structure = {.name = "GPT backup header", .size = GPT_HEADER, FIELDS(gpt)};
static const struct structure gpt_entry_structure = {.name = "GPT entry", .size = GPT_ENTRY, FIELDS(gpt_entry)};
static const struct structure gpt_backup_entry_structure = {.name = "GPT backup entry", .size = GPT_ENTRY, FIELDS(gpt_entry)};

/* ---- reading them ---- */

static void add_volume(GArray *volumes, int64_t start, uint64_t bytes, unsigned number, int64_t size, bool extended)
{
    struct volume volume = {.base = start, .number = number, .extended = extended};

    if (start <= 0 || start >= size || bytes == 0 || volumes->len >= VOLUMES_MAX) {
        return;
    }
    volume.size = (int64_t)MIN(bytes, (uint64_t)(size - start));
    g_array_append_val(volumes, volume);
}

bool gpt_read(const uint8_t *header, size_t n, int64_t at, int64_t sector, int64_t size, struct gpt *ret_gpt)
{
    struct gpt found = {.there = true, .header = at};

    if (n < GPT_HEADER || memcmp(header, "EFI PART", 8) != 0) {
        return false;
    }
    found.count = (uint32_t)field_number(header + 80, 4, false);
    found.entry_size = (uint32_t)field_number(header + 84, 4, false);
    found.entries = volume_product(field_number(header + 72, 8, false), (uint64_t)sector);
    if (found.entry_size < GPT_ENTRY || found.entry_size > 4096 || found.entries <= 0 || found.entries >= size) {
        found.count = 0;
        found.entries = size;
        found.entry_size = GPT_ENTRY;
    }
    found.count = MIN(found.count, (uint32_t)MIN(GPT_ENTRIES_MAX, size - found.entries) / found.entry_size);
    *ret_gpt = found;
    return true;
}

void tables_add_gpt(GArray *volumes, const struct gpt *table, const uint8_t *entries, size_t n, int64_t sector, int64_t size)
{
    for (uint32_t i = 0; i < table->count && (size_t)(i + 1) * table->entry_size <= n; i++) {
        const uint8_t *entry = entries + (size_t)i * table->entry_size;
        uint64_t first = field_number(entry + 32, 8, false), last = field_number(entry + 40, 8, false);

        if ((field_number(entry, 8, false) | field_number(entry + 8, 8, false)) != 0 && last >= first && last < (uint64_t)INT64_MAX / (uint64_t)sector) {
            add_volume(volumes, (int64_t)first * sector, (last - first + 1) * (uint64_t)sector, i + 1, size, false);
        }
    }
}

static bool is_extended(uint8_t type)
{
    return type == 0x05 || type == 0x0f || type == 0x85;
}

bool tables_add_mbr(GArray *volumes, const uint8_t *sector, int64_t size, bool *ret_protective)
{
    *ret_protective = false;
    if (sector[510] != 0x55 || sector[511] != 0xaa) {
        return false;
    }
    for (unsigned i = 0; i < MBR_COUNT; i++) {
        const uint8_t *entry = sector + MBR_ENTRIES + i * 16;

        /* A boot sector of a file system has other things there: then these are no flags. */
        if ((entry[0] & 0x7f) == 0 && entry[4] != 0) {
            *ret_protective = *ret_protective || entry[4] == 0xee;
            if (entry[4] != 0xee) { /* that one is the whole disk */
                add_volume(volumes, (int64_t)field_number(entry + 8, 4, false) * SECTOR, field_number(entry + 12, 4, false) * SECTOR, i + 1, size,
                           is_extended(entry[4]));
            }
        }
    }
    return true;
}

/* The kernel counts partitions, not tables: of those whose partition was deleted the next one may still be needed. */
static unsigned next_number(const GArray *tables)
{
    unsigned number = LOGICAL_FIRST;

    for (guint i = 0; i < tables->len; i++) {
        number += g_array_index(tables, struct logical_table, i).number > 0;
    }
    return number;
}

int64_t tables_add_logical(struct partition_tables *tables, GArray *volumes, const uint8_t *sector, int64_t at, int64_t extended, int64_t size)
{
    const uint8_t *own = sector + 446, *next = sector + 462;
    uint64_t start = field_number(own + 8, 4, false), sectors = field_number(own + 12, 4, false);

    if (sector[510] != 0x55 || sector[511] != 0xaa) {
        return -1;
    }
    struct logical_table table = {at, sectors > 0 && !is_extended(own[4]) ? next_number(tables->extended) : 0};

    g_array_append_val(tables->extended, table);
    if (table.number > 0) {
        add_volume(volumes, at + (int64_t)start * SECTOR, sectors * SECTOR, table.number, size, false);
    }
    return is_extended(next[4]) ? extended + (int64_t)field_number(next + 8, 4, false) * SECTOR : -1;
}

/* ---- finding ---- */

static bool gpt_locate(const struct gpt *table, bool backup, int64_t at, struct place *place)
{
    if (table->there && at >= table->header && at - table->header < GPT_HEADER) {
        *place = (struct place){.structure = backup ? &gpt_backup_structure : &gpt_structure, .start = table->header};
        return true;
    }
    if (!table->there || at < table->entries || (at - table->entries) / table->entry_size >= table->count) {
        return false;
    }
    uint64_t index = (uint64_t)(at - table->entries) / table->entry_size;

    *place = (struct place){.structure = backup ? &gpt_backup_entry_structure : &gpt_entry_structure,
                            .start = table->entries + (int64_t)index * table->entry_size, .number = index};
    g_snprintf(place->note, sizeof place->note, " %u", (unsigned)index + 1);
    return true;
}

bool tables_locate(const struct partition_tables *tables, int64_t at, struct place *ret_place)
{
    for (guint i = 0; i < tables->extended->len; i++) {
        const struct logical_table *table = &g_array_index(tables->extended, struct logical_table, i);

        if (at >= table->at && at - table->at < SECTOR) {
            *ret_place = (struct place){.structure = &logical_structure, .start = table->at, .number = i};
            if (table->number > 0) {
                g_snprintf(ret_place->note, sizeof ret_place->note, " of partition %u", table->number);
            }
            return true;
        }
    }
    if (gpt_locate(&tables->gpt[GPT_PRIMARY], false, at, ret_place) || gpt_locate(&tables->gpt[GPT_BACKUP], true, at, ret_place)) {
        return true;
    }
    *ret_place = (struct place){.structure = &mbr_structure};
    return tables->mbr && at < SECTOR;
}
