/* SPDX-License-Identifier: GPL-3.0-or-later */
/* source: the commands in a file. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/commands.h"
#include "engine/report.h"
#include "engine/session-private.h"
#include "io/aio.h"

enum { FILE_BYTES_MAX = 16 << 20 };

struct reading {
    const char *path;
    char *text; /* read, terminated */
};

static int read_all(int fd, struct reading *reading)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
    if (st.st_size > FILE_BYTES_MAX)
        return -EFBIG;
    size_t len = 0;
    reading->text = g_try_malloc((size_t)st.st_size + 1);
    if (!reading->text)
        return -ENOMEM;
    while (len < (size_t)st.st_size) {
        ssize_t n = read(fd, reading->text + len, (size_t)st.st_size - len);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0)
            break;
        len += MAX(n, 0);
    }
    reading->text[len] = '\0';
    return strlen(reading->text) == len ? 0 : -EILSEQ;
}

/* Where it may block: neither a FIFO nor a slow file system holds up the screen. */
static int read_file(void *data)
{
    struct reading *reading = data;
    int fd = open(reading->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    int ret = read_all(fd, reading);
    close(fd);
    return ret;
}

static const char *reason(int ret)
{
    switch (ret) {
    case -EINVAL:
        return "not a regular file";
    case -EFBIG:
        return "more than 16 MiB";
    case -EILSEQ:
        return "not a text: there is a nul byte in it";
    default:
        return g_strerror(-ret);
    }
}

static int source_co(const struct command_call *call)
{
    g_autofree char *path = g_strdup(call->argv[1]);
    struct reading reading = {.path = path};
    g_autofree char *name = report_text(call, path);
    int ret = aio_call_co(session_config(call->session)->aio, read_file, &reading, true);
    if (ret < 0)
        report_error(call, "%s: %s", name, reason(ret));
    else
        ret = session_run_text_co(call, name, reading.text);
    g_free(reading.text);
    return ret;
}

const struct command command_source = {
    .name = "source",
    .args = "file",
    .summary = "runs the commands in a file",
    .help = "\n"
            "Line by line, as --script does; a command that fails is told with file and line, and the next one runs\n"
            "(unless --stop-on-error was given). A file may source others, 16 deep. Ctrl-C ends all of it.\n"
            "\n"
            "  source commands.txt    what it says, one command after the other\n",
    .min_args = 1,
    .max_args = 1,
    .flags = COMMAND_NO_IMAGE | COMMAND_OURS | COMMAND_OWN_NAME_ONLY,
    .complete = COMMAND_COMPLETE_PATH,
    .run_co = source_co,
};
