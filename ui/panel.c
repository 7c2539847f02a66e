/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/panel.h"

struct session *panel_session(struct panel *panel)
{
    return panel->host->ops->session(panel->host);
}

void panel_redraw(struct panel *panel)
{
    panel->host->ops->redraw(panel->host, panel);
}

void panel_run(struct panel *panel, const char *line)
{
    panel->host->ops->run(panel->host, line);
}

void panel_go(struct panel *panel, int64_t offset, int64_t bytes, const char *focus)
{
    panel->host->ops->go(panel->host, offset, bytes, focus);
}

void panel_remark(struct panel *panel, const char *text)
{
    panel->host->ops->remark(panel->host, text);
}

void panel_ask(struct panel *panel, enum request request)
{
    panel->host->ops->ask(panel->host, request);
}

void panel_question(struct panel *panel, const struct panel_question *question)
{
    panel->host->ops->question(panel->host, panel, question);
}

char *panel_copy(struct panel *panel, const char *text, size_t len, const char *what)
{
    return panel->host->ops->copy(panel->host, text, len, what);
}
