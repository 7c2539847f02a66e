/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of images on servers as options, for when there are options beside the name: qemu-nbd takes a name alone. */
#pragma once

#include "block/options.h"

/*
 * Sets in options what name says for this driver (gluster, iscsi, iser, nvme, rbd, ssh); what ssh's name says may not be an option as well,
 * elsewhere the name overrides it.  0, or -EINVAL and error.  Sources: qemu-block-drivers(7), BlockdevOptions of the QMP reference.
 */
int remote_name_split(const char *driver, const char *name, struct options *options, GError **error);
