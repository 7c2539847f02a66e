/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A view holds on to the number of a line.  Text is escaped when it is painted: only what is visible is looked at. */
#include "ui/console/scrollback.h"

#include <glib.h>
#include <string.h>

#include "ui/text.h"

struct scrollback {
    struct linestore *store;
    /* The view: the line and row within it at its top; valid when it does not follow. */
    bool scrolled;
    uint64_t top_line;
    int top_row;
    int width, height;  /* as last painted */
    uint64_t seen_line; /* last line painted */
    char *marked_text;  /* NULL: none */
    uint64_t marked_first, marked_last;
    bool marked;
    GArray *rows; /* the lines of those last painted */
};

struct scrollback *scrollback_new(size_t max_bytes)
{
    struct scrollback *scrollback = g_new0(struct scrollback, 1);
    scrollback->store = linestore_new(max_bytes);
    scrollback->rows = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    return scrollback;
}

void scrollback_free(struct scrollback *scrollback)
{
    if (scrollback != NULL) {
        linestore_free(scrollback->store);
        g_array_unref(scrollback->rows);
        g_free(scrollback->marked_text);
        g_free(scrollback);
    }
}

struct linestore *scrollback_store(struct scrollback *scrollback)
{
    return scrollback->store;
}

/* ---- rows ---- */

/* Of text that goes on behind these bytes: to the end of a word if one ends in the second half of them, with the space behind it. */
static int whole_words(const char *text, int bytes)
{
    for (int at = bytes; at > bytes / 2; at--) {
        if (text[at] == ' ') {
            return at + 1;
        }
    }
    return bytes;
}

/* Bytes of the first row of text: at least one character, however narrow the screen. */
static int row_bytes(const char *text, int len, int width)
{
    int bytes = text_fit(text, len, width, NULL);
    if (bytes > 0 && bytes < len) {
        return whole_words(text, bytes);
    }
    if (bytes == 0 && len > 0) {
        struct text_reader reader;
        struct text_item item;
        text_reader_init(&reader, text, len);
        text_reader_next(&reader, &item);
        bytes = (int)(reader.at - text);
    }
    return bytes;
}

/* The column that what is wrapped goes on in: that of the last column of a table that begins in the left half, else the first. */
static int indent_of(const struct linestore_line *line, int width)
{
    int bytes = text_fit(line->text, line->len, width / 2, NULL), begin = 0;
    bool typed = line->role == ROLE_INPUT || line->role == ROLE_ECHO;
    for (int at = 2; !typed && at <= bytes && at < line->len; at++) {
        begin = line->text[at] != ' ' && line->text[at - 1] == ' ' && line->text[at - 2] == ' ' ? at : begin;
    }
    return begin > 0 ? text_columns(line->text, begin) : 0;
}

/* Bytes of the row that begins at a byte of the line. */
static int next_bytes(const struct linestore_line *line, int at, int width, int indent)
{
    return row_bytes(line->text + at, line->len - at, at > 0 ? width - indent : width);
}

static int rows_of(struct scrollback *scrollback, uint64_t number)
{
    struct linestore_line line = linestore_at(scrollback->store, number);
    int rows = 1, width = scrollback->width, indent = indent_of(&line, width);
    for (int at = next_bytes(&line, 0, width, indent); at < line.len; rows++) {
        at += next_bytes(&line, at, width, indent);
    }
    return rows;
}

/* ---- the view ---- */

/* Moves (line, row) back by at most rows; returns by how many it did. */
static int step_back(struct scrollback *scrollback, uint64_t *line, int *row, int rows)
{
    int moved = 0;
    while (moved < rows) {
        if (*row > 0) {
            int step = MIN(*row, rows - moved);
            *row -= step;
            moved += step;
        } else if (*line > linestore_first(scrollback->store)) {
            (*line)--;
            *row = rows_of(scrollback, *line) - 1;
            moved++;
        } else {
            break;
        }
    }
    return moved;
}

static int step_on(struct scrollback *scrollback, uint64_t *line, int *row, int rows)
{
    int moved = 0;
    while (moved < rows && *line < linestore_end(scrollback->store)) {
        int left = rows_of(scrollback, *line) - 1 - *row;
        if (left >= rows - moved) {
            *row += rows - moved;
            moved = rows;
        } else if (*line + 1 < linestore_end(scrollback->store)) {
            (*line)++;
            *row = 0;
            moved += left + 1;
        } else {
            break;
        }
    }
    return moved;
}

/* The top of the last full screen. */
static void last_top(struct scrollback *scrollback, uint64_t *ret_line, int *ret_row)
{
    *ret_line = linestore_end(scrollback->store);
    *ret_row = 0;
    step_back(scrollback, ret_line, ret_row, scrollback->height);
}

static void view_top(struct scrollback *scrollback, uint64_t *ret_line, int *ret_row)
{
    last_top(scrollback, ret_line, ret_row);
    if (!scrollback->scrolled) {
        return;
    }
    if (scrollback->top_line < linestore_first(scrollback->store)) { /* dropped meanwhile */
        scrollback->top_line = linestore_first(scrollback->store);
        scrollback->top_row = 0;
    }
    if (scrollback->top_line > *ret_line || (scrollback->top_line == *ret_line && scrollback->top_row >= *ret_row)) {
        scrollback->scrolled = false;
        return;
    }
    *ret_line = scrollback->top_line;
    *ret_row = scrollback->top_row;
}

/* Whether the pattern, in small letters unless exact, is at text. */
static bool is_at(const char *text, const char *pattern, size_t len, bool exact)
{
    for (size_t i = 0; i < len; i++) {
        if ((exact ? text[i] : g_ascii_tolower(text[i])) != pattern[i]) {
            return false;
        }
    }
    return true;
}

static bool has_capitals(const char *pattern)
{
    while (*pattern != '\0' && !g_ascii_isupper(*pattern)) {
        pattern++;
    }
    return *pattern != '\0';
}

/* Where the pattern is from at on; -1: nowhere. */
static int find_in(const char *text, int len, int at, const char *pattern)
{
    size_t size = strlen(pattern);
    bool exact = has_capitals(pattern);
    for (; size > 0 && at + (int)size <= len; at++) {
        if (is_at(text + at, pattern, size, exact)) {
            return at;
        }
    }
    return -1;
}

/* Text begins in column x. */
static void mark_row(struct scrollback *scrollback, struct surface surface, int x, int y, uint64_t line, const char *text, int len)
{
    g_array_append_val(scrollback->rows, line);
    if (scrollback->marked && line >= scrollback->marked_first && line <= scrollback->marked_last) {
        surface_mark(surface, 0, y, surface.width, CELL_SELECTED);
    }
    if (scrollback->marked_text == NULL) {
        return;
    }
    int size = (int)strlen(scrollback->marked_text);
    for (int at = 0; (at = find_in(text, len, at, scrollback->marked_text)) >= 0; at += size) {
        surface_mark(surface, x + text_columns(text, at), y, text_columns(text + at, size), CELL_SELECTED);
    }
}

int scrollback_draw(struct scrollback *scrollback, struct surface surface)
{
    if (surface.width < 1 || surface.height < 1) {
        return 0;
    }
    if (scrollback->width != surface.width) {
        scrollback->top_row = 0;
    }
    scrollback->width = surface.width;
    scrollback->height = surface.height;
    uint64_t number;
    int row, y = 0;
    view_top(scrollback, &number, &row);
    g_array_set_size(scrollback->rows, 0);
    for (; y < surface.height && number < linestore_end(scrollback->store); number++, row = 0) {
        struct linestore_line line = linestore_at(scrollback->store, number);
        int at = 0, indent = indent_of(&line, surface.width);
        do {
            int bytes = next_bytes(&line, at, surface.width, indent), x = at > 0 ? indent : 0;
            if (row-- <= 0) {
                surface_put_len(surface, x, y, line.role, line.text + at, bytes);
                mark_row(scrollback, surface, x, y++, number, line.text + at, bytes);
            }
            at += bytes;
        } while (at < line.len && y < surface.height);
        scrollback->seen_line = number;
    }
    return y;
}

bool scrollback_scroll(struct scrollback *scrollback, int rows)
{
    uint64_t line;
    int row;
    if (scrollback->height < 1) {
        return false;
    }
    view_top(scrollback, &line, &row);
    int moved = rows < 0 ? step_back(scrollback, &line, &row, -rows) : step_on(scrollback, &line, &row, rows);
    if (moved == 0) {
        return false;
    }
    bool followed = !scrollback->scrolled;
    scrollback->scrolled = true;
    scrollback->top_line = line;
    scrollback->top_row = row;
    view_top(scrollback, &line, &row);
    return !(followed && !scrollback->scrolled);
}

void scrollback_scroll_first(struct scrollback *scrollback)
{
    scrollback->scrolled = true;
    scrollback->top_line = linestore_first(scrollback->store);
    scrollback->top_row = 0;
}

void scrollback_scroll_last(struct scrollback *scrollback)
{
    scrollback->scrolled = false;
}

uint64_t scrollback_below(const struct scrollback *scrollback)
{
    return scrollback->scrolled ? linestore_end(scrollback->store) - 1 - MIN(scrollback->seen_line, linestore_end(scrollback->store) - 1) : 0;
}

/* ---- looking for text, and taking it ---- */

bool scrollback_find(struct scrollback *scrollback, const char *text, uint64_t from, bool backward, uint64_t *ret_line)
{
    uint64_t first = linestore_first(scrollback->store), end = linestore_end(scrollback->store);
    int64_t step = backward ? -1 : 1, start = (int64_t)MIN(from, end) + step; /* from may have been dropped meanwhile */
    for (int64_t line = backward ? start : MAX(start, (int64_t)first); line >= (int64_t)first && line < (int64_t)end; line += step) {
        struct linestore_line held = linestore_at(scrollback->store, (uint64_t)line);
        if (find_in(held.text, held.len, 0, text) >= 0) {
            *ret_line = (uint64_t)line;
            return true;
        }
    }
    return false;
}

bool scrollback_find_role(struct scrollback *scrollback, enum role role, uint64_t before, uint64_t *ret_line)
{
    for (uint64_t line = MIN(before, linestore_end(scrollback->store)); line > linestore_first(scrollback->store); line--) {
        if (linestore_at(scrollback->store, line - 1).role == role) {
            *ret_line = line - 1;
            return true;
        }
    }
    return false;
}

struct scrollback_place scrollback_place(struct scrollback *scrollback)
{
    struct scrollback_place place = {.follows = true};
    if (scrollback->scrolled && scrollback->height > 0) {
        view_top(scrollback, &place.line, &place.row);
        place.follows = !scrollback->scrolled; /* there may be nothing below any more */
    }
    return place;
}

void scrollback_set_place(struct scrollback *scrollback, struct scrollback_place place)
{
    scrollback->scrolled = !place.follows;
    scrollback->top_line = CLAMP(place.line, linestore_first(scrollback->store), linestore_end(scrollback->store));
    scrollback->top_row = place.row;
}

void scrollback_show(struct scrollback *scrollback, uint64_t line)
{
    uint64_t top = CLAMP(line, linestore_first(scrollback->store), linestore_end(scrollback->store));
    int row = 0;
    if (scrollback->height > 0 && scrollback->width > 0) {
        step_back(scrollback, &top, &row, scrollback->height / 2);
    }
    scrollback->scrolled = true;
    scrollback->top_line = top;
    scrollback->top_row = row;
}

uint64_t scrollback_view_end(struct scrollback *scrollback)
{
    uint64_t line, end = linestore_end(scrollback->store);
    int row;
    if (scrollback->height < 1) {
        return end;
    }
    view_top(scrollback, &line, &row);
    step_on(scrollback, &line, &row, scrollback->height - 1);
    return MIN(line + 1, end);
}

uint64_t scrollback_end(const struct scrollback *scrollback)
{
    return linestore_end(scrollback->store);
}

bool scrollback_line_at(const struct scrollback *scrollback, int y, uint64_t *ret_line)
{
    if (y < 0 || y >= (int)scrollback->rows->len) {
        return false;
    }
    *ret_line = g_array_index(scrollback->rows, uint64_t, y);
    return true;
}

void scrollback_mark_text(struct scrollback *scrollback, const char *text)
{
    g_free(scrollback->marked_text);
    scrollback->marked_text = text != NULL && *text != '\0' ? g_strdup(text) : NULL;
}

void scrollback_mark_lines(struct scrollback *scrollback, uint64_t first, uint64_t last)
{
    scrollback->marked = first <= last;
    scrollback->marked_first = first;
    scrollback->marked_last = last;
}

bool scrollback_marked_lines(const struct scrollback *scrollback, uint64_t *ret_first, uint64_t *ret_last)
{
    *ret_first = scrollback->marked_first;
    *ret_last = scrollback->marked_last;
    return scrollback->marked;
}

char *scrollback_text(struct scrollback *scrollback, uint64_t first, uint64_t last, size_t max)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (uint64_t line = MAX(first, linestore_first(scrollback->store)); line <= last && line < linestore_end(scrollback->store); line++) {
        struct linestore_line held = linestore_at(scrollback->store, line);
        if (text->len + (size_t)held.len + 1 > max) {
            return NULL;
        }
        g_string_append_len(text, held.text, held.len);
        g_string_append_c(text, '\n');
    }
    return g_strndup(text->str, text->len);
}
