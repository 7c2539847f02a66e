/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "util/hexrow.h"

#include <glib.h>
#include <string.h>

/* The plain way, to compare with. */
static char *format_slowly(uint64_t offset, const uint8_t *bytes, size_t n)
{
    GString *out = g_string_new(NULL);
    for (size_t row = 0; row < n; row += HEXROW_BYTES) {
        size_t end = MIN(n, row + HEXROW_BYTES);
        g_string_append_printf(out, "%08" G_GINT64_MODIFIER "x:  ", offset + row);
        for (size_t i = row; i < end; i++)
            g_string_append_printf(out, "%02x ", bytes[i]);
        g_string_append_c(out, ' ');
        for (size_t i = row; i < end; i++)
            g_string_append_c(out, g_ascii_isalnum(bytes[i]) ? bytes[i] : '.');
        g_string_append_c(out, '\n');
    }
    return g_string_free(out, FALSE);
}

static void compare(uint64_t offset, const uint8_t *bytes, size_t n)
{
    size_t room = hexrow_text_size(n);
    g_autofree char *text = g_malloc(room + 1), *expected = format_slowly(offset, bytes, n);
    size_t written = hexrow_format(text, offset, bytes, n);
    g_assert_cmpuint(written, <=, room);
    text[written] = 0;
    g_assert_cmpstr(text, ==, expected);
}

static void test_literal(void)
{
    char text[2 * HEXROW_TEXT_MAX + 1];
    const uint8_t bytes[] = "\xcd\x00\x7f"
                            "09AZaz@[`{/: !?#";
    text[hexrow_format(text, 0, bytes, 19)] = 0;
    g_assert_cmpstr(text, ==,
                    "00000000:  cd 00 7f 30 39 41 5a 61 7a 40 5b 60 7b 2f 3a 20  ...09AZaz.......\n"
                    "00000010:  21 3f 23  ...\n");
}

static void test_every_byte(void)
{
    uint8_t bytes[256];
    for (unsigned i = 0; i < 256; i++)
        bytes[i] = i;
    compare(0, bytes, sizeof bytes);
}

static void test_every_length_and_misalignment(void)
{
    uint8_t bytes[80];
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = g_test_rand_int();
    for (unsigned start = 0; start < 17; start++) {
        for (unsigned n = 0; n <= 50; n++)
            compare(start * 77, bytes + start, n);
    }
}

static void test_offsets_widen(void)
{
    static const uint8_t bytes[33];
    for (unsigned shift = 0; shift < 64; shift++) {
        for (int around = -17; around <= 17; around++)
            compare((UINT64_C(1) << shift) + around, bytes, sizeof bytes);
    }
    compare(UINT64_MAX - 40, bytes, sizeof bytes);
}

static void test_speed(void)
{
    if (!g_test_perf()) {
        g_test_skip("measures only with -m perf");
        return;
    }
    enum { CHUNK = 64 << 10, TOTAL = 64 << 20 };
    g_autofree uint8_t *bytes = g_malloc(TOTAL);
    for (unsigned i = 0; i < TOTAL; i++)
        bytes[i] = i * 2654435761u >> 13;
    g_autofree char *text = g_malloc(hexrow_text_size(CHUNK));
    g_test_timer_start();
    for (unsigned i = 0; i < TOTAL; i += CHUNK)
        hexrow_format(text, i, bytes + i, CHUNK);
    double took = g_test_timer_elapsed();
    g_test_minimized_result(took, "64 MiB in %.3f s, %.1f ns a row", took, took * 1e9 / (TOTAL / HEXROW_BYTES));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hexrow/literal", test_literal);
    g_test_add_func("/hexrow/every-byte", test_every_byte);
    g_test_add_func("/hexrow/every-length-and-misalignment", test_every_length_and_misalignment);
    g_test_add_func("/hexrow/offsets-widen", test_offsets_widen);
    g_test_add_func("/hexrow/speed", test_speed);
    return g_test_run();
}
