/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panels/hex-layout.h"

#include <glib.h>

#include "ui/panels/map-view.h"

enum { GROUP = 8 };

static int hex_columns(int width, bool gaps)
{
    return width * 3 - 1 + (gaps ? (width - 1) / GROUP : 0);
}

/* With everything, if that fits. */
static bool fill(struct hex_layout *layout, int room, int width, bool airy)
{
    layout->width = width;
    layout->gaps = layout->bars = airy;
    layout->hex = layout->digits + (airy ? 2 : 1);
    layout->text = layout->hex + hex_columns(width, airy) + 1;
    return layout->text + width + (airy ? 1 : 0) <= room;
}

struct hex_layout hex_layout(int width, int height, int64_t end)
{
    static const int widths[] = {32, 16, 8}; /* powers of two: clusters begin where rows do */
    struct hex_layout layout = {.digits = map_view_digits(end)};

    layout.inspector = height >= 18 ? HEX_PANE_LINES : height >= 12 ? 4 : height >= 9 ? 3 : height >= 6 ? 2 : height >= 4 ? 1 : 0;
    layout.lines = MAX(0, height - layout.inspector);
    for (unsigned i = 0; i < G_N_ELEMENTS(widths); i++) {
        if (fill(&layout, width, widths[i], true) || fill(&layout, width, widths[i], false)) {
            return layout;
        }
    }
    layout.text = 0;
    layout.width = GROUP;
    if (layout.hex + hex_columns(GROUP, false) > width) {
        layout.hex = 0;
        layout.width = CLAMP((width + 1) / 3, 1, GROUP);
    }
    return layout;
}

int hex_layout_byte(const struct hex_layout *layout, int i)
{
    return layout->hex + i * 3 + (layout->gaps ? i / GROUP : 0);
}
