/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The file has a line a mark: letter, place, image's absolute name (escaped as in C), separated by tabs.  It is read again before it is
 * written, so that the marks others set meanwhile stay, and replaced as a whole.
 */
#include "ui/panels/hex-marks.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ui/config.h"
#include "util/safetext.h"

enum { FILE_BYTES_MAX = 4 << 20, LETTERS = 128 };

struct hex_marks {
    char *path, *image; /* escaped; NULL: not kept */
    char *places[LETTERS];
};

static char *kept_in;

void hex_marks_keep_in(const char *path)
{
    g_free(kept_in);
    kept_in = g_strdup(path);
}

const char *hex_marks_path(void)
{
    return kept_in;
}

/* The lines of the file, none of one that is not there; NULL and errno: it can't be read. */
static char **read_lines(const char *path)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    struct stat st;

    if (stat(path, &st) < 0) {
        return errno == ENOENT ? g_new0(char *, 1) : NULL;
    }
    if (!S_ISREG(st.st_mode) || st.st_size > FILE_BYTES_MAX) {
        errno = S_ISREG(st.st_mode) ? EFBIG : EINVAL;
        return NULL;
    }
    if (!g_file_get_contents(path, &text, NULL, &error)) {
        errno = g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_ACCES) ? EACCES : EIO;
        return NULL;
    }
    return g_strsplit(text, "\n", -1);
}

/* Whether the line is about that image; then what it says. */
static bool parse(const char *line, const char *image, char *ret_mark, char **ret_place)
{
    g_auto(GStrv) parts = g_strsplit(line, "\t", 3);

    if (g_strv_length(parts) != 3 || !g_ascii_isalpha(parts[0][0]) || parts[0][1] != '\0' || strcmp(parts[2], image) != 0) {
        return false;
    }
    *ret_mark = parts[0][0];
    if (ret_place) {
        *ret_place = g_strdup(parts[1]);
    }
    return true;
}

struct hex_marks *hex_marks_new(const char *path, const char *image)
{
    struct hex_marks *marks = g_new0(struct hex_marks, 1);

    if (path && image) {
        g_autofree char *absolute = g_canonicalize_filename(image, NULL);
        g_auto(GStrv) lines = read_lines(path);

        marks->path = g_strdup(path);
        marks->image = g_strescape(absolute, NULL);
        for (char **line = lines; line && *line; line++) {
            char mark, *place;

            if (parse(*line, marks->image, &mark, &place)) {
                g_free(marks->places[(unsigned)mark]);
                marks->places[(unsigned)mark] = place;
            }
        }
    }
    return marks;
}

void hex_marks_free(struct hex_marks *marks)
{
    if (marks) {
        for (int i = 0; i < LETTERS; i++) {
            g_free(marks->places[i]);
        }
        g_free(marks->path);
        g_free(marks->image);
        g_free(marks);
    }
}

static int write_file(const struct hex_marks *marks, char mark)
{
    g_auto(GStrv) lines = read_lines(marks->path);
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *folder = g_path_get_dirname(marks->path);
    char known;

    if (!lines) { /* there may be many in it */
        return -errno;
    }
    for (char **line = lines; *line; line++) {
        if (**line && !(parse(*line, marks->image, &known, NULL) && known == mark)) {
            g_string_append_printf(text, "%s\n", *line);
        }
    }
    g_string_append_printf(text, "%c\t%s\t%s\n", mark, marks->places[(unsigned)mark], marks->image);
    return g_mkdir_with_parents(folder, 0700) < 0 ? -errno : config_state_write(marks->path, text->str, text->len);
}

int hex_marks_set(struct hex_marks *marks, char mark, const char *place, GError **error)
{
    if (!g_ascii_isalpha(mark)) {
        return -EINVAL;
    }
    g_free(marks->places[(unsigned)mark]);
    marks->places[(unsigned)mark] = g_strdup(place);
    int ret = marks->path ? write_file(marks, mark) : 0;
    if (ret < 0) {
        g_autofree char *name = safetext_escape(marks->path, -1);
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "%s: %s", name, ret == -EINVAL ? "not a regular file" : g_strerror(-ret));
    }
    return 0;
}

const char *hex_marks_get(const struct hex_marks *marks, char mark)
{
    return g_ascii_isalpha(mark) ? marks->places[(unsigned)mark] : NULL;
}
