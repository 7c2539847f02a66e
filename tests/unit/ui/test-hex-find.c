/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "driver.h"

#include <locale.h>
#include <string.h>

#include "io/co.h"

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

int main(int argc, char **argv)
{
    g_setenv("INPUTRC", "/dev/null", TRUE);
    g_setenv("TERM", "xterm", TRUE);
    setlocale(LC_CTYPE, "C.UTF-8");
    g_test_init(&argc, &argv, NULL);
    co_init();
    g_test_add_func("/hex-find/text", test_text_is_found_forward_and_backward);
    g_test_add_func("/hex-find/capitals", test_capitals_are_for_that_case_only);
    g_test_add_func("/hex-find/hex", test_hex_is_found_with_any_digit);
    g_test_add_func("/hex-find/highlight", test_matches_are_highlighted_until_escape);
    g_test_add_func("/hex-find/semantic-jumps", test_jumps_know_what_is_where);
    g_test_add_func("/hex-find/jump-list", test_jumps_are_taken_back);
    g_test_add_func("/hex-find/file", test_the_file_is_a_view_of_its_own);
    g_test_add_func("/hex-find/replays", test_a_log_of_searches_replays);
    int ret = g_test_run();
    co_done();
    return ret;
}
