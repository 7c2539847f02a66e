/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ui/panels/hex-copy.h"
#include "ui/panels/hex-marks.h"

static void check(enum hex_copy_form form, const char *bytes, size_t n, const char *expected)
{
    g_autofree char *text = hex_copy_text(form, (const uint8_t *)bytes, n);
    g_assert_cmpstr(text, ==, expected);
}

static void test_forms(void)
{
    check(HEX_COPY_HEX, "\x7f" "ELF\0", 5, "7f 45 4c 46 00");
    check(HEX_COPY_HEX, "aaaaaaaaaaaaaaaab", 17, "61 61 61 61 61 61 61 61 61 61 61 61 61 61 61 61\n62");
    check(HEX_COPY_C, "\x01\xff", 2, "const unsigned char data[2] = {\n    0x01, 0xff,\n};\n");
    check(HEX_COPY_BASE64, "\x7f" "ELF", 4, "f0VMRg==");
    check(HEX_COPY_TEXT, "a\x1b[1m\n\xc3\xa4\0", 9, "a.[1m\n...");
    check(HEX_COPY_HEX, "", 0, "");
    g_assert_cmpint(hex_copy_parse("base64"), ==, HEX_COPY_BASE64);
    g_assert_cmpint(hex_copy_parse("octal"), ==, -EINVAL);
}

static void test_marks_are_kept_per_image(void)
{
    g_autofree char *dir = g_dir_make_tmp("blkscope-XXXXXX", NULL);
    g_autofree char *folder = g_build_filename(dir, "blkscope", NULL), *path = g_build_filename(folder, "marks", NULL);
    struct hex_marks *one = hex_marks_new(path, "/a/one\t\n\xff.img"), *two = hex_marks_new(path, "/a/two.img");
    g_assert_null(hex_marks_get(one, 'x'));
    g_assert_cmpint(hex_marks_set(one, 'x', "0x1000", NULL), ==, 0);
    g_assert_cmpint(hex_marks_set(two, 'x', "h1:0x20", NULL), ==, 0);
    g_assert_cmpint(hex_marks_set(one, 'Y', "0x3", NULL), ==, 0);
    g_assert_cmpint(hex_marks_set(one, 'x', "0x2000", NULL), ==, 0);
    g_assert_cmpint(hex_marks_set(one, '1', "0", NULL), ==, -EINVAL);
    hex_marks_free(one);
    hex_marks_free(two);
    one = hex_marks_new(path, "/a/../a/one\t\n\xff.img");
    two = hex_marks_new(path, "/a/two.img");
    g_assert_cmpstr(hex_marks_get(one, 'x'), ==, "0x2000");
    g_assert_cmpstr(hex_marks_get(one, 'Y'), ==, "0x3");
    g_assert_cmpstr(hex_marks_get(two, 'x'), ==, "h1:0x20");
    g_assert_null(hex_marks_get(two, 'Y'));
    struct stat st;
    g_assert_cmpint(g_stat(path, &st), ==, 0);
    g_assert_cmpint(st.st_mode & 0777, ==, 0600);
    hex_marks_free(one);
    hex_marks_free(two);
    /* A file of anything does no harm, and is told of when it can't be written. */
    g_assert_true(g_file_set_contents(path, "x\ty\nzz\t\t\t\n\t\t/a/two.img\nx\t0x5\t/a/two.img", -1, NULL));
    two = hex_marks_new(path, "/a/two.img");
    g_assert_cmpstr(hex_marks_get(two, 'x'), ==, "0x5");
    hex_marks_free(two);
    /* One that can't be read, here as it is too long, is not replaced: there may be many marks in it. */
    g_autoptr(GError) error = NULL;
    g_assert_cmpint(truncate(path, 5 << 20), ==, 0);
    two = hex_marks_new(path, "/a/two.img");
    g_assert_cmpint(hex_marks_set(two, 'x', "0x1", &error), ==, 0);
    g_assert_nonnull(error);
    g_clear_error(&error);
    g_assert_cmpint(g_stat(path, &st), ==, 0);
    g_assert_cmpint(st.st_size, ==, 5 << 20);
    hex_marks_free(two);
    g_unlink(path);
    g_assert_cmpint(g_mkdir(path, 0700), ==, 0);
    two = hex_marks_new(path, "/a/two.img");
    g_assert_cmpint(hex_marks_set(two, 'x', "0x1", &error), ==, 0);
    g_assert_nonnull(error);
    g_assert_cmpstr(hex_marks_get(two, 'x'), ==, "0x1");
    hex_marks_free(two);
    g_rmdir(path);
    g_rmdir(folder);
    g_rmdir(dir);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hex-copy/forms", test_forms);
    g_test_add_func("/hex-copy/marks", test_marks_are_kept_per_image);
    return g_test_run();
}
