/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "util/utf16.h"

#include <glib.h>

#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1

static void assert_decoded(const uint8_t *bytes, size_t n, bool big_endian, const char *expected)
{
    g_autofree char *decoded = utf16_decode(bytes, n, big_endian);
    g_assert_cmpstr(decoded, ==, expected);
}

static void both_orders(void)
{
    assert_decoded(BYTES("A\0\xac\x20"), false, "A\xe2\x82\xac");
    assert_decoded(BYTES("\0A\x20\xac"), true, "A\xe2\x82\xac");
    assert_decoded(BYTES("\x3d\xd8\x00\xde"), false, "\xf0\x9f\x98\x80");
    assert_decoded(BYTES("\xd8\x3d\xde\x00"), true, "\xf0\x9f\x98\x80");
    assert_decoded(BYTES(""), false, "");
    assert_decoded(BYTES("\xff\xff"), true, "\xef\xbf\xbf");
}

static void it_ends_at_the_first_zero(void)
{
    assert_decoded(BYTES("a\0\0\0b\0"), false, "a");
    assert_decoded(BYTES("\0\0"), false, "");
}

static void halves_are_none(void)
{
    assert_decoded(BYTES("\x3d\xd8"), false, NULL);
    assert_decoded(BYTES("\x3d\xd8" "a\0"), false, NULL);
    assert_decoded(BYTES("\0\xde"), false, NULL);
    assert_decoded(BYTES("a\0b"), false, NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/util/utf16/both-orders", both_orders);
    g_test_add_func("/util/utf16/it-ends-at-the-first-zero", it_ends_at_the_first_zero);
    g_test_add_func("/util/utf16/halves-are-none", halves_are_none);
    return g_test_run();
}
