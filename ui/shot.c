/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/shot.h"

/* Of a cell, in units that make the usual monospaced fonts at this size meet without gaps. */
enum { CELL_WIDTH = 8, CELL_HEIGHT = 17, BASELINE = 13 };
#define FONT_SIZE "13.29"

/* What a terminal shows for its own colours here: those of the dark theme's text. */
enum { FOREGROUND = 0xd4d7dd, BACKGROUND = 0x16181c };

struct look {
    uint32_t foreground, background;
    unsigned attributes;
};

static struct look look_of(const struct theme *theme, const struct cell *cell)
{
    struct style style = theme_style(theme, THEME_DIRECT, cell->role, cell->flags & ~CELL_CONTINUED);
    struct look look = {style.foreground >= 0 ? style.foreground : FOREGROUND, style.background >= 0 ? style.background : BACKGROUND,
                        style.attributes};

    if (style.attributes & STYLE_REVERSE) {
        look = (struct look){look.background, look.foreground, style.attributes & ~STYLE_REVERSE};
    }
    return look;
}

static bool same(const struct look *a, const struct look *b)
{
    return a->foreground == b->foreground && a->background == b->background && a->attributes == b->attributes;
}

/* A word at a place: fonts differ in how far they advance, and readers in what they do with spaces. */
static void add_word(GString *svg, const GString *word, int x, int y, const struct look *look)
{
    g_autofree char *escaped = g_markup_escape_text(word->str, word->len);

    g_string_append_printf(svg, "<text x=\"%d\" y=\"%d\" fill=\"#%06x\"%s%s%s>%s</text>\n", x * CELL_WIDTH, y * CELL_HEIGHT + BASELINE,
                           look->foreground, look->attributes & STYLE_BOLD ? " font-weight=\"bold\"" : "",
                           look->attributes & STYLE_ITALIC ? " font-style=\"italic\"" : "",
                           look->attributes & STYLE_UNDERLINE ? " text-decoration=\"underline\"" : "", escaped);
}

/* Cells [from, to) of a row, which look alike. */
static void add_run(GString *svg, const struct grid *grid, int y, int from, int to, const struct look *look)
{
    g_autoptr(GString) word = g_string_new(NULL);
    int start = from;

    if (look->background != BACKGROUND) {
        g_string_append_printf(svg, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"#%06x\"/>\n", from * CELL_WIDTH,
                               y * CELL_HEIGHT, (to - from) * CELL_WIDTH, CELL_HEIGHT, look->background);
    }
    for (int x = from; x <= to; x++) {
        if (x < to && grid_cell(grid, x, y)->ch != ' ') {
            start = word->len > 0 ? start : x;
            cell_append(word, grid_cell(grid, x, y));
        } else if (word->len > 0) {
            add_word(svg, word, start, y, look);
            g_string_truncate(word, 0);
        }
    }
}

static void add_row(GString *svg, const struct grid *grid, const struct theme *theme, int y)
{
    int from = 0;
    struct look look = look_of(theme, grid_cell(grid, 0, y));

    for (int x = 1; x < grid_width(grid); x++) {
        struct look next = look_of(theme, grid_cell(grid, x, y));

        if (!same(&look, &next)) {
            add_run(svg, grid, y, from, x, &look);
            from = x;
            look = next;
        }
    }
    add_run(svg, grid, y, from, grid_width(grid), &look);
}

char *shot_svg(const struct grid *grid, const struct theme *theme)
{
    int width = grid_width(grid) * CELL_WIDTH, height = grid_height(grid) * CELL_HEIGHT;
    GString *svg = g_string_new(NULL);

    g_string_append_printf(svg,
                           "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
                           "font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" font-size=\"" FONT_SIZE "\">\n"
                           "<rect width=\"%d\" height=\"%d\" fill=\"#%06x\"/>\n",
                           width, height, width, height, width, height, BACKGROUND);
    for (int y = 0; y < grid_height(grid); y++) {
        add_row(svg, grid, theme, y);
    }
    g_string_append(svg, "</svg>\n");
    return g_string_free(svg, FALSE);
}
