/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chain: the layers of the image, and the files it names. */
#include <inttypes.h>

#include "block/chain.h"
#include "engine/commands.h"
#include "engine/opts.h"
#include "engine/report-json.h"
#include "engine/report.h"
#include "engine/session-private.h"
#include "util/size.h"

static const char *const state_names[] = {
    [REFERENCE_OPEN] = "open",
    [REFERENCE_REPLACED] = "replaced",
    [REFERENCE_LEFT_OUT] = "left-out",
};

static const char *state_of(const struct chain_layer *layer)
{
    return layer->reference ? state_names[layer->reference->state] : "open";
}

static void report_layer_json(const struct command_call *call, const struct chain_layer *layer)
{
    const struct reference *reference = layer->reference;
    struct report_json_member members[] = {
        {.key = "layer", .number = layer->layer},
        report_json_text("role", chain_layer_role(layer)),
        report_json_text("state", state_of(layer)),
        report_json_flag("open", layer->open),
        report_json_text("format", layer->format),
        report_json_flag("format-guessed", layer->guessed),
        report_json_text("filename", layer->filename),
        report_json_size("virtual-size", layer->size),
        report_json_size("file-size", layer->file_size),
        report_json_size("actual-size", layer->occupied),
        report_json_flag("writable", layer->writable),
        report_json_text("named", reference ? reference->name : NULL),
        report_json_text("named-format", reference ? reference->format : NULL),
        report_json_text("kind", reference && reference->kind ? reference_kind_name(reference->kind) : NULL),
        report_json_text("target", reference ? reference->target : NULL),
        report_json_flag("outside", reference && reference->outside),
        report_json_flag("loop", reference && reference->loop),
        report_json_size("owner", reference && reference->inode ? (int64_t)reference->owner : -1),
        report_json_text("suggestion", reference ? reference->beside : NULL),
        report_json_text("locked-by", layer->holders),
        report_json_size("supplied", layer->supplied),
    };

    report_json_members(call, members, G_N_ELEMENTS(members) - (layer->supplied < 0));
}

static void say_sizes(const struct command_call *call, const struct chain_layer *layer)
{
    char size[SIZE_TEXT_MAX], file[SIZE_TEXT_MAX], occupied[SIZE_TEXT_MAX];

    report_say(call, "    %s, in a file of %s%s%s%s, %s", size_format_exact(layer->size, size),
               layer->file_size < 0 ? "unknown size" : size_format_exact(layer->file_size, file),
               layer->occupied < 0 ? "" : " (", layer->occupied < 0 ? "" : size_format_exact(layer->occupied, occupied),
               layer->occupied < 0 ? "" : " on disk)", layer->writable ? "writable" : "read-only");
}

static void say_reference(const struct command_call *call, const struct reference *reference)
{
    g_autofree char *name = report_text(call, reference->name), *format = reference->format ? report_text(call, reference->format) : NULL;
    g_autofree char *what = reference_describe(reference), *layer = reference->layer ? g_strdup_printf("-l %u ", reference->layer) : g_strdup("");
    const char *role = reference_role_name(reference->role);

    report_say(call, "    named '%s' by layer %u%s%s%s%s", name, reference->layer, format ? ", format " : ", no format", format ?: "",
               *what ? ": " : "", what);
    for (unsigned i = 0; reference->more && i < reference->more->len; i++) {
        const struct reference *more = reference->more->pdata[i];
        g_autofree char *another = report_text(call, more->name), *also = reference_describe(more);

        report_say(call, "    and '%s'%s%s", another, *also ? ": " : "", also);
    }
    if (reference->role == REFERENCE_EXTENTS)
        report_say(call, "    left out: 'follow %sextents' opens %s", layer, reference->more ? "all of them" : "it");
    else if (reference->state == REFERENCE_REPLACED)
        report_say(call, "    replaced by what the options say");
    else if (reference->state == REFERENCE_LEFT_OUT)
        report_say(call, "    left out: 'follow %s%s' opens it, 'relink %s%s PATH' another", layer, role, layer, role);
}

static void report_layer(const struct command_call *call, const struct chain_layer *layer)
{
    g_autofree char *filename = layer->filename ? report_text(call, layer->filename) : NULL;
    g_autofree char *holders = layer->holders ? report_text(call, layer->holders) : NULL;
    g_autofree char *format = layer->format ? report_text(call, layer->format) : NULL;
    char size[SIZE_TEXT_MAX];

    report_say(call, "%u %s: %s%s%s%s%s", layer->layer, chain_layer_role(layer), layer->open ? "" : "not open, ", format ?: "format unknown",
               layer->guessed ? " (guessed)" : "", filename ? ", " : "", filename ?: "");
    if (layer->open)
        say_sizes(call, layer);
    if (layer->supplied >= 0)
        report_say(call, "    supplies %s (%" PRId64 " bytes)", size_format((double)layer->supplied, size), layer->supplied);
    if (layer->reference)
        say_reference(call, layer->reference);
    if (holders)
        report_say(call, "    locked: %s", holders);
}

static int chain_co(const struct command_call *call)
{
    bool count = false;
    struct opts opts;

    opts_start(&opts, call, command_chain.options);
    for (int option; (option = opts_next(&opts)) != -1; count = true) {
        if (option != 's')
            return command_misused(call, &command_chain);
    }
    if (opts.count > 0)
        return command_misused(call, &command_chain);
    g_autoptr(GPtrArray) list = chain_list_co(call->session->blk);
    int ret = list && count ? chain_count_supplied_co(call->session->blk, list) : 0;

    if (!list || ret < 0) {
        if (list)
            report_error(call, "what the layers supply: %s", g_strerror(-ret));
        return list ? ret : -ECANCELED;
    }
    for (unsigned i = 0; i < list->len; i++) {
        if (report_as_json(call))
            report_layer_json(call, list->pdata[i]);
        else
            report_layer(call, list->pdata[i]);
    }
    return 0;
}

const struct command command_chain = {
    .name = "chain",
    .args = "[-s]",
    .summary = "lists the layers of the image, and the files it names that are not open",
    .help = "\n"
            "From the top: format, file, sizes, how the layer above names it, and who else has it locked. What was left out is\n"
            "told with what stands there: the kind of file, its owner, where links lead.\n"
            "\n"
            "  -s    also counts how much of the disk each layer supplies, zeroes that it says are there among it\n"
            "\n"
            "  chain -s    the layers, and how much comes from each\n",
    .options = "s",
    .max_args = -1,
    .flags = COMMAND_OURS,
    .run_co = chain_co,
};
