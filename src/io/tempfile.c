/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/tempfile.h"

#include <fcntl.h>
#include <glib.h>

#include "io/broker.h"
#include "io/sandbox.h"

const char *tempfile_folder(void)
{
    const char *wanted = g_getenv("TMPDIR");
    return wanted && *wanted ? wanted : "/var/tmp";
}

int tempfile_open(void)
{
    const char *folder = tempfile_folder();
    int fd = sandbox_is_read_only() ? -1 : open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
    /* A file system without nameless files, or a session that can't make any. */
    g_autofree char *name = g_build_filename(folder, "blkscope-XXXXXX", NULL);
    fd = broker_make_temporary(name, 0600, false);
    if (fd >= 0)
        broker_remove(name);
    return fd;
}
