/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The borders between panels: moved by key, mouse and `layout`, and kept for later runs, for each shape of the screen its own. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "ui/config.h"
#include "ui/desk-private.h"
#include "util/safetext.h"

/*
 * Where a border is now is told anew as long as nothing else was.  What a panel scrolled to for it on the way is told behind that: the
 * one line does not lead there.
 */
static void put(struct desk *desk, int border, int cell)
{
    enum layout_shape shape = desk->layout.shape;
    int share = layout_border_share(&desk->layout, border, cell);
    if (share == desk->shares.border[shape][border]) {
        return;
    }
    g_autofree char *prefix =
        g_strdup_printf("layout %s %s ", layout_shape_name(shape), layout_border_name(shape, border));
    g_autofree char *line = g_strdup_printf("%s%d.%d%%", prefix, share / 10, share % 10);
    if (!log_take_back(desk, prefix)) {
        moves_log(desk);
    }
    struct panel_view before[LAYOUT_PANELS];
    for (int i = 0; i < LAYOUT_PANELS; i++) {
        before[i] = moves_begin(desk->panels[i]);
    }
    desk->shares.border[shape][border] = share;
    desk_relayout(desk);
    log_command(desk, line);
    desk_draw(desk); /* panels scroll when they are painted */
    for (int i = 0; i < LAYOUT_PANELS; i++) {
        moves_end(desk, desk->panels[i], &before[i]);
    }
    desk_dirty(desk);
}

void borders_move(struct desk *desk, enum request request, int cells)
{
    bool wider = request == REQUEST_WIDER || request == REQUEST_NARROWER;
    bool back = request == REQUEST_NARROWER || request == REQUEST_SHORTER;
    int step, border = layout_border_of(&desk->layout, desk->focus, wider, &step);
    if (border < 0) {
        desk_remark(desk, ROLE_NOTE, wider ? "this panel is as wide as the screen" : "this panel has the screen for itself");
        return;
    }
    put(desk, border, layout_border_cell(&desk->layout, border) + (back ? -step : step) * MIN(cells, G_MAXINT16));
}

void borders_drag(struct desk *desk, int border, int x, int y)
{
    put(desk, border, border == 0 ? x : y);
}

char *borders_text(const struct desk *desk)
{
    GString *text = g_string_new(NULL);
    for (int shape = 0; shape < LAYOUT_SHAPES; shape++) {
        for (int i = 0; i < LAYOUT_BORDERS; i++) {
            int share = desk->shares.border[shape][i];
            if (share > 0) {
                g_string_append_printf(text, "%s %s %d.%d%%\n", layout_shape_name((enum layout_shape)shape),
                                       layout_border_name((enum layout_shape)shape, i), share / 10, share % 10);
            }
        }
    }
    return g_string_free(text, FALSE);
}

/* "31.2%", "31.2" and "31": thousandths; -1: it is none. */
static int parse_share(const char *text)
{
    char *end;
    double share = g_ascii_strtod(text, &end);
    bool good = g_ascii_isdigit(*text) && (*end == '\0' || strcmp(end, "%") == 0) && share <= 100;
    return good ? (int)(share * 10 + 0.5) : -1;
}

bool borders_set(struct desk *desk, const char *shape, const char *border, const char *share)
{
    int value = parse_share(share);
    for (int i = 0; i < LAYOUT_SHAPES && value >= 0; i++) {
        for (int j = 0; j < LAYOUT_BORDERS && strcmp(layout_shape_name((enum layout_shape)i), shape) == 0; j++) {
            const char *name = layout_border_name((enum layout_shape)i, j);
            if (name != NULL && strcmp(name, border) == 0) {
                desk->shares.border[i][j] = value;
                desk_relayout(desk);
                return true;
            }
        }
    }
    return false;
}

void borders_reset(struct desk *desk)
{
    memset(&desk->shares, 0, sizeof desk->shares);
    desk_relayout(desk);
}

/* ---- for later runs ---- */

static bool take_line(void *data, char **words, unsigned count, GError **error)
{
    if (count == 3 && borders_set(data, words[0], words[1], words[2])) {
        return true;
    }
    g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "not a border and its share");
    return false;
}

void borders_load(struct desk *desk)
{
    g_autofree char *path = config_state_path("layout");
    g_autoptr(GPtrArray) complaints = g_ptr_array_new_with_free_func(g_free);
    if (path != NULL) {
        config_read(path, take_line, desk, complaints);
    }
    for (unsigned i = 0; i < complaints->len; i++) {
        desk_note(desk, ROLE_WARNING, complaints->pdata[i]);
    }
    desk->saved_shares = desk->shares;
}

bool borders_save(const struct desk *desk, GError **error)
{
    g_autofree char *path = config_state_path("layout");
    if (path == NULL || memcmp(&desk->shares, &desk->saved_shares, sizeof desk->shares) == 0) {
        return true;
    }
    g_autofree char *text = borders_text(desk), *folder = g_path_get_dirname(path);
    int ret = g_mkdir_with_parents(folder, 0700) < 0 ? -errno : config_state_write(path, text, strlen(text));
    if (ret < 0) {
        g_autofree char *name = safetext_escape(path, -1);
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "%s: %s; the borders are not kept", name,
                    ret == -EINVAL ? "not a regular file" : g_strerror(-ret));
    }
    return ret == 0;
}
