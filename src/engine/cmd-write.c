/* SPDX-License-Identifier: GPL-3.0-or-later */
/* write: one request from a pattern or a file. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "engine/commands.h"
#include "engine/opts.h"
#include "engine/report.h"
#include "engine/session-private.h"
#include "engine/transfer.h"
#include "io/aio.h"
#include "io/clock.h"
#include "io/co.h"

enum {
    REPEATED_AT_ONCE = 1 << 20,
    SOURCE_WAIT_MS = 20, /* for a pipe, before looking whether anybody still wants it */
};

struct write_args {
    struct transfer_options options;
    const char *source;
    int64_t offset, count;
    bool vm_state, compressed, zeroes, no_fallback, may_unmap, byte_wise;
};

static int parse_write(const struct command_call *call, struct write_args *args, struct opts *opts)
{
    int option, ret;
    opts_start(opts, call, command_write.options);
    while ((option = opts_next(opts)) != -1) {
        switch (option) {
        case 'b':
            args->vm_state = true;
            break;
        case 'c':
            args->compressed = true;
            break;
        case 'n':
            args->no_fallback = true;
            break;
        case 'p':
            args->byte_wise = true;
            break;
        case 's':
            args->source = opts->value;
            break;
        case 'u':
            args->may_unmap = true;
            break;
        case 'z':
            args->zeroes = true;
            break;
        default:
            ret = transfer_take_option(call, option, opts->value, &args->options);
            if (ret < 0)
                return ret;
            if (!ret)
                return command_misused(call, &command_write);
        }
    }
    return opts->count == 2 ? 0 : command_misused(call, &command_write);
}

static const char *write_contradiction(const struct write_args *args)
{
    if (args->vm_state && args->zeroes)
        return "-b and -z cannot be specified at the same time";
    if (args->options.flags & BLK_FUA && (args->vm_state || args->compressed))
        return "-f and -b or -c cannot be specified at the same time";
    if (args->no_fallback && !args->zeroes)
        return "-n requires -z to be specified";
    if (args->may_unmap && !args->zeroes)
        return "-u requires -z to be specified";
    if (args->zeroes + (args->options.pattern >= 0) + (args->source != NULL) > 1)
        return "Only one of -z, -P, and -s can be specified at the same time";
    return NULL;
}

static int check_write(const struct command_call *call, struct write_args *args, char **operand)
{
    const char *contradiction = write_contradiction(args);
    if (contradiction) {
        report_refuse(call, "%s", contradiction);
        return -EINVAL;
    }
    int ret = report_parse_size(call, "offset", operand[0], &args->offset);
    if (!ret)
        ret = report_parse_size(call, "length", operand[1], &args->count);
    if (ret < 0)
        return ret;
    if (args->count > BLK_REQUEST_MAX && !args->no_fallback) {
        report_refuse(call, "length cannot exceed %" PRId64 " without -n, given %s", BLK_REQUEST_MAX, operand[1]);
        return -EINVAL;
    }
    return transfer_check_alignment(call, args->vm_state || args->compressed, args->byte_wise, args->offset, args->count);
}

/* ---- -s: a file gives the pattern ---- */

struct source {
    const char *name;
    int fd; /* -1: not open yet */
    uint8_t *buffer;
    size_t room, got;
};

/*
 * On a thread, what there is: the file may be anything.  1: there may be more, 0: that was all, or a negative errno.  A pipe that nobody writes to
 * yet is waited for as if it were being opened, for a while only, so that who waits for it can be cancelled.
 */
static int read_source(void *data)
{
    struct source *source = data;
    if (source->fd < 0)
        source->fd = open(source->name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (source->fd < 0)
        return -errno;
    struct pollfd wanted = {.fd = source->fd, .events = POLLIN};
    if (source->got == source->room || poll(&wanted, 1, SOURCE_WAIT_MS) == 0)
        return source->got < source->room;
    ssize_t n = read(source->fd, source->buffer + source->got, source->room - source->got);
    if (n < 0)
        return errno == EINTR || errno == EAGAIN ? 1 : -errno;
    source->got += n;
    return n > 0;
}

static int close_source(void *data)
{
    const struct source *source = data;
    return source->fd >= 0 ? close(source->fd) : 0;
}

static int read_whole_source_co(struct aio *aio, struct source *source)
{
    int ret = 1;
    while (ret == 1)
        ret = co_cancelled() ? -ECANCELED : aio_call_co(aio, read_source, source, true);
    aio_call_co(aio, close_source, source, true);
    return ret;
}

/* The first period bytes, again and again. */
static void repeat_co(uint8_t *buffer, size_t period, size_t bytes)
{
    for (size_t have = period; have < bytes;) {
        size_t phase = have % period;
        size_t n = MIN(MIN(have - phase, (size_t)REPEATED_AT_ONCE), bytes - have);
        memcpy(buffer + have, buffer + phase, n);
        have += n;
        co_relax_co();
    }
}

static int fill_from_file_co(const struct command_call *call, const char *name, uint8_t *buffer, size_t bytes)
{
    struct source source = {name, -1, buffer, bytes, 0};
    int ret = read_whole_source_co(session_config(call->session)->aio, &source);
    g_autofree char *shown = report_text(call, name);
    if (ret < 0) {
        if (ret != -ECANCELED)
            report_complain(call, "%s: %s", shown, g_strerror(-ret));
        return ret;
    }
    if (!source.got) {
        report_complain(call, "%s: file is empty", shown);
        return -EINVAL;
    }
    repeat_co(buffer, source.got, bytes);
    return 0;
}

static int make_data_co(const struct command_call *call, const struct write_args *args, struct transfer_vector *vector)
{
    int byte = args->options.pattern >= 0 ? args->options.pattern : TRANSFER_WRITE_BYTE;
    int ret = transfer_vector_init(call, args->count, args->source || args->vm_state || args->compressed, vector);
    if (ret < 0)
        return ret;
    if (args->source)
        return fill_from_file_co(call, args->source, vector->buffer, args->count);
    transfer_vector_fill_co(vector, byte);
    return 0;
}

static int submit_write_co(const struct command_call *call, const struct write_args *args,
                           const struct transfer_vector *vector)
{
    struct blk *blk = call->session->blk;
    const char *issuer = session_issuer(call);
    unsigned flags = args->options.flags;
    if (args->vm_state)
        return blk_save_vmstate_co(blk, vector->buffer, args->offset, args->count, issuer);
    if (args->zeroes) {
        flags |= args->may_unmap ? BLK_MAY_UNMAP : 0;
        flags |= args->no_fallback ? BLK_NO_FALLBACK : 0;
        return blk_pwrite_zeroes_co(blk, args->offset, args->count, flags, issuer);
    }
    if (args->compressed)
        return blk_pwrite_compressed_co(blk, args->offset, vector->buffer, args->count, issuer);
    return blk_pwritev_co(blk, args->offset, vector->iov, vector->niov, flags | BLK_ALONE, issuer);
}

static int write_data_co(const struct command_call *call, const struct write_args *args, struct transfer_vector *vector)
{
    int ret = args->zeroes ? 0 : make_data_co(call, args, vector);
    if (ret < 0)
        return ret;
    int64_t started = clock_now_ns();
    ret = submit_write_co(call, args, vector);
    int64_t elapsed = clock_now_ns() - started;
    if (ret < 0)
        return args->vm_state ? report_failure(call, "write", ret) : report_range_failure(call, "write", ret, args->offset, args->count);
    if (vector->buffer)
        transfer_vector_keep_co(call, args->vm_state ? BLK_OP_SAVE_VMSTATE : BLK_OP_WRITE, args->offset, vector);
    transfer_finish(call, &args->options, "wrote", args->offset, args->count, 1, elapsed);
    return 0;
}

static int write_co(const struct command_call *call)
{
    struct write_args args = {.options.pattern = -1};
    struct transfer_vector vector = {0};
    struct opts opts;
    int ret = parse_write(call, &args, &opts);
    if (!ret)
        ret = check_write(call, &args, opts.operand);
    if (!ret)
        ret = write_data_co(call, &args, &vector);
    transfer_vector_done_co(call, &vector);
    return ret;
}

const struct command command_write = {
    .name = "write",
    .alias = "w",
    .args = "[-bcCfnquz] [-P pattern | -s source_file] off len",
    .summary = "writes a range of bytes",
    .help = "\n"
            "Writes LEN bytes at OFF as one request and reports how long it took. Without -P, -s\n"
            "or -z every byte is 0xcd.\n"
            "\n"
            "  -b          to the VM state instead of the disk (whole sectors)\n"
            "  -c          compressed, where the format can (whole sectors)\n"
            "  -C          report as one line for programs\n"
            "  -f          on stable storage before it is reported (FUA)\n"
            "  -n          with -z: fail rather than write zero bytes one by one\n"
            "  -p          accepted for old scripts\n"
            "  -P PATTERN  the byte to write\n"
            "  -q          no report\n"
            "  -s FILE     what FILE holds, repeated to the length\n"
            "  -u          with -z: the space may be given back\n"
            "  -z          zeroes, as the format does it best\n"
            "\n"
            "  write -P 0x55 1M 64k   64 KiB of 0x55 at 1 MiB\n"
            "  write -z -u 0 1G       the first GiB becomes zero and sparse\n",
    .options = "bcCfnpP:qs:uz",
    .min_args = 2,
    .max_args = -1,
    .flags = COMMAND_WRITES,
    .run_co = write_co,
};
