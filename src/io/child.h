/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Waiting for a process that was started here, without standing still meanwhile. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/*
 * Until the child has ended, which is still to be collected (waitpid(2)).  0, -ETIMEDOUT after so many milliseconds, -ECANCELED where it may be
 * cancelled, or what pidfd_open(2) says.
 */
int child_await_co(pid_t pid, unsigned patience_ms, bool cancellable);
/*
 * The same, and also until fd, of a connection to it, has something to read or is closed at the other end: 0, be it this or that.  Cancellable.
 */
int child_await_word_co(pid_t pid, int fd, unsigned patience_ms);
