/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A qemu-nbd of our own, for one image and one client at a time, on a socket nobody else can reach.
 *
 * It is handed the listening socket (systemd's socket activation), so that there is nothing to wait for.  We are connected to that before it is
 * started, more than once (private_socket.h): it serves one client after the other, so that a lost connection is replaced by the next, to the same
 * process with all that was written.  It ends when it is told to, and with this program however that ends: by SIGTERM (prctl(2), PR_SET_PDEATHSIG), which
 * it forgets while it opens the image; until nbd_server_is_ready(), by SIGKILL.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

struct node;
struct nbd_server;

struct nbd_server_how {
    const char *image;  /* "json:{...}", or a name of any kind */
    const char *format; /* of an image by name; NULL: the JSON says it */
    bool writable;
    const char *const *secrets; /* ids of `secret` objects that image refers to, NULL-terminated; NULL: none */
    const int *files;   /* descriptors that it gets copies of, whose numbers there begin at NBD_SERVER_FILES; */
    unsigned n_files;   /* so many */
    const char *const *names; /* what people know them by; they list the first's with the process */
};

enum { NBD_SERVER_FILES = 4 };
/* What it calls the first. */
#define NBD_SERVER_FILE "/proc/self/fd/4"

/* Starts it: 0, or a negative errno and error; -ENOENT: qemu-nbd is not installed.  On the thread that lives as long as the program. */
int nbd_server_start(const struct nbd_server_how *how, struct nbd_server **ret_server, GError **error);
/* What its socket was called, which is not there any more: for nbd_server_claim(). */
const char *nbd_server_socket(const struct nbd_server *server);
/*
 * Our end of a connection to the server whose socket was called so: the caller's from now on, with the server's name for people (g_free).  -1: it is no
 * server of ours, or all were claimed.
 */
int nbd_server_claim(const char *socket, char **ret_name);
/*
 * Why there is no use in claiming another, as words for people (g_free); NULL: there is.  socket is that of a server of ours.  failed: it has just hung up;
 * waits a moment for its end.
 */
char *nbd_server_why_unreachable_co(const char *socket, bool failed);
/*
 * Until it has opened its image, or ended, which connecting to it tells: 0.  People are told by way of node when that takes long.  -ETIMEDOUT with an
 * error after ten minutes, -ECANCELED with one.
 */
int nbd_server_await_co(const struct nbd_server *server, struct node *node, GError **error);
/* It answers.  Until then nothing was written by us, and it ends in a hurry. */
void nbd_server_is_ready(struct nbd_server *server);
int nbd_server_process(const struct nbd_server *server);
/* The first descriptor that it can have opened itself: those before were given to it. */
int nbd_server_first_own(const struct nbd_server *server);
/* If somebody has stopped it, it goes on. */
void nbd_server_go_on(const struct nbd_server *server);
/* What it said on stderr since it started, without its name in front, NULL: nothing (g_free).  Reads what is there. */
char *nbd_server_said(struct nbd_server *server);
/* How it ended, in words, NULL: it has not (g_free).  Waits a moment for that. */
char *nbd_server_fate_co(const struct nbd_server *server);
/*
 * Its client has left, or never came: waits until it ended, and frees.  At once where it has nothing to write back; else people are told by way of node
 * after a second, and it is killed after a minute, or on cancellation.
 */
void nbd_server_stop_co(struct nbd_server *server, struct node *node);
