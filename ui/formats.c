/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What an image is read as.  One whose format nobody named, and whose bytes look like none, is read as raw with its first sector guarded:
 * a guest could write another format's header there.  That is said, and the list offers to keep it as raw for good or to read it as
 * something else; each is the command `read-as`.
 */
#include <string.h>

#include "block/blk.h"
#include "engine/session.h"
#include "ui/console/console.h"
#include "ui/desk-private.h"
#include "ui/keymap.h"

static const struct {
    const char *name, *help;
} formats[] = {
    {"raw", "the bytes as they are; any may be written to the first sector"},
    {"qcow2", "QEMU's own format"},
    {"vmdk", "VMware"},
    {"vdi", "VirtualBox"},
    {"vhdx", "Hyper-V"},
    {"vpc", "Virtual PC and Hyper-V: VHD"},
    {"luks", "encrypted as by cryptsetup"},
    {"qcow", "QEMU's first format"},
    {"qed", "QEMU's enhanced disk"},
    {"parallels", "Parallels Desktop"},
    {"dmg", "macOS disk image"},
    {"bochs", "Bochs growing disk"},
    {"cloop", "Linux compressed loop"},
    {"guess", "what its bytes look like, else raw with the first sector guarded"},
};

static void accept(struct desk *desk, const struct choice *choice)
{
    g_autofree char *line = g_strconcat("read-as ", choice->name, NULL);
    moves_log(desk);
    console_run(desk_console(desk), line);
}

struct overlay *format_chooser_new(struct desk *desk)
{
    static const struct chooser_ops ops = {.title = "formats", .question = "read it as: ", .hint = "a part of its name", .accept = accept};
    const char *now = desk->title.format;
    GPtrArray *choices = g_ptr_array_new_with_free_func(choice_free);
    unsigned marked = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
        bool is_now = now != NULL && strcmp(now, formats[i].name) == 0;
        bool guessed = is_now && blk_is_guessed_raw(session_blk(desk->session));
        if (is_now)
            marked = (unsigned)i;
        g_ptr_array_add(choices, choice_new(formats[i].name, guessed ? "guessed now" : is_now ? "now" : NULL, formats[i].help, 0));
    }
    return chooser_new(desk, &ops, choices, marked);
}

void formats_look(struct desk *desk)
{
    struct blk *blk = session_blk(desk->session);
    const char *name = blk != NULL && blk_is_guessed_raw(blk) && blk_filename(blk) != NULL ? blk_filename(blk) : NULL;
    if (name != NULL && g_strcmp0(name, desk->guess_told) != 0) {
        g_autofree char *key = keymap_key(REQUEST_CONTEXT_GLOBAL, REQUEST_FORMATS);
        g_autofree char *text = g_strdup_printf("raw is a guess: the first sector is guarded. %s: keep raw, or another format", key != NULL ? key : "read-as");
        console_note(desk_console(desk), ROLE_WARNING, text);
        desk_remark(desk, ROLE_WARNING, text);
    }
    g_free(desk->guess_told);
    desk->guess_told = g_strdup(name);
}
