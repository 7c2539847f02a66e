/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/vmdk_text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "block/options.h"

#define BLANK " \t\r"

static void extent_free(void *data)
{
    struct vmdk_extent *extent = data;

    g_free(extent->access);
    g_free(extent->type);
    g_free(extent->name);
    g_free(extent);
}

void vmdk_text_free(struct vmdk_text *text)
{
    if (!text)
        return;
    g_free(text->create_type);
    g_ptr_array_unref(text->extents);
    g_free(text);
}

bool vmdk_extent_is_flat(const struct vmdk_extent *extent)
{
    static const char *const types[] = {"FLAT", "VMFS", NULL};

    return g_strv_contains(types, extent->type);
}

/* ---- a line ---- */

static const char *skip_blank(const char *p)
{
    return p + strspn(p, BLANK);
}

/* Of letters and digits; NULL: there is none. */
static char *take_word(const char **p)
{
    const char *start = skip_blank(*p), *end = start;

    while (g_ascii_isalnum(*end))
        end++;
    *p = end;
    return end > start ? g_strndup(start, end - start) : NULL;
}

static bool take_number(const char **p, uint64_t *ret_number)
{
    g_autofree char *word = take_word(p);

    return word && g_ascii_string_to_unsigned(word, 10, 0, INT64_MAX / 512, ret_number, NULL);
}

/* In double quotes, which it can't have itself. */
static char *take_quoted(const char **p)
{
    const char *start = skip_blank(*p), *end = *start == '"' ? strchr(start + 1, '"') : NULL;

    if (!end || end == start + 1)
        return NULL;
    *p = end + 1;
    return g_strndup(start + 1, end - start - 1);
}

static bool is_extent(const char *line)
{
    static const char *const accesses[] = {"RW", "RDONLY", "NOACCESS", NULL};
    g_autofree char *word = take_word(&line);

    return word && g_strv_contains(accesses, word);
}

/* ACCESS SECTORS TYPE ["NAME" [OFFSET]] */
static struct vmdk_extent *parse_extent(const char *line)
{
    struct vmdk_extent *extent = g_new0(struct vmdk_extent, 1);

    extent->access = take_word(&line);
    if (take_number(&line, &extent->sectors)) {
        extent->type = take_word(&line);
        extent->name = extent->type ? take_quoted(&line) : NULL;
        extent->has_offset = extent->name && *skip_blank(line) && take_number(&line, &extent->offset);
    }
    if (!extent->type || *skip_blank(line) || (!extent->name && strcmp(extent->type, "ZERO") != 0)) {
        extent_free(extent);
        return NULL;
    }
    return extent;
}

/* Another line's value: createType="monolithicFlat". */
static char *parse_create_type(const char *line)
{
    g_autofree char *key = take_word(&line), *value = NULL;

    line = skip_blank(line);
    if (g_strcmp0(key, "createType") != 0 || *line++ != '=')
        return NULL;
    value = take_quoted(&line);
    for (const char *p = value; p && *p; p++) {
        if (!g_ascii_isalnum(*p))
            return NULL;
    }
    return g_steal_pointer(&value);
}

/* ---- all ---- */

static int take_line(struct vmdk_text *text, const char *line, unsigned number, GError **error)
{
    struct vmdk_extent *extent;

    if (!is_extent(line)) {
        if (!text->create_type)
            text->create_type = parse_create_type(line);
        return 0;
    }
    extent = parse_extent(line);
    if (extent && text->extents->len < VMDK_EXTENTS_MAX) {
        g_ptr_array_add(text->extents, extent);
        return 0;
    }
    if (extent) {
        extent_free(extent);
        g_set_error(error, OPTIONS_ERROR, EINVAL, "the description has more than %d extents", VMDK_EXTENTS_MAX);
    } else {
        g_set_error(error, OPTIONS_ERROR, EINVAL, "line %u of the description is no extent, though it begins as one", number);
    }
    return -EINVAL;
}

struct vmdk_text *vmdk_text_parse(const char *bytes, size_t n, GError **error)
{
    g_autofree char *copy = g_strndup(bytes, n); /* to the first zero byte */
    g_auto(GStrv) lines = g_strsplit(copy, "\n", -1);
    g_autoptr(vmdk_text) text = g_new0(struct vmdk_text, 1);

    text->extents = g_ptr_array_new_with_free_func(extent_free);
    for (unsigned i = 0; lines[i]; i++) {
        if (take_line(text, lines[i], i + 1, error) < 0)
            return NULL;
    }
    if (!text->create_type || text->extents->len == 0) {
        g_set_error(error, OPTIONS_ERROR, EINVAL, "the description has no %s", text->create_type ? "extent" : "createType");
        return NULL;
    }
    return g_steal_pointer(&text);
}

char *vmdk_text_write(const struct vmdk_text *text, const char *const *names)
{
    GString *out = g_string_new("# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\n");

    g_string_append_printf(out, "createType=\"%s\"\n", text->create_type);
    for (unsigned i = 0; i < text->extents->len; i++) {
        const struct vmdk_extent *extent = text->extents->pdata[i];

        g_string_append_printf(out, "%s %" PRIu64 " %s", extent->access, extent->sectors, extent->type);
        if (extent->name)
            g_string_append_printf(out, " \"%s\"", *names++);
        if (extent->has_offset)
            g_string_append_printf(out, " %" PRIu64, extent->offset);
        g_string_append_c(out, '\n');
    }
    return g_string_free(out, FALSE);
}
