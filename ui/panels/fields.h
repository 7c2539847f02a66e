/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Known structures of disks, as tables: what a byte belongs to and what its field says.  Pure functions over whatever can give
 * bytes.  Layouts: UEFI specification (MBR, GPT), the kernel's documentation of ext4 and XFS, ECMA-119 (ISO 9660), the LUKS1 and LUKS2 on-disk
 * formats, published descriptions of FAT, NTFS, LVM2 and swap.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum field_type {
    FIELD_LE,   /* number, little-endian, 1..8 bytes */
    FIELD_BE,   /* big-endian */
    FIELD_TEXT, /* ASCII, padded with spaces or zeroes */
    FIELD_UTF16,
    FIELD_UUID, /* 16 bytes in order */
    FIELD_GUID, /* the first three parts little-endian */
    FIELD_TIME_LE, /* seconds since 1970 */
    FIELD_HEX,  /* bytes without a meaning of their own */
    FIELD_LBA,  /* little-endian, in sectors of 512 bytes: a place to go to */
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
    const struct field_name *names; /* of values, ends with a NULL name; NULL: none */
};

/* Something that begins at a fixed place of a disk or partition and is known by some bytes. */
struct structure {
    const char *name;
    int64_t at;
    uint32_t size;          /* of one of them */
    uint32_t count;         /* how many follow each other; 0 is 1 */
    int32_t magic_at;       /* from `at`, perhaps before it */
    uint32_t magic_size;
    const char *magic;
    bool disk_only;         /* not in a partition */
    const struct field *fields;
    size_t field_count;
};

/* From 0 on; NULL after the last.  Static. */
const struct structure *structure_at(unsigned index);
/* The sector that tells of a logical partition, which is found by a chain of them. */
const struct structure *structure_of_logical(void);

/* Where bytes come from: false when some are not known (yet). */
typedef bool fields_read_fn(void *data, int64_t offset, void *buf, size_t n);

struct partition {
    int64_t start, end; /* bytes */
    unsigned number;    /* from 1 on, as the kernel counts */
    bool extended;      /* it holds logical ones */
    bool table;         /* not the partition itself, but the sector that tells of a logical one */
};

/*
 * The partitions that the first bytes of a disk name (MBR without what logical partitions' own tables say, GPT), inside of size.  A new array of
 * struct partition (g_array_unref), perhaps empty.
 */
GArray *fields_partitions(fields_read_fn *read, void *data, int64_t size);
/* Where the first table of logical partitions is; -1: there are none. */
int64_t fields_extended(const GArray *partitions);
/* Adds what the table (512 bytes at that offset) tells of, and itself; the offset of the next table, or -1. */
int64_t fields_logical(const uint8_t *sector, int64_t table, int64_t extended, unsigned number, int64_t size, GArray *partitions);
enum { FIELDS_PARTITIONS_BYTES = 1024 + 128 * 128 }; /* from the disk's start are looked at */

struct field_hit {
    char *where;           /* "ext superblock, partition 1"; g_free */
    const char *name;      /* static */
    char *value;           /* for people; g_free */
    int64_t offset, bytes; /* of the field */
    int64_t target;        /* offset it points to, -1: it is no pointer */
};

/* The field that offset lies in, in any structure that is there.  false: none; else hit is to be cleared. */
bool fields_find(const GArray *partitions, fields_read_fn *read, void *data, int64_t offset, struct field_hit *ret_hit);
void field_hit_clear(struct field_hit *hit);

/* ---- values, for others, too ---- */

uint64_t field_number(const uint8_t *bytes, size_t n, bool big_endian);
/* "2009-02-13 23:31:30 UTC", or NULL when the year is none of 1..9999.  g_free. */
char *field_time(int64_t seconds);
/* little: the first three parts are little-endian. */
char *field_uuid(const uint8_t bytes[16], bool little);
