/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Protocols that a qemu-nbd of our own speaks: http, ssh, rbd, ... and vvfat. */
#pragma once

#include "block/driver.h"

/* The i-th of these drivers, NULL after the last. */
const struct driver *remote_at(unsigned i);
