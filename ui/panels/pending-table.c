/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/pending-table.h"

#include <inttypes.h>

#include "ui/text.h"
#include "util/size.h"

enum {
    SLOW_AFTER_US = 10 * 1000 * 1000, /* an age without tenths of seconds */
    TEXT_MAX = 64,
    ERROR_COLUMNS = 7,   /* more than that, for what the system says of errors */
    COMMAND_COLUMNS = 30, /* are enough for most commands */
    EVENT_COLUMNS = 17, /* most events' names fit */
};

enum column { ID, OP, OFFSET, SIZE, DONE, AGE, STATE, TAG, EVENT, COMMAND, COLUMNS };

/* Widths do not depend on what changes all the time, so that columns stand still while requests age. */
static const struct {
    const char *heading;
    int width; /* at least */
} columns[COLUMNS] = {
    [ID] = {"#id", 3},    [OP] = {"request", 7}, [OFFSET] = {"offset", 6}, [SIZE] = {"size", 6},
    [DONE] = {"done", 4},  [AGE] = {"age", 6},   [STATE] = {"state", 9}, [TAG] = {"tag", 3},       [EVENT] = {"event", EVENT_COLUMNS},
    [COMMAND] = {"command", 7},
};

static const enum column given_up[] = {COMMAND, EVENT, DONE, ID, AGE, SIZE, OFFSET};

struct table {
    int x[COLUMNS], width[COLUMNS]; /* width 0: left out */
};

bool pending_has_range(enum blk_op op)
{
    return op != BLK_OP_FLUSH;
}

/* ---- cells ---- */

static void age_text(int64_t us, char text[static TEXT_MAX])
{
    int64_t seconds = us / 1000000;

    if (us < 1000) {
        g_snprintf(text, TEXT_MAX, "%" PRId64 " us", us);
    } else if (seconds < 1) {
        g_snprintf(text, TEXT_MAX, "%" PRId64 " ms", us / 1000);
    } else if (us < SLOW_AFTER_US) {
        g_snprintf(text, TEXT_MAX, "%" PRId64 ".%" PRId64 " s", seconds, us / 100000 % 10);
    } else if (seconds < 3600) {
        g_snprintf(text, TEXT_MAX, seconds < 60 ? "%" PRId64 " s" : "%" PRId64 ":%02" PRId64,
                   seconds < 60 ? seconds : seconds / 60, seconds % 60);
    } else {
        g_snprintf(text, TEXT_MAX, "%" PRId64 "h%02" PRId64, seconds / 3600, seconds / 60 % 60);
    }
}

/* The cell's text, in the row or made in text. */
static const char *cell_text(const struct pending_row *row, enum column column, char text[static TEXT_MAX])
{
    char size[SIZE_TEXT_MAX];

    text[0] = '\0';
    switch (column) {
    case ID:
        g_snprintf(text, TEXT_MAX, "#%" PRIu64, row->id);
        break;
    case OP:
        return blk_op_name(row->op);
    case OFFSET:
        if (pending_has_range(row->op)) {
            g_snprintf(text, TEXT_MAX, "0x%" PRIx64, row->offset);
        }
        break;
    case SIZE:
        if (pending_has_range(row->op)) {
            g_snprintf(text, TEXT_MAX, "+%s", size_format_exact(row->bytes, size));
        }
        break;
    case DONE:
        if (row->percent >= 0) {
            g_snprintf(text, TEXT_MAX, "%3d%%", row->percent);
        }
        break;
    case AGE:
        age_text(row->age_us, text);
        break;
    case STATE:
        return row->state;
    case TAG:
        return row->tag ? row->tag : "";
    case EVENT:
        return row->event ? row->event : "";
    case COMMAND:
        return row->issuer ? row->issuer : "";
    case COLUMNS:
        break;
    }
    return text;
}

static enum role cell_role(const struct pending_row *row, enum column column)
{
    return column == STATE || column == TAG || row->role == ROLE_STATE_DONE ? row->role : ROLE_TEXT;
}

/* ---- columns ---- */

static bool is_measured(enum column column)
{
    return column != AGE && column != EVENT && column != STATE && column != DONE;
}

static int columns_needed(const struct table *table, int gap)
{
    int needed = -gap;

    for (int column = 0; column < COLUMNS; column++) {
        needed += table->width[column] > 0 ? table->width[column] + gap : 0;
    }
    return needed;
}

static bool has_tags(const struct pending_row *rows, int count)
{
    bool any = false;

    for (int i = 0; i < count; i++) {
        any = any || rows[i].tag;
    }
    return any;
}

/* There is a column for it as long as any row has some. */
static bool has_percents(const struct pending_row *rows, int count)
{
    bool any = false;

    for (int i = 0; i < count; i++) {
        any = any || rows[i].percent >= 0;
    }
    return any;
}

static struct table lay_out(int room, const struct pending_row *rows, int count)
{
    struct table table;
    char text[TEXT_MAX];
    int x = 0, gap;

    for (int column = 0; column < COLUMNS; column++) {
        table.width[column] = columns[column].width;
        for (int i = 0; i < count && is_measured((enum column)column); i++) {
            table.width[column] =
                MAX(table.width[column], text_columns(cell_text(&rows[i], (enum column)column, text), -1));
        }
    }
    table.width[TAG] = has_tags(rows, count) ? MIN(table.width[TAG], room / 4) : 0;
    table.width[DONE] = has_percents(rows, count) ? columns[DONE].width : 0;
    table.width[COMMAND] = columns[COMMAND].width; /* the last one takes what is left */
    for (size_t i = 0; i < G_N_ELEMENTS(given_up) && columns_needed(&table, 1) > room; i++) {
        table.width[given_up[i]] = 0;
    }
    gap = columns_needed(&table, 2) <= room ? 2 : 1;
    for (int column = 0; column < COLUMNS; column++) {
        table.x[column] = x;
        x += table.width[column] > 0 ? table.width[column] + gap : 0;
    }
    /* What is left over goes to the last one, but on a wide screen some to events: errors are among them. */
    int rest = MAX(0, room - (x - gap)), event = table.width[COMMAND] > 0 ? CLAMP(rest - COMMAND_COLUMNS, 0, ERROR_COLUMNS) : rest;

    if (table.width[EVENT] > 0) {
        table.width[EVENT] += event;
        table.x[COMMAND] += event;
        rest -= event;
    }
    table.width[COMMAND] += table.width[COMMAND] > 0 ? rest : 0;
    return table;
}

void pending_table_draw_detail(struct surface row, const struct pending_row *request)
{
    g_autoptr(GString) text = g_string_new(NULL);

    g_string_append_printf(text, "#%" PRIu64 " %s", request->id, blk_op_name(request->op));
    if (pending_has_range(request->op)) {
        uint64_t first = (uint64_t)request->offset; /* what was refused may end where no offset is any more */

        g_string_append_printf(text, " 0x%" PRIx64 "..0x%" PRIx64, first, first + (uint64_t)MAX(request->bytes, 1) - 1);
    }
    if (request->event) {
        g_string_append_printf(text, " · %s", request->event);
    }
    if (request->issuer) {
        g_string_append_printf(text, " · %s", request->issuer);
    }
    surface_put_fit(row, 0, 0, row.width, ROLE_DIM, text->str);
}

void pending_table_draw(struct surface surface, bool header, const struct pending_row *rows, int count)
{
    struct table table = lay_out(surface.width, rows, count);
    char text[TEXT_MAX];
    int top = header ? 1 : 0;

    if (header) {
        surface_repeat(surface, 0, 0, surface.width, ROLE_HEADER, ' ');
    }
    for (int column = 0; column < COLUMNS; column++) {
        if (table.width[column] == 0) {
            continue;
        }
        if (header) {
            surface_put_fit(surface, table.x[column], 0, table.width[column], ROLE_HEADER, columns[column].heading);
        }
        for (int i = 0; i < count; i++) {
            surface_put_fit(surface, table.x[column], top + i, table.width[column],
                            cell_role(&rows[i], (enum column)column), cell_text(&rows[i], (enum column)column, text));
        }
    }
}
