/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "block/nbd/server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "block/nbd/private_socket.h"
#include "block/nbd/server_command.h"
#include "block/node.h"
#include "block/options.h"
#include "io/child.h"
#include "io/sandbox.h"

enum {
    SAID_MAX = 4096,
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
    int first_own; /* descriptor */
};

static GList *servers; /* struct nbd_server, those that run */

/* Until it runs. */
struct start {
    struct nbd_server_command command;
    int listener, said, life; /* listener: the server's */
    bool writable;
};

/* ---- the process ---- */

/* Only what is safe between fork() and execve() where there are threads: signal-safety(7). */
static void write_pid(char *digits)
{
    pid_t pid = getpid();
    char text[NBD_SERVER_PID_DIGITS];
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
    int *files = (int *)start->command.files->data; /* the child's own copy: fork(2) */
    int count = start->command.files->len, first = NBD_SERVER_FILES + count;
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
    return sink >= 0 && dup2(sink, 0) >= 0 && dup2(sink, 1) >= 0 && dup2(said, 2) >= 0 && dup2(listener, NBD_SERVER_LISTEN_FD) >= 0;
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
    const char *program = start->command.argv->pdata[0];
    sigset_t none;

    prctl(PR_SET_PDEATHSIG, last_signal(start->writable));
    if (!die_with(start->life) || getppid() != parent) /* it is gone already */
        _exit(1);
    setpgid(0, 0); /* the terminal's Ctrl-C is not for it */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    write_pid(start->command.pid_digits);
    if (place_descriptors(start))
        execve(program, (char **)start->command.argv->pdata, (char **)start->command.env->pdata);
    if (write(2, program, strlen(program)) < 0 || write(2, message, sizeof(message) - 1) < 0)
        _exit(126);
    _exit(127);
}

static int launch(struct nbd_server *server, struct start *start, GError **error)
{
    int ends[2];
    pid_t parent = getpid();

    if (pipe2(server->life, O_CLOEXEC) < 0 || pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
        return nbd_server_not_started(error, "pipe");
    start->life = server->life[0];
    fcntl(ends[0], F_SETPIPE_SZ, 65536);
    server->stderr_fd = ends[0];
    server->first_own = NBD_SERVER_FILES + (int)start->command.files->len;
    start->said = ends[1];
    server->pid = fork();
    if (server->pid == 0)
        become(start, parent);
    close(ends[1]);
    return server->pid < 0 ? nbd_server_not_started(error, "fork") : 0;
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

static int listen_here(struct nbd_server *server, struct start *start, GError **error)
{
    const char *parent;
    int ret = private_socket_listen(&server->socket, &parent);

    start->listener = server->socket.listener;
    errno = -ret;
    return ret < 0 ? nbd_server_not_started(error, parent) : 0;
}

static int check_sandbox(GError **error)
{
    if (!sandbox_forbids_programs())
        return 0;
    g_set_error_literal(error, OPTIONS_ERROR, EPERM, "it is read through " NBD_SERVER_PROGRAM ", which can't be started any more (sandbox): " SANDBOX_ADVICE_OTHER);
    return -EPERM;
}

int nbd_server_start(const struct nbd_server_how *how, struct nbd_server **ret_server, GError **error)
{
    struct nbd_server *server = g_new0(struct nbd_server, 1);
    struct start start = {.listener = -1, .said = -1, .writable = how->writable};
    int ret;

    nbd_server_command_init(&start.command);
    server->stderr_fd = server->life[0] = server->life[1] = -1;
    server->writable = how->writable;
    private_socket_init(&server->socket);
    ret = check_sandbox(error);
    if (ret == 0)
        ret = nbd_server_command_fill(&start.command, how, error);
    if (ret == 0)
        ret = listen_here(server, &start, error);
    if (ret == 0)
        ret = launch(server, &start, error);
    private_socket_close_listener(&server->socket);
    nbd_server_command_done(&start.command);
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
        node_warn(node, NBD_SERVER_PROGRAM ", process %d, is still opening the image: waiting for it", server->pid);
        ret = child_await_word_co(server->pid, server->socket.clients[0], OPENING_MAX_MS);
    }
    if (ret == -ETIMEDOUT || ret == -ECANCELED) {
        g_set_error(error, OPTIONS_ERROR, -ret, ret == -ECANCELED ? "cancelled while " NBD_SERVER_PROGRAM ", process %d, opened it"
                    : NBD_SERVER_PROGRAM ", process %d, did not open it within ten minutes", server->pid);
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

int nbd_server_first_own(const struct nbd_server *server)
{
    return server->first_own;
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
        *ret_name = g_strdup_printf(NBD_SERVER_PROGRAM ", process %d", server->pid);
    return client;
}

char *nbd_server_why_unreachable_co(const char *socket, bool failed)
{
    const struct nbd_server *server = find(socket);
    g_autofree char *fate = !server ? NULL : failed ? nbd_server_fate_co(server) : fate_of(server);

    if (fate)
        return g_strdup_printf(NBD_SERVER_PROGRAM ", process %d, which reads the image, ended %s", server->pid, fate);
    if (!server || !private_socket_has_spare(&server->socket))
        return g_strdup(NBD_SERVER_PROGRAM ", which reads the image, was lost too often");
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
    if (g_str_has_prefix(start, NBD_SERVER_PROGRAM ": "))
        start += strlen(NBD_SERVER_PROGRAM ": ");
    return g_strchomp(g_strdup(start));
}

/* ---- its end ---- */

/* One that has something to write back. */
static void await_writer_co(struct nbd_server *server, struct node *node)
{
    if (child_await_co(server->pid, SILENT_MS, false) == 0)
        return;
    node_warn(node, NBD_SERVER_PROGRAM ", process %d, has not ended yet: waiting for it to close the image", server->pid);
    if (child_await_co(server->pid, PATIENCE_MS, true) < 0)
        node_warn(node, NBD_SERVER_PROGRAM ", process %d, is killed: it did not close the image; what was flushed before is in there", server->pid);
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
