/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "ui/bind.h"
#include "ui/keymap.h"

/* What the file says is applied; its complaints, each behind its line's number, joined by newlines. */
static char *load(const char *text)
{
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("blkscope-keys-XXXXXX", &path, NULL);
    g_assert_cmpint(fd, >=, 0);
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    close(fd);
    g_autoptr(GPtrArray) complaints = bind_load(path);
    GString *joined = g_string_new(NULL);
    for (unsigned i = 0; i < complaints->len; i++) {
        const char *complaint = complaints->pdata[i];
        g_assert_true(g_str_has_prefix(complaint, path));
        g_string_append_printf(joined, "%s\n", complaint + strlen(path) + 1);
    }
    g_unlink(path);
    return g_string_free(joined, FALSE);
}

static enum request meaning(enum request_context context, const char *key)
{
    return keymap_lookup(context, key_parse(key));
}

static void test_a_good_file_says_nothing(void)
{
    g_autofree char *complaints = load("# mine\n\nhex Ctrl-G go-to\nglobal  F5\tredraw\r\nmap Shift-Left left\n");
    g_assert_cmpstr(complaints, ==, "");
    g_assert_cmpint(meaning(REQUEST_CONTEXT_HEX, "Ctrl-G"), ==, REQUEST_GO_TO);
    g_assert_cmpint(meaning(REQUEST_CONTEXT_GLOBAL, "F5"), ==, REQUEST_REDRAW);
    g_assert_cmpint(meaning(REQUEST_CONTEXT_MAP, "Shift-Left"), ==, REQUEST_LEFT);
    g_autofree char *first = keymap_key(REQUEST_CONTEXT_GLOBAL, REQUEST_REDRAW);
    g_assert_cmpstr(first, ==, "F5"); /* hints name it */
    keymap_reset();
    g_assert_cmpint(meaning(REQUEST_CONTEXT_HEX, "Ctrl-G"), ==, REQUEST_NONE);
}

static void test_what_is_wrong_is_told_and_the_rest_holds(void)
{
    g_autofree char *complaints = load("hat x quit\nhex Ctrl-XY quit\nhex F5 qiut\nhex F5\nconsole x quit\nhex F6 map-scan\n"
                                       "prompt Enter none\nhex F11 quit\n");
    g_assert_nonnull(strstr(complaints, "1: 'hat' is no context: there are global, move,"));
    g_assert_nonnull(strstr(complaints, "2: 'Ctrl-XY' is no key"));
    g_assert_nonnull(strstr(complaints, "3: 'qiut' is no request"));
    g_assert_nonnull(strstr(complaints, "4: a line has three words"));
    g_assert_nonnull(strstr(complaints, "5: 'x' types text"));
    g_assert_nonnull(strstr(complaints, "6: 'map-scan' can't be asked for"));
    g_assert_nonnull(strstr(complaints, "7: 'Enter' is the way"));
    g_assert_null(strstr(complaints, "8:"));
    g_assert_cmpint(meaning(REQUEST_CONTEXT_HEX, "F11"), ==, REQUEST_QUIT);
    g_assert_cmpint(meaning(REQUEST_CONTEXT_PROMPT, "Enter"), ==, REQUEST_PROMPT_ACCEPT);
    keymap_reset();
}

static void test_collisions_are_told(void)
{
    g_autofree char *complaints = load("global z none\nhex j hex-fold\nglobal F5 redraw\nglobal F5 quit\nglobal i quit\n");
    g_assert_nonnull(strstr(complaints, "1: no key asks for 'zoom' in global any more"));
    g_assert_nonnull(strstr(complaints, "2: in hex, 'j' hides 'down'"));
    g_assert_nonnull(strstr(complaints, "4: 'F5' in global is bound twice"));
    g_assert_nonnull(strstr(complaints, "5: in hex, 'i' means 'hex-follow' and hides this"));
    g_assert_cmpint(meaning(REQUEST_CONTEXT_GLOBAL, "z"), ==, REQUEST_NONE);
    g_assert_cmpint(meaning(REQUEST_CONTEXT_GLOBAL, "F5"), ==, REQUEST_QUIT);
    keymap_reset();
}

/* Keys of the list of layers are nobody else's, and it has no others but movements. */
static void test_what_lies_over_the_panels_hides_nothing_of_them(void)
{
    g_autofree char *complaints = load("global F7 zoom\nchain z chain-map\nmove F8 down\n");
    g_assert_nonnull(strstr(complaints, "1: no key asks for 'layers' in global any more"));
    g_assert_null(strstr(complaints, "chain"));
    g_assert_nonnull(strstr(complaints, "3: in move, 'F8' hides 'formats'"));
    g_autofree char *movements = load("move f down\nhex f none\nmove f down\n");
    g_assert_nonnull(strstr(movements, "1: in hex, 'f' means 'hex-fold' and hides this"));
    keymap_reset();
}

static void test_a_key_is_told_of_as_something_to_show(void)
{
    g_autofree char *complaints = load("hex \177 hex-fold\nhex \177 quit\nmove \xe2\x80\xae none\nmove \xe2\x80\xae down\nhex \xe2\x80\xae up\n");
    g_assert_nonnull(strstr(complaints, "2: '\\x7f' in hex is bound twice"));
    g_assert_nonnull(strstr(complaints, "5: in hex, '\\u{202e}' hides 'down'"));
    g_assert_null(strpbrk(complaints, "\177\xe2"));
    keymap_reset();
}

static void test_files_that_are_none(void)
{
    g_autoptr(GPtrArray) missing = bind_load("/nonexistent/blkscope/keys");
    g_assert_cmpuint(missing->len, ==, 0);
    g_autoptr(GPtrArray) folder = bind_load("/tmp");
    g_assert_cmpuint(folder->len, ==, 1);
    g_autofree char *complaints = load("\xff\xfe \x1b[31m quit\n");
    g_assert_nonnull(strstr(complaints, "1: "));
    g_assert_null(strchr(complaints, '\x1b'));
    keymap_reset();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bind/a-good-file-says-nothing", test_a_good_file_says_nothing);
    g_test_add_func("/bind/what-is-wrong-is-told-and-the-rest-holds", test_what_is_wrong_is_told_and_the_rest_holds);
    g_test_add_func("/bind/collisions-are-told", test_collisions_are_told);
    g_test_add_func("/bind/over-the-panels", test_what_lies_over_the_panels_hides_nothing_of_them);
    g_test_add_func("/bind/keys-to-show", test_a_key_is_told_of_as_something_to_show);
    g_test_add_func("/bind/files-that-are-none", test_files_that_are_none);
    return g_test_run();
}
