/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What lies over the panels, and what changes how the screen behaves: palette, help, themes, keys, options, borders. */
#include <glib.h>
#include <string.h>

#include "driver.h"
#include "engine/batch.h"
#include "engine/command.h"
#include "ui/desk-private.h"
#include "ui/keymap.h"
#include "ui/overlay.h"

static void test_scores_prefer_what_is_together(void)
{
    g_assert_cmpint(chooser_score("xq", "quit"), ==, 0);
    g_assert_cmpint(chooser_score("", "quit"), >, 0);
    g_assert_cmpint(chooser_score("next", "focus-next"), >, chooser_score("next", "n-e-x-t"));
    g_assert_cmpint(chooser_score("mne", "map-next-extent"), >, chooser_score("mne", "some name"));
    g_assert_cmpint(chooser_score("QUIT", "quit"), >, 0);
    g_assert_cmpint(chooser_score("fn", "focus-next"), >, 0);
    g_assert_cmpint(chooser_score("oc", "focus"), >, 0);
    g_autofree char *many = g_strnfill(4000, 'a'), *more = g_strnfill(4000, 'a');
    g_assert_cmpint(chooser_score(many, more), >, 0); /* and soon */
}

/* Each key after it is as quick as any: what was typed is taken apart once, not for each choice and not for each time a word is there. */
static void test_a_long_paste_makes_no_key_slow(void)
{
    enum { PASTED = 3000, TYPED = 1000 };
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    g_autoptr(GString) text = g_string_new(NULL);
    while (text->len < PASTED) {
        g_string_append(text, "o e ");
    }
    driver_keys(driver, "Ctrl-P");
    desk_paste(driver->desk, text->str);
    for (int i = 0; i < TYPED; i++) {
        desk_key(driver->desk, (keycode) "o e "[i % 4]);
    }
    driver_keys(driver, "Ctrl-U zoo Enter");
    g_assert_true(driver_shows(driver, "[map]"));
    driver_free(driver);
}

static void test_the_palette_does_requests_and_commands(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    driver_keys(driver, "Ctrl-P zoo Enter");
    g_assert_true(driver_shows(driver, "[map]"));
    driver_keys(driver, "z Ctrl-P :length Enter");
    g_assert_true(driver_shows(driver, "> length"));
    g_assert_true(driver_shows(driver, "2 MiB  "));
    driver_keys(driver, "Ctrl-P :read Enter");
    g_assert_true(driver_shows(driver, "> focus console"));
    driver_keys(driver, "512 Space 512 Enter");
    g_assert_true(driver_shows(driver, "read 512/512 bytes at offset 512"));
    driver_keys(driver, "F2 export");
    driver_keys(driver, "Enter svg");
    g_assert_true(driver_shows(driver, "> map export svg"));
    driver_keys(driver, "Ctrl-C F2 overlay Space diff");
    g_assert_true(driver_shows(driver, "> :overlay diff"));
    driver_keys(driver, "Esc F2 xyzzy Enter");
    g_assert_true(driver_shows(driver, "nothing fits"));
    driver_keys(driver, "Esc");
    g_assert_false(driver_shows(driver, "nothing fits"));
    g_assert_false(desk_wants_quit(driver->desk));
    driver_free(driver);
}

/* From wherever the focus is: it is said whose it is, and done there. */
static void test_the_palette_reaches_every_panel(void)
{
    struct driver *driver = driver_new(100, 30, driver_colour, "disk.img");
    driver_keys(driver, ": F2 next");
    driver_keys(driver, "Space zero");
    g_assert_true(driver_shows(driver, "> hex-next-zero"));
    g_assert_true(driver_shows(driver, "hex: e"));
    driver_keys(driver, "Enter");
    g_assert_true(driver_shows(driver, "> focus hex"));
    g_assert_true(driver_shows(driver, "> hex-next-zero 0"));
    g_assert_cmpint(driver_cursor(driver), >, 0);
    driver_keys(driver, "Ctrl-P search Space output Enter");
    g_assert_true(driver_shows(driver, "> focus console"));
    driver_keys(driver, "Esc Esc Ctrl-P console-run");
    g_assert_true(driver_shows(driver, "nothing fits")); /* there is no line there */
    driver_keys(driver, "Esc");
    driver_free(driver);
}

static void test_ctrl_c_leaves_whatever_lies_over_the_panels(void)
{
    static const struct {
        const char *keys, *shows;
    } ways[] = {{"?", "┌ keys"}, {"Ctrl-P", "do: "}, {"F9", "theme: "}, {"F7", "┌ chain"}, {"g", "go to: "}};
    struct driver *driver = driver_new(100, 30, driver_colour, "disk.img");
    for (unsigned i = 0; i < G_N_ELEMENTS(ways); i++) {
        driver_keys(driver, ways[i].keys);
        g_assert_true(driver_shows(driver, ways[i].shows));
        driver_keys(driver, "Ctrl-C");
        g_assert_false(driver_shows(driver, ways[i].shows));
    }
    g_assert_false(desk_wants_quit(driver->desk));
    driver_free(driver);
}

/* An image that names a raw one beside it, which was left out. */
static struct driver *with_a_missing_layer(void)
{
    struct driver *driver = driver_new(100, 40, driver_colour, "disk.img");
    g_autofree char *line = g_strdup_printf("close; create -q -f qcow2 -b disk.img -F raw %s/top.qcow2; open %s/top.qcow2", driver->dir, driver->dir);
    driver_command(driver, line);
    driver_keys(driver, "Esc");
    return driver;
}

/* Not run by the console, which would have the focus: whoever does something else while it is opened. */
static void open_beside(struct driver *driver)
{
    g_autofree char *line = g_strdup_printf("create -q -u -f qcow2 -b disk.img -F raw %s/top.qcow2 1M; open %s/top.qcow2", driver->dir, driver->dir);
    session_run(driver->session, "close", sink_null(), 0, NULL, NULL);
    session_run(driver->session, line, sink_null(), 0, NULL, NULL);
    while (session_is_busy(driver->session)) {
        g_main_context_iteration(g_main_context_get_thread_default(), TRUE);
    }
}

/* Whether the image's backing file was asked about, and is no more. */
static bool was_opened(struct driver *driver)
{
    driver_settle(driver);
    return driver_shows(driver, "> follow backing");
}

static void test_a_line_that_is_typed_is_no_answer(void)
{
    struct driver *driver = driver_new(100, 40, driver_colour, "disk.img");
    open_beside(driver);
    driver_settle(driver);
    g_assert_true(driver_shows(driver, "open this file?"));
    g_assert_true(driver_shows(driver, "Esc leave out at once"));
    driver_keys(driver, "q");
    g_assert_true(driver_shows(driver, "open this file? · Enter: leave out"));
    driver_keys(driver, "Backspace a"); /* alone it does nothing yet */
    g_assert_true(driver_shows(driver, "open it and all it names in turn"));
    driver_keys(driver, "Backspace :aio_read Enter");
    g_assert_true(driver_shows(driver, "that was no answer: nothing was opened"));
    driver_keys(driver, ":a Enter oo Enter info Enter ro Enter lo Esc Enter o Space Enter");
    g_assert_true(driver_shows(driver, "open this file?"));
    g_assert_false(was_opened(driver));
    driver_keys(driver, "o Enter");
    g_assert_true(was_opened(driver));
    g_assert_false(driver_shows(driver, "open this file?"));
    driver_free(driver);
}

/* The end of a line whose beginning went where the focus was. */
static void test_keys_from_before_the_question_are_no_answer(void)
{
    struct driver *driver = driver_new(100, 40, driver_colour, "disk.img");
    open_beside(driver);
    desk_draw(driver->desk);
    g_assert_nonnull(driver->desk->overlay);
    desk_key(driver->desk, 'l'); /* leaves out: the next question comes at once */
    desk_key(driver->desk, KEYCODE_ENTER);
    g_assert_null(driver->desk->overlay);
    open_beside(driver);
    g_hash_table_remove_all(driver->desk->declined);
    approval_look(driver->desk);
    desk_key(driver->desk, 'f'); /* it is not painted yet */
    driver_settle(driver);
    driver_keys(driver, "o Enter");
    g_assert_false(was_opened(driver));
    driver_keys(driver, "o Enter");
    g_assert_true(was_opened(driver));
    driver_free(driver);
}

static void test_the_question_waits_for_who_is_typing(void)
{
    static const char *const ways[][2] = {{": info Space", "Ctrl-C"}, {"g 64", "Esc"}, {"?", "Esc"}, {"Ctrl-P", "Esc"}};
    for (size_t i = 0; i < G_N_ELEMENTS(ways); i++) {
        struct driver *driver = driver_new(100, 40, driver_colour, "disk.img");
        driver_keys(driver, ways[i][0]);
        open_beside(driver);
        driver_settle(driver);
        g_assert_false(driver_shows(driver, "open this file?"));
        driver_keys(driver, ways[i][1]);
        g_assert_true(driver_shows(driver, "whether to open that is asked once nothing is being typed"));
        g_assert_true(driver_shows(driver, "open this file?"));
        driver_keys(driver, "Esc");
        g_assert_true(driver_shows(driver, "> follow none"));
        driver_free(driver);
    }
}

static void test_layers_are_listed_opened_and_shown_alone(void)
{
    struct driver *driver = with_a_missing_layer();
    driver_keys(driver, "F7 Down");
    g_assert_true(driver_shows(driver, "chain · 2 layers"));
    g_assert_true(driver_shows(driver, "0 image · qcow2 · read-only · supplies 0 bytes (0%)"));
    g_assert_true(driver_shows(driver, "1 backing · raw · NOT OPEN"));
    g_assert_true(driver_shows(driver, "> show chain 1 0"));
    driver_keys(driver, "Enter");
    g_assert_true(driver_shows(driver, "it is not open: r names"));
    driver_keys(driver, "r");
    g_assert_true(driver_shows(driver, "> relink backing "));
    g_assert_false(driver_shows(driver, "show chain"));
    driver_keys(driver, "Ctrl-C F7 Down");
    driver_keys(driver, "f");
    g_assert_true(driver_shows(driver, "> follow -l 0 backing"));
    driver_keys(driver, "F7 Down");
    g_assert_true(driver_shows(driver, "1 backing · raw · read-only · supplies 2 MiB (100%)"));
    driver_keys(driver, "Up");
    driver_keys(driver, "m");
    g_assert_true(driver_shows(driver, "> map-only 0"));
    g_assert_true(driver_shows(driver, "only layer 0"));
    g_assert_true(driver_shows(driver, "unallocated 12 KiB 100%"));
    driver_keys(driver, "F7 Down");
    driver_keys(driver, "m");
    g_assert_true(driver_shows(driver, "only layer 1"));
    g_assert_false(driver_shows(driver, "unallocated"));
    driver_keys(driver, "F7 Down");
    driver_keys(driver, "Enter");
    g_assert_true(driver_shows(driver, "> goto h1:0"));
    g_assert_true(driver_shows(driver, "hex · file disk.img · layer 1"));
    driver_command(driver, "map-only 2");
    g_assert_true(driver_shows(driver, "map-only: there is no such layer"));
    driver_command(driver, "map-only");
    g_assert_false(driver_shows(driver, "only layer"));
    driver_command(driver, "close; show chain");
    g_assert_true(driver_shows(driver, "no image is open"));
    driver_free(driver);
}

static void test_a_page_of_many_layers_is_a_page(void)
{
    enum { LAYERS = 20 };
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    g_autoptr(GString) line = g_string_new("close");
    for (int i = 0; i < LAYERS; i++) {
        g_autofree char *below = i == 0 ? g_strdup("disk.img -F raw") : g_strdup_printf("%d.qcow2 -F qcow2", i - 1);
        g_string_append_printf(line, "; create -q -f qcow2 -b %s %s/%d.qcow2", below, driver->dir, i);
    }
    g_string_append_printf(line, "; open %s/%d.qcow2; follow all", driver->dir, LAYERS - 1);
    driver_command(driver, line->str);
    driver_keys(driver, "F7");
    g_assert_true(driver_shows(driver, "chain · 21 layers"));
    driver_keys(driver, "PageDown"); /* 20 rows of them, of three each */
    g_assert_true(driver_shows(driver, "> 6 backing"));
    driver_keys(driver, "d");
    g_assert_true(driver_shows(driver, "> 9 backing"));
    driver_keys(driver, "9 PageDown Up");
    g_assert_true(driver_shows(driver, "> 19 backing"));
    driver_keys(driver, "PageUp u Ctrl-U");
    g_assert_true(driver_shows(driver, "> 7 backing"));
    driver_keys(driver, "9 PageUp");
    g_assert_true(driver_shows(driver, "> 0 image"));
    driver_free(driver);
}

static void test_a_guessed_format_is_said_and_can_be_changed(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    g_autofree char *line = g_strdup_printf("close; open %s/disk.img", driver->dir);
    driver_command(driver, line);
    g_assert_true(driver_shows(driver, "\n raw is a guess: the first sector is guarded. F8: keep raw"));
    g_assert_true(driver_shows(driver, "raw (guessed)"));
    driver_keys(driver, "Esc"); /* whoever goes on knows it now; the console keeps it */
    g_assert_false(driver_shows(driver, "\n raw is a guess"));
    g_assert_true(driver_shows(driver, "│raw is a guess"));
    driver_keys(driver, "F8");
    g_assert_true(driver_shows(driver, "guessed now"));
    driver_keys(driver, "Enter");
    g_assert_true(driver_shows(driver, "> read-as raw"));
    g_assert_false(driver_shows(driver, "(guessed)"));
    driver_keys(driver, "F8 guess Enter");
    g_assert_true(driver_shows(driver, "raw (guessed)"));
    driver_keys(driver, "F8 qcow2 Enter");
    g_assert_true(driver_shows(driver, "can't open device"));
    driver_free(driver);
}

static void test_the_format_that_is_read_now_is_the_one_marked(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    g_autofree char *line = g_strdup_printf("close; create -q -f qcow2 %s/top.qcow2 1M; open %s/top.qcow2", driver->dir, driver->dir);
    driver_command(driver, line);
    driver_keys(driver, "F8");
    g_assert_true(driver_shows(driver, "> qcow2     now"));
    driver_free(driver);
}

static void test_help_is_searched_by_key_and_by_meaning(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    driver_keys(driver, "? / Ctrl-F"); /* no text: nothing happens */
    g_assert_true(driver_shows(driver, "search: a key"));
    driver_keys(driver, "C t r l - F Enter");
    g_assert_true(driver_shows(driver, "one page down"));
    g_assert_false(driver_shows(driver, "one page up"));
    driver_keys(driver, "Esc ?");
    driver_keys(driver, "7 j");
    g_autofree char *counted = driver_text(driver);
    driver_keys(driver, "999999999 PageDown Home j j j j j j j");
    g_autofree char *one_by_one = driver_text(driver);
    g_assert_cmpstr(counted, ==, one_by_one);
    driver_keys(driver, "/ Ctrl-U breakpoint");
    g_assert_true(driver_shows(driver, "resume the request at its breakpoint"));
    g_assert_false(driver_shows(driver, "one page down"));
    driver_keys(driver, "Esc");
    g_assert_true(driver_shows(driver, "┌ keys"));
    driver_keys(driver, "q");
    g_assert_false(driver_shows(driver, "┌ keys"));
    driver_free(driver);
}

/* Every request is found by its name, every key that is bound by its own. */
static void test_help_knows_every_request_and_key(void)
{
    struct driver *driver = driver_new(100, 60, driver_colour, "disk.img");
    for (int request = 0; request < REQUEST_COUNT; request++) {
        const struct request_info *info = request_info(request);
        g_autofree char *keys = keymap_keys(info->context, request);
        g_autofree char *help = g_strndup(info->help, 20);
        g_auto(GStrv) names = g_strsplit(keys, ", ", -1);
        driver_keys(driver, "? /");
        for (const char *at = info->name; *at != '\0'; at++) {
            desk_key(driver->desk, (keycode)*at);
        }
        driver_settle(driver);
        g_assert_true(driver_shows(driver, help));
        driver_keys(driver, "Ctrl-U");
        for (const char *at = names[0]; *at != '\0'; at = g_utf8_next_char(at)) {
            desk_key(driver->desk, g_utf8_get_char(at));
        }
        driver_settle(driver);
        g_assert_true(driver_shows(driver, help));
        driver_keys(driver, "Esc q");
    }
    driver_free(driver);
}

/* A command that keys do not type: they are the overlay's. */
static void run(struct driver *driver, const char *line)
{
    batch_run_line(driver->session, line, desk_sink(driver->desk));
    driver_settle(driver);
}

static void test_themes_are_tried_on_and_taken_off_again(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    driver_command(driver, "theme light");
    struct style light = driver->text_style;
    driver_keys(driver, "Esc F9 dark");
    g_assert_cmpint(memcmp(&light, &driver->text_style, sizeof light), !=, 0);
    driver_keys(driver, "Esc");
    g_assert_cmpint(memcmp(&light, &driver->text_style, sizeof light), ==, 0);
    g_assert_false(driver_shows(driver, "> theme dark"));
    run(driver, "show themes 1 0"); /* however it goes */
    run(driver, "show none");
    g_assert_cmpint(memcmp(&light, &driver->text_style, sizeof light), ==, 0);
    driver_keys(driver, "F9 dark Enter");
    g_assert_true(driver_shows(driver, "> theme dark"));
    g_assert_cmpint(memcmp(&light, &driver->text_style, sizeof light), !=, 0);
    driver_command(driver, "theme");
    g_assert_true(driver_shows(driver, "high-contrast"));
    driver_keys(driver, "Esc");
    g_assert_false(driver_shows(driver, "high-contrast"));
    driver_free(driver);
}

static void keep_words(void *data, const struct setting *setting, const char *value)
{
    g_ptr_array_add(data, g_strdup_printf("%s|%s|%s", setting->name, value, setting->values));
}

/* Every one takes each value it lists and gives it back, and keeps what it has when it is told nonsense. */
static void test_every_option_takes_what_it_lists(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    g_autoptr(GPtrArray) options = g_ptr_array_new_with_free_func(g_free);
    g_assert_true(settings_each(driver->desk, NULL, keep_words, options, NULL));
    g_assert_cmpuint(options->len, >=, 13);
    for (unsigned i = 0; i < options->len; i++) {
        g_auto(GStrv) words = g_strsplit(options->pdata[i], "|", -1);
        for (char **value = words + 2; words[3] != NULL && *value != NULL; value++) {
            g_autoptr(GError) error = NULL;
            g_autoptr(GPtrArray) now = g_ptr_array_new_with_free_func(g_free);
            g_autofree char *expected = g_strdup_printf("%s|%s|", words[0], *value);
            g_assert_true(settings_set(driver->desk, words[0], *value, &error));
            g_assert_false(settings_set(driver->desk, words[0], "no-such-thing", &error));
            g_assert_true(g_str_has_prefix(error->message, words[0]));
            g_assert_true(settings_each(driver->desk, words[0], keep_words, now, NULL));
            g_assert_cmpuint(now->len, ==, 1);
            g_assert_true(g_str_has_prefix(now->pdata[0], expected));
        }
        g_assert_true(settings_set(driver->desk, words[0], words[1], NULL));
    }
    driver_command(driver, "set hex-group 4; set hex-byte-order reversed; set hex-offsets decimal; set hex-fold off; set map-order curve");
    g_assert_true(driver_shows(driver, "unfolded · 4 bytes le · decimal"));
    g_assert_true(driver_shows(driver, "736b6c62 65706f63"));
    g_assert_true(driver_shows(driver, "curve"));
    driver_free(driver);
}

static void test_set_shows_and_sets(void)
{
    struct driver *driver = driver_new(140, 60, driver_colour, "disk.img");
    driver_command(driver, "set");
    g_assert_true(driver_shows(driver, "mouse "));
    driver_command(driver, "set mouse off");
    g_assert_false(driver->mouse);
    driver_command(driver, "set wheel 99");
    g_assert_true(driver_shows(driver, "set: wheel: '99' is not a number from 1 to 50"));
    driver_command(driver, "set colour red");
    g_assert_true(driver_shows(driver, "set: 'colour' is not an option; set lists them"));
    driver_keys(driver, ": set Space mo Tab o Tab Tab");
    g_assert_true(driver_shows(driver, "off  on"));
    driver_keys(driver, "n Enter");
    g_assert_true(driver->mouse);
    driver_free(driver);
}

static void test_bind_changes_keys_at_once(void)
{
    struct driver *driver = driver_new(100, 100, driver_colour, "disk.img");
    driver_command(driver, "bind map Q quit");
    driver_command(driver, "bind hex j hex-fold");
    g_assert_true(driver_shows(driver, "bind: in hex, 'j' hides 'down'"));
    driver_command(driver, "bind map ä ö");
    g_assert_true(driver_shows(driver, "is no request"));
    driver_command(driver, "bind map");
    g_assert_true(driver_shows(driver, "quit                     Q"));
    driver_command(driver, "focus map");
    driver_keys(driver, "Q");
    g_assert_true(desk_wants_quit(driver->desk));
    keymap_reset();
    driver_free(driver);
}

static void test_borders_move_by_key_mouse_and_command(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    driver_keys(driver, "Ctrl-Right Ctrl-Right Ctrl-Down");
    g_assert_true(driver_shows(driver, "> layout stacked columns 4"));
    g_assert_true(driver_shows(driver, "> layout stacked upper "));
    driver_command(driver, "layout");
    g_assert_true(driver_shows(driver, "│stacked columns 4"));
    driver_command(driver, "layout reset");
    driver_command(driver, "layout stacked columns 50%");
    struct mouse mouse = {.what = MOUSE_PRESS, .x = 39, .y = 3, .button = 1};
    desk_mouse(driver->desk, &mouse);
    mouse = (struct mouse){.what = MOUSE_DRAG, .x = 49, .y = 3, .button = 1};
    desk_mouse(driver->desk, &mouse);
    mouse = (struct mouse){.what = MOUSE_RELEASE, .x = 49, .y = 3, .button = 1};
    desk_mouse(driver->desk, &mouse);
    driver_settle(driver);
    g_assert_true(driver_shows(driver, "> layout stacked columns 62.5%"));
    driver_command(driver, "layout wide upper 3");
    g_assert_true(driver_shows(driver, "layout: type stacked"));
    driver_command(driver, "focus hex");
    driver_keys(driver, "Ctrl-Right");
    g_assert_true(driver_shows(driver, "as wide as the screen"));
    driver_keys(driver, "z Ctrl-Up");
    g_assert_true(driver_shows(driver, "has the screen for itself"));
    driver_free(driver);
}

static void test_half_pages(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    g_autofree char *why = NULL;
    driver_command(driver, "hex-fold ; focus hex");
    driver_keys(driver, "d");
    g_assert_cmpint(desk_parse_offset(driver->desk, "+0", &why), ==, 0x20);
    driver_keys(driver, "2 Ctrl-D Ctrl-U");
    g_assert_cmpint(desk_parse_offset(driver->desk, "+0", &why), ==, 0x40);
    driver_free(driver);
}

static int marked_after(struct driver *driver, const char *line)
{
    struct overlay_state state;
    run(driver, "show palette");
    run(driver, line);
    driver->desk->overlay->ops->state(driver->desk->overlay, &state);
    run(driver, "show none");
    return state.row;
}

static void test_a_cursor_that_moves_in_the_text_marks_nothing_else(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    struct overlay_state state;
    driver_keys(driver, "Ctrl-P e x t Down Down Left Home");
    driver->desk->overlay->ops->state(driver->desk->overlay, &state);
    g_assert_cmpint(state.row, ==, 2);
    g_assert_cmpint(state.typed, ==, 0);
    driver_keys(driver, "n");
    driver->desk->overlay->ops->state(driver->desk->overlay, &state);
    g_assert_cmpint(state.row, ==, 0);
    driver_free(driver);
}

static void test_movements_in_a_list_are_counted(void)
{
    struct driver *driver = driver_new(80, 24, driver_colour, "disk.img");
    int page = marked_after(driver, "do chooser-page-down");
    g_assert_cmpint(page, >, 3);
    g_assert_cmpint(marked_after(driver, "do chooser-page-down 3"), ==, 3 * page);
    g_assert_cmpint(marked_after(driver, "do chooser-page-down 3; do chooser-page-up 2"), ==, page);
    g_assert_cmpint(marked_after(driver, "do chooser-down 3; do chooser-up"), ==, 2);
    g_assert_cmpint(marked_after(driver, "do chooser-down 999999999"), ==, marked_after(driver, "do last"));
    driver_free(driver);
}

int main(int argc, char **argv)
{
    driver_init(&argc, &argv);
    g_test_add_func("/overlays/a-line-that-is-typed-is-no-answer", test_a_line_that_is_typed_is_no_answer);
    g_test_add_func("/overlays/keys-from-before-the-question-are-no-answer", test_keys_from_before_the_question_are_no_answer);
    g_test_add_func("/overlays/the-question-waits-for-who-is-typing", test_the_question_waits_for_who_is_typing);
    g_test_add_func("/overlays/scores-prefer-what-is-together", test_scores_prefer_what_is_together);
    g_test_add_func("/overlays/ctrl-c-leaves-whatever-lies-over-the-panels", test_ctrl_c_leaves_whatever_lies_over_the_panels);
    g_test_add_func("/overlays/a-long-paste-makes-no-key-slow", test_a_long_paste_makes_no_key_slow);
    g_test_add_func("/overlays/the-palette-does-requests-and-commands", test_the_palette_does_requests_and_commands);
    g_test_add_func("/overlays/the-palette-reaches-every-panel", test_the_palette_reaches_every_panel);
    g_test_add_func("/overlays/help-is-searched-by-key-and-by-meaning", test_help_is_searched_by_key_and_by_meaning);
    g_test_add_func("/overlays/help-knows-every-request-and-key", test_help_knows_every_request_and_key);
    g_test_add_func("/overlays/themes-are-tried-on-and-taken-off-again", test_themes_are_tried_on_and_taken_off_again);
    g_test_add_func("/overlays/set-shows-and-sets", test_set_shows_and_sets);
    g_test_add_func("/overlays/every-option-takes-what-it-lists", test_every_option_takes_what_it_lists);
    g_test_add_func("/overlays/bind-changes-keys-at-once", test_bind_changes_keys_at_once);
    g_test_add_func("/overlays/borders-move-by-key-mouse-and-command", test_borders_move_by_key_mouse_and_command);
    g_test_add_func("/overlays/half-pages", test_half_pages);
    g_test_add_func("/overlays/a-cursor-that-moves-in-the-text", test_a_cursor_that_moves_in_the_text_marks_nothing_else);
    g_test_add_func("/overlays/movements-in-a-list-are-counted", test_movements_in_a_list_are_counted);
    g_test_add_func("/overlays/layers-are-listed-opened-and-shown-alone", test_layers_are_listed_opened_and_shown_alone);
    g_test_add_func("/overlays/a-page-of-many-layers-is-a-page", test_a_page_of_many_layers_is_a_page);
    g_test_add_func("/overlays/a-guessed-format-is-said-and-can-be-changed", test_a_guessed_format_is_said_and_can_be_changed);
    g_test_add_func("/overlays/the-format-that-is-read-now-is-the-one-marked", test_the_format_that_is_read_now_is_the_one_marked);
    return driver_run_tests();
}
