/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the sandbox denies, one by one, and what it must leave: each in a process of its own that closes it and tries. */
#include <linux/audit.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/eventfd.h>

#include "io/aio.h"
#include "io/co.h"
#include "io/seccomp.h"
#include "sandbox-attempts.h"

/* By the filter, or by Landlock: in a build for coverage files are opened for writing, so that the filter leaves it to that. */
static void assert_refused(int error)
{
    if (error != EPERM)
        g_assert_cmpint(error, ==, EACCES);
}

static void test_denied(const void *data)
{
    const struct attempt *attempt = data;
    if (lacks(SANDBOX_ALL))
        return;
    if (left_to_sanitizer(attempt)) {
        g_test_skip("the sanitizer needs it");
        return;
    }
    int error = in_sandbox(READING, attempt->try);
    if (attempt->error)
        g_assert_cmpint(error, ==, attempt->error);
    else
        assert_refused(error);
    g_autofree char *text = NULL;
    g_assert_true(g_file_get_contents(image, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "image");
    g_assert_false(g_file_test(fresh, G_FILE_TEST_EXISTS));
}

/* ---- what is left ---- */

static void *nothing(void *data)
{
    return data;
}

static int live(void)
{
    char byte;
    pthread_t thread;
    int ends[2], fd = open(image, O_RDONLY | O_CLOEXEC), event = eventfd(0, EFD_CLOEXEC);
    struct stat st;
    struct pollfd wait = {.fd = event, .events = POLLIN};
    struct itimerval soon = {.it_value = {.tv_sec = 1000}};
    bool good = fd >= 0 && read(fd, &byte, 1) == 1 && fstat(fd, &st) == 0 && stat(image, &st) == 0 && access(image, R_OK) == 0;
    good = good && pipe2(ends, O_CLOEXEC) == 0 && write(ends[1], "x", 1) == 1 && poll(&wait, 1, 0) == 0 && setitimer(ITIMER_REAL, &soon, NULL) == 0;
    good = good && pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0;
    good = good && kill(getpid(), 0) == 0 && kill(0, 0) == 0 && raise(0) == 0 && signal(SIGUSR1, SIG_IGN) != SIG_ERR && raise(SIGUSR1) == 0;
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    g_autofree char *locks = NULL;
    good = good && dir && g_dir_read_name(dir) && g_file_get_contents("/proc/locks", &locks, NULL, NULL);
    void *memory = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    good = good && memory != MAP_FAILED && mprotect(memory, 4096, PROT_READ) == 0 && munmap(memory, 1 << 20) == 0;
    return good ? 0 : -1;
}

static void test_left(void)
{
    for (enum kind kind = READING; kind <= SERVED; kind++)
        g_assert_cmpint(in_sandbox(kind, live), ==, 0);
}

static int writable_descriptor = -1;

static int use_descriptor(void)
{
    return ftruncate(writable_descriptor, 100) < 0 || pwrite(writable_descriptor, "x", 1, 50) != 1 || fdatasync(writable_descriptor) < 0 ? -1 : 0;
}

/* A temporary layer, a server's socket, standard output: what is open stays of use. */
static void test_open_descriptors_stay(void)
{
    writable_descriptor = open(fresh, O_RDWR | O_CREAT, 0600);
    g_assert_cmpint(in_sandbox(READING, use_descriptor), ==, 0);
    close(writable_descriptor);
    g_unlink(fresh);
}

/* ---- folders of state ---- */

static int keep_state(void)
{
    g_autofree char *path = g_build_filename(state, "history", NULL);
    g_autofree char *below = g_build_filename(state, "below", NULL);
    return g_file_set_contents_full(path, "1", 1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL) &&
                   g_file_set_contents_full(path, "22", 2, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL) && mkdir(below, 0700) == 0 &&
                   open(image, O_RDWR) < 0 && open("/dev/null", O_RDWR) >= 0
               ? 0
               : -1;
}

static int write_beside(void)
{
    g_autofree char *path = g_build_filename(outside, "history", NULL);
    return open(path, O_WRONLY | O_CREAT, 0600);
}

static int move_out(void)
{
    g_autofree char *from = g_build_filename(state, "history", NULL);
    g_autofree char *to = g_build_filename(outside, "history", NULL);
    close(open(from, O_WRONLY | O_CREAT, 0600));
    return rename(from, to);
}

static int climb_out(void)
{
    g_autofree char *path = g_build_filename(state, "..", "disk.img", NULL);
    return open(path, O_WRONLY);
}

static void test_state(void)
{
    if (lacks(SANDBOX_ALL))
        return;
    g_assert_cmpint(in_sandbox(READING_WITH_STATE, keep_state), ==, 0);
    g_autofree char *below = g_build_filename(state, "below", NULL);
    g_assert_cmpint(g_rmdir(below), ==, 0);
    g_assert_cmpint(in_sandbox(READING_WITH_STATE, write_beside), ==, EACCES);
    g_assert_cmpint(in_sandbox(READING_WITH_STATE, move_out), !=, 0);
    g_assert_cmpint(in_sandbox(READING_WITH_STATE, climb_out), ==, EACCES);
    for (unsigned i = 0; i < G_N_ELEMENTS(attempts); i++) {
        if (left_to_sanitizer(&attempts[i]))
            continue;
        int error = in_sandbox(READING_WITH_STATE, attempts[i].try);
        g_test_message("%s: %s", attempts[i].name, g_strerror(error));
        g_assert_true(error == EPERM || error == EACCES || error == (attempts[i].error ?: EPERM) || (error == EXDEV && attempts[i].try == exchange_files));
    }
}

/* ---- sessions that write, and those that are served ---- */

static int write_image(void)
{
    int fd = open(image, O_RDWR);
    return fd >= 0 && pwrite(fd, "image", 5, 0) == 5 && rename(image, fresh) == 0 && rename(fresh, image) == 0 && execute() < 0 && start_process() < 0 &&
                   make_socket() < 0 && make_pipe() < 0 && make_device() < 0 && make_symbolic_link() < 0 && set_up_ring() < 0 && make_code() < 0
               ? 0
               : -1;
}

static void test_writing(void)
{
    if (lacks(SANDBOX_ALL))
        return;
    if (CO_ASAN || CO_TSAN)
        g_test_skip("the sanitizer may start processes");
    else
        g_assert_cmpint(in_sandbox(WRITING, write_image), ==, 0);
}

static int listen_on_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)tried_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return fd < 0 ? -1 : bind(fd, (struct sockaddr *)&at, sizeof(at));
}

static int signal_helper(void)
{
    return kill(getppid(), 0);
}

static int connect_elsewhere(void)
{
    errno = EACCES;
    return sandbox_state()->landlock_abi >= 4 ? connect_to_port() : -1;
}

static void test_served(void)
{
    int other, first = listen_somewhere(&port), second = listen_somewhere(&other);
    if (!lacks(SANDBOX_ALL)) {
        tried_port = port;
        g_assert_cmpint(in_sandbox(SERVED, connect_to_port), ==, 0);
        g_assert_cmpint(in_sandbox(SERVED, signal_helper), ==, 0);
        g_assert_cmpint(in_sandbox(SERVED, make_packet_socket), ==, EPERM);
        g_assert_cmpint(in_sandbox(SERVED, listen_on_port), !=, 0);
        g_assert_cmpint(in_sandbox(SERVED, open_to_write), !=, 0);
        g_assert_cmpint(in_sandbox(SERVED, execute), !=, 0);
        tried_port = other;
        g_assert_cmpint(in_sandbox(SERVED, connect_elsewhere), ==, EACCES);
    }
    close(first);
    close(second);
}

/* ---- threads ---- */

static int go[2];

static void *wait_and_try(void *data)
{
    char byte;
    ssize_t n = read(go[0], &byte, 1);
    return GINT_TO_POINTER(n == 1 && make_socket() < 0 && errno == EPERM);
}

/* Of the filter; Landlock is for threads that start later. */
static void test_older_thread(void)
{
    if (lacks(SANDBOX_CALLS))
        return;
    pid_t child = fork();
    if (child == 0) {
        pthread_t thread;
        void *denied = NULL;
        if (pipe(go) < 0 || pthread_create(&thread, NULL, wait_and_try, NULL))
            _exit(2);
        close_as(READING);
        _exit(write(go[1], "x", 1) == 1 && pthread_join(thread, &denied) == 0 && denied ? 0 : 1);
    }
    g_assert_cmpint(ended(child), ==, 0);
}

struct pool_call {
    pid_t thread;
    int error;
};

static int open_on_pool(void *data)
{
    struct pool_call *call = data;
    int fd = open(image, O_RDWR);
    call->error = fd < 0 ? errno : 0;
    call->thread = gettid();
    if (fd >= 0)
        close(fd);
    return 0;
}

static bool older_threads_are_gone;

static void use_pool(void *data)
{
    struct aio *aio = data;
    struct pool_call before = {0}, after = {0};
    aio_call_co(aio, open_on_pool, &before, false);
    aio_retire(aio, true);
    g_autofree char *task = g_strdup_printf("/proc/self/task/%d", before.thread);
    /* Joined is a thread that runs no more; its entry goes a little later. */
    for (int64_t end = g_get_monotonic_time() + 10 * G_USEC_PER_SEC; access(task, F_OK) == 0 && g_get_monotonic_time() < end;)
        g_thread_yield();
    bool gone = access(task, F_OK) < 0;
    close_as(READING_WITH_STATE);
    aio_call_co(aio, open_on_pool, &after, false);
    older_threads_are_gone = before.error == 0 && gone && after.error == EACCES;
}

/* With state there is no filter for files: what stops the pool is that its threads were started behind Landlock. */
static void test_pool(void)
{
    if (lacks(SANDBOX_ALL))
        return;
    pid_t child = fork();
    if (child == 0) {
        co_init();
        struct aio *aio = aio_new(NULL, NULL);
        co_start(use_pool, aio);
        while (co_live())
            g_main_context_iteration(NULL, TRUE);
        aio_free(aio);
        _exit(older_threads_are_gone ? 0 : 1);
    }
    g_assert_cmpint(ended(child), ==, 0);
}

/* ---- the ring ---- */

static bool ring_works;

static void use_ring(void *data)
{
    struct aio *aio = data;
    char byte = 0;
    struct iovec iov = {&byte, 1};
    int fd = open(image, O_RDONLY | O_DIRECT);
    bool works = fd < 0 || aio_preadv_co(aio, fd, &iov, 1, 0, AIO_DIRECT) != -EPERM;
    close(fd);
    ring_works = works;
}

static void test_ring_stays(void)
{
    pid_t child = fork();
    if (child == 0) {
        co_init();
        struct aio *aio = aio_new(NULL, NULL);
        aio_retire(aio, true);
        bool is_ring = !strcmp(aio_name(aio), "io_uring");
        close_as(READING);
        co_start(use_ring, aio);
        while (co_live())
            g_main_context_iteration(NULL, TRUE);
        aio_free(aio);
        _exit(!is_ring ? 77 : ring_works ? 0 : 1);
    }
    int status = ended(child);
    if (status == 77)
        g_test_skip("no io_uring here");
    else
        g_assert_cmpint(status, ==, 0);
}

/* ---- the program itself, as the kernel would run it ---- */

static uint32_t answer(const struct seccomp_rules *rules, const struct seccomp_data *data)
{
    struct sock_filter program[SECCOMP_PROGRAM_MAX];
    unsigned len = seccomp_program(rules, program);
    uint32_t a = 0;
    for (unsigned at = 0; at < len; at++) {
        const struct sock_filter *i = &program[at];
        switch (i->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            memcpy(&a, (const char *)data + i->k, sizeof(a));
            break;
        case BPF_ALU | BPF_AND | BPF_K:
            a &= i->k;
            break;
        case BPF_JMP | BPF_JA:
            at += i->k;
            break;
        case BPF_JMP | BPF_JEQ | BPF_K:
            at += a == i->k ? i->jt : i->jf;
            break;
        case BPF_JMP | BPF_JGE | BPF_K:
            at += a >= i->k ? i->jt : i->jf;
            break;
        case BPF_JMP | BPF_JSET | BPF_K:
            at += a & i->k ? i->jt : i->jf;
            break;
        case BPF_RET | BPF_K:
            return i->k;
        default:
            g_assert_not_reached();
        }
    }
    g_assert_not_reached();
}

#if defined __x86_64__
#define ARCH AUDIT_ARCH_X86_64
#elif defined __aarch64__
#define ARCH AUDIT_ARCH_AARCH64
#else
#define ARCH 0
#endif

static void test_program(void)
{
    if (!ARCH) {
        g_test_skip("no table for this architecture");
        return;
    }
    for (unsigned bits = 0; bits < 32; bits++) {
        struct seccomp_rules rules = {.opens_for_writing = bits & 1, .changes_names = bits & 2, .changes_files = bits & 4, .network = bits & 8,
                                      .broker = bits & 16, .helpers = {1}};
        unsigned allowed = 0;
        for (int number = 0; number < 1024; number++) {
            struct seccomp_data data = {.nr = number, .arch = ARCH};
            uint32_t said = answer(&rules, &data);
            allowed += said == SECCOMP_RET_ALLOW;
            g_assert_true(said == SECCOMP_RET_ALLOW || said == (SECCOMP_RET_ERRNO | EPERM) || said == (SECCOMP_RET_ERRNO | ENOSYS));
            /* x32 has the same numbers with a bit; another architecture has others. */
            data.nr = number | 0x40000000;
            g_assert_cmphex(answer(&rules, &data), ==, SECCOMP_RET_ERRNO | ENOSYS);
            data = (struct seccomp_data){.nr = number, .arch = AUDIT_ARCH_I386};
            g_assert_cmphex(answer(&rules, &data), ==, SECCOMP_RET_KILL_PROCESS);
        }
        g_assert_cmpuint(allowed, <, rules.broker ? 50 : 180);
        struct seccomp_data none = {.nr = -1, .arch = ARCH};
        g_assert_cmphex(answer(&rules, &none), ==, SECCOMP_RET_ERRNO | ENOSYS);
    }
}

/* A pointer is NULL in both of its halves. */
static void test_upper_halves(void)
{
    struct seccomp_rules rules = {0};
    struct seccomp_data ask = {.nr = SYS_prlimit64, .arch = ARCH}, set = ask, set_high = ask;
    set.args[2] = 4096;
    set_high.args[2] = (uint64_t)1 << 32;
    if (!ARCH || CO_ASAN || CO_TSAN) {
        g_test_skip("no table for this architecture, or one for a sanitizer");
        return;
    }
    g_assert_cmphex(answer(&rules, &ask), ==, SECCOMP_RET_ALLOW);
    g_assert_cmphex(answer(&rules, &set), ==, SECCOMP_RET_ERRNO | EPERM);
    g_assert_cmphex(answer(&rules, &set_high), ==, SECCOMP_RET_ERRNO | EPERM);
}

#if defined __x86_64__
/* getpid of 32-bit programs, which has the number of another call here. */
static int call_other_architecture(void)
{
    int result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory", "r8", "r9", "r10", "r11");
    return 0;
}

static void test_other_architecture(void)
{
    if (lacks(SANDBOX_CALLS))
        return;
    pid_t child = fork();
    if (child == 0)
        _exit(call_other_architecture());
    g_assert_cmpint(child, >, 0);
    if (ended(child) != 0) {
        g_test_skip("this kernel has no calls of 32-bit programs");
        return;
    }
    g_assert_cmpint(in_sandbox(READING, call_other_architecture), ==, -SIGSYS);
}
#endif

/* Closed once: what somebody asks for later changes nothing. */
static int close_again(void)
{
    close_as(WRITING);
    return open(image, O_RDWR);
}

static void test_once(void)
{
    if (lacks(SANDBOX_ALL))
        return;
    assert_refused(in_sandbox(READING, close_again));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    make_folder();
    for (unsigned i = 0; i < G_N_ELEMENTS(attempts); i++) {
        g_autofree char *name = g_strconcat("/sandbox/denied/", attempts[i].name, NULL);
        g_test_add_data_func(name, &attempts[i], test_denied);
    }
    g_test_add_func("/sandbox/left", test_left);
    g_test_add_func("/sandbox/open-descriptors-stay", test_open_descriptors_stay);
    g_test_add_func("/sandbox/state", test_state);
    g_test_add_func("/sandbox/writing", test_writing);
    g_test_add_func("/sandbox/served", test_served);
    g_test_add_func("/sandbox/older-thread", test_older_thread);
    g_test_add_func("/sandbox/pool", test_pool);
    g_test_add_func("/sandbox/ring-stays", test_ring_stays);
    g_test_add_func("/sandbox/program", test_program);
    g_test_add_func("/sandbox/upper-halves", test_upper_halves);
#if defined __x86_64__
    g_test_add_func("/sandbox/other-architecture", test_other_architecture);
#endif
    g_test_add_func("/sandbox/once", test_once);
    int ret = g_test_run();
    remove_folder();
    return ret;
}
