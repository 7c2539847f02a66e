/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files that have only a temporary name yet: a signal that ends the program takes them away first. */
#pragma once

/*
 * From now on SIGHUP, SIGINT, SIGQUIT and SIGTERM do so before they end the program, those of them that would end it now.  Once, before anybody
 * else catches them: who does hands them on to the action that was there before, or takes care of the files.
 */
void unfinished_init(void);
/* The file at path (copied) is one, or is none any more: it has its name, or is gone.  Any thread; what there is no room for is not kept. */
void unfinished_add(const char *path);
void unfinished_drop(const char *path);
