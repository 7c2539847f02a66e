/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * JSON text to flat options.  Not json-glib's parser: that one recurses as deep as its input asks, on a coroutine's small
 * stack, takes the last of duplicate keys in silence and knows no 'single quotes'.  This one keeps its levels on the heap, never
 * builds a tree, and bounds what it makes of its input: keys by OPTIONS_KEY_MAX, levels by DEPTH_MAX, all of it by FLAT_MAX.
 *
 * The parser is a loop over tokens with one state, "what may come next"; a level remembers whether it is an object or an array,
 * how long the key was above it, and the keys or the count of what it has seen.
 */
#include "block/options.h"

#include <errno.h>
#include <string.h>

enum {
    DEPTH_MAX = 500, /* each level takes two characters of a key at least */
    FLAT_MAX = 16 << 20, /* characters of all keys and values */
};

struct level {
    GHashTable *keys;   /* of an object, owned strings; NULL: an array */
    unsigned count;     /* members so far */
    size_t path_len;    /* of the key of the level itself */
};

enum expect { EXPECT_VALUE, EXPECT_VALUE_OR_END, EXPECT_KEY, EXPECT_KEY_OR_END, EXPECT_COLON, EXPECT_SEPARATOR, EXPECT_NOTHING };

struct parser {
    const char *p;
    struct options *options;
    GArray *levels;      /* struct level */
    GString *path;       /* dotted key of the value that comes next */
    size_t flat;         /* characters added so far */
    bool not_object;     /* the outermost value is none: reported when all of it is well formed */
    enum expect expect;
    GError **error;
};

static bool fail(struct parser *parser, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool fail(struct parser *parser, const char *format, ...)
{
    g_autofree char *reason = NULL;
    va_list args;

    va_start(args, format);
    reason = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(parser->error, OPTIONS_ERROR, EINVAL, "Could not parse the JSON options: %s", reason);
    return false;
}

/* What was read since start, and the character that did not fit. */
static bool fail_stray(struct parser *parser, const char *start, const char *bad)
{
    int len = (int)MIN(bad - start + (*bad != '\0'), OPTIONS_KEY_MAX);

    return fail(parser, "JSON parse error, stray '%.*s'", len, start);
}

/* ---- tokens ---- */

/* Four hexadecimal digits, or -1. */
static int hex4(const char *p)
{
    int value = 0;

    for (int i = 0; i < 4; i++) {
        int digit = g_ascii_xdigit_value(p[i]);

        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* A \u escape, perhaps a pair of them: p is behind the backslash, end at the closing quote.  What follows it, or NULL with error set. */
static const char *read_unicode(struct parser *parser, const char *p, const char *end, GString *out)
{
    int value = end - p > 4 ? hex4(p + 1) : -1;
    int low;
    int used = 5;

    if (value >= 0xd800 && value < 0xdc00 && end - p > 10 && p[5] == '\\' && p[6] == 'u') {
        low = hex4(p + 7);
        if (low >= 0xdc00 && low < 0xe000) {
            value = 0x10000 + ((value - 0xd800) << 10) + (low - 0xdc00);
            used = 11;
        }
    }
    /* U+0000 would end our strings early and let two texts mean the same. */
    if (value <= 0 || (value >= 0xd800 && value < 0xe000)) {
        fail(parser, "JSON parse error, \\%.*s is not a valid Unicode character", (int)MIN(5, end + 1 - p), p);
        return NULL;
    }
    g_string_append_unichar(out, value);
    return p + used;
}

/* The escape behind a backslash: what follows it, or NULL with error set. */
static const char *read_escape(struct parser *parser, const char *p, const char *end, GString *out)
{
    static const char from[] = "\"'\\/bfnrt", to[] = "\"'\\/\b\f\n\r\t";
    const char *found = strchr(from, *p);

    if (*p == 'u')
        return read_unicode(parser, p, end, out);
    if (!found) {
        fail(parser, "JSON parse error, invalid escape sequence in string");
        return NULL;
    }
    g_string_append_c(out, to[found - from]);
    return p + 1;
}

/* The closing quote of the string at start, or NULL with error set. */
static const char *find_string_end(struct parser *parser, const char *start)
{
    const char *p = start + 1;

    while (*p != *start) {
        if (*p == '\\')
            p++;
        if ((unsigned char)*p < 0x20 || g_utf8_get_char_validated(p, -1) >= (gunichar)-2) {
            fail_stray(parser, start, p);
            return NULL;
        }
        p = g_utf8_next_char(p);
    }
    return p;
}

/* Takes a string off the text: new, or NULL with error set. */
static char *take_string(struct parser *parser)
{
    const char *p = parser->p + 1;
    const char *end = find_string_end(parser, parser->p);
    g_autoptr(GString) out = NULL;

    if (!end)
        return NULL;
    out = g_string_sized_new(end - p);
    while (p && p < end) {
        if (*p != '\\')
            g_string_append_c(out, *p++);
        else
            p = read_escape(parser, p + 1, end, out);
    }
    if (!p)
        return NULL;
    parser->p = end + 1;
    return g_strdup(out->str);
}

static const char *const keywords[] = {"true", "false", "null"};

static size_t keyword_length(const char *p)
{
    size_t len = 0;

    while (g_ascii_islower(p[len]))
        len++;
    return len;
}

/* Index of the keyword at p, or -1. */
static int find_keyword(const char *p)
{
    size_t len = keyword_length(p);

    for (unsigned i = 0; i < G_N_ELEMENTS(keywords); i++)
        if (len == strlen(keywords[i]) && strncmp(p, keywords[i], len) == 0)
            return i;
    return -1;
}

static bool fail_keyword(struct parser *parser)
{
    int len = (int)MIN(keyword_length(parser->p), OPTIONS_KEY_MAX);

    return fail(parser, "JSON parse error, invalid keyword '%.*s'", len, parser->p);
}

static const char *skip_digits(const char *p)
{
    while (g_ascii_isdigit(*p))
        p++;
    return p;
}

/* Takes a number: its text, a fraction or exponent worked out as a double; or NULL with error set. */
static char *take_number(struct parser *parser)
{
    const char *start = parser->p;
    const char *p = start + (*start == '-');
    const char *digits = p;
    bool real = false;

    p = skip_digits(p);
    if (p == digits || (*digits == '0' && p > digits + 1)) {
        fail_stray(parser, start, p == digits ? p : digits + 1);
        return NULL;
    }
    if (*p == '.' || *p == 'e' || *p == 'E') {
        real = true;
        if (*p == '.') {
            digits = p + 1;
            p = skip_digits(digits);
        }
        if (p > digits && (*p == 'e' || *p == 'E')) {
            digits = p + 1 + (p[1] == '+' || p[1] == '-');
            p = skip_digits(digits);
        }
        if (p == digits) {
            fail_stray(parser, start, p);
            return NULL;
        }
    }
    parser->p = p;
    if (p - start == 2 && strncmp(start, "-0", 2) == 0)
        start++;
    if (real) {
        char text[G_ASCII_DTOSTR_BUF_SIZE];

        return g_strdup(g_ascii_formatd(text, sizeof(text), "%.17g", g_ascii_strtod(start, NULL)));
    }
    return g_strndup(start, p - start);
}

/* ---- members ---- */

static struct level *top_level(struct parser *parser)
{
    return parser->levels->len ? &g_array_index(parser->levels, struct level, parser->levels->len - 1) : NULL;
}

/* Completes the path with the index of the value that comes next, if it is in an array. */
static bool begin_value(struct parser *parser)
{
    struct level *level = top_level(parser);

    if (level && !level->keys) {
        if (parser->path->len)
            g_string_append_c(parser->path, '.');
        g_string_append_printf(parser->path, "%u", level->count);
    }
    if (level)
        level->count++;
    if (parser->path->len > OPTIONS_KEY_MAX)
        return fail(parser, "JSON key of more than %d characters", OPTIONS_KEY_MAX);
    return true;
}

/* The path is again that of the level, and a separator may come. */
static void end_value(struct parser *parser)
{
    struct level *level = top_level(parser);

    if (level)
        g_string_truncate(parser->path, level->path_len);
    parser->expect = level ? EXPECT_SEPARATOR : EXPECT_NOTHING;
}

static bool add_value(struct parser *parser, const char *value)
{
    parser->flat += parser->path->len + (value ? strlen(value) : 0);
    if (parser->flat > FLAT_MAX)
        return fail(parser, "JSON options of more than %d characters", FLAT_MAX);
    if (parser->levels->len)
        options_set(parser->options, parser->path->str, value);
    else
        parser->not_object = true;
    end_value(parser);
    return true;
}

static void clear_level(void *data)
{
    struct level *level = data;

    g_clear_pointer(&level->keys, g_hash_table_unref);
}

static bool open_level(struct parser *parser)
{
    bool is_object = *parser->p == '{';
    struct level level = {.path_len = parser->path->len};

    if (parser->levels->len == DEPTH_MAX)
        return fail(parser, "JSON nesting depth limit exceeded");
    if (!parser->levels->len)
        parser->not_object = !is_object;
    if (is_object)
        level.keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_array_append_val(parser->levels, level);
    parser->expect = is_object ? EXPECT_KEY_OR_END : EXPECT_VALUE_OR_END;
    parser->p++;
    return true;
}

static bool close_level(struct parser *parser)
{
    struct level *level = top_level(parser);
    bool empty = level->count == 0;

    g_string_truncate(parser->path, level->path_len);
    g_array_set_size(parser->levels, parser->levels->len - 1);
    parser->p++;
    if (empty && parser->levels->len)
        return add_value(parser, "");
    end_value(parser);
    return true;
}

static bool take_key(struct parser *parser)
{
    struct level *level = top_level(parser);
    g_autofree char *key = NULL;

    if (g_ascii_islower(*parser->p) && find_keyword(parser->p) < 0)
        return fail_keyword(parser);
    if (*parser->p != '"' && *parser->p != '\'')
        return fail(parser, "JSON parse error, key is not a string in object");
    key = take_string(parser);
    if (!key)
        return false;
    if (parser->levels->len > 1)
        g_string_append_c(parser->path, '.');
    g_string_append(parser->path, key);
    if (!g_hash_table_add(level->keys, g_steal_pointer(&key)))
        return fail(parser, "JSON parse error, duplicate key");
    parser->expect = EXPECT_COLON;
    return true;
}

static bool take_keyword(struct parser *parser)
{
    static const char *const values[] = {"on", "off", NULL};
    int keyword = find_keyword(parser->p);

    if (keyword < 0)
        return fail_keyword(parser);
    parser->p += strlen(keywords[keyword]);
    return add_value(parser, values[keyword]);
}

static bool take_value(struct parser *parser)
{
    char c = *parser->p;
    g_autofree char *text = NULL;

    if (strchr("]}:,", c))
        return fail(parser, "JSON parse error, expecting value");
    if (!begin_value(parser))
        return false;
    if (c == '{' || c == '[')
        return open_level(parser);
    if (g_ascii_islower(c))
        return take_keyword(parser);
    if (c == '"' || c == '\'')
        text = take_string(parser);
    else if (c == '-' || g_ascii_isdigit(c))
        text = take_number(parser);
    else
        return fail_stray(parser, parser->p, parser->p);
    return text && add_value(parser, text);
}

/* Takes one token; parser->p is at its first character. */
static bool step(struct parser *parser)
{
    struct level *level = top_level(parser);
    char c = *parser->p;

    switch (parser->expect) {
    case EXPECT_KEY_OR_END:
        if (c == '}')
            return close_level(parser);
        return take_key(parser);
    case EXPECT_KEY:
        if (strchr("]}:,", c))
            return fail(parser, "JSON parse error, expecting value");
        return take_key(parser);
    case EXPECT_COLON:
        if (c != ':')
            return fail(parser, "JSON parse error, missing : in object pair");
        parser->p++;
        parser->expect = EXPECT_VALUE;
        return true;
    case EXPECT_VALUE_OR_END:
        if (c == ']')
            return close_level(parser);
        return take_value(parser);
    case EXPECT_VALUE:
        return take_value(parser);
    case EXPECT_SEPARATOR:
        if (c == (level->keys ? '}' : ']'))
            return close_level(parser);
        if (c != ',')
            return fail(parser, "JSON parse error, expected separator in %s", level->keys ? "dict" : "list");
        parser->p++;
        parser->expect = level->keys ? EXPECT_KEY : EXPECT_VALUE;
        return true;
    case EXPECT_NOTHING:
        break;
    }
    return fail(parser, "Expecting at most one JSON value");
}

static bool parse(struct parser *parser)
{
    for (;;) {
        parser->p += strspn(parser->p, " \t\r\n");
        if (!*parser->p)
            break;
        if (!step(parser))
            return false;
    }
    if (parser->expect == EXPECT_NOTHING)
        return true;
    if (!parser->levels->len)
        return fail(parser, "Expecting a JSON value");
    return fail(parser, "JSON parse error, premature EOI");
}

bool options_parse_json(struct options *options, const char *text, GError **error)
{
    g_autoptr(options) parsed = options_new();
    g_autoptr(GArray) levels = g_array_new(FALSE, FALSE, sizeof(struct level));
    g_autoptr(GString) path = g_string_new(NULL);
    struct parser parser = {
        .p = text, .options = parsed, .levels = levels, .path = path, .expect = EXPECT_VALUE, .error = error,
    };

    g_array_set_clear_func(levels, clear_level);
    if (!parse(&parser))
        return false;
    if (parser.not_object) {
        g_set_error_literal(error, OPTIONS_ERROR, EINVAL, "Invalid JSON object given");
        return false;
    }
    options_merge(options, parsed);
    return true;
}
