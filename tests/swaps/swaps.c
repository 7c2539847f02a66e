/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Preloaded into the program under test and what it starts: before the N-th call that names a certain file, that name comes to mean another one.
 *
 *   SWAP_COUNTERS  a file of at least sizeof(struct counters) bytes, shared by all processes
 *   SWAP_NAME      calls whose path ends in this count
 *   SWAP_AT        before which of them, from 1; 0: none
 *   SWAP_THIS      these two names are exchanged then
 *   SWAP_THAT
 *   SWAP_POUR      set: the bytes of THAT are written over those of THIS instead, as far as 64 KiB
 *   SWAP_BACK      set: and again behind that call
 *
 * The program's sandbox would forbid that: it has to be off.
 */
#include <stdatomic.h>
#include <stddef.h>

#include "../preload.h"

struct counters {
    atomic_long calls;
    atomic_long opened; /* the number of the first call that opened the file */
};

extern int *__errno_location(void);
extern char *getenv(const char *name);
extern long strtol(const char *text, char **end, int base);
extern int strcmp(const char *a, const char *b);
extern unsigned long strlen(const char *text);
extern int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags);
extern void abort(void);
extern long read(int fd, void *buf, unsigned long n), write(int fd, const void *buf, unsigned long n);
extern int ftruncate(int fd, long length), close(int fd);

enum { NOWHERE = -100 /* AT_FDCWD */, EXCHANGE = 2, READ_WRITE = 2, POURED_MAX = 65536 };

static struct counters *counters;

__attribute__((constructor)) static void map_counters(void)
{
    counters = map_shared(getenv("SWAP_COUNTERS"), sizeof *counters);
}

/* The number of the call, 0: it does not count. */
static long count(const char *path)
{
    const char *name = getenv("SWAP_NAME");
    unsigned long n = path ? strlen(path) : 0, len = name ? strlen(name) : 0;
    if (!counters || !len || n < len || strcmp(path + n - len, name) != 0)
        return 0;
    return atomic_fetch_add(&counters->calls, 1) + 1;
}

static void pour(void)
{
    static call_fn *next;
    static char bytes[POURED_MAX];
    int from = (int)real(&next, "open64")((long)getenv("SWAP_THAT"), 0, 0, 0, 0, 0);
    int to = (int)real(&next, "open64")((long)getenv("SWAP_THIS"), READ_WRITE, 0, 0, 0, 0);
    long n = read(from, bytes, sizeof(bytes));
    if (from < 0 || to < 0 || n < 0 || write(to, bytes, (unsigned long)n) != n || ftruncate(to, n) < 0)
        abort();
    close(from);
    close(to);
}

static void swap(void)
{
    int before = *__errno_location();
    if (getenv("SWAP_POUR"))
        pour();
    else if (renameat2(NOWHERE, getenv("SWAP_THIS"), NOWHERE, getenv("SWAP_THAT"), EXCHANGE) < 0)
        abort();
    *__errno_location() = before;
}

static int is_wanted(long number)
{
    const char *at = getenv("SWAP_AT");
    return number && at && strtol(at, NULL, 10) == number;
}

#define ARGUMENTS long a, long b, long c, long d, long e, long f
#define COUNTED(name, path, opens)                                                                                                         \
    long name(ARGUMENTS);                                                                                                                  \
    long name(ARGUMENTS)                                                                                                                   \
    {                                                                                                                                      \
        static call_fn *next;                                                                                                              \
        long number = count((const char *)path), none = 0;                                                                                 \
        if (is_wanted(number))                                                                                                             \
            swap();                                                                                                                        \
        long ret = real(&next, #name)(a, b, c, d, e, f);                                                                                   \
        if (opens && number && (int)ret >= 0)                                                                                              \
            atomic_compare_exchange_strong(&counters->opened, &none, number);                                                              \
        if (is_wanted(number) && getenv("SWAP_BACK"))                                                                                      \
            swap();                                                                                                                        \
        return ret;                                                                                                                        \
    }

COUNTED(open, a, 1)
COUNTED(open64, a, 1)
COUNTED(__open64_2, a, 1)
COUNTED(openat, b, 1)
COUNTED(openat64, b, 1)
COUNTED(stat, a, 0)
COUNTED(stat64, a, 0)
COUNTED(lstat, a, 0)
COUNTED(lstat64, a, 0)
COUNTED(statx, b, 0)
COUNTED(statfs64, a, 0)
COUNTED(access, a, 0)
COUNTED(realpath, a, 0)
