/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/console/script.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "engine/opts.h"
#include "engine/report.h"
#include "engine/session.h"
#include "io/aio.h"
#include "io/sandbox.h"
#include "io/tempfile.h"
#include "io/wholefile.h"
#include "ui/console/record.h"

enum { WRITTEN_AT_ONCE = 64 << 10 };

static struct record *record; /* NULL: there is no console */

void script_begin(const struct session *session)
{
    const char *begun = session_config(session)->begun;
    record = record_new(tempfile_open());
    if (begun != NULL) {
        record_add(record, begun);
    }
}

const char *script_note(const char *line)
{
    return record == NULL || record_add(record, line) ? NULL : g_strerror(record_reason(record));
}

void script_take_back(void)
{
    if (record != NULL) {
        record_take_back(record);
    }
}

void script_forget(void)
{
    g_clear_pointer(&record, record_free);
}

struct writing {
    const char *path;
    bool replace;
    struct record_copy lines;
    struct wholefile file;
    GString *text;     /* not yet written */
    unsigned left_out; /* lines */
};

static int write_out(struct writing *writing)
{
    int ret = wholefile_write(&writing->file, writing->text->str, writing->text->len);
    g_string_truncate(writing->text, 0);
    return ret;
}

/* A script has a command line in each of its own, quoted as it was typed: one with a newline in it can't be there. */
static int take_line(void *data, const char *line)
{
    struct writing *writing = data;
    if (line == NULL) {
        g_string_append_printf(writing->text, "# %" PRIu64 " commands are missing here\n", writing->lines.missing);
    } else if (strchr(line, '\n') != NULL) {
        writing->left_out++;
    } else if (!g_str_has_prefix(line + strspn(line, " \t"), "save-script")) {
        g_string_append(writing->text, line);
        g_string_append_c(writing->text, '\n');
    }
    return writing->text->len < WRITTEN_AT_ONCE ? 0 : write_out(writing);
}

/* Where it may block. */
static int write_file(void *data)
{
    struct writing *writing = data;
    int ret = wholefile_begin(&writing->file, writing->path, writing->replace);
    if (ret < 0) {
        return ret;
    }
    ret = record_each(&writing->lines, take_line, writing);
    return wholefile_end(&writing->file, ret < 0 ? ret : write_out(writing));
}

static int save_script_co(const struct command_call *call)
{
    struct opts opts;
    bool replace = false;
    opts_start(&opts, call, command_save_script.options);
    for (int option; (option = opts_next(&opts)) != -1; replace = true) {
        if (option != 'f') {
            return command_misused(call, &command_save_script);
        }
    }
    if (opts.count != 1) {
        return command_misused(call, &command_save_script);
    }
    g_autofree char *path = g_strdup(opts.operand[0]);
    g_autofree char *name = report_text(call, path);
    g_autoptr(GString) text = g_string_new(NULL);
    struct writing writing = {.path = path, .replace = replace, .text = text};
    int ret = record_copy(record, &writing.lines);
    if (ret == 0) {
        ret = aio_call_co(session_config(call->session)->aio, write_file, &writing, true);
    }
    record_copy_done(&writing.lines);
    if (ret < 0) {
        bool there = ret == -EEXIST || (ret == -EROFS && sandbox_is_read_only());
        report_error(call, "%s: %s", name, ret == -EINVAL ? "not a regular file" : g_strerror(there ? EEXIST : -ret));
        if (there) {
            report_hint(call, sandbox_is_read_only() ? SANDBOX_ADVICE_REPLACE : "'save-script -f' replaces it");
        }
    } else if (writing.left_out > 0) {
        report_complain(call, "%s: %u commands with a newline in them were left out", name, writing.left_out);
    }
    if (ret == 0 && writing.lines.missing > 0) {
        report_complain(call, "%s: %" PRIu64 " commands in the middle are missing: the temporary file that held them took no more", name,
                        writing.lines.missing);
    }
    return ret;
}

const struct command command_save_script = {
    .name = "save-script",
    .args = "[-f] file",
    .summary = "writes the commands of this session to a file",
    .help = "\n"
            "What was typed in the console and what keys stood for; --script FILE (with --headless, for the screen's own\n"
            "commands) runs it again, as does source, on an image that is opened the same way. Where the program was started\n"
            "with -s, it begins with the line that opens the image so. Lines that begin with save-script itself are left out.\n"
            "\n"
            "  -f          replaces a file that exists\n"
            "\n"
            "  save-script today.txt    keeps them in today.txt\n",
    .options = "f",
    .min_args = 1,
    .max_args = 2,
    .flags = COMMAND_NO_IMAGE | COMMAND_OURS,
    .complete = COMMAND_COMPLETE_PATH,
    .run_co = save_script_co,
};
