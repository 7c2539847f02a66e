/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <dirent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "block/create.h"
#include "block/debug.h"
#include "block/inspect.h"
#include "engine/command.h"
#include "engine/complete-options.h"
#include "engine/session.h"

/* What is known about the word to complete. */
struct place {
    const char *word;     /* without its quotes */
    GPtrArray *before;    /* words of the same command before it */
    const struct command *command;
    bool drop_in;
};

static void offer(GPtrArray *found, const char *word, const char *candidate)
{
    if (g_str_has_prefix(candidate, word))
        g_ptr_array_add(found, g_strdup(candidate));
}

static void offer_once(GPtrArray *found, const char *word, const char *candidate)
{
    if (!g_ptr_array_find_with_equal_func(found, candidate, g_str_equal, NULL))
        offer(found, word, candidate);
}

static void offer_list(GPtrArray *found, const char *word, const char *const *candidates)
{
    for (; *candidates; candidates++)
        offer(found, word, *candidates);
}

static void offer_commands(GPtrArray *found, const char *word)
{
    for (const struct command *const *command = command_all(); *command; command++)
        offer(found, word, (*command)->name);
}

static void offer_tags(GPtrArray *found, const char *word, struct session *session)
{
    struct blk *blk = session_blk(session);
    for (GList *link = blk ? blk_requests(blk)->head : NULL; link; link = link->next) {
        const struct blk_request *request = link->data;
        if (request->tag)
            offer_once(found, word, request->tag);
    }
    struct blk_debug debug = {0};
    if (blk && blk_debug_list(blk, &debug) == 0) { /* those that wait for a request */
        for (unsigned i = 0; i < debug.breaks->len; i++) {
            const struct blk_debug_break *point = &g_array_index(debug.breaks, struct blk_debug_break, i);
            if (point->armed || point->held)
                offer_once(found, word, point->tag);
        }
    }
    blk_debug_clear(&debug);
}

static bool is_directory(DIR *dir, const struct dirent *entry)
{
    struct stat st;
    if (entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN)
        return entry->d_type == DT_DIR;
    return fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

/* Names in the directory that the word names, each with all of the word's own directory part before it. */
static void offer_paths(GPtrArray *found, const char *word)
{
    const char *slash = strrchr(word, '/'), *base = slash ? slash + 1 : word;
    g_autofree char *directory = g_strndup(word, base - word);
    DIR *dir = opendir(*directory ? directory : ".");
    struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        bool hidden = entry->d_name[0] == '.' && *base != '.';
        if (hidden || !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") || !g_str_has_prefix(entry->d_name, base))
            continue;
        const char *before = !*directory && entry->d_name[0] == '-' && !*word ? "./" : directory; /* it is no option */
        g_ptr_array_add(found, g_strconcat(before, entry->d_name, is_directory(dir, entry) ? "/" : "", NULL));
    }
    if (dir)
        closedir(dir);
}

static bool exports_map(const struct place *place)
{
    return !strcmp(place->command->name, "map") && place->before->len > 1 && !strcmp(place->before->pdata[1], "export");
}

static void offer_options(GPtrArray *found, const struct place *place)
{
    const char *spec = command_options(place->command, place->drop_in);
    for (; spec && *spec; spec++) {
        char option[3] = {'-', *spec, '\0'};
        if (*spec != ':')
            offer(found, place->word, option);
    }
    const char *args = place->drop_in ? NULL : command_args(place->command, false);
    if (exports_map(place) && args)
        args = strstr(args, "export"); /* the others are forms of their own */
    g_auto(GStrv) words = g_strsplit_set(args ?: "", "[]| ", -1); /* where long forms stand */
    for (int i = 0; words[i]; i++) {
        if (g_str_has_prefix(words[i], "--"))
            offer_once(found, place->word, words[i]);
    }
}

/* The option whose value the word is: its letter, 0 if it is none. */
static char option_before(const struct place *place)
{
    const char *spec = command_options(place->command, place->drop_in);
    const char *last = place->before->len > 1 ? place->before->pdata[place->before->len - 1] : "";
    if (!spec || last[0] != '-' || !last[1] || last[1] == '-')
        return 0;
    char letter = last[strlen(last) - 1];
    const char *known = strchr(spec, letter);
    return known && known[1] == ':' ? letter : 0;
}

/* For -s NAME: the option takes a comma as it is. */
static void offer_snapshot_names(GPtrArray *found, const char *word, struct session *session)
{
    g_auto(GStrv) names = session_snapshots(session);
    offer_list(found, word, (const char *const *)names);
}

static void offer_bitmap_names(GPtrArray *found, const char *word, struct session *session)
{
    g_auto(GStrv) names = session_blk(session) ? inspect_bitmap_names(session_blk(session)) : NULL;
    if (names)
        offer_list(found, word, (const char *const *)names);
}

static void offer_requests(GPtrArray *found, const char *word, struct session *session)
{
    struct blk *blk = session_blk(session);
    for (GList *link = blk ? blk_requests(blk)->head : NULL; link; link = link->next) {
        g_autofree char *number = g_strdup_printf("%" PRIu64, ((const struct blk_request *)link->data)->id);
        offer(found, word, number);
    }
}

/* snapshot=NAME, perhaps behind other options, of the image that is or was open. */
static void offer_snapshots(GPtrArray *found, const char *word, struct session *session)
{
    static const char key[] = "snapshot=";
    const char *comma = strrchr(word, ','), *option = comma ? comma + 1 : word;
    g_autofree char *before = g_strndup(word, option - word);
    g_auto(GStrv) names = session_snapshots(session);
    for (int i = 0; names[i]; i++) {
        g_auto(GStrv) parts = g_strsplit(names[i], ",", -1);
        g_autofree char *name = g_strjoinv(",,", parts); /* a comma alone would end the option */
        g_autofree char *candidate = g_strconcat(before, key, name, NULL);
        offer(found, word, candidate);
    }
}

/* The value of the last -LETTER before the word, or NULL. */
static const char *value_of(const struct place *place, const char *option)
{
    const char *value = NULL;
    for (unsigned i = 1; i + 1 < place->before->len; i++) {
        if (!strcmp(place->before->pdata[i], option))
            value = place->before->pdata[i + 1];
    }
    return value;
}

/* The last key of a list "key=value,key". */
static void offer_create_options(GPtrArray *found, const struct place *place)
{
    const struct driver_option *row = blk_create_options(value_of(place, "-f"), NULL);
    const char *comma = strrchr(place->word, ',');
    int before = comma ? (int)(comma + 1 - place->word) : 0;
    for (; row && row->name; row++) {
        g_autofree char *candidate = g_strdup_printf("%.*s%s=", before, place->word, row->name);
        if (row->type != DRIVER_OPTION_GROUP)
            offer(found, place->word, candidate);
    }
}

static void offer_create_value(GPtrArray *found, const struct place *place, char letter)
{
    static const char *const formats[] = {"qcow2", "raw", NULL};
    if (letter == 'f' || letter == 'F')
        offer_list(found, place->word, formats);
    else if (letter == 'b')
        offer_paths(found, place->word);
    else if (letter == 'o')
        offer_create_options(found, place);
}

static void offer_value(GPtrArray *found, const struct place *place, char letter, struct session *session)
{
    static const char *const caches[] = {"directsync", "none", "unsafe", "writeback", "writethrough", NULL};
    static const char *const discards[] = {"ignore", "off", "on", "unmap", NULL};
    static const char *const aios[] = {"io_uring", "native", "threads", NULL};
    const char *name = place->command->name;
    if (!strcmp(name, "create"))
        offer_create_value(found, place, letter);
    else if (!strcmp(name, "write") && letter == 's')
        offer_paths(found, place->word);
    else if (letter == 's' && (!strcmp(name, "compare") || !strcmp(name, "differences")))
        offer_snapshot_names(found, place->word, session);
    else if (letter == 'f' && (!strcmp(name, "compare") || !strcmp(name, "relink")))
        offer_list(found, place->word, blk_driver_names());
    else if (letter == 'o' && (!strcmp(name, "open") || !strcmp(name, "reopen"))) {
        offer_snapshots(found, place->word, session);
        complete_open_options(found, place->word);
    }
    else if (letter == 't' || (letter == 'c' && !strcmp(name, "reopen")))
        offer_list(found, place->word, caches);
    else if (letter == 'd')
        offer_list(found, place->word, discards);
    else if (letter == 'i')
        offer_list(found, place->word, aios);
    else if (letter == 'm')
        offer_list(found, place->word, blk_prealloc_names);
    g_auto(GStrv) words = command_option_words(place->command, place->drop_in, letter);
    for (char **candidate = words; *candidate; candidate++)
        offer_once(found, place->word, *candidate);
}

static void offer_operand(GPtrArray *found, const struct place *place, struct session *session)
{
    g_auto(GStrv) names = place->command->names ? place->command->names() : NULL;
    if (names)
        offer_list(found, place->word, (const char *const *)names);
    g_auto(GStrv) fitting = NULL;
    if (place->command->names_for)
        fitting = place->command->names_for((const char *const *)place->before->pdata, place->before->len);
    if (fitting)
        offer_list(found, place->word, (const char *const *)fitting);
    if (place->before->len == 1) {
        g_auto(GStrv) forms = command_forms(place->command, place->drop_in);
        for (char **form = forms; *form; form++)
            if (**form != '-')
                offer_once(found, place->word, *form);
    }
    if (!strcmp(place->command->name, "bitmaps") && place->before->len == 1)
        offer_bitmap_names(found, place->word, session);
    if (exports_map(place))
        offer_paths(found, place->word);
    switch (place->command->complete) {
    case COMMAND_COMPLETE_PATH:
        if (!fitting || !*fitting)
            offer_paths(found, place->word);
        break;
    case COMMAND_COMPLETE_REQUEST:
        offer_requests(found, place->word, session);
        break;
    case COMMAND_COMPLETE_COMMAND:
        offer_commands(found, place->word);
        break;
    case COMMAND_COMPLETE_EVENT:
        if (place->before->len == 1)
            offer_list(found, place->word, blk_event_names());
        break;
    case COMMAND_COMPLETE_TAG:
        offer_tags(found, place->word, session);
        break;
    case COMMAND_COMPLETE_NONE:
        break;
    }
}

/* The text before the cursor, read as words.h does: by whoever completes, as far as it is. */
struct cutting {
    struct place *place;
    GString *word;   /* the one that is being read */
    bool begun;      /* even if only by a quote */
    char quote;      /* 0: it is in none */
    bool in_comment;
};

static void end_word(struct cutting *cutting)
{
    if (cutting->begun)
        g_ptr_array_add(cutting->place->before, g_strdup(cutting->word->str));
    g_string_truncate(cutting->word, 0);
    cutting->begun = false;
}

/* What ends a word, and perhaps a command. */
static void take_separator(struct cutting *cutting, char c)
{
    GPtrArray *before = cutting->place->before;
    end_word(cutting);
    if (c == ';' && before->len && !strcmp(before->pdata[0], "multiwrite"))
        g_ptr_array_add(before, g_strdup(";"));
    else if (c == ';' || c == '\n')
        g_ptr_array_set_size(before, 0);
    cutting->in_comment &= c != '\n';
}

static bool separates(const struct cutting *cutting, char c)
{
    if (cutting->place->drop_in)
        return c == ' ';
    return !cutting->quote && strchr(" \t\r\v\f;\n", c);
}

/*
 * Cuts the text before the cursor into the words of the last command on it; the last word, which may be in the middle of a quote, goes to
 * word.  Returns where that one begins, -1: in a comment.
 */
static int find_place(const char *line, int cursor, struct place *place, GString *word)
{
    struct cutting cutting = {.place = place, .word = word};
    int start = 0;
    for (int i = 0; i < cursor; i++) {
        char c = line[i], next = i + 1 < cursor ? line[i + 1] : '\0';
        if (cutting.in_comment ? c == '\n' : separates(&cutting, c)) {
            take_separator(&cutting, c);
            start = i + 1;
            continue;
        }
        cutting.in_comment |= c == '#' && !cutting.begun && !place->drop_in;
        if (cutting.in_comment)
            continue;
        cutting.begun = true;
        bool escapes = c == '\\' && (!cutting.quote || (cutting.quote == '"' && (next == '"' || next == '\\')));
        if (escapes && !place->drop_in) {
            i++;
            if (next)
                g_string_append_c(word, next);
        } else if (!place->drop_in && (cutting.quote ? c == cutting.quote : c == '\'' || c == '"')) {
            cutting.quote = cutting.quote ? 0 : c;
        } else {
            g_string_append_c(word, c);
        }
    }
    return cutting.in_comment ? -1 : start;
}

char *command_usage_at(struct session *session, const char *line, int cursor)
{
    g_autoptr(GPtrArray) before = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GString) typed = g_string_new(NULL);
    struct place place = {.before = before, .drop_in = session_config(session)->drop_in};
    find_place(line, CLAMP(cursor, 0, (int)strlen(line)), &place, typed);
    const struct command *command = command_find(before->len ? before->pdata[0] : typed->str);
    if (!command)
        return NULL;
    const char *args = command_args(command, place.drop_in);
    return g_strdup_printf("%s%s%s -- %s", command->name, args && *args ? " " : "", args ?: "", command->summary);
}

/* As it has to be typed to be taken for one word. */
static char *quote(const char *word)
{
    GString *quoted = g_string_new(*word == '#' ? "\\" : NULL);
    for (; *word; word++) {
        if (strchr(" \t\r\n\v\f;\\'\"", *word))
            g_string_append_c(quoted, '\\');
        g_string_append_c(quoted, *word);
    }
    return g_string_free(quoted, FALSE);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **command_complete(struct session *session, const char *line, int cursor, int *ret_start)
{
    g_autoptr(GPtrArray) before = g_ptr_array_new_with_free_func(g_free);
    struct place place = {.before = before, .drop_in = session_config(session)->drop_in};
    GPtrArray *found = g_ptr_array_new();
    cursor = CLAMP(cursor, 0, (int)strlen(line));
    g_autoptr(GString) typed = g_string_new(NULL);
    int start = find_place(line, cursor, &place, typed);
    *ret_start = MAX(start, 0);
    const char *word = place.word = typed->str;
    place.command = before->len ? command_find(before->pdata[0]) : NULL;
    if (start >= 0 && !before->len) {
        offer_commands(found, word);
    } else if (start >= 0 && place.command) {
        char letter = option_before(&place);
        if (letter)
            offer_value(found, &place, letter, session);
        else if (word[0] == '-')
            offer_options(found, &place);
        else
            offer_operand(found, &place, session);
    }
    for (guint i = 0; i < found->len && !place.drop_in; i++) {
        g_autofree char *plain = found->pdata[i];
        found->pdata[i] = quote(plain);
    }
    g_ptr_array_sort(found, compare);
    g_ptr_array_add(found, NULL);
    return (char **)g_ptr_array_free(found, FALSE);
}
