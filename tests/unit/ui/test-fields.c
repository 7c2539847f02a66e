/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/fields-records.h"

#include <string.h>

enum { SIZE = 1 << 20 };

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
        disk->bytes[offset + i] = (uint8_t)(value >> (8 * i));
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

static void check(struct disk *disk, int64_t offset, const char *where, const char *name, const char *value)
{
    g_autoptr(GArray) partitions = fields_partitions(read_disk, disk, SIZE);
    struct field_hit hit;
    g_assert_true(fields_find(partitions, read_disk, disk, offset, &hit));
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
    check(disk, 455, "MBR", "partition 1: start", "sector 8 (0x1000)");
    check(disk, 511, "MBR", "boot signature", "55 aa");
    check(disk, 100, "MBR", "boot code", NULL);
    struct field_hit hit;
    g_assert_true(fields_find(NULL, read_disk, disk, 454, &hit));
    g_assert_cmpint(hit.target, ==, 4096);
    field_hit_clear(&hit);
    g_assert_false(fields_find(NULL, read_disk, disk, 512, &hit));
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
    check(disk, 4096 + 1024 + 500, "ext superblock, partition 1", "reserved", NULL);
}

/* Tables at sectors 100 and 300 of an extended partition at 100; the second one names the first again. */
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
    g_autoptr(GArray) partitions = fields_partitions(read_disk, disk, SIZE);
    int64_t extended = fields_extended(partitions);
    g_assert_cmpint(extended, ==, 51200);
    g_assert_cmpint(fields_logical(disk->bytes + 51200, 51200, extended, 5, SIZE, partitions), ==, 153600);
    g_assert_cmpint(fields_logical(disk->bytes + 153600, 153600, extended, 6, SIZE, partitions), ==, 51200);
    g_assert_cmpint(fields_logical(disk->bytes + 4096, 4096, extended, 7, SIZE, partitions), ==, -1);
    put(disk, 308 * 512 + 1024 + 56, 0xef53, 2);
    struct field_hit hit;
    g_assert_true(fields_find(partitions, read_disk, disk, 153600 + 455, &hit));
    g_assert_cmpstr(hit.where, ==, "extended boot record, partition 6");
    g_assert_cmpstr(hit.name, ==, "partition: first sector, from this one on");
    g_assert_cmpstr(hit.value, ==, "8");
    field_hit_clear(&hit);
    g_assert_true(fields_find(partitions, read_disk, disk, 308 * 512 + 1024 + 56, &hit));
    g_assert_cmpstr(hit.where, ==, "ext superblock, partition 6");
    field_hit_clear(&hit);
    g_autoptr(GArray) none = fields_partitions(read_disk, disk, 4096 * 8);
    g_assert_cmpint(fields_extended(none), ==, -1);
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
    put(disk, 1024 + 128, 0x1122334455667788, 8); /* the second entry */
    put(disk, 1024 + 128 + 32, 64, 8);
    put(disk, 1024 + 128 + 40, 1023, 8);
    put(disk, 1024 + 128 + 56, 'x', 2);
    memcpy(disk->bytes + 64 * 512, "XFSB\0\0\x10\0", 8);
    check(disk, 512 + 33, "GPT header", "backup header", "sector 2047 (0xffe00)");
    check(disk, 1024 + 128 + 32, "GPT entry 2", "first", "sector 64 (0x8000)");
    check(disk, 1024 + 128 + 60, "GPT entry 2", "name", "x");
    check(disk, 64 * 512 + 4, "XFS superblock, partition 2", "block size", "4096 0x1000");
    check(disk, 1024 + 128, "GPT entry 2", "type GUID", "55667788-3344-1122-0000-000000000000");
}

static void test_each_structure_is_known_by_its_magic(void)
{
    const struct structure *structure;
    for (unsigned i = 0; (structure = structure_at(i)); i++) {
        g_autofree struct disk *disk = disk_new();
        memcpy(disk->bytes + structure->at + structure->magic_at, structure->magic, structure->magic_size);
        uint32_t end = 0;
        for (size_t f = 0; f < structure->field_count; f++) {
            const struct field *field = &structure->fields[f];
            g_assert_cmpuint(field->offset, >=, end); /* in order, none over another */
            end = field->offset + field->bytes;
            g_assert_cmpuint(end, <=, structure->size);
            g_autofree char *where = g_strdup_printf("%s%s", structure->name, structure->count > 1 ? " 1" : "");
            check(disk, structure->at + field->offset, where, field->name, NULL);
        }
        disk->bytes[structure->at + structure->magic_at] ^= 1;
        struct field_hit hit;
        g_assert_false(fields_find(NULL, read_disk, disk, structure->at, &hit));
    }
}

/* Whatever the bytes, and however few are known. */
static void test_random_bytes(void)
{
    g_autofree struct disk *disk = disk_new();
    for (int round = 0; round < 2000; round++) {
        for (int i = 0; i < 4096; i++) {
            disk->bytes[i] = (uint8_t)g_test_rand_int_range(0, 256);
        }
        const struct structure *structure = structure_at((unsigned)g_test_rand_int_range(0, 13));
        memcpy(disk->bytes + structure->at + structure->magic_at, structure->magic, structure->magic_size);
        put(disk, 510, 0xaa55, 2);
        disk->known = g_test_rand_int_range(0, 2) ? SIZE : g_test_rand_int_range(0, 5000);
        g_autoptr(GArray) partitions = fields_partitions(read_disk, disk, SIZE);
        for (guint i = 0; i < partitions->len; i++) {
            const struct partition *partition = &g_array_index(partitions, struct partition, i);
            g_assert_true(partition->start > 0 && partition->start < partition->end && partition->end <= SIZE);
        }
        for (int64_t at = 0; at < 4096; at += g_test_rand_int_range(1, 100)) {
            struct field_hit hit;
            if (fields_find(partitions, read_disk, disk, at, &hit)) {
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
    g_test_add_func("/fields/snapshots", test_snapshots_in_their_table);
    g_test_add_func("/fields/random-records", test_random_records);
    g_test_add_func("/fields/mbr", test_mbr);
    g_test_add_func("/fields/file-system-in-a-partition", test_a_file_system_in_a_partition);
    g_test_add_func("/fields/gpt", test_gpt);
    g_test_add_func("/fields/each-by-its-magic", test_each_structure_is_known_by_its_magic);
    g_test_add_func("/fields/random", test_random_bytes);
    return g_test_run();
}
