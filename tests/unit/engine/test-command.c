/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/command.h"

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/batch.h"
#include "engine/session.h"
#include "engine/words.h"
#include "io/aio.h"
#include "io/co.h"

static void the_table_is_sorted_and_complete(void)
{
    const char *before = "";
    for (const struct command *const *at = command_all(); *at; at++) {
        const struct command *command = *at;
        g_test_message("%s", command->name);
        g_assert_cmpstr(before, <, command->name);
        before = command->name;
        g_assert_nonnull(command->summary);
        g_assert_nonnull(command->help);
        g_assert_true(g_str_has_suffix(command->help, "\n"));
        g_assert_nonnull(command->run_co);
        g_assert_cmpint(command->min_args, >=, 0);
        g_assert_true(command->max_args == -1 || command->max_args >= command->min_args);
        g_assert_true(command_find(command->name) == command);
        if (command->alias)
            g_assert_true(command_find(command->alias) == command);
    }
}

static void no_two_commands_share_a_name(void)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    for (const struct command *const *at = command_all(); *at; at++) {
        g_assert_true(g_hash_table_add(seen, (char *)(*at)->name));
        if ((*at)->alias)
            g_assert_true(g_hash_table_add(seen, (char *)(*at)->alias));
    }
}

static void every_option_stands_in_the_usage_line_and_the_help(void)
{
    for (const struct command *const *at = command_all(); *at; at++) {
        for (const char *option = command_options(*at, false); option && *option; option++) {
            if (*option == ':')
                continue;
            char dashed[] = {'-', *option, '\0'};
            g_test_message("%s %s", (*at)->name, dashed);
            g_assert_nonnull(strchr(command_args(*at, false), *option == 'p' ? '[' : *option));
            g_assert_nonnull(strstr((*at)->help, dashed));
        }
    }
}

static void every_command_with_arguments_has_an_example(void)
{
    for (const struct command *const *at = command_all(); *at; at++) {
        const char *args = command_args(*at, false);
        g_autofree char *example = g_strdup_printf("\n  %s ", (*at)->name);
        g_test_message("%s", (*at)->name);
        if (args && *args)
            g_assert_nonnull(strstr((*at)->help, example));
    }
}

static void what_is_unknown_is_not_found(void)
{
    g_assert_null(command_find(""));
    g_assert_null(command_find("rea"));
    g_assert_null(command_find("readd"));
    g_assert_null(command_find("READ"));
}

/* ---- another room's commands ---- */

static int nothing_co(const struct command_call *call)
{
    return 0;
}

static const struct command goto_command = {.name = "goto", .summary = "moves", .help = "\n", .run_co = nothing_co};
static const struct command *const more[] = {&goto_command, NULL};

static void other_rooms_commands_can_be_added(void)
{
    g_assert_null(command_find("goto"));
    command_add(more);
    g_assert_true(command_find("goto") == &goto_command);
    g_assert_nonnull(command_find("read"));
    const char *before = "";
    for (const struct command *const *at = command_all(); *at; at++) {
        g_assert_cmpstr(before, <, (*at)->name);
        before = (*at)->name;
    }
    command_remove(more);
    g_assert_null(command_find("goto"));
    g_assert_nonnull(command_find("read"));
}

/* ---- completion and help need a session ---- */

static struct session *session_with(bool drop_in)
{
    static struct aio *aio;
    if (!aio)
        aio = aio_new("threads", NULL);
    struct session_config config = {.prog = drop_in ? "qemu-io" : "blkscope", .drop_in = drop_in, .aio = aio};
    return session_new(&config);
}

static char *completed(struct session *session, const char *line, int expected_start)
{
    int start;
    g_auto(GStrv) words = command_complete(session, line, strlen(line), &start);
    g_assert_cmpint(start, ==, expected_start);
    return g_strjoinv(" ", words);
}

#define assert_completed(line, start, expected)                                                                        \
    do {                                                                                                               \
        g_autofree char *got_ = completed(session, line, start);                                                       \
        g_assert_cmpstr(got_, ==, expected);                                                                           \
    } while (0)

static void command_names_complete(void)
{
    struct session *session = session_with(false);
    assert_completed("rea", 0, "read read-as readv");
    assert_completed("length; rea", 8, "read read-as readv");
    assert_completed("help wr", 5, "write writev");
    assert_completed("xyz", 0, "");
    assert_completed("xyz a", 4, "");
    session_free(session);
}

static void options_complete(void)
{
    struct session *session = session_with(false);
    assert_completed("discard -", 8, "-C -q");
    assert_completed("map --", 4, "--extents --force --host --json --summary");
    assert_completed("truncate -m f", 12, "falloc full");
    assert_completed("open -t w", 8, "writeback writethrough");
    assert_completed("reopen -c n", 10, "none");
    assert_completed("open -d u", 8, "unmap");
    assert_completed("create -f q", 10, "qcow2");
    assert_completed("create -o s", 10, "size=");
    assert_completed("create -f qcow2 -o size=1M,data", 19, "size=1M,data_file= size=1M,data_file_raw=");
    assert_completed("create -o clus", 10, "");
    assert_completed("explain --", 8, "--host");
    assert_completed("check -r ", 9, "all leaks");
    assert_completed("map ", 4, "export");
    assert_completed("overlay d", 8, "diff discard");
    assert_completed("relink ", 7, "backing data-file");
    assert_completed("compare -f qco", 11, "qcow qcow2");
    session_free(session);
}

static void events_complete(void)
{
    struct session *session = session_with(false);
    assert_completed("break read_a", 6, "read_aio");
    assert_completed("break read_aio read_a", 15, "");
    assert_completed("resume ", 7, "");
    session_free(session);
}

static void paths_complete(void)
{
    g_autofree char *dir = g_dir_make_tmp("blkscope-XXXXXX", NULL);
    g_autofree char *file = g_build_filename(dir, "disk.img", NULL);
    g_autofree char *hidden = g_build_filename(dir, ".hidden", NULL);
    g_autofree char *sub = g_build_filename(dir, "sub", NULL);
    g_assert_true(g_file_set_contents(file, "", 0, NULL));
    g_assert_true(g_file_set_contents(hidden, "", 0, NULL));
    g_assert_cmpint(g_mkdir(sub, 0700), ==, 0);
    struct session *session = session_with(false);
    g_autofree char *line = g_strdup_printf("open -r %s/", dir);
    g_autofree char *both = g_strdup_printf("%s %s/", file, sub);
    assert_completed(line, 8, both);
    g_autofree char *source = g_strdup_printf("write -s %s/di", dir), *picture = g_strdup_printf("map export %s/di", dir);
    assert_completed(source, 9, file);
    assert_completed(picture, 11, file);
    session_free(session);
    g_unlink(file);
    g_unlink(hidden);
    g_rmdir(sub);
    g_rmdir(dir);
}

static void put(uint8_t *at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = value >> (8 * (bytes - 1 - i));
}

/* An empty qcow2 image of version 2 with snapshots of these names. */
static void write_image(const char *path, const char *const *names, unsigned count)
{
    uint8_t image[3 << 9] = {'Q', 'F', 'I', 0xfb, 0, 0, 0, 2};
    uint8_t *at = image + 1024;
    put(image + 20, 9, 4);    /* cluster_bits */
    put(image + 40, 512, 8);  /* L1 table, empty */
    put(image + 48, 512, 8);  /* refcount table */
    put(image + 56, 1, 4);    /* its clusters */
    put(image + 60, count, 4);
    put(image + 64, 1024, 8); /* snapshots */
    for (unsigned i = 0; i < count; i++) {
        put(at + 12, 1, 2);
        put(at + 14, strlen(names[i]), 2);
        at[40] = '1' + i;
        memcpy(at + 41, names[i], strlen(names[i]));
        at += (41 + strlen(names[i]) + 7) / 8 * 8;
    }
    g_assert_true(g_file_set_contents(path, (const char *)image, sizeof(image), NULL));
}

static void snapshots_complete(void)
{
    static const char *const names[] = {"before", "bef ore", "a,b"};
    g_autofree char *dir = g_dir_make_tmp("blkscope-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "a.qcow2", NULL);
    struct session *session = session_with(false);
    write_image(path, names, G_N_ELEMENTS(names));
    assert_completed("open -o snapshot=b", 8, "");
    g_autofree char *line = g_strconcat("open ", path, NULL);
    g_assert_cmpint(batch_run_line(session, line, sink_null()), ==, 0);
    g_assert_cmpint(batch_run_line(session, "close", sink_null()), ==, 0);
    assert_completed("open -o snapshot=b", 8, "snapshot=bef\\ ore snapshot=before");
    assert_completed("open -o driver=qcow2,snapshot=befo", 8, "driver=qcow2,snapshot=before");
    assert_completed("open -o snapshot=a", 8, "snapshot=a,,b");
    assert_completed("compare -s b", 11, "bef\\ ore before");
    assert_completed("compare -s 'a", 11, "a,b");
    session_free(session);
    g_unlink(path);
    g_rmdir(dir);
}

/* What is inserted is taken for the file's name again, however much of it was typed and in which quotes. */
static void names_complete_quoted(void)
{
    static const char *const names[] = {"sp ace", "semi;colon", "#hash", "quo'te", "dou\"ble", "back\\slash", "new\nline",
                                        "tab\t", "\xff\xfe"};
    g_autofree char *dir = g_dir_make_tmp("blkscope-XXXXXX", NULL);
    struct session *session = session_with(false), *drop_in = session_with(true);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(dir, names[i], NULL);
        g_assert_true(g_file_set_contents(path, "", 0, NULL));
        g_autofree char *all = g_strdup_printf("open %s/", dir);
        g_autofree char *quoted = completed(session, all, 5);
        struct words words = {0};
        const char *error;
        g_autofree char *line = g_strdup(quoted);
        words_start(&words, line);
        g_assert_true(words_next(&words, false, &error));
        g_assert_cmpint(words.argc, ==, 1);
        g_assert_cmpstr(words.argv[0], ==, path);
        words_done(&words);
        for (size_t len = strlen(dir) + 1; len <= strlen(quoted); len++) {
            g_autofree char *half = g_strdup_printf("length; open %.*s", (int)len, quoted);
            assert_completed(half, 13, quoted);
        }
        g_autofree char *in_quotes = g_strdup_printf("open \"%s/", dir);
        assert_completed(in_quotes, 5, quoted);
        assert_completed(all, 5, quoted);
        g_autofree char *plain = completed(drop_in, all, 5);
        g_assert_cmpstr(plain, ==, path);
        g_unlink(path);
    }
    session_free(session);
    session_free(drop_in);
    g_rmdir(dir);
}

/* Quotes, comments and what ends a command are where a line that runs has them. */
static void places_are_those_of_words(void)
{
    struct session *session = session_with(false), *drop_in = session_with(true);
    assert_completed("length # rea", 0, "");
    assert_completed("length # a; rea", 0, "");
    assert_completed("length #\nrea", 9, "read read-as readv");
    assert_completed("length\nrea", 7, "read read-as readv");
    assert_completed("length#; rea", 9, "read read-as readv");
    assert_completed("multiwrite 0 4k ; rea", 18, "");
    assert_completed("multiwrite 0 4k\nrea", 16, "read read-as readv");
    assert_completed("break read_a", 6, "read_aio");
    assert_completed("break '' read_a", 9, "");
    assert_completed("\"a\\\\\"; rea", 7, "read read-as readv"); /* the quote is closed */
    assert_completed("\"a\\x\"; rea", 7, "read read-as readv");
    g_autofree char *one_command = completed(drop_in, "length; wri", 8); /* ; ends nothing there */
    g_assert_cmpstr(one_command, ==, "");
    session_free(session);
    session_free(drop_in);
}

static void paths_that_are_odd_complete(void)
{
    g_autofree char *dir = g_dir_make_tmp("blkscope-XXXXXX", NULL), *before = g_get_current_dir();
    g_assert_cmpint(g_chdir(dir), ==, 0);
    g_assert_true(g_file_set_contents("-x", "", 0, NULL) && g_file_set_contents("back\\slash", "", 0, NULL));
    g_assert_cmpint(g_mkdir("folder", 0700), ==, 0);
    g_assert_cmpint(symlink("folder", "link"), ==, 0);
    g_assert_cmpint(symlink("nowhere", "lost"), ==, 0);
    struct session *session = session_with(false);
    assert_completed("source ", 7, "./-x back\\\\slash folder/ link/ lost"); /* no option */
    assert_completed("source \"back\\s", 7, "back\\\\slash");
    assert_completed("source 'back\\s", 7, "back\\\\slash");
    session_free(session);
    g_unlink("-x");
    g_unlink("back\\slash");
    g_unlink("link");
    g_unlink("lost");
    g_rmdir("folder");
    g_assert_cmpint(g_chdir(before), ==, 0);
    g_rmdir(dir);
}

static void tags_complete_before_they_are_reached(void)
{
    g_autofree char *dir = g_dir_make_tmp("blkscope-XXXXXX", NULL), *path = g_build_filename(dir, "a", NULL);
    g_autofree char *line = g_strdup_printf("open -o driver=raw blkdebug::%s; break read_aio first; break write_aio second; aio_read 0 512", path);
    g_assert_true(g_file_set_contents(path, "one sector", -1, NULL) && truncate(path, 512) == 0);
    struct session *session = session_with(false);
    g_assert_cmpint(batch_run_line(session, line, sink_null()), ==, 0);
    assert_completed("wait_break ", 11, "first second");
    assert_completed("cancel ", 7, "1");
    assert_completed("remove_break f", 13, "first");
    struct sink *sink = sink_new_buffer();
    g_assert_cmpint(batch_run_line(session, "pending", sink), ==, 0);
    g_assert_true(g_str_has_prefix(sink_buffer_text(sink), "request 1: read 0x0 +512 bytes, suspended at first (read_aio), "));
    g_assert_true(g_str_has_suffix(sink_buffer_text(sink), " s\n"));
    sink_free(sink);
    sink = sink_new_buffer();
    g_assert_cmpint(batch_run_line(session, "resume first; remove_break second; aio_flush; pending", sink), ==, 0);
    g_assert_true(g_str_has_suffix(sink_buffer_text(sink), "No request is pending.\n"));
    sink_free(sink);
    assert_completed("wait_break ", 11, "");
    session_free(session);
    g_unlink(path);
    g_rmdir(dir);
}

static void a_cursor_outside_of_the_line_is_its_end(void)
{
    struct session *session = session_with(false);
    int start;
    g_auto(GStrv) beyond = command_complete(session, "rea", 1000, &start);
    g_assert_cmpint(g_strv_length(beyond), ==, 3);
    g_auto(GStrv) before = command_complete(session, "rea", -5, &start);
    g_assert_cmpint(start, ==, 0);
    g_assert_cmpint(g_strv_length(before), >, 20);
    session_free(session);
}

static void help_lists_every_command(bool drop_in)
{
    struct session *session = session_with(drop_in);
    struct sink *sink = sink_new_buffer();
    g_assert_cmpint(batch_run_line(session, "help", sink), ==, 0);
    for (const struct command *const *at = command_all(); *at; at++) {
        g_autofree char *start = g_strdup_printf("\n%s ", (*at)->name);
        g_autofree char *text = g_strconcat("\n", sink_buffer_text(sink), NULL);
        bool shown = strstr(text, start);
        g_test_message("%s", (*at)->name);
        g_assert_true(shown == !(drop_in && (*at)->flags & COMMAND_OURS));
    }
    session_free(session);
    sink_free(sink);
}

static void help_shows_what_is_ours_under_our_own_name(void)
{
    help_lists_every_command(false);
    help_lists_every_command(true);
}

static void help_explains_each(void)
{
    struct session *session = session_with(false);
    for (const struct command *const *at = command_all(); *at; at++) {
        struct sink *sink = sink_new_buffer();
        g_autofree char *line = g_strconcat("help ", (*at)->name, NULL);
        g_assert_cmpint(batch_run_line(session, line, sink), ==, 0);
        g_assert_true(g_str_has_prefix(sink_buffer_text(sink), (*at)->name));
        g_assert_nonnull(strstr(sink_buffer_text(sink), (*at)->help));
        sink_free(sink);
    }
    session_free(session);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    co_init();
    g_test_add_func("/command/table", the_table_is_sorted_and_complete);
    g_test_add_func("/command/unique", no_two_commands_share_a_name);
    g_test_add_func("/command/options", every_option_stands_in_the_usage_line_and_the_help);
    g_test_add_func("/command/examples", every_command_with_arguments_has_an_example);
    g_test_add_func("/command/unknown", what_is_unknown_is_not_found);
    g_test_add_func("/command/added", other_rooms_commands_can_be_added);
    g_test_add_func("/command/complete/commands", command_names_complete);
    g_test_add_func("/command/complete/options", options_complete);
    g_test_add_func("/command/complete/events", events_complete);
    g_test_add_func("/command/complete/paths", paths_complete);
    g_test_add_func("/command/complete/snapshots", snapshots_complete);
    g_test_add_func("/command/complete/quoted", names_complete_quoted);
    g_test_add_func("/command/complete/cursor", a_cursor_outside_of_the_line_is_its_end);
    g_test_add_func("/command/complete/places", places_are_those_of_words);
    g_test_add_func("/command/complete/odd-paths", paths_that_are_odd_complete);
    g_test_add_func("/command/complete/tags", tags_complete_before_they_are_reached);
    g_test_add_func("/command/help/all", help_shows_what_is_ours_under_our_own_name);
    g_test_add_func("/command/help/each", help_explains_each);
    int status = g_test_run();
    co_done();
    return status;
}
