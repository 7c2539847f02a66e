/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Preloaded into the program under test: counts its calls of the C library by name, from main() on, and makes one of them fail.
 *
 *   FAULT_COUNTERS  a file of at least sizeof(struct counters) bytes; it is mapped, so that it tells whatever the end of the program was
 *   FAULT_CALL      the call that fails; `alloc` is any of those that allocate
 *   FAULT_AT        which one of them, from 1
 *   FAULT_ERRNO     with which errno; 0: it does a part only (reads and writes)
 *   FAULT_ON        set: all that follow fail, too
 *   FAULT_TRAP      set: it raises SIGTRAP, for a debugger
 *
 * Reads and writes of an eventfd are left alone: the kernel has no error for them, and nobody could do anything about one.
 */
#include <stdatomic.h>
#include <stddef.h>

#include "../preload.h"

enum { CALLS_MAX = 96, NAME_ROOM = 24, WORDS = 6 };

struct counters {
    atomic_long hit; /* how many failed */
    struct {
        char name[NAME_ROOM];
        atomic_long count;
    } calls[CALLS_MAX];
};

struct part {
    void *base;
    unsigned long len;
};

extern int *__errno_location(void);
extern char *getenv(const char *name);
extern int unsetenv(const char *name);
extern long strtol(const char *text, char **end, int base);
extern int strcmp(const char *a, const char *b);
extern char *strncpy(char *to, const char *from, unsigned long n);
extern int raise(int signal);
extern long syscall(long number, ...);
extern void *__libc_malloc(unsigned long bytes), *__libc_calloc(unsigned long n, unsigned long bytes),
    *__libc_realloc(void *old, unsigned long bytes), *__libc_memalign(unsigned long alignment, unsigned long bytes);

enum { TRAP = 5, OUT_OF_MEMORY = 12 };

static struct counters unused_counters, *counters = &unused_counters;
static const char *failing;
static long at, error;
static int armed, on, trap;
static atomic_long allocations;
static atomic_int calls;

static int matches(int call)
{
    return failing && !strcmp(failing, counters->calls[call].name);
}

static int fails_now(long number)
{
    if (number < at || (number > at && !on))
        return 0;
    atomic_fetch_add(&counters->hit, 1);
    if (trap)
        raise(TRAP);
    return 1;
}

static int slot_of(int *slot, const char *name)
{
    if (!*slot) {
        int call = atomic_fetch_add(&calls, 1);
        strncpy(counters->calls[call].name, name, NAME_ROOM - 1);
        *slot = call + 1;
    }
    return *slot - 1;
}

/* Whether this call is to fail; for one that does a part, errno 0. */
static int fault(int *slot, const char *name)
{
    if (!armed)
        return 0;
    int call = slot_of(slot, name);
    long number = atomic_fetch_add(&counters->calls[call].count, 1) + 1;
    return matches(call) && fails_now(number);
}

/* For requests of a ring, which ring.c finds by this name; ret_error: 0 if it is to do a part. */
int ring_fault(int *slot, const char *name, int *ret_error);
int ring_fault(int *slot, const char *name, int *ret_error)
{
    *ret_error = (int)error;
    return fault(slot, name);
}

static int fault_alloc(int *slot, const char *name)
{
    if (!armed)
        return 0;
    atomic_fetch_add(&counters->calls[slot_of(slot, name)].count, 1);
    long number = atomic_fetch_add(&allocations, 1) + 1;
    if (!failing || strcmp(failing, "alloc") || !fails_now(number))
        return 0;
    *__errno_location() = OUT_OF_MEMORY;
    return 1;
}

/* ---- what allocates ---- */

void *malloc(unsigned long bytes);
void *calloc(unsigned long n, unsigned long bytes);
void *realloc(void *old, unsigned long bytes);
int posix_memalign(void **ret_memory, unsigned long alignment, unsigned long bytes);

void *malloc(unsigned long bytes)
{
    static int slot;
    return fault_alloc(&slot, "malloc") ? NULL : __libc_malloc(bytes);
}

void *calloc(unsigned long n, unsigned long bytes)
{
    static int slot;
    return fault_alloc(&slot, "calloc") ? NULL : __libc_calloc(n, bytes);
}

void *realloc(void *old, unsigned long bytes)
{
    static int slot;
    return bytes && fault_alloc(&slot, "realloc") ? NULL : __libc_realloc(old, bytes);
}

int posix_memalign(void **ret_memory, unsigned long alignment, unsigned long bytes)
{
    static int slot;
    if (fault_alloc(&slot, "posix_memalign"))
        return OUT_OF_MEMORY;
    void *memory = __libc_memalign(alignment, bytes);
    if (!memory)
        return OUT_OF_MEMORY;
    *ret_memory = memory;
    return 0;
}

/* ---- the others ---- */

#define ARGUMENTS long a, long b, long c, long d, long e, long f
#define FAILS(name, failure)                                                                                                               \
    long name(ARGUMENTS);                                                                                                                  \
    long name(ARGUMENTS)                                                                                                                   \
    {                                                                                                                                      \
        static int slot;                                                                                                                   \
        static call_fn *next;                                                                                                              \
        if (fault(&slot, #name)) {                                                                                                         \
            *__errno_location() = (int)error;                                                                                              \
            return failure;                                                                                                                \
        }                                                                                                                                  \
        return real(&next, #name)(a, b, c, d, e, f);                                                                                       \
    }

static unsigned char is_eventfd[1024];

/* Whether it was made by eventfd(), which notes it below. */
static int wakes(long fd)
{
    return fd >= 0 && fd < (long)sizeof(is_eventfd) && is_eventfd[fd];
}

/* shorten makes of the arguments those for a part of the bytes. */
#define FAILS_OR_SHORTENS(name, shorten)                                                                                                   \
    long name(ARGUMENTS);                                                                                                                  \
    long name(ARGUMENTS)                                                                                                                   \
    {                                                                                                                                      \
        static int slot;                                                                                                                   \
        static call_fn *next;                                                                                                              \
        struct part part;                                                                                                                  \
        if (!wakes((int)a) && fault(&slot, #name)) {                                                                                                         \
            if (error) {                                                                                                                   \
                *__errno_location() = (int)error;                                                                                          \
                return -1;                                                                                                                 \
            }                                                                                                                              \
            shorten;                                                                                                                       \
        }                                                                                                                                  \
        return real(&next, #name)(a, b, c, d, e, f);                                                                                       \
    }

#define SHORTER_BUFFER ((void)part, c = c > 1 ? c / 2 : c)
#define SHORTER_VECTOR                                                                                                                     \
    (part = *(struct part *)b, part.len = part.len > 1 ? part.len / 2 : part.len, b = (long)&part, c = 1)

FAILS_OR_SHORTENS(read, SHORTER_BUFFER)
FAILS_OR_SHORTENS(pread64, SHORTER_BUFFER)
FAILS_OR_SHORTENS(preadv64, SHORTER_VECTOR)
FAILS_OR_SHORTENS(preadv64v2, SHORTER_VECTOR)
FAILS_OR_SHORTENS(write, SHORTER_BUFFER)
FAILS_OR_SHORTENS(pwrite64, SHORTER_BUFFER)
FAILS_OR_SHORTENS(pwritev64, SHORTER_VECTOR)
FAILS_OR_SHORTENS(pwritev64v2, SHORTER_VECTOR)

FAILS(open, -1)
FAILS(open64, -1)
FAILS(__open64_2, -1)
FAILS(openat, -1)
FAILS(openat64, -1)
FAILS(creat, -1)

/* As Linux does: it is closed all the same. */
long close(ARGUMENTS);
long close(ARGUMENTS)
{
    static int slot;
    static call_fn *next;
    int failing_now = fault(&slot, "close");
    if (a >= 0 && a < (long)sizeof(is_eventfd))
        is_eventfd[a] = 0;
    long ret = real(&next, "close")((int)a, b, c, d, e, f);
    if (!failing_now)
        return ret;
    *__errno_location() = (int)error;
    return -1;
}

FAILS(fcntl, -1)
FAILS(fcntl64, -1)
FAILS(flock, -1)
FAILS(fsync, -1)
FAILS(fdatasync, -1)
FAILS(fallocate64, -1)
FAILS(ftruncate64, -1)
FAILS(lseek64, -1)
FAILS(fstat, -1)
FAILS(fstat64, -1)
FAILS(stat, -1)
FAILS(stat64, -1)
FAILS(lstat, -1)
FAILS(lstat64, -1)
FAILS(statx, -1)
FAILS(access, -1)
FAILS(ioctl, -1)
FAILS(mmap, -1)
FAILS(mmap64, -1)
FAILS(mprotect, -1)
FAILS(madvise, -1)
FAILS(memfd_create, -1)
FAILS(poll, -1)

long eventfd(ARGUMENTS);
long eventfd(ARGUMENTS)
{
    static int slot;
    static call_fn *next;
    if (fault(&slot, "eventfd")) {
        *__errno_location() = (int)error;
        return -1;
    }
    int fd = (int)real(&next, "eventfd")(a, b, c, d, e, f);
    if (fd >= 0 && fd < (int)sizeof(is_eventfd))
        is_eventfd[fd] = 1;
    return fd;
}

FAILS(pipe2, -1)
FAILS(inotify_init1, -1)
FAILS(inotify_add_watch, -1)
FAILS(pthread_create, error)
FAILS(fork, -1)
FAILS(socket, -1)
FAILS(bind, -1)
FAILS(listen, -1)
FAILS(opendir, 0)
FAILS(readdir64, 0)
FAILS(realpath, 0)
FAILS(fopen64, 0)
FAILS(fdopen, 0)
FAILS(rename, -1)
FAILS(renameat2, -1)
FAILS(link, -1)
FAILS(unlink, -1)
FAILS(rmdir, -1)
FAILS(mkdir, -1)
FAILS(fchmod, -1)
FAILS(fchown, -1)
FAILS(fchmodat, -1)
FAILS(tcgetattr, -1)
FAILS(tcsetattr, -1)
FAILS(sigaltstack, -1)
FAILS(sigaction, -1)

/* ---- from main() on ---- */

static long number_of(const char *name)
{
    const char *text = getenv(name);
    return text ? strtol(text, NULL, 0) : 0;
}

typedef int main_fn(int argc, char **argv, char **environment);
static main_fn *real_main;

static int armed_main(int argc, char **argv, char **environment)
{
    struct counters *shared = map_shared(getenv("FAULT_COUNTERS"), sizeof *shared);
    if (shared)
        counters = shared;
    failing = getenv("FAULT_CALL");
    at = number_of("FAULT_AT");
    error = number_of("FAULT_ERRNO");
    on = getenv("FAULT_ON") != NULL;
    trap = getenv("FAULT_TRAP") != NULL;
    unsetenv("LD_PRELOAD"); /* not for the programs that this one starts */
    armed = 1;
    return real_main(argc, argv, environment);
}

typedef int start_fn(main_fn *, int, char **, void *, void *, void *, void *);
start_fn __libc_start_main;

int __libc_start_main(main_fn *start, int argc, char **argv, void *init, void *fini, void *rtld_fini, void *stack_end)
{
    start_fn *next;
    *(void **)&next = dlsym(next_object, "__libc_start_main");
    real_main = start;
    return next(armed_main, argc, argv, init, fini, rtld_fini, stack_end);
}
