/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Without printf() and in large pieces: an image may have millions of extents. */
#include "engine/map-json.h"

#include <glib.h>
#include <string.h>

#include "block/blk.h"
#include "engine/session-private.h"
#include "util/decimal.h"

enum {
    ROOM = 256 << 10,
    RECORD_MAX = 256, /* bytes that one extent takes at most */
};

struct writer {
    struct sink *sink;
    size_t used;
    int64_t extents;
    int64_t *done;
    char text[ROOM];
};

#define PUT(at, literal) ((char *)memcpy(at, literal, sizeof(literal) - 1) + sizeof(literal) - 1)

static void flush(struct writer *writer)
{
    sink_write(writer->sink, SINK_OUT, writer->text, writer->used);
    writer->used = 0;
}

/* What an extent is: present, zero and data. */
static char *put_kind(char *at, const struct blk_extent *extent)
{
    switch (extent->kind) {
    case BLK_KIND_DATA:
        if (extent->hole)
            return PUT(at, ", \"present\": true, \"zero\": true, \"data\": true");
        return PUT(at, ", \"present\": true, \"zero\": false, \"data\": true");
    case BLK_KIND_COMPRESSED:
        return PUT(at, ", \"present\": true, \"zero\": false, \"data\": true");
    case BLK_KIND_ZERO_PLAIN:
    case BLK_KIND_ZERO_ALLOCATED:
        return PUT(at, ", \"present\": true, \"zero\": true, \"data\": false");
    case BLK_KIND_UNALLOCATED:
        return PUT(at, ", \"present\": false, \"zero\": true, \"data\": false");
    default:
        /* What it reads as is not known. */
        return PUT(at, ", \"present\": false, \"zero\": false, \"data\": false");
    }
}

static int put_extent(void *data, const struct blk_extent *extent)
{
    struct writer *writer = data;
    *writer->done = extent->start;
    if (writer->used > ROOM - RECORD_MAX)
        flush(writer);
    char *at = writer->text + writer->used;
    at = writer->extents++ ? PUT(at, ",\n{ \"start\": ") : PUT(at, "[{ \"start\": ");
    at = decimal_put(at, extent->start);
    at = decimal_put(PUT(at, ", \"length\": "), extent->length);
    at = decimal_put(PUT(at, ", \"depth\": "), extent->depth);
    at = put_kind(at, extent);
    if (extent->host_offset >= 0)
        at = decimal_put(PUT(at, ", \"offset\": "), extent->host_offset);
    *at++ = '}';
    writer->used = at - writer->text;
    return 0;
}

int map_json_co(const struct command_call *call, int64_t length, int64_t *done)
{
    g_autofree struct writer *writer = g_new(struct writer, 1);
    writer->sink = call->sink;
    writer->used = writer->extents = 0;
    writer->done = done;
    int ret = blk_map_co(call->session->blk, 0, length, put_extent, writer);
    /* The reference program speaks of an empty image, too. */
    if (ret == 0 && !writer->extents)
        put_extent(writer, &(struct blk_extent){.kind = BLK_KIND_MISSING, .host_offset = -1});
    if (ret == 0)
        writer->text[writer->used++] = ']';
    if (writer->extents)
        writer->text[writer->used++] = '\n';
    flush(writer);
    return ret;
}
