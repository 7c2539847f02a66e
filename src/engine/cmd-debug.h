/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the commands about blkdebug share. */
#pragma once

#include <stdint.h>

#include "engine/command.h"

/* Returns ret, having told what is missing where that says there is no blkdebug. */
int debug_explain(const struct command_call *call, int ret);

/* "12", and "#12" as it is shown: the number of a request or a rule.  0 or a negative errno. */
int debug_parse_number(const char *text, uint64_t *ret_number);
