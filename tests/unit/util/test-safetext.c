/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "util/safetext.h"

#include <glib.h>
#include <string.h>

static void test_table(void)
{
    static const struct {
        const char *text, *escaped; /* NULL: unchanged */
    } cases[] = {
        {"", NULL},
        {"disk.qcow2", NULL},
        {"a b'c\"d$e", NULL},
        {"Größe äöü 日本語 Ω", NULL},
        {"e\xcc\x81", NULL}, /* combining accent */
        {"\xf0\x9f\x92\xbe", NULL},
        /* controls */
        {"a\nb\tc\rd", "a\\nb\\tc\\rd"},
        {"\033[2J\007", "\\e[2J\\x07"},
        {"\x01\x1f\x7f", "\\x01\\x1f\\x7f"},
        {"\xc2\x80\xc2\x9b"
         "31m",
         "\\xc2\\x80\\xc2\\x9b31m"},
        /* not UTF-8 */
        {"\x80", "\\x80"},
        {"a\xffz", "a\\xffz"},
        {"\x9b"
         "31m",
         "\\x9b31m"},
        {"\xc0\xaf", "\\xc0\\xaf"}, /* overlong / */
        {"\xc1\x9b", "\\xc1\\x9b"},
        {"\xe0\x80\xaf", "\\xe0\\x80\\xaf"},
        {"\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf"},
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},          /* surrogate */
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* beyond U+10FFFF */
        {"\xf8\x88\x80\x80\x80", "\\xf8\\x88\\x80\\x80\\x80"},
        {"\xc3", "\\xc3"}, /* cut short */
        {"\xe2\x82", "\\xe2\\x82"},
        {"\xc3(", "\\xc3("},
        {"\xe2\x82\xc3\xbc", "\\xe2\\x82\xc3\xbc"},
        /* what fools a reader */
        {"a\xe2\x80\xae"
         "b",
         "a\\u{202e}b"},
        {"\xe2\x80\xaa\xe2\x81\xa6\xe2\x81\xa9\xd8\x9c", "\\u{202a}\\u{2066}\\u{2069}\\u{061c}"},
        {"\xe2\x80\x8b\xe2\x80\x8d\xef\xbb\xbf\xc2\xad", "\\u{200b}\\u{200d}\\u{feff}\\u{00ad}"},
        {"\xe2\x80\xa8\xe2\x80\xa9", "\\u{2028}\\u{2029}"},
        {"\xc2\xa0\xe3\x80\x80", "\\u{00a0}\\u{3000}"},
        {"\xe3\x85\xa4\xef\xbe\xa0\xcd\x8f\xe2\xa0\x80", "\\u{3164}\\u{ffa0}\\u{034f}\\u{2800}"},
        {"\xef\xb8\x8f\xf3\xa0\x80\xa1\xf3\xa0\x84\x80", "\\u{fe0f}\\u{e0021}\\u{e0100}"},
        {"\xee\x80\x80\xf3\xb0\x80\x80", "\\u{e000}\\u{f0000}"}, /* private use */
        {"\xef\xbf\xbf", "\\u{ffff}"},
        /* backslashes */
        {"a\\b", NULL},
        {"a\\", NULL},
        {"a\\n", "a\\\\n"},
        {"\\x41", "\\\\x41"},
        {"\\\\", "\\\\\\"},
        {"\\\n", "\\\\\\n"},
        {"\\\xff", "\\\\\\xff"},
        {"\\u{202e}", "\\\\u{202e}"},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *escaped = safetext_escape(cases[i].text, -1);
        g_assert_cmpstr(escaped, ==, cases[i].escaped ?: cases[i].text);
        g_assert_cmpint(safetext_is_safe(cases[i].text, -1), ==, !cases[i].escaped);
    }
}

static void test_length_and_nul(void)
{
    g_autofree char *nul = safetext_escape("a\0b", 3), *cut = safetext_escape("a\xc3\xbc", 2),
                    *none = safetext_escape("abc", 0);
    g_assert_cmpstr(nul, ==, "a\\x00b");
    g_assert_cmpstr(cut, ==, "a\\xc3");
    g_assert_cmpstr(none, ==, "");
    g_assert_false(safetext_is_safe("a\0b", 3));
}

/* Reads escapes back; aborts on what can't be the output of safetext_escape(). */
static GString *unescape(const char *text)
{
    GString *out = g_string_new(NULL);
    while (*text) {
        char *end;
        if (text[0] != '\\' || !text[1] || !strchr("\\ntrexu", text[1])) {
            g_string_append_c(out, *text++);
            continue;
        }
        switch (text[1]) {
        case 'x':
            g_string_append_c(out, g_ascii_xdigit_value(text[2]) * 16 + g_ascii_xdigit_value(text[3]));
            text += 4;
            continue;
        case 'u':
            g_assert_cmpint(text[2], ==, '{');
            g_string_append_unichar(out, g_ascii_strtoull(text + 3, &end, 16));
            g_assert_cmpint(*end, ==, '}');
            text = end + 1;
            continue;
        case '\\':
            g_string_append_c(out, '\\');
            break;
        default:
            g_string_append_c(out, text[1] == 'n' ? '\n' : text[1] == 't' ? '\t' : text[1] == 'r' ? '\r' : '\033');
        }
        text += 2;
    }
    return out;
}

static void test_random_bytes_are_safe_and_reversible(void)
{
    static const char alphabet[] = "\\\\nxu{}0e\n\033\xc2\x9b\xe2\x80\xae\xf0\x9f\x92\xbe\xff\xc0\xed\xa0"
                                   "ab";
    for (unsigned round = 0; round < 20000; round++) {
        char text[24];
        unsigned n = g_test_rand_int_range(0, sizeof text);
        for (unsigned i = 0; i < n; i++)
            text[i] = round % 2 ? g_test_rand_int() : alphabet[g_test_rand_int_range(0, sizeof alphabet - 1)];
        g_autofree char *escaped = safetext_escape(text, n);
        g_assert_true(g_utf8_validate(escaped, -1, NULL));
        for (const char *p = escaped; *p; p = g_utf8_next_char(p))
            g_assert_true(g_unichar_isprint(g_utf8_get_char(p)));
        GString *back = unescape(escaped);
        g_assert_cmpmem(back->str, back->len, text, n);
        g_string_free(back, TRUE);
        g_assert_cmpint(safetext_is_safe(text, n), ==, strlen(escaped) == n && !memcmp(escaped, text, n));
    }
}

/* A second pass over what was escaped changes nothing, and lets nothing through either. */
static void test_masked_once_and_for_all(void)
{
    static const char text[] = "a\nb\\n \x1b[31m \xff c:\\new";
    g_autofree char *escaped = safetext_escape(text, -1);
    g_autofree char *again = safetext_mask(escaped, -1);
    g_assert_cmpstr(again, ==, escaped);
    g_autofree char *masked = safetext_mask(text, -1);
    g_assert_cmpstr(masked, ==, "a\\nb\\n \\e[31m \\xff c:\\new");
    g_autofree char *lines = safetext_mask_lines(text, sizeof(text)); /* with the nul at its end */
    g_assert_cmpstr(lines, ==, "a\nb\\n \\e[31m \\xff c:\\new\\x00");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/safetext/table", test_table);
    g_test_add_func("/safetext/length-and-nul", test_length_and_nul);
    g_test_add_func("/safetext/random-bytes-are-safe-and-reversible", test_random_bytes_are_safe_and_reversible);
    g_test_add_func("/safetext/masked-once-and-for-all", test_masked_once_and_for_all);
    return g_test_run();
}
