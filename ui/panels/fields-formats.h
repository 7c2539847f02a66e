/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The inside of fields.h: how formats describe themselves.  A format is a table of fields for each structure, and three functions at most. */
#pragma once

#include <string.h>

#include "ui/panels/fields.h"

enum field_type {
    FIELD_LE,       /* number, little-endian, 1..8 bytes */
    FIELD_BE,       /* big-endian */
    FIELD_SIGNED,   /* little-endian */
    FIELD_FLAGS_LE, /* names are of bits */
    FIELD_FLAGS_BE,
    FIELD_TEXT,     /* ASCII, padded with spaces or zeroes */
    FIELD_UTF16,    /* little-endian */
    FIELD_UTF16_BE,
    FIELD_UUID,     /* 16 bytes in order */
    FIELD_GUID,     /* the first three parts little-endian */
    FIELD_TIME_LE,  /* seconds since 1970 */
    FIELD_TIME_2000, /* big-endian, seconds since 2000 */
    FIELD_DOS_TIME, /* 4 bytes: time, date */
    FIELD_ISO_TIME, /* 7 bytes: years since 1900, month, day, hour, minute, second, quarters of an hour east of UTC */
    FIELD_ISO_DIGITS, /* 17 bytes: year, month, day, hour, minute, second, hundredths in 16 digits; the same quarters */
    FIELD_FAT12,    /* 12 of 16 bits, by the parity of the place's number */
    FIELD_HEX,      /* bytes without a meaning of their own */
};

/* What a number counts that is the address of something; formats resolve all but the first ones themselves. */
enum field_unit {
    UNIT_NONE,
    UNIT_DISK_SECTOR, /* sectors from the start of the disk */
    UNIT_BYTE,        /* from the volume's start, as the others */
    UNIT_SECTOR,      /* of 512 bytes */
    UNIT_BLOCK,
    UNIT_CLUSTER,
    UNIT_INODE,
};

struct field_name {
    uint64_t value;
    const char *name;
};

struct field {
    uint32_t offset; /* from the structure's start */
    uint32_t bytes;
    enum field_type type;
    const char *name;
    const struct field_name *names; /* of values or bits, ends with a NULL name; NULL: none */
    enum field_unit unit;
    uint32_t high, high_bytes; /* the upper part of the number that leads somewhere, elsewhere in the structure; 0 bytes: it has none */
};

/* Fields are in order, none over another. */
struct structure {
    const char *name;
    uint32_t size;
    const struct field *fields;
    size_t field_count;
};

#define LE(offset, bytes, name) {offset, bytes, FIELD_LE, name, NULL, UNIT_NONE}
#define BE(offset, bytes, name) {offset, bytes, FIELD_BE, name, NULL, UNIT_NONE}
#define LE_NAMES(offset, bytes, name, names) {offset, bytes, FIELD_LE, name, names, UNIT_NONE}
#define BE_NAMES(offset, bytes, name, names) {offset, bytes, FIELD_BE, name, names, UNIT_NONE}
#define LE_AT(offset, bytes, name, unit) {offset, bytes, FIELD_LE, name, NULL, unit}
#define LE_PARTS_AT(offset, bytes, high, high_bytes, name, unit) {offset, bytes, FIELD_LE, name, NULL, unit, high, high_bytes}
#define BE_AT(offset, bytes, name, unit) {offset, bytes, FIELD_BE, name, NULL, unit}
#define BITS(offset, bytes, name, names) {offset, bytes, FIELD_FLAGS_LE, name, names, UNIT_NONE}
#define BITS_BE(offset, bytes, name, names) {offset, bytes, FIELD_FLAGS_BE, name, names, UNIT_NONE}
#define TEXT(offset, bytes, name) {offset, bytes, FIELD_TEXT, name, NULL, UNIT_NONE}
#define HEX(offset, bytes, name) {offset, bytes, FIELD_HEX, name, NULL, UNIT_NONE}
#define UUID(offset, name) {offset, 16, FIELD_UUID, name, NULL, UNIT_NONE}
#define GUID(offset, name) {offset, 16, FIELD_GUID, name, NULL, UNIT_NONE}
#define TIME(offset, bytes, name) {offset, bytes, FIELD_TIME_LE, name, NULL, UNIT_NONE}
#define ISO_TIME(offset, name) {offset, 7, FIELD_ISO_TIME, name, NULL, UNIT_NONE}
#define ISO_DIGITS(offset, name) {offset, 17, FIELD_ISO_DIGITS, name, NULL, UNIT_NONE}
#define UTF16(offset, bytes, name) {offset, bytes, FIELD_UTF16, name, NULL, UNIT_NONE}
#define FIELDS(table) .fields = table, .field_count = G_N_ELEMENTS(table)

/* ---- volumes ---- */

struct volume_format;

/* A format that was recognised, and the numbers it needs. */
enum { OWN_NUMBERS = 14, FORMATS_MAX = 4 };
struct known {
    const struct volume_format *format;
    uint64_t own[OWN_NUMBERS]; /* an enum of the format's says which is which */
};

/* A disk or partition. */
struct volume {
    int64_t base, size; /* bytes */
    unsigned number;    /* as the kernel counts; 0: the disk */
    bool extended;      /* it only holds logical ones */
    bool looked_at;     /* what follows is known */
    struct known known[FORMATS_MAX];
    unsigned known_count;
};

/* A structure somewhere. */
struct place {
    const struct structure *structure;
    int64_t start;    /* from the volume's */
    uint64_t number;  /* which of several, for who needs to know */
    char note[56];    /* behind its name: " 3", ", backup in group 1" */
};

struct volume_format {
    /* Whether the volume's first n bytes are of it (the whole volume may be shorter than any of them); fills in own numbers. */
    bool (*recognise)(struct known *known, const struct volume *volume, const uint8_t *head, size_t n);
    /* What is at a byte of the volume; data is for volume_read(). */
    bool (*locate)(const struct known *known, const struct volume *volume, fields_read_fn *read, void *data, int64_t at, struct place *ret_place);
    /* Where a number of that unit leads, from the volume's start, -1: nowhere.  NULL: there are no such. */
    int64_t (*resolve)(const struct known *known, const struct place *place, enum field_unit unit, uint64_t value);
    bool disk_only; /* it is a whole file, never in a partition */
};

enum { HEAD_BYTES = 68 * 1024 }; /* of a volume are looked at: btrfs' superblock is the last of what is there */

/* Bytes of the volume, if they are inside of it and known. */
bool volume_read(const struct volume *volume, fields_read_fn *read, void *data, int64_t at, void *buf, size_t n);
/* a * b, or -1 when that is no offset. */
int64_t volume_product(uint64_t a, uint64_t b);
/* a + b, or -1; of offsets, either may be -1. */
int64_t volume_sum(int64_t a, int64_t b);
static inline bool is_power_of_two(uint64_t n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

/* Structures at places that never change; count follow each other and are numbered from 1. */
struct fixed {
    const struct structure *structure;
    int64_t at;
    uint32_t count; /* 0: one, without a number */
};
bool fixed_locate(const struct fixed *list, size_t n, int64_t at, struct place *ret_place);

extern const struct volume_format format_ext, format_xfs, format_btrfs, format_ntfs, format_fat, format_exfat, format_iso, format_udf, format_squashfs,
    format_swap, format_luks1, format_luks2, format_lvm, format_raid, format_vmdk, format_vdi, format_vhdx, format_vpc, format_qed,
    format_parallels;

/* ---- volumes that no table names: of partitions that were deleted, of images in files (fields-unnamed.c) ---- */

/*
 * One that begins near offset and has a structure there; false: there is none.  Only from bytes that are known because they are near: nothing is
 * read for it.
 */
bool unnamed_volume(const struct volume_format *const *formats, size_t count, const struct volume *disk, fields_read_fn *read, void *data,
                    int64_t offset, struct volume *ret_volume);

/* ---- partition tables (fields-partitions.c) ---- */

enum gpt_table { GPT_PRIMARY, GPT_BACKUP, GPT_TABLES };

struct gpt {
    bool there;
    int64_t header, entries; /* offsets */
    uint32_t entry_size, count;
};

/* A sector that tells of a logical partition, or of none and the next one. */
struct logical_table {
    int64_t at;
    unsigned number; /* of the partition, as the kernel counts; 0: it has none */
};

struct partition_tables {
    bool mbr;
    int64_t sector; /* bytes, as GPT counts */
    struct gpt gpt[GPT_TABLES];
    GArray *extended; /* struct logical_table */
};

/* A GPT header: false when it is none, or says what can't be. */
bool gpt_read(const uint8_t *header, size_t n, int64_t at, int64_t sector, int64_t size, struct gpt *ret_gpt);
bool tables_locate(const struct partition_tables *tables, int64_t at, struct place *ret_place);
/* The entries of a table of partitions as volumes. */
void tables_add_gpt(GArray *volumes, const struct gpt *gpt, const uint8_t *entries, size_t n, int64_t sector, int64_t size);
/* False: it is no MBR. */
bool tables_add_mbr(GArray *volumes, const uint8_t *mbr, int64_t size, bool *ret_protective);
/* Notes a table of logical partitions and adds what it tells of; the next one, or -1. */
int64_t tables_add_logical(struct partition_tables *tables, GArray *volumes, const uint8_t *sector, int64_t at, int64_t extended, int64_t size);
