/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Marked places, each with a letter, kept per image from one run to the next. */
#pragma once

#include <glib.h>

struct hex_marks;

/* path: the file they are kept in, NULL: in none.  Marks of image (any bytes; NULL: none) are read from it; what is wrong with the file is left
 * out. */
struct hex_marks *hex_marks_new(const char *path, const char *image);
void hex_marks_free(struct hex_marks *marks);

/* place is copied.  0, or -EINVAL when mark is no ASCII letter; written at once, an error of that is in *error and the mark is set all the same. */
int hex_marks_set(struct hex_marks *marks, char mark, const char *place, GError **error);
/* NULL: there is none.  Valid until it is set again. */
const char *hex_marks_get(const struct hex_marks *marks, char mark);

/* From now on panels keep marks in this file (NULL: in none, which is so at first). */
void hex_marks_keep_in(const char *path);
const char *hex_marks_path(void);
