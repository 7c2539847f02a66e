/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Numbers as the reference program takes and prints them; the tables were made by running it. */
#include "util/size.h"

#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *text;
    int64_t value;
} accepted[] = {
    {"0", 0},
    {"1", 1},
    {"09", 9},
    {"010", 10},
    {"00000000000000000000000001", 1},
    {"9223372036854775807", INT64_MAX},
    {"+1", 1},
    {"\t1", 1},
    {"\n\v\f\r +1", 1},
    /* hexadecimal */
    {"0x10", 16},
    {"0X1F", 31},
    {"0xABCDEF", 0xabcdef},
    {"+0x10", 16},
    {"0x1e", 0x1e},
    {"0x1E", 0x1e},
    {"0x1b", 0x1b},
    {"0x10k", 16384},
    {"0x1g", 1 << 30},
    {"0x00000000000000000000000001", 1},
    {"0x7fffffffffffffff", INT64_MAX},
    {"0x1fffffffffffffk", INT64_MAX - 1023},
    /* suffixes */
    {"1b", 1},
    {"1B", 1},
    {"2k", 2 << 10},
    {"2K", 2 << 10},
    {"2m", 2 << 20},
    {"2M", 2 << 20},
    {"1g", 1 << 30},
    {"1G", 1 << 30},
    {"2t", INT64_C(2) << 40},
    {"2T", INT64_C(2) << 40},
    {"2p", INT64_C(2) << 50},
    {"2P", INT64_C(2) << 50},
    {"1e", INT64_C(1) << 60},
    {"7E", INT64_C(7) << 60},
    {"0e", 0},
    {"08k", 8192},
    {"010k", 10240},
    {"8388607T", INT64_C(8388607) << 40},
    /* a point that changes nothing */
    {"1.", 1},
    {"1.0", 1},
    {"1.000", 1},
    {"0.", 0},
    {"0.0", 0},
    {"1.0b", 1},
    {"1.k", 1024},
    {"1.0k", 1024},
    {"1.00000000000000000000000000000000001", 1},
    /* fractions */
    {"1.5k", 1536},
    {"010.5k", 10752},
    {"1.25k", 1280},
    {"1.1k", 1126},
    {"1.001k", 1025},
    {"0.1k", 102},
    {"0.3k", 307},
    {"0.4k", 410},
    {"0.9999k", 1024},
    {"0.001k", 1},
    {"0.0001k", 0},
    {"1.23456789G", 1325607178},
    {"0.7M", 734003},
    {"3.14159M", 3294196},
    {"0.7T", INT64_C(769658139443)},
    {"0.25P", INT64_C(1) << 48},
    {"1.5e", INT64_C(1729382256910270464)},
    {"1.1E", INT64_C(1268213655067531680)},
    {"0.1E", INT64_C(115292150460684704)},
    {"0.3E", INT64_C(345876451382054080)},
    {"7.5E", INT64_C(8646911284551352320)},
    {"7.99E", INT64_C(9211842821808707328)},
    {"7.999999E", INT64_C(9223370883933271168)},
    {"3.0000000000000001E", INT64_C(3458764513820541043)},
    {"5.123456789123456789E", INT64_C(5906943510104380896)},
    {"0.123456789012345678901234567890E", INT64_C(142335986942043632)},
    {"12345678901234.5k", INT64_C(12641975194864128)},
    {"8796093022207.9999k", INT64_C(9007199254740992)},
    {"4503599627370497.5k", INT64_C(4611686018427389440)},
    /* half a byte rounds up */
    {"0.00048828125k", 1},
    {"0.00146484375k", 2},
    {"0.00244140625k", 3},
    {"4.00048828125k", 4097},
    {"0.000488281249999999k", 0},
    /* what a double takes for the next whole number is dropped */
    {"0.9999999999999999k", 1024},
    {"0.99999999999999999k", 0},
    {"1.9999999999999999999999k", 1024},
    {"7.99999999999999999999E", INT64_C(7) << 60},
    {"3.999999999999999999E", INT64_C(3) << 60},
};

static void test_accepted(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(accepted); i++) {
        int64_t value = -1;
        int ret = size_parse(accepted[i].text, &value);
        if (ret || value != accepted[i].value)
            g_error("%s: %d, %" G_GINT64_FORMAT, accepted[i].text, ret, value);
    }
}

static const char *const not_numbers[] = {
    "",
    " ",
    "+",
    "-",
    "x",
    "k",
    "K",
    ".",
    ".k",
    "0x",
    "0X",
    "0xg",
    "0xk",
    "0xx",
    "0x0x1",
    "00x10",
    /* signs */
    "-0",
    "-1",
    "-1k",
    "-0x5",
    "\t-1",
    "--1",
    "++1",
    "+-1",
    "+\t1",
    "+ 1",
    "- 1",
    /* points */
    ".5",
    ".5k",
    "+.5k",
    ".0",
    ".0k",
    "..5k",
    "1..5k",
    "1.5.k",
    "0.5.5k",
    "1,5k",
    "1_000",
    "1.+5k",
    "1.-5k",
    "1.5-k",
    "0x1.",
    "0x1.0",
    "0x1.k",
    "0x1.8",
    "0x1.5k",
    "0x1p3",
    /* half bytes */
    "1.5",
    "0.5",
    "1.5b",
    "0.5b",
    "0.1b",
    "1.0001",
    "0.0000001b",
    /* exponents */
    "1e3",
    "1E3",
    "1e+3",
    "1e3k",
    "0e0",
    "0E0",
    "1.e3",
    "1.5e1",
    "1.5e2k",
    "1.5e-3k",
    "1.5e5",
    "1.0e1k",
    "1e30",
    "1e400",
    "1.5e400k",
    /* behind it */
    "1 ",
    "1\t",
    "1k ",
    "1.5k\t",
    "1 k",
    "1.5 k",
    "1kk",
    "1.5kk",
    "1kB",
    "1KiB",
    "1k1",
    "1.5ek",
    "1.0eb",
    "0x1gk",
    "1x",
    "1s",
    "1c",
    "1w",
    "inf",
    "INF",
    "nan",
    "infinity",
    "1.5inf",
    "1.nan",
    "\302\2401",
    "1\xd9\xa1",
    "\xff",
    "0b1",
    "0o7",
    /* too large, and wrong besides */
    "99999999999999999999999x",
    "99999999999999999999k",
    "18446744073709551616.0",
    "9223372036854775808.5",
    "9223372036854775808x",
    "99999999999999999999e3",
};

static void test_not_numbers(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(not_numbers); i++) {
        int64_t value = -7;
        if (size_parse(not_numbers[i], &value) != -EINVAL || value != -7)
            g_error("'%s' was taken", not_numbers[i]);
    }
}

static const char *const too_large[] = {
    "9223372036854775808",
    "9223372036854775808.0",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999999",
    "0x8000000000000000",
    "0xffffffffffffffff",
    "0x10000000000000000",
    "8E",
    "16E",
    "16.5E",
    "9.9E",
    "8388608T",
    "9007199254740992k",
    "9007199254740991.9999999k",
    "0x20000000000000k",
    "18446744073709551615k",
};

static void test_too_large(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(too_large); i++) {
        int64_t value = -7;
        if (size_parse(too_large[i], &value) != -ERANGE || value != -7)
            g_error("'%s' was taken", too_large[i]);
    }
}

static void test_long_input(void)
{
    g_autofree char *digits = g_strnfill(1 << 20, '9'), *fraction = g_strconcat("1.", digits, "k", NULL);
    int64_t value;
    g_assert_cmpint(size_parse(digits, &value), ==, -ERANGE);
    g_assert_cmpint(size_parse(fraction, &value), ==, 0);
    g_assert_cmpint(value, ==, 1024);
}

static void test_format(void)
{
    static const struct {
        double bytes;
        const char *text;
    } cases[] = {
        {0, "0 bytes"},
        {512, "512 bytes"},
        {1023, "1023 bytes"},
        {1023.5, "1023.500000 bytes"},
        {205.893962, "205.893962 bytes"},
        {542.000123, "542 bytes"}, /* the reference cuts at the first ".000" */
        {0.25, "0.250000 bytes"},
        {1024, "1 KiB"},
        {1536, "1.500 KiB"},
        {65536, "64 KiB"},
        {66977792, "63.875 MiB"},
        {1048064, "1023.500 KiB"},
        {1073741312, "1024 MiB"},
        {1099511627264., "1024 GiB"},
        {1610612736, "1.500 GiB"},
        {1099511627776., "1 TiB"},
        {1125899906842624., "1 PiB"},
        {1152921504606846976., "1 EiB"},
        {9223372036854775807., "8 EiB"},
        {1024 + 1, "1.001 KiB"},
    };
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        char text[SIZE_TEXT_MAX];
        g_assert_cmpstr(size_format(cases[i].bytes, text), ==, cases[i].text);
    }
    char text[SIZE_TEXT_MAX];
    g_assert_cmpuint(strlen(size_format(1e308, text)), <, sizeof text);
    g_assert_cmpstr(size_format(G_MAXDOUBLE * 10, text), ==, "inf EiB");
}

/* Whole numbers have a way of their own: it says what printf() would. */
static void test_format_whole(void)
{
    for (unsigned round = 0; round < 20000; round++) {
        int64_t bytes = ((uint64_t)g_test_rand_int() << 32 | (uint32_t)g_test_rand_int()) & INT64_MAX;
        bytes >>= g_test_rand_int_range(10, 54);
        if (round % 3 == 0) /* halves of the last decimal, where rounding is decided */
            bytes = (bytes | 1) * 1024 / 2000 * 125 / 8;
        if (bytes < 1024)
            continue;
        char text[SIZE_TEXT_MAX], expected[SIZE_TEXT_MAX];
        int unit = (63 - __builtin_clzll(bytes)) / 10;
        snprintf(expected, sizeof expected, "%.3f", (double)bytes / (double)(INT64_C(1) << 10 * unit));
        if (g_str_has_suffix(expected, ".000"))
            expected[strlen(expected) - 4] = 0;
        g_autofree char *whole = g_strdup_printf("%s %ciB", expected, " KMGTPE"[unit]);
        g_assert_cmpstr(size_format(bytes, text), ==, whole);
    }
}

static void huge_sizes(void)
{
    uint64_t value = 0;
    g_assert_cmpint(size_parse_huge("18446744073709551615", &value), ==, 0);
    g_assert_cmpuint(value, ==, UINT64_MAX);
    g_assert_cmpint(size_parse_huge("8E", &value), ==, 0);
    g_assert_cmpuint(value, ==, UINT64_C(1) << 63);
    g_assert_cmpint(size_parse_huge("16E", &value), ==, -ERANGE);
    g_assert_cmpuint(value, ==, UINT64_C(1) << 63);
}

static void test_shares_are_cut(void)
{
    static const struct {
        int64_t part, whole;
        const char *text;
    } shares[] = {{1, 1, "100%"}, {1, 2, "50.00%"}, {2, 3, "66.66%"}, {99999, 100000, "99.99%"}, {1, 10001, "<0.01%"}, {1, 10000, "0.01%"},
                  {INT64_MAX - 1, INT64_MAX, "99.99%"}, {INT64_MAX, INT64_MAX, "100%"}, {1, INT64_MAX, "<0.01%"}};
    char text[SIZE_TEXT_MAX];

    for (size_t i = 0; i < G_N_ELEMENTS(shares); i++)
        g_assert_cmpstr(size_share(shares[i].part, shares[i].whole, text), ==, shares[i].text);
}

static void test_exact_sizes_are_not_rounded(void)
{
    static const struct {
        int64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0 bytes"}, {1, "1 bytes"}, {1023, "1023 bytes"}, {1024, "1 KiB"}, {1025, "1025 bytes"}, {1152, "1.125 KiB"}, {1088, "1088 bytes"},
        {3145727, "3145727 bytes"}, {3145728, "3 MiB"}, {INT64_C(1) << 62, "4 EiB"}, {INT64_MAX, "9223372036854775807 bytes"},
    };
    char buf[SIZE_TEXT_MAX];
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpstr(size_format_exact(cases[i].bytes, buf), ==, cases[i].text);
}

static void test_round_ones_are_good_to_read(void)
{
    static const struct {
        int64_t bytes, round;
    } cases[] = {{1, 1}, {3, 3}, {7, 7}, {8, 8}, {9, 10}, {15, 16}, {17, 20}, {57, 64}, {1000, 1024}, {1025, 1280}, {INT64_C(1) << 61, INT64_C(1) << 61},
                 {(INT64_C(1) << 61) + 1, INT64_C(5) << 59}, {(INT64_C(3) << 61) + 1, INT64_C(7) << 60}, {INT64_C(7) << 60, INT64_C(7) << 60}};

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpint(size_round(cases[i].bytes), ==, cases[i].round);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/size/exact", test_exact_sizes_are_not_rounded);
    g_test_add_func("/size/accepted", test_accepted);
    g_test_add_func("/size/not-numbers", test_not_numbers);
    g_test_add_func("/size/too-large", test_too_large);
    g_test_add_func("/size/long-input", test_long_input);
    g_test_add_func("/size/format", test_format);
    g_test_add_func("/size/format-whole-numbers", test_format_whole);
    g_test_add_func("/size/parse/huge", huge_sizes);
    g_test_add_func("/size/share", test_shares_are_cut);
    g_test_add_func("/size/round", test_round_ones_are_good_to_read);
    return g_test_run();
}
