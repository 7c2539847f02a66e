/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/console/line.h"

#include <readline/history.h>
#include <readline/readline.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/command.h"
#include "ui/console/histfile.h"
#include "ui/text.h"
#include "util/safetext.h"

static struct {
    struct session *session;
    const char *prompt;
    bool tty;
    const struct line_ops *ops;
    void *data;
    GString *keys; /* bytes readline has not read yet */
    FILE *nowhere; /* what it takes for its terminal */
} line;

/* ---- completion ---- */

/* Bytes that all words begin with. */
static size_t common_prefix(char **words)
{
    size_t len = strlen(words[0]);
    for (char **word = words + 1; *word != NULL; word++) {
        size_t i = 0;
        while (i < len && (*word)[i] == words[0][i]) {
            i++;
        }
        len = i;
    }
    while (len > 0 && ((uint8_t)words[0][len] & 0xc0) == 0x80) {
        len--;
    }
    return len;
}

static int complete(int count, int key)
{
    int start = rl_point;
    g_auto(GStrv) words = command_complete(line.session, rl_line_buffer, rl_point, &start);
    if (words == NULL || words[0] == NULL || start > rl_point) {
        return 0;
    }
    size_t len = common_prefix(words);
    bool single = words[1] == NULL;
    bool progress = len > (size_t)(rl_point - start) || strncmp(words[0], rl_line_buffer + start, len) != 0;
    if (len > 0 && (progress || single)) {
        g_autofree char *prefix = g_strndup(words[0], len);
        rl_begin_undo_group();
        rl_delete_text(start, rl_point);
        rl_point = start;
        rl_insert_text(prefix);
        if (single && strchr("/=", prefix[len - 1]) == NULL) {
            rl_insert_text(" ");
        }
        rl_end_undo_group();
    } else if (!single) {
        line.ops->list(line.data, words);
    }
    return 0;
}

/* ---- readline's hands and eyes ---- */

/*
 * A search is left by a key that begins a sequence (Ctrl-X): readline itself would end the search, lose what the sequence is of, and
 * crash with the next key.
 */
static int guard_search(int byte)
{
    enum { ABORT = 'G' & 0x1f, ESCAPE = 0x1b };
    bool begins = byte >= 0 && byte < KEYMAP_SIZE && byte != ESCAPE && rl_get_keymap()[byte].type == ISKMAP;
    return begins && RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH) ? ABORT : byte;
}

static int next_byte(FILE *stream)
{
    if (line.keys->len == 0) {
        return 0; /* never EOF: a half-typed line would be run */
    }
    int byte = (uint8_t)line.keys->str[0];
    g_string_erase(line.keys, 0, 1);
    return guard_search(byte);
}

static int next_typed_byte(FILE *stream)
{
    return guard_search(rl_getc(stream));
}

/* Without this readline would wait for ever for what follows an escape. */
static int input_available(void)
{
    return line.keys->len > 0;
}

static void redisplay(void)
{
}

/* Each byte of what readline would show as it is and a terminal could take for more than text. */
static void mask(char *text, size_t len)
{
    while (len > 0) {
        gunichar ch = g_utf8_get_char_validated(text, (gssize)len);
        size_t bytes = ch == (gunichar)-1 || ch == (gunichar)-2 ? 1 : (size_t)(g_utf8_next_char(text) - text);
        if ((uint8_t)text[0] >= 0x80 && !safetext_is_safe(text, (ssize_t)bytes)) {
            memset(text, '?', bytes);
        }
        text += bytes;
        len -= bytes;
    }
}

/* Line mode: names that were completed may be anything.  Where it is masked the line is as long as it was. */
static void redisplay_safely(void)
{
    size_t len = (size_t)rl_end;
    g_autofree char *kept = safetext_is_safe(rl_line_buffer, (ssize_t)len) ? NULL : g_memdup2(rl_line_buffer, len);
    if (kept != NULL) {
        mask(rl_line_buffer, len);
    }
    rl_redisplay();
    if (kept != NULL) {
        memcpy(rl_line_buffer, kept, len);
    }
}

static void accept_line(char *text)
{
    g_autofree char *owned = g_strdup(text);
    free(text);
    if (owned != NULL && *owned != '\0') {
        const HIST_ENTRY *last = history_length > 0 ? history_get(history_base + history_length - 1) : NULL;
        if (last == NULL || strcmp(last->line, owned) != 0) {
            add_history(owned);
            histfile_note(owned);
        }
    }
    line.ops->accept(line.data, owned);
}

static void detach_from_terminal(void)
{
    line.nowhere = fopen("/dev/null", "r+e");
    rl_instream = line.nowhere;
    rl_outstream = line.nowhere;
    rl_getc_function = next_byte;
    rl_input_available_hook = input_available;
    rl_redisplay_function = redisplay;
    rl_prep_term_function = NULL;
    rl_deprep_term_function = NULL;
    rl_catch_signals = 0;
    rl_catch_sigwinch = 0;
    rl_change_environment = 0;
}

void line_open(struct session *session, const char *prompt, bool tty, const struct line_ops *ops, void *data)
{
    line.session = session;
    line.prompt = prompt;
    line.tty = tty;
    line.ops = ops;
    line.data = data;
    line.keys = g_string_new(NULL);
    rl_readline_name = "blkscope";
    if (tty) {
        rl_getc_function = next_typed_byte;
        rl_redisplay_function = redisplay_safely;
    } else {
        detach_from_terminal();
    }
    rl_catch_signals = 0;
    using_history();
    stifle_history(HISTFILE_LINES_MAX);
    rl_initialize();
    rl_variable_bind("bell-style", "none");
    rl_variable_bind("blink-matching-paren", "off"); /* it waits */
    if (!tty) {
        rl_variable_bind("enable-bracketed-paste", "off");
    }
    rl_bind_key('\t', complete);
    rl_bind_keyseq_if_unbound("\\e[3~", rl_delete);
    rl_bind_keyseq_if_unbound("\\e[H", rl_beg_of_line);
    rl_bind_keyseq_if_unbound("\\e[F", rl_end_of_line);
    rl_bind_keyseq_if_unbound("\\e[1;5D", rl_backward_word);
    rl_bind_keyseq_if_unbound("\\e[1;5C", rl_forward_word);
    if (!tty) {
        rl_callback_handler_install(prompt, accept_line);
    }
}

/* rl_clear_history() leaves pointers to what it freed, for the next search to find; one by one it does not. */
static void forget_history(void)
{
    while (history_length > 0) {
        HIST_ENTRY *entry = remove_history(0);
        if (entry->data != NULL && (UNDO_LIST *)entry->data != rl_undo_list) {
            rl_undo_list = entry->data;
            rl_free_undo_list();
        }
        entry->data = NULL;
        free_history_entry(entry);
    }
}

const char *line_library(void)
{
    return rl_library_version;
}

/* Readline forgets a count that is being typed (Alt-5), but neither that its prompt stands in for ours nor that ours was kept. */
static void drop_line_state(void)
{
    if (RL_ISSTATE(RL_STATE_NUMERICARG)) {
        rl_restore_prompt();
    }
    rl_callback_sigcleanup();
    rl_free_line_state();
}

void line_close(void)
{
    drop_line_state();
    rl_callback_handler_remove();
    forget_history();
    g_string_free(line.keys, TRUE);
    rl_getc_function = rl_getc;
    rl_redisplay_function = rl_redisplay;
    if (line.nowhere != NULL) {
        rl_instream = stdin;
        rl_outstream = stdout;
        rl_input_available_hook = NULL;
        rl_prep_term_function = rl_prep_terminal;
        rl_deprep_term_function = rl_deprep_terminal;
        fclose(line.nowhere);
    }
    memset(&line, 0, sizeof line);
}

/* ---- keys ---- */

static void append_key(GString *bytes, keycode key, bool utf8)
{
    static const struct {
        keycode key;
        const char *bytes;
    } sequences[] = {
        {KEYCODE_UP, "\033[A"},   {KEYCODE_DOWN, "\033[B"}, {KEYCODE_RIGHT, "\033[C"},   {KEYCODE_LEFT, "\033[D"},
        {KEYCODE_HOME, "\033[H"}, {KEYCODE_END, "\033[F"},  {KEYCODE_DELETE, "\033[3~"}, {KEYCODE_BACKSPACE, "\x7f"},
        {KEYCODE_ENTER, "\r"},    {KEYCODE_TAB, "\t"},      {KEYCODE_ESCAPE, "\033"},
        {KEYCODE_LEFT | KEYCODE_CTRL, "\033[1;5D"},         {KEYCODE_RIGHT | KEYCODE_CTRL, "\033[1;5C"},
    };
    if (key & KEYCODE_ALT) {
        g_string_append_c(bytes, '\033');
        key &= ~(keycode)KEYCODE_ALT;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(sequences); i++) {
        if (sequences[i].key == key) {
            g_string_append(bytes, sequences[i].bytes);
            return;
        }
    }
    if (key < 0x80 || (key < 0x100 && !utf8)) {
        g_string_append_c(bytes, (char)key);
    } else if (key < KEYCODE_NONE) {
        g_string_append_unichar(bytes, key);
    }
}

void line_key(keycode key, bool utf8)
{
    append_key(line.keys, key, utf8);
    while (line.keys != NULL && line.keys->len > 0) {
        rl_callback_read_char();
    }
}

void line_paste(const char *text)
{
    g_autoptr(GString) clean = g_string_new(NULL);
    for (; *text != '\0'; text = g_utf8_next_char(text)) {
        gunichar ch = g_utf8_get_char(text);
        if (ch == '\r') {
            ch = '\n'; /* what terminals make of it */
            text += text[1] == '\n';
        }
        if (ch == '\n' || ch == '\t' || (ch >= 0x20 && (ch < 0x7f || ch >= 0xa0))) {
            g_string_append_unichar(clean, ch == '\t' ? ' ' : ch);
        }
    }
    if (RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH)) {
        line_key(KEYCODE_ESCAPE, true); /* what was found stays in the line */
    }
    rl_insert_text(clean->str);
}

void line_prompt(void)
{
    rl_callback_handler_install(line.prompt, accept_line);
}

void line_unprompt(void)
{
    rl_callback_handler_remove();
}

void line_read_terminal(void)
{
    rl_callback_read_char();
}

void line_hide(void)
{
    rl_clear_visible_line();
    fflush(rl_outstream);
}

void line_show(void)
{
    rl_on_new_line();
    rl_forced_update_display();
}

void line_leave_terminal(void)
{
    rl_deprep_terminal();
}

void line_enter_terminal(void)
{
    rl_prep_terminal(1);
    line_show();
}

bool line_is_empty(void)
{
    return rl_end == 0 && !RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH);
}

const char *line_text(int *ret_typed)
{
    g_autofree char *before = g_strndup(rl_line_buffer, (gsize)rl_point);
    g_autofree char *valid = g_utf8_make_valid(before, -1);
    *ret_typed = (int)g_utf8_strlen(valid, -1);
    return rl_line_buffer;
}

void line_set(const char *text, int typed)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    line_clear();
    line_paste(valid);
    int characters = (int)g_utf8_strlen(rl_line_buffer, -1);
    rl_point = (int)(g_utf8_offset_to_pointer(rl_line_buffer, CLAMP(typed, 0, characters)) - rl_line_buffer);
}

char *line_usage(void)
{
    return command_usage_at(line.session, rl_line_buffer, rl_point);
}

/* Installing the handler anew is the one way to reset all that readline keeps: searches, place in the history, undo. */
void line_clear(void)
{
    drop_line_state();
    if (line.tty) {
        rl_crlf();
    }
    rl_callback_handler_remove();
    rl_callback_handler_install(line.prompt, accept_line);
}

bool line_wants_escape(void)
{
    return RL_ISSTATE(RL_STATE_ISEARCH | RL_STATE_NSEARCH) || rl_get_keymap() == vi_insertion_keymap;
}

/* ---- looks ---- */

void line_draw(struct surface surface, int y, bool focused)
{
    /* Readline marks what it believes invisible in prompts with 1 and 2. */
    g_autofree char *prompt = g_strdup(rl_display_prompt != NULL ? rl_display_prompt : line.prompt);
    char *to = prompt;
    for (const char *from = prompt; *from != '\0'; from++) {
        if (*from != RL_PROMPT_START_IGNORE && *from != RL_PROMPT_END_IGNORE) {
            *to++ = *from;
        }
    }
    *to = '\0';
    int x = MIN(surface_put(surface, 0, y, ROLE_PROMPT, prompt), surface.width);
    struct surface field = surface_part(surface, x, y, surface.width - x, 1);
    int cursor = text_columns(rl_line_buffer, rl_point);
    int shift = 0;
    if (field.width > 1 && cursor > field.width - 1) {
        shift = cursor - (field.width - 1);
        shift += MIN(field.width / 4, cursor - shift); /* some text stays visible behind the cursor */
        shift = MIN(shift, cursor);
    }
    surface_put(field, -shift, 0, ROLE_INPUT, rl_line_buffer);
    if (focused) {
        surface_set_cursor(field, cursor - shift, 0);
    }
}
