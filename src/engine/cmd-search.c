/* SPDX-License-Identifier: GPL-3.0-or-later */
/* search: where bytes are found in the image. */
#include <errno.h>
#include <inttypes.h>

#include "engine/commands.h"
#include "engine/find.h"
#include "engine/opts.h"
#include "engine/report-json.h"
#include "engine/report.h"
#include "engine/session-private.h"
#include "util/size.h"

/* Matches that follow one another byte by byte are one line. */
struct matches {
    const struct command_call *call;
    int64_t start, count; /* of the line to be printed; count 0: there is none */
    int64_t total, lines, max_lines;
};

enum { LAST_LINE = 1 }; /* has begun */

static void print_line(struct matches *matches)
{
    if (matches->count > 0 && report_as_json(matches->call)) {
        struct report_json_member members[] = {{"offset", NULL, matches->start}, {"matches", NULL, matches->count}};
        report_json_members(matches->call, members, G_N_ELEMENTS(members));
    } else if (matches->count == 1) {
        report_say(matches->call, "0x%" PRIx64, matches->start);
    } else if (matches->count > 1) {
        report_say(matches->call, "0x%" PRIx64 "..0x%" PRIx64 " (%" PRId64 " matches in a row)", matches->start,
                   matches->start + matches->count - 1, matches->count);
    }
    matches->lines += matches->count > 0;
    matches->count = 0;
}

static int on_match(void *data, int64_t offset, int64_t count)
{
    struct matches *matches = data;
    matches->total += count;
    if (matches->count > 0 && matches->start + matches->count == offset) {
        matches->count += count;
        return 0;
    }
    print_line(matches);
    matches->start = offset;
    matches->count = count;
    return matches->lines + 1 >= matches->max_lines ? LAST_LINE : 0;
}

/* Of a second look, right behind the last line there may be. */
struct run_on {
    int64_t at; /* first byte behind the matches in a row */
};

static int on_next(void *data, int64_t offset, int64_t count)
{
    struct run_on *run_on = data;
    if (offset != run_on->at)
        return 1;
    run_on->at += count;
    return 0;
}

/* How long the last line is that was asked for: however far the next match is, nobody wants to wait for it. */
static int end_last_line_co(const struct command_call *call, const struct find *find, struct matches *matches)
{
    enum { STEP_MAX = 1 << 20 };
    struct run_on run_on = {matches->start + matches->count};
    int64_t step = 1;
    int ret = 0;
    while (ret == 0 && run_on.at < find->to) {
        struct find rest = *find;
        struct find_progress progress;
        int64_t from = rest.from = run_on.at;
        rest.to = MIN(find->to, from + step);
        ret = find_co(call->session->blk, &rest, &progress, on_next, &run_on);
        if (run_on.at < rest.to)
            break;
        step = MIN(step * 2, STEP_MAX);
    }
    matches->count = run_on.at - matches->start;
    return MIN(ret, 0);
}

struct search_words {
    struct find find;
    bool hex, ignore_case;
    int64_t max_lines;
};

static int parse_range(const struct command_call *call, const struct opts *opts, struct find *find)
{
    int64_t size = blk_length(call->session->blk), length;
    int ret = 0;
    find->from = 0;
    find->to = size;
    if (opts->count > 1 && (ret = report_parse_size(call, "offset", opts->operand[1], &find->from)) < 0)
        return ret;
    if (opts->count > 2) {
        if ((ret = report_parse_size(call, "length", opts->operand[2], &length)) < 0)
            return ret;
        find->to = find->from > INT64_MAX - length ? size : MIN(size, find->from + length);
    }
    return 0;
}

static int parse(const struct command_call *call, struct search_words *ret_words)
{
    struct search_words words = {.max_lines = INT64_MAX};
    struct opts opts;
    int option;
    opts_start(&opts, call, command_search.options);
    while ((option = opts_next(&opts)) != -1) {
        if (option == 'i')
            words.ignore_case = true;
        else if (option == 'x')
            words.hex = true;
        else if (option != 'n' || size_parse(opts.value, &words.max_lines) < 0 || words.max_lines == 0)
            return command_misused(call, &command_search);
    }
    if (opts.count < 1 || opts.count > 3)
        return command_misused(call, &command_search);
    g_autoptr(GError) error = NULL;
    int ret = words.hex ? search_hex(opts.operand[0], &words.find.search, &error)
                        : search_text(opts.operand[0], words.ignore_case, &words.find.search, &error);
    if (ret < 0) {
        g_autofree char *reason = report_lines(call, error->message);
        report_error(call, "search: %s", reason);
        return ret;
    }
    ret = parse_range(call, &opts, &words.find);
    if (ret == 0)
        *ret_words = words;
    return ret;
}

static int search_co(const struct command_call *call)
{
    struct search_words words;
    struct find_progress progress;
    int ret = parse(call, &words);
    if (ret < 0)
        return ret;
    struct matches matches = {.call = call, .max_lines = words.max_lines};
    int64_t total = words.find.to - words.find.from;
    progress = (struct find_progress){0};
    session_show_progress(call, &progress.done, &total);
    ret = find_co(call->session->blk, &words.find, &progress, on_match, &matches);
    if (ret == LAST_LINE)
        ret = end_last_line_co(call, &words.find, &matches);
    if (ret == -ECANCELED)
        return ret;
    if (ret == 0)
        print_line(&matches);
    if (progress.unreadable > 0)
        report_error(call, "search: %" PRId64 " bytes could not be read", progress.unreadable);
    if (ret < 0)
        return report_failure(call, "search", ret);
    if (matches.total == 0 && report_as_json(call))
        report_json_none(call, "matches");
    else if (matches.total == 0)
        report_say(call, "not found");
    return matches.total == 0 ? -ENOENT : progress.unreadable > 0 ? -EIO : 0;
}

const struct command command_search = {
    .name = "search",
    .args = "[-ix] [-n lines] pattern [offset [length]]",
    .options = "in:x",
    .summary = "shows where text or bytes are found in the image",
    .help = "\n"
            "A line for each match, or for matches at every byte of a range.  What is known to be zeroes is not read.\n"
            "Fails when there is no match.\n"
            "\n"
            "  -i         letters match in upper and in lower case\n"
            "  -x         the pattern is hex, pairs of digits; ? is any digit\n"
            "  -n lines   ends after so many\n"
            "\n"
            "  search -x '55 aa' 510 2     whether the first sector is a boot sector\n"
            "  search -i \"not found\"       text, in any case\n",
    .min_args = 1,
    .max_args = -1,
    .flags = COMMAND_OURS,
    .run_co = search_co,
};
