/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/words.h"

#include <glib.h>
#include <string.h>

/* Every command of the line, words between brackets. */
static char *cut(const char *line, bool plain)
{
    g_autofree char *text = g_strdup(line);
    struct words words = {0};
    GString *out = g_string_new(NULL);
    const char *error;
    words_start(&words, text);
    while (words_next(&words, plain, &error)) {
        g_assert_cmpint(words.argc, >=, 1);
        g_assert_null(words.argv[words.argc]);
        g_string_append(out, out->len ? " " : "");
        for (int i = 0; i < words.argc; i++)
            g_string_append_printf(out, "[%s]", words.argv[i]);
    }
    if (error)
        g_string_append_printf(out, "!");
    words_done(&words);
    return g_string_free(out, FALSE);
}

#define assert_cut(line, plain, expected)                                                                              \
    do {                                                                                                               \
        g_autofree char *got_ = cut(line, plain);                                                                      \
        g_assert_cmpstr(got_, ==, expected);                                                                           \
    } while (0)

static void plain_words_are_separated_by_spaces_alone(void)
{
    assert_cut("", true, "");
    assert_cut("   ", true, "");
    assert_cut("read 0 512", true, "[read][0][512]");
    assert_cut("  read   0  512  ", true, "[read][0][512]");
    assert_cut("read\t0 1", true, "[read\t0][1]");
    assert_cut("length\r", true, "[length\r]");
}

static void plain_words_know_no_quotes_comments_or_semicolons(void)
{
    assert_cut("a 'b c' \"d\" \\e", true, "[a]['b][c'][\"d\"][\\e]");
    assert_cut("#a b", true, "[#a][b]");
    assert_cut("a;b ; c", true, "[a;b][;][c]");
}

static void quotes_hold_a_word_together(void)
{
    assert_cut("open 'my disk'", false, "[open][my disk]");
    assert_cut("open \"my disk\"", false, "[open][my disk]");
    assert_cut("open my\\ disk", false, "[open][my disk]");
    assert_cut("open 'a'\"b\"c", false, "[open][abc]");
    assert_cut("open ''", false, "[open][]");
    assert_cut("open 'a;b#c'", false, "[open][a;b#c]");
    assert_cut("open 'it'\\''s'", false, "[open][it's]");
    assert_cut("open '\\'", false, "[open][\\]");
    assert_cut("open \"a\\\"b\\\\c\\d\"", false, "[open][a\"b\\c\\d]");
}

static void any_white_space_separates(void)
{
    assert_cut("read\t0\t1\r", false, "[read][0][1]");
}

static void a_comment_begins_with_a_word(void)
{
    assert_cut("# nothing", false, "");
    assert_cut("length # really", false, "[length]");
    assert_cut("open a#b", false, "[open][a#b]");
    assert_cut("open \\#b", false, "[open][#b]");
    assert_cut("length;# x;info", false, "[length]");
}

static void semicolons_separate_commands(void)
{
    assert_cut("length\ninfo # x;y\n\nmap", false, "[length] [info] [map]");
    assert_cut("open 'a\nb'\ninfo", false, "[open][a\nb] [info]");
    assert_cut("multiwrite 0 1;2 3\ninfo", false, "[multiwrite][0][1][;][2][3] [info]");
    assert_cut("length;info", false, "[length] [info]");
    assert_cut(" ; ;length ; info;", false, "[length] [info]");
    assert_cut("a b;c d", false, "[a][b] [c][d]");
    assert_cut("a \\; b", false, "[a][;][b]");
}

static void semicolons_are_words_of_multiwrite(void)
{
    assert_cut("multiwrite 0 1 ; 2 3;4 5", false, "[multiwrite][0][1][;][2][3][;][4][5]");
    assert_cut("length; multiwrite 0 1 ; 2 3", false, "[length] [multiwrite][0][1][;][2][3]");
}

static void an_open_quote_is_an_error(void)
{
    assert_cut("open 'a b", false, "!");
    assert_cut("open \"a b", false, "!");
    assert_cut("open \"a\\\"", false, "!");
    assert_cut("length; open 'a", false, "[length]!");
}

static void a_backslash_at_the_end_stands_for_itself(void)
{
    assert_cut("open a\\", false, "[open][a\\]");
}

static void many_words_fit(void)
{
    GString *line = g_string_new("readv 0");
    for (int i = 0; i < 100000; i++)
        g_string_append(line, " 1");
    for (int plain = 0; plain < 2; plain++) {
        g_autofree char *text = g_strdup(line->str);
        struct words words = {0};
        const char *error;
        words_start(&words, text);
        g_assert_true(words_next(&words, plain, &error));
        g_assert_cmpint(words.argc, ==, 100002);
        g_assert_cmpstr(words.argv[100001], ==, "1");
        words_done(&words);
    }
    g_string_free(line, TRUE);
}

static void what_is_quoted_is_one_word(void)
{
    static const char *const words[] = {"a b", "", "it's", "-f", "a;b", "#x", "\\", "\"", "a\nb", "plain.1", "\xc3\xa9"};
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        g_autofree char *quoted = words_quote(words[i]), *line = g_strconcat("find ", quoted, NULL), *expected = g_strdup_printf("[find][%s]", words[i]);
        assert_cut(line, false, expected);
    }
    g_autofree char *plain = words_quote("write_aio,errno=28");
    g_assert_cmpstr(plain, ==, "write_aio,errno=28");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/words/plain/spaces", plain_words_are_separated_by_spaces_alone);
    g_test_add_func("/words/plain/no-quotes", plain_words_know_no_quotes_comments_or_semicolons);
    g_test_add_func("/words/quotes", quotes_hold_a_word_together);
    g_test_add_func("/words/white-space", any_white_space_separates);
    g_test_add_func("/words/comments", a_comment_begins_with_a_word);
    g_test_add_func("/words/semicolons", semicolons_separate_commands);
    g_test_add_func("/words/multiwrite", semicolons_are_words_of_multiwrite);
    g_test_add_func("/words/open-quote", an_open_quote_is_an_error);
    g_test_add_func("/words/last-backslash", a_backslash_at_the_end_stands_for_itself);
    g_test_add_func("/words/many", many_words_fit);
    g_test_add_func("/words/quoting", what_is_quoted_is_one_word);
    return g_test_run();
}
