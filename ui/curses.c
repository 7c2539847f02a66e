/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The terminal, through ncurses: only this file, curses-show.c, curses-input.c and that of the keys know it.  Signals, including the change of size,
 * are the application's: curses' own handlers are taken away.
 */
#include "ui/curses-private.h"

#include <langinfo.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "io/fd.h"
#include "ui/escape.h"
#include "ui/restore.h"

enum { ESCAPE_DELAY_MS = 25 };

/* ---- colours ---- */

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

/* ---- coming and going ---- */

/* What curses has no word for, or too many.  It keeps nothing back between refreshes, so that the order is right. */
static void say(const char *text)
{
    fd_write_all(STDOUT_FILENO, text, strlen(text)); /* of a terminal that is gone there is nothing to be said */
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
        curses_make_looks(curses, theme);
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
