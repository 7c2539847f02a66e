/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is left to the process once its image is open: Landlock says which files may be written, seccomp which system calls may be made.  Closed
 * once, for ever, for all threads; doc/sandbox.md is the whole story.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct workers;

struct sandbox_how {
    bool writable;                /* images may be opened for writing, files replaced and removed */
    const char *const *folders;   /* beneath them files are written all the same; NULL-terminated, NULL: none */
    bool network;                 /* the image is on a server that may have to be connected to again */
    int tcp_port;                 /* of that server; 0: it is on a Unix socket, -1: not known as a number */
    const pid_t *helpers;         /* processes that serve the image, terminated by 0, NULL: none; at most SANDBOX_HELPERS_MAX count */
};
enum { SANDBOX_HELPERS_MAX = 40 };

enum sandbox_part {
    SANDBOX_FILES = 1 << 0, /* Landlock: what may be written */
    SANDBOX_CALLS = 1 << 1, /* seccomp: what may be called */
    SANDBOX_ALL = SANDBOX_FILES | SANDBOX_CALLS,
};

/* What there is of it now. */
struct sandbox_state {
    bool closed;        /* sandbox_close() was called */
    unsigned parts;     /* enum sandbox_part: what is in force since then */
    int landlock_abi;   /* 0: this kernel has none */
    const char *reason; /* why a part is missing; NULL: none is */
    bool read_only;     /* no file is opened for writing any more, but in how's folders; whether the kernel enforces it or not */
    bool network;       /* connections may be made; likewise */
    bool any_server;    /* to any server: the kernel can't hold them to the image's */
};

/*
 * Closes it.  Every other thread was ended or is about to end (workers_retire()), and what can't be made behind it (a ring, the broker) is made.
 * Where the kernel has only a part of it, that part; sandbox_state() tells.
 */
void sandbox_close(const struct sandbox_how *how);
const struct sandbox_state *sandbox_state(void);
/* Before it is closed: from now on the program opens no file for writing, and sandbox_close() does not change that. */
void sandbox_be_read_only(void);

/* What the program refuses to do since it is closed, on every kernel: to open files for writing, to start programs, to connect to servers. */
bool sandbox_is_read_only(void);
bool sandbox_forbids_programs(void);
bool sandbox_forbids_network(void);

/* For messages: what a user does to be allowed what it forbids. */
#define SANDBOX_ADVICE_WRITE "the session is read-only (sandbox): start with -w"
#define SANDBOX_ADVICE_REPLACE "only a program started with -w replaces a file (sandbox)"
#define SANDBOX_ADVICE_OTHER "start with it, or with --no-sandbox"
