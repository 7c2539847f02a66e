/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ui/console/histfile.h"

struct place {
    char *folder, *state, *path;
};

static void set_up(struct place *place, gconstpointer data)
{
    place->folder = g_dir_make_tmp("blkscope-histfile-XXXXXX", NULL);
    place->state = g_build_filename(place->folder, "state", NULL);
    g_setenv("XDG_STATE_HOME", place->state, TRUE);
    place->path = histfile_path();
}

static void remove_file(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_assert_true(g_remove(path) == 0);
}

/* Whatever else is in the folders is left over, and fails the test. */
static void tear_down(struct place *place, gconstpointer data)
{
    g_autofree char *folder = g_path_get_dirname(place->path);
    g_remove(place->path);
    remove_file(folder, "history.lock");
    g_assert_cmpint(g_rmdir(folder), ==, 0);
    g_assert_cmpint(g_rmdir(place->state), ==, 0);
    g_assert_cmpint(g_rmdir(place->folder), ==, 0);
    g_free(place->folder);
    g_free(place->state);
    g_free(place->path);
}

static bool append(const struct place *place, const char *line, GError **error)
{
    g_autoptr(GPtrArray) lines = g_ptr_array_new();
    g_ptr_array_add(lines, (char *)line);
    return histfile_append(place->path, lines, error);
}

static void assert_lines(const struct place *place, const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) lines = histfile_read(place->path, &error);
    g_assert_no_error(error);
    g_ptr_array_add(lines, NULL);
    g_autofree char *text = g_strjoinv("|", (char **)lines->pdata);
    g_assert_cmpstr(text, ==, expected);
}

static unsigned mode_of(const char *path)
{
    struct stat st;
    g_assert_cmpint(lstat(path, &st), ==, 0);
    return st.st_mode & 0777;
}

static void lines_of_several_sessions_are_kept(struct place *place, gconstpointer data)
{
    g_autofree char *folder = g_path_get_dirname(place->path);
    assert_lines(place, "");
    g_assert_true(append(place, "read 0 512", NULL));
    g_assert_true(append(place, "open 'a\\nb'", NULL));
    assert_lines(place, "read 0 512|open 'a\\nb'");
    g_assert_cmpuint(mode_of(place->path), ==, 0600);
    g_assert_cmpuint(mode_of(folder), ==, 0700);
}

static void the_oldest_are_dropped(struct place *place, gconstpointer data)
{
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
    for (int i = 0; i < HISTFILE_LINES_MAX + 5; i++) {
        g_ptr_array_add(lines, g_strdup_printf("sleep %d", i));
    }
    g_assert_true(histfile_append(place->path, lines, NULL));
    g_assert_true(append(place, "length", NULL));
    g_autoptr(GPtrArray) kept = histfile_read(place->path, NULL);
    g_assert_cmpuint(kept->len, ==, HISTFILE_LINES_MAX);
    g_assert_cmpstr(kept->pdata[0], ==, "sleep 6");
    g_assert_cmpstr(kept->pdata[HISTFILE_LINES_MAX - 1], ==, "length");
}

static void rubbish_is_passed_over(struct place *place, gconstpointer data)
{
    static const char rubbish[] = "one\n\x1b[2J\n\xff\xfe\nnul\0nul\n\r\n\ntwo";
    g_assert_true(append(place, "before", NULL));
    g_autofree char *huge = g_strnfill(12 << 20, 'x');
    g_autoptr(GString) text = g_string_new(huge);
    g_string_append_c(text, '\n');
    g_string_append_len(text, rubbish, sizeof rubbish - 1);
    g_assert_true(g_file_set_contents(place->path, text->str, (gssize)text->len, NULL));
    assert_lines(place, "one|two");
    g_assert_true(append(place, "three", NULL));
    assert_lines(place, "one|two|three");
}

static void assert_refused(const struct place *place)
{
    struct stat before, after;
    g_autoptr(GError) error = NULL, again = NULL;
    g_assert_cmpint(lstat(place->path, &before), ==, 0);
    g_assert_null(histfile_read(place->path, &error));
    g_assert_nonnull(strstr(error->message, "not a regular file"));
    g_assert_false(append(place, "read 0 512", &again));
    g_assert_cmpint(lstat(place->path, &after), ==, 0);
    g_assert_cmpuint(before.st_ino, ==, after.st_ino);
    g_assert_cmpint(g_remove(place->path), ==, 0);
}

static void only_plain_files_are_touched(struct place *place, gconstpointer data)
{
    g_assert_true(append(place, "before", NULL));
    g_assert_cmpint(g_remove(place->path), ==, 0);
    g_assert_cmpint(symlink("/dev/zero", place->path), ==, 0);
    assert_refused(place);
    g_assert_cmpint(mkfifo(place->path, 0600), ==, 0);
    assert_refused(place);
    g_assert_cmpint(g_mkdir(place->path, 0700), ==, 0);
    assert_refused(place);
}

static void a_lock_that_is_never_given_back_does_not_hang(struct place *place, gconstpointer data)
{
    g_autofree char *lock = g_strconcat(place->path, ".lock", NULL);
    g_autoptr(GError) error = NULL;
    g_assert_true(append(place, "before", NULL));
    int fd = open(lock, O_RDWR | O_CLOEXEC);
    g_assert_cmpint(flock(fd, LOCK_EX), ==, 0);
    g_assert_false(append(place, "read 0 512", &error));
    g_assert_nonnull(error);
    close(fd);
    assert_lines(place, "before");
}

static void a_session_keeps_what_it_noted(struct place *place, gconstpointer data)
{
    g_assert_true(histfile_begin(NULL));
    histfile_note("read 0 512");
    g_assert_true(append(place, "of another session", NULL));
    g_assert_true(histfile_end(NULL));
    histfile_note("of nobody");
    g_assert_true(histfile_end(NULL));
    assert_lines(place, "of another session|read 0 512");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, fn) g_test_add("/histfile/" name, struct place, NULL, set_up, fn, tear_down)
    ADD("kept", lines_of_several_sessions_are_kept);
    ADD("trimmed", the_oldest_are_dropped);
    ADD("rubbish", rubbish_is_passed_over);
    ADD("plain-files", only_plain_files_are_touched);
    ADD("lock", a_lock_that_is_never_given_back_does_not_hang);
    ADD("session", a_session_keeps_what_it_noted);
    return g_test_run();
}
