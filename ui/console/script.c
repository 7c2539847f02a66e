/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/console/script.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/opts.h"
#include "engine/report.h"
#include "engine/session.h"
#include "io/aio.h"
#include "io/broker.h"
#include "io/sandbox.h"

static GPtrArray *lines; /* NULL: none yet */

void script_note(const char *line)
{
    if (lines == NULL) {
        lines = g_ptr_array_new_with_free_func(g_free);
    }
    g_ptr_array_add(lines, g_strdup(line));
}

void script_take_back(void)
{
    if (lines != NULL && lines->len > 0) {
        g_ptr_array_remove_index(lines, lines->len - 1);
    }
}

void script_forget(void)
{
    g_clear_pointer(&lines, g_ptr_array_unref);
}

/* A script has a command line in each of its own, quoted as it was typed: one with a newline in it can't be there. */
static GString *script_text(unsigned *ret_left_out)
{
    GString *text = g_string_new(NULL);
    *ret_left_out = 0;
    for (unsigned i = 0; lines != NULL && i < lines->len; i++) {
        const char *line = lines->pdata[i];
        if (strchr(line, '\n') != NULL) {
            ++*ret_left_out;
        } else if (!g_str_has_prefix(line + strspn(line, " \t"), "save-script")) {
            g_string_append_printf(text, "%s\n", line);
        }
    }
    return text;
}

struct writing {
    const char *path;
    const GString *text;
    bool replace;
};

static int write_text(int fd, const GString *text)
{
    struct stat st;
    if (fstat(fd, &st) < 0) {
        return -errno;
    }
    if (!S_ISREG(st.st_mode)) {
        return -EINVAL;
    }
    if (ftruncate(fd, 0) < 0) {
        return -errno;
    }
    for (size_t done = 0; done < text->len;) {
        ssize_t n = write(fd, text->str + done, text->len - done);
        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* Where it may block. */
static int write_file(void *data)
{
    const struct writing *writing = data;
    int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (writing->replace ? 0 : O_EXCL);
    int fd = broker_open(writing->path, flags, 0644);
    if (fd < 0) {
        return fd;
    }
    int ret = write_text(fd, writing->text);
    if (close(fd) < 0 && ret == 0) {
        ret = -errno;
    }
    return ret;
}

static int misused(const struct command_call *call)
{
    report_usage(call, &command_save_script, command_save_script.name);
    return -EINVAL;
}

static int save_script_co(const struct command_call *call)
{
    struct opts opts;
    unsigned left_out;
    bool replace = false;
    opts_start(&opts, call, command_save_script.options);
    for (int option; (option = opts_next(&opts)) != -1; replace = true) {
        if (option != 'f') {
            return misused(call);
        }
    }
    if (opts.count != 1) {
        return misused(call);
    }
    g_autofree char *path = g_strdup(opts.operand[0]);
    g_autofree char *name = report_text(call, path);
    g_autoptr(GString) text = script_text(&left_out);
    struct writing writing = {path, text, replace};
    int ret = aio_call_co(session_config(call->session)->aio, write_file, &writing, true);
    if (ret < 0) {
        bool there = ret == -EEXIST || (ret == -EROFS && sandbox_is_read_only());
        report_error(call, "%s: %s", name, ret == -EINVAL ? "not a regular file" : g_strerror(there ? EEXIST : -ret));
        if (there) {
            report_hint(call, sandbox_is_read_only() ? SANDBOX_ADVICE_REPLACE : "'save-script -f' replaces it");
        }
    } else if (left_out > 0) {
        report_complain(call, "%s: %u commands with a newline in them were left out", name, left_out);
    }
    return ret;
}

const struct command command_save_script = {
    .name = "save-script",
    .args = "[-f] file",
    .summary = "writes the commands of this session to a file",
    .help = "\n"
            "What was typed in the console and what keys stood for; --script FILE (with --headless, for the screen's own\n"
            "commands) runs it again, as does source. Lines that begin with save-script itself are left out.\n"
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
