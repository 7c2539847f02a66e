/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "util/decimal.h"

static void check(uint64_t value)
{
    char text[DECIMAL_MAX + 1], expected[DECIMAL_MAX + 1];
    memset(text, '#', sizeof(text));
    char *end = decimal_put(text, value);
    g_assert_cmpint(*end, ==, '#');
    *end = '\0';
    g_snprintf(expected, sizeof(expected), "%" PRIu64, value);
    g_assert_cmpstr(text, ==, expected);
}

static void test_as_printf(void)
{
    uint64_t power = 1;
    for (int digits = 0; digits < DECIMAL_MAX; digits++, power *= 10) {
        check(power);
        check(power - 1);
        check(power + 7);
    }
    check(0);
    check(UINT64_MAX);
    check(INT64_MAX);
    for (uint64_t value = 1; value < UINT64_C(1) << 63; value = value * 3 + 1)
        check(value);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/util/decimal/as-printf", test_as_printf);
    return g_test_run();
}
