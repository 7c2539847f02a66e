/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib.h>
#include <string.h>

#include "block/probe.h"

/* Format of an image that has this text (its terminator not counted) at offset, and zeroes around it. */
static const char *probe_at(size_t offset, const char *text, size_t len)
{
    uint8_t bytes[PROBE_BYTES] = {0};

    memcpy(bytes + offset, text, len);
    return probe_format(bytes, sizeof(bytes), NULL);
}

#define PROBE(text) probe_at(0, text, sizeof(text) - 1)

static void empty_and_zero_images_are_raw(void)
{
    g_assert_cmpstr(probe_format((const uint8_t *)"", 0, NULL), ==, "raw");
    g_assert_cmpstr(PROBE(""), ==, "raw");
    g_assert_cmpstr(PROBE("\x7f" "ELF"), ==, "raw");
}

static void qcow_versions_are_told_apart(void)
{
    g_assert_cmpstr(PROBE("QFI\xfb\0\0\0\0"), ==, "raw");
    g_assert_cmpstr(PROBE("QFI\xfb\0\0\0\1"), ==, "qcow");
    g_assert_cmpstr(PROBE("QFI\xfb\0\0\0\2"), ==, "qcow2");
    g_assert_cmpstr(PROBE("QFI\xfb\0\0\0\3"), ==, "qcow2");
    g_assert_cmpstr(PROBE("QFI\xfb\xff\0\0\0"), ==, "qcow2");
    g_assert_cmpstr(PROBE("QFI\xfc\0\0\0\3"), ==, "raw");
}

static void signatures_are_known(void)
{
    g_assert_cmpstr(PROBE("QED\0"), ==, "qed");
    g_assert_cmpstr(PROBE("COWD"), ==, "vmdk");
    g_assert_cmpstr(PROBE("KDMV"), ==, "vmdk");
    g_assert_cmpstr(PROBE("vhdxfile"), ==, "vhdx");
    g_assert_cmpstr(PROBE("conectix"), ==, "vpc");
    g_assert_cmpstr(PROBE("LUKS\xba\xbe\0\1"), ==, "luks");
    g_assert_cmpstr(PROBE("LUKS\xba\xbe\0\2"), ==, "raw");
    g_assert_cmpstr(PROBE("WithoutFreeSpace\2\0\0\0"), ==, "parallels");
    g_assert_cmpstr(PROBE("WithouFreSpacExt\2\0\0\0"), ==, "parallels");
    g_assert_cmpstr(PROBE("WithoutFreeSpace\3\0\0\0"), ==, "raw");
    g_assert_cmpstr(probe_at(64, "\x7f\x10\xda\xbe", 4), ==, "vdi");
    g_assert_cmpstr(probe_at(60, "\x7f\x10\xda\xbe", 4), ==, "raw");
    g_assert_cmpstr(PROBE("#!/bin/sh\n#V2.0 Format\nmodprobe cloop file=$0 && mount -r -t iso9660 /dev/cloop $1\n"), ==, "cloop");
    g_assert_cmpstr(PROBE("#!/bin/sh\n#V2.0 Format\n"), ==, "raw");
}

static void bochs_needs_type_and_subtype(void)
{
    uint8_t bytes[PROBE_BYTES] = "Bochs Virtual HD Image";

    g_assert_cmpstr(probe_format(bytes, sizeof(bytes), NULL), ==, "raw");
    strcpy((char *)bytes + 32, "Redolog");
    strcpy((char *)bytes + 48, "Growing");
    g_assert_cmpstr(probe_format(bytes, sizeof(bytes), NULL), ==, "bochs");
}

static void vmdk_descriptors_are_text(void)
{
    g_assert_cmpstr(PROBE("# Disk DescriptorFile\nversion=1\n"), ==, "vmdk");
    g_assert_cmpstr(PROBE("version=3\r\n"), ==, "vmdk");
    g_assert_cmpstr(PROBE("  \n#x\nversion=2\nfoo"), ==, "vmdk");
    g_assert_cmpstr(PROBE("# Disk DescriptorFile\nversion=4\n"), ==, "raw");
    g_assert_cmpstr(PROBE("# foo\n\nversion=1\n"), ==, "raw");
    g_assert_cmpstr(PROBE(" version=1\n"), ==, "raw");
    g_assert_cmpstr(PROBE("version=1x"), ==, "raw");
    g_assert_cmpstr(PROBE("# only a comment"), ==, "raw");
}

/* What ends inside of a signature is not that format, and nothing behind the end is looked at. */
static void short_images_are_not_read_past_their_end(void)
{
    static const struct {
        const char *text;
        size_t len;
        const char *format;
    } whole[] = {
        {"QFI\xfb\0\0\0\3", 8, "qcow2"}, {"vhdxfile", 8, "vhdx"}, {"#\nversion=1\n", 12, "vmdk"}, {"KDMV", 4, "vmdk"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(whole); i++) {
        for (size_t n = 0; n <= whole[i].len; n++) {
            g_autofree uint8_t *bytes = g_memdup2(whole[i].text, n); /* exactly n: a sanitizer sees more */
            const char *format = probe_format(bytes, n, NULL);

            g_assert_cmpstr(format, ==, n == whole[i].len ? whole[i].format : "raw");
        }
    }
}

static void dmg_is_told_by_its_name(void)
{
    g_assert_cmpstr(probe_format((const uint8_t *)"x", 1, "/a/disk.dmg"), ==, "dmg");
    g_assert_cmpstr(probe_format((const uint8_t *)"x", 1, "/a.dmg/disk"), ==, "raw");
}

static void formats_without_a_driver_have_names(void)
{
    g_assert_true(probe_knows_format("vmdk"));
    g_assert_true(probe_knows_format("qcow2"));
    g_assert_true(probe_knows_format("dmg"));
    g_assert_false(probe_knows_format("raw"));
    g_assert_false(probe_knows_format("nope"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/probe/empty-and-zero-images-are-raw", empty_and_zero_images_are_raw);
    g_test_add_func("/probe/qcow-versions-are-told-apart", qcow_versions_are_told_apart);
    g_test_add_func("/probe/signatures-are-known", signatures_are_known);
    g_test_add_func("/probe/bochs-needs-type-and-subtype", bochs_needs_type_and_subtype);
    g_test_add_func("/probe/vmdk-descriptors-are-text", vmdk_descriptors_are_text);
    g_test_add_func("/probe/short-images-are-not-read-past-their-end", short_images_are_not_read_past_their_end);
    g_test_add_func("/probe/dmg-is-told-by-its-name", dmg_is_told_by_its_name);
    g_test_add_func("/probe/formats-without-a-driver-have-names", formats_without_a_driver_have_names);
    return g_test_run();
}
