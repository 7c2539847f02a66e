/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/decode.h"

#include <glib.h>
#include <string.h>

/* What comes of all the bytes, U+FFFD as a question mark. */
static char *decode_all(const char *bytes, size_t len)
{
    struct decode decode = {0};
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < len;) {
        uint32_t ch;
        enum decode_result result = decode_byte(&decode, (uint8_t)bytes[i], &ch);
        i += result != DECODE_AGAIN;
        if (result != DECODE_MORE) {
            g_string_append_unichar(text, ch == 0xfffd ? '?' : ch);
        }
    }
    return g_string_free(text, FALSE);
}

static void assert_decoded(const char *bytes, const char *expected)
{
    g_autofree char *text = decode_all(bytes, strlen(bytes));
    g_assert_cmpstr(text, ==, expected);
}

static void test_characters(void)
{
    assert_decoded("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80~", "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80~");
}

static void test_rubbish_loses_nothing_behind_it(void)
{
    assert_decoded("\xff" "a", "?a");
    assert_decoded("\x80\xbf~", "??~");
    assert_decoded("\xe2\x82~", "?~");
    assert_decoded("\xe2\xc3\xa9", "?\xc3\xa9");
    assert_decoded("\xed\xa0\x80x", "?x");     /* a surrogate */
    assert_decoded("\xf4\x90\x80\x80x", "?x"); /* behind the last one */
    assert_decoded("\xe0\x80\x80x", "?x");     /* longer than need be */
}

static void test_anything_ends_with_what_follows(void)
{
    for (int round = 0; round < 2000; round++) {
        char bytes[40];
        int len = g_test_rand_int_range(0, 32);
        for (int i = 0; i < len; i++) {
            bytes[i] = (char)g_test_rand_int_range(1, 256);
        }
        memcpy(bytes + len, "~[end]", 6);
        g_autofree char *text = decode_all(bytes, (size_t)len + 6);
        g_assert_true(g_utf8_validate(text, -1, NULL) && g_str_has_suffix(text, "~[end]"));
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/decode/characters", test_characters);
    g_test_add_func("/decode/rubbish-loses-nothing-behind-it", test_rubbish_loses_nothing_behind_it);
    g_test_add_func("/decode/anything-ends-with-what-follows", test_anything_ends_with_what_follows);
    return g_test_run();
}
