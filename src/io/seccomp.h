/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which system calls are left to the process, and with which arguments: a table, made into a filter program for the kernel. */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <sys/types.h>

enum { SECCOMP_HELPERS_MAX = 40 };

struct seccomp_rules {
    bool opens_for_writing; /* which files is Landlock's to say */
    bool changes_names;     /* makes, renames and removes files; likewise */
    bool changes_files;     /* whatever else a writable session needs: owners, modes, sizes by path */
    bool network;           /* new sockets */
    bool broker;            /* nothing but what io/broker.c needs; all of the above is then ignored */
    pid_t helpers[SECCOMP_HELPERS_MAX]; /* processes that may be sent signals; 0: no more */
};

enum { SECCOMP_PROGRAM_MAX = 1024 };

/* Whether the kernel would take one, and this architecture has a table. */
bool seccomp_works(void);

/* Writes the program: how many instructions; 0 on an architecture that has no table. */
unsigned seccomp_program(const struct seccomp_rules *rules, struct sock_filter program[static SECCOMP_PROGRAM_MAX]);

/*
 * Restricts every thread of the process to it, for ever.  Needs PR_SET_NO_NEW_PRIVS; signal-safe.  What is not left fails with EPERM, calls that
 * are younger than the table with ENOSYS, and those of another architecture end the process.  0, or a negative errno: then nothing is restricted.
 */
int seccomp_load(const struct sock_filter *program, unsigned len);
