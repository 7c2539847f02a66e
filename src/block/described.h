/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Options that describe a node in full, as in QMP: where the reference program wants each value to be of its type, and nothing missing or unknown. */
#pragma once

#include "block/options.h"

/*
 * options: those of the node, keys without prefix ("target.", as messages name them).  0, or -EINVAL and the reference program's message.  Children
 * that are described are checked, too; groups (server.*, encrypt.*, children.*) are not.
 */
int described_check(const struct options *options, const char *prefix, GError **error);
