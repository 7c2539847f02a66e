/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Clusters are given slots of the file as they are written; a cluster without one is zeroes.  A slot may have holes: what the file system
 * keeps of it is what was written.
 *
 * A slot that is given up may still be read and written by requests that found it before.  It is used again only after all that had begun by
 * then have ended, and after its bytes were made zeroes: requests are counted in two turns, and a turn is over when the one before it is.
 */
#include "block/spill.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "block/iov.h"
#include "block/node-internal.h"
#include "block/spill_map.h"
#include "io/tempfile.h"
#include "util/intervals.h"

#define CLUSTER INT64_C(65536)

enum { FILL_PIECE = 1 << 20 };

struct spill {
    struct spill_map *map;
    int64_t size;
    int64_t end;             /* slots of the file that are or were in use */
    struct intervals *empty; /* those that can be used again */
    struct turn {
        unsigned busy;            /* requests that began in it */
        struct intervals *given_up; /* slots */
    } turns[2];
    unsigned turn; /* the one in which requests begin now */
    bool told;     /* that the disk is full */
};

/* ---- slots ---- */

static struct turn *begin(struct spill *spill)
{
    struct turn *turn = &spill->turns[spill->turn];
    turn->busy++;
    return turn;
}

static bool is_empty(const struct intervals *set)
{
    int64_t end;
    return !intervals_at(set, 0, &end) && end == INT64_MAX;
}

/* Takes the first run out of set; false: there is none. */
static bool take_run(struct intervals *set, int64_t max, int64_t *ret_start, int64_t *ret_end)
{
    int64_t start = 0, end;
    if (!intervals_at(set, 0, &end)) {
        start = end;
        if (start == INT64_MAX)
            return false;
        intervals_at(set, start, &end);
    }
    end = MIN(end, start + max);
    intervals_remove(set, start, end);
    *ret_start = start;
    *ret_end = end;
    return true;
}

/* Slots that nobody knows of any more.  One whose bytes can't be made zeroes is lost. */
static void clean_co(struct node *node, struct intervals *given_up)
{
    struct spill *spill = node->opaque;
    int64_t start, end;
    while (take_run(given_up, INT64_MAX / CLUSTER, &start, &end)) {
        int64_t inside = CLAMP(node->file->size - start * CLUSTER, 0, (end - start) * CLUSTER); /* behind its end there is nothing */
        if (inside == 0 || node_pwrite_zeroes_co(node->file, start * CLUSTER, inside, BLK_MAY_UNMAP) == 0)
            intervals_add(spill->empty, start, end);
    }
    intervals_free(given_up);
}

/* A request is over; what could be given up for good with it is. */
static void end_co(struct node *node, struct turn *turn)
{
    struct spill *spill = node->opaque;
    turn->busy--;
    while (!spill->turns[!spill->turn].busy && !(is_empty(spill->turns[0].given_up) && is_empty(spill->turns[1].given_up))) {
        spill->turn = !spill->turn;
        struct intervals *given_up = spill->turns[spill->turn].given_up;
        spill->turns[spill->turn].given_up = intervals_new();
        clean_co(node, given_up);
    }
}

static void give_up(void *data, int64_t slot, int64_t count)
{
    struct spill *spill = data;
    intervals_add(spill->turns[spill->turn].given_up, slot, slot + count);
}

/* Slots for at most count clusters that have none: for how many. */
static int64_t allocate(struct spill *spill, int64_t cluster, int64_t count)
{
    int64_t start, end;
    if (!take_run(spill->empty, count, &start, &end)) {
        start = spill->end;
        end = spill->end += count;
    }
    spill_map_set(spill->map, cluster, end - start, start);
    return end - start;
}

/* Where the bytes at offset are in the file, or -1; for how many of at most bytes. */
static int64_t find(const struct spill *spill, int64_t offset, int64_t bytes, int64_t *ret_bytes)
{
    int64_t count, slot = spill_map_at(spill->map, offset / CLUSTER, &count), within = offset % CLUSTER;
    *ret_bytes = count > INT64_MAX / CLUSTER ? bytes : MIN(bytes, count * CLUSTER - within);
    return slot < 0 ? -1 : slot * CLUSTER + within;
}

/* ---- requests ---- */

static int spill_preadv_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    struct turn *turn = begin(node->opaque);
    g_autofree struct iovec *slice = g_new(struct iovec, niov);
    int ret = 0;
    for (int64_t done = 0, n; ret == 0 && done < bytes; done += n) {
        int64_t place = find(node->opaque, offset + done, bytes - done, &n);
        if (place < 0)
            iov_fill_zero(iov, niov, done, n);
        else
            ret = node_preadv_co(node->file, place, n, slice, iov_slice(iov, niov, done, n, slice), flags);
    }
    end_co(node, turn);
    return ret;
}

/* The user knows the image, not this file. */
static void tell_of_full_disk(struct node *node, int ret)
{
    struct spill *spill = node->opaque;
    bool full = ret == -ENOSPC || ret == -EDQUOT || ret == -EFBIG;
    if (full && !spill->told)
        node_complain(node, "the temporary file in %s has no room for more (%s); TMPDIR names another folder", tempfile_folder(), g_strerror(-ret));
    spill->told = full;
}

static int spill_pwritev_co(struct node *node, int64_t offset, int64_t bytes, const struct iovec *iov, int niov, unsigned flags)
{
    struct spill *spill = node->opaque;
    struct turn *turn = begin(spill);
    g_autofree struct iovec *slice = g_new(struct iovec, niov);
    int ret = 0;
    for (int64_t done = 0, n = 0; ret == 0 && done < bytes; done += n) {
        int64_t at = offset + done, place = find(spill, at, bytes - done, &n);
        if (place < 0) {
            allocate(spill, at / CLUSTER, (at + n - 1) / CLUSTER - at / CLUSTER + 1);
            place = find(spill, at, n, &n);
        }
        ret = node_pwritev_co(node->file, place, n, slice, iov_slice(iov, niov, done, n, slice), flags);
    }
    tell_of_full_disk(node, ret);
    end_co(node, turn);
    return ret;
}

/* Part of one cluster. */
static int zero_part_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags)
{
    int64_t n, place = find(node->opaque, offset, bytes, &n);
    return place < 0 || bytes == 0 ? 0 : node_pwrite_zeroes_co(node->file, place, bytes, flags);
}

static int spill_pwrite_zeroes_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags)
{
    struct spill *spill = node->opaque;
    struct turn *turn = begin(spill);
    int64_t end = offset + bytes, head = MIN(bytes, -offset & (CLUSTER - 1)), tail = (bytes - head) % CLUSTER;
    spill_map_remove(spill->map, (offset + head) / CLUSTER, (end - tail) / CLUSTER, give_up, spill);
    int ret = zero_part_co(node, offset, head, flags);
    if (ret == 0)
        ret = zero_part_co(node, end - tail, tail, flags);
    tell_of_full_disk(node, ret);
    end_co(node, turn);
    return ret;
}

static int spill_pdiscard_co(struct node *node, int64_t offset, int64_t bytes)
{
    return spill_pwrite_zeroes_co(node, offset, bytes, BLK_MAY_UNMAP);
}

/* Zero bytes that are written as such. */
static int fill_co(struct node *node, int64_t place, int64_t bytes)
{
    int ret = 0;
    size_t size = MIN(bytes, FILL_PIECE);
    void *zeroes = node_buffer(node->file, size);
    memset(zeroes, 0, size);
    for (int64_t done = 0, n; ret == 0 && done < bytes; done += n) {
        struct iovec iov = {zeroes, n = MIN(bytes - done, (int64_t)size)};
        ret = co_cancelled() ? -ECANCELED : node_pwritev_co(node->file, place + done, n, &iov, 1, 0);
        co_relax_co();
    }
    free(zeroes);
    return ret;
}

/* Room for [start, end), behind all that was: it reads as zeroes, in the slots it has or gets. */
static int set_aside_co(struct node *node, int64_t start, int64_t end, bool written)
{
    struct spill *spill = node->opaque;
    int ret = 0;
    for (int64_t n; ret == 0 && start < end; start += n) {
        int64_t place = find(spill, start, end - start, &n);
        if (place < 0) {
            int64_t count = (start + n - 1) / CLUSTER - start / CLUSTER + 1;
            spill_map_set(spill->map, start / CLUSTER, count, spill->end);
            spill->end += count;
            place = find(spill, start, n, &n);
        }
        ret = written ? fill_co(node, place, n) : node_pwrite_zeroes_co(node->file, place, n, 0);
    }
    return ret;
}

static int grow_co(struct node *node, int64_t size, enum blk_prealloc prealloc, GError **error)
{
    struct spill *spill = node->opaque;
    struct turn *turn = begin(spill);
    bool full = prealloc == BLK_PREALLOC_FULL;
    int ret = set_aside_co(node, spill->size, size, full);
    if (ret < 0) {
        node_refresh_size_co(node->file); /* what did not fit is cut out of the file as it is */
        spill_map_remove(spill->map, (spill->size + CLUSTER - 1) / CLUSTER, INT64_MAX / CLUSTER, give_up, spill);
        g_set_error(error, OPTIONS_ERROR, -ret, "Failed to resize underlying file: %s: %s",
                    full ? "Could not write zeros for preallocation" : "Could not preallocate new data", g_strerror(-ret));
    }
    tell_of_full_disk(node, ret);
    end_co(node, turn);
    return ret;
}

static int shrink_co(struct node *node, int64_t size, GError **error)
{
    struct spill *spill = node->opaque;
    int ret = spill_pwrite_zeroes_co(node, size, spill->size - size, BLK_MAY_UNMAP);
    if (ret < 0)
        g_set_error(error, OPTIONS_ERROR, -ret, "%s", g_strerror(-ret));
    return ret;
}

static int spill_truncate_co(struct node *node, int64_t size, bool exact, enum blk_prealloc prealloc, GError **error)
{
    struct spill *spill = node->opaque;
    int ret = 0;
    if (size < spill->size)
        ret = shrink_co(node, size, error);
    else if (prealloc != BLK_PREALLOC_OFF)
        ret = grow_co(node, size, prealloc, error);
    if (ret == 0)
        spill->size = size;
    return ret;
}

static int64_t spill_length_co(struct node *node)
{
    struct spill *spill = node->opaque;
    return spill->size;
}

static int spill_status_co(struct node *node, int64_t offset, int64_t bytes, unsigned flags, struct node_status *ret_status)
{
    struct node_status status = {.via = NODE_STATUS_FINAL, .kind = BLK_KIND_ZERO_PLAIN};
    status.child_offset = find(node->opaque, offset, bytes, &status.bytes);
    /* A slot is zeroes where the file has not grown to its end yet. */
    if (status.child_offset >= 0 && status.child_offset < node->file->size) {
        status.bytes = MIN(status.bytes, node->file->size - status.child_offset);
        status.via = NODE_STATUS_PASS;
        status.child = node->file;
    }
    *ret_status = status;
    return 0;
}

static int spill_close_co(struct node *node)
{
    struct spill *spill = node->opaque;
    spill_map_free(spill->map);
    intervals_free(spill->empty);
    intervals_free(spill->turns[0].given_up);
    intervals_free(spill->turns[1].given_up);
    return 0;
}

/* Not in the list of drivers: nobody can name it. */
static const struct driver driver_spill = {
    .name = "spill",
    .state_size = sizeof(struct spill),
    .close_co = spill_close_co,
    .preadv_co = spill_preadv_co,
    .pwritev_co = spill_pwritev_co,
    .pwrite_zeroes_co = spill_pwrite_zeroes_co,
    .pdiscard_co = spill_pdiscard_co,
    .truncate_co = spill_truncate_co,
    .length_co = spill_length_co,
    .status_co = spill_status_co,
};

/* ---- opening ---- */

static int make_temporary(void *data)
{
    int *fd = data;
    *fd = tempfile_open();
    return MIN(*fd, 0);
}

static struct node_how how_of_file(const struct node_how *how)
{
    struct node_how file_how = *how;
    file_how.flags = NODE_WRITABLE | NODE_NO_FLUSH | NODE_DISCARD;
    file_how.perm = NODE_PERM_READ | NODE_PERM_WRITE | NODE_PERM_RESIZE;
    file_how.shared = NODE_PERM_ALL;
    file_how.probe = false;
    file_how.depth++;
    return file_how;
}

int spill_open_file_co(const struct node_how *how, struct node **ret_file, GError **error)
{
    int fd;
    int ret = aio_call_co(how->aio, make_temporary, &fd, true);
    if (ret < 0) {
        g_set_error(error, OPTIONS_ERROR, -ret, "Could not create a temporary file for the snapshot in %s: %s", tempfile_folder(), g_strerror(-ret));
        return ret;
    }
    struct node_how file_how = how_of_file(how);
    struct options *options = options_new();
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    options_set(options, "driver", "file");
    options_set(options, "filename", path);
    options_set(options, "locking", "off");
    ret = node_open_co(options, &file_how, ret_file, error);
    close(fd);
    if (ret == 0) {
        g_free((*ret_file)->filename);
        (*ret_file)->filename = g_strdup("temporary snapshot");
    }
    return ret;
}

int spill_open_co(const struct node_how *how, int64_t size, struct node **ret_node, GError **error)
{
    struct node_how spill_how = how_of_file(how);
    struct node *file;
    int ret = spill_open_file_co(&spill_how, &file, error);
    if (ret < 0)
        return ret;
    struct node *node = node_new(&driver_spill, &spill_how);
    struct spill *spill = node->opaque;
    *spill = (struct spill){.map = spill_map_new(), .size = size, .empty = intervals_new()};
    for (unsigned i = 0; i < G_N_ELEMENTS(spill->turns); i++)
        spill->turns[i].given_up = intervals_new();
    node->options = options_new();
    node->zero_flags = BLK_FUA | BLK_MAY_UNMAP;
    node->write_flags = BLK_FUA; /* nothing in it outlives the program */
    node_add_child(node, "file", NODE_ROLE_FILE, file);
    node->size = size;
    *ret_node = node;
    return 0;
}
