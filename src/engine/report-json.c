/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/report-json.h"

#include <glib.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "engine/command.h"
#include "engine/report.h"
#include "engine/session.h"
#include "engine/sink.h"
#include "util/jsontext.h"

/* Bytes that are no UTF-8 become U+FFFD: a JSON text can't hold them. */
static void append_string(GString *out, const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    jsontext_append(out, valid);
}

/* Writes the object and frees it. */
static void emit(const struct command_call *call, GString *object)
{
    g_string_append(object, "}\n");
    sink_write(call->sink, SINK_OUT, object->str, object->len);
    g_string_free(object, TRUE);
}

static GString *object(const char *format, ...) __attribute__((format(printf, 1, 2)));

static GString *object(const char *format, ...)
{
    GString *object = g_string_new("{");
    va_list args;
    va_start(args, format);
    g_string_append_vprintf(object, format, args);
    va_end(args);
    return object;
}

void report_json_message(const struct command_call *call, const char *key, const char *text)
{
    GString *out = object("\"%s\": ", key);
    append_string(out, text);
    emit(call, out);
}

struct report_json_member report_json_text(const char *key, const char *text)
{
    return (struct report_json_member){.key = key, .text = text, .literal = text ? NULL : "null"};
}

struct report_json_member report_json_size(const char *key, int64_t size)
{
    return (struct report_json_member){.key = key, .number = (uint64_t)size, .literal = size < 0 ? "null" : NULL};
}

struct report_json_member report_json_flag(const char *key, bool value)
{
    return (struct report_json_member){.key = key, .literal = value ? "true" : "false"};
}

void report_json_members(const struct command_call *call, const struct report_json_member *members, unsigned count)
{
    GString *out = g_string_new("{");
    for (unsigned i = 0; i < count; i++) {
        g_string_append_printf(out, "%s\"%s\": ", i ? ", " : "", members[i].key);
        if (members[i].literal)
            g_string_append(out, members[i].literal);
        else if (members[i].text)
            append_string(out, members[i].text);
        else
            g_string_append_printf(out, "%" PRIu64, members[i].number);
    }
    emit(call, out);
}

void report_json_none(const struct command_call *call, const char *list)
{
    emit(call, object("\"%s\": []", list));
}

void report_json_transfer(const struct command_call *call, const struct report_transfer *transfer)
{
    emit(call, object("\"op\": \"%s\", \"offset\": %" PRId64 ", \"bytes\": %" PRId64 ", \"requested\": %" PRId64
                      ", \"ops\": %d, \"elapsed-ns\": %" PRId64,
                      transfer->done, transfer->offset, transfer->total, transfer->count, transfer->ops,
                      transfer->elapsed_ns));
}

void report_json_dump(const struct command_call *call, int64_t offset, const uint8_t *bytes, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    GString *out = object("\"offset\": %" PRId64 ", \"hex\": \"", offset);
    for (size_t i = 0; i < n; i++) {
        g_string_append_c(out, digits[bytes[i] >> 4]);
        g_string_append_c(out, digits[bytes[i] & 15]);
    }
    g_string_append_c(out, '"');
    emit(call, out);
}

void report_json_length(const struct command_call *call, int64_t length)
{
    emit(call, object("\"length\": %" PRId64, length));
}

/* How deep the i-th key is below headings; its own text begins after as many times four spaces. */
static unsigned depth_of(const GPtrArray *specific, unsigned i)
{
    return i < specific->len ? strspn(specific->pdata[i], " ") / 4 : 0;
}

/* The keys from i on that are at this depth, as an object, or as an array if they are "[0]", "[1]"; the index behind them. */
static unsigned append_specific(GString *out, const GPtrArray *specific, unsigned i, unsigned depth)
{
    bool empty = i >= specific->len || depth_of(specific, i) < depth;
    bool array = empty || ((const char *)specific->pdata[i])[4 * depth] == '[';
    g_string_append_c(out, array ? '[' : '{');
    for (bool first = true; i < specific->len && depth_of(specific, i) >= depth; first = false) {
        const char *key = specific->pdata[i], *value = specific->pdata[i + 1];
        g_string_append(out, first ? "" : ", ");
        if (!array) {
            append_string(out, key + 4 * depth);
            g_string_append(out, ": ");
        }
        i += 2;
        if (value)
            append_string(out, value);
        else
            i = append_specific(out, specific, i, depth + 1);
    }
    g_string_append_c(out, array ? ']' : '}');
    return i;
}

static void append_connection(const struct command_call *call, GString *out)
{
    struct blk_connection connection;
    if (!blk_connection(session_blk(call->session), &connection))
        return;
    g_string_append(out, ", \"connection\": {\"server\": ");
    append_string(out, connection.server);
    g_string_append_printf(out, ", \"connected\": %s, \"stalled-seconds\": %u, \"encrypted\": %s, \"reconnects\": %u}",
                           connection.up ? "true" : "false", connection.stalled_s, connection.encrypted ? "true" : "false",
                           connection.reconnects);
    blk_connection_clear(&connection);
}

void report_json_info(const struct command_call *call, const struct blk_info *info)
{
    GString *out = object("\"format\": ");
    append_string(out, info->format);
    if (info->cluster_size >= 0)
        g_string_append_printf(out, ", \"cluster-size\": %" PRId64 ", \"vm-state-offset\": %" PRId64,
                               info->cluster_size, info->vm_state_offset);
    if (info->specific) {
        g_string_append(out, ", \"format-specific\": ");
        append_specific(out, info->specific, 0, 0);
    }
    append_connection(call, out);
    emit(call, out);
}

void report_json_map_run(const struct command_call *call, int64_t offset, int64_t bytes, bool allocated)
{
    emit(call, object("\"start\": %" PRId64 ", \"length\": %" PRId64 ", \"allocated\": %s", offset, bytes,
                      allocated ? "true" : "false"));
}

void report_json_alloc(const struct command_call *call, int64_t offset, int64_t sum, int64_t count)
{
    emit(call, object("\"offset\": %" PRId64 ", \"allocated\": %" PRId64 ", \"count\": %" PRId64, offset, sum, count));
}

void report_json_extent(const struct command_call *call, const struct blk_extent *extent)
{
    GString *out = object("\"start\": %" PRId64 ", \"length\": %" PRId64 ", \"kind\": \"%s\", \"depth\": %d",
                          extent->start, extent->length, blk_kind_name(extent->kind), extent->depth);
    if (extent->host_offset >= 0)
        g_string_append_printf(out, ", \"offset\": %" PRId64, extent->host_offset);
    if (extent->host) {
        g_string_append(out, ", \"filename\": ");
        append_string(out, extent->host);
    }
    emit(call, out);
}

void report_json_kinds(const struct command_call *call, const int64_t *bytes, int64_t extents, int64_t length)
{
    GString *out = object("\"length\": %" PRId64 ", \"extents\": %" PRId64, length, extents);
    for (unsigned share = 0; share < BLK_SHARE_COUNT; share++) {
        g_autofree char *name = g_strdelimit(g_strdup(blk_share_name(share)), " ", '-');
        g_string_append_printf(out, ", \"%s\": %" PRId64, name, bytes[share]);
    }
    emit(call, out);
}
