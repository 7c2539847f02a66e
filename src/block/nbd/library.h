/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libnbd, loaded when the first NBD image is opened: programs that open local files neither wait for it nor need it. */
#pragma once

#include <glib.h>
#include <libnbd.h>

/* The functions that are used, under their names without "nbd_"; see libnbd(3) for each. */
#define NBD_FUNCTIONS(X)                                                                                                \
    X(create) X(close) X(get_version) X(get_error) X(get_errno)                                                        \
    X(set_debug) X(set_debug_callback) X(set_export_name) X(add_meta_context) X(clear_meta_contexts) X(set_pread_initialize)  \
    X(set_opt_mode) X(aio_is_negotiating) X(aio_opt_list_meta_context) X(aio_opt_go)                                    \
    X(set_tls) X(set_tls_certificates) X(set_tls_verify_peer) X(set_tls_username) X(set_tls_psk_file)                   \
    X(aio_connect) X(aio_connect_tcp) X(aio_connect_unix) X(aio_connect_socket) X(aio_disconnect)                       \
    X(aio_get_fd) X(aio_get_direction) X(aio_notify_read) X(aio_notify_write)                                           \
    X(aio_is_created) X(aio_is_ready) X(aio_is_dead) X(aio_is_closed)                                                   \
    X(get_size) X(get_block_size) X(is_read_only) X(can_flush) X(can_fua) X(can_trim) X(can_zero) X(can_fast_zero) X(can_df)      \
    X(can_meta_context) X(get_tls_negotiated)                                                                           \
    X(aio_pread_structured) X(aio_pwrite) X(aio_flush) X(aio_trim) X(aio_zero) X(aio_block_status)

struct nbd_library {
#define NBD_MEMBER(name) __typeof__(&nbd_##name) name;
    NBD_FUNCTIONS(NBD_MEMBER)
#undef NBD_MEMBER
};

/* The library, for the rest of the program's life, or NULL and an error that names the package.  Takes a few milliseconds once. */
const struct nbd_library *nbd_library_load(GError **error);
