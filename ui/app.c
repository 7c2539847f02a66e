/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/app.h"

void app_set_options(const char *theme, bool use_config)
{
}

int app_run(struct session *session)
{
    return 1;
}

int app_run_plain(struct session *session)
{
    return 1;
}
