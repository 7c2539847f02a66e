/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The kernel's Landlock, with numbers of our own: headers of distributions know fewer than kernels do.  Which of them the kernel takes is asked,
 * never deduced from a version.  Source: landlock(7) and the kernel's Documentation/userspace-api/landlock.rst.
 */
#pragma once

#include <stdint.h>

/* What may be done to files; LANDLOCK_ACCESS_FS_*. */
enum landlock_right {
    LANDLOCK_EXECUTE = 1 << 0,
    LANDLOCK_WRITE_FILE = 1 << 1,
    LANDLOCK_REMOVE_DIR = 1 << 4,
    LANDLOCK_REMOVE_FILE = 1 << 5,
    LANDLOCK_MAKE_CHAR = 1 << 6,
    LANDLOCK_MAKE_DIR = 1 << 7,
    LANDLOCK_MAKE_REG = 1 << 8,
    LANDLOCK_MAKE_SOCK = 1 << 9,
    LANDLOCK_MAKE_FIFO = 1 << 10,
    LANDLOCK_MAKE_BLOCK = 1 << 11,
    LANDLOCK_MAKE_SYM = 1 << 12,
    LANDLOCK_REFER = 1 << 13,    /* to rename and link between folders; from ABI 2, before it nobody may */
    LANDLOCK_TRUNCATE = 1 << 14, /* from ABI 3 */
};

/* Beneath (or at) path the rights are allowed all the same. */
struct landlock_exception {
    const char *path;
    uint64_t rights;
};

struct landlock_rules {
    uint64_t deny;                            /* enum landlock_right; what the kernel does not know is left out */
    const struct landlock_exception *except;  /* the last one has no path; NULL: none.  What isn't there is passed over */
    int tcp_port;                             /* connections go to this port only; 0: to none, -1: to any (from ABI 4) */
};

enum { LANDLOCK_FIRST_ABI_TCP = 4 }; /* before it connections are not its affair */

/* 0: the kernel has none, or does not let us. */
int landlock_abi(void);

/*
 * Restricts this thread, and those that it starts from now on, for ever.  Needs PR_SET_NO_NEW_PRIVS.  Signal-safe but for the paths' own time.
 * 0, or a negative errno: then nothing is restricted.
 */
int landlock_restrict(const struct landlock_rules *rules);
