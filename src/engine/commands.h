/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The entries of the table of commands, each defined where its function is: for those files and for command.c. */
#pragma once

#include "engine/command.h"

extern const struct command
    command_abort, command_aio_discard, command_aio_flush, command_aio_read, command_aio_write, command_alloc, command_bitmaps,
    command_break, command_breakpoints, command_cancel, command_chain, command_check, command_close, command_compare, command_create,
    command_discard, command_explain, command_flush, command_follow, command_header, command_help, command_info, command_inject,
    command_length, command_map, command_multiwrite, command_open, command_overlay, command_pending, command_poke, command_quit, command_read,
    command_read_as, command_readv, command_relink, command_remove_break, command_reopen, command_resume, command_sandbox, command_search,
    command_sigraise, command_sleep, command_snapshots, command_source, command_truncate, command_wait_break, command_write,
    command_writev, command_zone_append, command_zone_close, command_zone_finish, command_zone_open, command_zone_report,
    command_zone_reset;
