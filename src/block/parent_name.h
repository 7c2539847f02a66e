/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which backing file an image of a format without a driver here names.  Sources: qcow2.txt (the fields are qcow's, too), qed_spec.txt, VMDK 5.0 ("The
 * Descriptor File").
 */
#pragma once

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

enum { PARENT_NAME_HEAD = 64 * 1024 }; /* bytes from the start that are enough */

/* format: qcow, qcow2, qed or vmdk.  Raw bytes (g_free); NULL: it names none, or nowhere in these bytes. */
char *parent_name(const char *format, const uint8_t *bytes, size_t n);
