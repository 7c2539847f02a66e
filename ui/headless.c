/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "ui/display.h"

struct headless {
    struct display base;
    int width, height;
    struct cell *cells; /* what was shown last; NULL before the first frame */
    int shown_width, shown_height;
    bool cursor;
    int cursor_x, cursor_y;
    unsigned frames;
};

static struct headless *headless_of(struct display *display)
{
    return (struct headless *)display;
}

static void headless_size(struct display *display, int *ret_width, int *ret_height)
{
    *ret_width = headless_of(display)->width;
    *ret_height = headless_of(display)->height;
}

static void headless_show(struct display *display, const struct grid *grid)
{
    struct headless *headless = headless_of(display);
    size_t count = (size_t)grid_width(grid) * (size_t)grid_height(grid);
    g_free(headless->cells);
    headless->cells = g_memdup2(grid_cell(grid, 0, 0), count * sizeof *headless->cells);
    headless->shown_width = grid_width(grid);
    headless->shown_height = grid_height(grid);
    headless->cursor = grid_cursor(grid, &headless->cursor_x, &headless->cursor_y);
    headless->frames++;
}

static keycode headless_read_key(struct display *display)
{
    return KEYCODE_NONE;
}

static void headless_nothing(struct display *display)
{
}

static void headless_free(struct display *display)
{
    g_free(headless_of(display)->cells);
    g_free(display);
}

static const struct display_ops headless_ops = {
    .name = "headless",
    .size = headless_size,
    .show = headless_show,
    .read_key = headless_read_key,
    .fd = -1,
    .leave = headless_nothing,
    .enter = headless_nothing,
    .free = headless_free,
};

struct display *headless_new(int width, int height, struct grid_traits traits)
{
    struct headless *headless = g_new0(struct headless, 1);
    headless->base = (struct display){&headless_ops, traits};
    headless->width = width;
    headless->height = height;
    return &headless->base;
}

void headless_resize(struct display *display, int width, int height)
{
    headless_of(display)->width = width;
    headless_of(display)->height = height;
}

unsigned headless_frames(struct display *display)
{
    return headless_of(display)->frames;
}

static void append_cell(GString *text, const struct cell *cell)
{
    if (cell->flags & CELL_CONTINUED) {
        return;
    }
    g_string_append_unichar(text, cell->ch);
    for (int i = 0; i < CELL_COMBINING_MAX && cell->combining[i] != 0; i++) {
        g_string_append_unichar(text, cell->combining[i]);
    }
}

static const struct cell *shown_cell(const struct headless *headless, int x, int y)
{
    return &headless->cells[(size_t)y * (size_t)headless->shown_width + (size_t)x];
}

char *headless_text(struct display *display)
{
    const struct headless *headless = headless_of(display);
    GString *text = g_string_new(NULL);
    for (int y = 0; y < headless->shown_height; y++) {
        for (int x = 0; x < headless->shown_width; x++) {
            append_cell(text, shown_cell(headless, x, y));
        }
        while (text->len > 0 && text->str[text->len - 1] == ' ') {
            g_string_truncate(text, text->len - 1);
        }
        g_string_append_c(text, '\n');
    }
    return g_string_free(text, FALSE);
}

/* One character for each role; cells with flags get digits as they appear, so that the usual letters never move. */
struct legend {
    bool used[ROLE_COUNT];
    struct {
        uint8_t role, flags;
    } marked[10];
    int marked_count;
};

static char role_letter(int role)
{
    static const char letters[] = ".abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    G_STATIC_ASSERT(ROLE_COUNT < sizeof letters);
    return letters[role];
}

static char legend_letter(struct legend *legend, const struct cell *cell)
{
    uint8_t flags = cell->flags & (CELL_SELECTED | CELL_CURSOR);
    if (flags == 0) {
        legend->used[cell->role] = true;
        return role_letter(cell->role);
    }
    int i = 0;
    while (i < legend->marked_count && (legend->marked[i].role != cell->role || legend->marked[i].flags != flags)) {
        i++;
    }
    if (i == (int)G_N_ELEMENTS(legend->marked)) {
        return '?';
    }
    if (i == legend->marked_count) {
        legend->marked[legend->marked_count].role = cell->role;
        legend->marked[legend->marked_count++].flags = flags;
    }
    return (char)('0' + i);
}

static void dump_legend(GString *text, const struct legend *legend)
{
    for (int role = 0; role < ROLE_COUNT; role++) {
        if (legend->used[role]) {
            g_string_append_printf(text, "%c %s\n", role_letter(role), role_name(role));
        }
    }
    for (int i = 0; i < legend->marked_count; i++) {
        g_string_append_printf(text, "%d %s%s%s\n", i, role_name(legend->marked[i].role),
                               legend->marked[i].flags & CELL_SELECTED ? " selected" : "",
                               legend->marked[i].flags & CELL_CURSOR ? " cursor" : "");
    }
}

char *headless_dump(struct display *display)
{
    const struct headless *headless = headless_of(display);
    GString *text = g_string_new(NULL);
    GString *roles = g_string_new(NULL);
    struct legend legend = {0};
    g_string_append_printf(text, "%dx%d %s %s, cursor ", headless->shown_width, headless->shown_height,
                           display->traits.utf8 ? "utf8" : "ascii", display->traits.colour ? "colour" : "mono");
    if (headless->cursor) {
        g_string_append_printf(text, "at %d,%d\n", headless->cursor_x, headless->cursor_y);
    } else {
        g_string_append(text, "hidden\n");
    }
    for (int y = 0; y < headless->shown_height; y++) {
        g_string_append_c(text, '|');
        g_string_append_c(roles, '|');
        for (int x = 0; x < headless->shown_width; x++) {
            append_cell(text, shown_cell(headless, x, y));
            g_string_append_c(roles, legend_letter(&legend, shown_cell(headless, x, y)));
        }
        g_string_append(text, "|\n");
        g_string_append(roles, "|\n");
    }
    g_string_append_len(text, roles->str, (gssize)roles->len);
    g_string_free(roles, TRUE);
    dump_legend(text, &legend);
    return g_string_free(text, FALSE);
}
