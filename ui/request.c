/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/request.h"

#include <string.h>

static const struct request_info infos[REQUEST_COUNT] = {
#define REQUEST_INFO(constant, name, context, command, label, help)                                                    \
    [REQUEST_##constant] = {name, REQUEST_CONTEXT_##context, command, label, help},
    REQUEST_LIST(REQUEST_INFO)
#undef REQUEST_INFO
};

static const char *const context_names[REQUEST_CONTEXT_COUNT] = {
    [REQUEST_CONTEXT_GLOBAL] = "global",   [REQUEST_CONTEXT_MOVE] = "move",
    [REQUEST_CONTEXT_MAP] = "map",         [REQUEST_CONTEXT_HEX] = "hex",
    [REQUEST_CONTEXT_PENDING] = "pending", [REQUEST_CONTEXT_CONSOLE] = "console",
    [REQUEST_CONTEXT_PROMPT] = "prompt",   [REQUEST_CONTEXT_OVERLAY] = "overlay",
};

const struct request_info *request_info(enum request request)
{
    return &infos[request];
}

enum request request_find(const char *name)
{
    for (int request = 0; request < REQUEST_COUNT; request++) {
        if (strcmp(infos[request].name, name) == 0) {
            return request;
        }
    }
    return REQUEST_NONE;
}

const char *request_context_name(enum request_context context)
{
    return context_names[context];
}
