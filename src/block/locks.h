/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Locks between programs that have an image open: QEMU's.
 *
 * Each thing one may do to a file (enum node_perm) has two bytes: 100 + n is locked (shared) by who does it, 200 + n by
 * who wants nobody else to.  Before, both look whether anybody else has locked the opposite byte.  They are locks of the open
 * file description (fcntl(2), F_OFD_SETLK): two descriptors of one program exclude each other as well.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Whether the kernel and the file system have such locks. */
bool locks_available(int fd);
/*
 * Locks the bytes of what we do (perm) and forbid (not shared) on fd.  0, or -errno and
 * `Failed to get "write" lock` with a second line that asks who it may be; then some of them are locked all the same, until
 * locks_set() says what shall be (at no time is anything unlocked that was locked before), or fd is closed.
 */
int locks_take(int fd, unsigned perm, unsigned shared, const char *filename, GError **error);
/* The same without locking: whether locks_take() would find a conflict. */
int locks_check(int fd, unsigned perm, unsigned shared, const char *filename, GError **error);
/* Locks exactly the bytes of these, unlocking others; no check (downgrades, commits). */
void locks_set(int fd, unsigned perm, unsigned shared);
/*
 * Closes fd, and what it locked is free when this returns: a thread of io_uring's that has told that its request is done may still hold the file for
 * a moment, and locks go with the last who does.  0, or what close(2) failed with.
 */
int locks_close(int fd);
/* What others have locked: enum node_perm they do, and forbid. */
void locks_others(int fd, unsigned *ret_perm, unsigned *ret_unshared);
/* Adds a phrase on who else holds locks on fd's file to out, if anybody; looks for their names, which stay raw, in /proc. */
void locks_describe(int fd, const char *filename, GString *out);
