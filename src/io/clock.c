/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/clock.h"

#include <time.h>

static int64_t fake_us = -1;

int64_t clock_now_ns(void)
{
    if (fake_us >= 0)
        return fake_us * 1000;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

int64_t clock_now_us(void)
{
    return clock_now_ns() / 1000;
}

void clock_set_fake_us(int64_t now_us)
{
    fake_us = now_us;
}
