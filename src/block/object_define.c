/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Definitions of objects: what is wrong with one is said when it is given, not when it is used. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "block/objects.h"
#include "block/throttle_bucket.h"

enum { IV_BYTES = 16 }; /* a block of AES, too */

/* ---- values ---- */

static bool check_word(const struct options *object, const char *key, const char *one, const char *other, GError **error)
{
    const char *value = options_get(object, key);
    if (!value || strcmp(value, one) == 0 || strcmp(value, other) == 0)
        return true;
    return options_deny(error, "Parameter '%s' does not accept value '%s'", key, value);
}

static bool check_switch(const struct options *object, const char *key, GError **error)
{
    const char *value = options_get(object, key);
    return !value || options_parse_bool(value) >= 0 || options_deny(error, "Parameter '%s' expects 'on' or 'off'", key);
}

static bool check_id(const char *id, GError **error)
{
    bool good = g_ascii_isalpha(*id);
    for (const char *p = id; good && *p; p++)
        good = g_ascii_isalnum(*p) || strchr("-._", *p);
    return good || options_deny(error, "Parameter 'id' expects an identifier\n"
                                 "Identifiers consist of letters, digits, '-', '.', '_', starting with a letter.");
}

/* Line ends count for nothing; NULL with an error. */
static guchar *decode(const char *text, gsize length, gsize *ret_bytes, GError **error)
{
    size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\n");
    if (strlen(text) < length) {
        options_deny(error, "Base64 data contains embedded NUL characters");
        return NULL;
    }
    if (n == length)
        return g_base64_decode(text, ret_bytes);
    options_deny(error, "Base64 data contains invalid characters");
    return NULL;
}

/* ---- secrets ---- */

/* Only what can be read twice: a pipe has its bytes for who uses the secret. */
static bool read_file(const char *file, char **ret_text, gsize *ret_bytes, GError **error)
{
    g_autoptr(GError) reason = NULL;
    struct stat st;
    if (stat(file, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return true;
    return g_file_get_contents(file, ret_text, ret_bytes, &reason) || options_deny(error, "Unable to read %s: %s", file, reason->message);
}

/* One that is encrypted with another (AES-256, CBC); bytes: how long it is, -1: not known yet. */
static bool check_encrypted(const struct options *object, const char *key, int64_t bytes, GError **error)
{
    const struct options *other = objects_find(key);
    const char *iv = options_get(object, "iv");
    gsize iv_bytes = 0;
    if (!other || strcmp(options_get(other, "qom-type"), "secret") != 0)
        return options_deny(error, "No secret with id '%s'", key);
    if (!iv)
        return options_deny(error, "IV is required to decrypt secret");
    g_autofree guchar *decoded = decode(iv, strlen(iv), &iv_bytes, error);
    if (!decoded)
        return false;
    if (iv_bytes != IV_BYTES)
        return options_deny(error, "IV should be %d bytes in length not %zu", IV_BYTES, iv_bytes);
    if (bytes > 0 && bytes % IV_BYTES)
        return options_deny(error, "Length %" G_GINT64_FORMAT " must be a multiple of block size %d", bytes, IV_BYTES);
    return true;
}

static bool check_secret(const struct options *object, GError **error)
{
    const char *data = options_get(object, "data"), *file = options_get(object, "file"), *key = options_get(object, "keyid");
    bool base64 = g_strcmp0(options_get(object, "format"), "base64") == 0;
    g_autofree char *text = NULL;
    gsize bytes = 0;
    if (!check_word(object, "format", "raw", "base64", error))
        return false;
    if (data && file)
        return options_deny(error, "'file' and 'data' are mutually exclusive");
    if (!data && !file)
        return options_deny(error, "Either 'file' or 'data' must be provided");
    if (file && !read_file(file, &text, &bytes, error))
        return false;
    if (data) {
        text = g_strdup(data);
        bytes = strlen(data);
    }
    if (key && (!text || base64) && !check_encrypted(object, key, -1, error))
        return false;
    g_autofree guchar *decoded = text && base64 ? decode(text, bytes, &bytes, error) : NULL;
    if (text && base64 && !decoded)
        return false;
    return !key || !text || check_encrypted(object, key, (int64_t)bytes, error);
}

/* ---- TLS credentials ---- */

static bool check_credentials(const struct options *object, const char *file, GError **error)
{
    const char *dir = options_get(object, "dir");
    if (!check_word(object, "endpoint", "client", "server", error) || !check_switch(object, "verify-peer", error) ||
        !check_switch(object, "sanity-check", error))
        return false;
    if (!dir)
        return options_deny(error, "Missing 'dir' property value");
    g_autofree char *path = g_build_filename(dir, file, NULL);
    return access(path, R_OK) == 0 || options_deny(error, "Unable to access credentials %s: %s", path, g_strerror(errno));
}

static bool check_x509(const struct options *object, GError **error)
{
    return check_credentials(object, "ca-cert.pem", error);
}

static bool check_psk(const struct options *object, GError **error)
{
    return check_credentials(object, "keys.psk", error);
}

static bool check_throttle_group(const struct options *object, GError **error)
{
    struct throttle_limits limits;
    return throttle_limits_parse(object, &limits, error);
}

/* ---- kinds ---- */

/* Their properties, separated by spaces; NULL: check looks at them, too. */
static const struct object_type {
    const char *name, *properties;
    bool (*check)(const struct options *object, GError **error);
} types[] = {
    {"secret", "data file format iv keyid", check_secret},
    {"tls-creds-psk", "dir endpoint priority username verify-peer", check_psk},
    {"tls-creds-x509", "dir endpoint passwordid priority sanity-check verify-peer", check_x509},
    {"throttle-group", NULL, check_throttle_group},
};

static const struct object_type *find_type(const char *name)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(types); i++) {
        if (strcmp(name, types[i].name) == 0)
            return &types[i];
    }
    return NULL;
}

static bool check_properties(const struct object_type *type, const struct options *object, GError **error)
{
    g_auto(GStrv) properties = type->properties ? g_strsplit(type->properties, " ", -1) : NULL;
    for (unsigned i = 0; properties && i < options_count(object); i++) {
        const char *key, *unused;
        options_at(object, i, &key, &unused);
        if (strcmp(key, "qom-type") != 0 && strcmp(key, "id") != 0 && !g_strv_contains((const char *const *)properties, key))
            return options_deny(error, "Parameter '%s' is unexpected", key);
    }
    return type->check(object, error);
}

/* ---- help ---- */

static void list_types(GString *lines)
{
    g_string_append(lines, "Objects that can be defined:\n");
    for (unsigned i = 0; i < G_N_ELEMENTS(types); i++)
        g_string_append_printf(lines, "  %s\n", types[i].name);
}

static void list_properties(const struct object_type *type, GString *lines)
{
    g_auto(GStrv) properties = g_strsplit(type->properties ?: "", " ", -1);
    g_string_append_printf(lines, "Properties of %s, beside its id:\n", type->name);
    for (unsigned i = 0; properties[i]; i++)
        g_string_append_printf(lines, "  %s\n", properties[i]);
    if (!type->properties)
        throttle_limits_list(lines);
}

static bool asks_for_help(const char *word)
{
    return strcmp(word, "help") == 0 || strcmp(word, "?") == 0;
}

char *objects_help(const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, ",", -1);
    bool asks = false;
    for (unsigned i = 0; text[0] != '{' && parts[i]; i++) /* behind a doubled comma it belongs to a value */
        asks = asks || (asks_for_help(parts[i]) && (i == 0 || *parts[i - 1]));
    if (!asks)
        return NULL;
    GString *lines = g_string_new(NULL);
    const struct object_type *type = find_type(parts[0]);
    if (type)
        list_properties(type, lines);
    else
        list_types(lines);
    return g_string_free(lines, FALSE);
}

/* ---- definitions ---- */

/* "secret,id=x,data=y": no switches here, every part but the first has a value. */
static bool parse_words(struct options *object, const char *text, GError **error)
{
    for (const char *part = strchr(text, ','); part; part = strchr(part, ',')) {
        size_t len = strcspn(++part, "=,");
        if (len == 0 && *part)
            return options_deny(error, "Invalid parameter ''");
        if (part[len] != '=' && *part)
            return options_deny(error, "Expected '=' after parameter '%.*s'", (int)MIN(len, OPTIONS_KEY_MAX), part);
        do /* commas in a value are doubled */
            part += strcspn(part, ",");
        while (part[0] == ',' && part[1] == ',' && (part += 2));
    }
    return options_parse(object, text, "qom-type", error);
}

static bool parse_json(struct options *object, const char *text, GError **error)
{
    static const char prefix[] = "Could not parse the JSON options: ";
    g_autoptr(GError) reason = NULL;
    if (options_parse_json(object, text, &reason))
        return true;
    return options_deny(error, "%s", reason->message + (g_str_has_prefix(reason->message, prefix) ? strlen(prefix) : 0));
}

bool objects_define(const char *text, GError **error)
{
    g_autoptr(options) object = options_new();
    if (!(text[0] == '{' ? parse_json(object, text, error) : parse_words(object, text, error)))
        return false;
    const char *name = options_get(object, "qom-type"), *id = options_get(object, "id");
    if (!name)
        return options_deny(error, "Parameter 'qom-type' is missing");
    const struct object_type *type = find_type(name);
    if (!type)
        return options_deny(error, "Parameter 'qom-type' does not accept value '%s'", name);
    if (!id)
        return options_deny(error, "Parameter 'id' is missing");
    if (!check_id(id, error) || !check_properties(type, object, error))
        return false;
    return objects_add(g_steal_pointer(&object), error) == 0;
}
