/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Formats that are read through qemu-nbd. */
#pragma once

#include "block/driver.h"

/* The driver for a format that there is no driver of our own for, or NULL; for qcow2 the one that decrypts. */
const struct driver *foreign_find(const char *format);
/* The i-th, without the one for qcow2; NULL after the last. */
const struct driver *foreign_at(unsigned i);
/* Whether options have a key that the driver has no use for and foreign_find() of its name would. */
bool foreign_takes_key(const struct driver *driver, const struct options *options);
