/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of the block layer share: a loop to run coroutines on, temporary files, short forms of requests. */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "block/blk.h"
#include "io/aio.h"
#include "io/co.h"

static struct aio *harness_aio;

struct harness_run {
    void (*fn)(void);
    bool done;
};

static void harness_body(void *data)
{
    struct harness_run *run = data;
    run->fn();
    run->done = true;
}

/* Runs fn in a coroutine until it ends, the main context turning meanwhile. */
static inline void harness_run_co(void (*fn)(void))
{
    struct harness_run run = {fn, false};
    co_start(harness_body, &run);
    while (!run.done)
        g_main_context_iteration(NULL, TRUE);
    /* Whoever it started has ended, too. */
    while (co_live() > 0)
        g_main_context_iteration(NULL, TRUE);
}

static inline void harness_test(gconstpointer fn)
{
    harness_run_co((void (*)(void))fn);
}

#define harness_add(path, fn) g_test_add_data_func(path, (gconstpointer)(fn), harness_test)

static inline int harness_main(int *argc, char ***argv, const char *backend, void (*add)(void))
{
    g_test_init(argc, argv, NULL);
    co_init();
    harness_aio = aio_new(backend, NULL);
    add();
    int ret = g_test_run();
    aio_free(harness_aio);
    co_done();
    return ret;
}

/* A new file of that size, without bytes in it; g_free the name after g_unlink(). */
static inline char *harness_file(int64_t size)
{
    char *name = NULL;
    int fd = g_file_open_tmp("blkscope-XXXXXX", &name, NULL);
    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(ftruncate(fd, size), ==, 0);
    close(fd);
    return name;
}

static inline void harness_remove(char *name)
{
    g_unlink(name);
    g_free(name);
}

/* Zeroes that cost nothing, where the file system of the temporary folder has them (tmpfs has not): else what does the same. */
static inline unsigned harness_cheap_zeroes(const char *name)
{
    int fd = open(name, O_RDWR);
    g_assert_cmpint(fd, >=, 0);
    bool cheap = fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 0, 1) == 0;
    close(fd);
    return cheap ? BLK_NO_FALLBACK : 0;
}

/* What the last harness_try_open_co() said. */
static GError *harness_error;

static inline int harness_try_open_co(const char *filename, const char *format, const char *options, unsigned flags, enum blk_cache cache,
                                      struct blk **ret_blk)
{
    g_autoptr(options) parsed = options_new();
    if (options)
        g_assert_true(options_parse(parsed, options, NULL, NULL));
    struct blk_open how = {
        .filename = filename,
        .format = format,
        .options = options ? parsed : NULL,
        .flags = flags,
        .cache = cache,
        .refs = BLK_REFS_ALL,
        .aio = harness_aio,
    };
    g_clear_error(&harness_error);
    return blk_open_co(&how, ret_blk, &harness_error);
}

static inline struct blk *harness_open_co(const char *filename, const char *format, unsigned flags)
{
    struct blk *blk = NULL;
    int ret = harness_try_open_co(filename, format, NULL, flags, BLK_CACHE_WRITEBACK, &blk);
    g_assert_no_error(harness_error);
    g_assert_cmpint(ret, ==, 0);
    return blk;
}

static inline struct blk *harness_open_options_co(const char *options, unsigned flags)
{
    struct blk *blk = NULL;
    int ret = harness_try_open_co(NULL, NULL, options, flags, BLK_CACHE_WRITEBACK, &blk);
    g_assert_no_error(harness_error);
    g_assert_cmpint(ret, ==, 0);
    return blk;
}

static inline void harness_close_co(struct blk *blk)
{
    GError *error = NULL;
    int ret = blk_close_co(blk, &error);
    g_assert_no_error(error);
    g_assert_cmpint(ret, ==, 0);
}

static inline int harness_read_co(struct blk *blk, int64_t offset, int64_t bytes, void *buf)
{
    struct iovec iov = {buf, bytes};
    return blk_preadv_co(blk, offset, &iov, 1, 0, "read");
}

static inline int harness_write_co(struct blk *blk, int64_t offset, int64_t bytes, const void *buf)
{
    struct iovec iov = {(void *)buf, bytes};
    return blk_pwritev_co(blk, offset, &iov, 1, 0, "write");
}

static inline int harness_fill_co(struct blk *blk, int64_t offset, int64_t bytes, uint8_t pattern)
{
    g_autofree uint8_t *buf = g_malloc(bytes);
    memset(buf, pattern, bytes);
    return harness_write_co(blk, offset, bytes, buf);
}

static inline void harness_assert_bytes_co(struct blk *blk, int64_t offset, int64_t bytes, uint8_t pattern)
{
    g_autofree uint8_t *buf = g_malloc(bytes);
    memset(buf, ~pattern, bytes);
    g_assert_cmpint(harness_read_co(blk, offset, bytes, buf), ==, 0);
    for (int64_t i = 0; i < bytes; i++) {
        if (buf[i] != pattern)
            g_error("byte %" G_GINT64_FORMAT " is %02x, not %02x", offset + i, buf[i], pattern);
    }
}
