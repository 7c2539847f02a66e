/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/prompt.h"

#include <glib.h>

#include "ui/text.h"

enum { TEXT_MAX = 4096 };

struct prompt {
    char *question, *hint;
    GString *text;
    size_t cursor; /* in bytes, between characters */
};

struct prompt *prompt_new(const char *question, const char *hint)
{
    struct prompt *prompt = g_new0(struct prompt, 1);
    prompt->question = g_strdup(question);
    prompt->hint = g_strdup(hint);
    prompt->text = g_string_new(NULL);
    return prompt;
}

void prompt_free(struct prompt *prompt)
{
    if (prompt != NULL) {
        g_free(prompt->question);
        g_free(prompt->hint);
        g_string_free(prompt->text, TRUE);
        g_free(prompt);
    }
}

const char *prompt_text(const struct prompt *prompt)
{
    return prompt->text->str;
}

static size_t before(const struct prompt *prompt)
{
    return prompt->cursor == 0 ? 0 : (size_t)(g_utf8_prev_char(prompt->text->str + prompt->cursor) - prompt->text->str);
}

static size_t after(const struct prompt *prompt)
{
    return prompt->cursor == prompt->text->len
               ? prompt->cursor
               : (size_t)(g_utf8_next_char(prompt->text->str + prompt->cursor) - prompt->text->str);
}

static void erase(struct prompt *prompt, size_t from, size_t to)
{
    g_string_erase(prompt->text, (gssize)from, (gssize)(to - from));
    prompt->cursor = from;
}

static void insert(struct prompt *prompt, keycode ch)
{
    if (prompt->text->len < TEXT_MAX) {
        g_string_insert_unichar(prompt->text, (gssize)prompt->cursor, ch);
        prompt->cursor = after(prompt);
    }
}

bool prompt_key(struct prompt *prompt, keycode key)
{
    switch (key) {
    case KEYCODE_LEFT:
        prompt->cursor = before(prompt);
        return true;
    case KEYCODE_RIGHT:
        prompt->cursor = after(prompt);
        return true;
    case KEYCODE_HOME:
    case 'A' & 0x1f:
        prompt->cursor = 0;
        return true;
    case KEYCODE_END:
    case 'E' & 0x1f:
        prompt->cursor = prompt->text->len;
        return true;
    case KEYCODE_BACKSPACE:
        erase(prompt, before(prompt), prompt->cursor);
        return true;
    case KEYCODE_DELETE:
    case 'D' & 0x1f:
        erase(prompt, prompt->cursor, after(prompt));
        return true;
    case 'U' & 0x1f:
        erase(prompt, 0, prompt->cursor);
        return true;
    case 'K' & 0x1f:
        erase(prompt, prompt->cursor, prompt->text->len);
        return true;
    default:
        if (key_is_text(key)) {
            insert(prompt, key);
        }
        return key_is_text(key);
    }
}

bool prompt_paste(struct prompt *prompt, const char *text)
{
    bool any = false;
    for (; *text != '\0'; text = g_utf8_next_char(text)) {
        keycode ch = g_utf8_get_char(text);
        ch = ch == '\n' || ch == '\r' || ch == '\t' ? ' ' : ch;
        if (key_is_text(ch)) {
            insert(prompt, ch);
            any = true;
        }
    }
    return any;
}

int prompt_typed(const struct prompt *prompt)
{
    return (int)g_utf8_strlen(prompt->text->str, (gssize)prompt->cursor);
}

void prompt_set(struct prompt *prompt, const char *text, int typed)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    g_string_truncate(prompt->text, 0);
    prompt->cursor = 0;
    prompt_paste(prompt, valid);
    typed = CLAMP(typed, 0, (int)g_utf8_strlen(prompt->text->str, -1));
    prompt->cursor = (size_t)(g_utf8_offset_to_pointer(prompt->text->str, typed) - prompt->text->str);
}

void prompt_draw(const struct prompt *prompt, struct surface surface)
{
    int x = surface_put(surface, 1, 0, ROLE_PROMPT, prompt->question);
    struct surface field = surface_part(surface, x, 0, surface.width - x, 1);
    int cursor = text_columns(prompt->text->str, (int)prompt->cursor);
    int shift = MAX(cursor - MAX(field.width - 1, 0), 0);
    if (prompt->text->len == 0) {
        int clauses = text_fit_clauses(prompt->hint, field.width - 1);
        if (clauses > 0) {
            surface_put_len(field, 0, 0, ROLE_DIM, prompt->hint, clauses);
        } else {
            surface_put_fit(field, 0, 0, field.width - 1, ROLE_DIM, prompt->hint);
        }
    }
    surface_put(field, -shift, 0, ROLE_INPUT, prompt->text->str);
    surface_set_cursor(field, cursor - shift, 0);
}
