/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/report.h"

#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "engine/report-json.h"
#include "engine/session.h"
#include "engine/sink.h"
#include "io/co.h"
#include "util/checked.h"
#include "util/hexrow.h"
#include "util/pattern.h"
#include "util/safetext.h"
#include "util/size.h"

enum {
    SECTOR = 512,
    TEXT_MAX = 8 << 10, /* bytes of a text from outside that a message repeats: twice the longest path */
    DUMP_CHUNK = 16 << 10, /* bytes whose rows are formatted at once */
};

static bool old_dialect(const struct command_call *call)
{
    return session_config(call->session)->dialect == SESSION_DIALECT_2_4;
}

bool report_as_json(const struct command_call *call)
{
    return session_config(call->session)->json;
}

/* ---- lines of text ---- */

G_GNUC_PRINTF(4, 0)
static void write_line(const struct command_call *call, enum sink_stream stream, const char *before, const char *format,
                       va_list args)
{
    g_autofree char *text = g_strdup_vprintf(format, args);
    /* Under our own name the order of lines is that in which they were said; the reference keeps stdout back. */
    if (stream == SINK_ERR && !session_config(call->session)->drop_in)
        sink_mark(call->sink);
    sink_printf(call->sink, stream, "%s%s\n", before, text);
}

G_GNUC_PRINTF(3, 0)
static void say(const struct command_call *call, enum sink_stream stream, const char *format, va_list args)
{
    if (report_as_json(call)) {
        g_autofree char *text = g_strdup_vprintf(format, args);
        report_json_message(call, stream == SINK_FAILURE ? "error" : "message", text);
    } else {
        write_line(call, stream, "", format, args);
    }
}

void report_say(const struct command_call *call, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(call, SINK_OUT, format, args);
    va_end(args);
}

void report_refuse(const struct command_call *call, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(call, SINK_FAILURE, format, args);
    va_end(args);
}

/* On stderr for a person, and where a program reads stdout, there as well. */
G_GNUC_PRINTF(3, 0)
static void complain(const struct command_call *call, const char *before, const char *format, va_list args)
{
    if (report_as_json(call)) {
        va_list again;
        va_copy(again, args);
        say(call, SINK_FAILURE, format, again);
        va_end(again);
        if (sink_is_joined(call->sink))
            return;
    }
    write_line(call, SINK_ERR, before, format, args);
}

void report_complain(const struct command_call *call, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    complain(call, "", format, args);
    va_end(args);
}

void report_error(const struct command_call *call, const char *format, ...)
{
    g_autofree char *before = g_strdup_printf("%s: ", session_config(call->session)->prog);
    va_list args;
    va_start(args, format);
    complain(call, before, format, args);
    va_end(args);
}

void report_warn(const struct command_call *call, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    write_line(call, SINK_ERR, "", format, args);
    va_end(args);
}

void report_hint(const struct command_call *call, const char *format, ...)
{
    const struct session_config *config = session_config(call->session);
    if (config->drop_in || config->json)
        return;
    va_list args;
    va_start(args, format);
    write_line(call, SINK_ERR, "  ", format, args);
    va_end(args);
}

int report_failure(const struct command_call *call, const char *what, int ret)
{
    report_refuse(call, "%s failed: %s", what, g_strerror(-ret));
    return ret;
}

int report_range_failure(const struct command_call *call, const char *what, int ret, int64_t offset, int64_t bytes)
{
    const struct blk *blk = session_blk(call->session);
    int64_t length = blk ? blk_length(blk) : -1;
    if (session_config(call->session)->drop_in || old_dialect(call) || ret != -EIO || length < 0 || checked_range(offset, bytes, length))
        return report_failure(call, what, ret);
    report_refuse(call, "%s failed: the range ends at %" PRIu64 ", beyond the image's %" PRId64 " bytes", what, (uint64_t)offset + (uint64_t)bytes,
                  length);
    return ret;
}

char *report_text(const struct command_call *call, const char *text)
{
    if (session_config(call->session)->drop_in)
        return g_strdup(text);
    size_t len = strlen(text);
    g_autofree char *start = safetext_escape(text, MIN(len, TEXT_MAX));
    return len > TEXT_MAX ? g_strconcat(start, "...", NULL) : g_steal_pointer(&start);
}

char *report_lines(const struct command_call *call, const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        g_autofree char *raw = *line;
        *line = report_text(call, raw);
    }
    return g_strjoinv("\n", lines);
}

/* ---- numbers ---- */

/* 0x10k is accepted, but who wrote it may have meant something else. */
static void warn_of_hex_suffix(const struct command_call *call, const char *text)
{
    if (!old_dialect(call) && !g_ascii_isxdigit(text[strlen(text) - 1]))
        report_warn(call, "%s: warning: Using a multiplier suffix on hex numbers is deprecated: %s", session_config(call->session)->prog, text);
}

int report_parse_size(const struct command_call *call, const char *what, const char *text, int64_t *ret_value)
{
    int ret = size_parse(text, ret_value);
    if (!ret) {
        if (text[0] == '0' && (text[1] | 0x20) == 'x')
            warn_of_hex_suffix(call, text);
        return 0;
    }
    g_autofree char *shown = report_text(call, text);
    if (old_dialect(call))
        report_refuse(call, "non-numeric %s argument -- %s", what, shown);
    else if (ret == -ERANGE)
        report_refuse(call, "Parsing error: argument too large -- %s", shown);
    else
        report_refuse(call, "Parsing error: non-numeric argument, or extraneous/unrecognized suffix -- %s", shown);
    return ret;
}

int report_parse_pattern(const struct command_call *call, const char *text, int *ret_pattern)
{
    int ret = pattern_parse(text);
    if (ret < 0) {
        g_autofree char *shown = report_text(call, text);
        report_refuse(call, "%s is not a valid pattern byte", shown);
        return ret;
    }
    *ret_pattern = ret;
    return 0;
}

int report_check_sector(const struct command_call *call, const char *what, int64_t value)
{
    if (!old_dialect(call) || value % SECTOR == 0)
        return 0;
    report_refuse(call, "%s %" PRId64 " is not sector aligned", what, value);
    return -EINVAL;
}

/* ---- transfers ---- */

static double per_second(double amount, int64_t elapsed_ns)
{
    return amount * 1e9 / MAX(elapsed_ns, 1);
}

static void format_time(char *buf, size_t n, int64_t elapsed_ns, bool full, bool old)
{
    int64_t us = elapsed_ns / 1000;
    unsigned seconds = us / G_USEC_PER_SEC, rest_us = us % G_USEC_PER_SEC;
    if (seconds || full) {
        unsigned hours = seconds / 3600, minutes = seconds / 60 % 60;
        if (old)
            g_snprintf(buf, n, "%u:%02u:%02u.%02u", hours, minutes, seconds % 60, rest_us / 10000);
        else
            g_snprintf(buf, n, "%u:%02u:%05.2f", hours, minutes, seconds % 60 + rest_us / 1e6);
    } else if (old) {
        g_snprintf(buf, n, "0.%04u sec", rest_us / 100);
    } else {
        g_snprintf(buf, n, "%05.2f sec", rest_us / 1e6);
    }
}

void report_transfer(const struct command_call *call, const struct report_transfer *transfer)
{
    if (report_as_json(call)) {
        report_json_transfer(call, transfer);
        return;
    }
    char time[64];
    int64_t elapsed = transfer->elapsed_ns;
    format_time(time, sizeof(time), elapsed, transfer->machine, old_dialect(call));
    double rate = per_second(transfer->total, elapsed), ops_rate = per_second(transfer->ops, elapsed);
    if (transfer->machine) {
        sink_printf(call->sink, SINK_OUT, "%" PRId64 ",%d,%s,%.3f,%.3f\n", transfer->total, transfer->ops, time, rate,
                    ops_rate);
        return;
    }
    char size[SIZE_TEXT_MAX], rate_text[SIZE_TEXT_MAX];
    sink_printf(call->sink, SINK_OUT,
                "%s %" PRId64 "/%" PRId64 " bytes at offset %" PRId64 "\n%s, %d ops; %s (%s/sec and %.4f ops/sec)\n",
                transfer->done, transfer->total, transfer->count, transfer->offset,
                size_format(transfer->total, size), transfer->ops, time, size_format(rate, rate_text), ops_rate);
}

void report_mismatch(const struct command_call *call, int64_t offset, int64_t bytes)
{
    report_refuse(call, "Pattern verification failed at offset %" PRId64 ", %" PRId64 " bytes", offset, bytes);
}

int report_dump_co(const struct command_call *call, int64_t offset, const uint8_t *bytes, size_t n, int64_t *done)
{
    bool as_json = report_as_json(call);
    size_t chunk = as_json ? REPORT_JSON_DUMP_MAX : DUMP_CHUNK;
    g_autofree char *text = as_json ? NULL : g_malloc(hexrow_text_size(MIN(n, DUMP_CHUNK)));
    for (size_t at = 0; at < n; at += chunk) {
        size_t part = MIN(n - at, chunk);
        if (as_json)
            report_json_dump(call, offset + (int64_t)at, bytes + at, part);
        else
            sink_write(call->sink, SINK_OUT, text, hexrow_format(text, offset + at, bytes + at, part));
        *done = at + part;
        if (call->sink->ops->live)
            co_relax_co();
        if (co_cancelled())
            return -ECANCELED;
    }
    return 0;
}

/* ---- the image ---- */

void report_length(const struct command_call *call, int64_t length)
{
    char size[SIZE_TEXT_MAX];
    if (report_as_json(call))
        report_json_length(call, length);
    else
        sink_printf(call->sink, SINK_OUT, "%s\n", size_format(length, size));
}

static const char *const protocols[] = {"blkdebug", "blkverify", "file", "ftp",  "ftps", "gluster",  "host_cdrom", "host_device", "http", "https",
                                        "iscsi",    "iser",      "nbd",  "nfs",  "nvme", "null-aio", "null-co",    "rbd",         "ssh",  NULL};

/* What the reference program says in the second place; NULL: nothing. */
static const char *protocol_name(const char *format)
{
    return g_str_equal(format, "vvfat") ? "fat" : g_strv_contains(protocols, format) ? format : NULL;
}

/* Not where the reference program's words are expected. */
static void report_connection(const struct command_call *call)
{
    struct blk_connection connection;
    if (session_config(call->session)->drop_in || !blk_connection(session_blk(call->session), &connection))
        return;
    g_autofree char *server = report_text(call, connection.server);
    g_autofree char *why = connection.why ? report_text(call, connection.why) : NULL;
    g_autofree char *stalled = connection.stalled_s ? g_strdup_printf("connected, no answer for %u seconds", connection.stalled_s) : NULL;
    sink_printf(call->sink, SINK_OUT, "Connection:\n    server: %s\n    state: %s%s%s\n    encrypted: %s\n    reconnects: %u\n", server,
                stalled ? stalled : connection.up ? "connected" : connection.trying ? "lost, trying again" : "lost", why ? ": " : "",
                why ? why : "", connection.encrypted ? "yes" : "no", connection.reconnects);
    blk_connection_clear(&connection);
}

static void report_format(const struct command_call *call, const struct blk_info *info)
{
    char cluster[SIZE_TEXT_MAX], vm_state[SIZE_TEXT_MAX];
    sink_printf(call->sink, SINK_OUT, "format name: %s\n", info->format);
    /* The reference program says it once for the format and once for the protocol. */
    if (session_config(call->session)->drop_in && protocol_name(info->format))
        sink_printf(call->sink, SINK_OUT, "format name: %s\n", protocol_name(info->format));
    if (info->cluster_size < 0)
        return;
    sink_printf(call->sink, SINK_OUT, "cluster size: %s\nvm state offset: %s\n",
                size_format(info->cluster_size, cluster), size_format(info->vm_state_offset, vm_state));
    if (!info->specific)
        return;
    sink_printf(call->sink, SINK_OUT, "Format specific information:\n");
    for (unsigned i = 0; i + 1 < info->specific->len; i += 2) {
        g_autofree char *key = report_text(call, info->specific->pdata[i]);
        const char *text = info->specific->pdata[i + 1];
        g_autofree char *value = text ? report_text(call, text) : NULL;
        sink_printf(call->sink, SINK_OUT, value ? "    %s: %s\n" : "    %s:\n", key, value);
    }
}

void report_info(const struct command_call *call, const struct blk_info *info)
{
    if (report_as_json(call)) {
        report_json_info(call, info);
        return;
    }
    report_format(call, info);
    report_connection(call);
}

static char *put(char *at, const char *text)
{
    size_t n = strlen(text);
    memcpy(at, text, n);
    return at + n;
}

static char *put_hex(char *at, uint64_t value)
{
    unsigned digits = value ? (63 - __builtin_clzll(value)) / 4 + 1 : 1;
    for (unsigned i = digits; i-- > 0; value >>= 4)
        at[i] = "0123456789abcdef"[value & 15];
    return at + digits;
}

/* Without printf(): an image may have millions of runs. */
static void write_map_run(const struct command_call *call, const char *size, uint64_t bytes, bool allocated, const char *place,
                          uint64_t offset)
{
    char line[2 * SIZE_TEXT_MAX + 128], *at = line;
    at = put_hex(put(put(at, size), " (0x"), bytes);
    at = put(at, allocated ? ") bytes     allocated at offset " : ") bytes not allocated at offset ");
    at = put_hex(put(put(at, place), " (0x"), offset);
    at = put(at, ")\n");
    sink_write(call->sink, SINK_OUT, line, at - line);
}

void report_map_run(const struct command_call *call, int64_t offset, int64_t bytes, int64_t left, bool allocated)
{
    char size[SIZE_TEXT_MAX], place[SIZE_TEXT_MAX];
    size_format(offset, place);
    if (report_as_json(call))
        report_json_map_run(call, offset, bytes, allocated);
    else if (old_dialect(call))
        sink_printf(call->sink, SINK_OUT, "[%24" PRId64 "] %8" PRId64 "/%8" PRId64 " sectors %s at offset %s (%d)\n",
                    offset, bytes / SECTOR, left / SECTOR, allocated ? "    allocated" : "not allocated", place,
                    allocated);
    else
        write_map_run(call, size_format(bytes, size), bytes, allocated, place, offset);
}

void report_alloc(const struct command_call *call, int64_t offset, int64_t sum, int64_t count)
{
    char place[SIZE_TEXT_MAX];
    if (report_as_json(call)) {
        report_json_alloc(call, offset, sum, count);
        return;
    }
    int unit = old_dialect(call) ? SECTOR : 1;
    sink_printf(call->sink, SINK_OUT, "%" PRId64 "/%" PRId64 " %s allocated at offset %s\n", sum / unit, count / unit,
                unit == 1 ? "bytes" : "sectors", size_format(offset, place));
}

static const char *const kind_names[BLK_KIND_COUNT] = {
    [BLK_KIND_DATA] = "data",
    [BLK_KIND_ZERO_PLAIN] = "zero",
    [BLK_KIND_ZERO_ALLOCATED] = "zero, allocated",
    [BLK_KIND_COMPRESSED] = "compressed",
    [BLK_KIND_UNALLOCATED] = "unallocated",
    [BLK_KIND_MISSING] = "missing",
};

void report_extent(const struct command_call *call, const struct blk_extent *extent)
{
    if (report_as_json(call)) {
        report_json_extent(call, extent);
        return;
    }
    GString *line = g_string_new(NULL);
    char size[SIZE_TEXT_MAX];
    g_string_printf(line, "0x%010" PRIx64 " +0x%" PRIx64 " (%s)  %s", extent->start, extent->length,
                    size_format(extent->length, size), kind_names[extent->kind]);
    if (extent->depth)
        g_string_append_printf(line, ", layer %d", extent->depth);
    if (extent->host_offset >= 0)
        g_string_append_printf(line, "  host 0x%" PRIx64, extent->host_offset);
    if (extent->host) {
        g_autofree char *host = report_text(call, extent->host);
        g_string_append_printf(line, " in %s", host);
    }
    g_string_append_c(line, '\n');
    sink_write(call->sink, SINK_OUT, line->str, line->len);
    g_string_free(line, TRUE);
}

void report_kinds(const struct command_call *call, const int64_t bytes[BLK_SHARE_COUNT], int64_t extents, int64_t length)
{
    if (report_as_json(call)) {
        report_json_kinds(call, bytes, extents, length);
        return;
    }
    char size[SIZE_TEXT_MAX], share[SIZE_TEXT_MAX];
    for (unsigned i = 0; i < BLK_SHARE_COUNT; i++) {
        if (bytes[i])
            sink_printf(call->sink, SINK_OUT, "%-16s %7s  %s\n", i < BLK_KIND_COUNT ? kind_names[i] : blk_share_name(i),
                        size_share(bytes[i], length, share), size_format_exact(bytes[i], size));
    }
    sink_printf(call->sink, SINK_OUT, "%" PRId64 " extents in %s\n", extents, size_format_exact(length, size));
}

/* ---- usage ---- */

void report_usage(const struct command_call *call, const struct command *command, const char *name)
{
    const char *args = command_args(command, session_config(call->session)->drop_in);
    if (report_as_json(call)) {
        struct report_json_member members[] = {report_json_text("command", command->name), report_json_text("alias", command->alias),
                                               report_json_text("arguments", args), report_json_text("summary", command->summary)};
        report_json_members(call, members, G_N_ELEMENTS(members));
        return;
    }
    GString *line = g_string_new(NULL);
    if (name) {
        g_autofree char *shown = report_text(call, name);
        g_string_append(line, shown);
    } else {
        g_string_append(line, command->name);
        if (command->alias)
            g_string_append_printf(line, " (or %s)", command->alias);
    }
    if (args)
        g_string_append_printf(line, " %s", args);
    report_say(call, "%s -- %s", line->str, command->summary);
    g_string_free(line, TRUE);
}
