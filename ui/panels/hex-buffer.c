/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "ui/panels/hex-source.h"

enum {
    RUNS_KEPT = 64,     /* a screen asks for the same few in every frame, and one may be as long as the buffer */
    STRIDE_ROWS = 2048, /* compared at once */
};

struct run {
    int64_t start, end; /* empty: none */
    int width;
};

struct hex_buffer {
    struct hex_source source;
    GBytes *bytes; /* NULL: empty */
    const uint8_t *data;
    size_t size;
    struct run runs[RUNS_KEPT];
    unsigned next_run; /* to be forgotten next */
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

/* Whether n bytes are the same as those a row further on. */
static bool is_repeated(const struct hex_buffer *buffer, int64_t offset, int64_t n, int width)
{
    return memcmp(buffer->data + offset, buffer->data + offset + width, (size_t)n) == 0;
}

static struct run find_run(const struct hex_buffer *buffer, int64_t row, int width)
{
    struct run run = {.start = row, .end = row + width, .width = width};
    const int64_t stride = (int64_t)STRIDE_ROWS * width, size = (int64_t)buffer->size;

    for (int64_t step = stride; step >= width; step = step > width ? width : 0) { /* by strides, then by rows */
        while (run.end + step <= size && is_repeated(buffer, run.end - width, step, width)) {
            run.end += step;
        }
        while (run.start >= step && is_repeated(buffer, run.start - step, step, width)) {
            run.start -= step;
        }
    }
    return run;
}

static void run(struct hex_source *source, int64_t row, int width, int64_t *ret_start, int64_t *ret_end)
{
    struct hex_buffer *buffer = (struct hex_buffer *)source;
    struct run *run = NULL;

    for (unsigned i = 0; i < RUNS_KEPT && !run; i++) {
        struct run *kept = &buffer->runs[i];

        run = kept->width == width && row >= kept->start && row < kept->end ? kept : NULL;
    }
    if (!run) {
        run = &buffer->runs[buffer->next_run++ % RUNS_KEPT];
        *run = find_run(buffer, row, width);
    }
    *ret_start = run->start;
    *ret_end = run->end;
}

static const struct hex_source_ops ops = {.size = size, .get = get, .piece = piece, .run = run};

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
