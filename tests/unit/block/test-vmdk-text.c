/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Texts that describe vmdk images. */
#include <string.h>

#include "block/options.h"
#include "block/parent_name.h"
#include "block/vmdk_text.h"

static struct vmdk_text *parse(const char *text, GError **error)
{
    return vmdk_text_parse(text, strlen(text), error);
}

static void what_an_extent_says(void)
{
    g_autoptr(vmdk_text) text = parse("# Disk DescriptorFile\r\nversion=1\r\ncreateType = \"twoGbMaxExtentFlat\"\r\n"
                                      "RW 4194304 FLAT \"a b-f001.vmdk\" 0\r\nRDONLY\t8  SPARSE \"../x\"\nNOACCESS 9 ZERO\n", NULL);
    const struct vmdk_extent *extent;

    g_assert_cmpstr(text->create_type, ==, "twoGbMaxExtentFlat");
    g_assert_cmpuint(text->extents->len, ==, 3);
    extent = text->extents->pdata[0];
    g_assert_true(vmdk_extent_is_flat(extent) && extent->has_offset && extent->offset == 0 && extent->sectors == 4194304);
    g_assert_cmpstr(extent->name, ==, "a b-f001.vmdk");
    extent = text->extents->pdata[1];
    g_assert_true(!vmdk_extent_is_flat(extent) && !extent->has_offset);
    g_assert_cmpstr(extent->access, ==, "RDONLY");
    g_assert_cmpstr(extent->name, ==, "../x");
    extent = text->extents->pdata[2];
    g_assert_true(!extent->name && extent->sectors == 9);
}

/* Names are replaced in their order, and no line of the text that is none of an extent is left. */
static void what_is_written_is_ours(void)
{
    g_autoptr(vmdk_text) text = parse("createType=\"vmfs\"\nparentFileNameHint=\"/etc/passwd\"\nRW 1 ZERO\nRW 2 VMFS \"a\" 7\nRW 3 FLAT \"b\"\n", NULL);
    const char *names[] = {"/x", "/y"};
    g_autofree char *ours = vmdk_text_write(text, names);

    g_assert_cmpstr(ours, ==, "# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\ncreateType=\"vmfs\"\n"
                              "RW 1 ZERO\nRW 2 VMFS \"/x\" 7\nRW 3 FLAT \"/y\"\n");
}

static void what_is_refused(void)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "the description has no createType"},
        {"createType=\"vmfs\"\n", "the description has no extent"},
        {"createType=\"a/b\"\nRW 1 ZERO\n", "the description has no createType"},
        {"createType=\"vmfs\"\nRW 1 FLAT \"a\n", "line 2 of the description is no extent, though it begins as one"},
        {"createType=\"vmfs\"\n\nRW 1 FLAT\n", "line 3 of the description is no extent, though it begins as one"},
        {"createType=\"vmfs\"\nRW 1 FLAT \"a\" 1 2\n", "line 2 of the description is no extent, though it begins as one"},
        {"createType=\"vmfs\"\nRW -1 FLAT \"a\"\n", "line 2 of the description is no extent, though it begins as one"},
        {"createType=\"vmfs\"\nRW 99999999999999999999 FLAT \"a\"\n", "line 2 of the description is no extent, though it begins as one"},
        {"createType=\"vmfs\"\nRW 1 FLAT \"\"\n", "line 2 of the description is no extent, though it begins as one"},
    };

    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(parse(cases[i].text, &error));
        g_assert_cmpstr(error->message, ==, cases[i].message);
    }
}

static void so_many_and_no_more(void)
{
    g_autoptr(GString) many = g_string_new("createType=\"vmfs\"\n");
    g_autoptr(vmdk_text) text = NULL;
    g_autoptr(GError) error = NULL;

    for (unsigned i = 0; i < VMDK_EXTENTS_MAX; i++)
        g_string_append(many, "RW 1 ZERO\n");
    text = parse(many->str, NULL);
    g_assert_cmpuint(text->extents->len, ==, VMDK_EXTENTS_MAX);
    g_string_append(many, "RW 1 ZERO\n");
    g_assert_null(parse(many->str, &error));
    g_assert_cmpstr(error->message, ==, "the description has more than 512 extents");
}

/* What an image names is where its header says, in the bytes there are, and not too long. */
static void names_of_backing_files(void)
{
    static const uint8_t qcow[] = "QFI\xfb\0\0\0\1\0\0\0\0\0\0\0\x14\0\0\0\4base";
    uint8_t qed[70] = {'Q', 'E', 'D', [16] = 1, [56] = 66, [60] = 4, [66] = 'b', 'a', 's', 'e'};
    static const char vmdk[] = "# x\nxparentFileNameHint=\"z\"\nparentFileNameHint=\"b/a\"\n\0\nparentFileNameHint=\"x\"\n";
    g_autofree char *a = parent_name("qcow", qcow, sizeof(qcow) - 1), *b = parent_name("qed", qed, sizeof(qed));
    g_autofree char *c = parent_name("vmdk", (const uint8_t *)vmdk, sizeof(vmdk));

    g_assert_cmpstr(a, ==, "base");
    g_assert_cmpstr(b, ==, "base");
    g_assert_cmpstr(c, ==, "b/a");
    for (size_t n = 0; n < sizeof(qcow) - 1; n++)
        g_assert_null(parent_name("qcow", qcow, n));
    for (size_t n = 0; n < sizeof(qed); n++)
        g_assert_null(parent_name("qed", qed, n));
    for (size_t n = 0; n < sizeof(vmdk) - 28; n++)
        g_assert_null(parent_name("vmdk", (const uint8_t *)vmdk, n));
    qed[16] = 0;
    g_assert_null(parent_name("qed", qed, sizeof(qed)));
    g_assert_false(parent_is_named("qed", qed, sizeof(qed)));
}

/* Of a vmdk that has its bytes in itself only what its header calls the description is one. */
static void names_in_headers(void)
{
    enum { SECTOR = 512 };
    static const char line[] = "parentFileNameHint=\"a\"\n";
    uint8_t bytes[4 * SECTOR] = {'K', 'D', 'M', 'V', [28] = 1, [36] = 1};
    memcpy(bytes + SECTOR, line, sizeof(line));
    g_autofree char *name = parent_name("vmdk", bytes, sizeof(bytes));

    g_assert_cmpstr(name, ==, "a");
    for (unsigned offset = 0; offset < 256; offset++) {
        bytes[28] = offset;
        g_autofree char *other = parent_name("vmdk", bytes, sizeof(bytes));
        g_assert_cmpint(other != NULL, ==, offset == 1);
    }
    memset(bytes + 28, 0xff, 16);
    g_assert_null(parent_name("vmdk", bytes, sizeof(bytes)));
    memcpy(bytes, "COWD", 4);
    g_assert_null(parent_name("vmdk", bytes, sizeof(bytes)));
}

/* Where the header says which it is; cut short, it says nothing. */
static void formats_of_backing_files(void)
{
    uint8_t qed[64] = {'Q', 'E', 'D', [16] = 5}, qcow2[128] = {'Q', 'F', 'I', 0xfb, [7] = 3, [103] = 104, [104] = 0xe2, 0x79, 0x2a, 0xca, [111] = 3, 'r', 'a', 'w'};
    g_autofree char *a = parent_format("qed", qed, sizeof(qed)), *b = parent_format("qcow2", qcow2, sizeof(qcow2));

    g_assert_cmpstr(a, ==, "raw");
    g_assert_cmpstr(b, ==, "raw");
    for (size_t n = 0; n < 115; n++)
        g_assert_null(parent_format("qcow2", qcow2, n));
    qed[16] = 1;
    g_assert_null(parent_format("qed", qed, sizeof(qed)));
    g_assert_null(parent_format("qcow", qcow2, sizeof(qcow2)));
    memset(qcow2 + 108, 0xff, 4);
    g_assert_null(parent_format("qcow2", qcow2, sizeof(qcow2)));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vmdk-text/what-an-extent-says", what_an_extent_says);
    g_test_add_func("/vmdk-text/what-is-written-is-ours", what_is_written_is_ours);
    g_test_add_func("/vmdk-text/what-is-refused", what_is_refused);
    g_test_add_func("/vmdk-text/so-many-and-no-more", so_many_and_no_more);
    g_test_add_func("/vmdk-text/names-of-backing-files", names_of_backing_files);
    g_test_add_func("/vmdk-text/names-in-headers", names_in_headers);
    g_test_add_func("/vmdk-text/formats-of-backing-files", formats_of_backing_files);
    return g_test_run();
}
