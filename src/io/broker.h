/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A process that makes new files for a session whose sandbox lets it open nothing for writing: what `hex-save`, `map export`, `create` and others
 * write.  It is started before the sandbox closes and ends with the program, however that ends.
 *
 * It makes files that are not there, opens, renames and removes those that it made itself, and nothing else: whoever has taken over the session can
 * litter through it, but not change a byte of what there was.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* Starts it, once: 0, or a negative errno.  Before sandbox_close(). */
int broker_start(void);
/* Its end of the connection closes, so that it ends; waits for that. */
void broker_stop(void);
bool broker_runs(void);

/*
 * Files by name, here where that is allowed, else through the broker.  On any thread.  A descriptor or 0, or a negative errno; -EROFS: only the
 * sandbox is in the way.
 */

/* open(2).  With O_CREAT alone an existing file is opened: that is refused where the broker would have to. */
int broker_open(const char *path, int flags, mode_t mode);
/*
 * A new file of this name with XXXXXX at its end replaced, open for reading and writing; as g_mkstemp_full().  Until it gets another name it goes when
 * the program is ended by a signal (unfinished.h), and one that the broker made, however the program ends.  no_cow: it is not copied when it is
 * written, where the file system knows that.
 */
int broker_make_temporary(char *path, mode_t mode, bool no_cow);

/*
 * Asks for a file that is not copied when it is written, for direct writers (FS_NOCOW_FL, chattr(1)).  Only btrfs knows it, and there only
 * while the file is empty; elsewhere it does no harm to have asked.
 */
void broker_set_no_cow(int fd);
/* Gives the file its name if nobody has it: as renameat2(2) with RENAME_NOREPLACE, or where a file system has none, with link(2). */
int broker_rename_new(const char *from, const char *to);
/* Gives it the name of a file that is there; not where only the broker could. */
int broker_replace(const char *from, const char *to);
/* The same, and that file gets its name, so that it can be put back.  -EINVAL or -ENOSYS: the file system can't. */
int broker_exchange(const char *from, const char *to);
int broker_remove(const char *path);
