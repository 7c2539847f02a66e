/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib.h>

#include "ui/keymap.h"

static void test_key_names_round_trip(void)
{
    static const char *const names[] = {"q",   "Ctrl-C", "Tab",    "Shift-Tab", "Esc", "PageUp", "F1",
                                        "F12", "Alt-x",  "Alt-Up", "Space",     "é",   "?"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *name = key_format(key_parse(names[i]));
        g_assert_cmpstr(name, ==, names[i]);
    }
    g_assert_cmpuint(key_parse("Ctrl-I"), ==, KEYCODE_TAB);
    g_assert_cmpuint(key_parse("Ctrl-M"), ==, KEYCODE_ENTER);
    static const char *const bad[] = {"", "F0", "F13", "Ctrl-", "ab", "Alt-", "\x80", "\xc2\x9b", "Alt-Alt-x", "Ctrl-Ctrl-Up", "Ctrl-Alt-x"};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_cmpuint(key_parse(bad[i]), ==, KEYCODE_NONE);
    }
    g_autoptr(GString) many = g_string_new(NULL); /* which is not to cost stack */
    for (int i = 0; i < 1000000; i++) {
        g_string_append(many, "Alt-");
    }
    g_assert_cmpuint(key_parse(many->str), ==, KEYCODE_NONE);
}

/* Every request can be asked for by a key that leads to it and not to another one. */
static void test_every_request_has_a_key_of_its_own(void)
{
    for (int request = 0; request < REQUEST_COUNT; request++) {
        const struct request_info *info = request_info(request);
        g_autofree char *keys = keymap_keys(info->context, request);
        g_assert_nonnull(keys);
        g_auto(GStrv) names = g_strsplit(keys, ", ", -1);
        for (char **name = names; *name != NULL; name++) {
            g_assert_cmpuint(key_parse(*name), !=, KEYCODE_NONE);
            g_assert_cmpint(keymap_lookup(info->context, key_parse(*name)), ==, request);
        }
        g_assert_cmpint(request_find(info->name), ==, request);
        g_assert_cmpuint(strlen(info->help), >, 0);
    }
}

/* A panel's own key must not hide a movement or a global one. */
static void test_no_key_hides_another(void)
{
    static const enum request_context panels[] = {REQUEST_CONTEXT_MAP, REQUEST_CONTEXT_HEX, REQUEST_CONTEXT_PENDING};
    for (uint32_t key = 0; key <= KEYCODE_F12; key = key == 0x7e ? KEYCODE_NONE : key + 1) {
        bool move = keymap_lookup(REQUEST_CONTEXT_MOVE, key) != REQUEST_NONE;
        bool global = keymap_lookup(REQUEST_CONTEXT_GLOBAL, key) != REQUEST_NONE;
        g_assert_false(move && global);
        for (size_t i = 0; i < G_N_ELEMENTS(panels); i++) {
            g_assert_false((move || global) && keymap_lookup(panels[i], key) != REQUEST_NONE);
        }
    }
}

static void test_the_page_of_keys_is_up_to_date(void)
{
    g_autofree char *path = g_test_build_filename(G_TEST_DIST, "doc", "keys.md", NULL);
    g_autofree char *expected = keymap_document();
    if (g_getenv("UPDATE_SNAPSHOTS") != NULL) {
        g_assert_true(g_file_set_contents(path, expected, -1, NULL));
    }
    g_autofree char *text = NULL;
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, expected);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/keymap/key-names-round-trip", test_key_names_round_trip);
    g_test_add_func("/keymap/every-request-has-a-key-of-its-own", test_every_request_has_a_key_of_its_own);
    g_test_add_func("/keymap/no-key-hides-another", test_no_key_hides_another);
    g_test_add_func("/keymap/the-page-of-keys-is-up-to-date", test_the_page_of_keys_is_up_to_date);
    return g_test_run();
}
