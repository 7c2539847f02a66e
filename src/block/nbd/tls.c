/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/nbd/tls.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "block/options.h"

#define AUTHORITY "ca-cert.pem"

static bool has_authority(const char *folder)
{
    g_autofree char *file = g_build_filename(folder, AUTHORITY, NULL);

    return access(file, R_OK) == 0;
}

/* The folder that is named, else the first of libnbd's own that has an authority, else NULL. */
static char *find_folder(const struct nbd_address *address)
{
    g_autofree char *first = g_build_filename(g_get_home_dir(), ".pki", "libnbd", NULL);
    g_autofree char *second = g_build_filename(g_get_home_dir(), ".config", "pki", "libnbd", NULL);
    const char *const folders[] = {first, second, "/etc/pki/libnbd"};

    if (address->tls_certificates)
        return g_strdup(address->tls_certificates);
    for (unsigned i = 0; i < G_N_ELEMENTS(folders); i++) {
        if (has_authority(folders[i]))
            return g_strdup(folders[i]);
    }
    return NULL;
}

static const char *expected_name(const struct nbd_address *address)
{
    return address->tls_hostname ? address->tls_hostname : address->host;
}

static int check_readable(const char *file, GError **error)
{
    int code;

    if (access(file, R_OK) == 0)
        return 0;
    code = errno;
    g_set_error(error, OPTIONS_ERROR, code, "Unable to access credentials %s: %s", file, g_strerror(code));
    return -code;
}

int nbd_tls_check(const struct nbd_address *address, GError **error)
{
    g_autofree char *folder = NULL, *file = NULL;
    int ret;

    if (!address->tls)
        return 0;
    if (address->tls_psk_file)
        return check_readable(address->tls_psk_file, error);
    if (!address->tls_verify)
        return 0;
    folder = find_folder(address);
    if (!folder) {
        g_set_error_literal(error, OPTIONS_ERROR, ENOENT, "the server's certificate can't be checked: give tls-certificates=FOLDER with a " AUTHORITY
                            ", or tls-verify-peer=off");
        return -ENOENT;
    }
    file = g_build_filename(folder, AUTHORITY, NULL);
    ret = check_readable(file, error);
    if (ret == 0 && !expected_name(address)) {
        g_set_error_literal(error, OPTIONS_ERROR, EINVAL, "No hostname for certificate validation: give tls-hostname=NAME, the name in the server's "
                            "certificate");
        ret = -EINVAL;
    }
    return ret;
}

/*
 * libnbd takes the name that the certificate has to be for from this call alone.  No service is called that, so that it fails
 * before anything is looked up or connected to; the handle keeps the name and is as new.
 */
static bool expect_name(const char *name, const struct nbd_library *library, struct nbd_handle *handle)
{
    return library->aio_connect_tcp(handle, name, "no such service") < 0 && library->aio_is_created(handle) > 0;
}

bool nbd_tls_set_up(const struct nbd_address *address, const struct nbd_library *library, struct nbd_handle *handle)
{
    g_autofree char *folder = NULL;
    const char *username = address->tls_username ? address->tls_username : g_get_user_name();

    if (!address->tls)
        return true;
    if (library->set_tls(handle, LIBNBD_TLS_REQUIRE) < 0 || library->set_tls_verify_peer(handle, address->tls_verify) < 0)
        return false;
    if (address->tls_psk_file)
        return library->set_tls_psk_file(handle, address->tls_psk_file) == 0 && library->set_tls_username(handle, username) == 0;
    folder = find_folder(address);
    if (folder && library->set_tls_certificates(handle, folder) < 0)
        return false;
    return !expected_name(address) || expect_name(expected_name(address), library, handle);
}

char *nbd_tls_advice(const struct nbd_address *address, const char *why)
{
    g_autofree char *folder = NULL;

    if (!address->tls || !strstr(why, "gnutls_"))
        return NULL;
    if (address->tls_psk_file)
        return g_strdup_printf("%s may not have the key that the server knows", address->tls_psk_file);
    folder = find_folder(address);
    if (strstr(why, "certificate verification"))
        return g_strdup_printf("the server's certificate is not signed by %s/" AUTHORITY ", is not for '%s', or has expired", folder, expected_name(address));
    return g_strdup_printf("it may want a certificate of the client that it knows: client-cert.pem and client-key.pem in %s", folder ? folder : "a folder");
}
