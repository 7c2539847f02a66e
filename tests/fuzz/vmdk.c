/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Descriptions of vmdk images: what is written of one that was read says the same, with names of ours alone.  The same bytes
 * as the start of an image that may name a backing file.
 */
#include "block/parent_name.h"
#include "block/vmdk_text.h"
#include "fuzz.h"

static void check_same(const struct vmdk_text *text, const struct vmdk_text *again)
{
    g_assert_cmpstr(again->create_type, ==, text->create_type);
    g_assert_cmpuint(again->extents->len, ==, text->extents->len);
    for (unsigned i = 0; i < text->extents->len; i++) {
        const struct vmdk_extent *a = text->extents->pdata[i], *b = again->extents->pdata[i];

        g_assert_cmpstr(a->access, ==, b->access);
        g_assert_cmpstr(a->type, ==, b->type);
        g_assert_true(a->sectors == b->sectors && a->has_offset == b->has_offset && a->offset == b->offset);
        g_assert_cmpstr(b->name, ==, a->name ? "ours" : NULL);
    }
}

void fuzz_one(const uint8_t *data, size_t size)
{
    static const char *const formats[] = {"qcow", "qcow2", "qed", "vmdk"};
    g_autoptr(GError) error = NULL;
    g_autofree char *copy = fuzz_text(data, size);
    g_autoptr(vmdk_text) text = vmdk_text_parse(copy, size, &error), again = NULL;
    const char *names[VMDK_EXTENTS_MAX];
    g_autofree char *ours = NULL;

    for (unsigned i = 0; i < G_N_ELEMENTS(formats); i++) {
        g_autofree char *name = parent_name(formats[i], data, size), *format = parent_format(formats[i], data, size);
        struct parent_cids cids = parent_cids(formats[i], data, size);

        g_assert_true(!name || strlen(name) < 1024);
        g_assert_true(!name || parent_is_named(formats[i], data, size));
        g_assert_true(!format || strlen(format) <= MAX(size, strlen("vmdk")));
        g_assert_true(cids.own == PARENT_CID_NONE || strcmp(formats[i], "vmdk") == 0);
    }
    g_assert_true((text == NULL) == (error != NULL));
    if (!text)
        return;
    for (unsigned i = 0; i < VMDK_EXTENTS_MAX; i++)
        names[i] = "ours";
    ours = vmdk_text_write(text, names);
    again = vmdk_text_parse(ours, strlen(ours), &error);
    g_assert_no_error(error);
    check_same(text, again);
}
