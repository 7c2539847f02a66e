/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The one clock: monotonic, and settable so that tests and screen snapshots see a fixed time. */
#pragma once

#include <stdint.h>

/* Microseconds / nanoseconds on CLOCK_MONOTONIC, or the fake time. */
int64_t clock_now_us(void);
int64_t clock_now_ns(void);
/* From now on the clock stands at this time until set again; negative: back to the real clock. */
void clock_set_fake_us(int64_t now_us);
