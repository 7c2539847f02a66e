/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The set is an array of entries in order of insertion, and a hash of the same entries by key.  Removing searches the array:
 * a driver takes a handful of keys, however long the text a person typed.
 */
#include "block/options.h"

#include <errno.h>
#include <string.h>

#include "util/size.h"

struct entry {
    char *key;
    char *value; /* NULL: null */
};

struct options {
    GPtrArray *entries; /* struct entry, owned */
    GHashTable *by_key; /* key of an entry -> entry, nothing owned */
};

static void entry_free(void *data)
{
    struct entry *entry = data;

    g_free(entry->key);
    g_free(entry->value);
    g_free(entry);
}

G_DEFINE_QUARK(options-error, options_error)

int options_refuse(GError **error, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_propagate_error(error, g_error_new_valist(OPTIONS_ERROR, code, format, args));
    va_end(args);
    return -code;
}

bool options_deny(GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_propagate_error(error, g_error_new_valist(OPTIONS_ERROR, EINVAL, format, args));
    va_end(args);
    return false;
}

struct options *options_new(void)
{
    struct options *options = g_new0(struct options, 1);

    options->entries = g_ptr_array_new_with_free_func(entry_free);
    options->by_key = g_hash_table_new(g_str_hash, g_str_equal);
    return options;
}

void options_merge(struct options *options, const struct options *other)
{
    for (unsigned i = 0; i < options_count(other); i++) {
        const char *key, *value;

        options_at(other, i, &key, &value);
        options_set(options, key, value);
    }
}

struct options *options_copy(const struct options *options)
{
    struct options *copy = options_new();

    options_merge(copy, options);
    return copy;
}

void options_free(struct options *options)
{
    if (!options)
        return;
    g_hash_table_unref(options->by_key);
    g_ptr_array_unref(options->entries);
    g_free(options);
}

const char *options_get(const struct options *options, const char *key)
{
    struct entry *entry = g_hash_table_lookup(options->by_key, key);

    return entry ? entry->value : NULL;
}

bool options_has(const struct options *options, const char *key)
{
    return g_hash_table_contains(options->by_key, key);
}

void options_set(struct options *options, const char *key, const char *value)
{
    struct entry *entry = g_hash_table_lookup(options->by_key, key);

    if (entry) {
        char *old = entry->value; /* value may be this very string */

        entry->value = g_strdup(value);
        g_free(old);
        return;
    }
    entry = g_new(struct entry, 1);
    entry->key = g_strdup(key);
    entry->value = g_strdup(value);
    g_ptr_array_add(options->entries, entry);
    g_hash_table_insert(options->by_key, entry->key, entry);
}

bool options_remove(struct options *options, const char *key)
{
    struct entry *entry = g_hash_table_lookup(options->by_key, key);

    if (!entry)
        return false;
    g_hash_table_remove(options->by_key, key);
    g_ptr_array_remove(options->entries, entry);
    return true;
}

unsigned options_count(const struct options *options)
{
    return options->entries->len;
}

void options_at(const struct options *options, unsigned i, const char **ret_key, const char **ret_value)
{
    const struct entry *entry = g_ptr_array_index(options->entries, i);

    *ret_key = entry->key;
    *ret_value = entry->value;
}

bool options_has_child(const struct options *options, const char *name)
{
    size_t len = strlen(name);
    for (unsigned i = 0; i < options_count(options); i++) {
        const char *key, *unused;
        options_at(options, i, &key, &unused);
        if (strncmp(key, name, len) == 0 && (!key[len] || key[len] == '.'))
            return true;
    }
    return false;
}

struct options *options_take_child(struct options *options, const char *prefix)
{
    struct options *child = options_new();
    g_autofree char *dotted = g_strconcat(prefix, ".", NULL);
    size_t len = strlen(dotted);
    GPtrArray *old = options->entries;

    /* One pass, so that a long list costs its length: what stays is appended to a new array. */
    options->entries = g_ptr_array_new_with_free_func(entry_free);
    for (unsigned i = 0; i < old->len; i++) {
        struct entry *entry = g_ptr_array_index(old, i);

        if (strncmp(entry->key, dotted, len) != 0) {
            g_ptr_array_add(options->entries, entry);
            continue;
        }
        options_set(child, entry->key + len, entry->value);
        g_hash_table_remove(options->by_key, entry->key);
        entry_free(entry);
    }
    g_ptr_array_set_free_func(old, NULL);
    g_ptr_array_unref(old);
    return child;
}

/* ---- key=value text ---- */

/* Copies up to the next single comma, undoubling doubled ones; *text is left behind that comma. */
static char *take_value(const char **text)
{
    GString *value = g_string_new(NULL);
    const char *p = *text;

    for (;;) {
        size_t run = strcspn(p, ",");

        g_string_append_len(value, p, run);
        p += run;
        if (p[0] == ',' && p[1] == ',') {
            g_string_append_c(value, ',');
            p += 2;
            continue;
        }
        break;
    }
    *text = *p == ',' ? p + 1 : p;
    return g_string_free(value, FALSE);
}

/* Adds what one word without '=' means. */
static void add_switch(struct options *options, const char *word)
{
    if (g_str_has_prefix(word, "no"))
        options_set(options, word + 2, "off");
    else
        options_set(options, word, "on");
}

bool options_parse(struct options *options, const char *text, const char *implied, GError **error)
{
    g_autoptr(options) parsed = options_new();
    const char *p = text;

    while (*p) {
        size_t len = strcspn(p, "=,");
        bool has_value = p[len] == '=';
        bool first = p == text;
        g_autofree char *key = NULL;
        g_autofree char *value = NULL;

        if (!has_value && first && implied) {
            value = take_value(&p);
            options_set(parsed, implied, value);
            continue;
        }
        if (len > OPTIONS_KEY_MAX) {
            g_set_error(error, OPTIONS_ERROR, EINVAL, "Option name of %zu characters is too long", len);
            return false;
        }
        key = g_strndup(p, len);
        p += len + (p[len] != '\0');
        if (!has_value) {
            add_switch(parsed, key);
            continue;
        }
        value = take_value(&p);
        options_set(parsed, key, value);
    }
    options_merge(options, parsed);
    return true;
}

/* ---- values by type ---- */

int options_parse_bool(const char *text)
{
    static const char *const on[] = {"on", "yes", "true", "y", NULL};
    static const char *const off[] = {"off", "no", "false", "n", NULL};

    if (g_strv_contains(on, text))
        return 1;
    return g_strv_contains(off, text) ? 0 : -EINVAL;
}

int options_parse_number(const char *text, uint64_t *ret_value)
{
    char *end;
    uint64_t value;

    errno = 0;
    value = g_ascii_strtoull(text, &end, 0);
    if (errno == ERANGE)
        return -ERANGE;
    if (end == text || *end)
        return -EINVAL;
    *ret_value = value;
    return 0;
}

int options_parse_enum(const char *text, const char *const *values)
{
    for (int i = 0; values[i]; i++)
        if (strcmp(values[i], text) == 0)
            return i;
    return -EINVAL;
}

char *options_take_string(struct options *options, const char *key)
{
    char *value = g_strdup(options_get(options, key));

    options_remove(options, key);
    return value;
}

bool options_take_bool(struct options *options, const char *key, bool fallback)
{
    g_autofree char *text = options_take_string(options, key);
    int value = text ? options_parse_bool(text) : -EINVAL;

    return value < 0 ? fallback : value;
}

int64_t options_take_size(struct options *options, const char *key, int64_t fallback)
{
    g_autofree char *text = options_take_string(options, key);
    int64_t value;

    return text && size_parse(text, &value) == 0 ? value : fallback;
}

uint64_t options_take_huge_size(struct options *options, const char *key, uint64_t fallback)
{
    g_autofree char *text = options_take_string(options, key);
    uint64_t value;

    return text && size_parse_huge(text, &value) == 0 ? value : fallback;
}

uint64_t options_take_number(struct options *options, const char *key, uint64_t fallback)
{
    g_autofree char *text = options_take_string(options, key);
    uint64_t value;

    return text && options_parse_number(text, &value) == 0 ? value : fallback;
}

int options_take_enum(struct options *options, const char *key, const char *const *values, int fallback)
{
    g_autofree char *text = options_take_string(options, key);
    int value = text ? options_parse_enum(text, values) : -EINVAL;

    return value < 0 ? fallback : value;
}
