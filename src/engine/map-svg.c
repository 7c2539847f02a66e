/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/map-svg.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "block/inspect.h"
#include "engine/report.h"
#include "engine/session-private.h"
#include "io/aio.h"
#include "io/sandbox.h"
#include "io/wholefile.h"
#include "util/safetext.h"
#include "util/size.h"

enum { COLUMNS = 64, ROWS = 48, SQUARE = 12, TOP = 40, LEFT = 12, DIGIT = 7, LEGEND_LINE = 18 };

enum { SHARES_MAX = MAX((int)BLK_SHARE_COUNT, (int)INSPECT_SHARE_COUNT) };

struct look {
    const char *colour;
    bool full; /* counts as something that is there */
    int rank;  /* above 0: one byte of it decides, the highest of all */
};

static const struct look guest_looks[BLK_SHARE_COUNT] = {
    [BLK_KIND_DATA] = {"#4c9be8", true, 0},
    [BLK_KIND_ZERO_PLAIN] = {"#b8c2cc", false, 0},
    [BLK_KIND_ZERO_ALLOCATED] = {"#b08fd8", false, 0},
    [BLK_KIND_COMPRESSED] = {"#e8a33d", true, 0},
    [BLK_KIND_UNALLOCATED] = {"#eeeeee", false, 0},
    [BLK_KIND_MISSING] = {"#d62828", false, 1},
    [BLK_SHARE_BACKING] = {"#5fb3a1", true, 0},
    [BLK_SHARE_BACKING_2] = {"#3f8c7b", true, 0},
    [BLK_SHARE_BACKING_3] = {"#2b6558", true, 0},
    [BLK_SHARE_BACKING_DEEPER] = {"#1a4039", true, 0},
};

static const struct look host_looks[INSPECT_SHARE_COUNT] = {
    [INSPECT_SHARE_DATA] = {"#4c9be8", true, 0},
    [INSPECT_SHARE_COMPRESSED] = {"#e8a33d", true, 0},
    [INSPECT_SHARE_SNAPSHOT] = {"#5fb3a1", true, 0},
    [INSPECT_SHARE_BITMAP] = {"#b08fd8", true, 0},
    [INSPECT_SHARE_HEADER] = {"#333333", true, 0},
    [INSPECT_SHARE_REFCOUNT] = {"#8a6d3b", true, 0},
    [INSPECT_SHARE_L1] = {"#1f4e8c", true, 0},
    [INSPECT_SHARE_L2] = {"#2f6fb5", true, 0},
    [INSPECT_SHARE_FREE] = {"#eeeeee", false, 0},
    [INSPECT_SHARE_LEAKED] = {"#f2c200", true, 1},
    [INSPECT_SHARE_CORRUPT] = {"#d62828", true, 2},
    [INSPECT_SHARE_ERROR] = {"#7a0000", false, 3},
};

static const char *host_share_name(unsigned share)
{
    return inspect_share_name((enum inspect_share)share);
}

/* An order to look at the image in. */
struct order {
    const struct look *looks;
    unsigned count;
    const char *(*name)(unsigned share);
    const char *of; /* what it is of, behind the size */
};

static const struct order guest_order = {guest_looks, BLK_SHARE_COUNT, blk_share_name, ""};
static const struct order host_order = {host_looks, INSPECT_SHARE_COUNT, host_share_name, " of file"};

struct picture {
    const struct order *order;
    int64_t length, span; /* of a square, but the last */
    int64_t done;
    int64_t cells[COLUMNS * ROWS][SHARES_MAX];
    int64_t all[SHARES_MAX];
};

/* As good to read as on the screen. */
static int64_t span_of(int64_t length)
{
    enum { SECTOR = 512 };
    return length > 0 ? MAX(SECTOR, size_round((length - 1) / (COLUMNS * ROWS) + 1)) : SECTOR;
}

static void count(struct picture *picture, unsigned share, int64_t start, int64_t end)
{
    end = MIN(end, picture->length); /* the last cluster of a file may not be all there */
    picture->done = end;
    picture->all[share] += MAX(0, end - start);
    while (start < end) {
        int64_t cell = start / picture->span, to = MIN(end - start, picture->span - start % picture->span);
        picture->cells[cell][share] += to;
        start += to;
    }
}

static int count_extent(void *data, const struct blk_extent *extent)
{
    count(data, blk_share_of(extent), extent->start, extent->start + extent->length);
    return 0;
}

static int count_host_run(void *data, const struct inspect_host_run *run)
{
    count(data, inspect_share_of(run), run->start, run->start + run->bytes);
    return 0;
}

/* The share there is most of, perhaps only of those that are full; what ranks above others decides. */
static unsigned dominant(const struct order *order, const int64_t bytes[static SHARES_MAX], bool full_only)
{
    unsigned best = 0;
    for (unsigned share = 1; share < order->count; share++) {
        const struct look *look = &order->looks[share], *first = &order->looks[best];
        bool ranks = bytes[share] > 0 && look->rank > (bytes[best] > 0 ? first->rank : 0);
        bool more = bytes[share] > bytes[best] && (bytes[best] == 0 || look->rank >= first->rank);
        if ((ranks || more) && (!full_only || look->full))
            best = share;
    }
    return best;
}

static void append_shares(GString *text, const struct order *order, const int64_t bytes[static SHARES_MAX])
{
    for (unsigned share = 0; share < order->count; share++)
        if (bytes[share] > 0)
            g_string_append_printf(text, ", %s %" PRId64 " bytes", order->name(share), bytes[share]);
}

static void append_rect(GString *svg, int64_t x, int64_t y, int height, const char *colour, int percent)
{
    g_string_append_printf(svg, "<rect x=\"%" PRId64 "\" y=\"%" PRId64 "\" width=\"%d\" height=\"%d\" fill=\"%s\"", x, y, SQUARE - 1, height, colour);
    if (percent < 100)
        g_string_append_printf(svg, " fill-opacity=\"%d%%\"", percent);
    g_string_append(svg, "/>");
}

/* The colour of what most of it is, filled from below as far as it is full; what is worst decides alone. */
static void append_square(GString *svg, const struct picture *picture, int64_t index, int left)
{
    enum { PALE = 35, SIDE = SQUARE - 1 };
    const struct order *order = picture->order;
    const int64_t *bytes = picture->cells[index];
    int64_t start = index * picture->span, end = MIN(picture->length - start, picture->span) + start, full = 0;
    int64_t x = left + index % COLUMNS * SQUARE, y = TOP + index / COLUMNS * SQUARE;
    for (unsigned share = 0; share < order->count; share++)
        full += order->looks[share].full ? bytes[share] : 0;
    const struct look *look = &order->looks[dominant(order, bytes, false)];
    bool partly = full > 0 && full < end - start && look->rank == 0;
    int height = partly ? CLAMP((int)((__int128)full * SIDE / (end - start)), 1, SIDE - 1) : 0;
    g_string_append_printf(svg, "<g><title>0x%" PRIx64 "..0x%" PRIx64, start, end - 1);
    append_shares(svg, order, bytes);
    g_string_append(svg, "</title>");
    append_rect(svg, x, y, SIDE, look->colour, partly && look->full ? PALE : 100);
    if (partly)
        append_rect(svg, x, y + SIDE - height, height, order->looks[dominant(order, bytes, true)].colour, 100);
    g_string_append(svg, "</g>\n");
}

static void append_legend(GString *svg, const struct picture *picture, int y)
{
    char percent[SIZE_TEXT_MAX];
    for (unsigned share = 0; share < picture->order->count; share++) {
        if (picture->all[share] == 0)
            continue;
        append_rect(svg, LEFT, y - 10, SQUARE - 1, picture->order->looks[share].colour, 100);
        g_string_append_printf(svg, "<text x=\"%d\" y=\"%d\">%s %" PRId64 " bytes ", LEFT + 20, y, picture->order->name(share), picture->all[share]);
        g_autofree char *escaped = g_markup_escape_text(size_share(picture->all[share], picture->length, percent), -1);
        g_string_append_printf(svg, "%s</text>\n", escaped);
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
    int rows = (int)((squares + COLUMNS - 1) / COLUMNS), lines = 0, digits = 8;
    for (unsigned share = 0; share < picture->order->count; share++)
        lines += picture->all[share] > 0;
    while (digits < 16 && picture->length - 1 >= INT64_C(1) << (4 * digits))
        digits++;
    int left = LEFT + (digits + 3) * DIGIT;
    g_string_append_printf(svg, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"monospace\" font-size=\"12\">\n",
                           left + COLUMNS * SQUARE + LEFT, TOP + rows * SQUARE + (lines + 2) * LEGEND_LINE);
    g_string_append_printf(svg, "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n<text x=\"%d\" y=\"24\">%s, %s%s, %s a square</text>\n", LEFT,
                           escaped, size_format((double)picture->length, size), picture->order->of, size_format((double)picture->span, span));
    for (int64_t i = 0; i < squares; i++) {
        if (i % COLUMNS == 0)
            g_string_append_printf(svg, "<text x=\"%d\" y=\"%d\" font-size=\"11\" fill=\"#666666\">0x%0*" PRIx64 "</text>\n", LEFT,
                                   TOP + (int)(i / COLUMNS) * SQUARE + SQUARE - 2, digits, (uint64_t)(i * picture->span));
        append_square(svg, picture, i, left);
    }
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

int map_svg_export_co(const struct command_call *call, const char *path, bool host, bool force)
{
    struct blk *blk = call->session->blk;
    g_autofree struct picture *picture = g_new0(struct picture, 1);
    g_autofree char *shown = report_text(call, path);
    picture->order = host ? &host_order : &guest_order;
    picture->length = host ? inspect_host_size(blk) : blk_length(blk);
    if (picture->length < 0) {
        report_error(call, "map: the image's format has no structure of its own, so there is no order of the file; leave --host out");
        return -ENOTSUP;
    }
    picture->span = span_of(picture->length);
    session_show_progress(call, &picture->done, &picture->length);
    int ret = host ? inspect_host_map_co(blk, count_host_run, picture) : blk_status_bulk_co(blk, 0, picture->length, count_extent, picture);
    session_show_progress(call, NULL, NULL);
    if (ret < 0)
        return ret == -ECANCELED ? ret : report_failure(call, "map", ret);
    g_auto(GStrv) files = blk_files(blk, BLK_FILES_ALL);
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
