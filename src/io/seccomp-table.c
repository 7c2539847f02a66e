/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "io/seccomp-table.h"

#include <asm/termbits.h>
#include <asm/unistd.h>
#include <fcntl.h>
#include <linux/blkzoned.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/hdreg.h>
#include <linux/sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "io/co-stack.h" /* which sanitizer this is built with */

#define LIST(...) ((const uint32_t[]){__VA_ARGS__, SECCOMP_LIST_END})
#define CHECK(...) (&(const struct seccomp_check){__VA_ARGS__})
#define ALWAYS CHECK(SECCOMP_ALWAYS)
#define MISSING CHECK(SECCOMP_MISSING)

/* ---- arguments ---- */

/* Files are opened for reading; O_TMPFILE has a writing mode with it. */
#define READ_ONLY(index) CHECK(SECCOMP_NONE_OF, index, O_ACCMODE | O_CREAT | O_TRUNC)
/* Opened for reading and cut off: Landlock has no right for that before its ABI 3. */
#define NO_BARE_TRUNCATION(index) CHECK(SECCOMP_MASKED_NOT, index, O_ACCMODE | O_TRUNC, O_RDONLY | O_TRUNC)

/* Memory is never both written and run, and no more code comes into the process. */
#define NO_CODE CHECK(SECCOMP_NONE_OF, 2, PROT_EXEC)

/* No TIOCSTI, which types into the terminal, and no TIOCSETD, TIOCLINUX, loop devices, file systems, ... */
#define IOCTLS                                                                                                                            \
    TCGETS, TCSETS, TCSETSW, TCSETSF, TCFLSH, TCXONC, TIOCGWINSZ, TIOCGPGRP, TIOCOUTQ, FIONREAD, FIONBIO, FIOCLEX,                        \
        /* disks */                                                                                                                       \
        BLKROGET, BLKGETSIZE, BLKGETSIZE64, BLKSSZGET, BLKPBSZGET, BLKIOMIN, BLKIOOPT, BLKALIGNOFF, BLKSECTGET, BLKDISCARDZEROES,         \
        BLKROTATIONAL, BLKGETZONESZ, BLKGETNRZONES, BLKREPORTZONE, HDIO_GETGEO,                                                           \
        /* these need a descriptor that is open for writing */                                                                            \
        BLKFLSBUF, BLKDISCARD, BLKZEROOUT, BLKOPENZONE, BLKCLOSEZONE, BLKFINISHZONE, BLKRESETZONE,                                        \
        FIGETBSZ, FS_IOC_FIEMAP, FS_IOC_GETFLAGS, FS_IOC_FSGETXATTR

/* No F_SETOWN and F_SETSIG, which have the kernel send signals to others, no F_NOTIFY, no leases. */
static const uint32_t fcntls[] = {
    F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETLK, F_SETLK, F_OFD_GETLK, F_OFD_SETLK, F_GETPIPE_SZ, F_SETPIPE_SZ,
    SECCOMP_LIST_END,
};

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

#define FAMILIES LIST(AF_UNIX, AF_INET, AF_INET6, AF_NETLINK)

/* ---- the table ---- */

#define ALL(name) {__NR_##name, SECCOMP_FOR_ALL, ALWAYS}
#define BROKER(name) {__NR_##name, SECCOMP_FOR_BROKER, ALWAYS}
#define SESSION(name) {__NR_##name, SECCOMP_FOR_SESSION, ALWAYS}
#define NAMES(name) {__NR_##name, SECCOMP_FOR_NAMES, ALWAYS}
#define CHANGES(name) {__NR_##name, SECCOMP_FOR_CHANGES, ALWAYS}
#define NETWORK(name) {__NR_##name, SECCOMP_FOR_NETWORK, ALWAYS}
#define IF(name, ...) {__NR_##name, SECCOMP_FOR_SESSION, CHECK(__VA_ARGS__)}

/* clang-format off */
const struct seccomp_call seccomp_table[] = {
    /* ---- descriptors that are open ---- */
    ALL(close), ALL(fstat), ALL(recvmsg), ALL(sendmsg), ALL(read), ALL(write),
    SESSION(readv), SESSION(writev), SESSION(pread64), SESSION(pwrite64), SESSION(preadv), SESSION(pwritev), SESSION(preadv2), SESSION(pwritev2),
    SESSION(lseek), SESSION(fsync), SESSION(fdatasync), SESSION(sync_file_range), SESSION(fadvise64), SESSION(fallocate), SESSION(ftruncate),
    SESSION(copy_file_range), SESSION(sendfile), SESSION(dup), SESSION(dup3), SESSION(flock), SESSION(fstatfs), SESSION(getdents64), SESSION(pipe2),
    SESSION(eventfd2), SESSION(inotify_init1), SESSION(inotify_add_watch), SESSION(inotify_rm_watch), SESSION(ppoll), SESSION(pselect6),
    SESSION(io_uring_enter), /* of a ring that can do what io/aio-uring.c asks of it and nothing else */
    IF(ioctl, SECCOMP_IN, 1, .values = LIST(IOCTLS)),
    {__NR_ioctl, SECCOMP_FOR_CHANGES, CHECK(SECCOMP_IN, 1, .values = LIST(IOCTLS, FS_IOC_SETFLAGS))}, /* on any descriptor */
    {__NR_ioctl, SECCOMP_FOR_BROKER, CHECK(SECCOMP_IN, 1, .values = LIST(FS_IOC_GETFLAGS, FS_IOC_SETFLAGS))}, /* of what it makes */
    IF(fcntl, SECCOMP_IN, 1, .values = fcntls),

    /* ---- files by name ---- */
    SESSION(statx), SESSION(newfstatat), SESSION(faccessat), SESSION(faccessat2), SESSION(readlinkat), SESSION(statfs), SESSION(getcwd),
    {__NR_openat, SECCOMP_FOR_READING, READ_ONLY(2)},
    {__NR_openat, SECCOMP_FOR_OPENING, NO_BARE_TRUNCATION(2)},
    {__NR_openat2, SECCOMP_FOR_SESSION, MISSING}, /* its flags are behind a pointer */
    NAMES(mkdirat), NAMES(unlinkat), NAMES(renameat2),
    CHANGES(linkat), CHANGES(truncate), CHANGES(fchmod), CHANGES(fchown), CHANGES(fchmodat), CHANGES(fchownat),
    BROKER(openat), BROKER(newfstatat), BROKER(readlinkat), BROKER(unlinkat), BROKER(renameat2), BROKER(linkat), BROKER(fcntl),

    /* ---- memory, threads, time ---- */
    ALL(munmap), ALL(brk), ALL(madvise), ALL(futex), ALL(exit), ALL(exit_group), ALL(rt_sigreturn), ALL(restart_syscall), ALL(rt_sigprocmask),
    {__NR_mmap, SECCOMP_FOR_ALL, NO_CODE}, {__NR_mprotect, SECCOMP_FOR_ALL, NO_CODE},
    SESSION(mremap), SESSION(membarrier), SESSION(set_robust_list), SESSION(rseq), SESSION(set_tid_address),
    IF(clone, SECCOMP_ANY_OF, 0, CLONE_THREAD),
    {__NR_clone3, SECCOMP_FOR_SESSION, MISSING}, /* its flags are behind a pointer */
    SESSION(sched_yield), SESSION(sched_getaffinity), SESSION(sched_getattr), SESSION(sched_getparam), SESSION(sched_getscheduler), SESSION(getcpu),
    SESSION(nanosleep), SESSION(clock_nanosleep), SESSION(clock_gettime), SESSION(clock_getres), SESSION(gettimeofday), SESSION(times),
    SESSION(getrusage), SESSION(getrandom), SESSION(uname), SESSION(sysinfo), SESSION(getitimer), SESSION(setitimer),
    IF(prctl, SECCOMP_IN, 0, .values = LIST(PR_SET_NAME, PR_GET_NAME, PR_SET_VMA)),
    IF(prlimit64, SECCOMP_NULL, 2),
    SESSION(getrlimit),

    /* ---- processes and signals ---- */
    SESSION(getpid), SESSION(getppid), SESSION(gettid), SESSION(getpgid), SESSION(getsid), SESSION(getuid), SESSION(geteuid), SESSION(getgid),
    SESSION(getegid), SESSION(getgroups), SESSION(wait4), SESSION(waitid), SESSION(pidfd_open),
    SESSION(rt_sigaction), SESSION(rt_sigsuspend), SESSION(rt_sigpending), SESSION(rt_sigtimedwait), SESSION(sigaltstack),
    IF(kill, SECCOMP_OURS, 0),
    IF(tgkill, SECCOMP_OURSELVES, 0),

    /* ---- connections ---- */
    SESSION(recvfrom), SESSION(sendto), SESSION(shutdown), SESSION(getsockopt), SESSION(setsockopt), SESSION(getsockname), SESSION(getpeername),
    {__NR_socket, SECCOMP_FOR_NETWORK, CHECK(SECCOMP_IN, 0, .values = FAMILIES)},
    NETWORK(connect), NETWORK(bind), NETWORK(sendmmsg), NETWORK(recvmmsg),

#if defined __x86_64__
    /* What other architectures never had. */
    SESSION(stat), SESSION(lstat), SESSION(access), SESSION(readlink), SESSION(getdents), SESSION(dup2), SESSION(pipe), SESSION(poll), SESSION(select),
    SESSION(time), SESSION(alarm), SESSION(pause), SESSION(getpgrp), SESSION(arch_prctl),
    {__NR_open, SECCOMP_FOR_READING, READ_ONLY(1)},
    {__NR_open, SECCOMP_FOR_OPENING, NO_BARE_TRUNCATION(1)},
    NAMES(mkdir), NAMES(unlink), NAMES(rename),
    CHANGES(link), CHANGES(chmod), CHANGES(chown),
    BROKER(unlink), BROKER(readlink), BROKER(link),
#endif
#if defined __aarch64__
    NAMES(renameat),
#endif
#if CO_ASAN || CO_TSAN
    /* The leak checker stops all threads from a process of its own. */
    SESSION(clone), SESSION(ptrace), SESSION(tkill), SESSION(prctl), SESSION(process_vm_readv), SESSION(prlimit64), SESSION(kill), SESSION(getdents64),
#endif
    {},
};
/* clang-format on */
