/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines end with a nul, in memory and in the file: they may have newlines in them. */
#include "ui/console/record.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

struct record {
    int fd;        /* -1: none */
    int reason;    /* why it takes no more; 0: it does */
    int64_t filed; /* bytes of it that are whole lines */
    uint64_t missing;
    GString *held;
};

struct record *record_new(int fd)
{
    struct record *record = g_new0(struct record, 1);
    record->fd = MAX(fd, -1);
    record->reason = fd < 0 ? -fd : 0;
    record->held = g_string_new(NULL);
    return record;
}

void record_free(struct record *record)
{
    if (record != NULL) {
        if (record->fd >= 0) {
            close(record->fd);
        }
        g_string_free(record->held, TRUE);
        g_free(record);
    }
}

int record_reason(const struct record *record)
{
    return record->reason;
}

/* Into the page cache, for some thousands of lines at once: nothing that a key would wait for. */
static int file_away(struct record *record, const char *text, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = pwrite(record->fd, text + done, len - done, record->filed + (int64_t)done);
        if (n == 0 || (n < 0 && errno != EINTR)) {
            return n < 0 ? -errno : -ENOSPC;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    record->filed += (int64_t)len;
    return 0;
}

static uint64_t count_lines(const char *text, size_t len)
{
    uint64_t lines = 0;
    for (const char *end = text + len; text < end; text += strlen(text) + 1) {
        lines++;
    }
    return lines;
}

/* Bytes of the oldest whole lines, so that at least kept bytes stay; 0: it is all one line. */
static size_t oldest(const struct record *record, size_t kept)
{
    const char *end = memrchr(record->held->str, '\0', record->held->len - kept);
    return end != NULL ? (size_t)(end - record->held->str) + 1 : 0;
}

static void let_go(struct record *record, size_t len)
{
    GString *rest = g_string_new_len(record->held->str + len, (gssize)(record->held->len - len));
    g_string_free(record->held, TRUE);
    record->held = rest;
}

static bool make_room(struct record *record)
{
    if (record->reason == 0 && record->held->len > 2 * RECORD_KEPT) {
        size_t len = oldest(record, RECORD_KEPT);
        record->reason = -file_away(record, record->held->str, len);
        if (record->reason == 0) {
            let_go(record, len);
        }
    }
    bool first = record->missing == 0;
    if (record->reason != 0 && record->held->len > RECORD_HELD_MAX) {
        size_t len = oldest(record, RECORD_HELD_MAX / 2);
        record->missing += count_lines(record->held->str, len);
        let_go(record, len);
    }
    return !first || record->missing == 0;
}

bool record_add(struct record *record, const char *line)
{
    g_string_append_len(record->held, line, (gssize)strlen(line) + 1);
    return make_room(record);
}

void record_take_back(struct record *record)
{
    if (record->held->len > 0) {
        const char *end = memrchr(record->held->str, '\0', record->held->len - 1);
        g_string_truncate(record->held, end != NULL ? (gsize)(end - record->held->str) + 1 : 0);
    }
}

/* ---- all of it ---- */

int record_copy(const struct record *record, struct record_copy *ret_copy)
{
    *ret_copy = (struct record_copy){.fd = -1, .filed = record->filed, .missing = record->missing};
    ret_copy->held = g_string_new_len(record->held->str, (gssize)record->held->len);
    if (record->filed > 0) {
        ret_copy->fd = fcntl(record->fd, F_DUPFD_CLOEXEC, 0);
        return ret_copy->fd < 0 ? -errno : 0;
    }
    return 0;
}

void record_copy_done(struct record_copy *copy)
{
    if (copy->fd >= 0) {
        close(copy->fd);
    }
    g_string_free(copy->held, TRUE);
}

/* Takes the whole lines off the front of text. */
static int take_lines(GString *text, int (*take)(void *data, const char *line), void *data)
{
    size_t at = 0;
    int ret = 0;
    for (const char *end; ret >= 0 && (end = memchr(text->str + at, '\0', text->len - at)) != NULL;) {
        ret = take(data, text->str + at);
        at = (size_t)(end - text->str) + 1;
    }
    g_string_erase(text, 0, (gssize)at);
    return ret;
}

int record_each(const struct record_copy *copy, int (*take)(void *data, const char *line), void *data)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *piece = g_malloc(RECORD_KEPT);
    for (int64_t at = 0; at < copy->filed;) {
        ssize_t n = pread(copy->fd, piece, (size_t)MIN(copy->filed - at, RECORD_KEPT), at);
        if (n == 0 || (n < 0 && errno != EINTR)) {
            return n < 0 ? -errno : -EIO;
        }
        g_string_append_len(text, piece, MAX(n, 0));
        at += MAX(n, 0);
        int ret = take_lines(text, take, data);
        if (ret < 0) {
            return ret;
        }
    }
    int ret = copy->missing > 0 ? take(data, NULL) : 0;
    return ret < 0 ? ret : take_lines(copy->held, take, data);
}
