/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Notices what others write to the files of an image that it only reads, so that a screen shows it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct blk_request;
struct session;
struct watch;

/* When what is written from now on is written, by the clock that files' times are of; ns. */
int64_t watch_now_ns(void);
/*
 * Watches the files of the session's image and tells its observers of changes, a moment after they happened, those since then
 * (watch_now_ns()) included.  Which files these are changes when the image is reopened: then it has to be started anew.
 */
struct watch *watch_start(struct session *session, int64_t since_ns);
/* What was written is not always told: the connection to a server was lost, or somebody wants to see.  watch may be NULL. */
void watch_look(struct watch *watch);
/* Whether something was written, or somebody wants to see, and it is taken notice of soon.  watch may be NULL. */
bool watch_is_looking(const struct watch *watch);
/* A request of the image's is in another state.  watch may be NULL. */
void watch_request(struct watch *watch, const struct blk_request *request);
/* watch may be NULL. */
void watch_stop(struct watch *watch);
