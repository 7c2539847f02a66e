/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Cells are walked row by row; those that changed are written where they are, with as few sequences as that takes: colours alone
 * where attributes stay, no looks but the ground for spaces, small gaps written again and larger ones skipped.  Behind a character of which terminals
 * may disagree how wide it is, the place is told anew.
 */
#include "ui/paint.h"

#include <string.h>

enum { FLAG_VARIANTS = 4, CODES_MAX = 24, GAP_MAX = 4 };

struct look {
    struct style style;
    char attributes[CODES_MAX], foreground[CODES_MAX], background[CODES_MAX]; /* codes behind a semicolon */
};

struct paint {
    struct look looks[ROLE_COUNT][FLAG_VARIANTS];
    const struct look *look; /* the terminal's now; NULL: plain */
    int x, y;                /* its cursor, x -1: anywhere */
};

struct paint *paint_new(void)
{
    return g_new0(struct paint, 1);
}

void paint_free(struct paint *paint)
{
    g_free(paint);
}

/* ---- looks ---- */

static void name_colour(char codes[static CODES_MAX], int32_t colour, bool background, enum theme_depth depth)
{
    int base = background ? 40 : 30;
    if (colour < 0) {
        g_snprintf(codes, CODES_MAX, ";%d", base + 9);
    } else if (depth == THEME_DIRECT) {
        g_snprintf(codes, CODES_MAX, ";%d;2;%d;%d;%d", base + 8, colour >> 16 & 0xff, colour >> 8 & 0xff, colour & 0xff);
    } else if (colour < 8) {
        g_snprintf(codes, CODES_MAX, ";%d", base + colour);
    } else if (colour < 16) {
        g_snprintf(codes, CODES_MAX, ";%d", base + 60 + colour - 8);
    } else {
        g_snprintf(codes, CODES_MAX, ";%d;5;%d", base + 8, colour);
    }
}

static void name_attributes(char codes[static CODES_MAX], unsigned attributes)
{
    g_snprintf(codes, CODES_MAX, "%s%s%s%s%s", attributes & STYLE_BOLD ? ";1" : "", attributes & STYLE_DIM ? ";2" : "",
               attributes & STYLE_ITALIC ? ";3" : "", attributes & STYLE_UNDERLINE ? ";4" : "",
               attributes & STYLE_REVERSE ? ";7" : "");
}

void paint_dress(struct paint *paint, const struct theme *theme, enum theme_depth depth)
{
    for (int role = 0; role < ROLE_COUNT; role++) {
        for (unsigned flags = 0; flags < FLAG_VARIANTS; flags++) {
            struct look *look = &paint->looks[role][flags];
            look->style = theme_style(theme, depth, role, flags);
            if (depth == THEME_MONO) {
                look->style.foreground = look->style.background = -1;
            }
            name_attributes(look->attributes, look->style.attributes);
            name_colour(look->foreground, look->style.foreground, false, depth);
            name_colour(look->background, look->style.background, true, depth);
        }
    }
}

/* All of it, from plain. */
static void wear_anew(const struct look *look, GString *out)
{
    g_string_append(out, "\033[0");
    g_string_append(out, look->attributes);
    g_string_append(out, look->style.foreground >= 0 ? look->foreground : "");
    g_string_append(out, look->style.background >= 0 ? look->background : "");
    g_string_append_c(out, 'm');
}

/* Whether the cell looks right with what the terminal wears now: of a space only the ground is to be seen. */
static bool looks_right(const struct look *now, const struct look *look, bool space)
{
    enum { SEEN_IN_SPACES = STYLE_UNDERLINE | STYLE_REVERSE };
    return now == look || (space && now != NULL && now->style.background == look->style.background &&
                           ((now->style.attributes | look->style.attributes) & SEEN_IN_SPACES) == 0);
}

static void wear(struct paint *paint, const struct look *look, bool space, GString *out)
{
    const struct look *now = paint->look;
    if (looks_right(now, look, space)) {
        return;
    }
    if (now == NULL || now->style.attributes != look->style.attributes) {
        wear_anew(look, out);
        paint->look = look;
        return;
    }
    bool background = now->style.background != look->style.background;
    bool foreground = now->style.foreground != look->style.foreground;
    if (foreground || background) {
        g_string_append(out, "\033[");
        g_string_append(out, foreground ? look->foreground + 1 : "");
        g_string_append(out, background ? look->background + !foreground : "");
        g_string_append_c(out, 'm');
    }
    paint->look = look;
}

/* ---- cells ---- */

bool paint_same(const struct cell *a, const struct cell *b)
{
    return a->ch == b->ch && a->role == b->role &&
           ((a->flags ^ b->flags) & (CELL_SELECTED | CELL_CURSOR | CELL_CONTINUED)) == 0 &&
           memcmp(a->combining, b->combining, sizeof a->combining) == 0;
}

static char *put_number(char *at, int number)
{
    char digits[12];
    int count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
    } while ((number /= 10) > 0);
    while (count > 0) {
        *at++ = digits[--count];
    }
    return at;
}

void paint_cursor(GString *out, int x, int y)
{
    char text[40], *at = text;
    *at++ = '\033';
    *at++ = '[';
    at = put_number(at, y + 1);
    *at++ = ';';
    at = put_number(at, x + 1);
    *at++ = 'H';
    g_string_append_len(out, text, at - text);
}

static void move_to(struct paint *paint, int x, int y, GString *out)
{
    if (paint->x == x && paint->y == y) {
        return;
    }
    if (paint->y == y && paint->x >= 0 && x > paint->x) {
        char text[16], *at = text;
        *at++ = '\033';
        *at++ = '[';
        at = x - paint->x > 1 ? put_number(at, x - paint->x) : at;
        *at++ = 'C';
        g_string_append_len(out, text, at - text);
    } else {
        paint_cursor(out, x, y);
    }
    paint->x = x;
    paint->y = y;
}

static void put_char(GString *out, uint32_t ch)
{
    if (ch < 0x80) {
        g_string_append_c(out, (char)ch);
    } else {
        g_string_append_unichar(out, ch);
    }
}

static void put_cell(struct paint *paint, const struct cell *cell, int width, GString *out)
{
    wear(paint, &paint->looks[cell->role][cell->flags & (FLAG_VARIANTS - 1)], cell->ch == ' ', out);
    put_char(out, cell->ch);
    for (int i = 0; i < CELL_COMBINING_MAX && cell->combining[i] != 0; i++) {
        put_char(out, cell->combining[i]);
    }
    /* Box drawing and blocks are as narrow everywhere as they have to be for this screen at all. */
    bool sure = cell->combining[0] == 0 && (cell->ch < 0x7f || (cell->ch >= 0x2500 && cell->ch < 0x25a0));
    paint->x = sure && paint->x + 1 < width ? paint->x + 1 : -1;
}

/* A gap that is cheaper written again than moved over, if it looks as what is written does. */
static void close_gap(struct paint *paint, const struct cell *row, int from, int to, int width, GString *out)
{
    for (int x = from; x < to; x++) {
        const struct cell *cell = &row[x];
        const struct look *look = &paint->looks[cell->role][cell->flags & (FLAG_VARIANTS - 1)];
        if (cell->ch >= 0x7f || cell->combining[0] != 0 || !looks_right(paint->look, look, cell->ch == ' ')) {
            return;
        }
    }
    for (int x = from; x < to; x++) {
        put_cell(paint, &row[x], width, out);
    }
}

static void paint_row(struct paint *paint, const struct cell *row, const struct cell *before, int y, int width, GString *out)
{
    for (int x = 0; x < width; x++) {
        bool wide_changed = x + 1 < width && (row[x + 1].flags & CELL_CONTINUED) && before != NULL &&
                            !paint_same(&row[x + 1], &before[x + 1]);
        if ((row[x].flags & CELL_CONTINUED) || (before != NULL && !wide_changed && paint_same(&row[x], &before[x]))) {
            continue;
        }
        if (paint->y == y && paint->x >= 0 && x > paint->x && x - paint->x <= GAP_MAX) {
            close_gap(paint, row, paint->x, x, width, out);
        }
        move_to(paint, x, y, out);
        put_cell(paint, &row[x], width, out);
    }
}

void paint_frame(struct paint *paint, const struct cell *cells, const struct cell *shown, int width, int height, GString *out)
{
    gsize start = out->len;
    paint->look = NULL;
    paint->x = -1;
    for (int y = 0; y < height; y++) {
        size_t row = (size_t)y * (size_t)width;
        paint_row(paint, cells + row, shown != NULL ? shown + row : NULL, y, width, out);
    }
    if (out->len > start) {
        g_string_append(out, "\033[m");
    }
}
