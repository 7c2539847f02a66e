/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "util/decimal.h"

#include <string.h>

/* Two digits for each number below 100. */
static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657585960616263646566"
                            "676869707172737475767778798081828384858687888990919293949596979899";

/* Exactly eight digits. */
static void put_eight(char *at, uint32_t value)
{
    uint32_t high = value / 10000, low = value % 10000;
    memcpy(at, pairs + 2 * (high / 100), 2);
    memcpy(at + 2, pairs + 2 * (high % 100), 2);
    memcpy(at + 4, pairs + 2 * (low / 100), 2);
    memcpy(at + 6, pairs + 2 * (low % 100), 2);
}

/* value < 100000000 */
static char *put_small(char *at, uint32_t value)
{
    char digits[8];
    unsigned skip = 0;
    put_eight(digits, value);
    while (skip < 7 && digits[skip] == '0')
        skip++;
    memcpy(at, digits + skip, 8 - skip);
    return at + 8 - skip;
}

char *decimal_put(char *at, uint64_t value)
{
    const uint64_t limit = 100000000;
    if (value < 10) {
        *at = '0' + value;
        return at + 1;
    }
    if (value < limit)
        return put_small(at, value);
    at = decimal_put(at, value / limit);
    put_eight(at, value % limit);
    return at + 8;
}
