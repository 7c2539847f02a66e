/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "driver.h"

#include <glib/gstdio.h>
#include <string.h>


/* The hex panel of a screen, with the focus, on the driver's image. */
static struct driver *begin(void)
{
    struct driver *driver = driver_new(100, 40, driver_colour, "disk.raw");
    driver_keys(driver, "Tab");
    return driver;
}

static void assert_at(struct driver *driver, int64_t offset)
{
    g_autofree char *text = g_strdup_printf("offset %" G_GINT64_FORMAT " 0x%" G_GINT64_MODIFIER "x", offset, offset);
    if (!driver_shows(driver, text)) {
        g_autofree char *screen = driver_text(driver);
        g_error("the cursor is not at %#" G_GINT64_MODIFIER "x:\n%s", offset, screen);
    }
}

static unsigned count_role(struct driver *driver, enum role role)
{
    const struct grid *grid = desk_draw(driver->desk);
    unsigned count = 0;
    for (int y = 0; y < grid_height(grid); y++) {
        for (int x = 0; x < grid_width(grid); x++) {
            count += grid_cell(grid, x, y)->role == role;
        }
    }
    return count;
}

static void test_text_is_found_forward_and_backward(void)
{
    struct driver *driver = begin();
    driver_keys(driver, "/ demo Enter");
    assert_at(driver, 9);
    driver_keys(driver, "n");
    assert_at(driver, 25);
    driver_keys(driver, "N");
    assert_at(driver, 9);
    driver_keys(driver, "N"); /* around the beginning */
    assert_at(driver, 1024 - 16 + 9);
    g_assert_true(driver_shows(driver, "the search went on at the other end"));
    driver_keys(driver, "n");
    assert_at(driver, 9);
    g_assert_true(driver_shows(driver, "> find -i -o 0 demo"));
    driver_free(driver);
}

static void test_what_is_no_hex_is_told_where_no_console_is(void)
{
    struct driver *driver = driver_new(60, 20, driver_colour, "disk.raw");
    driver_keys(driver, "Tab \\ z z Enter");
    g_assert_true(driver_shows(driver, "that is no hex: type pairs of digits"));
    driver_free(driver);
}

static void test_capitals_are_for_that_case_only(void)
{
    struct driver *driver = begin();
    driver_keys(driver, "/ Demo Enter");
    g_assert_true(driver_shows(driver, "not found: Demo"));
    assert_at(driver, 0);
    driver_command(driver, "find -i DEMO");
    driver_keys(driver, "Esc");
    assert_at(driver, 9);
    driver_free(driver);
}

static void test_hex_is_found_with_any_digit(void)
{
    struct driver *driver = begin();
    driver_keys(driver, "\\ 0 0 0 1 ? ? 0 ? Enter");
    assert_at(driver, 1 << 20);
    driver_keys(driver, "\\ x y Enter");
    g_assert_true(driver_shows(driver, "that is no hex"));
    driver_free(driver);
}

static void test_matches_are_highlighted_until_escape(void)
{
    struct driver *driver = begin();
    g_assert_cmpuint(count_role(driver, ROLE_BYTE_MATCH), ==, 0);
    driver_keys(driver, "/ scope Enter");
    g_assert_cmpuint(count_role(driver, ROLE_BYTE_MATCH), ==, 5 * 3);
    driver_keys(driver, "Esc");
    g_assert_cmpuint(count_role(driver, ROLE_BYTE_MATCH), ==, 0);
    driver_keys(driver, "n");
    g_assert_cmpuint(count_role(driver, ROLE_BYTE_MATCH), >, 0);
    driver_free(driver);
}

static void test_jumps_know_what_is_where(void)
{
    struct driver *driver = begin();
    driver_keys(driver, "a");
    assert_at(driver, 1 << 20);
    driver_keys(driver, "A");
    assert_at(driver, 0);
    driver_keys(driver, "}");
    assert_at(driver, 1 << 20);
    driver_keys(driver, "e");
    assert_at(driver, (1 << 20) + 65536);
    driver_keys(driver, "E");
    assert_at(driver, 4096);
    driver_keys(driver, "w");
    assert_at(driver, (1 << 20) + 1);
    driver_keys(driver, "W");
    assert_at(driver, 1022);
    driver_keys(driver, "c");
    g_assert_true(driver_shows(driver, "no next extent that is compressed"));
    driver_keys(driver, "x");
    g_assert_true(driver_shows(driver, "no backing file"));
    driver_free(driver);
}

/* The driver's image has 64 rows of the same text, data up to 4096, and 64 KiB of it from 1 MiB on. */
static void test_counts_go_further(void)
{
    struct driver *driver = begin();
    driver_keys(driver, "3 ]");
    assert_at(driver, (1 << 20) + 65536);
    driver_keys(driver, "Ctrl-O"); /* one jump */
    assert_at(driver, 0);
    driver_keys(driver, "9 ]"); /* as far as there are some */
    assert_at(driver, (1 << 20) + 65536);
    g_assert_true(driver_shows(driver, "no next extent"));
    driver_keys(driver, "3 [");
    assert_at(driver, 0);
    driver_keys(driver, "/ demo Enter");
    driver_keys(driver, "3 n");
    assert_at(driver, 3 * 16 + 9);
    driver_keys(driver, "2 N");
    assert_at(driver, 16 + 9);
    driver_keys(driver, "6 4 n"); /* once around */
    assert_at(driver, 16 + 9);
    driver_keys(driver, "9 9 9 9 9 9 9 9 9 n");
    assert_at(driver, (1 + 999999999 % 64) % 64 * 16 + 9);
    driver_command(driver, "goto 1M hex");
    driver_keys(driver, "3 w");
    assert_at(driver, (1 << 20) + 3);
    driver_command(driver, "read 0 1k");
    driver_keys(driver, "Esc /");
    driver_keys(driver, "demo Enter");
    driver_keys(driver, "6 5 n");
    assert_at(driver, 16 + 9);
    driver_free(driver);
}

static void test_rows_have_numbers(void)
{
    struct driver *driver = begin();
    driver_keys(driver, "1 2 G");
    assert_at(driver, 11 * 16);
    driver_keys(driver, "1 0 0 0 0 0 G"); /* in the middle of folded rows, beyond what is counted line by line */
    assert_at(driver, 99999 * 16);
    driver_keys(driver, "9 9 9 9 9 9 9 9 9 9 9 9 G");
    assert_at(driver, (2 << 20) - 16);
    driver_keys(driver, "f < 6 5 0 0 0 j");
    assert_at(driver, 65000 * 16);
    driver_keys(driver, "3 l 6 0 0 0 0 k");
    assert_at(driver, 5000 * 16 + 3);
    driver_keys(driver, "1 0 0 0 PageDown"); /* nine rows each */
    assert_at(driver, 14000 * 16 + 3);
    driver_keys(driver, "9 9 9 9 9 9 9 9 9 PageUp");
    assert_at(driver, 3);
    driver_keys(driver, "7 0 0 0 0 0 l");
    assert_at(driver, 700003);
    driver_free(driver);
}

static void test_jumps_are_taken_back(void)
{
    struct driver *driver = begin();
    driver_keys(driver, "a");
    driver_keys(driver, "e");
    driver_keys(driver, "Ctrl-O");
    assert_at(driver, 1 << 20);
    driver_keys(driver, "Ctrl-O");
    assert_at(driver, 0);
    driver_keys(driver, "Ctrl-O");
    g_assert_true(driver_shows(driver, "there is no jump further"));
    driver_keys(driver, "Ctrl-N Ctrl-N");
    assert_at(driver, (1 << 20) + 65536);
    driver_free(driver);
}

static void test_the_file_is_a_view_of_its_own(void)
{
    struct driver *driver = begin();
    driver_keys(driver, "l l o");
    g_assert_true(driver_shows(driver, "file disk.raw"));
    assert_at(driver, 0);
    driver_keys(driver, "/ demo Enter");
    assert_at(driver, 9);
    g_assert_true(driver_shows(driver, "find -i -o h:0 demo"));
    driver_keys(driver, "i");
    assert_at(driver, 2);
    driver_keys(driver, "g h : 0 x 1 0 Enter");
    assert_at(driver, 16);
    g_assert_true(driver_shows(driver, "file disk.raw"));
    driver_keys(driver, "g h : 9 G Enter");
    g_assert_true(driver_shows(driver, "is outside the file"));
    driver_free(driver);
}

static void test_a_log_of_searches_replays(void)
{
    struct driver *driver = begin();
    driver_command(driver, "find demo; find-next; find-next; find-previous 0x400; hex-next-data; find -b -x 0a");
    driver_keys(driver, "Esc");
    assert_at(driver, 1024 - 16 + 13);
    driver_free(driver);
}

/* A qcow2 image of the driver's own folder in the place of the raw one; 64k at 1M hold data. */
static struct driver *begin_qcow2(void)
{
    struct driver *driver = driver_new(120, 50, driver_colour, "disk.raw");
    g_autofree char *line = g_strdup_printf("create -q -f qcow2 %s/layer.qcow2 64M; close; open -w %s/layer.qcow2; write -q -P 7 1M 64k",
                                            driver->dir, driver->dir);
    driver_command(driver, line);
    driver_keys(driver, "Esc");
    driver_command(driver, "focus hex");
    driver_keys(driver, "z");
    return driver;
}

static void test_tables_of_the_file_are_explained(void)
{
    struct driver *driver = begin_qcow2();
    driver_keys(driver, "o");
    g_assert_true(driver_shows(driver, "file layer.qcow2"));
    g_assert_true(driver_shows(driver, "qcow2 header · magic"));
    driver_keys(driver, "g h : 0 x 2 8 Enter"); /* the L1 table's offset */
    g_assert_true(driver_shows(driver, "Enter goes there"));
    driver_keys(driver, "Enter");
    assert_at(driver, 0x30000);
    g_assert_true(driver_shows(driver, "L1 table · entry L2 table at 0x40000, used once"));
    driver_keys(driver, "Enter");
    assert_at(driver, 0x40000);
    g_assert_true(driver_shows(driver, "L2 table of guest 0x0 · entry not allocated"));
    driver_keys(driver, "Enter");
    g_assert_true(driver_shows(driver, "no pointer is under the cursor"));
    driver_keys(driver, "g h : 0 x 4 0 0 8 0 Enter");
    g_assert_true(driver_shows(driver, "entry data at 0x50000, used once"));
    driver_keys(driver, "Enter l l");
    assert_at(driver, 0x50002);
    g_assert_true(driver_shows(driver, "data of guest 0x100000 · guest byte 0x100002"));
    driver_keys(driver, "g h : 0 x 2 0 0 0 2 Enter");
    g_assert_true(driver_shows(driver, "refcount block · entry 1 for the cluster at 0x10000 ·"));
    driver_free(driver);
}

static void test_a_byte_is_found_in_the_file_and_back(void)
{
    struct driver *driver = begin_qcow2();
    driver_command(driver, "goto 0x100123 hex");
    driver_keys(driver, "t");
    assert_at(driver, 0x50123);
    g_assert_true(driver_shows(driver, "file layer.qcow2"));
    driver_keys(driver, "l t");
    assert_at(driver, 0x100124);
    g_assert_true(driver_shows(driver, "hex · image"));
    driver_keys(driver, "< t");
    g_assert_true(driver_shows(driver, "no byte of a file is behind these"));
    driver_keys(driver, "g h : 0 Enter t");
    g_assert_true(driver_shows(driver, "it is no data"));
    driver_free(driver);
}

static void test_what_is_closed_is_let_go(void)
{
    struct driver *driver = begin_qcow2();
    driver_keys(driver, "o t");
    driver_command(driver, "close");
    g_assert_true(driver_shows(driver, "no image open"));
    driver_keys(driver, "Esc");
    driver_command(driver, "focus hex");
    driver_keys(driver, "o t n Enter v x a Ctrl-O");
    driver_free(driver);
}

static void test_a_selection_is_saved_and_marks_are_gone_to(void)
{
    struct driver *driver = begin();
    g_autofree char *path = g_build_filename(driver->dir, "saved", NULL);
    g_autofree char *save = g_strdup_printf("hex-save %s", path), *text = NULL;
    gsize n = 0;
    driver_keys(driver, "y");
    g_assert_true(driver_shows(driver, "nothing is selected"));
    driver_keys(driver, "v l l l l l l l");
    g_assert_true(driver_shows(driver, "0..0x7 8 bytes"));
    driver_command(driver, save);
    g_assert_true(g_file_get_contents(path, &text, &n, NULL));
    g_assert_cmpmem(text, n, "blkscope", 8);
    g_assert_true(driver_shows(driver, "8 bytes saved in "));
    driver_command(driver, save);
    g_assert_true(driver_shows(driver, "there is a file of that name already"));
    g_autofree char *whole = g_build_filename(driver->dir, "whole", NULL), *save_all = g_strdup_printf("hex-save %s 0 2M", whole), *all = NULL;
    g_autofree char *image = g_build_filename(driver->dir, "disk.raw", NULL), *original = NULL;
    gsize all_n = 0, original_n = 0;
    GStatBuf st;
    driver_command(driver, save_all);
    g_assert_true(g_file_get_contents(whole, &all, &all_n, NULL) && g_file_get_contents(image, &original, &original_n, NULL));
    g_assert_cmpmem(all, all_n, original, original_n);
    g_assert_cmpint(g_stat(whole, &st), ==, 0);
    g_assert_cmpint(st.st_blocks, <, (2 << 20) / 512); /* with its holes */
    driver_keys(driver, "Esc y h");
    g_assert_true(driver_shows(driver, "> hex-copy hex 0 8"));
    driver_keys(driver, "m a");
    driver_command(driver, "goto s:2048 hex");
    assert_at(driver, 1 << 20);
    driver_keys(driver, "' a");
    assert_at(driver, 7);
    driver_keys(driver, "' b");
    g_assert_true(driver_shows(driver, "there is no such mark"));
    driver_free(driver);
}

/* Not the cursor's bytes in their stead. */
static void test_what_is_outside_is_no_place(void)
{
    struct driver *driver = begin();
    g_autofree char *path = g_build_filename(driver->dir, "outside", NULL), *save = g_strdup_printf("hex-save %s 2M 16", path);
    driver_keys(driver, "l l l");
    driver_command(driver, save);
    g_assert_true(driver_shows(driver, "hex-save: 0x200000 is outside of what is shown"));
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    driver_command(driver, "mark a 2M");
    g_assert_true(driver_shows(driver, "mark: 0x200000 is outside of the image"));
    driver_command(driver, "to-mark a");
    g_assert_true(driver_shows(driver, "there is no such mark"));
    driver_command(driver, "mark a h1:0");
    g_assert_true(driver_shows(driver, "mark: there is no such layer, or it is in no file"));
    driver_command(driver, "mark a 64k; mark b h:128k"); /* other places: the cursor stays */
    assert_at(driver, 3);
    driver_command(driver, "to-mark b");
    g_assert_true(driver_shows(driver, "00020000"));
    driver_command(driver, "to-mark a");
    assert_at(driver, 64 << 10);
    driver_command(driver, "goto 3 hex");
    driver_command(driver, "find -o 8E demo");
    g_assert_true(driver_shows(driver, "find: "));
    assert_at(driver, 3);
    driver_command(driver, "read -q 1M 4k");
    driver_command(driver, "hex-copy hex 1M 16");
    driver_command(driver, "hex-copy hex 64k 16");
    g_assert_true(driver_shows(driver, "hex-copy: 0x10000 is outside of what is shown"));
    driver_free(driver);
}

static void test_groups_and_offsets_as_one_likes(void)
{
    struct driver *driver = begin();
    driver_keys(driver, "s");
    g_assert_true(driver_shows(driver, "626c 6b73 636f 7065"));
    driver_keys(driver, "S");
    g_assert_true(driver_shows(driver, "6c62 736b 6f63 6570"));
    driver_keys(driver, "s s");
    g_assert_true(driver_shows(driver, "65706f63736b6c62"));
    driver_keys(driver, "s #");
    g_assert_true(driver_shows(driver, "1048576  00 01 02 03"));
    driver_free(driver);
}

static void test_what_could_not_be_read_is_said(void)
{
    struct driver *driver = driver_new(100, 40, driver_colour, "disk.img");
    g_autofree char *line = g_strdup_printf("close; open -o driver=raw blkdebug::%s/disk.img; inject event=read_aio,errno=5,sector=2048; read 1M 512; find nowhere", driver->dir);
    driver_command(driver, line);
    g_assert_true(driver_shows(driver, "find: 'nowhere' was not found (4096 bytes could not be read)"));
    driver_command(driver, "find scope");
    g_assert_false(driver_shows(driver, "'scope' was not found"));
    driver_free(driver);
}

static void test_a_search_that_is_stopped_says_so(void)
{
    static const char *const words[] = {":", "find", "Space", "nowhere", "Enter", "Esc", "Esc"};
    struct driver *driver = driver_new(100, 40, driver_colour, "disk.img");
    driver_keys(driver, "Tab");
    g_assert_true(driver_shows(driver, "[READ-ONLY]"));
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        desk_type(driver->desk, words[i]); /* faster than anything is read */
    }
    driver_settle(driver);
    g_assert_true(driver_shows(driver, "find: stopped before its end"));
    g_assert_false(driver_shows(driver, "was not found"));
    driver_free(driver);
}

/* The search reads in windows, of which the last one is not whole: where it would end no number is. */
static void test_the_end_of_the_largest_image_is_searched(void)
{
    struct driver *driver = begin();
    driver_command(driver, "close ; open -o driver=null-co,size=9223372035781033984,read-zeroes=on null-co://");
    driver_command(driver, "goto 9223372035781033000 hex");
    driver_keys(driver, "w");
    g_assert_true(driver_shows(driver, "no byte that is not zero"));
    g_assert_false(driver_shows(driver, "error"));
    assert_at(driver, 9223372035781033000);
    driver_free(driver);
}

int main(int argc, char **argv)
{
    driver_init(&argc, &argv);
    g_test_add_func("/hex-find/text", test_text_is_found_forward_and_backward);
    g_test_add_func("/hex-find/what-is-no-hex-is-told", test_what_is_no_hex_is_told_where_no_console_is);
    g_test_add_func("/hex-find/capitals", test_capitals_are_for_that_case_only);
    g_test_add_func("/hex-find/hex", test_hex_is_found_with_any_digit);
    g_test_add_func("/hex-find/highlight", test_matches_are_highlighted_until_escape);
    g_test_add_func("/hex-find/semantic-jumps", test_jumps_know_what_is_where);
    g_test_add_func("/hex-find/counts", test_counts_go_further);
    g_test_add_func("/hex-find/row-numbers", test_rows_have_numbers);
    g_test_add_func("/hex-find/jump-list", test_jumps_are_taken_back);
    g_test_add_func("/hex-find/file", test_the_file_is_a_view_of_its_own);
    g_test_add_func("/hex-find/replays", test_a_log_of_searches_replays);
    g_test_add_func("/hex-find/tables", test_tables_of_the_file_are_explained);
    g_test_add_func("/hex-find/translation", test_a_byte_is_found_in_the_file_and_back);
    g_test_add_func("/hex-find/closed", test_what_is_closed_is_let_go);
    g_test_add_func("/hex-find/selection-and-marks", test_a_selection_is_saved_and_marks_are_gone_to);
    g_test_add_func("/hex-find/unreadable", test_what_could_not_be_read_is_said);
    g_test_add_func("/hex-find/stopped", test_a_search_that_is_stopped_says_so);
    g_test_add_func("/hex-find/outside", test_what_is_outside_is_no_place);
    g_test_add_func("/hex-find/groups-and-offsets", test_groups_and_offsets_as_one_likes);
    g_test_add_func("/hex-find/the-end-of-the-largest-image", test_the_end_of_the_largest_image_is_searched);
    return driver_run_tests();
}
