/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as a log of blklogwrites that is gone on with (log-append=on): whatever it says is refused or continued, and what is written then is where
 * such a log ends.  The file lies in memory.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "block/blk.h"
#include "fuzz.h"

static int make_log(const uint8_t *data, size_t size)
{
    int fd = memfd_create("log", MFD_CLOEXEC);
    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(write(fd, data, size), ==, (ssize_t)size);
    return fd;
}

/* One write and its flush: the image stays as large, the log does not get shorter. */
static void go_on_co(struct blk *blk, int fd, off_t before)
{
    uint8_t buf[4096] = {1};
    struct iovec iov = {buf, sizeof(buf)};
    int64_t length = blk_length(blk);
    int ret = blk_pwritev_co(blk, 0, &iov, 1, 0, NULL);
    if (ret == 0)
        ret = blk_flush_co(blk, NULL);
    g_assert_cmpint(blk_length(blk), ==, length);
    g_assert_cmpint(lseek(fd, 0, SEEK_END), >=, before);
}

static void one_co(const uint8_t *data, size_t size)
{
    int fd = make_log(data, size);
    g_autoptr(options) options = options_new();
    g_autoptr(GError) error = NULL;
    g_autofree char *name = g_strdup_printf("/proc/self/fd/%d", fd);
    struct blk_open how = {.options = options, .flags = BLK_OPEN_WRITABLE, .cache = BLK_CACHE_WRITEBACK, .refs = BLK_REFS_NONE, .aio = fuzz_aio()};
    struct blk *blk;
    options_set(options, "driver", "blklogwrites");
    options_set(options, "log-append", "on");
    options_set(options, "file.driver", "null-co");
    options_set(options, "log.driver", "file");
    options_set(options, "log.locking", "off");
    options_set(options, "log.filename", name);
    int ret = blk_open_co(&how, &blk, &error);
    g_assert_true((ret < 0) == (error != NULL));
    if (ret == 0) {
        go_on_co(blk, fd, (off_t)size);
        blk_close_co(blk, NULL);
    }
    close(fd);
}

void fuzz_one(const uint8_t *data, size_t size)
{
    fuzz_run_co(one_co, data, size);
}
