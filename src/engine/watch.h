/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Notices what others write to the files of an image that is open read-only, so that a screen shows it. */
#pragma once

struct session;
struct watch;

/*
 * Watches the files of the session's image and tells its observers of changes, a moment after they happened.  NULL when there is
 * nothing to watch, or nothing to watch it with.
 */
struct watch *watch_start(struct session *session);
/* The connection to the image's server is there again: what it serves may be another image by now.  watch may be NULL. */
void watch_look(struct watch *watch);
/* watch may be NULL. */
void watch_stop(struct watch *watch);
