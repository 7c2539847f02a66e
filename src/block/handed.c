/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/handed.h"

#include <unistd.h>

static void close_one(void *fd)
{
    close(*(int *)fd);
}

struct handed *handed_new(void)
{
    struct handed *handed = g_new0(struct handed, 1);

    handed->files = g_array_new(FALSE, FALSE, sizeof(int));
    g_array_set_clear_func(handed->files, close_one);
    handed->names = g_ptr_array_new_with_free_func(g_free);
    handed->options = g_ptr_array_new_with_free_func(g_free);
    return handed;
}

void handed_free(struct handed *handed)
{
    if (!handed)
        return;
    g_array_unref(handed->files);
    g_ptr_array_unref(handed->names);
    g_ptr_array_unref(handed->options);
    g_free(handed);
}

void handed_add(struct handed *handed, int fd, const char *name)
{
    g_array_append_val(handed->files, fd);
    g_ptr_array_add(handed->names, g_strdup(name));
}

void handed_add_option(struct handed *handed, char *option, const char *value)
{
    g_ptr_array_add(handed->options, option);
    g_ptr_array_add(handed->options, g_strdup(value));
}
