/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The terminal, through ncurses: only this file and that of its keys know it.  Cells that are as they were last shown are not even told
 * to curses, which in turn sends only what differs on the terminal.  Signals, including the change of size, are the
 * application's: curses' own handlers are taken away.
 */
#define NCURSES_WIDECHAR 1
#include <curses.h>

#include <langinfo.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "io/fd.h"
#include "ui/curses-keys.h"
#include "ui/decode.h"
#include "ui/display.h"
#include "ui/escape.h"
#include "ui/paint.h"
#include "ui/restore.h"

enum {
    ESCAPE_DELAY_MS = 25,
    ANSWER_US = 200 * 1000, /* between the pieces of one */
    GIVE_UP_US = 5 * 1000 * 1000, /* a sequence whose end has not come is none */
    FLAG_VARIANTS = 4, /* combinations of CELL_SELECTED and CELL_CURSOR */
};

struct looks {
    attr_t attributes;
    int pair;
};

struct curses {
    struct display base;
    SCREEN *screen;
    struct termios modes; /* of the terminal as it was found */
    char restore[512];    /* what a fatal signal writes */
    size_t restore_len;
    struct looks looks[ROLE_COUNT][FLAG_VARIANTS];
    struct cell *shown; /* width * height, NULL: nothing is known to be shown */
    int width, height;
    bool cursor_visible;
    bool left;
    enum theme_depth depth;
    struct escape *escape;
    struct decode decode; /* of a character that came in part */
    int64_t heard_us; /* g_get_monotonic_time() of the last input */
    bool wraps_early;  /* its description says that it goes to the next row behind the last column, which few do today: see show_by_curses() */
    bool speaks_xterm; /* knows the mouse, bracketed paste and questions for colours, or ignores them */
    bool mouse;
    bool asked;          /* for the colour of the background, and not answered yet */
    int64_t asked_us;
    struct paint *paint; /* NULL: curses paints */
    GString *out;        /* what it says of a frame */
};

static struct curses *curses_of(struct display *display)
{
    return (struct curses *)display;
}

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

/* Terminals say more often in their environment that they have 24-bit colours than in their description. */
static bool says_truecolor(void)
{
    const char *value = g_getenv("COLORTERM");
    return value != NULL && (strcmp(value, "truecolor") == 0 || strcmp(value, "24bit") == 0);
}

static enum theme_depth start_colours(bool speaks_xterm)
{
    if (!has_colors() || start_color() == ERR) {
        return THEME_MONO;
    }
    use_default_colors();
    bool direct = tigetflag("RGB") > 0 && COLORS >= 1 << 24;
    return theme_depth_for(COLORS, direct || (speaks_xterm && COLORS >= 256 && says_truecolor()));
}

static void make_looks(struct curses *curses, const struct theme *theme)
{
    enum theme_depth depth = curses->depth;
    for (int role = 0; role < ROLE_COUNT; role++) {
        for (unsigned flags = 0; flags < FLAG_VARIANTS; flags++) {
            struct style style = theme_style(theme, depth, role, flags);
            int pair = 0;
            if (depth != THEME_MONO && (style.foreground >= 0 || style.background >= 0)) {
                pair = alloc_pair(style.foreground, style.background);
            }
            curses->looks[role][flags] = (struct looks){attributes_of(&style), MAX(pair, 0)};
        }
    }
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
    const struct looks *looks = &curses->looks[cell->role][cell->flags & (FLAG_VARIANTS - 1)];
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

/* What curses has no word for, or too many.  It keeps nothing back between refreshes, so that the order is right. */
static void say(const char *text)
{
    fd_write_all(STDOUT_FILENO, text, strlen(text)); /* of a terminal that is gone there is nothing to be said */
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

static void curses_show(struct display *display, const struct grid *grid)
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

static void curses_size(struct display *display, int *ret_width, int *ret_height)
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

static void curses_forget(struct display *display)
{
    struct curses *curses = curses_of(display);
    g_clear_pointer(&curses->shown, g_free);
    if (curses->paint == NULL) {
        clearok(curscr, TRUE);
    }
}

/* ---- input ---- */

/*
 * As get_wch(): OK and a character, KEY_CODE_YES and a function key, or ERR when nothing is waiting.  That one takes bytes that are no UTF-8 for
 * the beginning of a character for as long as it has room, and what comes behind them is lost.
 */
static int next_char(struct curses *curses, wint_t *ret_ch)
{
    uint32_t ch;
    int code;
    while ((code = getch()) != ERR) {
        if (code >= KEY_MIN) {
            *ret_ch = (wint_t)code;
            return KEY_CODE_YES;
        }
        if (!curses->base.traits.utf8) {
            *ret_ch = btowc(code) != WEOF ? btowc(code) : (wint_t)code;
            return OK;
        }
        enum decode_result result = decode_byte(&curses->decode, (uint8_t)code, &ch);
        if (result == DECODE_AGAIN) {
            ungetch(code);
        }
        if (result != DECODE_MORE) {
            *ret_ch = ch;
            return OK;
        }
    }
    return ERR;
}

static struct event key_event(keycode key)
{
    return (struct event){.kind = EVENT_KEY, .key = key};
}

/* An escape character came: alone, as Alt upon a key, or at the head of a sequence that is then open. */
static struct event after_escape(struct curses *curses)
{
    wint_t ch;
    int kind = next_char(curses, &ch);
    if (kind == KEY_CODE_YES) {
        keycode key = curses_keys_find(ch);
        return key_event(key == KEYCODE_NONE || key == KEYCODE_RESIZE ? KEYCODE_ESCAPE : key | KEYCODE_ALT);
    }
    if (kind == ERR) {
        return key_event(KEYCODE_ESCAPE);
    }
    if (ch == ']' && curses->asked && escape_begins(curses->escape, ch)) {
        return (struct event){EVENT_NONE}; /* the answer, perhaps in pieces */
    }
    if (ch == '[') {
        wint_t next;
        kind = next_char(curses, &next);
        if (kind == OK && escape_begins(curses->escape, ch)) {
            return escape_feed(curses->escape, next);
        }
        if (kind == KEY_CODE_YES) {
            ungetch((int)next);
        }
    }
    return key_event(key_from_char(ch) | KEYCODE_ALT);
}

static struct event curses_read(struct display *display)
{
    struct curses *curses = curses_of(display);
    struct event event = {EVENT_NONE};
    wint_t ch;
    int kind;
    int64_t silence = g_get_monotonic_time() - curses->heard_us;
    if (escape_is_open(curses->escape) && silence > (curses->asked ? ANSWER_US : GIVE_UP_US)) {
        event = escape_give_up(curses->escape);
    }
    curses->asked = curses->asked && g_get_monotonic_time() - curses->asked_us < GIVE_UP_US;
    while (event.kind == EVENT_NONE && (kind = next_char(curses, &ch)) != ERR) {
        curses->heard_us = g_get_monotonic_time();
        if (kind == KEY_CODE_YES) {
            keycode key = curses_keys_find(ch);
            event = key == KEYCODE_NONE ? event : key_event(key);
        } else if (escape_is_open(curses->escape)) {
            event = escape_feed(curses->escape, ch);
            curses->asked = curses->asked && event.kind != EVENT_BACKGROUND;
        } else if (ch != 0xfffd) { /* rubbish is no key */
            event = ch == 0x1b ? after_escape(curses) : key_event(key_from_char(ch));
        }
    }
    return event;
}

/* ---- coming and going ---- */

static void curses_dress(struct display *display, const struct theme *theme)
{
    struct curses *curses = curses_of(display);
    if (curses->paint != NULL) {
        paint_dress(curses->paint, theme, curses->depth);
        g_clear_pointer(&curses->shown, g_free);
        return;
    }
    for (int role = 0; role < ROLE_COUNT; role++) {
        for (unsigned flags = 0; flags < FLAG_VARIANTS; flags++) {
            if (curses->looks[role][flags].pair > 0) {
                free_pair(curses->looks[role][flags].pair); /* a terminal may have few; shared ones fail, which is fine */
            }
        }
    }
    make_looks(curses, theme);
    clearok(curscr, TRUE); /* pairs that were given out anew look the same to curses */
    g_clear_pointer(&curses->shown, g_free);
}

#define MOUSE_ON "\033[?1002h\033[?1006h"
#define MOUSE_OFF "\033[?1006l\033[?1002l"
#define PASTE_ON "\033[?2004h"
#define PASTE_OFF "\033[?2004l"

static void take_input(struct curses *curses)
{
    if (curses->speaks_xterm) {
        say(curses->mouse ? PASTE_ON MOUSE_ON : PASTE_ON);
    }
}

static void curses_mouse(struct display *display, bool on)
{
    struct curses *curses = curses_of(display);
    if (curses->speaks_xterm && !curses->left && on != curses->mouse) {
        say(on ? MOUSE_ON : MOUSE_OFF);
    }
    curses->mouse = on;
}

/* Control characters of what comes from an image must not reach whatever it is pasted into. */
static bool curses_copy(struct display *display, const char *text, size_t len)
{
    struct curses *curses = curses_of(display);
    if (!curses->speaks_xterm || curses->left) {
        return false;
    }
    g_autoptr(GString) clean = g_string_new(NULL);
    while (len > 0) {
        gunichar ch = g_utf8_get_char_validated(text, (gssize)len);
        size_t bytes = ch == (gunichar)-1 || ch == (gunichar)-2 ? 1 : (size_t)(g_utf8_next_char(text) - text);
        bool control = ch == (gunichar)-1 || ch == (gunichar)-2 || (g_unichar_iscntrl(ch) && ch != '\n' && ch != '\t');
        g_string_append_len(clean, control ? "?" : text, control ? 1 : (gssize)bytes);
        text += bytes;
        len -= bytes;
    }
    g_autofree char *base64 = g_base64_encode((const guchar *)clean->str, clean->len);
    say("\033]52;c;");
    say(base64);
    say("\a");
    return true;
}

static void curses_enter(struct display *display)
{
    struct curses *curses = curses_of(display);
    restore_arm(STDOUT_FILENO, &curses->modes, curses->restore, curses->restore_len);
    reset_prog_mode();
    clearok(curscr, TRUE);
    g_clear_pointer(&curses->shown, g_free);
    curses->left = false;
    curses->cursor_visible = true;
    refresh();
    take_input(curses);
}

static void curses_leave(struct display *display)
{
    struct curses *curses = curses_of(display);
    if (!curses->left) {
        curses->left = true;
        if (curses->speaks_xterm) {
            say(MOUSE_OFF PASTE_OFF);
        }
        curs_set(1);
        endwin();
        tcsetattr(STDIN_FILENO, TCSADRAIN, &curses->modes);
        restore_disarm();
    }
}

static void curses_free(struct display *display)
{
    struct curses *curses = curses_of(display);
    curses_leave(display);
    delscreen(curses->screen);
    escape_free(curses->escape);
    paint_free(curses->paint);
    if (curses->out != NULL) {
        g_string_free(curses->out, TRUE);
    }
    g_free(curses->shown);
    g_free(curses);
}

static const struct display_ops curses_ops = {
    .name = "curses",
    .size = curses_size,
    .show = curses_show,
    .read = curses_read,
    .fd = STDIN_FILENO,
    .mouse = curses_mouse,
    .copy = curses_copy,
    .forget = curses_forget,
    .leave = curses_leave,
    .enter = curses_enter,
    .dress = curses_dress,
    .free = curses_free,
};

/* Terminfo strings have $<5/> delays in them, for terminals of another time. */
static void append_without_delays(struct curses *curses, const char *capability)
{
    const char *text = tigetstr(capability);
    if (text == NULL || text == (const char *)-1) {
        return;
    }
    while (*text != '\0' && curses->restore_len < sizeof curses->restore) {
        const char *end = g_str_has_prefix(text, "$<") ? strchr(text, '>') : NULL;
        if (end != NULL) {
            text = end + 1;
        } else {
            curses->restore[curses->restore_len++] = *text++;
        }
    }
}

static void append(struct curses *curses, const char *text)
{
    size_t len = MIN(strlen(text), sizeof curses->restore - curses->restore_len);
    memcpy(curses->restore + curses->restore_len, text, len);
    curses->restore_len += len;
}

static void take_back_signals(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGTSTP, SIGWINCH};
    for (size_t i = 0; i < G_N_ELEMENTS(signals); i++) {
        signal(signals[i], SIG_DFL);
    }
}

const char *curses_library(void)
{
    return curses_version();
}

struct display *curses_new(const struct theme *theme, GError **error)
{
    g_autofree struct curses *curses = g_new0(struct curses, 1);
    const char *type = g_getenv("TERM");
    if (tcgetattr(STDIN_FILENO, &curses->modes) != 0) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "standard input: not a terminal");
        return NULL;
    }
    use_env(TRUE);
    use_tioctl(TRUE);
    set_escdelay(ESCAPE_DELAY_MS);
    curses->screen = newterm(NULL, stdout, stdin);
    if (curses->screen == NULL) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                    "terminal type '%s': not known here; set TERM, or use --plain", type != NULL ? type : "");
        return NULL;
    }
    take_back_signals();
    const char *address = tigetstr("cup");
    if (address == NULL || address == (const char *)-1) {
        endwin();
        delscreen(curses->screen);
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "terminal type '%s': can't move its cursor; use --plain",
                    type);
        return NULL;
    }
    raw();
    noecho();
    nonl();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    intrflush(stdscr, FALSE);
    leaveok(stdscr, FALSE);
    /* Of the families of terminals with a mouse, all know the rest, too. */
    curses->wraps_early = tigetflag("am") > 0 && tigetflag("xenl") <= 0;
    curses->speaks_xterm = tigetstr("kmous") != NULL && tigetstr("kmous") != (const char *)-1;
    curses->depth = start_colours(curses->speaks_xterm);
    if (curses->speaks_xterm) {
        curses->paint = paint_new();
        curses->out = g_string_new(NULL);
        paint_dress(curses->paint, theme, curses->depth);
    } else {
        make_looks(curses, theme);
    }
    keyok(KEY_MOUSE, FALSE);
    curses->escape = escape_new();
    curses->mouse = true;
    if (curses->speaks_xterm) {
        append(curses, MOUSE_OFF PASTE_OFF);
    }
    static const char *const undo[] = {"sgr0", "op", "cnorm", "rmkx", "rmcup"};
    for (size_t i = 0; i < G_N_ELEMENTS(undo); i++) {
        append_without_delays(curses, undo[i]);
    }
    curses->base = (struct display){
        .ops = &curses_ops,
        .traits = {.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0, .colour = curses->depth != THEME_MONO},
    };
    curses->cursor_visible = true;
    restore_arm(STDOUT_FILENO, &curses->modes, curses->restore, curses->restore_len);
    refresh(); /* the other screen comes first: modes may belong to one */
    take_input(curses);
    if (curses->speaks_xterm && curses->depth != THEME_MONO) {
        say("\033]11;?\a"); /* the answer comes like a key, or never */
        curses->asked = true;
        curses->asked_us = g_get_monotonic_time();
    }
    return &g_steal_pointer(&curses)->base;
}
