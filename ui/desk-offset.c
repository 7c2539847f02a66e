/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Offsets as people type them: numbers, from the cursor on, in per cent, in sectors and clusters. */
#include <inttypes.h>
#include <string.h>

#include "engine/session.h"
#include "ui/desk-private.h"
#include "util/checked.h"
#include "util/size.h"

/* Where a relative offset starts: at the focused panel's cursor, else at that of the first panel that has one. */
static int64_t cursor_offset(const struct desk *desk)
{
    for (int i = -1; i < LAYOUT_PANELS; i++) {
        struct panel *panel = i < 0 ? desk_focused(desk) : desk->panels[i];
        int64_t offset = panel->ops->position != NULL ? panel->ops->position(panel) : -1;
        if (offset >= 0) {
            return offset;
        }
    }
    return 0;
}

static bool parse_percent(const char *text, int64_t size, int64_t *ret_offset)
{
    char *end;
    double percent = g_ascii_strtod(text, &end);
    if (!g_ascii_isdigit(text[0]) || strcmp(end, "%") != 0 || !(percent <= 100)) {
        return false;
    }
    *ret_offset = MIN((int64_t)((double)size * (percent / 100)), size - 1);
    return true;
}

/* Bytes that "s:5" and "c:5" count; 0: it is neither. */
static int64_t unit_of(const struct desk *desk, const char *text)
{
    enum { SECTOR = 512 };
    if (text[0] == '\0' || text[1] != ':') {
        return 0;
    }
    return text[0] == 's' ? SECTOR : text[0] == 'c' ? MAX(desk->title.cluster_size, 0) : 0;
}

int64_t desk_parse_offset(const struct desk *desk, const char *text, char **ret_why)
{
    if (desk_why_empty(desk) != NULL) {
        *ret_why = g_strdup(desk_why_empty(desk));
        return -1;
    }
    int64_t size = blk_length(session_blk(desk->session)), offset = 0, number = 0;
    bool good;
    int64_t unit = unit_of(desk, text);
    if (unit > 0) { /* the number of a sector or a cluster */
        good = size_parse(text + 2, &number) == 0 && checked_mul(number, unit, &offset);
    } else if (strcmp(text, "$") == 0) {
        offset = size - 1;
        good = true;
    } else if (g_str_has_suffix(text, "%")) {
        good = parse_percent(text, size, &offset);
    } else if (text[0] == '+' || text[0] == '-') {
        good = size_parse(text + 1, &number) == 0;
        int64_t from = cursor_offset(desk);
        good = good && (text[0] == '+' ? checked_add(from, number, &offset) : checked_sub(from, number, &offset));
    } else {
        good = size_parse(text, &offset) == 0;
    }
    if (!good && text[0] == 'c' && text[1] == ':' && desk->title.cluster_size <= 0) {
        *ret_why = g_strdup_printf("'%s': this image has no clusters; s:N is the sector of that number", text);
        return -1;
    }
    if (!good) {
        *ret_why = g_strdup_printf("'%s' is no offset: type a number (64k, 0x1000), +N, -N, N%%, $, s:N or c:N", text);
        return -1;
    }
    if (offset < 0 || offset >= size) {
        *ret_why =
            g_strdup_printf("%s%#" PRIx64 " is outside the image, which ends at %#" PRIx64, offset < 0 ? "-" : "",
                            offset < 0 ? -(uint64_t)offset : (uint64_t)offset, (uint64_t)size);
        return -1;
    }
    return offset;
}
