/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reports as JSON: whatever the names of a file, of its backing file and of its snapshots and bitmaps are, each line is an object that json-glib reads
 *, in UTF-8.  The input is cut at zero bytes: the file's name, the backing file's, a snapshot's ID and name, a line to run.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <glib/gstdio.h>
#include <json-glib/json-glib.h>

#include "engine/session.h"
#include "files.h"
#include "fuzz.h"

enum { CLUSTER = 512, CLUSTERS = 8, NAME_MAX_BYTES = 200, PARTS = 5 };

struct json_sink {
    struct sink base;
    GString *text;
};

static void sink_take(struct sink *sink, enum sink_stream stream, const char *text, size_t len)
{
    if (stream != SINK_ERR)
        g_string_append_len(((struct json_sink *)sink)->text, text, (gssize)len);
}

static const struct sink_ops sink_ops = {.write = sink_take};

static void put(uint8_t *at, uint64_t value, int n)
{
    for (int i = 0; i < n; i++)
        at[i] = (uint8_t)(value >> 8 * (n - 1 - i));
}

static uint16_t put_text(uint8_t *at, const char *text)
{
    size_t n = MIN(strlen(text), NAME_MAX_BYTES);
    memcpy(at, text, n);
    return (uint16_t)n;
}

/* Version 3, clusters of 512 bytes: header, refcount table and block, L1 table, L2 table, one of data, snapshots (docs/interop/qcow2.txt). */
static void make_image(uint8_t image[CLUSTER * CLUSTERS], char *const *parts)
{
    memset(image, 0, CLUSTER * CLUSTERS);
    memcpy(image, "QFI\xfb", 4);
    put(image + 4, 3, 4);
    put(image + 20, 9, 4);
    put(image + 24, 64 * CLUSTER, 8);
    put(image + 36, 1, 4);
    put(image + 40, 3 * CLUSTER, 8);
    put(image + 48, 1 * CLUSTER, 8);
    put(image + 56, 1, 4);
    put(image + 60, 1, 4);
    put(image + 64, 6 * CLUSTER, 8);
    put(image + 96, 4, 4);
    put(image + 100, 104, 4);
    put(image + 8, 112, 8);
    put(image + 16, put_text(image + 112, parts[1]), 4);
    if (!*parts[1])
        put(image + 8, 0, 8);
    put(image + CLUSTER, 2 * CLUSTER, 8);
    for (int i = 0; i < CLUSTERS; i++)
        put(image + 2 * CLUSTER + i * 2, i >= 3 && i <= 5 ? 2 : 1, 2);
    put(image + 3 * CLUSTER, 4 * CLUSTER, 8);
    put(image + 4 * CLUSTER, 5 * CLUSTER, 8);
    uint8_t *snapshot = image + 6 * CLUSTER;
    put(snapshot, 3 * CLUSTER, 8);
    put(snapshot + 8, 1, 4);
    put(snapshot + 36, 16, 4);
    put(snapshot + 48, 64 * CLUSTER, 8);
    uint16_t id = put_text(snapshot + 56, parts[2]), name = put_text(snapshot + 56 + id, parts[3]);
    put(snapshot + 12, id, 2);
    put(snapshot + 14, name, 2);
}

/* ---- what it says ---- */

static void see_member(JsonObject *object, const char *key, JsonNode *value, void *data)
{
    g_assert_true(g_utf8_validate(key, -1, NULL));
    g_assert_true(!JSON_NODE_HOLDS_VALUE(value) || json_node_get_value_type(value) != G_TYPE_STRING ||
                  g_utf8_validate(json_node_get_string(value), -1, NULL));
}

static void check_line(const char *line, bool must_be_object)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    g_autoptr(GError) error = NULL;
    if (!g_utf8_validate(line, -1, NULL) || !json_parser_load_from_data(parser, line, -1, &error))
        g_error("no JSON (%s): %s", error ? error->message : "no UTF-8", line);
    JsonNode *root = json_parser_get_root(parser);
    if (must_be_object && (!root || !JSON_NODE_HOLDS_OBJECT(root)))
        g_error("no object: %s", line);
    if (root && JSON_NODE_HOLDS_OBJECT(root))
        json_object_foreach_member(json_node_get_object(root), see_member, NULL);
}

static void ended(void *data, int ret)
{
    *(bool *)data = true;
}

static void run(struct session *session, const char *line, bool a_document)
{
    struct json_sink sink = {{&sink_ops}, g_string_new(NULL)};
    bool done = false;
    session_run(session, line, &sink.base, 0, ended, &done);
    while (!done)
        fuzz_turn();
    g_auto(GStrv) lines = g_strsplit(sink.text->str, "\n", -1);
    if (a_document && sink.text->len > 0)
        check_line(sink.text->str, false);
    for (char **at = lines; !a_document && *at; at++) {
        if (**at)
            check_line(*at, true);
    }
    g_string_free(sink.text, TRUE);
}

static void run_all(struct session *session, const char *open, const char *const *lines)
{
    run(session, open, false);
    run(session, "map --json", true);
    for (; *lines; lines++)
        run(session, *lines, false);
}

/* A word that names the file; under any name at all. */
static char *link_to(int fd, const char *name)
{
    g_autofree char *safe = g_strndup(name, NAME_MAX_BYTES);
    g_autofree char *file = g_strdup_printf("/proc/self/fd/%d", fd);
    g_strdelimit(safe, "/", '_');
    g_autofree char *path = g_build_filename(fuzz_folder(), *safe && safe[0] != '.' ? safe : "image", NULL);
    g_unlink(path);
    g_assert_cmpint(symlink(file, path), ==, 0);
    return g_steal_pointer(&path);
}

void fuzz_one(const uint8_t *data, size_t size)
{
    uint8_t image[CLUSTER * CLUSTERS];
    char *parts[PARTS];
    const uint8_t *at = data, *end = data + size;
    for (int i = 0; i < PARTS; i++) {
        const uint8_t *zero = at < end ? memchr(at, 0, (size_t)(end - at)) : NULL;
        parts[i] = fuzz_text(at, (size_t)((zero ? zero : end) - at));
        at = zero ? zero + 1 : end;
    }
    make_image(image, parts);
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    g_assert_cmpint(pwrite(fd, image, sizeof image, 0), ==, sizeof image);

    g_autofree char *path = link_to(fd, parts[0]);
    g_autofree char *quoted = g_shell_quote(path);
    struct session_config config = {.prog = "fuzz", .json = true, .refs = BLK_REFS_NONE, .aio = fuzz_aio()};
    struct session *session = session_new(&config);
    g_autofree char *raw = g_strdup_printf("open -U -o driver=raw %s", quoted);
    g_autofree char *qcow2 = g_strdup_printf("open -U -o driver=qcow2 %s", quoted);
    /* Of a raw image those that tell its name: the others say the same of each. */
    static const char *const of_raw[] = {"info", "map", "map --host", "chain", "check", NULL};
    static const char *const of_qcow2[] = {"info", "length", "map", "map --extents", "map --summary", "map --host", "chain", "snapshots", "bitmaps",
                                           "header", "check", "explain 0", "alloc 0 1", "read -v 0 512", "break -l", "read 0 1234567890123", NULL};
    run_all(session, raw, of_raw);
    run(session, "close", false);
    run_all(session, qcow2, of_qcow2);
    /* Any words, where they are refused: after the name of a command that makes nothing. */
    g_autofree char *words = g_shell_quote(parts[4]);
    static const char *const commands[] = {"", "read ", "info ", "chain ", "snapshots ", "bitmaps ", "map ", "explain ", "break ", "help ", "open -r -o driver=null-co,"};
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        g_autofree char *line = g_strconcat(commands[i], *commands[i] ? "" : "no-", words, NULL);
        if (*parts[4] && !g_str_has_prefix(parts[4], "export") && !g_str_has_prefix(parts[4], "--json"))
            run(session, line, false);
    }
    session_free(session);
    while (co_live() > 0)
        fuzz_turn();
    g_unlink(path);
    close(fd);
    for (int i = 0; i < PARTS; i++)
        g_free(parts[i]);
}
