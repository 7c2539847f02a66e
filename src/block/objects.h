/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Objects that drivers refer to by their id (`--object`): credentials and secrets. */
#pragma once

#include "block/options.h"

/* Takes over a definition whose type and id ("qom-type", "id") are set.  0, or -EEXIST. */
int objects_add(struct options *object, GError **error);
/*
 * object_define.c: reads a definition as a user gives it, "secret,id=ID,..." or a JSON object, checks it as the reference program does, and adds it.
 * Names in the message are raw.
 */
bool objects_define(const char *text, GError **error);
/*
 * "help" or "TYPE,help" in the place of a definition: what can be defined, or what TYPE's properties are, as lines (g_free); NULL: text asks
 * for no help.
 */
char *objects_help(const char *text);
/* The definition with that id, or NULL; owned by the program. */
const struct options *objects_find(const char *id);
