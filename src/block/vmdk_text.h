/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A vmdk image that is a text: which files its bytes are in.  Source: VMDK 5.0, "The Descriptor File". */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum { VMDK_TEXT_MAX = 1 << 20, VMDK_EXTENTS_MAX = 512 };

/* One after the other they make the disk. */
struct vmdk_extent {
    char *access;     /* RW, RDONLY, NOACCESS */
    uint64_t sectors;
    char *type;       /* FLAT, SPARSE, ZERO, ... */
    char *name;       /* raw bytes, as the text has it; NULL: it has none (ZERO) */
    bool has_offset;
    uint64_t offset;  /* sectors into the file; valid with has_offset */
};

struct vmdk_text {
    char *create_type;
    GPtrArray *extents; /* struct vmdk_extent, at least one */
};

/* Bytes of a file that is a description; NULL and error, whose message is about "the description". */
struct vmdk_text *vmdk_text_parse(const char *bytes, size_t n, GError **error);
void vmdk_text_free(struct vmdk_text *text);
typedef struct vmdk_text vmdk_text;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(vmdk_text, vmdk_text_free)

/* Whether the extent's file holds nothing but bytes of the disk. */
bool vmdk_extent_is_flat(const struct vmdk_extent *extent);

/* The same disk (g_free): names are those of the extents that have one, in their place, without a double quote in them.  Nothing else of the text is left. */
char *vmdk_text_write(const struct vmdk_text *text, const char *const *names);
