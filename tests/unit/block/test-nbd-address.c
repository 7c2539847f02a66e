/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of NBD exports, and the options they become. */
#include <errno.h>

#include "block/nbd/address.h"
#include "block/objects.h"
#include "block/remote_name.h"

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

/* ---- names of other servers, as options; NULL: refused ---- */

static const struct remote_case {
    const char *driver, *name, *options;
} remote_names[] = {
    {"ssh", "ssh://u%40h@host:7/a%20b/c", "server.host=host,server.port=7,path=/a b/c,user=u@h"},
    {"ssh", "ssh://[::1]/x?host_key_check=no", "server.host=::1,server.port=22,path=/x,host_key_check=no"},
    {"ssh", "ssh://host"}, {"ssh", "ssh:x"}, {"ssh", "ssh:///x"}, {"ssh", "ssh://host:99999/x"}, {"ssh", ""}, {"ssh", "ssh://h/%00"},
    {"iscsi", "iscsi://h:1/iqn.x:y/0", "transport=tcp,portal=h:1,target=iqn.x:y,lun=0"},
    {"iscsi", "iscsi://u%p@h/iqn.x/7", "transport=tcp,portal=h,target=iqn.x,lun=7,user=u,password=p"},
    {"iser", "iser://h/t/1", "transport=iser,portal=h,target=t,lun=1"},
    {"iscsi", "iscsi://h/t"}, {"iscsi", "iscsi://h/t/"}, {"iscsi", "iscsi:///t/0"}, {"iscsi", "iscsi:x"},
    {"gluster", "gluster://h/v/a/b", "volume=v,path=a/b,server.0.type=inet,server.0.host=h,server.0.port=24007"},
    {"gluster", "gluster+tcp://h:1/v/f", "volume=v,path=f,server.0.type=inet,server.0.host=h,server.0.port=1"},
    {"gluster", "gluster+unix:///v/f?socket=/run/s", "volume=v,path=f,server.0.type=unix,server.0.path=/run/s"},
    {"gluster", "gluster+unix:///v/f"}, {"gluster", "gluster://h/v"}, {"gluster", "gluster://h//f"},
    {"nvme", "nvme://0000:01:00.0/1", "device=0000:01:00.0,namespace=1"}, {"nvme", "nvme://0000:01:00.0"}, {"nvme", "nvme:///1"}, {"nvme", ""},
    {"rbd", "rbd:p/i", "pool=p,image=i"}, {"rbd", "rbd:p/n/i@s", "pool=p,namespace=n,image=i,snapshot=s"},
    {"rbd", "rbd:p/a\\:b\\@c@s\\:t:id=me:conf=/a\\:b", "pool=p,image=a:b@c,snapshot=s:t,user=me,conf=/a:b"},
    {"rbd", "rbd:p/i:id"}, {"rbd", "rbd:p/i:mon_host=h"}, {"rbd", "rbd:p"}, {"rbd", "rbd:/i"}, {"rbd", "rbd:"}, {"rbd", ""},
    {"nfs", "nfs://h/x"},
};

static char *told(const struct options *options)
{
    GString *text = g_string_new(NULL);
    for (unsigned i = 0; i < options_count(options); i++) {
        const char *key, *value;
        options_at(options, i, &key, &value);
        g_string_append_printf(text, "%s%s=%s", i ? "," : "", key, value);
    }
    return g_string_free(text, FALSE);
}

static void test_remote_names(void)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(remote_names); i++) {
        const struct remote_case *c = &remote_names[i];
        g_autoptr(options) options = options_new();
        g_autoptr(GError) error = NULL;
        int ret = remote_name_split(c->driver, c->name, options, &error);

        g_test_message("%s", c->name);
        g_assert_cmpint(ret, ==, c->options ? 0 : -EINVAL);
        g_assert_true((ret == 0) == (error == NULL));
        g_autofree char *text = told(options);
        if (c->options)
            g_assert_cmpstr(text, ==, c->options);
    }
}

static void test_what_ssh_names_is_no_option(void)
{
    g_autoptr(options) options = options_new();
    g_autoptr(GError) error = NULL;
    options_set(options, "server.host", "h");
    g_assert_cmpint(remote_name_split("ssh", "ssh://h/x", options, &error), ==, -EINVAL);
    g_assert_cmpstr(error->message, ==, "Option 'server.host' cannot be used with a file name");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/nbd/names", test_names);
    g_test_add_func("/nbd/long-export", test_long_export);
    g_test_add_func("/nbd/credentials", test_credentials);
    g_test_add_func("/nbd/remote-names", test_remote_names);
    g_test_add_func("/nbd/what-ssh-names-is-no-option", test_what_ssh_names_is_no_option);
    g_test_add_func("/nbd/object-twice", test_object_twice);
    return g_test_run();
}
