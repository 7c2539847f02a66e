/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a process in the sandbox tries, one by one, and a folder to try it in; for a test that looks what comes of it. */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "io/co-stack.h"
#include "io/sandbox.h"

/* ---- a folder with an image, another with state ---- */

enum { IMAGE_FD = 200 };
static char *folder, *image, *fresh, *state, *outside;

static void make_folder(void)
{
    folder = g_dir_make_tmp("blkscope-sandbox-XXXXXX", NULL);
    g_assert_nonnull(folder);
    image = g_build_filename(folder, "disk.img", NULL);
    fresh = g_build_filename(folder, "fresh", NULL);
    state = g_build_filename(folder, "state", NULL);
    outside = g_build_filename(folder, "state-not", NULL);
    g_assert_true(g_file_set_contents(image, "image", 5, NULL));
    g_assert_cmpint(g_mkdir(state, 0700), ==, 0);
    g_assert_cmpint(g_mkdir(outside, 0700), ==, 0);
    int fd = open(image, O_RDONLY | O_CLOEXEC);
    g_assert_cmpint(dup3(fd, IMAGE_FD, O_CLOEXEC), ==, IMAGE_FD);
    close(fd);
}

static void remove_folder(void)
{
    g_autoptr(GDir) kept = g_dir_open(state, 0, NULL);
    for (const char *name; (name = g_dir_read_name(kept));) {
        g_autofree char *path = g_build_filename(state, name, NULL);
        g_unlink(path);
    }
    g_unlink(image);
    g_unlink(fresh);
    g_rmdir(state);
    g_rmdir(outside);
    g_assert_cmpint(g_rmdir(folder), ==, 0);
}

/* ---- a process that tries ---- */

enum kind { READING, READING_WITH_STATE, WRITING, SERVED };
static int port; /* SERVED: the one that may be connected to */

static void close_as(enum kind kind)
{
    const char *const folders[] = {kind == READING_WITH_STATE ? state : NULL, NULL};
    pid_t helpers[] = {getppid(), 0};
    struct sandbox_how how = {
        .writable = kind == WRITING, .folders = folders, .network = kind == SERVED, .tcp_port = port, .helpers = kind == SERVED ? helpers : NULL};
    sandbox_close(&how);
}

static int ended(pid_t child)
{
    int status;
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* 0, or the errno of what was tried. */
static int in_sandbox(enum kind kind, int (*try)(void))
{
    pid_t child = fork();
    if (child == 0) {
        close_as(kind);
        errno = 0;
        _exit(try() < 0 ? errno : 0);
    }
    g_assert_cmpint(child, >, 0);
    return ended(child);
}

static int parts(void)
{
    pid_t child = fork();
    if (child == 0) {
        close_as(READING);
        _exit((int)sandbox_state()->parts);
    }
    return ended(child);
}

static bool lacks(unsigned wanted)
{
    unsigned have = (unsigned)parts();
    if ((have & wanted) == wanted)
        return false;
    g_test_skip(have & SANDBOX_FILES ? "no seccomp filters here" : "no Landlock here");
    return true;
}

/* ---- what is tried ---- */

#define TRY(name, call)                                                                                                                   \
    static int name(void)                                                                                                                 \
    {                                                                                                                                     \
        return (int)(call);                                                                                                               \
    }

/* files */
TRY(open_to_write, open(image, O_WRONLY))
TRY(open_to_update, open(image, O_RDWR))
TRY(open_to_cut_off, open(image, O_RDONLY | O_TRUNC))
TRY(open_to_append, open(image, O_WRONLY | O_APPEND))
TRY(open_new, open(fresh, O_WRONLY | O_CREAT | O_EXCL, 0600))
TRY(open_new_to_read, open(fresh, O_RDONLY | O_CREAT, 0600))
TRY(open_nameless, open(folder, O_TMPFILE | O_RDWR, 0600))
TRY(open_descriptor_again, open("/proc/self/fd/200", O_RDWR))
TRY(cut_off, truncate(image, 1))
TRY(remove_file, unlink(image))
TRY(remove_folder_, rmdir(outside))
TRY(rename_file, rename(image, fresh))
TRY(exchange_files, syscall(SYS_renameat2, AT_FDCWD, image, AT_FDCWD, state, 1 << 1))
TRY(link_file, link(image, fresh))
TRY(make_symbolic_link, symlink(image, fresh))
TRY(make_folder_, mkdir(fresh, 0700))
TRY(make_pipe, mkfifo(fresh, 0600))
TRY(make_device, mknod(fresh, S_IFBLK | 0600, 0))
TRY(change_mode, chmod(image, 0600))
TRY(change_owner, chown(image, 0, 0))
TRY(change_times, utimensat(AT_FDCWD, image, NULL, 0))
TRY(set_attribute, setxattr(image, "user.a", "b", 1, 0))
TRY(remove_attribute, removexattr(image, "user.a"))
TRY(change_flags, ioctl(open(image, O_RDONLY), FS_IOC_SETFLAGS, &(int){FS_NODUMP_FL}))
TRY(open_handle, syscall(SYS_open_by_handle_at, AT_FDCWD, NULL, O_RDWR))
TRY(watch_everything, syscall(SYS_fanotify_init, 0, 0))

static int open_new_way(void)
{
    struct {
        uint64_t flags, mode, resolve;
    } how = {.flags = O_RDWR};
    return (int)syscall(437, AT_FDCWD, image, &how, sizeof(how)); /* openat2 */
}

/* programs and processes */
static char word[] = "true", *const no_words[] = {word, NULL};
TRY(execute, execv("/bin/true", no_words))
TRY(execute_at, syscall(SYS_execveat, AT_FDCWD, "/bin/true", no_words, NULL, 0))
TRY(make_memory_file, memfd_create("code", 0))
TRY(trace_parent, ptrace(PTRACE_ATTACH, getppid(), NULL, NULL))
TRY(be_traced, ptrace(PTRACE_TRACEME, 0, NULL, NULL))
TRY(kill_parent, kill(getppid(), 0))
TRY(kill_all, kill(-1, 0))
TRY(kill_thread_of_parent, syscall(SYS_tgkill, getppid(), getppid(), 0))
TRY(set_limits, setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}))
TRY(change_user, setresuid(1, 1, 1))
TRY(change_group, setresgid(1, 1, 1))
TRY(change_session, setsid())
TRY(change_capabilities, syscall(SYS_capset, NULL, NULL))
TRY(change_personality, syscall(SYS_personality, 0xffffffff))
TRY(leave_namespaces, unshare(CLONE_NEWUSER))
TRY(enter_namespace, setns(0, 0))
TRY(add_filter, prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))

static int start_process(void)
{
    long child = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (child == 0)
        _exit(0);
    return (int)child;
}

static int start_process_new_way(void)
{
    uint64_t args[8] = {[4] = SIGCHLD};
    long child = syscall(435, args, sizeof(args)); /* clone3 */
    if (child == 0)
        _exit(0);
    return (int)child;
}

static int read_parent(void)
{
    char byte;
    struct iovec here = {&byte, 1}, there = {image, 1};
    return (int)process_vm_readv(getppid(), &here, 1, &there, 1, 0);
}

static int write_parent(void)
{
    char byte = 'x';
    struct iovec here = {&byte, 1}, there = {image, 1};
    return (int)process_vm_writev(getppid(), &here, 1, &there, 1, 0);
}

static int signal_by_descriptor(void)
{
    int process = (int)syscall(SYS_pidfd_open, getppid(), 0);
    return process < 0 ? 0 : (int)syscall(SYS_pidfd_send_signal, process, 0, NULL, 0);
}

static int steal_descriptor(void)
{
    int process = (int)syscall(SYS_pidfd_open, getppid(), 0);
    return process < 0 ? 0 : (int)syscall(438, process, 0, 0); /* pidfd_getfd */
}

/* code */
static int map_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
}

static int make_code(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

/* connections */
TRY(make_socket, socket(AF_INET, SOCK_STREAM, 0))
TRY(make_datagram_socket, socket(AF_INET6, SOCK_DGRAM, 0))
TRY(make_local_socket, socket(AF_UNIX, SOCK_STREAM, 0))
TRY(make_packet_socket, socket(AF_PACKET, SOCK_RAW, 0))
TRY(make_socket_pair, socketpair(AF_UNIX, SOCK_STREAM, 0, (int[2]){0}))
TRY(connect_somewhere, connect(0, NULL, 0))
TRY(make_message_queue, syscall(SYS_mq_open, "/q", O_RDWR | O_CREAT, 0600, NULL))
TRY(make_shared_memory, syscall(SYS_shmget, 0, 4096, 0600))

/* the terminal, the kernel */
TRY(type_into_terminal, ioctl(0, TIOCSTI, "x"))
TRY(own_signals, fcntl(0, F_SETOWN, getppid()))
TRY(watch_folder, fcntl(0, F_NOTIFY, 0))
TRY(set_up_ring, syscall(SYS_io_uring_setup, 1, (char[256]){0}))
TRY(register_with_ring, syscall(SYS_io_uring_register, 0, 0, NULL, 0))
TRY(load_program, syscall(SYS_bpf, 0, NULL, 0))
TRY(count_events, syscall(SYS_perf_event_open, NULL, 0, 0, 0, 0))
TRY(handle_faults, syscall(SYS_userfaultfd, 0))
TRY(use_keys, syscall(SYS_keyctl, 0, 0, 0, 0, 0))
TRY(mount_something, mount("none", folder, "tmpfs", 0, NULL))
TRY(unmount_something, umount(folder))
TRY(change_root, chroot(folder))
TRY(turn_root, syscall(SYS_pivot_root, folder, folder))
TRY(load_module, syscall(SYS_init_module, NULL, 0, ""))
TRY(restart_machine, syscall(SYS_reboot, 0, 0, 0, NULL))
TRY(swap_to_file, syscall(SYS_swapon, image, 0))
TRY(set_clock, settimeofday(&(struct timeval){0}, NULL))
TRY(set_name, sethostname("x", 1))

static const struct attempt {
    const char *name;
    int (*try)(void);
    int error; /* 0: EPERM of the filter, or EACCES of Landlock */
} attempts[] = {
#define DENIED(name) {#name, name, 0}
    DENIED(open_to_write), DENIED(open_to_update), DENIED(open_to_cut_off), DENIED(open_to_append), DENIED(open_new), DENIED(open_new_to_read),
    DENIED(open_nameless), DENIED(open_descriptor_again), DENIED(cut_off), DENIED(remove_file), DENIED(remove_folder_), DENIED(rename_file),
    DENIED(exchange_files), DENIED(link_file), DENIED(make_symbolic_link), DENIED(make_folder_), DENIED(make_pipe), DENIED(make_device),
    DENIED(change_mode), DENIED(change_owner), DENIED(change_times), DENIED(set_attribute), DENIED(remove_attribute), DENIED(change_flags),
    DENIED(open_handle),
    DENIED(watch_everything), {"open_new_way", open_new_way, ENOSYS},
    DENIED(execute), DENIED(execute_at), DENIED(make_memory_file), DENIED(trace_parent), DENIED(be_traced), DENIED(kill_parent), DENIED(kill_all),
    DENIED(kill_thread_of_parent), DENIED(set_limits), DENIED(change_user), DENIED(change_group), DENIED(change_session), DENIED(change_capabilities),
    DENIED(change_personality), DENIED(leave_namespaces), DENIED(enter_namespace), DENIED(add_filter), DENIED(start_process),
    {"start_process_new_way", start_process_new_way, ENOSYS}, DENIED(read_parent), DENIED(write_parent), DENIED(signal_by_descriptor),
    DENIED(steal_descriptor), DENIED(map_code), DENIED(make_code),
    DENIED(make_socket), DENIED(make_datagram_socket), DENIED(make_local_socket), DENIED(make_packet_socket), DENIED(make_socket_pair),
    DENIED(connect_somewhere), DENIED(make_message_queue), DENIED(make_shared_memory),
    DENIED(type_into_terminal), DENIED(own_signals), DENIED(watch_folder), DENIED(set_up_ring), DENIED(register_with_ring), DENIED(load_program),
    DENIED(count_events), DENIED(handle_faults), DENIED(use_keys), DENIED(mount_something), DENIED(unmount_something), DENIED(change_root),
    DENIED(turn_root), DENIED(load_module), DENIED(restart_machine), DENIED(swap_to_file), DENIED(set_clock), DENIED(set_name),
};

/* ---- a server on loopback, and connecting to the port of it that tried_port is ---- */

static int tried_port;

static int connect_to_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)tried_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return fd < 0 ? -1 : connect(fd, (struct sockaddr *)&at, sizeof(at));
}

static int listen_somewhere(int *ret_port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(bind(fd, (struct sockaddr *)&at, sizeof(at)), ==, 0);
    g_assert_cmpint(listen(fd, SOMAXCONN), ==, 0); /* nobody accepts: where the queue is full, the next would wait for minutes */
    getsockname(fd, (struct sockaddr *)&at, &len);
    *ret_port = ntohs(at.sin_port);
    return fd;
}

/* In a build with a sanitizer the leak checker has some of them. */
static bool left_to_sanitizer(const struct attempt *attempt)
{
    static int (*const left[])(void) = {start_process, read_parent, kill_parent, kill_all, trace_parent, be_traced, set_limits, add_filter};
    for (unsigned i = 0; (CO_ASAN || CO_TSAN) && i < G_N_ELEMENTS(left); i++) {
        if (left[i] == attempt->try)
            return true;
    }
    return false;
}
