/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The sandbox on kernels with an older Landlock, and with none.  The linker puts __wrap_syscall() before what landlock.c calls (ld --wrap): it refuses
 * what a kernel of that ABI would refuse, with its errors (landlock(7)), and hands on the rest, so that what is enforced is what the real one does.
 */
#include "config.h"


#include "io/landlock.h"
#include "sandbox-attempts.h"

enum { CREATE_RULESET = 444, ADD_RULE = 445, NOT_PRETENDED = -1, ABI_MAX = 7 };
static int pretended = NOT_PRETENDED; /* the ABI */
static int none_error;                /* 0: with which errno there is none */

long __real_syscall(long number, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f);

static long refuse(int error)
{
    errno = error;
    return -1;
}

/* Members of struct landlock_ruleset_attr by ABI. */
static bool knows(const uint64_t *members, size_t bytes, int *ret_error)
{
    static const int fs_bits[] = {0, 13, 14, 15, 15, 16, 16, 16};
    size_t known = pretended >= 6 ? 3 : pretended >= 4 ? 2 : 1;
    uint64_t any = 0;
    *ret_error = 0;
    for (size_t i = 0; i < bytes / sizeof(*members); i++) {
        any |= members[i];
        if (i >= known && members[i])
            *ret_error = E2BIG;
    }
    if (!any)
        *ret_error = ENOMSG;
    else if (!*ret_error && members[0] >> fs_bits[pretended])
        *ret_error = EINVAL;
    return !*ret_error;
}

long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    int error;
    if (pretended == 0 && number >= CREATE_RULESET && number <= CREATE_RULESET + 2)
        return refuse(none_error);
    if (pretended > 0 && number == CREATE_RULESET) {
        if (c)
            return pretended;
        if (!knows((const uint64_t *)a, (size_t)b, &error))
            return refuse(error);
    }
    if (pretended > 0 && pretended < 4 && number == ADD_RULE && b != 1)
        return refuse(EINVAL);
    return __real_syscall(number, a, b, c, d, e, f);
}

/* ---- what is denied ---- */

#ifdef SANDBOX_COVERAGE_FOLDER
enum { COUNTS_LINES = 1 };
#else
enum { COUNTS_LINES = 0 };
#endif

/* A session that keeps state (or counts its lines) has its filter let files be opened and named: where, only Landlock says. */
static bool is_landlocks(const struct attempt *attempt)
{
    static int (*const its[])(void) = {open_to_write, open_to_update, open_to_append, open_new, open_new_to_read, open_nameless, open_descriptor_again,
                                       remove_file, remove_folder_, rename_file, exchange_files, make_folder_};
    for (unsigned i = 0; i < G_N_ELEMENTS(its); i++) {
        if (its[i] == attempt->try)
            return true;
    }
    return false;
}

static void try_all(enum kind kind)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(attempts); i++) {
        const struct attempt *attempt = &attempts[i];
        if (left_to_sanitizer(attempt) || (pretended == 0 && (COUNTS_LINES || kind == READING_WITH_STATE) && is_landlocks(attempt)))
            continue;
        int error = in_sandbox(kind, attempt->try);
        g_test_message("%s: %s", attempt->name, g_strerror(error));
        g_assert_true(error == EPERM || error == EACCES || (attempt->error && error == attempt->error) || (error == EXDEV && attempt->try == exchange_files));
    }
    g_autofree char *text = NULL;
    g_assert_true(g_file_get_contents(image, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "image");
    g_assert_false(g_file_test(fresh, G_FILE_TEST_EXISTS));
}

static int have_state(void)
{
    const struct sandbox_state *now = sandbox_state();
    return now->landlock_abi == pretended && now->parts == (pretended ? SANDBOX_ALL : SANDBOX_CALLS) && !now->reason == (pretended > 0) && now->read_only ? 0 : -1;
}

static int keep(void)
{
    g_autofree char *path = g_build_filename(state, "history", NULL);
    return g_file_set_contents_full(path, "1", 1, G_FILE_SET_CONTENTS_CONSISTENT, 0600, NULL) && open("/dev/null", O_RDWR) >= 0 ? 0 : -1;
}

static int write_image(void)
{
    int fd = open(image, O_RDWR);
    return fd >= 0 && pwrite(fd, "image", 5, 0) == 5 && rename(image, fresh) == 0 && rename(fresh, image) == 0 && execute() < 0 && make_socket() < 0 ? 0 : -1;
}

static void test_abi(const void *data)
{
    int abi = GPOINTER_TO_INT(data), kernels = (pretended = NOT_PRETENDED, landlock_abi());
    if (abi > kernels) {
        g_test_skip("the kernel's own Landlock is older");
        return;
    }
    if (lacks(SANDBOX_CALLS))
        return;
    pretended = abi;
    g_assert_cmpint(in_sandbox(READING, have_state), ==, 0);
    try_all(READING);
    g_assert_cmpint(in_sandbox(READING_WITH_STATE, keep), ==, 0);
    try_all(READING_WITH_STATE);
    g_assert_cmpint(in_sandbox(WRITING, write_image), ==, 0);
}

static void test_absent(const void *data)
{
    none_error = GPOINTER_TO_INT(data);
    test_abi(GINT_TO_POINTER(0));
}

/* ---- connections: before ABI 4 only the program itself holds them to one server ---- */

static int is_held_to_one_server(void)
{
    return sandbox_state()->any_server ? 1 : connect_to_port() < 0 && errno == EACCES ? -1 : 0;
}

/* What the state says is so. */
static void test_servers(void)
{
    int other, first = listen_somewhere(&port), second = listen_somewhere(&other);
    pretended = NOT_PRETENDED;
    int kernels = landlock_abi();
    none_error = ENOSYS;
    for (pretended = 0; pretended <= MIN(kernels, ABI_MAX); pretended++) {
        tried_port = port;
        g_assert_cmpint(in_sandbox(SERVED, connect_to_port), ==, 0);
        tried_port = other;
        g_assert_cmpint(in_sandbox(SERVED, connect_to_port), ==, pretended >= 4 ? EACCES : 0);
        g_assert_cmpint(in_sandbox(SERVED, is_held_to_one_server), ==, pretended >= 4 ? EACCES : 0);
    }
    close(first);
    close(second);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    make_folder();
    g_test_add_data_func("/older-landlock/not-built", GINT_TO_POINTER(ENOSYS), test_absent);
    g_test_add_data_func("/older-landlock/switched-off", GINT_TO_POINTER(EOPNOTSUPP), test_absent);
    for (int abi = 1; abi <= ABI_MAX; abi++) {
        g_autofree char *name = g_strdup_printf("/older-landlock/%d", abi);
        g_test_add_data_func(name, GINT_TO_POINTER(abi), test_abi);
    }
    g_test_add_func("/older-landlock/servers", test_servers);
    int ret = g_test_run();
    remove_folder();
    return ret;
}
