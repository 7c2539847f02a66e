/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ui/request.h"

#include <string.h>

static const struct request_info infos[REQUEST_COUNT] = {
#define REQUEST_INFO(constant, name, context, command, label, help)                                                    \
    [REQUEST_##constant] = {name, REQUEST_CONTEXT_##context, command, label, help},
    REQUEST_LIST(REQUEST_INFO)
#undef REQUEST_INFO
};

static const struct {
    const char *name, *help;
} contexts[REQUEST_CONTEXT_COUNT] = {
    [REQUEST_CONTEXT_GLOBAL] = {"global", "Anywhere but where text is typed."},
    [REQUEST_CONTEXT_MOVE] = {"move", "Movement in the focused panel, and in text that lies over the panels."},
    [REQUEST_CONTEXT_MAP] = {"map", "The map of what is allocated where."},
    [REQUEST_CONTEXT_HEX] = {"hex", "The bytes."},
    [REQUEST_CONTEXT_EDIT] = {"edit", "Bytes are typed over in hex; nothing is written before Enter."},
    [REQUEST_CONTEXT_PENDING] = {"pending", "The list of requests that are not done."},
    [REQUEST_CONTEXT_CONSOLE] = {"console", "The command line; other keys edit the line as readline does."},
    [REQUEST_CONTEXT_PROMPT] = {"prompt", "A question at the bottom of the screen; other keys edit the answer."},
    [REQUEST_CONTEXT_OVERLAY] = {"overlay", "Help and other text over the panels."},
    [REQUEST_CONTEXT_CHOOSER] = {"chooser", "A list to choose from; other keys edit what narrows it down."},
    [REQUEST_CONTEXT_CHAIN] = {"chain", "The layers of the image as a list."},
    [REQUEST_CONTEXT_APPROVAL] = {"approval", "The question whether to open a file that the image names."},
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

enum request_context request_context_find(const char *name)
{
    int context = 0;
    while (context < REQUEST_CONTEXT_COUNT && strcmp(contexts[context].name, name) != 0) {
        context++;
    }
    return (enum request_context)context;
}

/* What follows the request's own name in the command it equals; NULL: it equals another one or none. */
static const char *after_name(const struct request_info *info)
{
    size_t len = strlen(info->name);
    bool own = info->command != NULL && info->context != REQUEST_CONTEXT_GLOBAL &&
               strncmp(info->command, info->name, len) == 0 && strchr(" ", info->command[len]) != NULL;
    return own ? info->command + len : NULL;
}

bool request_is_command(enum request request)
{
    return after_name(&infos[request]) != NULL;
}

bool request_has_command(enum request request)
{
    enum request_context context = infos[request].context;
    return context == REQUEST_CONTEXT_MAP || context == REQUEST_CONTEXT_HEX || context == REQUEST_CONTEXT_PENDING;
}

bool request_wants_offset(enum request request)
{
    const char *arguments = after_name(&infos[request]);
    return arguments != NULL && *arguments != '\0';
}

const char *request_context_name(enum request_context context)
{
    return contexts[context].name;
}

const char *request_context_help(enum request_context context)
{
    return contexts[context].help;
}
