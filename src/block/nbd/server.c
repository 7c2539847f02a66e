/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/nbd/server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "block/node.h"
#include "block/nbd/private_socket.h"
#include "block/objects.h"
#include "block/options.h"
#include "io/child.h"
#include "io/sandbox.h"

#define PROGRAM "qemu-nbd"

enum {
    LISTEN_FD = NBD_SERVER_FILES - 1, /* where socket activation has the socket: sd_listen_fds(3) */
    SAID_MAX = 4096,
    PID_DIGITS = 20,
    SILENT_MS = 1000,  /* after its client left, until people are told that it is waited for, */
    PATIENCE_MS = 60000, /* and then until it is killed */
    OPENING_MS = 10000,  /* while it opens its image, until people are told, */
    OPENING_MAX_MS = 600000, /* and then until that is given up: a key may be made to take minutes, and so may a server */
    FATE_MS = 1000,      /* from its hanging up to its end */
};

struct nbd_server {
    pid_t pid;
    bool writable;
    struct private_socket socket; /* its listener is in the child alone */
    int life[2];           /* a pipe whose reading end it has, too: that we are there.  -1 once it is ready */
    int stderr_fd;
};

static GList *servers; /* struct nbd_server, those that run */

/* ---- what it is started with ---- */

struct start {
    GPtrArray *argv, *env; /* char *, owned, NULL-terminated */
    char *pid_digits;      /* in env: filled in by the child itself */
    GHashTable *given;     /* ids of secrets that are in argv */
    GArray *files;         /* int: descriptors from NBD_SERVER_FILES on in the child, those of secrets last */
    int listener, said, life; /* listener: the server's */
    bool writable;
};

static int fail(GError **error, const char *what)
{
    int code = errno;

    g_set_error(error, OPTIONS_ERROR, code, "Could not start %s: %s: %s", PROGRAM, what, g_strerror(code));
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
    return fd < 0 ? fail(error, file ? file : "secret") : fd;
}

static void add_property(GString *text, const struct options *object, const char *key)
{
    const char *value = options_get(object, key);

    if (value) /* checked when it was defined: no commas in these */
        g_string_append_printf(text, ",%s=%s", key, value);
}

/* A secret goes by descriptor: command lines can be read by everyone.  One that is encrypted with another comes after that. */
static int add_secret(struct start *start, const char *id, unsigned depth, GError **error)
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
    if (g_hash_table_contains(start->given, id))
        return 0;
    if (key)
        ret = depth < DEPTH_MAX ? add_secret(start, key, depth + 1, error) : -ELOOP;
    if (ret == -ELOOP && !*error)
        g_set_error(error, OPTIONS_ERROR, ELOOP, "Secret '%s' is encrypted too many times over", id);
    if (ret < 0)
        return ret;
    fd = open_secret(object, error);
    if (fd < 0)
        return fd;
    g_hash_table_add(start->given, g_strdup(id));
    g_string_printf(text, "secret,id=%s,file=/proc/self/fd/%u", id, NBD_SERVER_FILES + start->files->len);
    g_array_append_val(start->files, fd);
    add_property(text, object, "format");
    add_property(text, object, "keyid");
    add_property(text, object, "iv");
    g_ptr_array_add(start->argv, g_strdup("--object"));
    g_ptr_array_add(start->argv, g_strdup(text->str));
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
        g_autofree char *program = g_build_filename(*folder, PROGRAM, NULL);

        if (g_path_is_absolute(program) && g_file_test(program, G_FILE_TEST_IS_REGULAR) && g_file_test(program, G_FILE_TEST_IS_EXECUTABLE))
            return g_steal_pointer(&program);
    }
    return NULL;
}

static int add_files(struct start *start, const struct nbd_server_how *how, GError **error)
{
    for (unsigned i = 0; i < how->n_files; i++) {
        int copy = fcntl(how->files[i], F_DUPFD_CLOEXEC, 0);

        if (copy < 0)
            return fail(error, "files");
        g_array_append_val(start->files, copy);
    }
    return 0;
}

static int fill(struct start *start, const struct nbd_server_how *how, GError **error)
{
    g_autofree char *program = find_program();
    g_auto(GStrv) environment = g_get_environ();
    int ret = 0;

    if (!program) {
        g_set_error(error, OPTIONS_ERROR, ENOENT, "it is read through %s, which is not installed: install the package qemu-utils", PROGRAM);
        return -ENOENT;
    }
    g_ptr_array_add(start->argv, g_steal_pointer(&program));
    if (!how->writable)
        g_ptr_array_add(start->argv, g_strdup("--read-only"));
    ret = add_files(start, how, error);
    for (const char *const *id = how->secrets; ret == 0 && id && *id; id++)
        ret = add_secret(start, *id, 0, error);
    g_ptr_array_add(start->argv, g_strdup("--persistent")); /* it serves the spare connections when the first is gone */
    g_ptr_array_add(start->argv, g_strdup("--allocation-depth"));
    g_ptr_array_add(start->argv, g_strdup("--discard=unmap"));
    if (how->format)
        g_ptr_array_add(start->argv, g_strconcat("--format=", how->format, NULL));
    g_ptr_array_add(start->argv, g_strdup("--"));
    g_ptr_array_add(start->argv, g_strdup(how->image));
    g_ptr_array_add(start->argv, NULL);
    for (char **variable = environment; *variable; variable++) {
        if (!g_str_has_prefix(*variable, "LISTEN_"))
            g_ptr_array_add(start->env, g_strdup(*variable));
    }
    g_ptr_array_add(start->env, g_strdup("LISTEN_FDS=1"));
    start->pid_digits = g_strdup_printf("LISTEN_PID=%*s", PID_DIGITS, "");
    g_ptr_array_add(start->env, start->pid_digits);
    start->pid_digits += strlen("LISTEN_PID=");
    g_ptr_array_add(start->env, NULL);
    return ret;
}

/* ---- the process ---- */

/* Only what is safe between fork() and execve() where there are threads: signal-safety(7). */
static void write_pid(char *digits)
{
    pid_t pid = getpid();
    char text[PID_DIGITS];
    int n = 0;

    for (; pid > 0; pid /= 10)
        text[n++] = '0' + pid % 10;
    for (int i = 0; i < n; i++)
        digits[i] = text[n - 1 - i];
    digits[n] = '\0';
}

static int move_up(int fd, int first)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, first);
}

/* All are moved out of the way of each other first, then in place. */
static bool place_descriptors(const struct start *start)
{
    int *files = (int *)start->files->data; /* the child's own copy: fork(2) */
    int count = start->files->len, first = NBD_SERVER_FILES + count;
    int listener = move_up(start->listener, first), said = move_up(start->said, first), life = fcntl(start->life, F_DUPFD, first);
    int sink = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (listener < 0 || said < 0 || life < 0 || sink < 0)
        return false;
    sink = move_up(sink, first);
    for (int i = 0; i < count; i++) {
        files[i] = move_up(files[i], first);
        if (files[i] < 0)
            return false;
    }
    for (int i = 0; i < count; i++) {
        if (dup2(files[i], NBD_SERVER_FILES + i) < 0)
            return false;
    }
    return sink >= 0 && dup2(sink, 0) >= 0 && dup2(sink, 1) >= 0 && dup2(said, 2) >= 0 && dup2(listener, LISTEN_FD) >= 0;
}

/*
 * The kernel signals the owner of a descriptor when something happens to it (fcntl(2), O_ASYNC): here, when the only writing end of the pipe goes.
 * What is set belongs to the open pipe, which is ours as well: nbd_server_is_ready() takes it back.
 */
static bool die_with(int life)
{
    return fcntl(life, F_SETOWN, getpid()) == 0 && fcntl(life, F_SETSIG, SIGKILL) == 0 && fcntl(life, F_SETFL, O_ASYNC) == 0;
}

/* One that writes has bytes to write back; one that only reads may be in its client of another server, and hears no SIGTERM there. */
static int last_signal(bool writable)
{
    return writable ? SIGTERM : SIGKILL;
}

static G_NORETURN void become(const struct start *start, pid_t parent)
{
    static const char message[] = " could not be executed\n";
    const char *program = start->argv->pdata[0];
    sigset_t none;

    prctl(PR_SET_PDEATHSIG, last_signal(start->writable));
    if (!die_with(start->life) || getppid() != parent) /* it is gone already */
        _exit(1);
    setpgid(0, 0); /* the terminal's Ctrl-C is not for it */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    write_pid(start->pid_digits);
    if (place_descriptors(start))
        execve(program, (char **)start->argv->pdata, (char **)start->env->pdata);
    if (write(2, program, strlen(program)) < 0 || write(2, message, sizeof(message) - 1) < 0)
        _exit(126);
    _exit(127);
}

static int launch(struct nbd_server *server, struct start *start, GError **error)
{
    int ends[2];
    pid_t parent = getpid();

    if (pipe2(server->life, O_CLOEXEC) < 0 || pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return fail(error, "pipe");
    start->life = server->life[0];
    fcntl(ends[0], F_SETPIPE_SZ, 65536);
    server->stderr_fd = ends[0];
    start->said = ends[1];
    server->pid = fork();
    if (server->pid == 0)
        become(start, parent);
    close(ends[1]);
    return server->pid < 0 ? fail(error, "fork") : 0;
}

static void close_life(struct nbd_server *server)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(server->life); i++) {
        if (server->life[i] >= 0)
            close(server->life[i]);
        server->life[i] = -1;
    }
}

static void server_free(struct nbd_server *server)
{
    servers = g_list_remove(servers, server);
    private_socket_done(&server->socket);
    close_life(server);
    if (server->stderr_fd >= 0)
        close(server->stderr_fd);
    g_free(server);
}

static void close_one(void *fd)
{
    close(*(int *)fd);
}

static int listen_here(struct nbd_server *server, struct start *start, GError **error)
{
    const char *parent;
    int ret = private_socket_listen(&server->socket, &parent);

    start->listener = server->socket.listener;
    errno = -ret;
    return ret < 0 ? fail(error, parent) : 0;
}

static int check_sandbox(GError **error)
{
    if (!sandbox_forbids_programs())
        return 0;
    g_set_error_literal(error, OPTIONS_ERROR, EPERM, "it is read through " PROGRAM ", which can't be started any more (sandbox): " SANDBOX_ADVICE_OTHER);
    return -EPERM;
}

int nbd_server_start(const struct nbd_server_how *how, struct nbd_server **ret_server, GError **error)
{
    struct nbd_server *server = g_new0(struct nbd_server, 1);
    struct start start = {.argv = g_ptr_array_new_with_free_func(g_free), .env = g_ptr_array_new_with_free_func(g_free),
                          .given = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                          .files = g_array_new(FALSE, FALSE, sizeof(int)), .listener = -1, .said = -1, .writable = how->writable};
    int ret;

    g_array_set_clear_func(start.files, close_one);
    server->stderr_fd = server->life[0] = server->life[1] = -1;
    server->writable = how->writable;
    private_socket_init(&server->socket);
    ret = check_sandbox(error);
    if (ret == 0)
        ret = fill(&start, how, error);
    if (ret == 0)
        ret = listen_here(server, &start, error);
    if (ret == 0)
        ret = launch(server, &start, error);
    private_socket_close_listener(&server->socket);
    g_array_unref(start.files);
    g_hash_table_unref(start.given);
    g_ptr_array_unref(start.argv);
    g_ptr_array_unref(start.env);
    if (ret < 0) {
        server_free(server);
        return ret;
    }
    servers = g_list_prepend(servers, server);
    *ret_server = server;
    return 0;
}

const char *nbd_server_socket(const struct nbd_server *server)
{
    return server->socket.name;
}

/* It greets its client when the image is open, not before. */
int nbd_server_await_co(const struct nbd_server *server, struct node *node, GError **error)
{
    int ret = child_await_word_co(server->pid, server->socket.clients[0], OPENING_MS);
    if (ret == -ETIMEDOUT) {
        node_warn(node, PROGRAM ", process %d, is still opening the image: waiting for it", server->pid);
        ret = child_await_word_co(server->pid, server->socket.clients[0], OPENING_MAX_MS);
    }
    if (ret == -ETIMEDOUT || ret == -ECANCELED) {
        g_set_error(error, OPTIONS_ERROR, -ret, ret == -ECANCELED ? "cancelled while " PROGRAM ", process %d, opened it"
                    : PROGRAM ", process %d, did not open it within ten minutes", server->pid);
        return ret;
    }
    return 0;
}

/* In words; NULL: it has not ended. */
static char *fate_of(const struct nbd_server *server)
{
    siginfo_t info = {0};

    if (waitid(P_PID, server->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || !info.si_pid)
        return NULL;
    return g_strdup_printf(info.si_code == CLD_EXITED ? "with status %d" : "by signal %d", info.si_status);
}

char *nbd_server_fate_co(const struct nbd_server *server)
{
    return child_await_co(server->pid, FATE_MS, false) < 0 ? NULL : fate_of(server);
}

void nbd_server_is_ready(struct nbd_server *server)
{
    fcntl(server->life[0], F_SETFL, 0);
    close_life(server);
}

int nbd_server_process(const struct nbd_server *server)
{
    return server->pid;
}

void nbd_server_go_on(const struct nbd_server *server)
{
    kill(server->pid, SIGCONT);
}

static struct nbd_server *find(const char *socket)
{
    for (GList *l = servers; l; l = l->next) {
        struct nbd_server *server = l->data;

        if (strcmp(server->socket.name, socket) == 0)
            return server;
    }
    return NULL;
}

int nbd_server_claim(const char *socket, char **ret_name)
{
    struct nbd_server *server = find(socket);
    int client = server ? private_socket_claim(&server->socket) : -1;

    if (client >= 0)
        *ret_name = g_strdup_printf(PROGRAM ", process %d", server->pid);
    return client;
}

char *nbd_server_why_unreachable_co(const char *socket, bool failed)
{
    const struct nbd_server *server = find(socket);
    g_autofree char *fate = !server ? NULL : failed ? nbd_server_fate_co(server) : fate_of(server);

    if (fate)
        return g_strdup_printf(PROGRAM ", process %d, which reads the image, ended %s", server->pid, fate);
    if (!server || !private_socket_has_spare(&server->socket))
        return g_strdup(PROGRAM ", which reads the image, was lost too often");
    return NULL;
}

char *nbd_server_said(struct nbd_server *server)
{
    char text[SAID_MAX + 1];
    ssize_t n = read(server->stderr_fd, text, SAID_MAX);
    const char *start = text;

    if (n <= 0)
        return NULL;
    text[n] = '\0';
    if (g_str_has_prefix(start, PROGRAM ": "))
        start += strlen(PROGRAM ": ");
    return g_strchomp(g_strdup(start));
}

/* ---- its end ---- */

/* One that has something to write back. */
static void await_writer_co(struct nbd_server *server, struct node *node)
{
    if (child_await_co(server->pid, SILENT_MS, false) == 0)
        return;
    node_warn(node, PROGRAM ", process %d, has not ended yet: waiting for it to close the image", server->pid);
    if (child_await_co(server->pid, PATIENCE_MS, true) < 0)
        node_warn(node, PROGRAM ", process %d, is killed: it did not close the image; what was flushed before is in there", server->pid);
}

static int collect(void *data)
{
    while (waitpid(*(pid_t *)data, NULL, 0) < 0 && errno == EINTR)
        ;
    return 0;
}

void nbd_server_stop_co(struct nbd_server *server, struct node *node)
{
    bool writes = server->writable && server->life[0] < 0; /* it is ready */

    private_socket_done(&server->socket);
    if (writes) {
        kill(server->pid, SIGTERM);
        nbd_server_go_on(server);
        await_writer_co(server, node);
    }
    kill(server->pid, SIGKILL);
    aio_call_co(node->aio, collect, &server->pid, false);
    server_free(server);
}
