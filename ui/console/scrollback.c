/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lines live in blocks, each a piece of text and a table of the lines in it; a line never spans blocks.  Lines are
 * numbered from 0 and keep their number when older blocks are dropped, so that a view can hold on to one.  Text is kept
 * as it came and escaped when painted: a gigabyte passes at the speed of memcpy, and only what is visible is looked at.
 */
#include "ui/console/scrollback.h"

#include <glib.h>
#include <string.h>

#include "ui/text.h"

enum { BLOCK_TEXT = 60 << 10, BLOCK_LINES = 4096 };

struct stored_line {
    uint16_t start, len;
    uint8_t role;
};

struct block {
    uint64_t first; /* number of its first line */
    uint32_t used, count;
    struct stored_line lines[BLOCK_LINES];
    char text[BLOCK_TEXT];
};

struct scrollback {
    GQueue blocks; /* of struct block, never empty, oldest first */
    unsigned max_blocks;
    bool open; /* the newest line is unfinished */
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
    /* Where the last search for a line ended: neighbours are asked for next. */
    GList *found;
};

/* ---- storing ---- */

static struct block *newest(const struct scrollback *scrollback)
{
    return scrollback->blocks.tail->data;
}

static uint64_t first_line(const struct scrollback *scrollback)
{
    return ((struct block *)scrollback->blocks.head->data)->first;
}

static uint64_t end_line(const struct scrollback *scrollback)
{
    return newest(scrollback)->first + newest(scrollback)->count;
}

static void add_block(struct scrollback *scrollback)
{
    uint64_t first = g_queue_is_empty(&scrollback->blocks) ? 0 : end_line(scrollback);
    struct block *block;
    if (scrollback->blocks.length >= scrollback->max_blocks) {
        block = g_queue_pop_head(&scrollback->blocks);
    } else {
        block = g_new(struct block, 1);
    }
    block->first = first;
    block->used = block->count = 0;
    g_queue_push_tail(&scrollback->blocks, block);
    scrollback->found = NULL;
}

void scrollback_limit(struct scrollback *scrollback, size_t max_bytes)
{
    scrollback->max_blocks = (unsigned)MAX(max_bytes / sizeof(struct block), 2);
    while (scrollback->blocks.length > scrollback->max_blocks) {
        g_free(g_queue_pop_head(&scrollback->blocks));
    }
    scrollback->found = NULL;
}

struct scrollback *scrollback_new(size_t max_bytes)
{
    struct scrollback *scrollback = g_new0(struct scrollback, 1);
    g_queue_init(&scrollback->blocks);
    scrollback_limit(scrollback, max_bytes);
    scrollback->rows = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    add_block(scrollback);
    return scrollback;
}

void scrollback_free(struct scrollback *scrollback)
{
    if (scrollback != NULL) {
        g_queue_clear_full(&scrollback->blocks, g_free);
        g_array_unref(scrollback->rows);
        g_free(scrollback->marked_text);
        g_free(scrollback);
    }
}

static void begin_line(struct scrollback *scrollback, enum role role)
{
    struct block *block = newest(scrollback);
    if (block->count == BLOCK_LINES || BLOCK_TEXT - block->used < SCROLLBACK_LINE_MAX) {
        add_block(scrollback);
        block = newest(scrollback);
    }
    block->lines[block->count++] = (struct stored_line){.start = (uint16_t)block->used, .role = (uint8_t)role};
    scrollback->open = true;
}

/* How many of len bytes a line may take that has room for that many: whole characters, as far as one can tell. */
static size_t whole_characters(const char *text, size_t len, size_t room)
{
    if (len <= room) {
        return len;
    }
    size_t end = room;
    while (end > 0 && room - end < 4 && ((uint8_t)text[end] & 0xc0) == 0x80) {
        end--;
    }
    return end > 0 && room - end < 4 ? end : room;
}

/* Appends text without a newline in it. */
static void add_text(struct scrollback *scrollback, enum role role, const char *text, size_t len)
{
    do {
        if (!scrollback->open) {
            begin_line(scrollback, role);
        }
        struct block *block = newest(scrollback);
        struct stored_line *line = &block->lines[block->count - 1];
        size_t part = whole_characters(text, len, (size_t)(SCROLLBACK_LINE_MAX - line->len));
        memcpy(block->text + block->used, text, part);
        block->used += (uint32_t)part;
        line->len = (uint16_t)(line->len + part);
        text += part;
        len -= part;
        if (len > 0) {
            scrollback->open = false;
        }
    } while (len > 0);
}

void scrollback_add(struct scrollback *scrollback, enum role role, const char *text, size_t len)
{
    if (scrollback->open && len > 0) {
        struct block *block = newest(scrollback);
        scrollback->open = block->lines[block->count - 1].role == role;
    }
    while (len > 0) {
        const char *newline = memchr(text, '\n', len);
        size_t part = newline != NULL ? (size_t)(newline - text) : len;
        add_text(scrollback, role, text, part);
        scrollback->open = newline == NULL;
        part += newline != NULL;
        text += part;
        len -= part;
    }
}

bool scrollback_take_last(struct scrollback *scrollback, enum role role, const char *prefix)
{
    struct block *block = newest(scrollback);
    if (scrollback->open || block->count == 0) {
        return false;
    }
    struct stored_line *line = &block->lines[block->count - 1];
    size_t len = strlen(prefix);
    if (line->role != role || line->len < len || memcmp(block->text + line->start, prefix, len) != 0) {
        return false;
    }
    block->used = line->start;
    block->count--;
    return true;
}

uint64_t scrollback_lines(const struct scrollback *scrollback)
{
    return end_line(scrollback) - first_line(scrollback);
}

uint64_t scrollback_dropped(const struct scrollback *scrollback)
{
    return first_line(scrollback);
}

size_t scrollback_bytes(const struct scrollback *scrollback)
{
    return scrollback->blocks.length * sizeof(struct block) + sizeof *scrollback;
}

/* ---- rows ---- */

struct line_text {
    const char *text;
    int len;
    enum role role;
};

/* number must be held. */
static struct line_text line_at(struct scrollback *scrollback, uint64_t number)
{
    GList *link = scrollback->found != NULL ? scrollback->found : scrollback->blocks.tail;
    while (number < ((struct block *)link->data)->first) {
        link = link->prev;
    }
    while (number >= ((struct block *)link->data)->first + ((struct block *)link->data)->count) {
        link = link->next;
    }
    scrollback->found = link;
    const struct block *block = link->data;
    const struct stored_line *line = &block->lines[number - block->first];
    return (struct line_text){block->text + line->start, line->len, line->role};
}

/* Bytes of the first row of text: at least one character, however narrow the screen. */
static int row_bytes(const char *text, int len, int width)
{
    int bytes = text_fit(text, len, width, NULL);
    if (bytes == 0 && len > 0) {
        struct text_reader reader;
        struct text_item item;
        text_reader_init(&reader, text, len);
        text_reader_next(&reader, &item);
        bytes = (int)(reader.at - text);
    }
    return bytes;
}

static int rows_of(struct scrollback *scrollback, uint64_t number)
{
    struct line_text line = line_at(scrollback, number);
    int rows = 1;
    for (int at = row_bytes(line.text, line.len, scrollback->width); at < line.len; rows++) {
        at += row_bytes(line.text + at, line.len - at, scrollback->width);
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
        } else if (*line > first_line(scrollback)) {
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
    while (moved < rows && *line < end_line(scrollback)) {
        int left = rows_of(scrollback, *line) - 1 - *row;
        if (left >= rows - moved) {
            *row += rows - moved;
            moved = rows;
        } else if (*line + 1 < end_line(scrollback)) {
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
    *ret_line = end_line(scrollback);
    *ret_row = 0;
    step_back(scrollback, ret_line, ret_row, scrollback->height);
}

static void view_top(struct scrollback *scrollback, uint64_t *ret_line, int *ret_row)
{
    last_top(scrollback, ret_line, ret_row);
    if (!scrollback->scrolled) {
        return;
    }
    if (scrollback->top_line < first_line(scrollback)) { /* dropped meanwhile */
        scrollback->top_line = first_line(scrollback);
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

static void mark_row(struct scrollback *scrollback, struct surface surface, int y, uint64_t line, const char *text, int len)
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
        surface_mark(surface, text_columns(text, at), y, text_columns(text + at, size), CELL_SELECTED);
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
    for (; y < surface.height && number < end_line(scrollback); number++, row = 0) {
        struct line_text line = line_at(scrollback, number);
        int at = 0;
        do {
            int bytes = row_bytes(line.text + at, line.len - at, surface.width);
            if (row-- <= 0) {
                surface_put_len(surface, 0, y, line.role, line.text + at, bytes);
                mark_row(scrollback, surface, y++, number, line.text + at, bytes);
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
    scrollback->top_line = first_line(scrollback);
    scrollback->top_row = 0;
}

void scrollback_scroll_last(struct scrollback *scrollback)
{
    scrollback->scrolled = false;
}

bool scrollback_follows(const struct scrollback *scrollback)
{
    return !scrollback->scrolled;
}

uint64_t scrollback_below(const struct scrollback *scrollback)
{
    return scrollback->scrolled ? end_line(scrollback) - 1 - MIN(scrollback->seen_line, end_line(scrollback) - 1) : 0;
}

/* ---- looking for text, and taking it ---- */

bool scrollback_find(struct scrollback *scrollback, const char *text, uint64_t from, bool backward, uint64_t *ret_line)
{
    uint64_t first = first_line(scrollback), end = end_line(scrollback);
    int64_t step = backward ? -1 : 1, start = (int64_t)MIN(from, end) + step; /* from may have been dropped meanwhile */
    for (int64_t line = backward ? start : MAX(start, (int64_t)first); line >= (int64_t)first && line < (int64_t)end; line += step) {
        struct line_text held = line_at(scrollback, (uint64_t)line);
        if (find_in(held.text, held.len, 0, text) >= 0) {
            *ret_line = (uint64_t)line;
            return true;
        }
    }
    return false;
}

bool scrollback_find_role(struct scrollback *scrollback, enum role role, uint64_t before, uint64_t *ret_line)
{
    for (uint64_t line = MIN(before, end_line(scrollback)); line > first_line(scrollback); line--) {
        if (line_at(scrollback, line - 1).role == role) {
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
    scrollback->top_line = CLAMP(place.line, first_line(scrollback), end_line(scrollback));
    scrollback->top_row = place.row;
}

void scrollback_show(struct scrollback *scrollback, uint64_t line)
{
    uint64_t top = CLAMP(line, first_line(scrollback), end_line(scrollback));
    int row = 0;
    if (scrollback->height > 0 && scrollback->width > 0) {
        step_back(scrollback, &top, &row, scrollback->height / 2);
    }
    scrollback->scrolled = true;
    scrollback->top_line = top;
    scrollback->top_row = row;
}

uint64_t scrollback_top(struct scrollback *scrollback)
{
    uint64_t line = end_line(scrollback);
    int row;
    if (scrollback->height > 0) {
        view_top(scrollback, &line, &row);
    }
    return line;
}

uint64_t scrollback_end(const struct scrollback *scrollback)
{
    return end_line(scrollback);
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
    for (uint64_t line = MAX(first, first_line(scrollback)); line <= last && line < end_line(scrollback); line++) {
        struct line_text held = line_at(scrollback, line);
        if (text->len + (size_t)held.len + 1 > max) {
            return NULL;
        }
        g_string_append_len(text, held.text, held.len);
        g_string_append_c(text, '\n');
    }
    return g_strndup(text->str, text->len);
}
