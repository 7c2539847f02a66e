/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/bind.h"

#include <string.h>

#include "ui/config.h"
#include "ui/keymap.h"
#include "util/safetext.h"

static bool refuse(GError **error, const char *format, const char *word)
{
    g_autofree char *safe = safetext_escape(word, -1);
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "'%s' %s", safe, format);
    return false;
}

static bool parse_context(const char *word, enum request_context *ret_context, GError **error)
{
    *ret_context = request_context_find(word);
    if (*ret_context < REQUEST_CONTEXT_COUNT) {
        return true;
    }
    g_autoptr(GString) text = g_string_new("is no context: there are");
    for (int i = 0; i < REQUEST_CONTEXT_COUNT; i++) {
        g_string_append_printf(text, "%s %s", i > 0 ? "," : "", request_context_name((enum request_context)i));
    }
    return refuse(error, text->str, word);
}

/* Whether what is asked for can be done where the key is pressed. */
static bool fits(enum request_context context, enum request request)
{
    enum request_context own = request_info(request)->context;
    return own == context || own == REQUEST_CONTEXT_GLOBAL ||
           (own == REQUEST_CONTEXT_MOVE && keymap_has_movements(context));
}

bool bind_parse(const char *const words[static 3], struct binding_wish *ret_wish, GError **error)
{
    struct binding_wish wish = {.key = key_parse(words[1]), .request = REQUEST_NONE};
    if (!parse_context(words[0], &wish.context, error)) {
        return false;
    }
    if (wish.key == KEYCODE_NONE) {
        return refuse(error, "is no key: a character, or a name such as Ctrl-X, PageUp, F5, Alt-x, Ctrl-Left, Space", words[1]);
    }
    if (strcmp(words[2], "none") != 0 && (wish.request = request_find(words[2])) == REQUEST_NONE) {
        return refuse(error, "is no request; the palette and blkscope-keys(7) list them, and none takes the key away", words[2]);
    }
    if (wish.request != REQUEST_NONE && keymap_types_text(wish.context) && key_is_text(wish.key)) {
        return refuse(error, "types text in that context", words[1]);
    }
    if (wish.request != REQUEST_NONE && !fits(wish.context, wish.request)) {
        return refuse(error, "can't be asked for in that context", words[2]);
    }
    if (keymap_types_text(wish.context) && wish.request == REQUEST_NONE && (wish.key == KEYCODE_ENTER || wish.key == KEYCODE_ESCAPE)) {
        return refuse(error, "is the way on and out of that context", words[1]);
    }
    *ret_wish = wish;
    return true;
}

/* Keys that hold everywhere do so in panels, and not in what lies over them. */
static bool is_of_panel(enum request_context context)
{
    return context == REQUEST_CONTEXT_MAP || context == REQUEST_CONTEXT_HEX || context == REQUEST_CONTEXT_PENDING;
}

/* What the key means behind this context, which hides it from now on; REQUEST_NONE: nothing. */
static enum request hidden_by(const struct binding_wish *wish)
{
    enum request request = REQUEST_NONE;
    if (keymap_has_movements(wish->context)) {
        request = keymap_lookup(REQUEST_CONTEXT_MOVE, wish->key);
    }
    if (request == REQUEST_NONE && (is_of_panel(wish->context) || wish->context == REQUEST_CONTEXT_MOVE)) {
        request = keymap_lookup(REQUEST_CONTEXT_GLOBAL, wish->key);
    }
    return request != wish->request ? request : REQUEST_NONE;
}

/* One whose own key hides what is bound for all of them; -1: there is none. */
static int hiding_context(const struct binding_wish *wish)
{
    for (int i = 0; i < REQUEST_CONTEXT_COUNT; i++) {
        enum request_context context = (enum request_context)i;
        bool behind = wish->context == REQUEST_CONTEXT_GLOBAL ? is_of_panel(context)
                      : wish->context == REQUEST_CONTEXT_MOVE ? keymap_has_movements(context) && context != REQUEST_CONTEXT_OVERLAY
                                                              : false;
        if (behind && keymap_lookup(context, wish->key) != REQUEST_NONE) {
            return i;
        }
    }
    return -1;
}

static void add(GString *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(GString *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_string_append(text, text->len > 0 ? "; " : "");
    g_string_append_vprintf(text, format, args);
    va_end(args);
}

char *bind_apply(const struct binding_wish *wish)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *key = key_format(wish->key);
    const char *context = request_context_name(wish->context);
    enum request before = keymap_lookup(wish->context, wish->key);
    keymap_bind(wish->context, wish->key, wish->request);
    g_autofree char *left = before != REQUEST_NONE ? keymap_key(wish->context, before) : NULL;
    if (before != REQUEST_NONE && before != wish->request && left == NULL) {
        add(text, "no key asks for '%s' in %s any more", request_info(before)->name, context);
    }
    enum request hidden = wish->request != REQUEST_NONE ? hidden_by(wish) : REQUEST_NONE;
    if (hidden != REQUEST_NONE) {
        add(text, "in %s, '%s' hides '%s'", context, key, request_info(hidden)->name);
    }
    int hiding = wish->request != REQUEST_NONE ? hiding_context(wish) : -1;
    if (hiding >= 0) {
        add(text, "in %s, '%s' means '%s' and hides this", request_context_name((enum request_context)hiding), key,
            request_info(keymap_lookup((enum request_context)hiding, wish->key))->name);
    }
    return text->len > 0 ? safetext_mask(text->str, (ssize_t)text->len) : NULL; /* a key may be any character */
}

/* ---- the file ---- */

struct loading {
    GPtrArray *complaints;
    GHashTable *seen; /* "CONTEXT KEY" */
};

static bool take_line(void *data, char **words, unsigned count, GError **error)
{
    struct loading *loading = data;
    struct binding_wish wish;
    if (count != 3) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "a line has three words: CONTEXT KEY REQUEST");
        return false;
    }
    if (!bind_parse((const char *const *)words, &wish, error)) {
        return false;
    }
    g_autofree char *place = g_strdup_printf("%d %u", wish.context, wish.key);
    if (!g_hash_table_add(loading->seen, g_steal_pointer(&place))) {
        g_autofree char *key = safetext_escape(words[1], -1);
        g_ptr_array_add(loading->complaints, g_strdup_printf("'%s' in %s is bound twice; this line holds", key, words[0]));
    }
    char *collision = bind_apply(&wish);
    if (collision != NULL) {
        g_ptr_array_add(loading->complaints, collision);
    }
    return true;
}

GPtrArray *bind_load(const char *path)
{
    struct loading loading = {g_ptr_array_new_with_free_func(g_free), g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL)};
    config_read(path, take_line, &loading, loading.complaints);
    g_hash_table_unref(loading.seen);
    return loading.complaints;
}

char *bind_path(void)
{
    return config_path("keys");
}
