/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Frames as sequences, shown by a terminal that knows no more than they need. */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "ui/paint.h"

enum { WIDTH = 37, HEIGHT = 11 };

struct pixel {
    uint32_t ch, mark;
    int bold, reverse, foreground, background; /* colours: 0 the terminal's own, else code + 1 or rgb + 1000 */
};

struct terminal {
    struct pixel pixels[HEIGHT][WIDTH], pen;
    int x, y;
};

static void select_graphics(struct terminal *terminal, const char *codes)
{
    g_auto(GStrv) words = g_strsplit(*codes != '\0' ? codes : "0", ";", -1);
    for (char **word = words; *word != NULL; word++) {
        int code = atoi(*word);
        int *colour = code / 10 == 4 || code / 10 == 10 ? &terminal->pen.background : &terminal->pen.foreground;
        if (code == 0) {
            terminal->pen = (struct pixel){0};
        } else if (code == 1) {
            terminal->pen.bold = 1;
        } else if (code == 7) {
            terminal->pen.reverse = 1;
        } else if (code == 39 || code == 49) {
            *colour = 0;
        } else if (code == 38 || code == 48) {
            bool direct = atoi(word[1]) == 2;
            *colour = direct ? 1000 + (atoi(word[2]) << 16 | atoi(word[3]) << 8 | atoi(word[4])) : 1 + atoi(word[2]);
            word += direct ? 4 : 2;
        } else if (code >= 30) {
            *colour = 1 + (code >= 90 ? code % 10 + 8 : code % 10);
        }
    }
}

static void show(struct terminal *terminal, const char *text)
{
    while (*text != '\0') {
        if (*text == '\033') {
            size_t len = strspn(text + 2, "0123456789;");
            g_autofree char *codes = g_strndup(text + 2, len);
            g_assert_cmpint(text[1], ==, '[');
            if (text[2 + len] == 'H') {
                terminal->y = atoi(codes) - 1;
                terminal->x = atoi(strchr(codes, ';') + 1) - 1;
            } else if (text[2 + len] == 'C') {
                terminal->x += len > 0 ? atoi(codes) : 1;
                g_assert_cmpint(terminal->x, <, WIDTH);
            } else {
                g_assert_cmpint(text[2 + len], ==, 'm');
                select_graphics(terminal, codes);
            }
            text += 3 + len;
            continue;
        }
        uint32_t ch = g_utf8_get_char(text);
        text = g_utf8_next_char(text);
        if (g_unichar_iszerowidth(ch)) {
            g_assert_cmpint(terminal->x, >, 0);
            terminal->pixels[terminal->y][terminal->x - 1].mark = ch;
            continue;
        }
        int columns = g_unichar_iswide(ch) ? 2 : 1;
        g_assert_cmpint(terminal->x + columns, <=, WIDTH); /* nothing wraps */
        terminal->pixels[terminal->y][terminal->x] = terminal->pen;
        terminal->pixels[terminal->y][terminal->x].ch = ch;
        if (columns == 2) {
            terminal->pixels[terminal->y][terminal->x + 1] = (struct pixel){0};
        }
        terminal->x += columns;
    }
    g_assert_cmpint(terminal->pen.foreground | terminal->pen.background | terminal->pen.bold | terminal->pen.reverse, ==, 0);
}

static int code_of(int32_t colour, enum theme_depth depth)
{
    return colour < 0 ? 0 : depth == THEME_DIRECT ? 1000 + colour : 1 + colour;
}

static void assert_shows(const struct terminal *terminal, const struct grid *grid, const struct theme *theme, enum theme_depth depth)
{
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++) {
            const struct cell *cell = grid_cell(grid, x, y);
            const struct pixel *pixel = &terminal->pixels[y][x];
            struct style style = theme_style(theme, depth, cell->role, cell->flags & (CELL_SELECTED | CELL_CURSOR));
            if (cell->flags & CELL_CONTINUED) {
                continue;
            }
            g_assert_cmpuint(pixel->ch, ==, cell->ch);
            g_assert_cmpuint(pixel->mark, ==, cell->combining[0]);
            g_assert_cmpint(pixel->reverse, ==, (style.attributes & STYLE_REVERSE) != 0);
            g_assert_cmpint(pixel->background, ==, code_of(style.background, depth));
            if (cell->ch != ' ' || pixel->reverse) { /* of another space nothing else is to be seen */
                g_assert_cmpint(pixel->bold, ==, (style.attributes & STYLE_BOLD) != 0);
                g_assert_cmpint(pixel->foreground, ==, code_of(style.foreground, depth));
            }
        }
    }
}

static void scribble(struct grid *grid)
{
    static const char *const words[] = {"a", "00 00 ff", "   ", "─│█", "日本", "e\u0301x", "word"};
    struct surface all = surface_of(grid);
    for (int i = g_test_rand_int_range(0, 12); i > 0; i--) {
        int x = g_test_rand_int_range(0, WIDTH), y = g_test_rand_int_range(0, HEIGHT);
        surface_put(all, x, y, (enum role)g_test_rand_int_range(0, ROLE_COUNT), words[g_test_rand_int_range(0, G_N_ELEMENTS(words))]);
        if (g_test_rand_bit()) {
            surface_mark(all, x, y, 3, g_test_rand_bit() ? CELL_SELECTED : CELL_CURSOR);
        }
    }
}

static void check(enum theme_depth depth)
{
    struct grid_traits traits = {.utf8 = true, .colour = depth != THEME_MONO};
    struct grid *grid = grid_new(WIDTH, HEIGHT, traits), *shown = NULL;
    g_autoptr(theme) theme = theme_default();
    struct paint *paint = paint_new();
    struct terminal terminal = {0};
    paint_dress(paint, theme, depth);
    for (int i = 0; i < 500; i++) {
        g_autoptr(GString) out = g_string_new(NULL);
        scribble(grid);
        paint_frame(paint, grid_cell(grid, 0, 0), shown != NULL ? grid_cell(shown, 0, 0) : NULL, WIDTH, HEIGHT, out);
        show(&terminal, out->str);
        assert_shows(&terminal, grid, theme, depth);
        grid_free(shown);
        shown = grid_copy(grid);
        g_string_truncate(out, 0);
        paint_frame(paint, grid_cell(grid, 0, 0), grid_cell(shown, 0, 0), WIDTH, HEIGHT, out);
        g_assert_cmpstr(out->str, ==, ""); /* what is as it was is not sent */
    }
    paint_free(paint);
    grid_free(shown);
    grid_free(grid);
}

static void test_frames_show_the_grid(void)
{
    check(THEME_256);
    check(THEME_DIRECT);
    check(THEME_16);
    check(THEME_MONO);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/paint/frames-show-the-grid", test_frames_show_the_grid);
    return g_test_run();
}
