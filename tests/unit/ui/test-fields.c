/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/fields-qcow2.h"
#include "ui/panels/fields-records.h"

#include <string.h>

enum { SIZE = 1 << 20, ENTRY_BYTES = 32 };

struct disk {
    uint8_t bytes[SIZE];
    int64_t known; /* bytes from the start that are */
};

static bool read_disk(void *data, int64_t offset, void *buf, size_t n)
{
    struct disk *disk = data;
    if (offset < 0 || offset + (int64_t)n > disk->known) {
        return false;
    }
    memcpy(buf, disk->bytes + offset, n);
    return true;
}

static struct disk *disk_new(void)
{
    struct disk *disk = g_new0(struct disk, 1);
    disk->known = SIZE;
    return disk;
}

static void put(struct disk *disk, int64_t offset, uint64_t value, int n)
{
    for (int i = 0; i < n; i++) {
        disk->bytes[offset + i] = i < 8 ? (uint8_t)(value >> (8 * i)) : 0;
    }
}

static void put_mbr(struct disk *disk, uint32_t start, uint32_t sectors)
{
    put(disk, 446, 0x80, 1);
    put(disk, 450, 0x83, 1);
    put(disk, 454, start, 4);
    put(disk, 458, sectors, 4);
    put(disk, 510, 0xaa55, 2);
}

static struct fields *learn(struct disk *disk, int64_t size, int64_t at)
{
    struct fields *fields = fields_new(size);
    int64_t offset;
    size_t n;
    for (int i = 0; fields_wants(fields, at, &offset, &n); i++) {
        g_assert_cmpint(i, <, 2000);
        g_assert_true(offset >= 0 && n > 0 && n <= FIELDS_WANT_MAX && offset + (int64_t)n <= size);
        fields_give(fields, disk->bytes + offset, MIN(n, (size_t)MAX(0, disk->known - offset)));
    }
    return fields;
}

static bool find(struct disk *disk, int64_t offset, struct field_hit *hit)
{
    struct fields *fields = learn(disk, SIZE, offset);
    bool found = fields_find(fields, read_disk, disk, offset, hit) || fields_find_unnamed(fields, read_disk, disk, offset, hit);
    fields_free(fields);
    return found;
}

static void check(struct disk *disk, int64_t offset, const char *where, const char *name, const char *value)
{
    struct field_hit hit;
    g_assert_true(find(disk, offset, &hit));
    g_assert_cmpstr(hit.where, ==, where);
    g_assert_cmpstr(hit.name, ==, name);
    if (value) {
        g_assert_cmpstr(hit.value, ==, value);
    }
    g_assert_true(offset >= hit.offset && (hit.bytes == 0 || offset < hit.offset + hit.bytes));
    field_hit_clear(&hit);
}

static void test_mbr(void)
{
    g_autofree struct disk *disk = disk_new();
    put_mbr(disk, 8, 1000);
    check(disk, 446, "MBR", "partition 1: status", "128 0x80 bootable");
    check(disk, 450, "MBR", "partition 1: type", "131 0x83 Linux");
    check(disk, 455, "MBR", "partition 1: start", "8, at 0x1000");
    check(disk, 511, "MBR", "boot signature", "55 aa");
    check(disk, 100, "MBR", "boot code", NULL);
    struct field_hit hit;
    g_assert_true(find(disk, 454, &hit));
    g_assert_cmpint(hit.target, ==, 4096);
    field_hit_clear(&hit);
    g_assert_false(find(disk, 512, &hit));
}

static void test_a_file_system_in_a_partition(void)
{
    g_autofree struct disk *disk = disk_new();
    put_mbr(disk, 8, 1000);
    put(disk, 4096 + 1024 + 56, 0xef53, 2);
    put(disk, 4096 + 1024 + 48, 1234567890, 4);
    memcpy(disk->bytes + 4096 + 1024 + 120, "a\x1b[31mname", 10);
    check(disk, 4096 + 1024 + 56, "ext superblock, partition 1", "magic", "61267 0xef53");
    check(disk, 4096 + 1024 + 50, "ext superblock, partition 1", "written", "2009-02-13 23:31:30 UTC");
    check(disk, 4096 + 1024 + 121, "ext superblock, partition 1", "volume name", "\"a\\e[31mname\"");
    check(disk, 4096 + 1024 + 700, "ext superblock, partition 1", "reserved", NULL);
}

/* Tables at sectors 100 and 300 of an extended partition at 100; the second one names the first again. */
/* What a table no longer tells of is found by its own bytes, from those that are near. */
static void test_a_file_system_that_no_table_names(void)
{
    g_autofree struct disk *disk = disk_new();
    struct field_hit hit;

    memcpy(disk->bytes + 0x20000, "XFSB", 4);
    check(disk, 0x20002, "XFS superblock of group 0, volume at 0x20000", "magic", "\"XFSB\"");
    put(disk, 0x30000 + 1024 + 56, 0xef53, 2);
    g_assert_false(find(disk, 0x30000 + 1024 + 57, &hit)); /* two bytes are not enough */
    put(disk, 0x30000 + 1024 + 32, 8192, 4);
    check(disk, 0x30000 + 1024 + 57, "ext superblock, volume at 0x30000", "magic", "61267 0xef53");
    check(disk, 0x30000 + 1024 + 0x210, "ext superblock, volume at 0x30000", "mount options", NULL);
    memcpy(disk->bytes + 0x40000 + 0x10000 + 64, "_BHRfS_M", 8);
    check(disk, 0x40000 + 0x10000 + 0xfff, "btrfs superblock, volume at 0x40000", "reserved", NULL);
    g_assert_false(find(disk, 0x40000, &hit));
    disk->known = 0x20100;
    g_assert_false(find(disk, 0x20002, &hit)); /* its sector is not known: nothing is read for it */
}

static void test_the_partition_of_a_byte(void)
{
    g_autofree struct disk *disk = disk_new();
    int64_t start = -1;

    put_mbr(disk, 8, 1000);
    struct fields *fields = learn(disk, SIZE, 0);
    g_assert_cmpuint(fields_partition(fields, 0x1234, &start), ==, 1);
    g_assert_cmphex(start, ==, 0x1000);
    g_assert_cmpuint(fields_partition(fields, 0xfff, &start), ==, 0);
    g_assert_cmpuint(fields_partition(fields, 0x1000 + 1000 * 512, &start), ==, 0);
    fields_free(fields);
}

static void test_logical_partitions(void)
{
    g_autofree struct disk *disk = disk_new();
    put_mbr(disk, 8, 50);
    put(disk, 466, 0x05, 1);
    put(disk, 470, 100, 4);
    put(disk, 474, 1000, 4);
    put(disk, 51200 + 450, 0x83, 1);
    put(disk, 51200 + 454, 8, 4);
    put(disk, 51200 + 458, 64, 4);
    put(disk, 51200 + 466, 0x05, 1);
    put(disk, 51200 + 470, 200, 4);
    put(disk, 51200 + 510, 0xaa55, 2);
    memcpy(disk->bytes + 153600, disk->bytes + 51200, 512);
    put(disk, 153600 + 470, 0, 4);
    put(disk, 308 * 512 + 1024 + 56, 0xef53, 2);
    check(disk, 153600 + 455, "extended boot record of partition 6", "partition: first sector, from this one on", "8, at 0x26800");
    check(disk, 51200 + 470, "extended boot record of partition 5", "next table: sector, from the extended partition on", "200 0xc8, at 0x25800");
    check(disk, 308 * 512 + 1024 + 56, "ext superblock, partition 6", "magic", "61267 0xef53");
    put(disk, 51200 + 450, 0, 12); /* its partition was deleted: the kernel's numbers go on at the next one */
    check(disk, 51200 + 470, "extended boot record", "next table: sector, from the extended partition on", "200 0xc8, at 0x25800");
    check(disk, 153600 + 455, "extended boot record of partition 5", "partition: first sector, from this one on", "8, at 0x26800");
    check(disk, 308 * 512 + 1024 + 56, "ext superblock, partition 5", "magic", "61267 0xef53");
    struct field_hit hit;
    struct fields *none = learn(disk, 4096 * 8, 0); /* the extended partition is behind its end */
    g_assert_false(fields_find(none, read_disk, disk, 51200 + 470, &hit));
    fields_free(none);
}

static void check_target(struct disk *disk, int64_t offset, const char *where, const char *name, int64_t target)
{
    struct field_hit hit;
    check(disk, offset, where, name, NULL);
    g_assert_true(find(disk, offset, &hit));
    g_assert_cmpint(hit.target, ==, target);
    field_hit_clear(&hit);
}

/* ext of more than 16 TiB, whose first group is described as if it had its bitmaps up there. */
static void test_pointers_have_an_upper_half(void)
{
    g_autofree struct disk *disk = disk_new();
    put(disk, 1024 + 4, 0x80000000, 4);
    put(disk, 1024 + 24, 2, 4);
    put(disk, 1024 + 32, 32768, 4);
    put(disk, 1024 + 56, 0xef53, 2);
    put(disk, 1024 + 96, 0x80, 4);
    put(disk, 1024 + 254, 64, 2);
    put(disk, 1024 + 336, 2, 4);
    put(disk, 4096, 0x10, 4);
    put(disk, 4096 + 32, 1, 4);
    put(disk, 4096 + 8, 0, 4);
    put(disk, 4096 + 40, 2, 4);
    check_target(disk, 4096, "ext group descriptor 0", "block bitmap", INT64_C(0x100000010) << 12);
    check_target(disk, 4096 + 8, "ext group descriptor 0", "inode table", INT64_C(0x200000000) << 12);
    put(disk, 1024 + 96, 0, 4); /* without 64bit what is there is of the next group */
    check_target(disk, 4096, "ext group descriptor 0", "block bitmap", 0x10 << 12);
}

static void put_fat(struct disk *disk, uint32_t sectors, uint32_t per_fat, bool fat32)
{
    memset(disk->bytes, 0, SIZE);
    memcpy(disk->bytes, "\xeb\x58\x90mkfs.fat\0\2\1", 14);
    put(disk, 14, 32, 2);
    put(disk, 16, 1, 1);
    put(disk, 17, fat32 ? 0 : 512, 2);
    put(disk, 21, 0xf8, 1);
    put(disk, fat32 ? 36 : 22, per_fat, fat32 ? 4 : 2);
    put(disk, 32, sectors, 4);
    put(disk, 44, 2, 4);
    put(disk, 510, 0xaa55, 2);
}

static void test_a_file_far_up_in_fat32(void)
{
    g_autofree struct disk *disk = disk_new();
    int64_t root = (32 + 1024) * 512;
    put_fat(disk, 32 + 1024 + 131000, 1024, true);
    memcpy(disk->bytes + root, "FILE    BIN ", 12);
    put(disk, root + 20, 1, 2);
    put(disk, root + 26, 5, 2);
    check_target(disk, root + 26, "FAT directory entry 1 of the root", "first cluster (low)", root + (0x10005 - 2) * 512);
    root = (32 + 64) * 512;
    put_fat(disk, 32 + 64 + 32 + 16000, 64, false); /* other things are there in FAT16 */
    memcpy(disk->bytes + root, "FILE    BIN ", 12);
    put(disk, root + 20, 1, 2);
    put(disk, root + 26, 5, 2);
    check_target(disk, root + 26, "FAT directory entry 1 of the root", "first cluster (low)", root + 512 * ENTRY_BYTES + 3 * 512);
}

/* With bigalloc and blocks of 1 KiB they are counted from the boot sector on. */
static void test_ext_whose_first_block_is_no_superblock(void)
{
    g_autofree struct disk *disk = disk_new();
    struct field_hit hit;
    put(disk, 1024 + 4, 500, 4);
    put(disk, 1024 + 32, 1 << 17, 4);
    put(disk, 1024 + 56, 0xef53, 2);
    put(disk, 2048, 66, 4);
    g_assert_false(find(disk, 56, &hit));
    check(disk, 1024 + 56, "ext superblock", "magic", "61267 0xef53");
    check_target(disk, 2048, "ext group descriptor 0", "block bitmap", 66 << 10);
}

/* A chunk on two devices, of which this is the second. */
static void test_the_chunk_tree_of_a_second_device(void)
{
    g_autofree struct disk *disk = disk_new();
    int64_t super = 65536, chunk = super + 811 + 17;
    memcpy(disk->bytes + super + 64, "_BHRfS_M", 8);
    put(disk, super + 88, 0x1500000, 8);
    put(disk, super + 160, 17 + 48 + 64, 4);
    put(disk, super + 201, 2, 8);
    put(disk, chunk - 8, 0x1400000, 8);
    put(disk, chunk, 0x800000, 8);
    put(disk, chunk + 24, 2 | 0x10, 8);
    put(disk, chunk + 44, 2, 2);
    put(disk, chunk + 48, 1, 8);
    put(disk, chunk + 48 + 8, 0x1400000, 8);
    put(disk, chunk + 80, 2, 8);
    put(disk, chunk + 80 + 8, 0x100000, 8);
    check_target(disk, super + 88, "btrfs superblock", "chunk tree (logical)", 0x200000);
    put(disk, chunk + 24, 2 | 0x8, 8); /* in turns */
    check_target(disk, super + 88, "btrfs superblock", "chunk tree (logical)", -1);
    put(disk, chunk + 24, 2 | 0x10, 8);
    put(disk, super + 201, 3, 8); /* not here */
    check_target(disk, super + 88, "btrfs superblock", "chunk tree (logical)", -1);
}

/* ECMA-119 8.4.26.1 and 9.1.5: the last byte is a signed number of quarters of an hour. */
static void test_dates_of_iso_9660(void)
{
    enum { DESCRIPTOR = 16 * 2048, DIGITS = DESCRIPTOR + 813, RECORD = DESCRIPTOR + 174 };
    static const char where[] = "ISO 9660 descriptor 1";
    static const struct {
        const char *bytes, *value;
    } digits[] = {
        {"2026120108280150\x08", "2026-12-01 08:28:01.50 UTC+02:00"},
        {"2026120108280100\xec", "2026-12-01 08:28:01.00 UTC-05:00"},
        {"2026120108280100\x17", "2026-12-01 08:28:01.00 UTC+05:45"},
        {"2026120108280100\0", "2026-12-01 08:28:01.00 UTC"},
        {"0000000000000000\0", "0 not specified"},
        {"2026133108280100\0", "\"2026133108280100\""},
        {"2026120108280100\x35", "\"20261201082801005\""},
        {"2026 20108280100\0", "\"2026 20108280100\""},
    };
    static const struct {
        const char *bytes, *value;
    } records[] = {
        {"\x7e\x0c\x01\x08\x1c\x01\xfe", "2026-12-01 08:28:01 UTC-00:30"},
        {"\0\0\0\0\0\0\0", "0 not specified"},
        {"\x7e\x0d\x01\x08\x1c\x01\0", "7e 0d 01 08 1c 01 00"},
    };
    g_autofree struct disk *disk = disk_new();
    memcpy(disk->bytes + DESCRIPTOR, "\1CD001\1", 7);
    for (unsigned i = 0; i < G_N_ELEMENTS(digits); i++) {
        memcpy(disk->bytes + DIGITS, digits[i].bytes, 17);
        check(disk, DIGITS, where, "made", digits[i].value);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(records); i++) {
        memcpy(disk->bytes + RECORD, records[i].bytes, 7);
        check(disk, RECORD, where, "root: made", records[i].value);
    }
}

static void check_entry(enum inspect_role role, uint64_t entry, const char *value, int64_t target)
{
    const struct qcow2_geometry geometry = {.cluster_bits = 16, .refcount_bits = 16};
    const struct inspect_owner owner = {.role = role, .host = 0x30000, .bytes = 65536, .guest = -1, .entry_host = -1};
    struct field_hit hit;
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(entry >> (56 - 8 * i));
    }
    fields_qcow2_describe(&geometry, &owner, 0x30008, bytes, &hit);
    g_assert_cmpstr(hit.value, ==, value);
    g_assert_cmpint(hit.target, ==, target);
    field_hit_clear(&hit);
}

static void test_entries_of_tables_that_lead_on(void)
{
    check_entry(INSPECT_L1, 0x50000 | UINT64_C(1) << 63, "L2 table at 0x50000, used once", 0x50000);
    check_entry(INSPECT_L1, 0, "no L2 table", -1);
    check_entry(INSPECT_REFCOUNT_TABLE, 0x50000, "refcount block at 0x50000", 0x50000);
    check_entry(INSPECT_REFCOUNT_TABLE, 0, "no refcount block", -1);
    check_entry(INSPECT_BITMAP_TABLE, 0x50000, "bitmap data at 0x50000", 0x50000);
    check_entry(INSPECT_BITMAP_TABLE, 0, "all zeroes", -1);
    check_entry(INSPECT_BITMAP_TABLE, 1, "all ones", -1);
}

static void put_be(uint8_t *bytes, uint64_t value, int n)
{
    for (int i = 0; i < n; i++) {
        bytes[i] = (uint8_t)(value >> (8 * (n - 1 - i)));
    }
}

/* Two snapshots, the first with 16 bytes of extra data. */
static void test_snapshots_in_their_table(void)
{
    static const struct { size_t at; const char *where, *name, *value; int64_t offset, bytes, target; } wanted[] = {
        {0, "snapshot 1", "L1 table", "at 0x50000", 1000, 8, 0x50000},
        {17, "snapshot 1", "made", "2009-02-13 23:31:30 UTC", 1016, 4, -1},
        {48, "snapshot 1", "disk size", "65536 0x10000", 1048, 8, -1},
        {57, "snapshot 1", "ID", "\"17\"", 1056, 2, -1},
        {58, "snapshot 1", "name", "\"a\\e[m\"", 1058, 4, -1},
        {63, "snapshot 1", "padding", "", 1062, 2, -1},
        {64 + 8, "snapshot 2", "L1 entries", "3", 1072, 4, -1},
        {64 + 40, "snapshot 2", "name", "\"b\"", 1104, 1, -1},
    };
    uint8_t table[112] = {0};
    put_be(table, 0x50000, 8);
    put_be(table + 12, 2, 2);
    put_be(table + 14, 4, 2);
    put_be(table + 16, 1234567890, 4);
    put_be(table + 36, 16, 4);
    put_be(table + 48, 65536, 8);
    memcpy(table + 56, "17a\033[m", 6);
    put_be(table + 64, 0x60000, 8);
    put_be(table + 64 + 8, 3, 4);
    put_be(table + 64 + 14, 1, 2);
    table[64 + 40] = 'b';
    for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++) {
        struct field_hit hit;
        g_assert_true(fields_record_find(INSPECT_SNAPSHOT_TABLE, table, sizeof table, wanted[i].at, 1000, &hit));
        g_assert_cmpstr(hit.where, ==, wanted[i].where);
        g_assert_cmpstr(hit.name, ==, wanted[i].name);
        g_assert_cmpstr(hit.value, ==, wanted[i].value);
        g_assert_cmpint(hit.offset, ==, wanted[i].offset);
        g_assert_cmpint(hit.bytes, ==, wanted[i].bytes);
        g_assert_cmpint(hit.target, ==, wanted[i].target);
        field_hit_clear(&hit);
    }
}

/* Every length may be anything: under the sanitizers. */
static void test_random_records(void)
{
    for (int i = 0; i < 20000; i++) {
        size_t n = (size_t)g_test_rand_int_range(0, 300);
        g_autofree uint8_t *table = g_malloc(n);
        for (size_t at = 0; at < n; at++) {
            table[at] = g_test_rand_bit() ? 0 : (uint8_t)g_test_rand_int_range(0, i % 2 ? 256 : 20);
        }
        struct field_hit hit;
        size_t at = (size_t)g_test_rand_int_range(0, 310);
        if (fields_record_find(i % 3 ? INSPECT_SNAPSHOT_TABLE : INSPECT_BITMAP_DIRECTORY, table, n, at, 0, &hit)) {
            g_assert_true((int64_t)at >= hit.offset && (int64_t)at < hit.offset + hit.bytes);
            field_hit_clear(&hit);
        }
    }
}

static void test_gpt(void)
{
    g_autofree struct disk *disk = disk_new();
    put_mbr(disk, 1, 2047);
    memcpy(disk->bytes + 512, "EFI PART", 8);
    put(disk, 512 + 32, 2047, 8);
    put(disk, 512 + 72, 2, 8);
    put(disk, 512 + 80, 128, 4);
    put(disk, 512 + 84, 128, 4);
    put(disk, 1024 + 128, 0x1122334455667788, 8); /* the second entry */
    put(disk, 1024 + 128 + 32, 64, 8);
    put(disk, 1024 + 128 + 40, 1023, 8);
    put(disk, 1024 + 128 + 56, 'x', 2);
    memcpy(disk->bytes + 64 * 512, "XFSB\0\0\x10\0", 8);
    check(disk, 512 + 33, "GPT header", "other header", "2047 0x7ff, at 0xffe00");
    check(disk, 1024 + 128 + 32, "GPT entry 2", "first", "64 0x40, at 0x8000");
    check(disk, 1024 + 128 + 60, "GPT entry 2", "name", "x");
    put(disk, 512 + 84, 256, 4); /* entries may be longer than what is in them */
    check(disk, 1024 + 256 + 200, "GPT entry 2", "reserved", NULL);
    put(disk, 512 + 84, 128, 4);
    check(disk, 64 * 512 + 4, "XFS superblock of group 0, partition 2", "block size", "4096 0x1000");
    check(disk, 1024 + 128, "GPT entry 2", "type", "55667788-3344-1122-0000-000000000000");
}

/* The first of them is the only one that a test of tools can't make: its place depends on nothing but its size. */
static void test_a_gpt_that_only_its_copy_tells_of(void)
{
    g_autofree struct disk *disk = disk_new();
    put_mbr(disk, 1, 2047);
    put(disk, 450, 0xee, 1);
    memcpy(disk->bytes + SIZE - 512, "EFI PART", 8);
    put(disk, SIZE - 512 + 72, SIZE / 512 - 33, 8);
    put(disk, SIZE - 512 + 80, 128, 4);
    put(disk, SIZE - 512 + 84, 128, 4);
    put(disk, SIZE - 33 * 512, 1, 16);
    put(disk, SIZE - 33 * 512 + 32, 64, 8);
    put(disk, SIZE - 33 * 512 + 40, 127, 8);
    memcpy(disk->bytes + 64 * 512, "XFSB", 4);
    check(disk, SIZE - 33 * 512 + 40, "GPT backup entry 1", "last", "127 0x7f, at 0xfe00");
    check(disk, 64 * 512, "XFS superblock of group 0, partition 1", "magic", "\"XFSB\"");
}

/* Sectors of 4096 bytes. */
static void test_a_gpt_in_large_sectors(void)
{
    g_autofree struct disk *disk = disk_new();
    memcpy(disk->bytes + 4096, "EFI PART", 8);
    put(disk, 4096 + 72, 2, 8);
    put(disk, 4096 + 80, 4, 4);
    put(disk, 4096 + 84, 128, 4);
    put(disk, 8192, 1, 16);
    put(disk, 8192 + 32, 10, 8);
    put(disk, 8192 + 40, 19, 8);
    memcpy(disk->bytes + 40960, "XFSB", 4);
    check(disk, 8192 + 33, "GPT entry 1", "first", "10 0xa, at 0xa000");
    check(disk, 40960, "XFS superblock of group 0, partition 1", "magic", "\"XFSB\"");
    struct fields *fields = learn(disk, SIZE, 0);
    g_assert_true(fields_depend_on(fields, 41000, 1));
    g_assert_true(fields_depend_on(fields, 0, 1));
    g_assert_false(fields_depend_on(fields, 200000, SIZE - 200000));
    fields_free(fields);
}

/* Numbers that lead nowhere are shown and not followed. */
static void test_numbers_out_of_bounds(void)
{
    g_autofree struct disk *disk = disk_new();
    put(disk, 1024 + 56, 0xef53, 2);
    put(disk, 1024 + 24, 0xffffffff, 4);
    put(disk, 1024 + 32, 0, 4);
    check(disk, 1024 + 24, "ext superblock", "log2 block size - 10", "4294967295 0xffffffff");
    put(disk, 1024 + 24, 2, 4);
    put(disk, 1024 + 4, 0xffffffff, 4);
    put(disk, 1024 + 32, 1, 4); /* a block a group */
    put(disk, 1024 + 20, 0xfffffffe, 4);
    check(disk, 1024 + 21, "ext superblock", "first data block", "4294967294 0xfffffffe, at 0xfffffffe000");
    memset(disk->bytes, 0, SIZE);
    memcpy(disk->bytes, "XFSB", 4);
    memset(disk->bytes + 4, 0xff, 200);
    check(disk, 56, "XFS superblock of group 0", "root inode", "18446744073709551615 0xffffffffffffffff");
    struct field_hit hit;
    g_assert_false(find(disk, 512, &hit));
}

/* Whatever the bytes, and however few are known. */
static void test_random_bytes(void)
{
    static const struct { const char *magic; size_t n; int64_t at; } magics[] = {
        {"EFI PART", 8, 512}, {"NTFS    ", 8, 3}, {"EXFAT   ", 8, 3}, {"XFSB", 4, 0}, {"\x53\xef", 2, 1080}, {"LUKS\xba\xbe\0\2", 8, 0}, {"LABELONE", 8, 512},
        {"CD001", 5, 32769}, {"SWAPSPACE2", 10, 4086}, {"_BHRfS_M", 8, 65600}, {"hsqs", 4, 0}, {"NSR02", 5, 34817}, {"KDMV", 4, 0}, {"vhdxfile", 8, 0}, {"conectix", 8, 0},
    };
    g_autofree struct disk *disk = disk_new();
    for (int round = 0; round < 1000; round++) {
        for (int i = 0; i < 80000; i += 4) {
            uint32_t word = (uint32_t)g_test_rand_int() >> g_test_rand_int_range(0, 32);
            memcpy(disk->bytes + i, &word, 4);
        }
        size_t which = (size_t)g_test_rand_int_range(0, G_N_ELEMENTS(magics));
        memcpy(disk->bytes + magics[which].at, magics[which].magic, magics[which].n);
        put(disk, 510, 0xaa55, 2);
        disk->known = g_test_rand_int_range(0, 2) ? SIZE : g_test_rand_int_range(0, 5000);
        for (int64_t at = 0; at < 100000; at += g_test_rand_int_range(1, 8000)) {
            struct field_hit hit;
            if (find(disk, at, &hit)) {
                g_assert_true(at >= hit.offset && at < hit.offset + hit.bytes);
                g_assert_true(!hit.value || g_utf8_validate(hit.value, -1, NULL));
                field_hit_clear(&hit);
            }
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fields/logical-partitions", test_logical_partitions);
    g_test_add_func("/fields/upper-halves", test_pointers_have_an_upper_half);
    g_test_add_func("/fields/dates-of-iso-9660", test_dates_of_iso_9660);
    g_test_add_func("/fields/far-up-in-fat32", test_a_file_far_up_in_fat32);
    g_test_add_func("/fields/ext-first-block", test_ext_whose_first_block_is_no_superblock);
    g_test_add_func("/fields/btrfs-second-device", test_the_chunk_tree_of_a_second_device);
    g_test_add_func("/fields/qcow2-entries", test_entries_of_tables_that_lead_on);
    g_test_add_func("/fields/snapshots", test_snapshots_in_their_table);
    g_test_add_func("/fields/random-records", test_random_records);
    g_test_add_func("/fields/mbr", test_mbr);
    g_test_add_func("/fields/file-system-in-a-partition", test_a_file_system_in_a_partition);
    g_test_add_func("/fields/unnamed", test_a_file_system_that_no_table_names);
    g_test_add_func("/fields/partition", test_the_partition_of_a_byte);
    g_test_add_func("/fields/gpt", test_gpt);
    g_test_add_func("/fields/gpt-copy", test_a_gpt_that_only_its_copy_tells_of);
    g_test_add_func("/fields/gpt-large-sectors", test_a_gpt_in_large_sectors);
    g_test_add_func("/fields/out-of-bounds", test_numbers_out_of_bounds);
    g_test_add_func("/fields/random", test_random_bytes);
    return g_test_run();
}
