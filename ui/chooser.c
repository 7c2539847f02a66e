/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A list to choose from: what is typed narrows it down, best matches first. */
#include <limits.h>
#include <string.h>

#include "ui/desk-private.h"
#include "ui/overlay.h"
#include "ui/prompt.h"

enum { WIDTH_MAX = 84, KEYS_SHARE = 5, NAME_SHARE = 3, NARROW = 72, RULE_HEIGHT = 12, DETAIL_SHARE = 3 };

struct chooser {
    struct overlay overlay;
    const struct chooser_ops *ops;
    GPtrArray *choices; /* struct choice, all of them */
    GPtrArray *fitting; /* of these, best first */
    struct prompt *prompt;
    int marked, top, page;
    int name_columns, keys_columns, help_columns; /* of the widest; 0: no choice has keys, or help */
    struct rectangle box, list; /* as last drawn, in cells of the surface */
};

static struct chooser *chooser_of(struct overlay *overlay)
{
    return (struct chooser *)overlay;
}

struct choice *choice_new(const char *name, const char *keys, const char *help, int value)
{
    struct choice *choice = g_new(struct choice, 1);
    *choice = (struct choice){g_strdup(name), g_strdup(keys), g_strdup(help), value, NULL};
    return choice;
}

void choice_free(void *data)
{
    struct choice *choice = data;
    g_free(choice->name);
    g_free(choice->keys);
    g_free(choice->help);
    g_free(choice);
}

/* ---- matching ---- */

static bool begins_word(const char *text, const char *at)
{
    return at == text || !g_ascii_isalnum(at[-1]);
}

/* Whether the pattern's characters are in the text in this order. */
static bool has_all(const char *pattern, const char *text)
{
    for (; *pattern != '\0'; pattern++) {
        while (*pattern != ' ' && *text != '\0' && g_ascii_tolower(*text) != g_ascii_tolower(*pattern)) {
            text++;
        }
        if (*pattern != ' ' && *text++ == '\0') {
            return false;
        }
    }
    return true;
}

int chooser_score(const char *pattern, const char *text)
{
    enum { FOUND = 1, TOGETHER = 8, WORD = 6, START = 4 };
    int score = 1;
    const char *last = NULL;
    for (const char *at = text; *pattern != '\0'; pattern++) {
        if (*pattern == ' ') {
            last = NULL;
            continue;
        }
        /* Where a word begins is better than the next best place. */
        const char *next = NULL, *word = NULL;
        for (const char *look = at; *look != '\0' && word == NULL; look++) {
            if (g_ascii_tolower(*look) == g_ascii_tolower(*pattern)) {
                next = next != NULL ? next : look;
                word = begins_word(text, look) ? look : NULL;
            }
        }
        if (next == NULL) {
            return 0;
        }
        bool together = last != NULL && next == last + 1;
        const char *found = together || word == NULL ? next : word;
        /* A jump to a word must leave something to find the rest in. */
        if (found == word && !together && word != next && !has_all(pattern + 1, word + 1)) {
            found = next;
        }
        score += FOUND + (together ? TOGETHER : 0) + (begins_word(text, found) ? WORD : 0) + (found == text ? START : 0);
        last = found;
        at = found + 1;
    }
    return score;
}

struct ranked {
    struct choice *choice;
    int score;
    size_t length; /* of the name: 0 where nothing was typed */
    unsigned order;
};

static int by_score(const void *a, const void *b)
{
    const struct ranked *left = a, *right = b;
    if (left->score != right->score) {
        return left->score < right->score ? 1 : -1;
    }
    return left->length != right->length ? (left->length > right->length ? 1 : -1) : (left->order > right->order ? 1 : -1);
}

/* One word of what was typed, also in small letters.  Names count most, then keys as they are called, then what is said about it. */
static int score_word(const struct choice *choice, const char *word, char *const *keys, const char *help)
{
    enum { NAME = 4, KEY = 1000 };
    int score = chooser_score(word, choice->name) * NAME;
    for (; *keys != NULL; keys++) {
        score += strcmp(*keys, word) == 0 || (word[1] != '\0' && g_ascii_strcasecmp(*keys, word) == 0) ? KEY : 0;
    }
    /* Prose has every letter somewhere: only what stands together is found in it. */
    return score > 0 ? score : strstr(help, word) != NULL;
}

/* Names without what only joins their words: "goto" is "go-to" and ":goto". */
static char *letters_of(const char *name)
{
    GString *letters = g_string_new(NULL);
    for (; *name != '\0'; name++) {
        if (*name != '-' && *name != ':' && *name != ' ' && *name != '_') {
            g_string_append_c(letters, g_ascii_tolower(*name));
        }
    }
    return g_string_free(letters, FALSE);
}

/* "hex: c" where the key is another panel's.  g_free. */
static char *keys_text(const struct choice *choice)
{
    if (choice->where == NULL) {
        return g_strdup(choice->keys != NULL ? choice->keys : "");
    }
    return choice->keys != NULL ? g_strdup_printf("%s: %s", choice->where, choice->keys) : g_strdup(choice->where);
}

/* What was typed, taken apart once for all choices. */
struct wanted {
    const char *text;
    char *letters; /* see letters_of() */
    GPtrArray *words, *small; /* each that is not empty, once; and the same in small letters */
};

static struct wanted wanted_of(const char *text)
{
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    g_autofree char *low = g_ascii_strdown(text, -1);
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    struct wanted wanted = {text, letters_of(low), g_ptr_array_new_with_free_func(g_free), g_ptr_array_new_with_free_func(g_free)};
    for (char **word = words; *word != NULL; word++) {
        if (**word != '\0' && g_hash_table_add(seen, *word)) {
            g_ptr_array_add(wanted.words, g_strdup(*word));
            g_ptr_array_add(wanted.small, g_ascii_strdown(*word, -1));
        }
    }
    return wanted;
}

static void wanted_done(struct wanted *wanted)
{
    g_free(wanted->letters);
    g_ptr_array_unref(wanted->words);
    g_ptr_array_unref(wanted->small);
}

/* All words must be found, in any order. */
static int score_of(const struct choice *choice, const struct wanted *wanted)
{
    enum { WHOLE = 500, BEGINS = 40, IN_ORDER = 20, NEAR = 3 };
    g_auto(GStrv) keys = g_strsplit(choice->keys != NULL ? choice->keys : "", ", ", -1);
    g_autofree char *help = g_ascii_strdown(choice->help != NULL ? choice->help : "", -1), *name = letters_of(choice->name);
    int score = 1;
    for (unsigned i = 0; i < wanted->words->len; i++) {
        int one = MAX(score_word(choice, wanted->words->pdata[i], keys, help), score_word(choice, wanted->small->pdata[i], keys, help));
        if (one == 0) {
            return 0;
        }
        score += one;
    }
    if (*wanted->letters != '\0') {
        score += strcmp(wanted->letters, name) == 0 ? WHOLE : g_str_has_prefix(name, wanted->letters) ? BEGINS : 0;
        score += strchr(wanted->text, ' ') != NULL && chooser_score(wanted->text, choice->name) > 0 ? IN_ORDER : 0;
    }
    return choice->where != NULL ? MAX(score * NEAR / (NEAR + 1), 1) : score;
}

static const struct choice *marked_choice(const struct chooser *chooser)
{
    return chooser->marked < (int)chooser->fitting->len ? chooser->fitting->pdata[chooser->marked] : NULL;
}

static void tell_mark(struct chooser *chooser)
{
    if (chooser->ops->mark != NULL) {
        chooser->ops->mark(chooser->overlay.desk, marked_choice(chooser));
    }
    desk_dirty(chooser->overlay.desk);
}

static void narrow(struct chooser *chooser)
{
    struct wanted wanted = wanted_of(prompt_text(chooser->prompt));
    g_autoptr(GArray) ranked = g_array_new(FALSE, FALSE, sizeof(struct ranked));
    for (unsigned i = 0; i < chooser->choices->len; i++) {
        struct ranked one = {.choice = chooser->choices->pdata[i], .order = i};
        one.score = score_of(one.choice, &wanted);
        one.length = *wanted.text != '\0' ? strlen(one.choice->name) : 0;
        if (one.score > 0) {
            g_array_append_val(ranked, one);
        }
    }
    wanted_done(&wanted);
    g_array_sort(ranked, by_score);
    g_ptr_array_set_size(chooser->fitting, 0);
    for (unsigned i = 0; i < ranked->len; i++) {
        g_ptr_array_add(chooser->fitting, g_array_index(ranked, struct ranked, i).choice);
    }
    chooser->marked = chooser->top = 0;
}

/* ---- the overlay ---- */

static enum request_context context(const struct overlay *overlay)
{
    return REQUEST_CONTEXT_CHOOSER;
}

/* As wide as what is in it, so that the panels are seen beside it, on which a theme is tried. */
static int box_columns(const struct chooser *chooser, int most)
{
    int keys = chooser->keys_columns > 0 ? chooser->keys_columns + 2 : 0, help = chooser->help_columns > 0 ? chooser->help_columns + 1 : 0;
    int row = 2 + chooser->name_columns + 1 + keys + help, asked = text_columns(chooser->ops->question, -1) + text_columns(chooser->ops->hint, -1) + 1;

    return MIN(most, MIN(WIDTH_MAX, MAX(row, asked) + 3));
}

/* Where in a row what is; what has no columns is left to the detail below. */
struct columns {
    int name, keys, help;
};

/* A narrow list has names and keys only. */
static struct columns columns_of(const struct chooser *chooser, int width)
{
    struct columns columns = {.name = chooser->name_columns, .keys = chooser->keys_columns};
    bool helps = chooser->help_columns > 0 && width >= NARROW;
    int room = width - 3;
    if (helps) {
        columns.name = MIN(columns.name, MAX(width / NAME_SHARE, 8));
        columns.keys = MIN(columns.keys, width / KEYS_SHARE);
    } else if (columns.keys > 0) {
        columns.keys = MIN(columns.keys, MAX(room - columns.name - 1, room / NAME_SHARE));
    }
    columns.name = MIN(columns.name, room - (columns.keys > 0 ? columns.keys + 1 : 0));
    columns.help = helps ? room - columns.name - (columns.keys > 0 ? columns.keys + 2 : 0) - 2 : 0;
    return columns;
}

/* What does not fit in its row, to be read below the list: "" when all does.  g_free. */
static char *detail_of(const struct columns *columns, const struct choice *choice)
{
    GString *text = g_string_new(NULL);
    g_autofree char *keys = keys_text(choice);
    const char *help = choice->help != NULL ? choice->help : "";
    if (text_columns(choice->name, -1) > columns->name) {
        g_string_append(text, choice->name);
    }
    if (text_columns(keys, -1) > columns->keys) {
        g_string_append_printf(text, "%s%s", text->len > 0 ? " · " : "", keys);
    }
    if (text_columns(help, -1) > columns->help) {
        g_string_append_printf(text, "%s%s", text->len > 0 ? " · " : "", help);
    }
    return g_string_free(text, FALSE);
}

/* Rows that the longest of them takes: the list stays where it is while the mark moves. */
static int detail_rows(const struct chooser *chooser, const struct columns *columns, int width, int height)
{
    int rows = 0;
    for (unsigned i = 0; i < chooser->choices->len; i++) {
        g_autofree char *text = detail_of(columns, chooser->choices->pdata[i]);
        struct surface nowhere = {0};
        rows = *text != '\0' ? MAX(rows, surface_put_words(nowhere, 0, 0, width, INT_MAX, ROLE_NOTE, text)) : rows;
    }
    return MIN(rows, height / DETAIL_SHARE);
}

static void draw_choice(struct surface row, const struct columns *columns, const struct choice *choice, bool marked)
{
    int x = 2 + columns->name + 1;
    surface_fill(row, ROLE_OVERLAY, ' ');
    surface_put(row, 0, 0, ROLE_HINT_KEY, marked ? ">" : " ");
    surface_put_fit(row, 2, 0, columns->name, ROLE_STRONG, choice->name);
    if (columns->keys > 0) {
        g_autofree char *keys = keys_text(choice);
        surface_put_fit(row, x, 0, columns->keys, ROLE_HINT_KEY, keys);
        x += columns->keys + 2;
    }
    if (columns->help > 0) {
        surface_put_fit(row, x + 1, 0, columns->help, ROLE_OVERLAY, choice->help != NULL ? choice->help : "");
    }
    if (marked) {
        surface_mark(row, 0, 0, row.width, CELL_CURSOR);
    }
}

/* Below the list, with a rule between where there is room for one. */
static void draw_detail(const struct chooser *chooser, struct surface box, const struct columns *columns, int rows, bool rule)
{
    const struct choice *choice = marked_choice(chooser);
    int y = box.height - 1 - rows;
    if (rule) {
        surface_frame(surface_part(box, 0, y - 1, box.width, rows + 2), ROLE_FRAME_FOCUS);
    }
    if (choice != NULL) {
        g_autofree char *text = detail_of(columns, choice);
        surface_put_words(box, 2, y, box.width - 4, rows, ROLE_NOTE, text);
    }
}

static void draw(struct overlay *overlay, struct surface surface)
{
    struct chooser *chooser = chooser_of(overlay);
    int width = box_columns(chooser, surface.width);
    struct columns columns = columns_of(chooser, width - 2);
    int rows = detail_rows(chooser, &columns, width - 4, surface.height);
    bool rule = rows > 0 && surface.height >= RULE_HEIGHT;
    int below = rows + rule, height = MIN(surface.height, MAX((int)chooser->choices->len + 3, 8) + below);
    chooser->box = (struct rectangle){(surface.width - width) / 2, 0, width, height};
    struct surface box = surface_part(surface, chooser->box.x, 0, width, height);
    surface_fill(box, ROLE_OVERLAY, ' ');
    surface_frame(box, ROLE_FRAME_FOCUS);
    surface_title(box, ROLE_TITLE_FOCUS, chooser->ops->title);
    prompt_draw(chooser->prompt, surface_part(box, 1, 1, width - 2, 1));
    chooser->list = (struct rectangle){chooser->box.x + 1, 2, width - 2, MAX(height - 3 - below, 0)};
    chooser->page = MAX(chooser->list.height, 1);
    chooser->top = CLAMP(chooser->top, MAX(chooser->marked - chooser->page + 1, 0), chooser->marked);
    for (int y = 0; y < chooser->list.height && chooser->top + y < (int)chooser->fitting->len; y++) {
        int i = chooser->top + y;
        draw_choice(surface_part(surface, chooser->list.x, chooser->list.y + y, chooser->list.width, 1), &columns,
                    chooser->fitting->pdata[i], i == chooser->marked);
    }
    if (chooser->fitting->len == 0) {
        surface_put_fit(box, 2, 2, width - 4, ROLE_NOTE, "nothing fits");
    }
    if (rows > 0) {
        draw_detail(chooser, box, &columns, rows, rule);
    }
}

static void move(struct chooser *chooser, int64_t rows)
{
    chooser->marked = (int)CLAMP(chooser->marked + rows, 0, MAX((int64_t)chooser->fitting->len - 1, 0));
    tell_mark(chooser);
}

static void accept(struct chooser *chooser)
{
    const struct choice *choice = marked_choice(chooser);
    struct desk *desk = chooser->overlay.desk;
    if (choice == NULL) {
        return;
    }
    struct choice *taken = choice_new(choice->name, choice->keys, choice->help, choice->value);
    const struct chooser_ops *ops = chooser->ops;
    overlay_show(desk, NULL);
    ops->accept(desk, taken);
    choice_free(taken);
}

static void request(struct overlay *overlay, enum request request, int count)
{
    struct chooser *chooser = chooser_of(overlay);
    int64_t rows;
    if (request == REQUEST_CHOOSER_ACCEPT) {
        accept(chooser);
    } else if (request == REQUEST_CHOOSER_CANCEL) {
        overlay_show(overlay->desk, NULL);
    } else if (overlay_rows(request, count, chooser->page, &rows)) {
        move(chooser, rows);
    }
}

static void key(struct overlay *overlay, keycode key)
{
    struct chooser *chooser = chooser_of(overlay);
    g_autofree char *before = g_strdup(prompt_text(chooser->prompt));
    if (prompt_key(chooser->prompt, key)) {
        if (strcmp(before, prompt_text(chooser->prompt)) != 0) { /* else only its cursor moved */
            narrow(chooser);
        }
        tell_mark(chooser);
    }
}

static void paste(struct overlay *overlay, const char *text)
{
    struct chooser *chooser = chooser_of(overlay);
    if (prompt_paste(chooser->prompt, text)) {
        narrow(chooser); /* once for all of it */
        tell_mark(chooser);
    }
}

static void press(struct overlay *overlay, int x, int y)
{
    struct chooser *chooser = chooser_of(overlay);
    const struct rectangle *list = &chooser->list, *box = &chooser->box;
    int i = chooser->top + y - list->y;
    if (!rectangle_has(box, x, y)) {
        request(overlay, REQUEST_CHOOSER_CANCEL, 1);
    } else if (y >= list->y && y < list->y + list->height && i < (int)chooser->fitting->len) {
        chooser->marked = i;
        accept(chooser);
    }
}

static void destroy(struct overlay *overlay)
{
    struct chooser *chooser = chooser_of(overlay);
    if (chooser->ops->gone != NULL) {
        chooser->ops->gone(overlay->desk);
    }
    prompt_free(chooser->prompt);
    g_ptr_array_unref(chooser->fitting);
    g_ptr_array_unref(chooser->choices);
    g_free(chooser);
}

static const char *name(const struct overlay *overlay)
{
    return ((const struct chooser *)overlay)->ops->title;
}

static void state(const struct overlay *overlay, struct overlay_state *ret_state)
{
    const struct chooser *chooser = (const struct chooser *)overlay;
    const char *text = prompt_text(chooser->prompt);
    *ret_state = (struct overlay_state){chooser->marked, chooser->top, text, *text != '\0' ? prompt_typed(chooser->prompt) : -1};
}

static void set_state(struct overlay *overlay, const struct overlay_state *state)
{
    struct chooser *chooser = chooser_of(overlay);
    prompt_set(chooser->prompt, state->text, state->typed);
    narrow(chooser);
    chooser->top = state->top;
    chooser->marked = 0;
    move(chooser, state->row);
}

static const struct overlay_ops overlay_ops = {
    .name = name,
    .context = context,
    .draw = draw,
    .request = request,
    .key = key,
    .paste = paste,
    .press = press,
    .free = destroy,
    .state = state,
    .set_state = set_state,
};

struct overlay *chooser_new(struct desk *desk, const struct chooser_ops *ops, GPtrArray *choices, unsigned marked)
{
    struct chooser *chooser = g_new0(struct chooser, 1);
    chooser->overlay = (struct overlay){&overlay_ops, desk};
    chooser->ops = ops;
    chooser->choices = choices;
    chooser->fitting = g_ptr_array_new();
    chooser->prompt = prompt_new(ops->question, ops->hint);
    for (unsigned i = 0; i < choices->len; i++) {
        const struct choice *choice = choices->pdata[i];
        chooser->name_columns = MAX(chooser->name_columns, text_columns(choice->name, -1));
        g_autofree char *keys = keys_text(choice);
        chooser->keys_columns = MAX(chooser->keys_columns, text_columns(keys, -1));
        chooser->help_columns = MAX(chooser->help_columns, choice->help != NULL ? text_columns(choice->help, -1) : 0);
    }
    narrow(chooser);
    chooser->marked = (int)MIN(marked, MAX(choices->len, 1) - 1);
    return &chooser->overlay;
}
