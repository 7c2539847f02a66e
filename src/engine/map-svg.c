/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/map-svg.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/report.h"
#include "engine/session-private.h"
#include "io/aio.h"
#include "io/sandbox.h"
#include "io/wholefile.h"
#include "util/safetext.h"
#include "util/size.h"

enum { COLUMNS = 64, ROWS = 48, SQUARE = 12, TOP = 40, LEFT = 12, LEGEND_LINE = 18 };

/* Kinds, and at the end data of a layer below. */
enum { KIND_BACKING = BLK_KIND_COUNT, KINDS };

static const struct {
    const char *colour;
    bool full;
} kinds[KINDS] = {
    [BLK_KIND_DATA] = {"#4c9be8", true},
    [BLK_KIND_ZERO_PLAIN] = {"#b8c2cc", false},
    [BLK_KIND_ZERO_ALLOCATED] = {"#b08fd8", false},
    [BLK_KIND_COMPRESSED] = {"#e8a33d", true},
    [BLK_KIND_UNALLOCATED] = {"#eeeeee", false},
    [BLK_KIND_MISSING] = {"#d62828", false},
    [KIND_BACKING] = {"#5fb3a1", true},
};

static const char *kind_name(unsigned kind)
{
    return kind == KIND_BACKING ? "backing" : blk_kind_name(kind);
}

struct picture {
    int64_t length, span; /* of a square, but the last */
    int64_t done;
    int64_t cells[COLUMNS * ROWS][KINDS];
    int64_t all[KINDS];
};

static int count_extent(void *data, const struct blk_extent *extent)
{
    struct picture *picture = data;
    bool stored = extent->kind == BLK_KIND_DATA || extent->kind == BLK_KIND_COMPRESSED;
    unsigned kind = stored && extent->depth > 0 ? KIND_BACKING : extent->kind;
    int64_t start = extent->start, end = extent->start + extent->length;
    picture->all[kind] += extent->length;
    picture->done = end;
    while (start < end) {
        int64_t cell = start / picture->span, to = MIN(end - start, picture->span - start % picture->span);
        picture->cells[cell][kind] += to;
        start += to;
    }
    return 0;
}

static unsigned dominant(const int64_t bytes[static KINDS])
{
    unsigned best = 0;
    for (unsigned kind = 1; kind < KINDS; kind++)
        best = bytes[kind] > bytes[best] ? kind : best;
    return bytes[BLK_KIND_MISSING] > 0 ? BLK_KIND_MISSING : best;
}

static void append_shares(GString *text, const int64_t bytes[static KINDS])
{
    for (unsigned kind = 0; kind < KINDS; kind++)
        if (bytes[kind] > 0)
            g_string_append_printf(text, ", %s %" PRId64 " bytes", kind_name(kind), bytes[kind]);
}

static void append_square(GString *svg, const struct picture *picture, int64_t index)
{
    const int64_t *bytes = picture->cells[index];
    int64_t start = index * picture->span, end = MIN(picture->length - start, picture->span) + start, full = 0;
    for (unsigned kind = 0; kind < KINDS; kind++)
        full += kinds[kind].full ? bytes[kind] : 0;
    unsigned kind = dominant(bytes);
    int percent = kinds[kind].full || full > 0 ? (int)(35 + (__int128)full * 65 / MAX(1, end - start)) : 100;
    g_string_append_printf(svg, "<rect x=\"%" PRId64 "\" y=\"%" PRId64 "\" width=\"%d\" height=\"%d\" fill=\"%s\" fill-opacity=\"%d%%\"><title>0x%" PRIx64 "..0x%" PRIx64,
                           LEFT + index % COLUMNS * SQUARE, TOP + index / COLUMNS * SQUARE, SQUARE - 1, SQUARE - 1, kinds[kind].colour,
                           percent, start, end - 1);
    append_shares(svg, bytes);
    g_string_append(svg, "</title></rect>\n");
}

static void append_legend(GString *svg, const struct picture *picture, int y)
{
    for (unsigned kind = 0; kind < KINDS; kind++) {
        if (picture->all[kind] == 0)
            continue;
        g_string_append_printf(svg, "<rect x=\"%d\" y=\"%d\" width=\"11\" height=\"11\" fill=\"%s\"/><text x=\"%d\" y=\"%d\">%s %" PRId64 " bytes %.2f%%</text>\n",
                               LEFT, y - 10, kinds[kind].colour, LEFT + 20, y, kind_name(kind), picture->all[kind],
                               (double)picture->all[kind] * 100 / (double)MAX(1, picture->length));
        y += LEGEND_LINE;
    }
}

static GString *draw(const struct picture *picture, const char *name)
{
    GString *svg = g_string_new("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    char size[SIZE_TEXT_MAX], span[SIZE_TEXT_MAX];
    g_autofree char *safe = safetext_escape(name ? name : "image", -1);
    g_autofree char *escaped = g_markup_escape_text(safe, -1);
    int64_t squares = picture->length > 0 ? (picture->length - 1) / picture->span + 1 : 0;
    int rows = (int)((squares + COLUMNS - 1) / COLUMNS), height = TOP + rows * SQUARE + (KINDS + 2) * LEGEND_LINE;
    g_string_append_printf(svg, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"monospace\" font-size=\"12\">\n",
                           2 * LEFT + COLUMNS * SQUARE, height);
    g_string_append_printf(svg, "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n<text x=\"%d\" y=\"24\">%s, %s, %s a square</text>\n", LEFT,
                           escaped, size_format((double)picture->length, size), size_format((double)picture->span, span));
    for (int64_t i = 0; i < squares; i++)
        append_square(svg, picture, i);
    append_legend(svg, picture, TOP + rows * SQUARE + 2 * LEGEND_LINE);
    g_string_append(svg, "</svg>\n");
    return svg;
}

struct saving {
    const char *path;
    const GString *text;
    bool force;
    char **files; /* of the image: never overwritten */
};

static bool is_own_file(const struct saving *saving)
{
    struct stat own, other;
    bool same = false;
    for (char **file = saving->files; *file && !same; file++)
        same = stat(saving->path, &own) == 0 && stat(*file, &other) == 0 && own.st_dev == other.st_dev && own.st_ino == other.st_ino;
    return same;
}

static int save(void *data)
{
    const struct saving *saving = data;
    if (is_own_file(saving))
        return -ETXTBSY;
    struct wholefile file;
    int ret = wholefile_begin(&file, saving->path, saving->force);
    return ret < 0 ? ret : wholefile_end(&file, wholefile_write(&file, saving->text->str, saving->text->len));
}

int map_svg_export_co(const struct command_call *call, const char *path, bool force)
{
    struct blk *blk = call->session->blk;
    g_autofree struct picture *picture = g_new0(struct picture, 1);
    g_autofree char *shown = report_text(call, path);
    picture->length = blk_length(blk);
    picture->span = MAX(512, (picture->length - 1) / (COLUMNS * ROWS) + 1);
    picture->span = (picture->span + 511) / 512 * 512;
    session_show_progress(call, &picture->done, &picture->length);
    int ret = blk_status_bulk_co(blk, 0, picture->length, count_extent, picture);
    session_show_progress(call, NULL, NULL);
    if (ret < 0)
        return ret == -ECANCELED ? ret : report_failure(call, "map", ret);
    g_auto(GStrv) files = blk_files(blk);
    g_autoptr(GString) svg = draw(picture, blk_filename(blk));
    struct saving saving = {path, svg, force, files};
    ret = aio_call_co(call->session->config.aio, save, &saving, false);
    if (ret == -ETXTBSY) {
        report_error(call, "map: '%s' is a file of the image", shown);
    } else if (ret == -EEXIST || (ret == -EROFS && sandbox_is_read_only())) {
        report_error(call, "map: '%s' is there already; %s", shown, sandbox_is_read_only() ? SANDBOX_ADVICE_REPLACE : "--force replaces it");
    } else if (ret < 0) {
        report_error(call, "map: can't write '%s': %s", shown, ret == -EINVAL ? "not a regular file" : g_strerror(-ret));
    } else {
        report_say(call, "%s written", shown);
    }
    return ret;
}
