/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a terminal sends: any bytes become keys, mouse and pasted text, and these drive a whole screen in memory.  Whatever is then on it is
 * safe to show.  No line is run in the console: some commands end the program, others make files.
 */
#include <string.h>

#include "engine/session.h"
#include "fuzz.h"
#include "ui/console/console.h"
#include "ui/decode.h"
#include "ui/desk.h"
#include "ui/desk-private.h"
#include "ui/escape.h"
#include "ui/keymap.h"

/* Drawing is most of the work, and terminals send more than one thing between two frames. */
enum { TURNS_MAX = 100, BYTES_MAX = 4096, WIDTH = 100, HEIGHT = 30, EVENTS_A_FRAME = 4 };

/* readline keeps a few bytes of an undone or repeated command for itself. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libreadline\n";
}

struct screen {
    struct session *session;
    struct desk *desk;
    unsigned events;
};

static void nothing(void *data)
{
}

static void dress(void *data, const struct theme *theme)
{
}

static void set_mouse(void *data, bool on)
{
}

static bool copy(void *data, const char *text, size_t len)
{
    g_assert_nonnull(text);
    return true;
}

static const struct desk_ops desk_ops = {nothing, nothing, nothing, dress, set_mouse, copy};

static void ended(void *data, int ret)
{
    *(bool *)data = true;
}

static void check_picture(const struct grid *grid)
{
    for (int y = 0; y < grid_height(grid); y++) {
        for (int x = 0; x < grid_width(grid); x++) {
            const struct cell *cell = grid_cell(grid, x, y);
            g_assert_true((cell->flags & CELL_CONTINUED) || (cell->ch >= 0x20 && cell->ch < 0x110000 && (cell->ch < 0x7f || cell->ch > 0x9f)));
            g_assert_cmpint(cell->role, <, ROLE_COUNT);
        }
    }
}

/* All that goes on has ended. */
static void settle(void)
{
    for (int i = 0; i < TURNS_MAX && (aio_manual_count(fuzz_aio()) > 0 || g_main_context_pending(NULL)); i++) {
        while (aio_manual_count(fuzz_aio()) > 0)
            aio_manual_complete(fuzz_aio(), 0, 0);
        g_main_context_iteration(NULL, FALSE);
    }
}

/* Drawing may ask for more. */
static void settle_and_draw(struct screen *screen)
{
    settle();
    for (int i = 0; i < TURNS_MAX && desk_is_dirty(screen->desk); i++) {
        check_picture(desk_draw(screen->desk));
        settle();
    }
}

static void begin(struct screen *screen)
{
    struct session_config config = {.prog = "fuzz", .refs = BLK_REFS_NONE, .aio = fuzz_aio()};
    struct sink *sink = sink_new_buffer();
    bool opened = false;
    screen->session = session_new(&config);
    session_run(screen->session, "open -o driver=null-co,size=65536,read-zeroes=on", sink, 0, ended, &opened);
    while (!opened)
        fuzz_turn();
    sink_free(sink);
    screen->desk = desk_new(screen->session, (struct grid_traits){.utf8 = true, .colour = true}, &desk_ops, NULL);
    desk_resize(screen->desk, WIDTH, HEIGHT);
}

/* Those that accept a line: in the console they would run it. */
static bool runs_a_line(const struct screen *screen, keycode key)
{
    keycode bare = key & ~(keycode)(KEYCODE_ALT | KEYCODE_CTRL | KEYCODE_SHIFT);
    return screen->desk->focus == LAYOUT_CONSOLE && (bare == KEYCODE_ENTER || bare == 'O' - '@' || bare == '\n' || bare == '\r');
}

static void take_event(struct screen *screen, const struct event *event)
{
    switch (event->kind) {
    case EVENT_KEY: {
        g_autofree char *name = key_format(event->key);
        g_assert_true(key_parse(name) == event->key || key_parse(name) == KEYCODE_NONE);
        if (event->key == KEYCODE_RESIZE)
            desk_resize(screen->desk, 1 + grid_width(desk_draw(screen->desk)) % 200, HEIGHT);
        else if (!runs_a_line(screen, event->key))
            desk_key(screen->desk, event->key);
        break;
    }
    case EVENT_MOUSE:
        g_assert_true(event->mouse.x >= 0 && event->mouse.y >= 0 && event->mouse.button >= 0 && event->mouse.button <= 3);
        desk_mouse(screen->desk, &event->mouse);
        break;
    case EVENT_PASTE:
        g_assert_true(g_utf8_validate(event->text, -1, NULL));
        desk_paste(screen->desk, event->text);
        break;
    case EVENT_BACKGROUND:
        desk_background(screen->desk, event->colour[0] > 127);
        break;
    case EVENT_NONE:
        break;
    }
}

/* As the terminal's reader puts them together (ui/curses.c). */
static void feed(struct screen *screen, struct escape *escape, uint32_t ch, bool *escaped)
{
    struct event event = {EVENT_NONE};
    if (escape_is_open(escape)) {
        event = escape_feed(escape, ch);
    } else if (*escaped) {
        *escaped = false;
        if (!escape_begins(escape, ch))
            event = (struct event){.kind = EVENT_KEY, .key = key_from_char(ch) | KEYCODE_ALT};
    } else if (ch == 0x1b) {
        *escaped = true;
    } else if (ch != 0xfffd) {
        event = (struct event){.kind = EVENT_KEY, .key = key_from_char(ch)};
    }
    take_event(screen, &event);
    if (event.kind == EVENT_NONE)
        return;
    if (screen->events++ % EVENTS_A_FRAME == 0)
        settle_and_draw(screen);
    else
        settle();
}

void fuzz_one(const uint8_t *data, size_t size)
{
    struct screen screen = {0};
    struct escape *escape = escape_new();
    struct decode decode = {0};
    bool escaped = false;
    begin(&screen);
    settle_and_draw(&screen);
    for (size_t i = 0; i < MIN(size, BYTES_MAX) && !desk_wants_quit(screen.desk); i++) {
        uint32_t ch;
        enum decode_result result;
        while ((result = decode_byte(&decode, data[i], &ch)) == DECODE_AGAIN)
            feed(&screen, escape, ch, &escaped);
        if (result == DECODE_DONE)
            feed(&screen, escape, ch, &escaped);
    }
    struct event event = escape_give_up(escape);
    take_event(&screen, &event);
    settle_and_draw(&screen);
    desk_free(screen.desk);
    session_free(screen.session);
    escape_free(escape);
    keymap_reset();
    while (co_live() > 0)
        fuzz_turn();
    console_forget();
}
