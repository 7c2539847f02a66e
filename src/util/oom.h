/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The end of a process that can't get what it can't go on without, in order: no crash, no core file, a message, status 1. */
#pragma once

/*
 * From now on, where GLib gives up (memory for something small, a descriptor for its main loop), the hooks are called, prog and the reason
 * are written to standard error, and the process ends with status 1.  Once, before anything else allocates.
 */
void oom_init(const char *prog);

/*
 * The same on another thread than the first: it begins with this, lends room on its own stack for as long as it runs, and ends with the
 * other.
 */
enum { OOM_ROOM = 32 << 10 };
void oom_thread_begin(char room[static OOM_ROOM]);
void oom_thread_end(const char *room);

/*
 * fn is called at such an end, on any thread, maybe in a signal handler: it may do what one may.  The latest hook comes first.  There is
 * room for four.
 */
typedef void oom_hook_fn(void *data);
void oom_add_hook(oom_hook_fn *fn, void *data);
void oom_remove_hook(oom_hook_fn *fn, void *data);
