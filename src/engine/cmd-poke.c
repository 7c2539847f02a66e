/* SPDX-License-Identifier: GPL-3.0-or-later */
/* poke: writes the bytes that are typed. */
#include <errno.h>
#include <string.h>

#include "engine/commands.h"
#include "engine/opts.h"
#include "engine/report.h"
#include "engine/session-private.h"
#include "engine/transfer.h"
#include "io/clock.h"

struct poke_args {
    struct transfer_options options;
    bool text;
    int64_t offset;
};

/* Adds the pairs of digits of one word: false when it is anything else. */
static bool add_hex(GByteArray *bytes, const char *word)
{
    for (;;) {
        word += strspn(word, " \t");
        if (!*word)
            return true;
        int high = g_ascii_xdigit_value(word[0]), low = high < 0 ? -1 : g_ascii_xdigit_value(word[1]);
        if (low < 0)
            return false;
        g_byte_array_append(bytes, &(guint8){(guint8)(high << 4 | low)}, 1);
        word += 2;
    }
}

/* The bytes of the operands from the second on: g_byte_array_unref(); NULL after having said what is wrong. */
static GByteArray *parse_bytes(const struct command_call *call, const struct opts *opts, bool text)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    for (int i = 1; i < opts->count; i++) {
        const char *word = opts->operand[i];
        if (text) {
            if (i > 1)
                g_byte_array_append(bytes, (const guint8 *)" ", 1);
            g_byte_array_append(bytes, (const guint8 *)word, strlen(word));
        } else if (!add_hex(bytes, word)) {
            g_autofree char *shown = report_text(call, word);
            report_refuse(call, "%s is not hex: type pairs of digits, or -t before text", shown);
            return NULL;
        }
    }
    if (bytes->len == 0) {
        report_refuse(call, "there are no bytes to write");
        return NULL;
    }
    return g_steal_pointer(&bytes);
}

static int parse_poke(const struct command_call *call, struct poke_args *args, GByteArray **ret_bytes)
{
    struct opts opts;
    int option;
    opts_start(&opts, call, command_poke.options);
    while ((option = opts_next(&opts)) != -1) {
        int ret = option == 't' ? 1 : transfer_take_option(call, option, opts.value, &args->options);
        args->text |= option == 't';
        if (ret <= 0)
            return ret < 0 ? ret : command_misused(call, &command_poke);
    }
    if (opts.count < 2)
        return command_misused(call, &command_poke);
    int ret = report_parse_size(call, "offset", opts.operand[0], &args->offset);
    if (ret < 0)
        return ret;
    *ret_bytes = parse_bytes(call, &opts, args->text);
    return *ret_bytes ? 0 : -EINVAL;
}

static int poke_co(const struct command_call *call)
{
    struct poke_args args = {.options.pattern = -1};
    g_autoptr(GByteArray) bytes = NULL;
    struct transfer_vector vector;
    int ret = parse_poke(call, &args, &bytes);
    if (ret == 0)
        ret = transfer_vector_init(call, bytes->len, true, &vector);
    if (ret < 0)
        return ret;
    memcpy(vector.buffer, bytes->data, bytes->len);
    int64_t started = clock_now_ns();
    ret = blk_pwritev_co(call->session->blk, args.offset, vector.iov, vector.niov, args.options.flags, session_issuer(call));
    int64_t elapsed = clock_now_ns() - started;
    if (ret < 0) {
        report_range_failure(call, "poke", ret, args.offset, bytes->len);
    } else {
        transfer_vector_keep_co(call, BLK_OP_WRITE, args.offset, &vector);
        transfer_finish(call, &args.options, "wrote", args.offset, bytes->len, 1, elapsed);
    }
    transfer_vector_done_co(call, &vector);
    return ret;
}

const struct command command_poke = {
    .name = "poke",
    .args = "[-Cfqt] off bytes [bytes..]",
    .summary = "writes the bytes that are typed",
    .help = "\n"
            "The bytes are pairs of hex digits, with spaces between them or not, and are written as one request.\n"
            "\n"
            "  -C  report as one line for programs\n"
            "  -f  on stable storage before it is reported (FUA)\n"
            "  -q  no report\n"
            "  -t  the bytes are text, as it is typed; in quotes where spaces count\n"
            "\n"
            "  poke 510 55 aa           the signature of a boot sector\n"
            "  poke -t 0x478 'new name'\n",
    .options = "Cfqt",
    .min_args = 2,
    .max_args = -1,
    .flags = COMMAND_OURS | COMMAND_WRITES,
    .run_co = poke_co,
};
