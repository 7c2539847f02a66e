/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A file that gets its name when all of it is written: a full disk leaves neither half a file nor takes the one that was there.  Nor does a crash take
 * that: what replaces it is on the disk first (a few milliseconds).  A new file is not waited for, as cp(1) does not.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct wholefile {
    char *path, *temporary;
    int fd;
    bool replace; /* it is there */
};

/*
 * Begins the file that will be at path; all three may block.  -EEXIST: there is one, and it is not to be replaced.  -EINVAL: what is there is no
 * regular file.  -EROFS: the sandbox lets nothing be replaced.  The file that is replaced keeps its permissions, and a symbolic link to it stays one.
 */
int wholefile_begin(struct wholefile *file, const char *path, bool replace);
int wholefile_write(struct wholefile *file, const char *text, size_t len);
/* Once after each wholefile_begin() that succeeded.  With ret 0 the file gets its name, else it is dropped; ret, or why it has none. */
int wholefile_end(struct wholefile *file, int ret);
