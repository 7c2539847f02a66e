/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/role.h"

#include <errno.h>
#include <string.h>

static const char *const names[ROLE_COUNT] = {
#define ROLE_NAME(constant, name) [ROLE_##constant] = name,
    ROLE_LIST(ROLE_NAME)
#undef ROLE_NAME
};

const char *role_name(enum role role)
{
    return names[role];
}

int role_parse(const char *name)
{
    for (int role = 0; role < ROLE_COUNT; role++) {
        if (strcmp(names[role], name) == 0) {
            return role;
        }
    }
    return -ENOENT;
}
