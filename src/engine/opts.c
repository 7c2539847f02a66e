/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine/opts.h"

#include <stddef.h>
#include <string.h>

#include "engine/command.h"
#include "engine/report.h"

void opts_start(struct opts *opts, const struct command_call *call, const char *spec)
{
    *opts = (struct opts){
        .call = call,
        .spec = spec,
        .argv = call->argv,
        .argc = call->argc,
        .index = 1,
        .operand = call->argv + 1,
    };
}

static void keep_operand(struct opts *opts, char *word)
{
    /* Never ahead of index: each operand kept was read before. */
    opts->operand[opts->count++] = word;
}

static int next_letter(struct opts *opts)
{
    char letter = *opts->cluster++;
    const char *known = letter == ':' ? NULL : strchr(opts->spec, letter);
    bool last = !*opts->cluster;
    if (!known) {
        g_autofree char *shown = report_text(opts->call, (const char[]){letter, '\0'});
        report_complain(opts->call, "%s: invalid option -- '%s'", opts->argv[0], shown);
    } else if (known[1] == ':') {
        opts->value = last ? opts->argv[opts->index] : (char *)opts->cluster;
        opts->cluster = NULL;
        if (!opts->value) {
            report_complain(opts->call, "%s: option requires an argument -- '%c'", opts->argv[0], letter);
            return '?';
        }
        opts->index += last;
    }
    if (last)
        opts->cluster = NULL;
    return known ? letter : '?';
}

int opts_next(struct opts *opts)
{
    if (opts->cluster)
        return next_letter(opts);
    while (opts->index < opts->argc) {
        char *word = opts->argv[opts->index++];
        if (word[0] == '-' && word[1]) {
            if (word[1] == '-' && !word[2])
                break;
            opts->cluster = word + 1;
            return next_letter(opts);
        }
        keep_operand(opts, word);
    }
    while (opts->index < opts->argc)
        keep_operand(opts, opts->argv[opts->index++]);
    opts->operand[opts->count] = NULL;
    return -1;
}
