/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/image-options.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "engine/session-private.h"

static int refuse(GError **error, const char *what, const char *value)
{
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "Invalid %s option: %s", what, value);
    return -1;
}

static int take_discard(struct image_options *image, const char *value, GError **error)
{
    if (!strcmp(value, "unmap") || !strcmp(value, "on"))
        image->ignore_discard = false;
    else if (!strcmp(value, "ignore") || !strcmp(value, "off"))
        image->ignore_discard = true;
    else
        return refuse(error, "discard", value);
    return 1;
}

static int take_aio(struct image_options *image, const char *value, GError **error)
{
    if (strcmp(value, "threads") && strcmp(value, "native") && strcmp(value, "io_uring"))
        return refuse(error, "aio", value);
    image->aio = value;
    image->native_aio = !strcmp(value, "native");
    return 1;
}

int image_options_take(struct image_options *image, int letter, const char *value, GError **error)
{
    switch (letter) {
    case 'r':
        image->read_only = true;
        return 1;
    case 'w':
        image->writable = true;
        return 1;
    case 's':
        image->flags |= BLK_OPEN_SNAPSHOT;
        return 1;
    case 'n':
        image->cache = BLK_CACHE_NONE;
        return 1;
    case 'C':
        image->flags |= BLK_OPEN_COPY_ON_READ;
        return 1;
    case 'k':
        return take_aio(image, "native", error);
    case 'U':
        image->flags |= BLK_OPEN_FORCE_SHARE;
        return 1;
    case 't':
        return blk_cache_parse(value, &image->cache) < 0 ? refuse(error, "cache", value) : 1;
    case 'd':
        return take_discard(image, value, error);
    case 'i':
        return take_aio(image, value, error);
    default:
        return 0;
    }
}

/* The next word of option text, commas in it doubled; NULL at the end. */
static char *next_option(const char **text)
{
    GString *word = g_string_new(NULL);
    if (!**text)
        return g_string_free(word, TRUE);
    for (; **text; (*text)++) {
        if (**text == ',') {
            if ((*text)[1] != ',')
                break;
            (*text)++;
        }
        g_string_append_c(word, **text);
    }
    if (**text)
        (*text)++;
    return g_string_free(word, FALSE);
}

char **image_options_short_forms(const char *text)
{
    GPtrArray *warnings = g_ptr_array_new();
    char *word;
    while ((word = next_option(&text))) {
        bool negative = g_str_has_prefix(word, "no");
        if (!strchr(word, '='))
            g_ptr_array_add(warnings, g_strdup_printf("warning: short-form boolean option '%s' deprecated\n"
                                                      "Please use %s=%s instead",
                                                      word, negative ? word + 2 : word, negative ? "off" : "on"));
        g_free(word);
    }
    g_ptr_array_add(warnings, NULL);
    return (char **)g_ptr_array_free(warnings, FALSE);
}

/* ---- opening ---- */

static bool is_direct(const struct image_options *image, const struct options *options)
{
    const char *direct = options ? options_get(options, "cache.direct") : NULL;
    return direct ? !strcmp(direct, "on") : image->cache == BLK_CACHE_NONE || image->cache == BLK_CACHE_DIRECTSYNC;
}

int image_options_open_co(const struct image_options *image, struct session *session, const char *filename,
                          const char *format, const struct options *options, struct sink *sink)
{
    const struct session_config *config = session_config(session);
    struct blk_open how = {
        .filename = filename,
        .format = format,
        .options = options,
        .flags = image->flags,
        .cache = image->cache,
        .refs = config->refs,
    };
    /* With -s the writes go to the temporary layer: the image itself stays as it is, whatever is asked for. */
    bool layered = image->flags & BLK_OPEN_SNAPSHOT;
    if (!image->read_only && (config->drop_in || config->writable || image->writable || layered))
        how.flags |= BLK_OPEN_WRITABLE;
    if (!image->ignore_discard)
        how.flags |= BLK_OPEN_DISCARD_UNMAP;
    if (!config->drop_in)
        how.flags |= BLK_OPEN_NO_LOCK_IF_READ_ONLY;
    /*
     * We serve native I/O without direct access too, but under the reference program's name it is refused as there: where there
     * is a file at all.
     */
    if (config->drop_in && image->native_aio && !session_blk(session) && !is_direct(image, options) &&
        (!filename || strchr(filename, ':') || !access(filename, F_OK))) {
        struct command_call call = {.session = session, .sink = sink};
        g_autoptr(GError) error = g_error_new_literal(
            G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
            "aio=native was specified, but it requires cache.direct=on, which was not specified.");
        session_report_open_error(&call, &how, -EINVAL, error);
        return -EINVAL;
    }
    return session_open_co(session, &how, sink);
}
