/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which backing file an image of a format without a driver here names.  Sources: qcow2.txt (the fields are qcow's, too), qed_spec.txt, VMDK 5.0 ("The
 * Descriptor File").
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PARENT_NAME_HEAD = 64 * 1024 }; /* bytes from the start that are enough */

/* format: qcow, qcow2, qed or vmdk.  Raw bytes (g_free); NULL: it names none, or nowhere in these bytes. */
char *parent_name(const char *format, const uint8_t *bytes, size_t n);
/* Whether it names one, be it where it is not looked for.  A vmdk whose description is not in these bytes is not known to. */
bool parent_is_named(const char *format, const uint8_t *bytes, size_t n);
/* The format that it says its backing file has (g_free); NULL: it doesn't. */
char *parent_format(const char *format, const uint8_t *bytes, size_t n);
/* Whether images of a format can have a backing file. */
bool parent_is_possible(const char *format);

/* The content IDs of a vmdk image: its own, which changes when it is written to, and that which its backing file had when it was made upon that. */
#define PARENT_CID_NONE UINT32_MAX
struct parent_cids {
    uint32_t own, below; /* PARENT_CID_NONE: there is none */
};
struct parent_cids parent_cids(const char *format, const uint8_t *bytes, size_t n);
