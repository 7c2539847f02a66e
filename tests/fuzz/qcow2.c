/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as a qcow2 image: opened, looked into from every side, read.  The first byte says in which way, so that the fuzzer chooses that,
 * too; the rest is the file.  It lies in memory, and no name in it is followed.
 */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "block/blk.h"
#include "block/inspect.h"
#include "fuzz.h"

enum { WRITABLE = 1 << 0, SNAPSHOT = 1 << 1, CHECK = 1 << 2, EXTENTS_MAX = 2000, WRITES_MAX = 8, BUFFER = 70000, FILE_MAX = 8 << 20 };

/* What is told is looked at: its text is there, its numbers are sane. */
static int see_problem(void *data, const struct inspect_problem *problem)
{
    unsigned *count = data;
    g_assert_nonnull(problem->text);
    g_assert_cmpint(problem->host, >=, -1);
    return ++*count > EXTENTS_MAX ? -ECANCELED : 0;
}

static int see_extent(void *data, const struct blk_extent *extent)
{
    unsigned *count = data;
    g_assert_cmpint(extent->length, >, 0);
    g_assert_cmpint(extent->start, >=, 0);
    g_assert_cmpint(extent->kind, <, BLK_KIND_COUNT);
    return ++*count > EXTENTS_MAX ? -ECANCELED : 0;
}

static int see_allocated(void *data, int64_t offset, int64_t bytes, bool allocated)
{
    unsigned *count = data;
    g_assert_cmpint(bytes, >, 0);
    return ++*count > EXTENTS_MAX ? -ECANCELED : 0;
}

static int see_host(void *data, const struct inspect_host_run *run)
{
    unsigned *count = data;
    g_assert_cmpint(run->bytes, >, 0);
    return ++*count > EXTENTS_MAX ? -ECANCELED : 0;
}

static int see_owner(void *data, const struct inspect_owner *owner)
{
    unsigned *count = data;
    g_assert_cmpint(owner->role, <, INSPECT_ROLE_COUNT);
    return ++*count > EXTENTS_MAX ? -ECANCELED : 0;
}

static int see_step(void *data, const struct inspect_step *step)
{
    unsigned *count = data;
    g_assert_nonnull(step->what);
    g_assert_nonnull(step->text);
    return ++*count > EXTENTS_MAX ? -ECANCELED : 0;
}

static int see_field(void *data, const struct inspect_field *field)
{
    unsigned *count = data;
    g_assert_nonnull(field->name);
    return ++*count > EXTENTS_MAX ? -ECANCELED : 0;
}

static void read_co(struct blk *blk, int64_t offset, int64_t bytes)
{
    g_autofree void *buf = g_malloc(bytes);
    struct iovec iov = {buf, bytes};
    blk_preadv_co(blk, offset, &iov, 1, 0, NULL);
}

static void inspect_co(struct blk *blk, const uint8_t *data, size_t size)
{
    int64_t length = blk_length(blk), host = (int64_t)(size / 2);
    /* A place that the input names, too. */
    int64_t named = size >= 200 ? (int64_t)data[199] << 16 | data[198] << 8 | data[197] : 0;
    struct blk_info info = {0};
    if (blk_info_co(blk, &info) == 0)
        blk_info_clear(&info);
    unsigned count = 0;
    blk_status_bulk_co(blk, 0, length, see_extent, &count);
    blk_allocated_co(blk, 0, length, see_allocated, (count = 0, &count));
    inspect_host_map_co(blk, see_host, (count = 0, &count));
    inspect_header_co(blk, see_field, (count = 0, &count));
    const int64_t guests[] = {0, named, length / 2, MAX(0, length - 1)}, hosts[] = {0, host & ~511, named, (int64_t)size};
    uint64_t refcount;
    for (unsigned i = 0; i < G_N_ELEMENTS(guests); i++) {
        inspect_explain_co(blk, guests[i], see_step, (count = 0, &count));
        inspect_explain_host_co(blk, hosts[i], see_owner, (count = 0, &count), &refcount);
        read_co(blk, guests[i], MAX(0, MIN(BUFFER, length - guests[i])));
    }
    char buf[512];
    blk_load_vmstate_co(blk, buf, 0, sizeof buf, NULL);
}

static void write_co(struct blk *blk, const uint8_t *data, size_t size)
{
    int64_t length = blk_length(blk);
    g_autofree uint8_t *buf = g_malloc0(BUFFER);
    struct iovec iov = {buf, BUFFER};
    for (unsigned i = 0; i < WRITES_MAX && length > 0; i++) {
        uint8_t what = size > 120 + i ? data[120 + i] : i;
        int64_t offset = (int64_t)((uint64_t)what * 7919 * 512 % (uint64_t)length);
        iov.iov_len = MIN(MIN(BUFFER, length - offset), (what + 1) * 300);
        if (what % 4 == 0)
            blk_pwrite_zeroes_co(blk, offset, iov.iov_len, what & 16 ? BLK_MAY_UNMAP : 0, NULL);
        else if (what % 4 == 1)
            blk_pdiscard_co(blk, offset, iov.iov_len, 0, NULL);
        else if (what == 254)
            blk_truncate_co(blk, length / 2, BLK_PREALLOC_OFF, NULL, NULL);
        else if (what == 255)
            blk_truncate_co(blk, MIN(length, 1 << 30) + 100000, BLK_PREALLOC_OFF, NULL, NULL);
        else if (what % 4 == 2 && what >= 128)
            blk_pwrite_compressed_co(blk, offset, buf, iov.iov_len, NULL);
        else if (what == 251)
            blk_save_vmstate_co(blk, buf, offset, 512, NULL);
        else
            blk_pwritev_co(blk, offset, &iov, 1, 0, NULL);
    }
    blk_flush_co(blk, NULL);
}

/* The file; it can't grow without end, or looking at all of it would take that long. */
static int put_image(const uint8_t *data, size_t size)
{
    struct rlimit limit = {FILE_MAX, FILE_MAX};
    setrlimit(RLIMIT_FSIZE, &limit);
    signal(SIGXFSZ, SIG_IGN);
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(pwrite(fd, data, size, 0), ==, size);
    return fd;
}

static void play_co(const uint8_t *data, size_t size)
{
    if (size < 1)
        return;
    uint8_t way = data[0];
    int fd = put_image(data + 1, size - 1);
    g_autofree char *name = g_strdup_printf("/proc/self/fd/%d", fd);
    g_autoptr(options) options = options_new();
    if (way & SNAPSHOT)
        options_set(options, "snapshot", "1");
    struct blk_open how = {
        .filename = name,
        .format = "qcow2",
        .options = options,
        .flags = BLK_OPEN_FORCE_SHARE * !(way & WRITABLE) | (way & WRITABLE ? BLK_OPEN_WRITABLE : 0),
        .cache = BLK_CACHE_UNSAFE,
        .refs = BLK_REFS_NONE,
        .aio = fuzz_aio(),
    };
    struct blk *blk;
    g_autoptr(GError) error = NULL;
    int ret = blk_open_co(&how, &blk, &error);
    g_assert_true((ret < 0) == (error != NULL));
    if (ret < 0) { /* what it is can still be told */
        g_clear_error(&error);
        options_remove(options, "snapshot");
        how.format = "raw";
        how.flags = BLK_OPEN_FORCE_SHARE;
        if (blk_open_co(&how, &blk, NULL) == 0) {
            unsigned count = 0;
            inspect_header_co(blk, see_field, &count);
            blk_close_co(blk, NULL);
        }
        close(fd);
        return;
    }
    inspect_co(blk, data, size);
    if (way & WRITABLE) {
        write_co(blk, data, size);
        inspect_co(blk, data, size);
    }
    struct inspect_check check;
    unsigned count = 0;
    if (way & CHECK)
        inspect_check_co(blk, see_problem, &count, &check);
    blk_close_co(blk, NULL);
    close(fd);
}

void fuzz_one(const uint8_t *data, size_t size)
{
    fuzz_run_co(play_co, data, size);
}
