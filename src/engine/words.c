/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/words.h"

#include <glib.h>
#include <string.h>

void words_start(struct words *words, char *text)
{
    words->next = text;
    words->argc = 0;
}

char *words_quote(const char *word)
{
    static const char plain[] = G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "_.:-+/@%,=";
    return *word != '\0' && *word != '-' && word[strspn(word, plain)] == '\0' ? g_strdup(word) : g_shell_quote(word);
}

void words_done(struct words *words)
{
    g_free(words->argv);
    *words = (struct words){0};
}

static inline void add(struct words *words, char *word)
{
    if (words->argc + 1 >= words->room) {
        words->room = MAX(16, words->room * 2);
        words->argv = g_renew(char *, words->argv, words->room);
    }
    words->argv[words->argc++] = word;
    words->argv[words->argc] = NULL;
}

static bool next_plain(struct words *words)
{
    char *p = words->next;
    words->next = NULL;
    for (;;) {
        while (*p == ' ')
            p++;
        if (!*p)
            return words->argc > 0;
        add(words, p);
        while (*p && *p != ' ')
            p++;
        if (*p)
            *p++ = '\0';
    }
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static bool ends_word(char c)
{
    return !c || c == ';' || c == '\n' || is_space(c);
}

/*
 * Takes one word that begins at from, unquoting in place (the result is never longer than the source).  Returns where
 * reading goes on, or NULL for an open quote; *ret_stop is the character that ended the word, perhaps overwritten by
 * the word's terminator.
 */
static char *take_word(char *from, char *ret_stop)
{
    char *out = from;
    for (; !ends_word(*from); from++) {
        if (*from == '\\') {
            if (from[1])
                from++;
            *out++ = *from;
        } else if (*from == '\'' || *from == '"') {
            char quote = *from++;
            for (; *from != quote; from++) {
                if (quote == '"' && *from == '\\' && (from[1] == '"' || from[1] == '\\'))
                    from++;
                if (!*from)
                    return NULL;
                *out++ = *from;
            }
        } else {
            *out++ = *from;
        }
    }
    *ret_stop = *from;
    *out = '\0';
    return *ret_stop ? from + 1 : from;
}

static bool next_quoted(struct words *words, const char **ret_error)
{
    static char semicolon[] = ";";
    char *p = words->next;
    bool keep_semicolons = false;
    words->next = NULL;
    for (;;) {
        char stop = ' ';
        while (is_space(*p))
            p++;
        if (*p == '#')
            p += strcspn(p, "\n");
        if (!*p)
            return words->argc > 0;
        if (*p == ';' || *p == '\n') {
            stop = *p++;
        } else {
            char *word = p;
            p = take_word(p, &stop);
            if (!p) {
                *ret_error = "a quote is not closed";
                return false;
            }
            add(words, word);
            keep_semicolons = !strcmp(words->argv[0], "multiwrite");
        }
        if (stop != ';' && stop != '\n')
            continue;
        if (stop == ';' && keep_semicolons) {
            add(words, semicolon);
        } else if (words->argc) {
            words->next = p;
            return true;
        }
    }
}

bool words_next(struct words *words, bool plain, const char **ret_error)
{
    *ret_error = NULL;
    words->argc = 0;
    if (!words->next)
        return false;
    return plain ? next_plain(words) : next_quoted(words, ret_error);
}
