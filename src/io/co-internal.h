/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What co.c and co-wait.c share. */
#pragma once

#include <glib.h>
#include <stdint.h>

#include "io/co.h"

/* When the first sleeper wants to wake, on g_get_monotonic_time()'s clock; INT64_MAX: there is none. */
int64_t co_wait_first_deadline_us(void);
/* Wakes those whose time has come. */
void co_wait_expire(int64_t now_us);
void co_wait_done(void);
/* See co_is_queued(): the running one begins or ends to wait so. */
void co_note_queued(bool queued);
