/* SPDX-License-Identifier: GPL-3.0-or-later */
/* follow, relink, read-as: the image opened again with files that it names, with others in their place, as another format. */
#include <errno.h>
#include <string.h>

#include "block/chain.h"
#include "block/name.h"
#include "engine/again.h"
#include "engine/commands.h"
#include "engine/opts.h"
#include "engine/report.h"
#include "engine/seal.h"
#include "engine/session-private.h"

/* ---- follow ---- */

struct place {
    unsigned layer;
    char *format; /* -f, NULL: not given */
};

/* -l and -f; 0 or -EINVAL, having said it. */
static int parse_place(const struct command_call *call, const struct command *command, struct opts *opts, struct place *place)
{
    int option;

    opts_start(opts, call, command->options);
    while ((option = opts_next(opts)) != -1) {
        uint64_t layer;

        if (option == 'f') {
            place->format = opts->value;
        } else if (option == 'l' && g_ascii_string_to_unsigned(opts->value, 10, 0, G_MAXUINT16, &layer, NULL)) {
            place->layer = (unsigned)layer;
        } else if (option == 'l') {
            report_error(call, "a layer is a number, 0 for the top");
            return -EINVAL;
        } else {
            return command_misused(call, command);
        }
    }
    return 0;
}

static int parse_role(const char *text, enum reference_role *ret_role)
{
    for (enum reference_role role = REFERENCE_BACKING; role <= REFERENCE_EXTENTS; role++) {
        if (strcmp(text, reference_role_name(role)) == 0) {
            *ret_role = role;
            return 0;
        }
    }
    return -EINVAL;
}

/* The one in the list for that place, or NULL. */
static const struct reference *find_place(const GPtrArray *list, unsigned layer, enum reference_role role)
{
    for (unsigned i = 0; i < list->len; i++) {
        const struct reference *reference = list->pdata[i];

        if (reference->layer == layer && reference->role == role)
            return reference;
    }
    return NULL;
}

static int follow_one_co(const struct command_call *call, unsigned layer, enum reference_role role)
{
    g_autoptr(GPtrArray) left_out = chain_left_out(call->session->blk);
    const struct reference *reference = find_place(left_out, layer, role);
    struct again *again;

    if (!reference) {
        report_error(call, "nothing was left out there: 'chain' lists what the image names");
        return -ENOENT;
    }
    again = again_begin(call);
    if (!again)
        return -EBUSY;
    g_ptr_array_add(again->approved, reference_copy(reference));
    return again_open_co(call, again);
}

static int follow_all_co(const struct command_call *call)
{
    struct again *again = again_begin(call);

    if (!again)
        return -EBUSY;
    again->refs = BLK_REFS_FOLLOW;
    return again_open_co(call, again);
}

/* Asks no more: the image is as it is. */
static int follow_none(const struct command_call *call)
{
    struct again *again = call->session->again;

    if (again) {
        struct blk_open how = {.flags = again->flags};

        again->refs = BLK_REFS_NONE;
        seal_close(call, &how);
    }
    session_notify_image(call->session);
    return 0;
}

static int follow_co(const struct command_call *call)
{
    struct place place = {0};
    enum reference_role role;
    struct opts opts;
    int ret = parse_place(call, &command_follow, &opts, &place);

    if (ret < 0)
        return ret;
    if (opts.count != 1)
        return command_misused(call, &command_follow);
    if (strcmp(opts.operand[0], "all") == 0)
        return follow_all_co(call);
    if (strcmp(opts.operand[0], "none") == 0)
        return follow_none(call);
    if (parse_role(opts.operand[0], &role) < 0)
        return command_misused(call, &command_follow);
    return follow_one_co(call, place.layer, role);
}

static char **follow_names(void)
{
    static const char *const names[] = {"all", "backing", "data-file", "extents", "none", NULL};

    return g_strdupv((char **)names);
}

const struct command command_follow = {
    .name = "follow",
    .args = "[-l layer] backing|data-file|extents|all|none",
    .summary = "opens a file that the image names and that was left out",
    .help = "\n"
            "The image is opened again with it; what that file names in turn is left out until it is followed, too.\n"
            "\n"
            "  -l LAYER    named by this layer (0, the top)\n"
            "\n"
            "  backing     the backing file, whatever its name is: a path, protocol: or json:{...}\n"
            "  data-file   the external data file\n"
            "  extents     the files that hold the bytes of a vmdk image that is a text, all of them\n"
            "  all         those of all layers, where they are plain paths of files and block devices\n"
            "  none        nothing; the screen asks no more\n"
            "\n"
            "  follow backing         the image's backing file\n"
            "  follow -l 1 backing    and that of that one\n",
    .options = "l:",
    .min_args = 1,
    .max_args = -1,
    .flags = COMMAND_OURS,
    .names = follow_names,
    .run_co = follow_co,
};

/* ---- relink ---- */

/* Where options for what a layer names stand among those of the image: "backing.backing.", g_free. */
static char *option_prefix(const struct again *again, unsigned layer, enum reference_role role)
{
    unsigned above = layer - (again->flags & BLK_OPEN_SNAPSHOT && layer ? 1 : 0);
    GString *prefix = g_string_new(NULL);

    while (above--)
        g_string_append(prefix, "backing.");
    g_string_append_printf(prefix, "%s.", reference_role_name(role));
    return g_string_free(prefix, FALSE);
}

static void remove_below(struct options *options, const char *prefix)
{
    g_autofree char *whole = g_strndup(prefix, strlen(prefix) - 1); /* without the point: "backing": null */

    options_remove(options, whole);
    for (unsigned i = 0; i < options_count(options);) {
        const char *key, *value;

        options_at(options, i, &key, &value);
        if (g_str_has_prefix(key, prefix)) {
            g_autofree char *name = g_strdup(key);

            options_remove(options, name);
        } else {
            i++;
        }
    }
}

/* The format the image says that file has: a raw one must not be taken for what its bytes look like. */
static char *format_for_co(const struct command_call *call, unsigned layer, enum reference_role role)
{
    g_autoptr(GPtrArray) list = call->session->blk ? chain_list_co(call->session->blk) : NULL;

    for (unsigned i = 0; list && i < list->len; i++) {
        const struct chain_layer *entry = list->pdata[i];

        if (entry->reference && entry->reference->layer == layer && entry->reference->role == role)
            return g_strdup(entry->reference->format);
    }
    return NULL;
}

/* Adds what stands for the file of that name. */
static int add_file(struct again *again, const char *prefix, const char *path, const char *format, GError **error)
{
    g_autoptr(options) child = options_new();
    int ret;

    if (format)
        options_set(child, "driver", format);
    ret = format || g_str_has_suffix(prefix, "data-file.") ? name_apply(child, path, error) : name_apply_to_file(child, path, error);
    for (unsigned i = 0; ret == 0 && i < options_count(child); i++) {
        const char *key, *value;

        options_at(child, i, &key, &value);
        g_autofree char *full = g_strconcat(prefix, key, NULL);
        options_set(again->options, full, value);
    }
    return ret;
}

static int relink_co(const struct command_call *call)
{
    struct place place = {0};
    g_autofree char *format = NULL, *prefix = NULL;
    g_autoptr(GError) error = NULL;
    enum reference_role role;
    struct opts opts;
    int ret = parse_place(call, &command_relink, &opts, &place);

    if (ret < 0)
        return ret;
    if (opts.count != 2 || parse_role(opts.operand[0], &role) < 0)
        return command_misused(call, &command_relink);
    if (role == REFERENCE_EXTENTS) {
        report_error(call, "extents can't be replaced by another file: 'open' opens another description, with other names in it");
        return -ENOTSUP;
    }
    struct again *again = again_begin(call);
    if (!again)
        return -EBUSY;
    format = place.format ? g_strdup(place.format) : format_for_co(call, place.layer, role);
    prefix = option_prefix(again, place.layer, role);
    remove_below(again->options, prefix);
    ret = add_file(again, prefix, opts.operand[1], format, &error);
    if (ret < 0) {
        g_autofree char *reason = report_lines(call, error->message);

        report_error(call, "%s", reason);
        again_free(again);
        return ret;
    }
    return again_open_co(call, again);
}

static char **relink_names(const char *const *words, unsigned count)
{
    static const char *const names[] = {"backing", "data-file", NULL};

    return count == 1 ? g_strdupv((char **)names) : NULL;
}

const struct command command_relink = {
    .name = "relink",
    .args = "[-l layer] [-f format] backing|data-file path",
    .summary = "opens the image with another file than the one it names",
    .help = "\n"
            "For a backing or data file that is missing, was left out, or is not the right one. The image itself stays as it is:\n"
            "the next time it is opened, it names what it named.\n"
            "\n"
            "  -l LAYER    named by this layer (0, the top)\n"
            "  -f FORMAT   its format (what the image says; else its bytes decide)\n"
            "\n"
            "  relink backing ../moved/base.qcow2\n",
    .options = "l:f:",
    .min_args = 2,
    .max_args = -1,
    .flags = COMMAND_NO_IMAGE | COMMAND_HOLDS_IMAGE | COMMAND_OURS,
    .complete = COMMAND_COMPLETE_PATH,
    .names_for = relink_names,
    .run_co = relink_co,
};

/* ---- read-as ---- */

static int read_as_co(const struct command_call *call)
{
    struct again *again = again_begin(call);
    const char *format = call->argv[1];

    if (!again)
        return -EBUSY;
    options_remove(again->options, "driver");
    remove_below(again->options, "backing."); /* no other format has these */
    remove_below(again->options, "data-file.");
    g_free(again->format);
    again->format = strcmp(format, "guess") == 0 ? NULL : g_strdup(format);
    g_ptr_array_set_size(again->approved, 0);
    return again_open_co(call, again);
}

static char **read_as_names(void)
{
    static const char *const names[] = {"guess", "qcow2", "raw", NULL};

    return g_strdupv((char **)names);
}

const struct command command_read_as = {
    .name = "read-as",
    .args = "format",
    .summary = "opens the image again as another format",
    .help = "\n"
            "FORMAT is raw, qcow2, vmdk, ... or guess: what its bytes look like. An image that was guessed to be raw keeps its first\n"
            "sector from being turned into the header of another format; one that is opened as raw does not.\n"
            "\n"
            "  read-as raw    its bytes as they are\n",
    .min_args = 1,
    .max_args = 1,
    .flags = COMMAND_NO_IMAGE | COMMAND_HOLDS_IMAGE | COMMAND_OURS,
    .names = read_as_names,
    .run_co = read_as_co,
};
