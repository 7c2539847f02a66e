/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of NBD exports, and the options they become. */
#include <errno.h>

#include "block/nbd/address.h"
#include "block/objects.h"

/* A name all the way; NULL in name: refused. */
struct name_case {
    const char *given, *name, *peer, *export;
    bool tls;
};

static const struct name_case names[] = {
    {"nbd://host", "nbd://host:10809", "host:10809", ""},
    {"nbd://host:1/", "nbd://host:1", "host:1", ""},
    {"nbd+tcp://host/a%20b/c", "nbd://host:10809/a%20b/c", "host:10809", "a b/c"},
    {"nbd://[::1]:7/x", "nbd://[::1]:7/x", "[::1]:7", "x"},
    {"nbds://host/x", "nbds://host:10809/x", "host:10809", "x", true},
    {"nbd+unix:///x?socket=/run/s", "nbd+unix:///x?socket=/run/s", "/run/s", "x"},
    {"nbd+unix://?socket=/run/s", "nbd+unix://?socket=/run/s", "/run/s", ""},
    {"nbds+unix:///%1b?socket=/run/s", "nbds+unix:///%1B?socket=/run/s", "/run/s", "\x1b", true},
    {"nbd:unix:/run/s", "nbd+unix://?socket=/run/s", "/run/s", ""},
    {"nbd:unix:/run/a:b:exportname=x:y", "nbd+unix:///x%3Ay?socket=/run/a:b", "/run/a:b", "x:y"},
    {"nbd:host:7", "nbd://host:7", "host:7", ""},
    {"nbd:[::1]:7:exportname=x", "nbd://[::1]:7/x", "[::1]:7", "x"},
    {"nbd:"}, {"nbd:host"}, {"nbd:host:"}, {"nbd::7"}, {"nbd://"}, {"nbd:///x"}, {"nbd+unix:///x"}, {"nbd+unix://h/x?socket=/s"},
    {"nbd://h/x?socket=/s"}, {"nbd+unix:///x?socket=/s&foo=1"}, {"nbd://host:99999/"},
};

static int take(const char *name, struct nbd_address *address, GError **error)
{
    g_autoptr(options) options = options_new();
    int ret = nbd_parse_filename(name, options, error);

    if (ret == 0)
        ret = nbd_address_take(options, address, error);
    if (ret == 0)
        g_assert_cmpuint(options_count(options), ==, 0);
    return ret;
}

static void test_names(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
        const struct name_case *c = &names[i];
        struct nbd_address address = {0};
        g_autoptr(GError) error = NULL;
        int ret = take(c->given, &address, &error);

        g_test_message("%s", c->given);
        g_assert_cmpint(ret, ==, c->name ? 0 : -EINVAL);
        g_assert_true((ret == 0) == (error == NULL));
        g_assert_cmpstr(address.name, ==, c->name);
        g_assert_cmpstr(address.peer, ==, c->peer);
        g_assert_cmpstr(address.export_name, ==, c->export);
        g_assert_true(address.tls == c->tls);
        nbd_address_clear(&address);
    }
}

static void test_long_export(void)
{
    g_autofree char *longest = g_strnfill(NBD_STRING_MAX, 'x'), *good = g_strconcat("nbd://h/", longest, NULL);
    g_autofree char *bad = g_strconcat(good, "x", NULL);
    struct nbd_address address = {0};
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(take(good, &address, &error), ==, 0);
    nbd_address_clear(&address);
    g_assert_cmpint(take(bad, &address, &error), ==, -EINVAL);
    nbd_address_clear(&address);
}

static int take_options(const char *text, struct nbd_address *address, GError **error)
{
    g_autoptr(options) options = options_new();

    g_assert_true(options_parse(options, text, NULL, NULL));
    return nbd_address_take(options, address, error);
}

static void add_object(const char *text)
{
    struct options *object = options_new();

    g_assert_true(options_parse(object, text, "qom-type", NULL));
    g_assert_cmpint(objects_add(object, NULL), ==, 0);
}

static void test_credentials(void)
{
    struct nbd_address address = {0};
    g_autoptr(GError) error = NULL;

    add_object("tls-creds-x509,id=x,dir=/pki,endpoint=client,verify-peer=off");
    add_object("tls-creds-psk,id=p,dir=/psk,endpoint=client");
    add_object("tls-creds-x509,id=s,dir=/pki,endpoint=server");
    g_assert_cmpint(take_options("path=/s,tls-creds=x", &address, &error), ==, 0);
    g_assert_true(address.tls && !address.tls_verify);
    g_assert_cmpstr(address.tls_certificates, ==, "/pki");
    nbd_address_clear(&address);
    g_assert_cmpint(take_options("path=/s,tls-creds=p", &address, &error), ==, 0);
    g_assert_cmpstr(address.tls_psk_file, ==, "/psk/keys.psk");
    g_assert_cmpstr(address.tls_username, ==, "qemu");
    nbd_address_clear(&address);
    g_assert_cmpint(take_options("path=/s,tls-creds=x,tls-hostname=h", &address, &error), ==, 0);
    g_assert_cmpstr(address.tls_hostname, ==, "h");
    nbd_address_clear(&address);
    for (const char *const *bad = (const char *const[]){"path=/s,tls-creds=s", "path=/s,tls-creds=none", "path=/s,tls-creds=x,tls=off",
                                                        "path=/s,tls-creds=p,tls-username=u", NULL}; *bad; bad++) {
        g_assert_cmpint(take_options(*bad, &address, &error), ==, -EINVAL);
        g_clear_error(&error);
        nbd_address_clear(&address);
    }
}

static void test_object_twice(void)
{
    struct options *object = options_new();
    g_autoptr(GError) error = NULL;

    add_object("secret,id=twice,data=x");
    options_set(object, "id", "twice");
    g_assert_cmpint(objects_add(object, &error), ==, -EEXIST);
    g_assert_nonnull(error);
    g_assert_cmpstr(options_get(objects_find("twice"), "data"), ==, "x");
    g_assert_null(objects_find("other"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/nbd/names", test_names);
    g_test_add_func("/nbd/long-export", test_long_export);
    g_test_add_func("/nbd/credentials", test_credentials);
    g_test_add_func("/nbd/object-twice", test_object_twice);
    return g_test_run();
}
