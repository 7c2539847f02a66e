/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An NBD server on the test's own main context: it shakes hands, collects requests, and answers when and what the test says. */
#pragma once

#include <glib-unix.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "harness.h"

enum { SCRIPT_SIZE = 16 << 20, SCRIPT_MAX = 256 };

struct script_request {
    uint16_t flags, type;
    uint64_t cookie, offset;
    uint32_t length;
};

struct script {
    struct sockaddr_un name;
    char *folder;
    int listener, fd; /* -1: nobody is connected */
    GSource *listening, *reading;
    GByteArray *in;
    bool greeted, serving;
    bool mute;        /* accepts, and says nothing */
    unsigned refuse;  /* so many are hung up on */
    unsigned accepted;
    struct script_request requests[SCRIPT_MAX]; /* since it was emptied */
    unsigned n_requests;
};

/* Waits for room in the socket, the client reading meanwhile. */
static inline void script_put(struct script *script, const void *data, size_t size)
{
    while (size > 0) {
        ssize_t n = send(script->fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0) {
            g_assert_cmpint(errno, ==, EAGAIN);
            co_yield_co();
            continue;
        }
        data = (const char *)data + n;
        size -= n;
    }
}

static inline void script_put_number(struct script *script, uint64_t number, unsigned bytes)
{
    uint64_t big = GUINT64_TO_BE(number);

    script_put(script, (const char *)&big + 8 - bytes, bytes);
}

static inline uint64_t script_number(const uint8_t *at, unsigned bytes)
{
    uint64_t number = 0;

    while (bytes-- > 0)
        number = number << 8 | *at++;
    return number;
}

static inline void script_answer_option(struct script *script, uint32_t option, uint32_t kind, uint32_t length)
{
    script_put_number(script, 0x3e889045565a9, 8);
    script_put_number(script, option, 4);
    script_put_number(script, kind, 4);
    script_put_number(script, length, 4);
}

enum { OPT_GO = 7, OPT_STRUCTURED = 8, REP_ACK = 1, REP_INFO = 3 };

static inline void script_option(struct script *script, uint32_t option)
{
    if (option == OPT_GO) {
        script_answer_option(script, option, REP_INFO, 12);
        script_put_number(script, 0, 2);
        script_put_number(script, SCRIPT_SIZE, 8);
        script_put_number(script, 1 | 4 | 8, 2); /* flags, flush, FUA */
        script_answer_option(script, option, REP_ACK, 0);
        script->serving = true;
    } else {
        script_answer_option(script, option, option == OPT_STRUCTURED ? REP_ACK : 0x80000001, 0);
    }
}

/* One thing of what has come: whether it was complete. */
static inline bool script_take(struct script *script)
{
    const uint8_t *at = script->in->data;
    unsigned have = script->in->len, used;

    if (!script->greeted) {
        used = 4; /* the client's flags */
        script->greeted = have >= used;
    } else if (!script->serving) {
        used = have >= 16 ? 16 + script_number(at + 12, 4) : 16;
        if (have >= used)
            script_option(script, script_number(at + 8, 4));
    } else {
        struct script_request request;

        used = 28;
        if (have < used)
            return false;
        request = (struct script_request){script_number(at + 4, 2), script_number(at + 6, 2), script_number(at + 8, 8), script_number(at + 16, 8),
                                          script_number(at + 24, 4)};
        used += request.type == 1 ? request.length : 0;
        if (have >= used && request.type != 2) { /* NBD_CMD_DISC */
            g_assert_cmpuint(script->n_requests, <, SCRIPT_MAX);
            script->requests[script->n_requests++] = request;
        }
    }
    if (have < used)
        return false;
    g_byte_array_remove_range(script->in, 0, used);
    return script->in->len > 0;
}

static inline void script_hang_up(struct script *script)
{
    if (script->fd < 0)
        return;
    g_source_destroy(script->reading);
    g_clear_pointer(&script->reading, g_source_unref);
    close(script->fd);
    script->fd = -1;
}

static inline gboolean script_on_data(int fd, GIOCondition condition, void *data)
{
    struct script *script = data;
    uint8_t buf[65536];
    ssize_t n = recv(fd, buf, sizeof(buf), 0);

    if (n <= 0) {
        script_hang_up(script);
        return G_SOURCE_REMOVE;
    }
    g_byte_array_append(script->in, buf, n);
    while (script_take(script))
        ;
    return G_SOURCE_CONTINUE;
}

static inline gboolean script_on_client(int fd, GIOCondition condition, void *data)
{
    struct script *script = data;
    int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

    script->accepted++;
    if (script->refuse > 0) {
        script->refuse--;
        close(client);
        return G_SOURCE_CONTINUE;
    }
    script_hang_up(script);
    script->fd = client;
    script->greeted = script->serving = false;
    g_byte_array_set_size(script->in, 0);
    script->reading = g_unix_fd_source_new(client, G_IO_IN);
    g_source_set_callback(script->reading, G_SOURCE_FUNC(script_on_data), script, NULL);
    g_source_attach(script->reading, NULL);
    if (!script->mute) {
        script_put(script, "NBDMAGICIHAVEOPT", 16);
        script_put_number(script, 3, 2);
    }
    return G_SOURCE_CONTINUE;
}

static inline void script_begin(struct script *script)
{
    *script = (struct script){.name.sun_family = AF_UNIX, .fd = -1, .in = g_byte_array_new(), .folder = g_dir_make_tmp("nbd-XXXXXX", NULL)};
    g_snprintf(script->name.sun_path, sizeof(script->name.sun_path), "%s/s", script->folder);
    script->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(bind(script->listener, (struct sockaddr *)&script->name, sizeof(script->name)), ==, 0);
    g_assert_cmpint(listen(script->listener, 8), ==, 0);
    script->listening = g_unix_fd_source_new(script->listener, G_IO_IN);
    g_source_set_callback(script->listening, G_SOURCE_FUNC(script_on_client), script, NULL);
    g_source_attach(script->listening, NULL);
}

static inline void script_end(struct script *script)
{
    script_hang_up(script);
    g_source_destroy(script->listening);
    g_source_unref(script->listening);
    close(script->listener);
    g_byte_array_unref(script->in);
    g_unlink(script->name.sun_path);
    g_rmdir(script->folder);
    g_free(script->folder);
}

/* ---- answers ---- */

static inline void script_chunk(struct script *script, const struct script_request *request, unsigned kind, bool last, uint32_t length)
{
    script_put_number(script, 0x668e33ef, 4);
    script_put_number(script, last, 2);
    script_put_number(script, kind, 2);
    script_put_number(script, request->cookie, 8);
    script_put_number(script, length, 4);
}

/* What is at an offset of this export. */
static inline uint8_t script_byte(uint64_t offset)
{
    return offset / 512 * 7 + offset;
}

static inline void script_data(struct script *script, const struct script_request *request, uint64_t offset, uint32_t length, bool last)
{
    g_autofree uint8_t *data = g_malloc(length);

    for (uint32_t i = 0; i < length; i++)
        data[i] = script_byte(offset + i);
    script_chunk(script, request, 1, last, 8 + length);
    script_put_number(script, offset, 8);
    script_put(script, data, length);
}

static inline void script_good(struct script *script, const struct script_request *request)
{
    if (request->type == 0)
        script_data(script, request, request->offset, request->length, true);
    else
        script_chunk(script, request, 0, true, 0);
}

/* error: of the NBD protocol, which are the kernel's numbers. */
static inline void script_bad(struct script *script, const struct script_request *request, uint32_t error)
{
    script_chunk(script, request, 32769, true, 6);
    script_put_number(script, error, 4);
    script_put_number(script, 0, 2);
}

static inline void script_good_all(struct script *script)
{
    for (unsigned i = 0; i < script->n_requests; i++)
        script_good(script, &script->requests[i]);
    script->n_requests = 0;
}
