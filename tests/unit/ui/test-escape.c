/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib.h>
#include <string.h>

#include "ui/escape.h"

/* Feeds what follows an escape character; the last thing that came of it. */
static struct event feed(struct escape *escape, const char *text)
{
    struct event last = {EVENT_NONE};
    if (!escape_is_open(escape)) {
        g_assert_true(escape_begins(escape, (uint8_t)*text));
        text++;
    }
    for (; *text != '\0'; text = g_utf8_next_char(text)) {
        struct event event = escape_feed(escape, g_utf8_get_char(text));
        last = event.kind != EVENT_NONE ? event : last;
    }
    return last;
}

static struct mouse mouse_of(const char *text)
{
    struct escape *escape = escape_new();
    struct event event = feed(escape, text);
    g_assert_cmpint(event.kind, ==, EVENT_MOUSE);
    g_assert_false(escape_is_open(escape));
    escape_free(escape);
    return event.mouse;
}

static void test_the_mouse(void)
{
    struct mouse mouse = mouse_of("[<0;12;5M");
    g_assert_cmpint(mouse.what, ==, MOUSE_PRESS);
    g_assert_cmpint(mouse.button, ==, 1);
    g_assert_cmpint(mouse.x, ==, 11);
    g_assert_cmpint(mouse.y, ==, 4);
    mouse = mouse_of("[<2;1;1m");
    g_assert_cmpint(mouse.what, ==, MOUSE_RELEASE);
    g_assert_cmpint(mouse.button, ==, 3);
    mouse = mouse_of("[<32;400;120M");
    g_assert_cmpint(mouse.what, ==, MOUSE_DRAG);
    g_assert_cmpint(mouse.x, ==, 399);
    mouse = mouse_of("[<64;3;3M");
    g_assert_cmpint(mouse.what, ==, MOUSE_WHEEL_UP);
    mouse = mouse_of("[<69;3;3M");
    g_assert_cmpint(mouse.what, ==, MOUSE_WHEEL_DOWN);
    g_assert_cmpuint(mouse.modifiers, ==, KEYCODE_SHIFT);
    mouse = mouse_of("[<24;3;3M");
    g_assert_cmpuint(mouse.modifiers, ==, KEYCODE_ALT | KEYCODE_CTRL);
}

static void test_keys_with_modifiers(void)
{
    static const struct {
        const char *text, *key;
    } cases[] = {
        {"[1;5D", "Ctrl-Left"}, {"[1;2A", "Shift-Up"}, {"[6;5~", "Ctrl-PageDown"}, {"[3;3~", "Alt-Delete"}, {"[H", "Home"},
    };
    struct escape *escape = escape_new();
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct event event = feed(escape, cases[i].text);
        g_assert_cmpint(event.kind, ==, EVENT_KEY);
        g_assert_cmpuint(event.key, ==, key_parse(cases[i].key));
    }
    escape_free(escape);
}

/* Of what its end is made of, too: each of these made all of the text be looked at again, or was kept beyond the limit. */
static void test_a_large_paste_is_kept_as_far_as_there_is_room(void)
{
    static const char *const fills[] = {"~", "0", "\033[201", "\033"};
    for (size_t i = 0; i < G_N_ELEMENTS(fills); i++) {
        struct escape *escape = escape_new();
        feed(escape, "[200~");
        for (size_t n = 0; n < ESCAPE_PASTE_MAX + 1000; n += strlen(fills[i])) {
            g_assert_cmpint(feed(escape, fills[i]).kind, ==, EVENT_NONE);
        }
        struct event event = feed(escape, "\033[201~");
        g_assert_cmpint(event.kind, ==, EVENT_PASTE);
        g_assert_cmpuint(strlen(event.text), ==, ESCAPE_PASTE_MAX);
        g_assert_true(g_str_has_prefix(event.text, fills[i]));
        escape_free(escape);
    }
}

static void test_a_paste_is_one_event(void)
{
    struct escape *escape = escape_new();
    struct event event = feed(escape, "[200~length\rquit\r é \033[1m [201 ~\033[201~");
    g_assert_cmpint(event.kind, ==, EVENT_PASTE);
    g_assert_cmpstr(event.text, ==, "length\rquit\r é \033[1m [201 ~");
    g_assert_false(escape_is_open(escape));
    /* in pieces */
    g_assert_false(escape_is_paste(escape));
    g_assert_cmpint(feed(escape, "[200~ab").kind, ==, EVENT_NONE);
    g_assert_true(escape_is_paste(escape));
    g_assert_cmpint(feed(escape, "c\033[20").kind, ==, EVENT_NONE);
    g_assert_cmpstr(feed(escape, "1~").text, ==, "abc");
    /* without an end */
    feed(escape, "[200~rest");
    event = escape_give_up(escape);
    g_assert_cmpint(event.kind, ==, EVENT_PASTE);
    g_assert_cmpstr(event.text, ==, "rest");
    escape_free(escape);
}

static void test_answers_about_colours(void)
{
    struct escape *escape = escape_new();
    struct event event = feed(escape, "]11;rgb:ffff/8080/0000\033\\");
    g_assert_cmpint(event.kind, ==, EVENT_BACKGROUND);
    g_assert_cmpuint(event.colour[0], ==, 255);
    g_assert_cmpuint(event.colour[1], ==, 128);
    g_assert_cmpuint(event.colour[2], ==, 0);
    event = feed(escape, "]11;rgb:f/8/0\a");
    g_assert_cmpuint(event.colour[0], ==, 255);
    g_assert_cmpuint(event.colour[1], ==, 136);
    event = feed(escape, "]11;rgba:12/34/56/ff\a");
    g_assert_cmpuint(event.colour[2], ==, 0x56);
    static const char *const bad[] = {"]11;rgb:/\a", "]11;rgb:1/2\a", "]11;rgb:11111/2/3\a", "]11;rgb\a", "]10;rgb:1/2/3\a", "]\a"};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_cmpint(feed(escape, bad[i]).kind, ==, EVENT_NONE);
        g_assert_false(escape_is_open(escape));
    }
    escape_free(escape);
}

static void test_what_is_no_sequence_ends_soon(void)
{
    static const char *const bad[] = {"[<0;0;0M", "[<999;1;1M", "[<0;1;1q", "[?62;4c", "[9~", "[\n", "[<3;1;1M", "[<66;1;1M", "]0;x\n"};
    struct escape *escape = escape_new();
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_cmpint(feed(escape, bad[i]).kind, ==, EVENT_NONE);
        g_assert_false(escape_is_open(escape));
    }
    g_autofree char *digits = g_strnfill(100000, '1');
    feed(escape, "[");
    g_assert_cmpint(feed(escape, digits).kind, ==, EVENT_NONE);
    g_assert_cmpint(feed(escape, "A").kind, ==, EVENT_NONE);
    g_assert_false(escape_is_open(escape));
    g_assert_false(escape_begins(escape, 'x'));
    escape_free(escape);
}

static void test_random_input_does_no_harm(void)
{
    static const char letters[] = "[]<0123456789;:/~MmABrgb\033\a\\;;200201";
    struct escape *escape = escape_new();
    for (int i = 0; i < 200000; i++) {
        uint32_t ch = g_test_rand_int_range(0, 20) == 0 ? (uint32_t)g_test_rand_int_range(0, 0x110000)
                                                        : (uint32_t)letters[g_test_rand_int_range(0, sizeof letters - 1)];
        if (escape_is_open(escape)) {
            struct event event = escape_feed(escape, ch);
            g_assert_true(event.kind != EVENT_PASTE || g_utf8_validate(event.text, -1, NULL));
        } else {
            escape_begins(escape, ch);
        }
        if (g_test_rand_int_range(0, 500) == 0) {
            escape_give_up(escape);
        }
    }
    escape_free(escape);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/escape/a-large-paste", test_a_large_paste_is_kept_as_far_as_there_is_room);
    g_test_add_func("/escape/the-mouse", test_the_mouse);
    g_test_add_func("/escape/keys-with-modifiers", test_keys_with_modifiers);
    g_test_add_func("/escape/a-paste-is-one-event", test_a_paste_is_one_event);
    g_test_add_func("/escape/answers-about-colours", test_answers_about_colours);
    g_test_add_func("/escape/what-is-no-sequence-ends-soon", test_what_is_no_sequence_ends_soon);
    g_test_add_func("/escape/random-input-does-no-harm", test_random_input_does_no_harm);
    return g_test_run();
}
