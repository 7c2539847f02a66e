/* SPDX-License-Identifier: GPL-3.0-or-later */
/* create: makes an image. */
#include <errno.h>
#include <string.h>

#include "block/create.h"
#include "engine/commands.h"
#include "engine/opts.h"
#include "engine/report.h"
#include "engine/session-private.h"
#include "io/sandbox.h"
#include "util/size.h"

/* What the words of a line say. */
struct request {
    struct blk_create create;
    GString *options; /* every -o, with commas between them */
    bool quiet;
};

static void announce(void *data, const char *line)
{
    const struct command_call *call = data;
    g_autofree char *shown = report_text(call, line);
    report_say(call, "%s", shown);
}

static int complain(const struct command_call *call, const char *name, int ret, const GError *error)
{
    g_autofree char *shown = report_text(call, name);
    g_autofree char *text = report_lines(call, error->message);
    report_error(call, "%s: %s", shown, text);
    if (ret == -EEXIST)
        report_hint(call, sandbox_is_read_only() ? SANDBOX_ADVICE_REPLACE : "create -y replaces a file that is there");
    return ret;
}

static int parse_size(const struct command_call *call, const char *text, int64_t *ret_size)
{
    int ret = size_parse(text, ret_size);
    if (ret == -ERANGE) {
        report_error(call, "Invalid image size specified. Must be between 0 and %" G_GINT64_FORMAT ".", G_MAXINT64);
    } else if (ret < 0) {
        report_error(call, "Invalid image size specified. You may use k, M, G, T, P or E suffixes for");
        report_error(call, "kilobytes, megabytes, gigabytes, terabytes, petabytes and exabytes.");
    }
    return ret;
}

/* A comma at either end of a list separates nothing; doubled it belongs to a value. */
static bool is_list(const char *text)
{
    size_t len = strlen(text), commas = 0;
    while (commas < len && text[len - 1 - commas] == ',')
        commas++;
    return len > 0 && text[0] != ',' && commas % 2 == 0;
}

static int add_options(const struct command_call *call, struct request *request, const char *text)
{
    if (!is_list(text)) {
        g_autofree char *shown = report_text(call, text);
        report_error(call, "Invalid option list: %s", shown);
        return -EINVAL;
    }
    if (request->options->len)
        g_string_append_c(request->options, ',');
    g_string_append(request->options, text);
    return 0;
}

static int take_option(const struct command_call *call, struct request *request, int letter, char *value)
{
    switch (letter) {
    case 'f':
        request->create.format = value;
        return 0;
    case 'b':
        request->create.backing = value;
        return 0;
    case 'F':
        request->create.backing_format = value;
        return 0;
    case 'o':
        return add_options(call, request, value);
    case 'u':
        request->create.unsafe = true;
        return 0;
    case 'y':
        request->create.replace = true;
        return 0;
    case 'q':
        request->quiet = true;
        return 0;
    default:
        return command_misused(call, &command_create);
    }
}

static int list_options(const struct command_call *call, const struct request *request)
{
    g_autoptr(GError) error = NULL;
    const char *format = request->create.format ? request->create.format : "raw";
    const struct driver_option *row = blk_create_options(format, &error);
    if (!row)
        return complain(call, format, -EINVAL, error);
    for (; row->name; row++)
        report_say(call, "%-17s %s", row->name, row->help);
    return 0;
}

static int make_co(const struct command_call *call, struct request *request)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(options) options = options_new();
    const struct session_config *config = session_config(call->session);
    struct blk_create *create = &request->create;
    int ret = options_parse(options, request->options->str, NULL, &error) ? 0 : -EINVAL;
    create->options = options;
    create->open = session_blk(call->session);
    create->refs = config->refs;
    create->aio = config->aio;
    create->announce = request->quiet ? NULL : announce;
    create->data = (void *)call;
    if (ret == 0)
        ret = blk_create_co(create, &error);
    return ret < 0 ? complain(call, create->filename, ret, error) : 0;
}

static int run_co(const struct command_call *call, struct request *request)
{
    struct opts opts;
    int letter, ret;
    opts_start(&opts, call, command_create.options);
    while ((letter = opts_next(&opts)) != -1) {
        ret = take_option(call, request, letter, opts.value);
        if (ret < 0)
            return ret;
    }
    if (strcmp(request->options->str, "help") == 0 || strcmp(request->options->str, "?") == 0)
        return list_options(call, request);
    if (opts.count < 1 || opts.count > 2)
        return command_misused(call, &command_create);
    request->create.filename = opts.operand[0];
    ret = opts.count == 2 ? parse_size(call, opts.operand[1], &request->create.size) : 0;
    return ret < 0 ? ret : make_co(call, request);
}

static int create_co(const struct command_call *call)
{
    struct request request = {.create.size = -1, .options = g_string_new(NULL)};
    int ret = run_co(call, &request);
    g_string_free(request.options, TRUE);
    return ret;
}

const struct command command_create = {
    .name = "create",
    .args = "[-quy] [-f format] [-b backing -F format] [-o options] path [size]",
    .summary = "makes a new image",
    .help = "\n"
            "Makes a raw or qcow2 image, the same that qemu-img create makes; the image that is open stays as it is. With a\n"
            "backing file the size is that file's unless another is given. A name of a backing or data file that is no\n"
            "absolute path is looked for beside the new image.\n"
            "\n"
            "  -f FORMAT   raw (when not given) or qcow2\n"
            "  -b PATH     what is not in the image comes from there\n"
            "  -F FORMAT   format of the backing file\n"
            "  -o LIST     options of the format, key=value,key=value; -o help lists them\n"
            "  -u          does not look at the backing file\n"
            "  -y          replaces a file that is there, when all has gone well; never one of the open image\n"
            "  -q          no report\n"
            "\n"
            "  create -f qcow2 disk.qcow2 10G\n"
            "  create -f qcow2 -b disk.qcow2 -F qcow2 -o cluster_size=4k,compression_type=zstd layer.qcow2\n",
    .options = "f:b:F:o:uyq",
    .min_args = 1,
    .max_args = -1,
    .flags = COMMAND_NO_IMAGE | COMMAND_HOLDS_IMAGE | COMMAND_OURS | COMMAND_OWN_NAME_ONLY,
    .complete = COMMAND_COMPLETE_PATH,
    .run_co = create_co,
};
