/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/display.h"

struct headless {
    struct display base;
    int width, height;
    struct grid *shown; /* NULL before the first frame */
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
    grid_free(headless->shown);
    headless->shown = grid_copy(grid);
    headless->frames++;
}

static struct event headless_read(struct display *display)
{
    return (struct event){EVENT_NONE};
}

static void headless_mouse(struct display *display, bool on)
{
}

static void headless_nothing(struct display *display)
{
}

/* Roles are what it shows, not colours. */
static void headless_dress(struct display *display, const struct theme *theme)
{
}

static bool headless_copy(struct display *display, const char *text, size_t len)
{
    return false;
}

static void headless_free(struct display *display)
{
    grid_free(headless_of(display)->shown);
    g_free(display);
}

static const struct display_ops headless_ops = {
    .name = "headless",
    .size = headless_size,
    .show = headless_show,
    .read = headless_read,
    .fd = -1,
    .mouse = headless_mouse,
    .copy = headless_copy,
    .forget = headless_nothing,
    .leave = headless_nothing,
    .enter = headless_nothing,
    .dress = headless_dress,
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

char *headless_text(struct display *display)
{
    return grid_text(headless_of(display)->shown);
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
    const struct grid *grid = headless_of(display)->shown;
    GString *text = g_string_new(NULL);
    g_autoptr(GString) roles = g_string_new(NULL);
    struct legend legend = {0};
    int cursor_x, cursor_y;
    g_string_append_printf(text, "%dx%d %s %s, cursor ", grid_width(grid), grid_height(grid),
                           display->traits.utf8 ? "utf8" : "ascii", display->traits.colour ? "colour" : "mono");
    if (grid_cursor(grid, &cursor_x, &cursor_y)) {
        g_string_append_printf(text, "at %d,%d\n", cursor_x, cursor_y);
    } else {
        g_string_append(text, "hidden\n");
    }
    for (int y = 0; y < grid_height(grid); y++) {
        g_string_append_c(text, '|');
        g_string_append_c(roles, '|');
        for (int x = 0; x < grid_width(grid); x++) {
            cell_append(text, grid_cell(grid, x, y));
            g_string_append_c(roles, legend_letter(&legend, grid_cell(grid, x, y)));
        }
        g_string_append(text, "|\n");
        g_string_append(roles, "|\n");
    }
    g_string_append_len(text, roles->str, (gssize)roles->len);
    dump_legend(text, &legend);
    return g_string_free(text, FALSE);
}
