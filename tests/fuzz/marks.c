/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The files of earlier runs: the hex panel's marks and the console's history.  The first line is the image's name, the rest is the file; what is set
 * or noted is there when it is read again, and stays when others write.
 */
#include <string.h>

#include "files.h"
#include "fuzz.h"
#include "ui/console/histfile.h"
#include "ui/panels/hex-marks.h"

static void check_marks(const char *path, const char *image)
{
    struct hex_marks *marks = hex_marks_new(path, image);
    g_autofree char *before = g_strdup(hex_marks_get(marks, 'b'));
    g_assert_cmpint(hex_marks_set(marks, 'a', "h:4096", NULL), ==, 0);
    hex_marks_free(marks);
    marks = hex_marks_new(path, image);
    g_assert_cmpstr(hex_marks_get(marks, 'a'), ==, "h:4096");
    g_assert_cmpstr(hex_marks_get(marks, 'b'), ==, before);
    for (int mark = 0; mark < 128; mark++)
        g_assert_true(hex_marks_get(marks, (char)mark) == NULL || g_ascii_isalpha(mark));
    hex_marks_free(marks);
}

static void check_history(const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) lines = histfile_read(path, &error);
    g_assert_true((lines == NULL) == (error != NULL));
    if (!lines)
        return;
    for (unsigned i = 0; i < lines->len; i++) {
        g_assert_true(g_utf8_validate(lines->pdata[i], -1, NULL));
        for (const char *at = lines->pdata[i]; *at; at++)
            g_assert_false(g_ascii_iscntrl(*at));
    }
    g_autoptr(GPtrArray) more = g_ptr_array_new();
    g_ptr_array_add(more, (char *)"read 0 512");
    g_assert_true(histfile_append(path, more, NULL));
    g_autoptr(GPtrArray) again = histfile_read(path, NULL);
    g_assert_cmpstr(again->pdata[again->len - 1], ==, "read 0 512");
}

void fuzz_one(const uint8_t *data, size_t size)
{
    const uint8_t *end = size ? memchr(data, '\n', size) : NULL;
    size_t skip = end ? (size_t)(end - data) + 1 : 0;
    g_autofree char *image = fuzz_text(data, skip ? skip - 1 : 0);
    check_marks(fuzz_file(data + skip, size - skip), *image ? image : "image");
    check_history(fuzz_file(data + skip, size - skip));
}
