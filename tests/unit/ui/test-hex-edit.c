/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Typing over bytes in the hex panel. */
#include <glib.h>
#include <string.h>

#include "driver.h"

/* The hex panel of a screen, with the focus, on the driver's image, open as the options say. */
static struct driver *begin(const char *options)
{
    struct driver *driver = driver_new(100, 40, driver_colour, "disk.raw");
    g_autofree char *line = g_strdup_printf("open %s -o driver=raw %s/disk.raw", options, driver->dir);
    driver_command(driver, "close");
    driver_command(driver, line);
    driver_command(driver, "focus hex");
    driver_command(driver, "goto 0x180000 hex");
    return driver;
}

static void assert_shows(struct driver *driver, const char *text)
{
    if (!driver_shows(driver, text)) {
        g_autofree char *screen = driver_text(driver);
        g_error("'%s' is not there:\n%s", text, screen);
    }
}

static unsigned count_role(struct driver *driver, enum role role)
{
    const struct grid *grid = desk_draw(driver->desk);
    unsigned count = 0;
    for (int i = 0; i < grid_height(grid) * grid_width(grid); i++) {
        count += grid_cell(grid, i % grid_width(grid), i / grid_width(grid))->role == role;
    }
    return count;
}

static void test_digits_are_written_by_enter(void)
{
    struct driver *driver = begin("-w");
    driver_keys(driver, "r dead");
    assert_shows(driver, "digits, 2 changed");
    assert_shows(driver, "EDIT");
    g_assert_false(driver_shows(driver, "> poke"));
    g_assert_cmpuint(count_role(driver, ROLE_BYTE_CHANGED), ==, 2 * 3);
    driver_keys(driver, "Enter");
    assert_shows(driver, "> poke 0x180000 de ad");
    assert_shows(driver, "wrote 2/2 bytes at offset 1572864");
    assert_shows(driver, "00180000  de ad 00 00");
    assert_shows(driver, "MOVE");
    driver_command(driver, "read -q -P 0xde 0x180000 1");
    g_assert_false(driver_shows(driver, "verification failed"));
    driver_free(driver);
}

static void test_characters_are_utf8(void)
{
    struct driver *driver = begin("-w");
    driver_keys(driver, "r Tab aä Enter");
    assert_shows(driver, "> poke 0x180000 61 c3 a4");
    driver_free(driver);
}

static void test_each_stretch_is_a_command(void)
{
    struct driver *driver = begin("-w");
    driver_keys(driver, "r 11 Right 22 Down 33 Enter");
    assert_shows(driver, "> poke 0x180000 11; poke 0x180002 22; poke 0x180013 33");
    driver_free(driver);
}

static void test_half_a_byte_keeps_the_other_half(void)
{
    struct driver *driver = begin("-w");
    driver_command(driver, "poke -q 0x180000 5a");
    driver_command(driver, "focus hex");
    driver_keys(driver, "r c Enter");
    assert_shows(driver, "> poke 0x180000 ca");
    driver_free(driver);
}

static void test_a_movement_ends_half_a_byte(void)
{
    struct driver *driver = begin("-w");
    driver_keys(driver, "r c Right d Enter");
    assert_shows(driver, "> poke 0x180000 c0 d0");
    driver_free(driver);
}

static void test_escape_forgets(void)
{
    struct driver *driver = begin("-w");
    driver_keys(driver, "r dead Esc");
    assert_shows(driver, "nothing was written");
    assert_shows(driver, "MOVE");
    g_assert_cmpuint(count_role(driver, ROLE_BYTE_CHANGED), ==, 0);
    driver_command(driver, "read -q -P 0 0x180000 16");
    g_assert_false(driver_shows(driver, "verification failed"));
    driver_free(driver);
}

static void test_backspace_takes_back_digit_by_digit(void)
{
    struct driver *driver = begin("-w");
    driver_keys(driver, "r dead Backspace");
    assert_shows(driver, "00180000  de a0 00");
    driver_keys(driver, "Backspace Backspace");
    assert_shows(driver, "digits, 1 changed");
    assert_shows(driver, "00180000  d0 00 00");
    driver_keys(driver, "Backspace Backspace");
    assert_shows(driver, "digits, 0 changed");
    driver_keys(driver, "Enter");
    g_assert_false(driver_shows(driver, "> poke"));
    driver_free(driver);
}

static void test_a_read_only_image_says_what_to_do(void)
{
    struct driver *driver = begin("");
    driver_keys(driver, "r");
    assert_shows(driver, "overlay start");
    assert_shows(driver, "MOVE");
    driver_free(driver);
}

static void test_the_end_of_the_image_is_the_end(void)
{
    struct driver *driver = begin("-w");
    driver_keys(driver, "End r 11 22"); /* what comes behind does not replace it */
    assert_shows(driver, "the image ends here");
    driver_keys(driver, "Backspace 3 Enter");
    assert_shows(driver, "> poke 0x1fffff 13");
    assert_shows(driver, "wrote 1/1 bytes");
    driver_keys(driver, "r Tab ä");
    assert_shows(driver, "the image ends here");
    driver_keys(driver, "ab");
    assert_shows(driver, "the image ends here");
    driver_keys(driver, "Left Right c Enter"); /* who goes there again means it */
    assert_shows(driver, "> poke 0x1fffff 63");
    driver_free(driver);
}

static void test_no_more_than_fits(void)
{
    struct driver *driver = begin("-w");
    g_autofree char *many = g_strnfill(2 * 4096, '7');
    driver_keys(driver, "r");
    driver_keys(driver, many);
    assert_shows(driver, "digits, 4096 changed");
    driver_keys(driver, "7");
    assert_shows(driver, "no more bytes can be typed at once");
    driver_keys(driver, "Enter");
    driver_command(driver, "read -q -P 0x77 0x180000 4096");
    g_assert_false(driver_shows(driver, "verification failed"));
    driver_free(driver);
}

static void test_a_command_is_not_typed_as_digits(void)
{
    struct driver *driver = begin("-w");
    driver_keys(driver, "r 11 : length Enter");
    assert_shows(driver, "> length");
    assert_shows(driver, "digits, 1 changed"); /* which waits */
    driver_keys(driver, "Esc 22 Tab : Enter");
    assert_shows(driver, "> poke 0x180000 11 22 3a");
    driver_free(driver);
}

static void test_pasted_digits_are_typed(void)
{
    struct driver *driver = begin("-w");
    driver_keys(driver, "r");
    desk_paste(driver->desk, "de ad\nbe:ef");
    driver_settle(driver);
    driver_keys(driver, "Enter");
    assert_shows(driver, "> poke 0x180000 de ad be ef");
    driver_free(driver);
}

/* What is behind something that is no digit would be typed in its place. */
static void test_a_paste_ends_where_it_can_not_go_on(void)
{
    struct driver *driver = begin("-w");
    driver_keys(driver, "r");
    desk_paste(driver->desk, "de 0xad be");
    driver_settle(driver);
    assert_shows(driver, "hex digits are typed here");
    assert_shows(driver, "digits, 2 changed");
    assert_shows(driver, "00180000  de 00 00 00");
    driver_free(driver);
}

static void test_backspace_takes_back_a_whole_character(void)
{
    struct driver *driver = begin("-w");
    driver_keys(driver, "r Tab aä日 Backspace");
    assert_shows(driver, "characters, 3 changed");
    assert_shows(driver, "00180000  61 c3 a4 00");
    driver_keys(driver, "Backspace b Enter");
    assert_shows(driver, "> poke 0x180000 61 62");
    driver_free(driver);
}

static void test_another_view_waits_and_closing_forgets(void)
{
    struct driver *driver = begin("-w");
    driver_keys(driver, "r 11 Shift-Tab");
    driver_command(driver, "read -q 0 512"); /* shows the buffer */
    driver_command(driver, "focus hex");
    assert_shows(driver, "MOVE");
    driver_keys(driver, "i");
    assert_shows(driver, "digits, 1 changed");
    driver_keys(driver, "Shift-Tab");
    driver_command(driver, "close");
    driver_command(driver, "focus hex");
    assert_shows(driver, "MOVE");
    driver_keys(driver, "Enter");
    g_assert_false(driver_shows(driver, "> poke"));
    driver_free(driver);
}

/* The sanitizers say when something of it stays behind. */
static void test_the_program_may_end_meanwhile(void)
{
    struct driver *driver = begin("-w");
    driver_keys(driver, "r 11 Shift-Tab");
    driver_command(driver, "length"); /* what is not written is in the log then */
    assert_shows(driver, "> hex-type digits");
    driver_free(driver);
}

static void test_what_typing_looks_like(void)
{
    struct driver *driver = begin("-w");
    driver_keys(driver, "z r dead Tab Hi Tab 4");
    driver_snapshot(driver, "hex-edit");
    driver_free(driver);
}

int main(int argc, char **argv)
{
    driver_init(&argc, &argv);
    g_test_add_func("/hex-edit/digits-are-written-by-enter", test_digits_are_written_by_enter);
    g_test_add_func("/hex-edit/characters-are-utf8", test_characters_are_utf8);
    g_test_add_func("/hex-edit/each-stretch-is-a-command", test_each_stretch_is_a_command);
    g_test_add_func("/hex-edit/half-a-byte-keeps-the-other-half", test_half_a_byte_keeps_the_other_half);
    g_test_add_func("/hex-edit/a-movement-ends-half-a-byte", test_a_movement_ends_half_a_byte);
    g_test_add_func("/hex-edit/escape-forgets", test_escape_forgets);
    g_test_add_func("/hex-edit/backspace-takes-back-digit-by-digit", test_backspace_takes_back_digit_by_digit);
    g_test_add_func("/hex-edit/a-read-only-image-says-what-to-do", test_a_read_only_image_says_what_to_do);
    g_test_add_func("/hex-edit/the-end-of-the-image-is-the-end", test_the_end_of_the_image_is_the_end);
    g_test_add_func("/hex-edit/no-more-than-fits", test_no_more_than_fits);
    g_test_add_func("/hex-edit/a-command-is-not-typed-as-digits", test_a_command_is_not_typed_as_digits);
    g_test_add_func("/hex-edit/pasted-digits-are-typed", test_pasted_digits_are_typed);
    g_test_add_func("/hex-edit/a-paste-ends-where-it-can-not-go-on", test_a_paste_ends_where_it_can_not_go_on);
    g_test_add_func("/hex-edit/backspace-takes-back-a-whole-character", test_backspace_takes_back_a_whole_character);
    g_test_add_func("/hex-edit/another-view-waits-and-closing-forgets", test_another_view_waits_and_closing_forgets);
    g_test_add_func("/hex-edit/the-program-may-end-meanwhile", test_the_program_may_end_meanwhile);
    g_test_add_func("/hex-edit/what-typing-looks-like", test_what_typing_looks_like);
    return driver_run_tests();
}
