/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/hex-layout.h"

#include <glib.h>
#include <inttypes.h>

#include "ui/panels/map-view.h"

enum { GROUP = 8 };

static int hex_columns(int width, bool gaps, int group)
{
    return width * 2 + (width - 1) / group + (gaps ? (width - 1) / GROUP : 0);
}

/* The inspector has what room the bytes leave, next to them. */
static void bring_near(struct hex_layout *layout)
{
    if (layout->side > 0) {
        layout->side = MIN(layout->side, layout->text + layout->width + (layout->bars ? 1 : 0) + 2);
    }
}

/* With everything, if that fits. */
static bool fill(struct hex_layout *layout, int room, int width, bool airy)
{
    layout->width = width;
    layout->gaps = layout->bars = airy;
    layout->hex = layout->digits + (airy ? 2 : 1);
    layout->text = layout->hex + hex_columns(width, airy, layout->group) + 1;
    return layout->text + width + (airy ? 1 : 0) <= room;
}

/* Lines below the bytes. */
static int pane_lines(int height, enum hex_inspector inspector)
{
    int lines = height >= 18 ? HEX_PANE_LINES : height >= 12 ? 4 : height >= 9 ? 3 : height >= 6 ? 2 : height >= 4 ? 1 : 0;

    return inspector == HEX_INSPECTOR_FULL ? lines : inspector == HEX_INSPECTOR_BRIEF ? MIN(lines, HEX_BRIEF_LINES) : 0;
}

int hex_layout_digits(int64_t end, bool decimal)
{
    enum { LEAST = 8 };
    char text[24];

    return decimal ? MAX(g_snprintf(text, sizeof text, "%" PRId64, MAX(end, 1) - 1), LEAST) : map_view_digits(end);
}

struct hex_layout hex_layout(int width, int height, int digits, int group, bool little, int most, enum hex_inspector inspector)
{
    static const int widths[] = {32, 24, 16, 8};
    struct hex_layout layout = {.digits = digits, .group = group, .little = little};

    if (width >= HEX_SIDE_FROM && inspector == HEX_INSPECTOR_FULL) {
        layout.side = width - HEX_SIDE_COLUMNS;
        width = layout.side - 1;
    }
    layout.inspector = layout.side > 0 ? 0 : pane_lines(height, inspector);
    layout.lines = MAX(0, height - layout.inspector);
    for (unsigned i = 0; i < G_N_ELEMENTS(widths); i++) {
        if (most > 0 && widths[i] > most) {
            continue;
        }
        if (fill(&layout, width, widths[i], true) || fill(&layout, width, widths[i], false)) {
            bring_near(&layout);
            return layout;
        }
    }
    layout.text = 0;
    layout.width = GROUP;
    if (layout.hex + hex_columns(GROUP, false, group) > width) {
        layout.hex = 0;
        layout.group = 1;
        layout.width = CLAMP((width + 1) / 3, 1, GROUP);
    }
    return layout;
}

int hex_layout_byte(const struct hex_layout *layout, int i)
{
    int place = layout->little ? i - i % layout->group + MIN(layout->group, layout->width) - 1 - i % layout->group : i;

    return layout->hex + place * 2 + place / layout->group + (layout->gaps ? place / GROUP : 0);
}
