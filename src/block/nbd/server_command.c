/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/nbd/server_command.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "block/objects.h"
#include "block/options.h"

int nbd_server_not_started(GError **error, const char *what)
{
    int code = errno;

    g_set_error(error, OPTIONS_ERROR, code, "Could not start %s: %s: %s", NBD_SERVER_PROGRAM, what, g_strerror(code));
    return -code;
}

static int open_secret(const struct options *object, GError **error)
{
    const char *data = options_get(object, "data"), *file = options_get(object, "file");
    int fd = file ? open(file, O_RDONLY | O_CLOEXEC) : memfd_create("secret", MFD_CLOEXEC);

    if (fd >= 0 && !file && (write(fd, data, strlen(data)) != (ssize_t)strlen(data) || lseek(fd, 0, SEEK_SET) < 0)) {
        close(fd);
        fd = -1;
    }
    return fd < 0 ? nbd_server_not_started(error, file ? file : "secret") : fd;
}

static void add_property(GString *text, const struct options *object, const char *key)
{
    const char *value = options_get(object, key);

    if (value) /* checked when it was defined: no commas in these */
        g_string_append_printf(text, ",%s=%s", key, value);
}

/* A secret goes by descriptor: command lines can be read by everyone.  One that is encrypted with another comes after that. */
static int add_secret(struct nbd_server_command *command, const char *id, unsigned depth, GError **error)
{
    enum { DEPTH_MAX = 8 };
    const struct options *object = objects_find(id);
    const char *key = object ? options_get(object, "keyid") : NULL;
    g_autoptr(GString) text = g_string_new(NULL);
    int fd, ret = 0;

    if (!object || strcmp(options_get(object, "qom-type"), "secret") != 0) {
        g_set_error(error, OPTIONS_ERROR, ENOENT, "No secret with id '%s'", id);
        return -ENOENT;
    }
    if (g_hash_table_contains(command->given, id))
        return 0;
    if (key)
        ret = depth < DEPTH_MAX ? add_secret(command, key, depth + 1, error) : -ELOOP;
    if (ret == -ELOOP && !*error)
        g_set_error(error, OPTIONS_ERROR, ELOOP, "Secret '%s' is encrypted too many times over", id);
    if (ret < 0)
        return ret;
    fd = open_secret(object, error);
    if (fd < 0)
        return fd;
    g_hash_table_add(command->given, g_strdup(id));
    g_string_printf(text, "secret,id=%s,file=/proc/self/fd/%u", id, NBD_SERVER_FILES + command->files->len);
    g_array_append_val(command->files, fd);
    add_property(text, object, "format");
    add_property(text, object, "keyid");
    add_property(text, object, "iv");
    g_ptr_array_add(command->argv, g_strdup("--object"));
    g_ptr_array_add(command->argv, g_strdup(text->str));
    return 0;
}

/*
 * Folders of PATH that are not absolute are passed over: the current one may hold somebody else's files, and is where execvp(3) looks when
 * there is no PATH.
 */
static char *find_program(void)
{
    const char *path = g_getenv("PATH");
    g_auto(GStrv) folders = g_strsplit(path ? path : "/usr/local/bin:/usr/bin:/bin", ":", -1);

    for (char **folder = folders; *folder; folder++) {
        g_autofree char *program = g_build_filename(*folder, NBD_SERVER_PROGRAM, NULL);

        if (g_path_is_absolute(program) && g_file_test(program, G_FILE_TEST_IS_REGULAR) && g_file_test(program, G_FILE_TEST_IS_EXECUTABLE))
            return g_steal_pointer(&program);
    }
    return NULL;
}

/* What was looked at, whatever its name means by now. */
static int add_files(struct nbd_server_command *command, const struct nbd_server_how *how, GError **error)
{
    enum { DESCRIPTION_MAX = 4096 };

    for (unsigned i = 0; i < how->n_files; i++) {
        int copy = fcntl(how->files[i], F_DUPFD_CLOEXEC, 0);

        if (copy < 0)
            return nbd_server_not_started(error, how->names[i]);
        g_array_append_val(command->files, copy);
    }
    if (how->n_files && strlen(how->names[0]) <= DESCRIPTION_MAX)
        g_ptr_array_add(command->argv, g_strconcat("--description=", how->names[0], NULL));
    return 0;
}

int nbd_server_command_fill(struct nbd_server_command *command, const struct nbd_server_how *how, GError **error)
{
    g_autofree char *program = find_program();
    g_auto(GStrv) environment = g_get_environ();
    int ret = 0;

    if (!program) {
        g_set_error(error, OPTIONS_ERROR, ENOENT, "it is read through %s, which is not installed: install the package qemu-utils", NBD_SERVER_PROGRAM);
        return -ENOENT;
    }
    g_ptr_array_add(command->argv, g_steal_pointer(&program));
    if (!how->writable)
        g_ptr_array_add(command->argv, g_strdup("--read-only"));
    ret = add_files(command, how, error);
    for (const char *const *id = how->secrets; ret == 0 && id && *id; id++)
        ret = add_secret(command, *id, 0, error);
    g_ptr_array_add(command->argv, g_strdup("--persistent")); /* it serves the spare connections when the first is gone */
    g_ptr_array_add(command->argv, g_strdup("--allocation-depth"));
    g_ptr_array_add(command->argv, g_strdup("--discard=unmap"));
    if (how->format)
        g_ptr_array_add(command->argv, g_strconcat("--format=", how->format, NULL));
    g_ptr_array_add(command->argv, g_strdup("--"));
    g_ptr_array_add(command->argv, g_strdup(how->image));
    g_ptr_array_add(command->argv, NULL);
    for (char **variable = environment; *variable; variable++) {
        if (!g_str_has_prefix(*variable, "LISTEN_"))
            g_ptr_array_add(command->env, g_strdup(*variable));
    }
    g_ptr_array_add(command->env, g_strdup("LISTEN_FDS=1"));
    command->pid_digits = g_strdup_printf("LISTEN_PID=%*s", NBD_SERVER_PID_DIGITS, "");
    g_ptr_array_add(command->env, command->pid_digits);
    command->pid_digits += strlen("LISTEN_PID=");
    g_ptr_array_add(command->env, NULL);
    return ret;
}

static void close_one(void *fd)
{
    close(*(int *)fd);
}

void nbd_server_command_init(struct nbd_server_command *command)
{
    *command = (struct nbd_server_command){.argv = g_ptr_array_new_with_free_func(g_free), .env = g_ptr_array_new_with_free_func(g_free),
                                           .given = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                                           .files = g_array_new(FALSE, FALSE, sizeof(int))};
    g_array_set_clear_func(command->files, close_one);
}

void nbd_server_command_done(struct nbd_server_command *command)
{
    g_array_unref(command->files);
    g_hash_table_unref(command->given);
    g_ptr_array_unref(command->argv);
    g_ptr_array_unref(command->env);
}
