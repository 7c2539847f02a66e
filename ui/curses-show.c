/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a terminal shows.  Cells that are as they were last shown are not even told to curses, which in turn sends only what differs on the
 * terminal.
 */
#include "ui/curses-private.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "io/fd.h"

/* ---- looks ---- */

static attr_t attributes_of(const struct style *style)
{
    attr_t attributes = A_NORMAL;
    attributes |= style->attributes & STYLE_BOLD ? A_BOLD : 0;
    attributes |= style->attributes & STYLE_DIM ? A_DIM : 0;
    attributes |= style->attributes & STYLE_UNDERLINE ? A_UNDERLINE : 0;
    attributes |= style->attributes & STYLE_REVERSE ? A_REVERSE : 0;
    attributes |= style->attributes & STYLE_ITALIC ? A_ITALIC : 0;
    return attributes;
}

void curses_make_looks(struct curses *curses, const struct theme *theme)
{
    enum theme_depth depth = curses->depth;
    for (int role = 0; role < ROLE_COUNT; role++) {
        for (unsigned flags = 0; flags < CURSES_FLAG_VARIANTS; flags++) {
            struct style style = theme_style(theme, depth, role, flags);
            int pair = 0;
            if (depth != THEME_MONO && (style.foreground >= 0 || style.background >= 0)) {
                pair = alloc_pair(style.foreground, style.background);
            }
            curses->looks[role][flags] = (struct looks){attributes_of(&style), MAX(pair, 0)};
        }
    }
}

void curses_dress(struct display *display, const struct theme *theme)
{
    struct curses *curses = curses_of(display);
    if (curses->paint != NULL) {
        paint_dress(curses->paint, theme, curses->depth);
        g_clear_pointer(&curses->shown, g_free);
        return;
    }
    for (int role = 0; role < ROLE_COUNT; role++) {
        for (unsigned flags = 0; flags < CURSES_FLAG_VARIANTS; flags++) {
            if (curses->looks[role][flags].pair > 0) {
                free_pair(curses->looks[role][flags].pair); /* a terminal may have few; shared ones fail, which is fine */
            }
        }
    }
    curses_make_looks(curses, theme);
    clearok(curscr, TRUE); /* pairs that were given out anew look the same to curses */
    g_clear_pointer(&curses->shown, g_free);
}

/* ---- showing ---- */

static void put_cell(const struct curses *curses, int x, int y, const struct cell *cell)
{
    if (cell->flags & CELL_CONTINUED) {
        return;
    }
    wchar_t text[2 + CELL_COMBINING_MAX] = {(wchar_t)cell->ch};
    for (int i = 0; i < CELL_COMBINING_MAX && cell->combining[i] != 0; i++) {
        text[i + 1] = (wchar_t)cell->combining[i];
    }
    const struct looks *looks = &curses->looks[cell->role][cell->flags & (CURSES_FLAG_VARIANTS - 1)];
    int pair = looks->pair;
    cchar_t wide;
    setcchar(&wide, text, looks->attributes, 0, &pair);
    mvadd_wch(y, x, &wide);
}

static void show_cursor(struct curses *curses, const struct grid *grid)
{
    int x, y;
    bool visible = grid_cursor(grid, &x, &y);
    if (visible != curses->cursor_visible) {
        curs_set(visible ? 1 : 0);
        curses->cursor_visible = visible;
    }
    if (visible && curses->paint == NULL) {
        move(y, x);
    } else if (visible) {
        paint_cursor(curses->out, x, y);
    }
}

/*
 * The description of "ansi" and a few others has the cursor in the next row once the last column is written; most that are called so leave it there
 * until one more character comes.  What curses writes next it then writes in the wrong row.  So the last column stays empty, right on both.
 */
static bool is_in_margin(const struct curses *curses, const struct cell *cells, size_t i)
{
    size_t width = (size_t)curses->width, x = i % width;
    return curses->wraps_early && width > 1 && (x == width - 1 || (x == width - 2 && (cells[i + 1].flags & CELL_CONTINUED)));
}

static void show_by_curses(const struct curses *curses, const struct cell *cells, size_t count, bool all)
{
    if (all) {
        erase();
    }
    for (size_t i = 0; i < count; i++) {
        if ((all || !paint_same(&cells[i], &curses->shown[i])) && !is_in_margin(curses, cells, i)) {
            put_cell(curses, (int)(i % (size_t)curses->width), (int)(i / (size_t)curses->width), &cells[i]);
        }
    }
}

void curses_show(struct display *display, const struct grid *grid)
{
    struct curses *curses = curses_of(display);
    size_t count = (size_t)grid_width(grid) * (size_t)grid_height(grid);
    if (curses->left) {
        return;
    }
    bool all = curses->shown == NULL || curses->width != grid_width(grid) || curses->height != grid_height(grid);
    if (all) {
        g_free(curses->shown);
        curses->shown = g_new(struct cell, count);
        curses->width = grid_width(grid);
        curses->height = grid_height(grid);
    }
    const struct cell *cells = grid_cell(grid, 0, 0);
    if (curses->paint != NULL) {
        g_string_truncate(curses->out, 0);
        paint_frame(curses->paint, cells, all ? NULL : curses->shown, curses->width, curses->height, curses->out);
    } else {
        show_by_curses(curses, cells, count, all);
    }
    memcpy(curses->shown, cells, count * sizeof *cells);
    show_cursor(curses, grid);
    if (curses->paint != NULL) {
        fd_write_all(STDOUT_FILENO, curses->out->str, curses->out->len);
    } else {
        refresh();
    }
}

void curses_size(struct display *display, int *ret_width, int *ret_height)
{
    struct curses *curses = curses_of(display);
    struct winsize size;
    int width = COLS, height = LINES;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
        width = size.ws_col;
        height = size.ws_row;
    }
    if (width != COLS || height != LINES) {
        resizeterm(height, width);
        clearok(curscr, TRUE);
        if (curses->paint != NULL) {
            refresh(); /* now: it would do it while it waits for a key, over what was painted */
        }
        g_clear_pointer(&curses->shown, g_free);
    }
    *ret_width = width;
    *ret_height = height;
}

void curses_forget(struct display *display)
{
    struct curses *curses = curses_of(display);
    g_clear_pointer(&curses->shown, g_free);
    if (curses->paint == NULL) {
        clearok(curscr, TRUE);
    }
}
