/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/map-commands.h"

#include <errno.h>
#include <string.h>

#include "block/inspect.h"
#include "engine/compare.h"
#include "engine/opts.h"
#include "engine/report.h"
#include "ui/panels/map-panel.h"
#include "util/intervals.h"

enum { MARKED_MAX = 1 << 20 /* ranges of a bitmap */ };

/* Commands are found by name only, so that the one panel there is has to be found by them. */
static struct map_panel *map;

void map_commands_serve(struct panel *panel)
{
    map = (struct map_panel *)panel;
}

static int differences_co(const struct command_call *call)
{
    g_autofree char *snapshot = NULL;
    struct opts opts;
    int option;

    opts_start(&opts, call, map_command_differences.options);
    while ((option = opts_next(&opts)) != -1) {
        if (option == 's') {
            g_free(snapshot);
            snapshot = g_strconcat("@", opts.value, NULL);
        } else if (option == 'c') {
            map_differences_clear(map->differences);
            map->page = map->page == MAP_PAGE_DIFFERENCES ? MAP_PAGE_PICTURE : map->page;
            panel_redraw(&map->panel);
            return 0;
        } else {
            return -EINVAL;
        }
    }
    if (opts.count > (snapshot ? 0 : 1)) {
        report_complain(call, "differences: one image, or -s and one snapshot");
        return -EINVAL;
    }
    g_autofree char *image = opts.count > 0 ? compare_name(opts.operand[0]) : NULL;
    map_differences_start(map->differences, call->session, snapshot ? snapshot : image);
    panel_redraw(&map->panel);
    return 0;
}

struct marking {
    struct intervals *ranges;
    unsigned count;
};

static int mark(void *data, int64_t offset, int64_t bytes)
{
    struct marking *marking = data;

    if (++marking->count > MARKED_MAX) {
        return -E2BIG;
    }
    intervals_add(marking->ranges, offset, offset + bytes);
    return 0;
}

/* What it marks now. */
static int only_bitmap_co(const struct command_call *call, const char *name)
{
    struct blk *blk = session_blk(call->session);
    struct marking marking = {.ranges = intervals_new()};
    g_autofree char *shown = report_text(call, name);
    int ret = blk ? inspect_bitmap_co(blk, name, mark, &marking) : -ENOMEDIUM;

    if (ret == 0 && blk == session_blk(call->session)) {
        map_show_marked(map, map_marked_new(name, marking.ranges));
        return 0;
    }
    intervals_free(marking.ranges);
    if (ret == -ENOENT || ret == -ENOTSUP) {
        report_complain(call, "map-only: there is no bitmap '%s'; 'bitmaps' lists them", shown);
    } else if (ret == -E2BIG) {
        report_complain(call, "map-only: bitmap '%s' marks more than %u ranges", shown, (unsigned)MARKED_MAX);
    } else if (ret < 0 && ret != -ECANCELED) {
        report_complain(call, "map-only: bitmap '%s': %s", shown, g_strerror(-ret));
    }
    return ret;
}

static int only_layer(const struct command_call *call, const char *word)
{
    uint64_t layer = 0;

    if (word && !g_ascii_string_to_unsigned(word, 10, 0, INT16_MAX, &layer, NULL)) {
        report_complain(call, "map-only: a layer is a number, 0 for the top");
        return -EINVAL;
    }
    if (!map_show_only(map, word ? (int)layer : -1)) {
        report_complain(call, "map-only: there is no such layer; 'chain' lists them");
        return -ENOENT;
    }
    return 0;
}

static int only_co(const struct command_call *call)
{
    g_autofree char *bitmap = NULL;
    struct opts opts;
    int option;

    opts_start(&opts, call, map_command_only.options);
    while ((option = opts_next(&opts)) != -1) {
        if (option != 'b') {
            return -EINVAL;
        }
        g_free(bitmap);
        bitmap = g_strdup(opts.value);
    }
    if (opts.count > (bitmap ? 0 : 1)) {
        report_complain(call, "map-only: one layer, or -b and one bitmap");
        return -EINVAL;
    }
    return bitmap ? only_bitmap_co(call, bitmap) : only_layer(call, opts.count > 0 ? opts.operand[0] : NULL);
}

/* The numbers of the layers; behind -b, the bitmaps that the image itself has. */
static char **layer_names(const char *const *words, unsigned count)
{
    if (map && map->blk && count == 2 && strcmp(words[1], "-b") == 0) {
        return inspect_bitmap_names(map->blk);
    }
    GPtrArray *names = g_ptr_array_new();

    for (unsigned layer = 0; count == 1 && map && map->blk && blk_layer(map->blk, layer, BLK_PART_LAYER); layer++) {
        g_ptr_array_add(names, g_strdup_printf("%u", layer));
    }
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(names, FALSE);
}

const struct command map_command_only = {
    .name = "map-only",
    .args = "[-b bitmap | layer]",
    .options = "b:",
    .summary = "shows on the map only what one layer supplies or a bitmap marks, or all again",
    .help = "\n"
            "All else is drawn as if it was nowhere, and is in no count. chain lists the layers, bitmaps those of a qcow2 image\n"
            "or an NBD export; what is marked is looked at once.\n"
            "\n"
            "  -b BITMAP            what this bitmap marks as dirty\n"
            "\n"
            "  map-only 1           what comes from the backing file\n"
            "  map-only -b backup   what was written since that bitmap was made or cleared\n"
            "  map-only             everything\n",
    .max_args = -1,
    .flags = COMMAND_OURS,
    .names_for = layer_names,
    .run_co = only_co,
};

const struct command map_command_differences = {
    .name = "differences",
    .args = "[-c] [-s snapshot | image]",
    .options = "cs:",
    .summary = "marks in the map where the image differs from another one",
    .help = "\n"
            "It is compared in the background with its backing file, with an internal snapshot, or with another image. What the\n"
            "tables say is marked first, then what differs; compare prints the same.\n"
            "\n"
            "  -c           no comparison any more\n"
            "  -s SNAPSHOT  with an internal snapshot, by its id or name\n"
            "\n"
            "  differences              from the backing file\n"
            "  differences other.img    from another image\n",
    .max_args = -1,
    .flags = COMMAND_OURS,
    .complete = COMMAND_COMPLETE_PATH,
    .run_co = differences_co,
};
