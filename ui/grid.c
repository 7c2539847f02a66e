/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Invariants: a wide character is always followed by its CELL_CONTINUED half; painting over one half blanks the other.
 * Cells of frames remember in their flags which way their lines go, so that frames painted later can join them.
 */
#include "ui/grid.h"

#include <glib.h>
#include <string.h>

#include "ui/text.h"

enum arm {
    ARM_LEFT = 1 << 4, /* in cell.flags */
    ARM_RIGHT = 1 << 5,
    ARM_UP = 1 << 6,
    ARM_DOWN = 1 << 7,
    ARM_ALL = 0xf0,
};

struct grid {
    struct cell *cells;
    int width, height;
    struct grid_traits traits;
    bool cursor;
    int cursor_x, cursor_y;
};

/* What an ASCII terminal shows instead. */
static const struct {
    uint32_t first, last;
    char ascii;
} replacements[] = {
    {0x00a0, 0x00a0, ' '}, {0x00b7, 0x00b7, '.'}, {0x2010, 0x2015, '-'}, {0x2018, 0x2019, '\''}, {0x201c, 0x201d, '"'},
    {0x2022, 0x2022, '*'}, {0x2026, 0x2026, '~'}, {0x2190, 0x2190, '<'}, {0x2191, 0x2191, '^'},  {0x2192, 0x2192, '>'},
    {0x2193, 0x2193, 'v'}, {0x2500, 0x2501, '-'}, {0x2502, 0x2503, '|'}, {0x250c, 0x254b, '+'},  {0x2580, 0x2587, '='},
    {0x2588, 0x2588, '#'}, {0x2589, 0x2590, '|'}, {0x2591, 0x2591, ':'}, {0x2592, 0x2592, '+'},  {0x2593, 0x2593, '%'},
    {0x25a0, 0x25a0, '#'}, {0x25b2, 0x25b2, '^'}, {0x25b6, 0x25b8, '>'}, {0x25bc, 0x25bc, 'v'},  {0x25c0, 0x25c0, '<'},
};

struct grid *grid_new(int width, int height, struct grid_traits traits)
{
    struct grid *grid = g_new0(struct grid, 1);
    grid->traits = traits;
    grid_resize(grid, width, height);
    return grid;
}

void grid_free(struct grid *grid)
{
    if (grid != NULL) {
        g_free(grid->cells);
        g_free(grid);
    }
}

void grid_resize(struct grid *grid, int width, int height)
{
    grid->width = MAX(width, 1);
    grid->height = MAX(height, 1);
    g_free(grid->cells);
    grid->cells = g_new(struct cell, (size_t)grid->width * (size_t)grid->height);
    grid_clear(grid);
}

void grid_clear(struct grid *grid)
{
    for (size_t i = 0; i < (size_t)grid->width * (size_t)grid->height; i++) {
        grid->cells[i] = (struct cell){.ch = ' ', .role = ROLE_TEXT};
    }
    grid->cursor = false;
}

struct grid *grid_copy(const struct grid *grid)
{
    struct grid *copy = g_memdup2(grid, sizeof *grid);
    copy->cells = g_memdup2(grid->cells, (size_t)grid->width * (size_t)grid->height * sizeof *grid->cells);
    return copy;
}

void cell_append(GString *text, const struct cell *cell)
{
    if (cell->flags & CELL_CONTINUED) {
        return;
    }
    g_string_append_unichar(text, cell->ch);
    for (int i = 0; i < CELL_COMBINING_MAX && cell->combining[i] != 0; i++) {
        g_string_append_unichar(text, cell->combining[i]);
    }
}

char *grid_text(const struct grid *grid)
{
    GString *text = g_string_new(NULL);
    for (int y = 0; y < grid->height; y++) {
        for (int x = 0; x < grid->width; x++) {
            cell_append(text, grid_cell(grid, x, y));
        }
        while (text->len > 0 && text->str[text->len - 1] == ' ') {
            g_string_truncate(text, text->len - 1);
        }
        g_string_append_c(text, '\n');
    }
    return g_string_free(text, FALSE);
}

int grid_width(const struct grid *grid)
{
    return grid->width;
}

int grid_height(const struct grid *grid)
{
    return grid->height;
}

static struct cell *cell_at(const struct grid *grid, int x, int y)
{
    return &grid->cells[(size_t)y * (size_t)grid->width + (size_t)x];
}

const struct cell *grid_cell(const struct grid *grid, int x, int y)
{
    return cell_at(grid, x, y);
}

bool grid_cursor(const struct grid *grid, int *ret_x, int *ret_y)
{
    if (!grid->cursor) {
        return false;
    }
    *ret_x = grid->cursor_x;
    *ret_y = grid->cursor_y;
    return true;
}

struct surface surface_of(struct grid *grid)
{
    return (struct surface){.grid = grid, .width = grid->width, .height = grid->height};
}

struct surface surface_part(struct surface surface, int x, int y, int width, int height)
{
    int left = CLAMP(x, 0, surface.width), top = CLAMP(y, 0, surface.height);
    int right = (int)CLAMP((int64_t)x + width, left, surface.width);
    int bottom = (int)CLAMP((int64_t)y + height, top, surface.height);
    return (struct surface){surface.grid, surface.x + left, surface.y + top, right - left, bottom - top};
}

struct grid_traits surface_traits(struct surface surface)
{
    return surface.grid->traits;
}

static bool inside(struct surface surface, int x, int y)
{
    return x >= 0 && y >= 0 && x < surface.width && y < surface.height;
}

static uint32_t to_ascii(uint32_t ch)
{
    for (size_t i = 0; i < G_N_ELEMENTS(replacements); i++) {
        if (ch >= replacements[i].first && ch <= replacements[i].last) {
            return (uint32_t)replacements[i].ascii;
        }
    }
    return '?';
}

/* Writes one cell; whatever wide character it cuts in two loses its other half. */
static void set_cell(struct grid *grid, int x, int y, enum role role, uint32_t ch, unsigned flags)
{
    struct cell *cell = cell_at(grid, x, y);
    if ((cell->flags & CELL_CONTINUED) && x > 0) {
        cell[-1].ch = ' ';
        memset(cell[-1].combining, 0, sizeof cell->combining);
    }
    if (x + 1 < grid->width && (cell[1].flags & CELL_CONTINUED)) {
        cell[1].ch = ' ';
        cell[1].flags = 0;
    }
    *cell = (struct cell){.ch = ch, .role = (uint8_t)role, .flags = (uint8_t)flags};
}

static void put_cell(struct surface surface, int x, int y, enum role role, uint32_t ch)
{
    if (!inside(surface, x, y)) {
        return;
    }
    if (ch >= 0x80 && !surface.grid->traits.utf8) {
        ch = to_ascii(ch);
    }
    set_cell(surface.grid, surface.x + x, surface.y + y, role, ch, 0);
}

static void put_wide(struct surface surface, int x, int y, enum role role, uint32_t ch)
{
    if (!surface.grid->traits.utf8) {
        put_cell(surface, x, y, role, '?');
        put_cell(surface, x + 1, y, role, '?');
    } else if (inside(surface, x, y) && inside(surface, x + 1, y)) {
        set_cell(surface.grid, surface.x + x, surface.y + y, role, ch, 0);
        set_cell(surface.grid, surface.x + x + 1, surface.y + y, role, ' ', 0);
        struct cell *half = cell_at(surface.grid, surface.x + x + 1, surface.y + y);
        half->ch = 0;
        half->flags = CELL_CONTINUED;
    } else {
        put_cell(surface, x, y, role, ' ');
        put_cell(surface, x + 1, y, role, ' ');
    }
}

static void add_mark(struct surface surface, int x, int y, uint32_t mark)
{
    if (!inside(surface, x, y) || !surface.grid->traits.utf8) {
        return;
    }
    struct cell *cell = cell_at(surface.grid, surface.x + x, surface.y + y);
    if ((cell->flags & CELL_CONTINUED) && x > 0) {
        cell--;
    }
    for (int i = 0; i < CELL_COMBINING_MAX; i++) {
        if (cell->combining[i] == 0) {
            cell->combining[i] = mark;
            return;
        }
    }
}

int surface_put_len(struct surface surface, int x, int y, enum role role, const char *text, int len)
{
    struct text_reader reader;
    struct text_item item;
    text_reader_init(&reader, text, len);
    while (text_reader_next(&reader, &item)) {
        if (item.escaped) {
            for (int i = 0; i < item.columns; i++) {
                put_cell(surface, x + i, y, role, (uint8_t)item.escape[i]);
            }
        } else if (item.columns == 0) {
            add_mark(surface, x - 1, y, item.ch);
        } else if (item.columns == 2) {
            put_wide(surface, x, y, role, item.ch);
        } else {
            put_cell(surface, x, y, role, item.ch);
        }
        x += item.columns;
    }
    return x;
}

int surface_put(struct surface surface, int x, int y, enum role role, const char *text)
{
    return surface_put_len(surface, x, y, role, text, -1);
}

int surface_printf(struct surface surface, int x, int y, enum role role, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    return surface_put(surface, x, y, role, text);
}

int surface_put_fit(struct surface surface, int x, int y, int columns, enum role role, const char *text)
{
    if (columns <= 0) {
        return x;
    }
    int used;
    if (text_fit(text, -1, columns, &used) == (int)strlen(text)) {
        return surface_put(surface, x, y, role, text);
    }
    int bytes = text_fit(text, -1, columns - 1, &used);
    surface_put_len(surface, x, y, role, text, bytes);
    put_cell(surface, x + used, y, role, 0x2026);
    return x + used + 1;
}

int surface_put_words(struct surface surface, int x, int y, int columns, int rows, enum role role, const char *text)
{
    for (int row = 1;; row++) {
        int len = text_fit_words(text, MAX(columns, 1));
        if (row >= rows && text[len] != '\0') {
            surface_put_fit(surface, x, y, columns, role, text);
            return y + 1;
        }
        surface_put_len(surface, x, y++, role, text, len);
        text += len;
        text += strspn(text, " ");
        if (*text == '\0') {
            return y;
        }
    }
}

void surface_put_char(struct surface surface, int x, int y, enum role role, uint32_t ch)
{
    put_cell(surface, x, y, role, text_char_columns(ch) == 1 ? ch : '?');
}

void surface_repeat(struct surface surface, int x, int y, int count, enum role role, uint32_t ch)
{
    uint32_t shown = text_char_columns(ch) == 1 ? ch : '?';
    int end = (int)CLAMP((int64_t)x + count, 0, surface.width);
    for (int i = MAX(x, 0); i < end; i++) {
        put_cell(surface, i, y, role, shown);
    }
}

void surface_fill(struct surface surface, enum role role, uint32_t ch)
{
    for (int y = 0; y < surface.height; y++) {
        surface_repeat(surface, 0, y, surface.width, role, ch);
    }
}

void surface_mark(struct surface surface, int x, int y, int count, unsigned flags)
{
    for (int i = x; i < x + count; i++) {
        if (inside(surface, i, y)) {
            cell_at(surface.grid, surface.x + i, surface.y + y)->flags |=
                (uint8_t)(flags & (CELL_SELECTED | CELL_CURSOR));
        }
    }
}

void surface_set_cursor(struct surface surface, int x, int y)
{
    if (inside(surface, x, y)) {
        surface.grid->cursor = true;
        surface.grid->cursor_x = surface.x + x;
        surface.grid->cursor_y = surface.y + y;
    }
}

/* Index: arms >> 4, that is left 1, right 2, up 4, down 8. */
static const uint16_t lines[16] = {
    0x20,   0x2500, 0x2500, 0x2500, 0x2502, 0x2518, 0x2514, 0x2534,
    0x2502, 0x2510, 0x250c, 0x252c, 0x2502, 0x2524, 0x251c, 0x253c,
};

static void put_line(struct surface surface, int x, int y, enum role role, unsigned arms)
{
    if (!inside(surface, x, y)) {
        return;
    }
    unsigned all = arms | (cell_at(surface.grid, surface.x + x, surface.y + y)->flags & ARM_ALL);
    uint32_t ch = lines[all >> 4];
    set_cell(surface.grid, surface.x + x, surface.y + y, role, surface.grid->traits.utf8 ? ch : to_ascii(ch), all);
}

void surface_frame(struct surface surface, enum role frame)
{
    int right = surface.width - 1, bottom = surface.height - 1;
    if (right < 1 || bottom < 1) {
        return;
    }
    for (int x = 1; x < right; x++) {
        put_line(surface, x, 0, frame, ARM_LEFT | ARM_RIGHT);
        put_line(surface, x, bottom, frame, ARM_LEFT | ARM_RIGHT);
    }
    for (int y = 1; y < bottom; y++) {
        put_line(surface, 0, y, frame, ARM_UP | ARM_DOWN);
        put_line(surface, right, y, frame, ARM_UP | ARM_DOWN);
    }
    put_line(surface, 0, 0, frame, ARM_RIGHT | ARM_DOWN);
    put_line(surface, right, 0, frame, ARM_LEFT | ARM_DOWN);
    put_line(surface, 0, bottom, frame, ARM_RIGHT | ARM_UP);
    put_line(surface, right, bottom, frame, ARM_LEFT | ARM_UP);
}

void surface_title(struct surface surface, enum role role, const char *title)
{
    if (surface.width > 6) {
        bool brackets = role == ROLE_TITLE_FOCUS && !surface_traits(surface).colour;
        put_cell(surface, 1, 0, role, brackets ? '[' : ' ');
        int end = surface_put_fit(surface, 2, 0, surface.width - 5, role, title);
        put_cell(surface, end, 0, role, brackets ? ']' : ' ');
    }
}
