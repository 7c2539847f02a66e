/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/image-options.h"

#include <string.h>

#include "engine/session.h"

static int refuse(GError **error, const char *what, const char *value)
{
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "Invalid %s option: %s", what, value);
    return -1;
}

static int take_discard(struct image_options *image, const char *value, GError **error)
{
    if (!strcmp(value, "unmap") || !strcmp(value, "on"))
        image->flags |= BLK_OPEN_DISCARD_UNMAP;
    else if (!strcmp(value, "ignore") || !strcmp(value, "off"))
        image->flags &= ~BLK_OPEN_DISCARD_UNMAP;
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

void image_options_apply(const struct image_options *image, const struct session_config *config, struct blk_open *how)
{
    how->flags = image->flags;
    how->cache = image->cache;
    how->refs = config->refs;
    if (!image->read_only && (config->drop_in || config->writable || image->writable))
        how->flags |= BLK_OPEN_WRITABLE;
    if (!config->drop_in)
        how->flags |= BLK_OPEN_NO_LOCK_IF_READ_ONLY;
}
