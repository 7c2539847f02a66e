/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "ui/panels/hex-source.h"

struct hex_buffer {
    struct hex_source source;
    GBytes *bytes; /* NULL: empty */
    const uint8_t *data;
    size_t size;
};

static int64_t size(const struct hex_source *source)
{
    return (int64_t)((const struct hex_buffer *)source)->size;
}

static void get(struct hex_source *source, int64_t offset, size_t n, uint8_t *bytes, uint8_t *states)
{
    memcpy(bytes, ((struct hex_buffer *)source)->data + offset, n);
    memset(states, HEX_KNOWN, n);
}

static size_t piece(struct hex_source *source, int64_t offset, const uint8_t **ret_bytes)
{
    struct hex_buffer *buffer = (struct hex_buffer *)source;

    *ret_bytes = buffer->data + offset;
    return buffer->size - (size_t)offset;
}

static const struct hex_source_ops ops = {.size = size, .get = get, .piece = piece};

struct hex_source *hex_buffer_new(GBytes *bytes)
{
    struct hex_buffer *buffer = g_new0(struct hex_buffer, 1);

    buffer->source.ops = &ops;
    if (bytes) {
        buffer->bytes = g_bytes_ref(bytes);
        buffer->data = g_bytes_get_data(bytes, &buffer->size);
    }
    return &buffer->source;
}

void hex_buffer_free(struct hex_source *source)
{
    struct hex_buffer *buffer = (struct hex_buffer *)source;

    if (buffer) {
        g_clear_pointer(&buffer->bytes, g_bytes_unref);
        g_free(buffer);
    }
}
