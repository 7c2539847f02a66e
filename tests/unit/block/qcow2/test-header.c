/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib.h>

#include "block/qcow2/extensions.h"

enum { CLUSTER = 512 };

static void put32(uint8_t *at, uint32_t value)
{
    value = __builtin_bswap32(value);
    memcpy(at, &value, 4);
}

static struct qcow2_header header_512(void)
{
    return (struct qcow2_header){.version = 3, .cluster_bits = 9, .header_length = 104};
}

static void test_versions(void)
{
    uint8_t bytes[112] = {0};
    struct qcow2_header header;
    put32(bytes, QCOW2_MAGIC);
    put32(bytes + 4, 2);
    memset(bytes + 72, 0xff, sizeof(bytes) - 72);
    qcow2_header_parse(bytes, sizeof(bytes), &header);
    g_assert_cmpuint(header.refcount_order, ==, 4);
    g_assert_cmpuint(header.header_length, ==, 72);
    g_assert_cmpuint(header.incompatible, ==, 0);
    put32(bytes + 4, 3);
    put32(bytes + 100, 104); /* a field behind the header's length is not there */
    qcow2_header_parse(bytes, sizeof(bytes), &header);
    g_assert_cmpuint(header.incompatible, ==, UINT64_MAX);
    g_assert_cmpuint(header.compression, ==, 0);
    put32(bytes + 100, 112);
    qcow2_header_parse(bytes, sizeof(bytes), &header);
    g_assert_cmpuint(header.compression, ==, 0xff);
}

static void test_walk(void)
{
    uint8_t bytes[CLUSTER] = {0};
    struct qcow2_header header = header_512();
    struct qcow2_extension extension;
    size_t at = 104;
    put32(bytes + 104, 7);
    put32(bytes + 108, 5); /* padded to 8 */
    put32(bytes + 120, 8);
    put32(bytes + 124, 0);
    g_assert_cmpint(qcow2_extensions_next(&header, bytes, CLUSTER, &at, &extension), ==, QCOW2_EXTENSIONS_MORE);
    g_assert_cmpuint(extension.type, ==, 7);
    g_assert_true(extension.data == bytes + 112);
    g_assert_cmpint(qcow2_extensions_next(&header, bytes, CLUSTER, &at, &extension), ==, QCOW2_EXTENSIONS_MORE);
    g_assert_cmpuint(extension.at, ==, 120);
    g_assert_cmpint(qcow2_extensions_next(&header, bytes, CLUSTER, &at, &extension), ==, QCOW2_EXTENSIONS_END);
}

/* Data ends where the backing name begins, where the cluster ends, and where the file does. */
static void test_walk_bounds(void)
{
    uint8_t bytes[CLUSTER] = {0};
    struct qcow2_header header = header_512();
    struct qcow2_extension extension;
    size_t at = 104;
    put32(bytes + 104, 7);
    put32(bytes + 108, CLUSTER - 112);
    g_assert_cmpint(qcow2_extensions_next(&header, bytes, CLUSTER, &at, &extension), ==, QCOW2_EXTENSIONS_MORE);
    g_assert_cmpint(qcow2_extensions_next(&header, bytes, CLUSTER, &at, &extension), ==, QCOW2_EXTENSIONS_END);
    at = 104;
    g_assert_cmpint(qcow2_extensions_next(&header, bytes, CLUSTER - 1, &at, &extension), ==, QCOW2_EXTENSIONS_TOO_LONG);
    g_assert_cmpint(qcow2_extensions_next(&header, bytes, 110, &at, &extension), ==, QCOW2_EXTENSIONS_END);
    put32(bytes + 108, CLUSTER - 111);
    g_assert_cmpint(qcow2_extensions_next(&header, bytes, CLUSTER, &at, &extension), ==, QCOW2_EXTENSIONS_TOO_LONG);
    put32(bytes + 108, 100);
    header.backing_offset = 200;
    g_assert_cmpint(qcow2_extensions_next(&header, bytes, CLUSTER, &at, &extension), ==, QCOW2_EXTENSIONS_TOO_LONG);
    put32(bytes + 108, UINT32_MAX);
    g_assert_cmpint(qcow2_extensions_next(&header, bytes, CLUSTER, &at, &extension), ==, QCOW2_EXTENSIONS_TOO_LONG);
}

static void test_feature_names(void)
{
    uint8_t bytes[CLUSTER] = {0};
    struct qcow2_header header = header_512();
    put32(bytes + 104, QCOW2_EXTENSION_FEATURE_NAMES);
    put32(bytes + 108, 96);
    memcpy(bytes + 112, "\0\x05one", 5);
    memcpy(bytes + 160, "\0\x07two\x1b", 6);
    g_autofree char *both = qcow2_extensions_feature_names(&header, bytes, CLUSTER, 5 << 5);
    g_assert_cmpstr(both, ==, "one, two\\e");
    g_autofree char *unknown = qcow2_extensions_feature_names(&header, bytes, CLUSTER, 3 << 5);
    g_assert_cmpstr(unknown, ==, "one, Unknown incompatible feature: 40");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qcow2/header/fields-of-each-version", test_versions);
    g_test_add_func("/qcow2/header/extensions-one-by-one", test_walk);
    g_test_add_func("/qcow2/header/extensions-stay-in-bounds", test_walk_bounds);
    g_test_add_func("/qcow2/header/unknown-features-are-named", test_feature_names);
    return g_test_run();
}
