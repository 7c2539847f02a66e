/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Known structures of disks: what a byte belongs to and what its field says.  Pure: who has the bytes gives those that are asked for.  Partition
 * tables, and in a disk or partition the headers of file systems, containers and image files (fields-formats.h lists them); each table names
 * the public description it is from.  Nothing that a disk says is trusted: what lies outside of it is shown as a number and not followed.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where bytes come from: false when some are not known (yet). */
typedef bool fields_read_fn(void *data, int64_t offset, void *buf, size_t n);

struct fields;

/* Of a disk of that size, of which nothing is known. */
struct fields *fields_new(int64_t size);
void fields_free(struct fields *fields);

/*
 * What has to be read before the structures around offset are known: true and a range inside the disk, at most FIELDS_WANT_MAX bytes, which is then
 * to be given, whatever came of it.  It ends: with false, there is nothing more to know.
 */
enum { FIELDS_WANT_MAX = 128 * 1024 };
bool fields_wants(struct fields *fields, int64_t offset, int64_t *ret_offset, size_t *ret_bytes);
/* The first n of the bytes that were asked for last; 0: they can't be read, or are all zero. */
void fields_give(struct fields *fields, const uint8_t *bytes, size_t n);

/* Whether what is known was learned from any of these bytes. */
bool fields_depend_on(const struct fields *fields, int64_t offset, int64_t bytes);

struct field_hit {
    char *where;           /* "ext superblock, partition 1"; g_free */
    const char *name;      /* static */
    char *value;           /* for people; g_free; NULL: not known yet */
    int64_t offset, bytes; /* of the field */
    int64_t target;        /* offset it points to, perhaps behind the end; -1: it is no pointer */
};

/* The field that offset lies in, in any structure that is there.  false: none; else hit is to be cleared. */
bool fields_find(const struct fields *fields, fields_read_fn *read, void *data, int64_t offset, struct field_hit *ret_hit);
/*
 * The same in a file system that no table names, of a deleted partition or an image in a file, where its first bytes are near offset and known.
 * It takes longer: for the one byte that somebody looks at.
 */
bool fields_find_unnamed(const struct fields *fields, fields_read_fn *read, void *data, int64_t offset, struct field_hit *ret_hit);
void field_hit_clear(struct field_hit *hit);

/* The number of the partition that offset lies in and where it begins; 0: in none. */
unsigned fields_partition(const struct fields *fields, int64_t offset, int64_t *ret_start);

/* ---- values, for others, too ---- */

uint64_t field_number(const uint8_t *bytes, size_t n, bool big_endian);
/* "2009-02-13 23:31:30 UTC", or NULL when the year is none of 1..9999.  g_free. */
char *field_time(int64_t seconds);
/* A date and a time as FAT has them: "1980-01-01 00:00:00", or NULL when they are none.  g_free. */
char *field_dos_time(uint16_t date, uint16_t time);
/* little: the first three parts are little-endian. */
char *field_uuid(const uint8_t bytes[16], bool little);
