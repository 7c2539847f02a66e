/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of images: a path, "protocol:rest" or "json:{...}", turned into options. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "block/options.h"

/*
 * Adds to options what filename means for the node they describe.  A driver they name already takes it (a protocol as its own
 * name, a format for its `file`); without one, the protocol in the name does, or "json:" says all (what is in options
 * already wins over it).  A path gets no driver: what kind of file it is decides when it is opened.
 * 0, or -ENOENT for an unknown protocol, -EINVAL.
 */
int name_apply(struct options *options, const char *filename, GError **error);

/* As above, but the name is that of the node's `file`, whatever the node is. */
int name_apply_to_file(struct options *options, const char *filename, GError **error);

/* Whether a name is a path: neither "protocol:rest" nor "json:{...}". */
bool name_is_path(const char *filename);
/* What an image at that path (NULL: none) means by a name: a relative path is one beside the image (g_free). */
char *name_beside(const char *image, const char *name);
/* The path in a name that may have "file:" in front (g_free), or NULL and error: another protocol has no path. */
char *name_to_path(const char *filename, GError **error);
