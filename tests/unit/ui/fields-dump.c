/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fields-dump FILE: every field of every structure that is known in it, a line each: offset, bytes, structure, name, value, where it points to (-1),
 * separated by tabs.  tests/real/test_fields.py holds it against what the tools of each format print.  fields-dump --inspect FILE: for each byte and type
 * of the inspector, what it says of what begins there: offset, type, both byte orders.  The file's last byte has not been read, as far as it knows.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ui/panels/fields.h"
#include "ui/panels/hex-inspect.h"

enum { STEP = 8 };

static bool read_file(void *data, int64_t offset, void *buf, size_t n)
{
    return pread(*(int *)data, buf, n, offset) == (ssize_t)n;
}

static void learn(struct fields *fields, int fd, int64_t at)
{
    int64_t offset;
    size_t n;
    while (fields_wants(fields, at, &offset, &n)) {
        g_autofree uint8_t *bytes = g_malloc(n);
        ssize_t got = pread(fd, bytes, n, offset);
        fields_give(fields, bytes, got < 0 ? 0 : (size_t)got);
    }
}

/* Where data goes on; structures are never in holes of what the tools write. */
static int64_t next_data(int fd, int64_t at, int64_t size)
{
    off_t found = lseek(fd, at, SEEK_DATA);
    return found < 0 ? size : found;
}

/* ---- the inspector ---- */

struct file {
    struct hex_source source;
    int fd;
    int64_t size;
};

static int64_t file_size(const struct hex_source *source)
{
    return ((const struct file *)source)->size;
}

static void file_get(struct hex_source *source, int64_t offset, size_t n, uint8_t *bytes, uint8_t *states)
{
    const struct file *file = (const struct file *)source;
    read_file((void *)&file->fd, offset, bytes, n);
    for (size_t i = 0; i < n; i++)
        states[i] = offset + (int64_t)i == file->size - 1 ? HEX_UNKNOWN : HEX_KNOWN;
}

static void inspect(int fd, int64_t size)
{
    static const struct hex_source_ops ops = {.size = file_size, .get = file_get};
    struct file file = {{&ops}, fd, size};
    for (int64_t at = 0; at < size; at++) {
        for (int type = 0; type < HEX_INSPECT_TYPES; type++) {
            printf("%" PRId64 "\t%s", at, hex_inspect_name((enum hex_inspect_type)type));
            for (int big = 0; big < (hex_inspect_has_orders((enum hex_inspect_type)type) ? 2 : 1); big++) {
                g_autoptr(GString) text = g_string_new(NULL);
                hex_inspect_value(text, &file.source, at, (enum hex_inspect_type)type, big);
                printf("\t%s", text->str);
            }
            printf("\n");
        }
    }
}

int main(int argc, char **argv)
{
    int fd = argc >= 2 ? open(argv[argc - 1], O_RDONLY | O_CLOEXEC) : -1;
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return 2;
    int64_t size = st.st_size;
    if (argc == 3) {
        inspect(fd, size);
        return 0;
    }
    struct fields *fields = fields_new(size);
    for (int64_t at = 0; at < size;) {
        struct field_hit hit;
        learn(fields, fd, at);
        if (!fields_find(fields, read_file, &fd, at, &hit)) {
            at = next_data(fd, at - at % STEP + STEP, size);
            continue;
        }
        if (hit.value) {
            printf("%" PRId64 "\t%" PRId64 "\t%s\t%s\t%s\t%" PRId64 "\n", hit.offset, hit.bytes, hit.where, hit.name, hit.value, hit.target);
            at = MAX(at + 1, hit.offset + hit.bytes);
        } else {
            at++;
        }
        field_hit_clear(&hit);
    }
    fields_free(fields);
    close(fd);
    return 0;
}
