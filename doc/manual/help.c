/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "doc/manual/help.h"

#include <stdbool.h>
#include <string.h>

/* What man(1) leaves of 80 columns for a table below the text of a command. */
#define TABLE_COLUMNS 62
/* Indentation of a table's lines in `help`; what stands further in goes on with the line above. */
#define TABLE_INDENT 2
/* A description that would begin behind this column has a line of its own. */
#define LAST_COLUMN 38

struct help {
    GString *out;
    GString *paragraph, *row; /* what is being collected; at most one of them is not empty */
    bool in_table;            /* the literal lines have been begun */
};

char *help_plain(const char *text)
{
    GString *out = g_string_new(NULL);

    for (const char *p = text; *p; p++) {
        if (strchr("_*\\[]|#<>`~", *p) || (p == text && strchr(".-", *p)))
            g_string_append_c(out, '\\');
        g_string_append_c(out, *p);
    }
    return g_string_free(out, FALSE);
}

/* Words in lines that begin in the column indent, the first one behind the used ones that are there. */
static void add_words(GString *out, const char *text, int used, int indent)
{
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    bool first = true;

    for (char **word = words; *word; word++) {
        int columns = (int)g_utf8_strlen(*word, -1);

        if (!first && used + 1 + columns > TABLE_COLUMNS) {
            g_string_append_printf(out, "\n\t%*s", indent, "");
            used = indent;
        } else if (!first) {
            g_string_append_c(out, ' ');
            used++;
        }
        g_string_append(out, *word);
        used += columns;
        first = false;
    }
}

/* "  NAME   DESCRIPTION": a description goes on below itself, a line without one further in. */
static void end_row(struct help *help)
{
    const char *row = help->row->str;

    if (!*row)
        return;
    if (!help->in_table)
        g_string_append(help->out, "\n\t```\n");
    help->in_table = true;
    const char *gap = strstr(row + TABLE_INDENT, "  "), *description = gap ? gap + strspn(gap, " ") : NULL;
    int column = description ? (int)(description - row) : 0;
    g_string_append_printf(help->out, "\t%*s", TABLE_INDENT, "");
    if (description && g_utf8_strlen(row, -1) > TABLE_COLUMNS && column > LAST_COLUMN) {
        g_autofree char *name = g_strndup(row + TABLE_INDENT, (gsize)(gap - row) - TABLE_INDENT);

        column = 3 * TABLE_INDENT;
        add_words(help->out, name, TABLE_INDENT, column);
        g_string_append_printf(help->out, "\n\t%*s", column, "");
    } else if (description) {
        g_string_append_len(help->out, row + TABLE_INDENT, description - row - TABLE_INDENT);
    } else {
        description = row + TABLE_INDENT;
    }
    add_words(help->out, description, column ? column : TABLE_INDENT, column ? column : 3 * TABLE_INDENT);
    g_string_append_c(help->out, '\n');
    g_string_truncate(help->row, 0);
}

static void end_table(struct help *help)
{
    end_row(help);
    if (help->in_table)
        g_string_append(help->out, "\t```\n");
    help->in_table = false;
}

static void end_paragraph(struct help *help)
{
    if (help->paragraph->len) {
        g_autofree char *text = help_plain(help->paragraph->str);

        g_string_append_printf(help->out, "\n\t%s\n", text);
    }
    g_string_truncate(help->paragraph, 0);
}

static void add_line(struct help *help, const char *line)
{
    int indent = (int)strspn(line, " ");

    if (!line[indent]) {
        end_paragraph(help);
        end_table(help);
    } else if (!indent) {
        end_table(help);
        g_string_append_printf(help->paragraph, "%s%s", help->paragraph->len ? " " : "", line);
    } else if (indent > TABLE_INDENT && help->row->len) {
        g_string_append_printf(help->row, " %s", line + indent);
    } else {
        end_paragraph(help);
        end_row(help);
        g_string_assign(help->row, line);
    }
}

void help_for_manual(GString *out, const char *text)
{
    g_autoptr(GString) paragraph = g_string_new(NULL), row = g_string_new(NULL);
    struct help help = {.out = out, .paragraph = paragraph, .row = row};
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (char **line = lines; *line; line++)
        add_line(&help, *line);
    end_paragraph(&help);
    end_table(&help);
}
