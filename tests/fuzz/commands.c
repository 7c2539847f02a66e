/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lines of commands on an image that takes everything.  A first byte '=' means: as under the name qemu-io.  Only commands that neither end
 * nor stop the program nor make files, and no large numbers.
 */
#include <string.h>

#include "engine/command.h"
#include "engine/session.h"
#include "engine/words.h"
#include "fuzz.h"
#include "util/size.h"

enum { LINES_MAX = 50, NUMBER_MAX = 1 << 20 };

static bool is_wanted_word(const char *word)
{
    int64_t number;
    if (strpbrk(word, "/.:~") || strlen(word) > 200)
        return false;
    /* An option's argument may follow without a space. */
    for (; *word == '-' || g_ascii_isalpha(*word); word++)
        ;
    return size_parse(word, &number) != 0 || number <= NUMBER_MAX;
}

static bool is_wanted_command(const char *name)
{
    static const char *const wanted[] = {"aio_discard", "aio_flush", "aio_read", "aio_write", "alloc", "break", "check", "discard", "explain", "flush",
                                         "header", "help", "info", "length", "map", "multiwrite", "read", "readv", "remove_break", "reopen",
                                         "resume", "truncate", "write", "writev", "zone_append", "zone_open", "zone_report", NULL};
    const struct command *command = command_find(name);
    return !command || g_strv_contains(wanted, command->name);
}

static bool is_wanted(const char *line, bool drop_in)
{
    g_autofree char *text = g_strdup(line);
    struct words words = {0};
    const char *error;
    bool wanted = true;
    words_start(&words, text);
    while (wanted && words_next(&words, drop_in, &error)) {
        wanted = is_wanted_command(words.argv[0]);
        for (int i = 1; i < words.argc; i++)
            wanted &= is_wanted_word(words.argv[i]);
    }
    words_done(&words);
    return wanted;
}

static void ended(void *data, int ret)
{
    bool *done = data;
    g_assert_false(*done);
    *done = true;
}

static void complete(struct session *session, const char *line)
{
    int start = -1;
    g_auto(GStrv) found = command_complete(session, line, (int)strlen(line), &start);
    g_assert_nonnull(found);
    g_assert_cmpint(start, >=, 0);
}

void fuzz_one(const uint8_t *data, size_t size)
{
    g_autofree char *text = fuzz_text(data, size);
    bool drop_in = *text == '=';
    struct session_config config = {.prog = "fuzz", .drop_in = drop_in, .writable = true, .refs = BLK_REFS_NONE, .aio = fuzz_aio()};
    struct session *session = session_new(&config);
    struct sink *sink = sink_new_buffer();
    bool opened = false;
    session_run(session, "open -o driver=null-co,size=65536,read-zeroes=on", sink, 0, ended, &opened);
    while (!opened)
        fuzz_turn();
    g_auto(GStrv) lines = g_strsplit(text + drop_in, "\n", LINES_MAX);
    for (unsigned i = 0; lines[i]; i++) {
        if (!drop_in && !strpbrk(lines[i], "/~."))
            complete(session, lines[i]);
        if (!is_wanted(lines[i], drop_in))
            continue;
        bool done = false;
        session_run(session, lines[i], sink, 0, ended, &done);
        while (!done)
            fuzz_turn();
    }
    session_free(session);
    sink_free(sink);
}
